# SPDX-License-Identifier: Apache-2.0
"""Patches in an order that jumps between slides, read in one that does not.

The next steps' patches that fit into memory are read together, slide after slide in tile order, while
the steps before are at work. Nothing is read that is not this process's.
"""

from __future__ import annotations

import pickle
import queue
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lamella._errors import Error
from lamella._patches import PatchDataset
from lamella.finetuning._cohort import Cohort
from lamella.finetuning._order import Rows

READ_BATCH = 64


class Step(NamedTuple):
    pixels: NDArray[np.uint8]  # n x px x px x 3 RGB
    rows: Rows                 # n: of the cohort; those that could be read


class Reader:
    """skip: patches that cannot be read are left out, and counted in `left_out`."""

    def __init__(self, cohort: Cohort, px: int, *, threads: int, memory_mb: int,
                 skip: bool) -> None:
        self.cohort, self.px, self.threads, self.skip = cohort, px, threads, skip
        # One window is at work while the next is read.
        self.window = max(1, memory_mb * 2**20 // 2 // (3 * px * px))
        self.left_out: set[int] = set()

    def steps(self, wanted: list[Rows]) -> Iterator[Step]:
        """In the order of `wanted`. A failure is raised at the step whose window has it."""
        ready: queue.Queue[Any] = queue.Queue(maxsize=1)
        stopped = threading.Event()

        def put(item: Any) -> bool:
            while not stopped.is_set():
                try:
                    ready.put(item, timeout=0.1)
                    return True
                except queue.Full:
                    continue
            return False

        def work() -> None:
            try:
                for window in self._windows(wanted):
                    if not put(self._read(window)):
                        return
                put(None)
            except BaseException as error:  # noqa: BLE001 - carried to the reader's own thread
                put(error)

        thread = threading.Thread(target=work, daemon=True, name="lamella reading")
        thread.start()
        try:
            while (made := ready.get()) is not None:
                if isinstance(made, BaseException):
                    raise made
                yield from made
        finally:
            stopped.set()
            thread.join()

    def _windows(self, wanted: list[Rows]) -> Iterator[list[Rows]]:
        window: list[Rows] = []
        for rows in wanted:
            if window and sum(map(len, window)) + len(rows) > self.window:
                yield window
                window = []
            window.append(rows)
        if window:
            yield window

    def _read(self, window: list[Rows]) -> list[Step]:
        rows = np.concatenate(window).astype(np.int64)
        pixels = np.empty((len(rows), self.px, self.px, 3), np.uint8)
        found = np.zeros(len(rows), bool)
        slides = self.cohort.slide_of[rows]
        for slide in np.unique(slides):
            at = np.flatnonzero(slides == slide)
            self._read_slide(int(slide), rows[at], at, pixels, found)
        steps, begin = [], 0
        for step in window:
            mine = slice(begin, begin + len(step))
            begin += len(step)
            good = found[mine]
            steps.append(Step(pixels[mine] if good.all() else pixels[mine][good], step[good]))
        return steps

    def _read_slide(self, slide: int, rows: Rows, at: Rows, pixels: NDArray[np.uint8],
                    found: NDArray[np.bool_]) -> None:
        part = self.cohort.slides[slide]
        with pickle.loads(part.slide) as opened:
            dataset = PatchDataset(opened, part.plan.select(self.cohort.row_of[rows]),
                                   batch_size=READ_BATCH, output_px=self.px, threads=self.threads,
                                   on_error="skip" if self.skip else "fail")
            try:
                for batch in dataset:
                    pixels[at[batch.rows]] = batch.pixels
                    found[at[batch.rows]] = True
            except Error as error:
                raise Error(f"slide '{part.slide_id}': {error}", code=error.code) from error
        self.left_out.update(rows[~found[at]].tolist())
