# SPDX-License-Identifier: Apache-2.0
"""Work is cut inside slides as well as across them, so that one giant slide is no straggler."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

PIECES_A_CORE = 8  # so many, at least, even out what differs between pieces and cores
LEAST, MOST = 64, 4096  # patches of a piece: starting one is not free; a lost one is done again


class Cut(NamedTuple):
    first: NDArray[np.int64]  # number of the first piece of each slide
    counts: NDArray[np.int64]  # pieces of each slide; 0 where it has no patches

    @property
    def total(self) -> int:
        return int(self.counts.sum())


def cut(patches: ArrayLike, cores: int) -> Cut:
    """Pieces of slides with so many patches: of nearly one size, none larger than the size that
    gives every core eight."""
    counts = np.asarray(patches, dtype=np.int64)
    size = int(np.clip(-(-int(counts.sum()) // max(1, cores * PIECES_A_CORE)), LEAST, MOST))
    pieces = -(-counts // size)
    return Cut(np.cumsum(pieces) - pieces, pieces)


def bounds(patches: int, pieces: int, piece: int) -> tuple[int, int]:
    """[begin, end) of one of a slide's pieces, in the plan's tile order."""
    return patches * piece // pieces, patches * (piece + 1) // pieces
