#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# spark.sh REPORT.xml: the Python package on a real Spark cluster on loopback.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/setup/install_apt.sh tools/setup/apt-packages-spark.txt
tools/build/build.sh release lamella_package
. tools/setup/environment.sh
make_environment .venv-spark tools/heavy/spark-requirements.txt
export LAMELLA_PROGRAM=$PWD/build/bin/lamella PYTHONPATH=$PWD/build/python
exec .venv-spark/bin/python -m pytest -q -rs python/tests_spark --junit-xml="$1"
