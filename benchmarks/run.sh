#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the peers into .venv-bench, builds the bench preset, makes the slides, runs everything.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
if [ ! -f .venv-bench/.done ]; then
  say "peers: installing benchmarks/requirements.txt into .venv-bench"
  /usr/bin/python3 -m venv .venv-bench
  .venv-bench/bin/python -m pip install --quiet --disable-pip-version-check \
    -r benchmarks/requirements.txt
  touch .venv-bench/.done
fi
spark=()
if command -v java >/dev/null; then
  [ -f .venv-bench/.spark ] || {
    say "the reference workflow: installing pyspark into .venv-bench"
    .venv-bench/bin/python -m pip install --quiet --disable-pip-version-check pyspark
    touch .venv-bench/.spark
  }
  spark=(--spark-python .venv-bench/bin/python)
else
  say "no Java: the reference workflow is left out (package openjdk-17-jre-headless)"
fi
tools/build.sh bench read_bench
slides=${LAMELLA_BENCH_SLIDES:-build/bench/slides}
source=$(.venv/bin/python tools/real_slide.py)
say "slides: $slides"
.venv-bench/bin/python benchmarks/make_slides.py "$source" "$slides"
.venv-bench/bin/python benchmarks/run.py build/bench/bin/read_bench "$slides" build/bin/lamella "${spark[@]}" "$@"
