#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh reading | encoding | scoring | reference [OPTION...]: installs the peers into .venv-bench, builds what is
# measured, makes the slides, measures.
# run.sh scaling [WHAT...]: the Python package and Spark, all of the release preset; writes
# build/scaling.json.
set -euo pipefail
cd "$(dirname "$0")/.."
what=$1
shift
say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
# What is measured is the users' build, beside their program.
build_benchmark() {
  cmake --preset release --log-level=WARNING -DLAMELLA_BENCHMARKS=ON
  tools/build/build.sh release "$1"
  cmake --preset release --log-level=WARNING -DLAMELLA_BENCHMARKS=OFF
}
if [ "$what" = scaling ]; then
  tools/setup/install_apt.sh tools/setup/apt-packages-spark.txt
  . tools/setup/environment.sh
  make_environment .venv-spark tools/heavy/spark-requirements.txt
  build_benchmark read_bench
  tools/build/build.sh release lamella_package
  PYTHONPATH=$PWD/build/python exec .venv-spark/bin/python benchmarks/scaling.py \
    build/bin/read_bench build/bin/lamella build/scaling.json "$@"
fi
if [ ! benchmarks/requirements.txt -ot .venv-bench/.done ]; then
  say "peers: installing benchmarks/requirements.txt into .venv-bench"
  /usr/bin/python3 -m venv .venv-bench
  .venv-bench/bin/python -m pip install --quiet --disable-pip-version-check \
    -r benchmarks/requirements.txt
  touch .venv-bench/.done
fi
spark=()
if [ "$what" != reading ]; then
  : # Spark is only for the reference workflow's patches
elif command -v java >/dev/null; then
  [ -f .venv-bench/.spark ] || {
    say "the reference workflow: installing pyspark into .venv-bench"
    .venv-bench/bin/python -m pip install --quiet --disable-pip-version-check pyspark
    touch .venv-bench/.spark
  }
  spark=(--spark-python .venv-bench/bin/python)
else
  say "no Java: the reference workflow is left out (package openjdk-17-jre-headless)"
fi
if [ "$what" = reference ]; then
  tools/setup/install_apt.sh tools/setup/apt-packages-spark.txt
  tools/build/build.sh release lamella_package
  . tools/setup/environment.sh
  make_environment .venv-reference benchmarks/reference-requirements.txt
  make_environment .venv-int8 tools/heavy/int8-requirements.txt
elif [ "$what" = reading ]; then
  tools/build/build.sh bench all
else
  build_benchmark encode_bench
fi
slides=${LAMELLA_BENCH_SLIDES:-build/bench/slides}
source=$(.venv/bin/python tools/assets/real_slide.py)
say "slides: $slides"
.venv-bench/bin/python benchmarks/make_slides.py "$source" "$slides"
if [ "$what" = reference ]; then
  export TF_CPP_MIN_LOG_LEVEL=2 PYTHONWARNINGS=ignore PYTHONPATH=$PWD/build/python:$PWD/benchmarks
  exec .venv-reference/bin/python benchmarks/reference_features.py build/bin/lamella \
    "$slides/grid_512.tif" --nncf-python "$PWD/.venv-int8/bin/python" "$@"
fi
if [ "$what" = scoring ]; then
  exec .venv-bench/bin/python benchmarks/scoring.py build/bin/encode_bench build/bin/lamella \
    "$slides/huge_512.tif" "$@"
fi
if [ "$what" = encoding ]; then
  exec .venv-bench/bin/python benchmarks/encoding.py build/bin/encode_bench build/bin/lamella \
    "$slides/grid_512.tif" "$@"
fi
.venv-bench/bin/python benchmarks/reading.py build/bench/bin/read_bench "$slides" build/bin/lamella "${spark[@]}" "$@"
