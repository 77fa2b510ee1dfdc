#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run_fuzz.sh [SECONDS]: every libFuzzer program for so long, under the address and undefined-
# behaviour sanitizers. Starts from testdata/fuzz/<program less _fuzz>; what it finds of interest
# stays in build/fuzz/corpus, what breaks in build/fuzz/broken.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tools/checks/in_parallel.sh
seconds=${1:-60}
tools/setup/install_apt.sh tools/setup/apt-packages-fuzz.txt || exit 1
tools/build/build.sh fuzz fuzzers || exit 1
export LSAN_OPTIONS="suppressions=$PWD/tools/checks/lsan.supp:print_suppressions=0"

fuzz_one() {
  local program=$1 name log
  name=$(basename "$program" _fuzz)
  log=build/fuzz/$name.log
  mkdir -p "build/fuzz/corpus/$name" "build/fuzz/broken"
  if "$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=1024 \
    -max_len=32768 -verbosity=0 -print_final_stats=1 -artifact_prefix=build/fuzz/broken/ \
    "build/fuzz/corpus/$name" "testdata/fuzz/$name" 2>"$log"; then
    printf '%s: %s inputs in %s s, none broke it\n' "$name" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$seconds"
  else
    tail -n 40 "$log"
    echo "$name: broken"
    return 1
  fi
}

programs=(build/fuzz/bin/*_fuzz)
failed=0
in_parallel "$(nproc)" fuzz_one "${programs[@]}" || failed=$?
echo "fuzz: $((${#programs[@]} - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
