#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing: apt packages, the project's Python environment, the default encoders.
# A second call finds everything and does nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

. tools/setup/environment.sh
say() { printf '\033[1m==>\033[0m %s\n' "$*"; }

make_encoders() {
  local wanted stamp=encoders/.lamella-made
  wanted=$(cat tools/assets/make_lite0.py tools/setup/requirements.txt | sha256sum | cut -d' ' -f1)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then return; fi
  say "encoders lite0 and lite0-context: writing encoders/ from the package's weights"
  .venv/bin/python tools/assets/make_lite0.py --out encoders
  echo "$wanted" > "$stamp"
}

tools/setup/install_apt.sh tools/setup/apt-packages.txt
make_environment .venv tools/setup/requirements.txt
make_encoders
