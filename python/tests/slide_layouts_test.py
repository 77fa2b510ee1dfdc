# SPDX-License-Identifier: Apache-2.0
"""Every layout of TIFF that lamella reads, written by tifffile and compared with its reading."""

import itertools

import lamella
import numpy as np
import pytest
import tifffile

ROWS, COLUMNS = 330, 410  # no multiple of a tile

CODECS = {
    "none": {},
    "packbits": {"compression": "packbits"},
    "lzw": {"compression": "lzw"},
    "lzw_predictor": {"compression": "lzw", "predictor": True},
    "deflate": {"compression": "zlib"},
    "deflate_predictor": {"compression": "zlib", "predictor": True},
    "zstd": {"compression": "zstd"},
    "zstd_predictor": {"compression": "zstd", "predictor": True},
    "jpeg": {"compression": "jpeg"},
    "webp": {"compression": "webp", "compressionargs": {"lossless": True}},
    "webp_lossy": {"compression": "webp", "compressionargs": {"level": 80}},
    "jpeg2000": {"compression": "jpeg2000"},
    "jpeg2000_33004": {"compression": 33004},
}
SAMPLES = {"grey": 1, "grey_alpha": 2, "rgb": 3, "rgba": 4}


def picture(channels=3, seed=0.0, size=(ROWS, COLUMNS)):
    """Smooth, not symmetric, bright; alpha takes all values."""
    y, x = np.mgrid[: size[0], : size[1]]
    waves = [
        200 + 50 * np.sin(x / 17 + seed),
        120 + 60 * np.sin(y / 23 + seed),
        180 + 40 * np.cos((x + y) / 31 + seed),
        (x + 2 * y) % 256,
    ]
    chosen = [waves[0], waves[3]] if channels == 2 else waves[:channels]
    return np.stack(chosen, -1).clip(0, 255).astype(np.uint8)


def reduced(image, factor):
    rows, columns = (side // factor for side in image.shape[:2])
    image = image[: rows * factor, : columns * factor]
    return image.reshape(rows, factor, columns, factor, -1).mean((1, 3)).round().astype(np.uint8)


def over_white(image):
    """What must be shown of grey, grey and alpha, RGB or RGBA."""
    image = image.reshape(*image.shape[:2], -1).astype(float)
    channels = image.shape[-1]
    if channels in (2, 4):
        alpha = image[..., -1:] / 255
        image = image[..., :-1] * alpha + 255 * (1 - alpha)
    return np.broadcast_to(image, (*image.shape[:2], 3))


def shown(path, level=0, **options):
    slide = lamella.Slide(path, **options)
    width, height = slide.levels[level].size
    return slide.read_region(0, 0, width, height, level=level).astype(float)


def write(path, pyramid, **options):
    """Three levels: flagged pages, SubIFDs of the first, or pages without a flag."""
    channels = options.pop("channels")
    levels = [picture(channels)] + [reduced(picture(channels), k) for k in (2, 4)]
    if options.get("planarconfig") == "separate":
        levels = [np.moveaxis(level, -1, 0) for level in levels]
    elif channels == 1:
        levels = [level[..., 0] for level in levels]
    if channels in (2, 4):
        options["extrasamples"] = ["unassalpha"]
    options["photometric"] = "minisblack" if channels < 3 else "rgb"
    with tifffile.TiffWriter(path) as tiff:
        subifds = 2 if pyramid == "subifds" else None
        tiff.write(levels[0], metadata=None, subifds=subifds, **options)
        for level in levels[1:]:
            tiff.write(level, metadata=None, subfiletype=int(pyramid != "pages"), **options)


def stored(path, pyramid):
    with tifffile.TiffFile(path) as tiff:
        pages = list(tiff.pages)
        if pyramid == "subifds":
            pages = [pages[0], *pages[0].pages]
        arrays = [page.asarray() for page in pages]
        planar = pages[0].planarconfig == 2 and pages[0].samplesperpixel > 1
    return [np.moveaxis(each, 0, -1) if planar else each for each in arrays]


LAYOUTS = [
    pytest.param(*each, id="-".join(each))
    for each in itertools.product(
        CODECS, SAMPLES, ("tiles", "strips"), ("contig", "separate"), ("flag", "subifds", "pages")
    )
    # Planes of one sample are no planes; WebP has none.
    if not (each[3] == "separate" and (each[1] == "grey" or each[0].startswith("webp")))
    and not (each[0].startswith("webp") and each[1].startswith("grey"))
    # tifffile does not write these.
    and not (each[0] == "jpeg" and each[1].endswith("a") and each[3] == "contig")
]


@pytest.mark.parametrize("codec, samples, blocks, planes, pyramid", LAYOUTS)
def test_layout(tmp_path, codec, samples, blocks, planes, pyramid):
    path = tmp_path / "a.tif"
    options = dict(CODECS[codec], channels=SAMPLES[samples])
    options |= {"tile": (64, 64)} if blocks == "tiles" else {"rowsperstrip": 40}
    if planes == "separate":
        options["planarconfig"] = "separate"
    write(path, pyramid, **options)
    slide = lamella.Slide(path, backend="lamella")
    assert [level.size for level in slide.levels] == [(410, 330), (205, 165), (102, 82)]
    assert not slide.warnings
    tolerance = 2 if codec in ("jpeg", "webp_lossy") else 0.51
    for level, expected in enumerate(stored(path, pyramid)):
        worst = np.abs(shown(path, level) - over_white(expected)).max()
        assert worst <= tolerance, f"level {level}: {worst}"


@pytest.mark.parametrize("mode", ["minisblack", "miniswhite", "palette"])
@pytest.mark.parametrize("codec", ["none", "lzw", "zstd", "deflate_predictor", "jpeg"])
def test_one_sample(tmp_path, mode, codec):
    if mode == "palette" and codec == "jpeg":
        pytest.skip("no such thing")
    image = picture(1)[..., 0]
    colours = np.stack([np.arange(256) * 257, np.arange(256)[::-1] * 257, np.full(256, 9 * 257)])
    extra = {"colormap": colours.astype(np.uint16)} if mode == "palette" else {}
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image, photometric=mode, tile=(64, 64), metadata=None, **CODECS[codec],
                     **extra)
    raw = tifffile.imread(path)
    if mode == "miniswhite":
        raw = 255 - raw
    expected = (colours.T[raw] // 257).astype(float) if mode == "palette" else over_white(raw)
    assert np.abs(shown(path) - expected).max() <= 1


@pytest.mark.parametrize(
    "what, options, words",
    [
        ("float", {"dtype": "float32"}, "floating point samples of 32 bits"),
        ("16 bits", {"dtype": "uint16"}, "unsigned samples of 16 bits"),
        ("signed", {"dtype": "int8"}, "signed samples of 8 bits"),
        ("Lab", {"photometric": "cielab"}, "CIE Lab"),
        ("CMYK", {"photometric": "separated", "channels": 4}, "CMYK"),
        ("JPEG XL", {"compression": "jpegxl"}, "JPEG XL"),
        ("LERC", {"compression": "lerc"}, "LERC"),
        ("lossless JPEG", {"compression": "jpeg", "compressionargs": {"lossless": True}},
         "lossless JPEG"),
    ],
)
def test_refused_by_name_when_opened(tmp_path, what, options, words):
    options = dict({"photometric": "rgb"}, **options)
    image = picture(options.pop("channels", 3)).astype(options.pop("dtype", "uint8"))
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image, tile=(64, 64), metadata=None, **options)
    with pytest.raises(lamella.Error, match=words) as caught:
        lamella.Slide(path)
    assert caught.value.code == "unsupported"
