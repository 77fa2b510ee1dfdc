#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make_wheel.sh: build/wheels/lamella-*.whl with all its libraries inside but OpenVINO's, which lie
# in its own wheel beside the package. For Python 3.10 and later (stable ABI) and, made on Debian 12,
# for systems with glibc 2.34 and GCC 11's libstdc++ or later: what binds it is printed by
# tools/checks/wheel_needs.py, and said in docs/python.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$PWD CC=cc CXX=c++  # as build.sh, whose objects serve again
. tools/setup/environment.sh
printf '\033[1m==>\033[0m wheel: build/wheels\n'
make_environment .venv-wheel-tools tools/build/wheel-requirements.txt
raw=build/wheels/raw
rm -rf build/wheels
mkdir -p $raw
.venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
  --config-settings=build-dir=build-wheel \
  --config-settings=cmake.define.LAMELLA_OLDER_SYSTEMS=ON --wheel-dir $raw .
PATH=$PWD/.venv-wheel-tools/bin:$PATH .venv-wheel-tools/bin/auditwheel repair \
  --exclude 'libopenvino*' --exclude 'libtbb.so.12' --wheel-dir build/wheels $raw/*.whl 2> $raw/auditwheel.log ||
  { cat $raw/auditwheel.log >&2; exit 1; }
wheel=$(echo build/wheels/*.whl)
case $wheel in
  *-cp310-abi3-manylinux_2_34_x86_64.whl) ;;
  *) echo "$wheel: expected a wheel for Python 3.10 and glibc 2.34; see $raw/auditwheel.log" >&2; exit 1 ;;
esac
ls -l "$wheel"
