#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# int8.sh REPORT.xml: encoder quantize with nncf itself.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tools/setup/environment.sh
make_environment .venv-int8 tools/heavy/int8-requirements.txt
export LAMELLA_NNCF_PYTHON=$PWD/.venv-int8/bin/python
exec .venv/bin/python -m pytest -q -rs tests/quantize_test.py --junit-xml="$1"
