#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test_all.sh [STEP...]: the tests that need heavy frameworks, one script a step in tools/heavy/.
# A step installs what it needs and runs its tests; it writes build/reports-heavy/<step>.xml (JUnit).
set -uo pipefail
cd "$(dirname "$0")/.."
say() { printf '\033[1m==>\033[0m %s\n' "$*"; }

reports=$PWD/build/reports-heavy
rm -rf "$reports"
mkdir -p "$reports"
failed=0
steps=("$@")
if [ ${#steps[@]} -eq 0 ]; then
  for script in tools/heavy/*.sh; do steps+=("$(basename "$script" .sh)"); done
fi
for step in "${steps[@]}"; do
  say "heavy tests: $step"
  "tools/heavy/$step.sh" "$reports/$step.xml" || { echo "FAILED: $step"; failed=1; }
done
.venv/bin/python tools/count_tests.py "$reports" "${steps[@]/%/.xml}" || failed=1
exit $failed
