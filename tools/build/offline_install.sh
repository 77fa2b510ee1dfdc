#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# offline_install.sh PYTHON SLIDE [FOLDER]: what a machine without a network does: `pip install` from a
# folder of wheels into a fresh environment, then a first heat-map of the slide by a small model of a
# synthetic one. Prints the seconds of both. FOLDER (default build/wheelhouse) is filled first, with
# the network. SLIDE_MPP: where the slide does not say it.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$1 slide=$(realpath "$2") folder=$(realpath -m "${3:-build/wheelhouse}")
mkdir -p "$folder"
"$python" -m pip download --quiet --disable-pip-version-check --dest "$folder" build/wheels/*.whl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset PYTHONPATH LAMELLA_ENCODERS LAMELLA_PROGRAM VIRTUAL_ENV
cd "$work"
seconds() { date +%s.%N; }
start=$(seconds)
"$python" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-index --find-links "$folder" lamella
installed=$(seconds)
PATH=$work/venv/bin:/usr/bin:/bin
lamella phantom --out cohort --slides 1 --size-px 2048,1536 --seed 5 > log
lamella plan --slide cohort/phantom_01.tif --size-px 224 --mpp 0.5 --annotations cohort/phantom_01.xml \
  --classes normal tumor --groups Tumor:tumor --rest-of-tissue normal --out plan.h5 >> log
lamella encode --slide cohort/phantom_01.tif --plan plan.h5 --out features.h5 >> log
lamella train --features features.h5 --l2 1 --out model >> log
lamella score --slide "$slide" ${SLIDE_MPP:+--slide-mpp "$SLIDE_MPP"} --model model --out other.csv >> log
lamella map --slide "$slide" --scores other.csv --out map >> log
mapped=$(seconds)
[ -s map.png ]
printf 'installed in %.1f s, first heat-map %.1f s after (%s)\n' "$(echo "$installed - $start" | bc)" \
  "$(echo "$mapped - $installed" | bc)" "$(basename "$slide")"
