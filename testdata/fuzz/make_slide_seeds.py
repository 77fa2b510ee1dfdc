# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of slide_fuzz: small generated TIFFs, one per layout. (found_* are inputs that
fuzzing made of them and that reach other code.)

    python make_slide_seeds.py slide      (packages tifffile, imagecodecs, numpy)
"""

import sys
from pathlib import Path

import numpy
import tifffile

APERIO = "Aperio Image Library v1.0\r\n40x40 [0,0 40x40] (16x16) J2K/KDU Q=70|AppMag = 20|MPP = 0.499"

OME = """<OME><Image ID="Image:0" Name="a"><Pixels SizeX="40" SizeY="40" SizeC="3"
PhysicalSizeX="0.5" PhysicalSizeY="0.5"><Channel Name="Red"/><Channel Name="Green"/>
<Channel Name="Blue"/><TiffData IFD="0" PlaneCount="3"/></Pixels></Image></OME>"""

LAYOUTS = {
    "none": {"tile": (16, 16)},
    "strips": {"rowsperstrip": 8},
    "deflate_predictor": {"tile": (16, 16), "compression": "zlib", "predictor": True},
    "lzw": {"tile": (16, 16), "compression": "lzw"},
    "jpeg_ycbcr420": {"tile": (16, 16), "compression": "jpeg", "photometric": "ycbcr",
                      "subsampling": (2, 2)},
    "jpeg_rgb": {"tile": (16, 16), "compression": "jpeg", "photometric": "rgb"},
    "jpeg2000": {"tile": (16, 16), "compression": 33005},
    "jp2": {"tile": (16, 16), "compression": 34712},
    "webp": {"tile": (16, 16), "compression": "webp"},
    "webp_strips": {"rowsperstrip": 8, "compression": "webp"},
    "zstd_predictor": {"tile": (16, 16), "compression": "zstd", "predictor": True},
    "packbits": {"tile": (16, 16), "compression": "packbits"},
    "planar": {"tile": (16, 16), "compression": "zlib", "planarconfig": "separate"},
    "miniswhite": {"tile": (16, 16), "compression": "lzw", "photometric": "miniswhite"},
    "subifds": {"tile": (16, 16), "compression": "jpeg"},
    "ome_channels": {"tile": (16, 16), "compression": "zlib", "photometric": "minisblack"},
    "bigtiff": {"tile": (16, 16), "compression": "zlib"},
    "big_endian": {"tile": (16, 16), "compression": "zlib"},
    "aperio": {"tile": (16, 16), "compression": "jpeg", "photometric": "rgb",
               "description": APERIO},
}


def pixels(side: int) -> numpy.ndarray:
    y, x = numpy.mgrid[:side, :side]
    return numpy.stack([x * 6, y * 6, (x ^ y) * 4], axis=2).astype(numpy.uint8)


def write(path: Path, name: str, options: dict) -> None:
    options = {"photometric": "rgb", "metadata": None, "software": False, **options}
    with tifffile.TiffWriter(path, bigtiff=name == "bigtiff",
                             byteorder=">" if name == "big_endian" else "<") as tiff:
        if name == "ome_channels":
            options.pop("metadata")
            tiff.write(numpy.moveaxis(pixels(40), 2, 0), description=OME, metadata=None, **options)
            return
        if name == "miniswhite":
            return tiff.write(pixels(40)[..., 0], **options)
        if name == "planar":
            return tiff.write(numpy.moveaxis(pixels(40), 2, 0), **options)
        if name == "subifds":
            options["subifds"] = 1
        tiff.write(pixels(40), resolution=(20000, 20000), resolutionunit="CENTIMETER", **options)
        options.pop("description", None)
        options.pop("subifds", None)
        if name == "aperio":
            tiff.write(pixels(16), photometric="rgb", metadata=None, rowsperstrip=16)
        tiff.write(pixels(20), subfiletype=1, **options)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, options in LAYOUTS.items():
        write(folder / f"{name}.tif", name, options)


if __name__ == "__main__":
    main()
