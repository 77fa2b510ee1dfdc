#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# compare.sh BASE [OPTION...]: builds the commit BASE (from a clean export) and this tree with the
# bench preset, and measures them in turn (compare.py).
set -euo pipefail
cd "$(dirname "$0")/.."
base=${1:?give a commit: make bench-compare BASE=HEAD~1}
shift
commit=$(git rev-parse --verify --short=12 "$base^{commit}")
export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$PWD
source=build/compare/$commit
if [ ! -d "$source/src" ]; then
  mkdir -p "$source"
  git archive "$commit" | tar -x -C "$source"
fi
ln -sfn "$PWD/.venv" "$source/.venv"      # OpenVINO
ln -sfn "$PWD/encoders" "$source/encoders"
for tree in "$source" .; do
  printf '\033[1m==>\033[0m build for comparing: %s\n' "$tree"
  (cd "$tree" && cmake --preset bench --log-level=WARNING &&
    cmake --build build/bench --target lamella read_bench encode_bench | tail -1)
done
export LAMELLA_ENCODERS=$PWD/encoders
exec .venv/bin/python benchmarks/compare.py "$source/build/bench" build/bench build/compare/work \
  --out build/compare/result.json "$@"
