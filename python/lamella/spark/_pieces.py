# SPDX-License-Identifier: Apache-2.0
"""Work is cut inside slides as well as across them, so that one giant slide is no straggler."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

PIECES_A_CORE = 8  # so many, at least, even out what differs between pieces and cores
LEAST, MOST = 64, 4096  # patches of a piece: starting one is not free; a lost one is done again
UNKNOWN_CORES, UNKNOWN_MOST = 32, 512  # of a cluster that grows as there are tasks for it


class Cut(NamedTuple):
    first: NDArray[np.int64]  # number of the first piece of each slide
    counts: NDArray[np.int64]  # pieces of each slide; 0 where it has no patches

    @property
    def total(self) -> int:
        return int(self.counts.sum())


def cut(patches: ArrayLike, cores: int | None, parallelism: int | None = None) -> Cut:
    """Pieces of slides with so many patches: of nearly one size, none larger than the size that
    gives every core eight (cores None: nobody knows how many), or than the one that gives
    `parallelism` pieces."""
    counts = np.asarray(patches, dtype=np.int64)
    least, most = (LEAST, MOST) if cores else (LEAST, UNKNOWN_MOST)
    wanted = max(1, (cores or UNKNOWN_CORES) * PIECES_A_CORE)
    if parallelism is not None:
        least, most, wanted = 1, MOST, parallelism
    size = int(np.clip(-(-int(counts.sum()) // wanted), least, most))
    pieces = -(-counts // size)
    return Cut(np.cumsum(pieces) - pieces, pieces)


def bounds(patches: int, pieces: int, piece: int) -> tuple[int, int]:
    """[begin, end) of one of a slide's pieces, in the plan's tile order."""
    return patches * piece // pieces, patches * (piece + 1) // pieces
