# SPDX-License-Identifier: Apache-2.0
"""Slides of 100,000 x 100,000 px: what writing them and the main job over ten of them take.

    python huge_slides.py LAMELLA OUT.json [FOLDER]

Writes synthetic slides (about 130 MB each, tiles without tissue left out) into FOLDER, or a
temporary one. Peak memory is the largest resident set of the process, as the kernel counts it.
A slide's features must be the same bytes however many slides are in the run.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIDE, SLIDES = 100_000, 10
STUDY = """name = "huge"
output = "{output}"
[slides]
table = "{table}"
[patches]
size_px = 224
level = 0
max_per_slide = 500
[classes]
normal = {{ rest_of_tissue = true }}
tumor = {{ annotations = ["Tumor"] }}
[encoder]
name = "lite0"
"""


def measured(command: list) -> tuple[float, float, str]:
    """Seconds, peak MiB, what it printed."""
    with tempfile.TemporaryFile("w+") as out:
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{command} ended with {process.returncode}")
        out.seek(0)
        return seconds, usage.ru_maxrss / 1024, out.read()


def phantom(lamella: Path, folder: Path, side: int, slides: int, *more: str) -> dict:
    seconds, peak, _ = measured([lamella, "--quiet", "phantom", "--out", folder, "--slides", slides,
                                 "--size-px", f"{side},{side}", "--seed", 5, *more])
    size = sum(path.stat().st_size for path in folder.glob("*.tif"))
    return {"side_px": side, "slides": slides, "options": " ".join(more), "seconds": round(seconds, 1),
            "peak_mib": round(peak), "bytes_a_slide": size // slides}


def take(cohort: Path, count: int) -> Path:
    """A table of the cohort's first slides, half of them to test on."""
    rows = list(csv.DictReader((cohort / "slides.csv").open()))[:count]
    for i, row in enumerate(rows):
        row["role"] = "train" if i % 2 == 0 else "test"
    table = cohort / f"first_{count}.csv"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return table


def main_job(lamella: Path, cohort: Path, count: int) -> tuple[dict, Path]:
    output = cohort / f"out_{count}"
    study = cohort / f"first_{count}.toml"
    study.write_text(STUDY.format(output=output, table=take(cohort, count)))
    seconds, peak, text = measured([lamella, "--quiet", "--json", "--threads", 2, "run", study])
    result = json.loads(text)
    assert all(slide["status"] == "done" for slide in result["slides"]), result
    scored = sum(sum(1 for _ in path.open()) - 1 for path in (output / "scores/grid").glob("*.csv"))
    patches = sum(slide["patches"] for slide in result["slides"])
    assert patches >= scored > 0, result
    return {"slides": count, "patches": patches, "scored": scored, "seconds": round(seconds, 1),
            "seconds_per_1000_patches": round(1000 * seconds / patches, 2),
            "peak_mib": round(peak)}, output


def main() -> None:
    lamella, out = Path(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(sys.argv[3] if len(sys.argv) > 3 else name)
        found = {"phantom": [], "main_job": []}

        def keep(key, row):
            found[key].append(row)
            print(key, json.dumps(row), flush=True)
            out.write_text(json.dumps(found, indent=1) + "\n")

        for side in (25_000, 50_000):
            keep("phantom", phantom(lamella, folder / f"side_{side}", side, 1, "--sparse",
                                    "--tissue-scale", "0.3"))
        keep("phantom", phantom(lamella, folder / "few", SIDE, SLIDES, "--sparse", "--tissue-scale",
                                "0.2"))
        keep("phantom", phantom(lamella, folder / "much", SIDE, 2, "--sparse", "--tissue-scale",
                                "0.4"))
        features = set()
        for cohort, count in (("few", 2), ("few", 5), ("few", SLIDES), ("much", 2)):
            row, output = main_job(lamella, folder / cohort, count)
            keep("main_job", {"tissue": cohort, **row})
            if cohort == "few":
                features.add((output / "features/grid/phantom_02.h5").read_bytes())
        assert len(features) == 1, "a slide's features differ between runs"


if __name__ == "__main__":
    main()
