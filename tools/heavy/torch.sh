#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# torch.sh REPORT.xml: PyTorch networks, imported, as they are and learnt further, against PyTorch's own
# output; several processes, and Spark's TorchDistributor.
# PyTorch is the distribution's, which has no CUDA and is a tenth of the size.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tools/setup/environment.sh
tools/setup/install_apt.sh tools/setup/apt-packages-torch.txt
tools/setup/install_apt.sh tools/setup/apt-packages-spark.txt
make_environment .venv-torch tools/heavy/torch-requirements.txt --system-site-packages
tools/build/build.sh release lamella_package
export LAMELLA_PROGRAM=$PWD/build/bin/lamella PYTHONPATH=$PWD/build/python
exec .venv-torch/bin/python -m pytest -q -rs python/tests_frameworks python/tests_spark_torch -k Torch \
  --junit-xml="$1"
