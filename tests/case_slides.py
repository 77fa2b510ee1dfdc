# SPDX-License-Identifier: Apache-2.0
"""Slides that a case's description asks for; tests/cases/README.md tells the keys."""

from pathlib import Path

import numpy
import tifffile

KEYS = {"size_px", "picture", "colour", "mpp", "unit", "tile_px", "levels", "compression", "kind",
        "bits", "tags", "numbers", "overwrite", "empty_tiles", "pages", "damage", "keep_bytes", "big"}
SIDES = {"CENTIMETER": 1e4, "INCH": 25400.0, "NONE": 1.0}


def gradient(width: int, height: int) -> numpy.ndarray:
    """Red grows to the right, green downwards: (x // 4, y // 4, 128), up to 255."""
    picture = numpy.full((height, width, 3), 128, numpy.uint8)
    picture[:, :, 0] = numpy.minimum(numpy.arange(width) // 4, 255)[None, :]
    picture[:, :, 1] = numpy.minimum(numpy.arange(height) // 4, 255)[:, None]
    return picture


def draw(item: dict) -> numpy.ndarray:
    width, height = item["size_px"]
    kind = item.get("picture", "flat")
    if kind == "gradient":
        return gradient(width, height)
    picture = numpy.empty((height, width, 3), numpy.uint8)
    picture[:] = item.get("colour", (180, 90, 160))  # stained tissue
    if kind == "island":  # tissue in the middle half, glass around it
        island = picture.copy()
        picture[:] = 255
        rows, columns = (slice(side // 4, side - side // 4) for side in (height, width))
        picture[rows, columns] = island[rows, columns]
    elif kind != "flat":
        raise ValueError(f"picture = {kind!r}, expected flat, island or gradient")
    return picture


def as_kind(picture: numpy.ndarray, item: dict) -> tuple[numpy.ndarray, str]:
    """Pixels as they are stored, and their photometric interpretation."""
    kind = item.get("kind", "rgb")
    if kind == "grey":
        picture = picture.mean(axis=2).round().astype(numpy.uint8)
    elif kind == "rgba":
        picture = numpy.dstack([picture, numpy.full(picture.shape[:2], 255, numpy.uint8)])
    elif kind != "rgb":
        raise ValueError(f"kind = {kind!r}, expected rgb, rgba or grey")
    if item.get("bits", 8) == 16:
        picture = picture.astype(numpy.uint16) * 257
    return picture, "minisblack" if kind == "grey" else "rgb"


def reduced(picture: numpy.ndarray, times: int) -> numpy.ndarray:
    height, width = (side // times * times for side in picture.shape[:2])
    parts = picture[:height, :width].reshape(height // times, times, width // times, times, -1)
    return parts.mean(axis=(1, 3)).round().astype(numpy.uint8)


def write_levels(writer: tifffile.TiffWriter, item: dict) -> None:
    picture = draw(item)
    unit = item.get("unit", "CENTIMETER")
    tile = item.get("tile_px", 256)
    for times in (1, *item.get("levels", ())):
        pixels, photometric = as_kind(reduced(picture, times) if times > 1 else picture, item)
        more = {"resolution": (SIDES[unit] / (item["mpp"] * times),) * 2,
                "resolutionunit": unit} if "mpp" in item else {}
        if tile:
            more["tile"] = (tile, tile)
        if item.get("kind") == "rgba":
            more["extrasamples"] = ["unassalpha"]
        tags = [(int(code), "s", 0, text, True) for code, text in item.get("tags", {}).items()]
        tags += [(int(code), "H", 1, value, True) for code, value in item.get("numbers", {}).items()]
        writer.write(pixels, photometric=photometric, metadata=None, subfiletype=int(times > 1),
                     compression=item.get("compression", "deflate"), extratags=tags, **more)


def edit(path: Path, item: dict) -> None:
    """What no writer of good files would write."""
    with tifffile.TiffFile(path, mode="r+b") as file:
        for page, code, value in item.get("overwrite", ()):
            file.pages[page].tags[code].overwrite(value)
        for page, tile in item.get("empty_tiles", ()):
            tag = file.pages[page].tags[325]
            counts = list(tag.value)
            counts[tile] = 0
            tag.overwrite(counts)


def make_slide(path: Path, item: dict) -> None:
    for each in (item, *item.get("pages", ())):
        unknown = set(each) - KEYS
        assert not unknown, f"{path.name}: unknown keys {sorted(unknown)}, of {sorted(KEYS)}"
    with tifffile.TiffWriter(path, bigtiff=item.get("big", False)) as writer:
        for page in item.get("pages", (item,)):
            write_levels(writer, page)
    edit(path, item)
    data = bytearray(path.read_bytes())
    for place, text in item.get("damage", ()):
        at = place if isinstance(place, int) else int(place * len(data))
        data[at:at + len(text) // 2] = bytes.fromhex(text)
    path.write_bytes(data[:item.get("keep_bytes", len(data))])
