#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# extras.sh [PYTHON]: `pip install lamella[spark]` alone, of the wheel in build/wheels, into a fresh
# environment: program, encoders and Spark are there, and a Spark session of its own plans and encodes a
# slide. Then whether the other extras can be installed beside it, or by themselves. Needs Java and the
# network.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${1:-python3} wheels=$PWD/build/wheels wheel=$(echo build/wheels/*.whl)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset PYTHONPATH LAMELLA_ENCODERS LAMELLA_PROGRAM VIRTUAL_ENV SPARK_HOME
version=$(cut -d- -f2 <<< "$(basename "$wheel")")
"$python" -m venv "$work/venv"
pip() { "$work/venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
start=$SECONDS
pip install --find-links "$wheels" "lamella[spark]==$version"
pip check
printf 'lamella[spark]: installed in %d s\n' $((SECONDS - start))
cd "$work"
export PATH=$work/venv/bin:$PATH
lamella --version
lamella encoder list
lamella-spark --help > /dev/null
lamella phantom --quiet --out cohort --slides 1 --size-px 2048,1536 --seed 5
cat > of_spark.py <<'END'
import os
import sys

import pyspark
from pyspark.sql import SparkSession

import lamella.spark

if __name__ == "__main__":
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
             .config("spark.sql.shuffle.partitions", "1").getOrCreate())
    slide = os.path.abspath("cohort/phantom_01.tif")
    slides = spark.createDataFrame([{"slide_id": "phantom_01", "path": slide}])
    plans = lamella.spark.plan(slides, size_px=96, mpp=0.5)
    features = lamella.spark.encode(plans).count()
    assert features == len(lamella.plan(slide, size_px=96, mpp=0.5)) > 0
    print(f"Spark {pyspark.__version__}: {features} features")
    spark.stop()
END
python of_spark.py 2> log || { cat log >&2; exit 1; }
for extra in delta mlflow torch keras notebook umap; do
  "$python" -m venv --clear "$work/other"
  "$work/other/bin/python" -m pip install --quiet --disable-pip-version-check --dry-run --report report \
    --find-links "$wheels" "lamella[$extra]==$version"
  printf 'lamella[%s]: %d packages\n' "$extra" "$(grep -c '"download_info"' report)"
done
