#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run_tests.sh BUILD_FOLDER: house rules, GoogleTest, pytest; one line of counts at the end.
set -uo pipefail
cd "$(dirname "$0")/../.."
folder=$1
say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
reports=$folder/reports
mkdir -p "$reports"
rm -f "$reports"/*.xml

case $folder in
  */asan) export LSAN_OPTIONS=suppressions=$PWD/tools/checks/lsan.supp UBSAN_OPTIONS=print_stacktrace=1 ;;
  */tsan) export TSAN_OPTIONS="halt_on_error=1 suppressions=$PWD/tools/checks/tsan.supp" ;;
esac

say "house rules"
.venv/bin/python tools/check_house.py || echo "house rules broken" > "$reports/house-failed"

say "C++ tests ($folder)"
ctest --test-dir "$folder" --output-on-failure --no-tests=error -j "$(nproc)" \
  --output-junit "$PWD/$reports/ctest.xml" | grep -v -E '(Passed|Start +[0-9]+)' 

say "command line and tools (pytest)"
LAMELLA_PROGRAM=$PWD/$folder/bin/lamella .venv/bin/python -m pytest -q -rs tests tools benchmarks \
  --durations=8 --durations-min=5 --junit-xml="$reports/pytest.xml"

names=(ctest.xml pytest.xml)
if [ -d "$folder/python/lamella" ]; then
  say "Python package (pytest)"
  LAMELLA_PROGRAM=$PWD/$folder/bin/lamella PYTHONPATH=$PWD/$folder/python .venv/bin/python -m pytest \
    -q -rs python/tests --junit-xml="$reports/pytest-python.xml"
  names+=(pytest-python.xml)
fi

.venv/bin/python tools/checks/count_tests.py "$reports" "${names[@]}"
