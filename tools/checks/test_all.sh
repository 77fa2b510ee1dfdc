#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_all.sh [STEP...]: the tests that need heavy frameworks, one script a step in tools/heavy/.
# A step installs what it needs and runs its tests; it writes build/reports-heavy/<step>.xml (JUnit).
# Two at a time (a good part of each is waiting, for servers and downloads); what a step prints
# comes when it ends. LAMELLA_STEPS_AT_ONCE=1: one after the other.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tools/checks/in_parallel.sh
say() { printf '\033[1m==>\033[0m %s\n' "$*"; }

reports=$PWD/build/reports-heavy
rm -rf "$reports"
mkdir -p "$reports"
failed=0
steps=("$@")
if [ ${#steps[@]} -eq 0 ]; then
  for script in tools/heavy/*.sh; do steps+=("$(basename "$script" .sh)"); done
fi

run_step() {
  local step=$1 log=$reports/$1.log start=$SECONDS rc=0
  "tools/heavy/$step.sh" "$reports/$step.xml" > "$log" 2>&1 || rc=$?
  say "heavy tests: $step, $((SECONDS - start)) s"
  cat "$log"
  [ "$rc" -eq 0 ] || { echo "FAILED: $step"; return 1; }
}

say "heavy tests: ${steps[*]}"
in_parallel "${LAMELLA_STEPS_AT_ONCE:-2}" run_step "${steps[@]}" || failed=1
.venv/bin/python tools/checks/count_tests.py "$reports" "${steps[@]/%/.xml}" || failed=1
exit $failed
