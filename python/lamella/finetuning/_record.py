# SPDX-License-Identifier: Apache-2.0
"""What the first process writes down: the run's record, the machine's load, wrong patches."""

from __future__ import annotations

import csv
import os
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

from lamella import _core
from lamella._pictures import COLOURS, GAP_PX, Picture, _frame
from lamella._study import calling_client
from lamella.finetuning._cohort import Cohort
from lamella.finetuning._order import bits
from lamella.finetuning._ranks import Ranks
from lamella.finetuning._reading import Reader

WRONG_PX, WRONG_COLUMNS = 112, 8


class System:
    """The machine's load since the last call, under MLflow's names."""

    def __init__(self) -> None:
        self._wall, self._work = time.monotonic(), self._seconds()

    @staticmethod
    def _seconds() -> float:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    def figures(self, device: Any) -> dict[str, float]:
        wall, work = time.monotonic(), self._seconds()
        share = (work - self._work) / max(wall - self._wall, 1e-9)
        self._wall, self._work = wall, work
        page = os.sysconf("SC_PAGE_SIZE")
        with open("/proc/self/statm") as file:
            resident = int(file.read().split()[1]) * page
        found = {"system/cpu_utilization_percentage": 100 * share / (os.cpu_count() or 1),
                 "system/process_memory_megabytes": resident / 2**20}
        with open("/proc/meminfo") as file:
            memory = {line.split(":")[0]: float(line.split()[1]) for line in file}
        used = memory["MemTotal"] - memory.get("MemAvailable", 0.0)
        found["system/system_memory_usage_megabytes"] = used / 1024
        found["system/system_memory_usage_percentage"] = 100 * used / memory["MemTotal"]
        if device.type == "cuda":
            import torch
            found["system/gpu_0_memory_usage_megabytes"] = \
                torch.cuda.max_memory_allocated(device) / 2**20
        return found


def measure_epoch(run: _core.FinetuneRun, figures: dict[str, float]) -> None:
    for name, value in figures.items():
        if name != "epoch":
            run.measure(name, value, int(figures["epoch"]))


def wrong_patches(cohort: Cohort, found: dict[int, list[float]], seed: int, most: int) -> list[int]:
    """Some of those whose likeliest class is not theirs, drawn by the seed; in order."""
    wrong = np.array([row for row, made in sorted(found.items())
                      if int(np.argmax(made)) != cohort.labels[row]], np.int64)
    order = np.argsort(bits(seed, 2**34, wrong, 0), kind="stable")
    return sorted(int(row) for row in wrong[order[:most]])


def write_wrong(cohort: Cohort, reader: Reader, found: dict[int, list[float]], rows: list[int],
                folder: Path) -> list[str]:
    """wrong_patches.csv and .png, framed in the colour of the class that was said."""
    if not rows:
        return []
    with open(folder / "wrong_patches.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["slide_id", "x_px", "y_px", "class", "said", "probability"])
        for row in rows:
            part, at = cohort.slides[cohort.slide_of[row]], cohort.row_of[row]
            said = int(np.argmax(found[row]))
            table.writerow([part.slide_id, int(part.plan.x_px[at]), int(part.plan.y_px[at]),
                            cohort.classes[cohort.labels[row]], cohort.classes[said],
                            f"{found[row][said]:.6f}"])
    small = Reader(cohort, WRONG_PX, threads=1, memory_mb=64, skip=True)
    cell = WRONG_PX + 2 * GAP_PX
    lines = -(-len(rows) // WRONG_COLUMNS)
    picture = np.full((lines * cell, min(len(rows), WRONG_COLUMNS) * cell, 3), 255, np.uint8)
    for step in small.steps([np.array(rows, np.int64)]):
        for pixels, row in zip(step.pixels, step.rows):
            i = rows.index(int(row))
            top, left = i // WRONG_COLUMNS * cell, i % WRONG_COLUMNS * cell
            framed = picture[top:top + cell, left:left + cell]
            _frame(framed, COLOURS[int(np.argmax(found[int(row)])) % len(COLOURS)], GAP_PX - 1)
            framed[GAP_PX:-GAP_PX, GAP_PX:-GAP_PX] = pixels
    Picture(picture).save(folder / "wrong_patches.png")
    return ["wrong_patches.csv", "wrong_patches.png"]


def start_run(study: _core.Study, cohort: Cohort, network: Any, ranks: Ranks,
              resolved: str, precision: str) -> _core.FinetuneRun:
    import torch
    ids = {part.slide_id for part in cohort.slides}
    told = {"name": network.name, "sha256": network.sha256, "source": network.source,
            "licence": network.licence, "precision": precision}
    libraries = {"torch": str(torch.__version__), "numpy": np.__version__}
    return _core.FinetuneRun(study, [entry for entry in study.slides() if entry.slide_id in ids],
                             cohort.held_out_patients, told, network.dimension, libraries,
                             resolved, ranks.threads, calling_client())
