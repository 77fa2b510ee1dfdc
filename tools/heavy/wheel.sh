#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# wheel.sh REPORT.xml: `pip install .` as on a fresh clone, then the wheel in an environment of its
# own: its tests, the package's, and the example notebook. No program of this machine is on the path.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/build/clean_install.sh
tools/build/make_wheel.sh
.venv-wheel-tools/bin/python tools/checks/wheel_needs.py build/wheels/*.whl
. tools/setup/environment.sh
make_environment .venv-wheel tools/heavy/wheel-requirements.txt
.venv-wheel/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall \
  --no-deps build/wheels/*.whl
.venv-wheel/bin/python -m pip check --disable-pip-version-check
# The same wheel under every other Python that is here; one that it is not for is told so.
tools/checks/other_pythons.sh
# Tables are also tried with an old pyarrow.
export LAMELLA_OTHER_PYARROW=$PWD/.venv-wheel/old-pyarrow
[ -d "$LAMELLA_OTHER_PYARROW/pyarrow" ] || .venv-wheel/bin/python -m pip install --quiet \
  --disable-pip-version-check --no-deps --target "$LAMELLA_OTHER_PYARROW" pyarrow==17.0.0
unset PYTHONPATH
LAMELLA_PROGRAM=$(echo .venv-wheel/lib/python3.*/site-packages/lamella/bin/lamella)
export LAMELLA_PROGRAM=$PWD/$LAMELLA_PROGRAM
PATH=$PWD/.venv-wheel/bin exec .venv-wheel/bin/python -m pytest -q -rs python/tests_wheel \
  python/tests --junit-xml="$1"
