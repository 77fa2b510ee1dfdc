# SPDX-License-Identifier: Apache-2.0
"""Every layout of TIFF that lamella reads, written by tifffile and read back against it."""

import itertools

import numpy as np
import pytest
import tifffile

import lamella

SIZE = (330, 410)  # rows, columns; no multiple of a tile


def picture(channels=3, seed=0):
    """Smooth, not symmetric, bright; alpha takes all values."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    waves = [
        200 + 50 * np.sin(x / 17 + seed),
        120 + 60 * np.sin(y / 23 + seed),
        180 + 40 * np.cos((x + y) / 31 + seed),
        (7 * x + 3 * y) % 256,
    ]
    chosen = [waves[0], waves[3]] if channels == 2 else waves[:channels]
    return np.stack(chosen, -1).clip(0, 255).astype(np.uint8)


def reduced(image, factor):
    rows, columns = (side // factor * factor for side in image.shape[:2])
    blocks = image[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor, -1)
    return blocks.mean((1, 3)).round().astype(np.uint8)


def over_white(image):
    """What must be shown of grey, grey + alpha, RGB or RGBA."""
    image = image.astype(float)
    colours = image.shape[-1] // 2 * 2 - 1 if image.shape[-1] % 2 == 0 else image.shape[-1]
    if image.shape[-1] % 2 == 0:
        alpha = image[..., -1:] / 255
        image = image[..., :colours] * alpha + 255 * (1 - alpha)
    return np.broadcast_to(image, (*image.shape[:2], 3)) if colours == 1 else image


def read(path, level=0, **options):
    slide = lamella.open_slide(path, **options)
    width, height = slide.level_sizes[level] if hasattr(slide, "level_sizes") else slide.levels[level].size
    return slide.read_region((0, 0), level, (width, height)).astype(float)
