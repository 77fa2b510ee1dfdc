# SPDX-License-Identifier: Apache-2.0
"""Makes the slides of the benchmarks in FOLDER: a real scan, repeated to about 20,000 px a side.

    python make_slides.py SOURCE.svs FOLDER

grid_512.tif, grid_256.tif   pyramid, JPEG Q80, tiles of 512 and 256 px, 0.5 um/px
gap_512.tif                  levels at 0.5 and 8 um/px only
jp2k_256.svs                 JPEG 2000 (33005), one level of 4,440 x 5,934 px
huge_512.tif                 99,900 x 100,878 px with a normal pyramid (about 2 GB)
"""

import sys
from pathlib import Path

import pyvips
import tifffile

COPIES, HUGE_COPIES = (9, 7), (45, 34)
UM_PER_PX = 0.5


def save(image: pyvips.Image, path: Path, tile_px: int, **options) -> None:
    per_mm = 1000 / UM_PER_PX
    image.copy(xres=per_mm, yres=per_mm).tiffsave(
        str(path), tile=True, tile_width=tile_px, tile_height=tile_px, compression="jpeg", Q=80,
        **options)


def main() -> None:
    source, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    original = pyvips.Image.tiffload(source, page=0).copy_memory()
    scan = original.replicate(*COPIES)
    for tile_px in (512, 256):
        path = folder / f"grid_{tile_px}.tif"
        if not path.exists():
            save(scan, path, tile_px, pyramid=True)
    huge = folder / "huge_512.tif"
    if not huge.exists():
        save(original.replicate(*HUGE_COPIES), huge, 512, pyramid=True, bigtiff=True)
    jp2k = folder / "jp2k_256.svs"
    if not jp2k.exists():
        write_jpeg2000(scan.crop(0, 0, 4440, 5934), jp2k)
    gap = folder / "gap_512.tif"
    if not gap.exists():
        write_gap(scan, gap)


def write_gap(scan: pyvips.Image, path: Path) -> None:
    """Two levels, 16 times apart: libvips writes all octaves, so the pages are joined by hand."""
    small = scan.shrink(16, 16)
    with tifffile.TiffWriter(path) as tiff:
        for index, image in enumerate((scan, small)):
            tiff.write(image.numpy(), tile=(512, 512), compression="jpeg",
                       compressionargs={"level": 80}, photometric="ycbcr", subsampling=(2, 2),
                       subfiletype=int(index > 0), metadata=None,
                       resolution=(10000 / UM_PER_PX / 16**index,) * 2,
                       resolutionunit="CENTIMETER")


def write_jpeg2000(scan: pyvips.Image, path: Path) -> None:
    description = ("Aperio Image Library v1.0\r\n4440x5934 [0,0 4440x5934] (256x256) J2K/KDU Q=70"
                   "|AppMag = 20|MPP = 0.5")
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(scan.numpy(), tile=(256, 256), compression=33005,
                   compressionargs={"level": 38}, photometric="rgb", metadata=None,
                   description=description)


if __name__ == "__main__":
    main()
