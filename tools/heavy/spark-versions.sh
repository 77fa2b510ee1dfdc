#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# spark-versions.sh REPORT.xml: every verb on Spark 3.5 (REPORT.35.xml) and on 4.2, the newest that Delta
# Lake fits, with Delta's own tests.
set -uo pipefail
cd "$(dirname "$0")/../.."
tools/setup/install_apt.sh tools/setup/apt-packages-spark.txt || exit 1
tools/build/build.sh release lamella_package || exit 1
. tools/setup/environment.sh
make_environment .venv-spark-42 tools/heavy/spark-4.2-requirements.txt || exit 1
make_environment .venv-spark-35 tools/heavy/spark-3.5-requirements.txt || exit 1
export LAMELLA_PROGRAM=$PWD/build/bin/lamella PYTHONPATH=$PWD/build/python
tests=python/tests_spark failed=0
.venv-spark-42/bin/python -m pytest -q -rs $tests/delta_test.py $tests/smoke_test.py \
  $tests/speculation_test.py --junit-xml="$1" || failed=1
.venv-spark-35/bin/python -m pytest -q -rs $tests/smoke_test.py \
  --junit-xml="${1%.xml}.35.xml" || failed=1
exit $failed
