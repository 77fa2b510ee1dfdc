#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mlflow.sh REPORT.xml: a real MLflow server on loopback, read back through the official client; models
# in environments of their own and as Spark's functions.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/setup/install_apt.sh tools/setup/apt-packages-spark.txt
tools/build/build.sh release all
. tools/setup/environment.sh
make_environment .venv-mlflow tools/heavy/mlflow-requirements.txt
export LAMELLA_PROGRAM=$PWD/build/bin/lamella PYTHONPATH=$PWD/build/python
exec .venv-mlflow/bin/python -m pytest -q -rs tests/mlflow_server_test.py tests/model_export_test.py --junit-xml="$1"
