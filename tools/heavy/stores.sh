#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# stores.sh REPORT.xml: slides read from servers of others: moto (S3), Azurite (Azure, of npm) and
# gcp-storage-emulator (Google), started and stopped by the tests on loopback.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v npm >/dev/null || tools/setup/install_apt.sh tools/setup/apt-packages-stores.txt
tools/build/build.sh release lamella
. tools/setup/environment.sh
make_environment .venv-stores tools/heavy/stores-requirements.txt
azurite=3.35.0
folder=$PWD/.venv-stores/npm
[ -x "$folder/node_modules/.bin/azurite-blob" ] ||
  npm install --prefix "$folder" --no-audit --no-fund --silent "azurite@$azurite"
export LAMELLA_PROGRAM=$PWD/build/bin/lamella AZURITE=$folder/node_modules/.bin/azurite-blob
export PATH=$PWD/.venv-stores/bin:$PATH
exec .venv-stores/bin/python -m pytest -q -rs tests/stores_server_test.py --junit-xml="$1"
