# SPDX-License-Identifier: Apache-2.0
# Sourced. in_parallel MOST COMMAND ARGUMENT...: runs COMMAND (a function, too) for every ARGUMENT, MOST
# at a time. Its exit code is how many of them failed.

in_parallel() {
  local most=$1 command=$2 running=0 failed=0 argument
  shift 2
  for argument in "$@"; do
    if [ "$running" -ge "$most" ]; then
      wait -n || failed=$((failed + 1))
      running=$((running - 1))
    fi
    "$command" "$argument" &
    running=$((running + 1))
  done
  for ((; running > 0; running--)); do wait -n || failed=$((failed + 1)); done
  return "$failed"
}
