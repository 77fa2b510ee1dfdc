#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# torch2.sh REPORT.xml: fine-tuning with today's PyTorch, and by its torchrun.
# CI leaves this step out: this PyTorch brings CUDA's libraries, 5 GB of disk.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tools/setup/environment.sh
make_environment .venv-torch2 tools/heavy/torch2-requirements.txt
tools/build/build.sh release lamella_package
export LAMELLA_PROGRAM=$PWD/build/bin/lamella PYTHONPATH=$PWD/build/python
exec .venv-torch2/bin/python -m pytest -q -rs python/tests_frameworks/torch_finetuning_test.py \
  python/tests_frameworks/torch_ranks_test.py --junit-xml="$1"
