# SPDX-License-Identifier: Apache-2.0
"""Writes a pyramidal SVS of any size: a real scan's tiles, repeated; all directories together at the end.

    python store_slide.py SOURCE.svs OUT.svs SIDE_PX [TILE_PX]
"""

import struct
import sys
from pathlib import Path

import imagecodecs
import numpy
import tifffile

PERIOD = 4096  # px of level 0 after which the picture comes again
STEP = 4       # between levels
QUALITY = 80


def jpeg_tiles(picture, tile):
    rows, columns = (side // tile for side in picture.shape[:2])
    return [[imagecodecs.jpeg8_encode(
        picture[row * tile:(row + 1) * tile, column * tile:(column + 1) * tile], level=QUALITY,
        colorspace="rgb", subsampling="420") for column in range(columns)] for row in range(rows)]


def write(source, out, side, tile):
    scan = tifffile.imread(source, key=0)
    scan = numpy.tile(scan, (2, 2, 1))[:PERIOD, :PERIOD]
    levels, picture, size = [], scan, side
    while True:
        repeats = -(-tile // picture.shape[0])
        levels.append((size, jpeg_tiles(numpy.tile(picture, (repeats, repeats, 1)), tile)))
        if size // STEP < 1024:
            break
        shape = picture.shape[0] // STEP
        picture = picture.reshape(shape, STEP, shape, STEP, 3).mean((1, 3)).round().astype("uint8")
        size //= STEP
    with open(out, "wb") as file:
        file.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0))
        tables = [write_tiles(file, size, tiles, tile) for size, tiles in levels]
        first = write_directories(file, levels, tables, side, tile)
        file.seek(8)
        file.write(struct.pack("<Q", first))


def write_tiles(file, size, tiles, tile):
    across = -(-size // tile)
    offsets, lengths = [], []
    for row in range(across):
        for column in range(across):
            data = tiles[row % len(tiles)][column % len(tiles[0])]
            offsets.append(file.tell())
            lengths.append(len(data))
            file.write(data)
    return numpy.array(offsets, "<u8"), numpy.array(lengths, "<u4")


def write_directories(file, levels, tables, side, tile):
    short, long_, long8, rational, text = 3, 4, 16, 5, 2
    description = (f"Aperio Image Library v1.0\r\n{side}x{side} [0,0 {side}x{side}] ({tile}x{tile}) "
                   f"JPEG/RGB Q={QUALITY}|AppMag = 20|MPP = 0.5\0").encode()
    placed = []
    for (size, _), (offsets, lengths) in zip(levels, tables, strict=True):
        at = file.tell()
        file.write(offsets.tobytes() + lengths.tobytes() + description)
        placed.append((size, at, at + offsets.nbytes, at + offsets.nbytes + lengths.nbytes,
                       len(offsets)))
    first = file.tell()
    for index, (size, offsets, lengths, words, count) in enumerate(placed):
        entries = [(254, long_, 1, int(index > 0)), (256, long_, 1, size), (257, long_, 1, size),
                   (258, short, 3, 8 | 8 << 16 | 8 << 32), (259, short, 1, 7), (262, short, 1, 6),
                   (270, text, len(description), words), (277, short, 1, 3),
                   (282, rational, 1, 20000 | 1 << 32), (283, rational, 1, 20000 | 1 << 32),
                   (296, short, 1, 3), (322, long_, 1, tile), (323, long_, 1, tile),
                   (324, long8, count, offsets), (325, long_, count, lengths),
                   (530, short, 2, 2 | 2 << 16)]
        block = struct.pack("<Q", len(entries))
        block += b"".join(struct.pack("<HHQQ", *entry) for entry in entries)
        next_at = file.tell() + len(block) + 8 if index + 1 < len(placed) else 0
        file.write(block + struct.pack("<Q", next_at))
    return first


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int((sys.argv[4:] or [512])[0]))
