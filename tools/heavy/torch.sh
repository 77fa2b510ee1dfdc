#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# torch.sh REPORT.xml: imported PyTorch networks against PyTorch's own output. PyTorch is the
# distribution's, which has no CUDA and is a tenth of the size.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tools/environment.sh
tools/install_apt.sh tools/apt-packages-torch.txt
make_environment .venv-torch tools/heavy/torch-requirements.txt --system-site-packages
exec .venv-torch/bin/python -m pytest -q -rs python/tests_frameworks -k Torch --junit-xml="$1"
