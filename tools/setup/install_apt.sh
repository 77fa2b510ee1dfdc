#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# install_apt.sh FILE: installs those apt packages of FILE (one a line) that are missing.
set -euo pipefail
say() { printf '\033[1m==>\033[0m %s\n' "$*"; }

missing=()
while read -r package; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
    missing+=("$package")
done < "$1"
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
exec 8<"$0"  # one installation at a time
flock 8
say "apt packages: installing ${missing[*]}"
root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "install_apt: not root and no sudo; ask an administrator for: apt-get install ${missing[*]}" >&2
    exit 1
  }
  root=(sudo)
fi
"${root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends \
  "${missing[@]}" >/dev/null
