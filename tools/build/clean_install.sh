#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# clean_install.sh: `pip install .` of the last commit as a user does it on a fresh clone: no set-up
# (encoders/, .venv) is there, and pip makes the environment to build in. Then both encoders encode.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$PWD/build/clean-install
rm -rf "$folder"
mkdir -p "$folder/source"
git archive HEAD | tar -x -C "$folder/source"
[ ! -e "$folder/source/encoders" ] || { echo "encoders/ is in the repository" >&2; exit 1; }
printf '\033[1m==>\033[0m pip install . from a clean export of %s\n' "$(git rev-parse --short HEAD)"
/usr/bin/python3 -m venv "$folder/venv"
unset PYTHONPATH LAMELLA_ENCODERS LAMELLA_PROGRAM VIRTUAL_ENV
# What has been compiled of the same files here, relative to their tree, is not compiled again.
export CCACHE_BASEDIR=$folder/source CCACHE_NOHASHDIR=1 CC=cc CXX=c++ GIT_CEILING_DIRECTORIES=$folder
pip() { "$folder/venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
pip install --config-settings=build-dir="$folder/source/build-wheel" "$folder/source"
pip install pytest
cd "$folder"
"$folder/venv/bin/python" -m pytest -q -p no:cacheprovider source/python/tests_wheel/encoders_test.py
