# SPDX-License-Identifier: Apache-2.0
"""BigTIFFs of any size of which only the tiles that are painted exist."""

import struct
import zlib
from pathlib import Path

import numpy

TILE = 256


class SparseTiff:
    """RGB, deflate, one level; what is not painted is not stored."""

    def __init__(self, width: int, height: int):
        self.width, self.height = width, height
        self.columns, self.rows = -(-width // TILE), -(-height // TILE)
        self.tiles: dict[tuple[int, int], numpy.ndarray] = {}

    def paint(self, x: int, y: int, pixels: numpy.ndarray) -> None:
        height, width = pixels.shape[:2]
        for row in range(y // TILE, (y + height - 1) // TILE + 1):
            for column in range(x // TILE, (x + width - 1) // TILE + 1):
                tile = self.tiles.setdefault(
                    (row, column), numpy.full((TILE, TILE, 3), 255, numpy.uint8))
                left, top = column * TILE, row * TILE
                x0, x1 = max(x, left), min(x + width, left + TILE)
                y0, y1 = max(y, top), min(y + height, top + TILE)
                tile[y0 - top:y1 - top, x0 - left:x1 - left] = pixels[y0 - y:y1 - y, x0 - x:x1 - x]

    def write(self, path: Path, mpp: float) -> None:
        count = self.columns * self.rows
        offsets, lengths = numpy.zeros(count, "<u8"), numpy.zeros(count, "<u8")
        per_cm = (round(1e7 / mpp), 1000)
        with open(path, "wb") as file:
            file.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0))
            for (row, column), tile in sorted(self.tiles.items()):
                data = zlib.compress(tile.tobytes(), 1)
                index = row * self.columns + column
                offsets[index], lengths[index] = file.tell(), len(data)
                file.write(data)
            arrays = file.tell()
            file.write(offsets.tobytes() + lengths.tobytes())
            directory = file.tell()
            short, long_, long8, rational = 3, 4, 16, 5
            inline = count == 1
            entries = [(256, long_, 1, self.width), (257, long_, 1, self.height),
                       (258, short, 3, 8 | 8 << 16 | 8 << 32), (259, short, 1, 8), (262, short, 1, 2),
                       (277, short, 1, 3), (282, rational, 1, per_cm[0] | per_cm[1] << 32),
                       (283, rational, 1, per_cm[0] | per_cm[1] << 32), (284, short, 1, 1),
                       (296, short, 1, 3), (322, long_, 1, TILE), (323, long_, 1, TILE),
                       (324, long8, count, int(offsets[0]) if inline else arrays),
                       (325, long8, count, int(lengths[0]) if inline else arrays + 8 * count)]
            file.write(struct.pack("<Q", len(entries)))
            for tag, kind, number, value in entries:
                file.write(struct.pack("<HHQQ", tag, kind, number, value))
            file.write(struct.pack("<Q", 0))
            file.seek(8)
            file.write(struct.pack("<Q", directory))
