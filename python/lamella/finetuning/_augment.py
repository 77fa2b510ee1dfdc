# SPDX-License-Identifier: Apache-2.0
"""How patches are varied: turned, mirrored, and stained more or less. Of one patch in one epoch it
is always the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella.finetuning._order import Rows, uniforms

# Optical densities of red, green, blue of one unit of haematoxylin, eosin and DAB (Ruifrok and
# Johnston 2001), each of length 1. What H&E leaves over is in the third.
STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
STAINS /= np.linalg.norm(STAINS, axis=1, keepdims=True)


def turned(picture: Any, how: int) -> Any:
    """One of the eight symmetries of the square, of [..., h, w]: 0 as it is, 4 and more mirrored."""
    import torch
    if how >= 4:
        picture = torch.flip(picture, (-1,))
    return torch.rot90(picture, how % 4, (-2, -1))


def stain_matrices(factors: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """n x 3 factors of the three stains -> n x 3 x 3 on columns of optical densities: parted into
    stains, multiplied, put together again."""
    apart = np.linalg.inv(STAINS)
    made: np.ndarray[Any, Any] = np.einsum("ji,nj,kj->nik", STAINS, factors, apart)
    return made


def vary(planes: Any, rows: Rows, seed: int, epoch: int, *, geometry: bool, stain: float) -> Any:
    """planes: float [n, 3, h, w], RGB 0-255. stain: factors are drawn from 1 - stain to 1 + stain.
    White stays white."""
    import torch

    numbers = uniforms(seed, epoch, rows, 4)
    if geometry:
        planes = torch.stack([turned(plane, int(how)) for plane, how
                              in zip(planes, np.floor(8 * numbers[:, 0]))])
    if stain == 0:
        return planes
    factors = 1 + stain * (2 * numbers[:, 1:4] - 1)
    matrices = torch.from_numpy(stain_matrices(factors)).to(planes)
    n, _, height, width = planes.shape
    densities = -torch.log((planes.reshape(n, 3, -1) + 1) / 256)
    stained = 256 * torch.exp(-torch.bmm(matrices, densities)) - 1
    return stained.clamp(0, 255).reshape(n, 3, height, width)
