# SPDX-License-Identifier: Apache-2.0
"""Numbers that are functions of seed, epoch and patch alone: whatever process asks, whatever was
asked before, and whatever version of numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of splitmix64 (Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def bits(seed: int, epoch: int, rows: Rows, stream: int) -> NDArray[np.uint64]:
    """64 random bits for each row."""
    golden = 0x9E3779B97F4A7C15
    start = np.zeros(1, np.uint64)
    for number in (seed, epoch, stream):
        start = _mix(start + np.uint64((number * golden + golden) % 2**64))
    return _mix(start + _mix(rows.astype(np.uint64) * np.uint64(golden) + np.uint64(golden)))


def uniforms(seed: int, epoch: int, rows: Rows, count: int) -> NDArray[np.float64]:
    """rows x count numbers in [0, 1)."""
    columns = [bits(seed, epoch, rows, stream) >> np.uint64(11) for stream in range(1, count + 1)]
    return np.stack(columns, axis=1).astype(np.float64) * 2.0**-53


def epoch_order(rows: Rows, seed: int, epoch: int, most: int | None = None) -> Rows:
    """The rows in this epoch's order, over all slides; the first `most` of them."""
    return rows[np.argsort(bits(seed, epoch, rows, 0), kind="stable")][:most]


def steps_of(order: Rows, batch_size: int) -> list[Rows]:
    return [order[begin:begin + batch_size] for begin in range(0, len(order), batch_size)]


def part_of(step: Rows, rank: int, ranks: int) -> Rows:
    """A process's own patches of a step."""
    return step[len(step) * rank // ranks:len(step) * (rank + 1) // ranks]


def held_out_patients(patients: list[str], share: float, seed: int) -> set[str]:
    """So many of the patients, at least one where any share is asked for; one stays to learn from."""
    names = sorted(set(patients))
    if share == 0 or len(names) < 2:
        return set()
    count = min(len(names) - 1, max(1, round(share * len(names))))
    order = epoch_order(np.arange(len(names)), seed, 2**32)
    return {names[i] for i in order[:count]}
