# SPDX-License-Identifier: Apache-2.0
"""A slide that opens, and of which one tile cannot be decoded."""

from pathlib import Path

import tifffile


def corrupt_tile(path: Path, level: int) -> None:
    """Overwrites the stored bytes of the tile in the middle of a level."""
    with tifffile.TiffFile(path) as file:
        page = file.pages[level]
        middle = (page.chunked[0] // 2) * page.chunked[1] + page.chunked[1] // 2
        start = page.dataoffsets[middle] + page.databytecounts[middle] // 2
    with open(path, "r+b") as file:
        file.seek(start)
        file.write(b"\xff\xd8" * 200)
