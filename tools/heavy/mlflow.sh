#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mlflow.sh REPORT.xml: a real MLflow server on loopback, read back through the official client.
set -euo pipefail
cd "$(dirname "$0")/../.."
requirements=tools/heavy/mlflow-requirements.txt
stamp=.venv-mlflow/.lamella-requirements
wanted=$(sha256sum "$requirements" | cut -d' ' -f1)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
  [ -x .venv-mlflow/bin/python ] || /usr/bin/python3 -m venv .venv-mlflow
  .venv-mlflow/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    -r "$requirements"
  echo "$wanted" > "$stamp"
fi
exec .venv-mlflow/bin/python -m pytest -q -rs tests/mlflow_server_test.py tests/model_export_test.py --junit-xml="$1"
