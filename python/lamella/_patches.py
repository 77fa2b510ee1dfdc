# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lamella import _core


class Batch(NamedTuple):
    pixels: NDArray[np.uint8]  # n x h x w x 3 RGB (n x v x h x w x 3 with v fields of view)
    rows: NDArray[np.uint32]   # n: rows of the plan
    labels: NDArray[np.int8]   # n: indices into plan.classes, -1 none


class PatchDataset:
    """Batches of a plan's patches, read by the C++ core.

    An iterable for PyTorch's DataLoader(dataset, batch_size=None) or a plain loop. Reading uses
    `threads` in this process; no worker processes are needed. In a worker process of a DataLoader
    it delivers that worker's part of the batches' rows. Options: batch_size, output_px (side of
    what is delivered), plan_order, on_error, threads, as of BatchIterator.
    """

    def __init__(self, slide: Any, plan: _core.Plan, **options: Any) -> None:
        self.slide = slide
        self.plan = plan
        self.options = options

    def __len__(self) -> int:
        """Patches, not batches."""
        return len(self.plan)

    def __iter__(self) -> Iterator[Batch]:
        plan, rows_of = self._part()
        labels = self.plan.label
        for pixels, rows in _core.BatchIterator(self.slide, plan, **self.options):
            if rows_of is not None:
                rows = rows_of[rows]
            yield Batch(pixels, rows, labels[rows])

    def read_into(self, pixels: NDArray[np.uint8], at: NDArray[np.int64]) -> NDArray[np.uint32]:
        """All patches at once, row by row to pixels[at[row]], n x h x w x 3, without a copy between.
        Returns the rows left out (on_error="skip"), whose pixels may be anything. As in a plain
        loop, whatever worker process this is."""
        left_out = _core.read_into(self.slide, self.plan, pixels, at, **self.options)
        return np.array([row for row, _ in left_out], np.uint32)

    def _part(self) -> tuple[_core.Plan, NDArray[np.uint32] | None]:
        """The rows of this worker process, in tile order."""
        worker = _worker()
        if worker is None:
            return self.plan, None
        index, count = worker
        order = self.plan.tile_order(self.slide)
        mine = np.array_split(order, count)[index]
        return self.plan.select(mine.astype(np.int64)), mine


def _worker() -> tuple[int, int] | None:
    import sys
    if "torch.utils.data" not in sys.modules:
        return None
    info = sys.modules["torch.utils.data"].get_worker_info()
    return None if info is None else (info.id, info.num_workers)
