#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The real result: both directions of the IDC data, with 1 and 2 threads, from centres and from
# polygons; fails if a figure is below its target. Writes to out/idc.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ ! -f ../shared/data/idc/idc_14306.tif ]; then
  echo "skipped: the IDC data (../shared/data/idc) is not here"
  exit 0
fi
rm -rf out/idc
exec .venv/bin/python tools/checks/run_idc.py build/bin/lamella
