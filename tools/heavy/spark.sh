#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# spark.sh REPORT.xml: the Python package on a real Spark cluster on loopback, then on a server of
# Spark Connect (REPORT.connect.xml).
set -uo pipefail
cd "$(dirname "$0")/../.."
tools/setup/install_apt.sh tools/setup/apt-packages-spark.txt || exit 1
tools/build/build.sh release lamella_package || exit 1
. tools/setup/environment.sh
make_environment .venv-spark tools/heavy/spark-requirements.txt || exit 1
export LAMELLA_PROGRAM=$PWD/build/bin/lamella PYTHONPATH=$PWD/build/python
tests=python/tests_spark failed=0
.venv-spark/bin/python -m pytest -q -rs $tests --ignore $tests/connect_test.py \
  --ignore $tests/smoke_test.py --ignore $tests/delta_test.py \
  --ignore $tests/speculation_test.py --junit-xml="$1" || failed=1
.venv-spark/bin/python -m pytest -q -rs $tests/connect_test.py \
  --junit-xml="${1%.xml}.connect.xml" || failed=1
exit $failed
