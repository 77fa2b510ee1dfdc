#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# report.sh REPORT.xml: reports as a browser shows them: every plot drawn, sorting, pictures, faults
# of accessibility (axe-core), light, dark, phone and print; UMAP by umap-learn. LAMELLA_SHOTS=FOLDER keeps pictures.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/setup/install_apt.sh tools/setup/apt-packages-report.txt
tools/build/build.sh release all
. tools/setup/environment.sh
make_environment .venv-report tools/heavy/report-requirements.txt
export LAMELLA_PROGRAM=$PWD/build/bin/lamella PYTHONPATH=$PWD/build/python
exec .venv-report/bin/python -m pytest -q -rs tests/report_browser_test.py tests/umap_test.py --junit-xml="$1"
