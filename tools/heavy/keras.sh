#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# keras.sh REPORT.xml: imported Keras networks against Keras' own output.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tools/setup/environment.sh
make_environment .venv-keras tools/heavy/keras-requirements.txt
export TF_CPP_MIN_LOG_LEVEL=2
exec .venv-keras/bin/python -m pytest -q -rs python/tests_frameworks -k Keras --junit-xml="$1"
