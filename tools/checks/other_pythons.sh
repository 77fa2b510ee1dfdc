#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# other_pythons.sh: the wheel of build/wheels under each Python from 3.10 on that is here, in an
# environment of its own, where both encoders encode; and what an older one is told.
set -euo pipefail
cd "$(dirname "$0")/../.."
unset PYTHONPATH LAMELLA_ENCODERS LAMELLA_PROGRAM VIRTUAL_ENV
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tried=0
for minor in 9 10 11 12 13 14; do
  python=
  for candidate in "python3.$minor" "${PYENV_ROOT:-/nowhere}/versions/3.$minor".*/bin/python; do
    # One that is on the path need not run: pyenv has names for all.
    if "$candidate" -c 'import ensurepip' 2> /dev/null; then python=$candidate; fi
  done
  [ -n "$python" ] || continue
  "$python" -m venv "$work/$minor"
  pip() { "$work/$minor/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
  if [ "$minor" -lt 10 ]; then
    if pip install --no-index --no-deps build/wheels/*.whl 2> "$work/said"; then
      echo "Python 3.$minor took the wheel" >&2
      exit 1
    fi
    printf 'Python 3.%s: refused (%s)\n' "$minor" "$(grep -m1 ERROR "$work/said")"
    continue
  fi
  pip install build/wheels/*.whl pytest
  "$work/$minor/bin/python" -m pytest -q -p no:cacheprovider python/tests_wheel/encoders_test.py
  printf 'Python 3.%s: works\n' "$minor"
  tried=$((tried + 1))
done
[ "$tried" -gt 0 ]
