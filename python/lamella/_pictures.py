# SPDX-License-Identifier: Apache-2.0
"""Pictures that a notebook shows by itself."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella import _core

UNLABELLED = (90, 90, 90)
# Of classes, in order; the last one of two is the red that stands out.
COLOURS = ((44, 160, 44), (214, 39, 40), (0, 114, 178), (230, 159, 0), (86, 180, 233),
           (204, 121, 167), (240, 228, 66), (0, 158, 115))
MARK = COLOURS[1]
GAP_PX = 4


class Picture:
    """An RGB picture, height x width x 3 uint8."""

    def __init__(self, array: NDArray[np.uint8]) -> None:
        self.array = np.ascontiguousarray(array)

    def _repr_png_(self) -> bytes:
        return _core.encode_png(self.array)

    def save(self, path: str | os.PathLike[str]) -> None:
        with open(path, "wb") as file:
            file.write(self._repr_png_())


def _opened(slide: Any) -> _core.Slide:
    return slide if isinstance(slide, _core.Slide) else _core.Slide(slide)


def _frame(picture: NDArray[np.uint8], colour: tuple[int, int, int], width: int) -> None:
    picture[:width], picture[-width:] = colour, colour
    picture[:, :width], picture[:, -width:] = colour, colour


def _colour(label: int) -> tuple[int, int, int]:
    return UNLABELLED if label < 0 else COLOURS[label % len(COLOURS)]


def show_zooms(slide: Any, x: int, y: int, *, size_px: int = 256,
               zooms: tuple[int, ...] = (1, 4, 16)) -> Picture:
    """The surroundings of a point (level-0 px), size_px wide on the screen, at several zooms: each
    picture is `zoom` level-0 px a pixel. The coarser ones show where the finest lies."""
    slide = _opened(slide)
    parts = []
    for zoom in sorted(zooms):
        level = max(i for i, at in enumerate(slide.levels)
                    if i == 0 or at.downsample[0] <= zoom * 1.01)
        step = zoom / slide.levels[level].downsample[0]
        corner = (x - size_px * zoom // 2, y - size_px * zoom // 2)
        side = max(1, round(size_px * step))
        region = slide.read_region(*corner, side, side, level=level)
        nearest = np.minimum((np.arange(size_px) * step).astype(int), side - 1)
        picture = region[nearest][:, nearest].copy()
        inner = size_px * min(zooms) // zoom
        if 8 <= inner < size_px:
            edge = (size_px - inner) // 2
            _frame(picture[edge:edge + inner, edge:edge + inner], MARK, 1)
        parts.append(picture)
        parts.append(np.full((size_px, GAP_PX, 3), 255, np.uint8))
    return Picture(np.concatenate(parts[:-1], axis=1))


def show_plan(plan: _core.Plan, slide: Any = None, *, max_px: int = 1024) -> Picture:
    """The plan's patches over its slide, in the colours of their classes (COLOURS), others grey."""
    slide = _opened(plan.slide_path if slide is None else slide)
    picture = slide.thumbnail(max_px).copy()
    height, width = picture.shape[:2]
    scale_x, scale_y = width / slide.size[0], height / slide.size[1]
    extent = plan.extent_px
    for x, y, label in zip(plan.x_px, plan.y_px, plan.label):
        left, top = max(0, int(x * scale_x)), max(0, int(y * scale_y))
        right = min(width, max(left + 1, round((x + extent[0]) * scale_x)))
        bottom = min(height, max(top + 1, round((y + extent[1]) * scale_y)))
        part = picture[top:bottom, left:right]
        if part.size == 0:
            continue
        part[:] = (part * 0.75 + np.array(_colour(int(label))) * 0.25).astype(np.uint8)
        _frame(part, _colour(int(label)), 1)
    return Picture(picture)


def gallery(slide: Any, plan: _core.Plan, *, count: int = 24, columns: int = 8, px: int = 112,
            seed: int = 0) -> Picture:
    """Some of the plan's patches, framed in the colours of their classes (COLOURS); as many of each
    as there are."""
    rng = np.random.default_rng(seed)
    labels = np.asarray(plan.label)
    groups = [rng.permutation(np.flatnonzero(labels == label)) for label in
              (*range(len(plan.classes) - 1, -1, -1), -1)]
    groups = [group for group in groups if len(group)]
    chosen: list[int] = []
    for turn in range(max((len(g) for g in groups), default=0)):
        chosen.extend(int(g[turn]) for g in groups if turn < len(g))
    rows = np.array(sorted(chosen[:count], key=lambda row: -labels[row]), dtype=np.int64)
    lines = max(1, -(-len(rows) // columns))
    cell = px + 2 * GAP_PX
    picture = np.full((lines * cell, columns * cell, 3), 255, np.uint8)
    if len(rows):
        batches = _core.BatchIterator(_opened(slide), plan.select(rows), batch_size=len(rows),
                                      output_px=px, plan_order=True)
        pixels, _ = next(batches)
        for i, row in enumerate(rows):
            top, left = i // columns * cell + 1, i % columns * cell + 1
            framed = picture[top:top + cell - 2, left:left + cell - 2]
            _frame(framed, _colour(int(labels[row])), GAP_PX - 1)
            framed[GAP_PX - 1:1 - GAP_PX, GAP_PX - 1:1 - GAP_PX] = pixels[i]
    return Picture(picture)
