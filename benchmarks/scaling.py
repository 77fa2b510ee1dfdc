# SPDX-License-Identifier: Apache-2.0
"""What a patch, a piece and a slide cost in the Python package and on a Spark cluster.

    python scaling.py READ_BENCH LAMELLA OUT.json [WHAT...]

    dataset  PatchDataset against the C++ extractor, the same plan
    workers  two workers of one core against the command line with 2 threads, 8 slides
    giant    one slide with 90 % of the patches among 8: two workers of one core against one
    cut      10,000 planned slides cut into pieces on the driver: seconds and memory
    costs    seconds and bytes of one slide: plan, features, tables, a task

What runs beside each other is taken in turn, and its answers are compared before any figure.
benchmarks/run.sh scaling runs it in the environment of tools/heavy/spark.sh; needs Java.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import lamella
import scaling_cluster as on_cluster
from measuring import phantoms, summary

BATCH = 16  # read_bench's
DATASET_ROUNDS = 9


def cpp(read_bench: str, slide: Path, threads: int, positions: Path, *more: str) -> dict:
    run = subprocess.run([read_bench, "patches", slide, str(threads), "256", "0", positions, *more],
                         capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def read_all(slide: Path, plan: lamella.Plan, threads: int) -> float:
    start = time.perf_counter()
    with lamella.Slide(slide) as opened:
        count = sum(len(batch.rows) for batch in lamella.PatchDataset(
            opened, plan, batch_size=BATCH, threads=threads))
    seconds = time.perf_counter() - start
    assert count == len(plan)
    return seconds


def checksum(slide: Path, plan: lamella.Plan) -> str:
    """read_bench's: over all patches, CRC-32 of the pixels times row + 1."""
    total = sum(zlib.crc32(pixels) * (int(row) + 1)
                for batch in lamella.PatchDataset(slide, plan, batch_size=BATCH)
                for pixels, row in zip(batch.pixels, batch.rows))
    return f"{total % 2**64:016x}"


def dataset(program: str, read_bench: str, folder: Path) -> dict:
    slide, = phantoms(program, folder / "one", 1, "12288,12288", 1)
    plan = lamella.plan(slide, size_px=256, level=0, min_tissue=0)
    positions = folder / "positions.txt"
    positions.write_text("".join(f"{x} {y}\n" for x, y in zip(plan.x_px, plan.y_px)))
    assert checksum(slide, plan) == cpp(read_bench, slide, 2, positions, "check")["checksum"]
    rounds = []
    for turn in range(DATASET_ROUNDS):
        row = {}
        for threads in (1, 2):
            # The best of three each: a pass is a fraction of a second, and the first one after the
            # other program is the slowest.
            def native(threads=threads):
                row[f"cpp_{threads}"] = min(cpp(read_bench, slide, threads, positions)["seconds"]
                                            for _ in range(3))

            def python(threads=threads):
                row[f"python_{threads}"] = min(read_all(slide, plan, threads) for _ in range(3))

            for measure in (native, python) if turn % 2 else (python, native):
                measure()
            row[f"overhead_{threads}"] = row[f"python_{threads}"] / row[f"cpp_{threads}"] - 1
        rounds.append(row)
    return {"patches": len(plan), "batch": BATCH, **summary(rounds)}


def main() -> None:
    read_bench, program, out, *what = sys.argv[1:]
    measured = json.loads(Path(out).read_text()) if os.path.exists(out) else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = {"dataset": lambda: dataset(program, read_bench, folder),
                "workers": lambda: on_cluster.workers(program, folder),
                "giant": lambda: on_cluster.giant(program, folder),
                "cut": on_cluster.cut,
                "costs": lambda: on_cluster.costs(program, folder)}
        for key in what or jobs:
            measured[key] = jobs[key]()
            print(key, json.dumps(measured[key], indent=1), flush=True)
            Path(out).write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    main()
