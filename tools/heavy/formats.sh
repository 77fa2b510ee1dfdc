#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# formats.sh REPORT.xml: what lamella writes, opened by the programs that it is for: AnnData,
# SpatialData, highdicom, wsidicom, GeoPandas, libvips, OpenSlide, ONNX Runtime.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tools/setup/environment.sh
make_environment .venv-formats tools/heavy/formats-requirements.txt
tools/build/build.sh release lamella_package
export LAMELLA_PROGRAM=$PWD/build/bin/lamella PYTHONPATH=$PWD/build/python
export LAMELLA_PYTHON=$PWD/.venv-formats/bin/python
exec .venv-formats/bin/python -m pytest -q -rs python/tests_formats tests/convert_test.py --junit-xml="$1"
