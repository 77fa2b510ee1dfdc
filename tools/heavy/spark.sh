#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# spark.sh REPORT.xml: the Python package on a real Spark cluster on loopback.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/install_apt.sh tools/apt-packages-spark.txt
tools/build.sh release all
requirements=tools/heavy/spark-requirements.txt
stamp=.venv-spark/.lamella-requirements
wanted=$(sha256sum "$requirements" | cut -d' ' -f1)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
  [ -x .venv-spark/bin/python ] || /usr/bin/python3 -m venv .venv-spark
  .venv-spark/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    -r "$requirements"
  echo "$wanted" > "$stamp"
fi
export LAMELLA_PROGRAM=$PWD/build/bin/lamella PYTHONPATH=$PWD/build/python
exec .venv-spark/bin/python -m pytest -q -rs python/tests_spark --junit-xml="$1"
