#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build.sh PRESET TARGET: configures if needed and builds.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$PWD  # a wheel is built elsewhere, from the same files
preset=$1 target=$2
folder=build
[ "$preset" = release ] || folder=build/$preset
printf '\033[1m==>\033[0m build: %s (%s)\n' "$target" "$preset"
mkdir -p "$folder"
exec 9>"$folder/.building"  # one build of a folder at a time
flock 9
[ "$folder/build.ninja" -nt CMakePresets.json ] || cmake --preset "$preset" --log-level=WARNING
cmake --build "$folder" --target "$target" | grep -v 'no work to do' || test "${PIPESTATUS[0]}" -eq 0
