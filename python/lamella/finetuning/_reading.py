# SPDX-License-Identifier: Apache-2.0
"""Patches in an order that jumps between slides, read in one that does not.

The next steps' patches that fit into memory are read together, slide after slide in tile order, while
the steps before are at work. Nothing is read that is not this process's.
"""

from __future__ import annotations

import contextlib
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
    pixels: NDArray[np.uint8]  # n x px x px x 3 RGB; until the next step is taken
    rows: Rows                 # n: of the cohort; those that could be read


class Reader:
    """skip: patches that cannot be read are left out, and counted in `left_out`."""

    def __init__(self, cohort: Cohort, px: int, *, threads: int, memory_mb: int,
                 skip: bool) -> None:
        self.cohort, self.px, self.threads, self.skip = cohort, px, threads, skip
        # One window is at work while the next is read.
        self.window = max(1, memory_mb * 2**20 // 2 // (3 * px * px))
        self.left_out: set[int] = set()
        # The pixels of both, from one epoch to the next: fresh memory is slow to touch.
        self._room: list[NDArray[np.uint8]] = [np.empty((0, px, px, 3), np.uint8)] * 2

    def steps(self, wanted: list[Rows]) -> Iterator[Step]:
        """In the order of `wanted`; one such loop at a time. A failure is raised at the step whose
        window has it."""
        ready: queue.Queue[Any] = queue.Queue()
        free: queue.Queue[NDArray[np.uint8] | None] = queue.Queue()  # None: end
        windows = list(self._windows(wanted))
        most = max((sum(map(len, window)) for window in windows), default=0)
        for room in self._rooms(most):
            free.put(room)

        def work() -> None:
            try:
                for window in windows:
                    room = free.get()
                    if room is None:
                        return
                    ready.put((room, self._read(window, room)))
                ready.put(None)
            except BaseException as error:  # noqa: BLE001 - carried to the reader's own thread
                ready.put(error)

        thread = threading.Thread(target=work, daemon=True, name="lamella reading")
        thread.start()
        try:
            while (made := ready.get()) is not None:
                if isinstance(made, BaseException):
                    raise made
                room, steps = made
                yield from steps
                free.put(room)
        finally:
            with contextlib.suppress(queue.Empty):
                while True:
                    free.get_nowait()
            free.put(None)
            thread.join()

    def _rooms(self, patches: int) -> list[NDArray[np.uint8]]:
        """Two of room for so many."""
        if len(self._room[0]) < patches:
            self._room = [np.empty((patches, self.px, self.px, 3), np.uint8) for _ in range(2)]
        return self._room

    def _windows(self, wanted: list[Rows]) -> Iterator[list[Rows]]:
        window: list[Rows] = []
        for rows in wanted:
            if window and sum(map(len, window)) + len(rows) > self.window:
                yield window
                window = []
            window.append(rows)
        if window:
            yield window

    def _read(self, window: list[Rows], pixels: NDArray[np.uint8]) -> list[Step]:
        """pixels: room for all of the window's."""
        rows = np.concatenate(window).astype(np.int64)
        found = np.ones(len(rows), bool)
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
                left_out = dataset.read_into(pixels, at)
            except Error as error:
                raise Error(f"slide '{part.slide_id}': {error}", code=error.code) from error
        found[at[left_out]] = False
        self.left_out.update(rows[left_out].tolist())
