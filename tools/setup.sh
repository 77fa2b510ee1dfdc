#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing: apt packages, the project's Python environment, the default encoders.
# A second call finds everything and does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }

make_environment() {
  local wanted stamp=.venv/.lamella-requirements
  wanted=$(sha256sum tools/requirements.txt | cut -d' ' -f1)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then return; fi
  say "Python environment: .venv with the packages of tools/requirements.txt"
  [ -x .venv/bin/python ] || /usr/bin/python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    -r tools/requirements.txt
  echo "$wanted" > "$stamp"
}

make_encoders() {
  local wanted stamp=encoders/.lamella-made
  wanted=$(cat tools/make_lite0.py tools/requirements.txt | sha256sum | cut -d' ' -f1)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then return; fi
  say "encoders lite0 and lite0-context: writing encoders/ from the package's weights"
  .venv/bin/python tools/make_lite0.py --out encoders
  echo "$wanted" > "$stamp"
}

tools/install_apt.sh tools/apt-packages.txt
make_environment
make_encoders
