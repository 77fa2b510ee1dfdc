# SPDX-License-Identifier: Apache-2.0
"""Which page is what, and whose colours: files as other programs write them."""

import io
import struct

import imagecodecs
import lamella
import numpy as np
import pytest
import tifffile
from PIL import Image

from slide_layouts_test import over_white, picture, reduced, shown

SIZE = (700, 900)
BIG = picture(size=SIZE)
RGB = {"photometric": "rgb", "metadata": None}
TILED = {"tile": (256, 256), **RGB}
MPP_HALF = {"resolution": (20000, 20000), "resolutionunit": "CENTIMETER"}
APERIO = "Aperio Image Library v11.2.1\r\n900x700 [0,0 900x700] (256x256)%s JPEG/RGB|AppMag = 20"


def sizes(slide):
    return [level.size for level in slide.levels]


def worst(seen, expected):
    return np.abs(seen - expected.astype(float)).max()


def test_a_second_image_of_the_same_shape_is_no_level(tmp_path):
    path = tmp_path / "a.tif"
    other = picture(size=SIZE, seed=2.0)[::-1, ::-1]
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(BIG, **TILED)
        tiff.write(reduced(other, 2), **TILED)
        tiff.write(reduced(BIG, 4), **TILED)
    slide = lamella.Slide(path)
    assert sizes(slide) == [(900, 700), (225, 175)]
    assert worst(shown(path, 1), reduced(BIG, 4)) == 0
    assert len(slide.images) == 2 and "holds 2 images" in slide.warnings[0]
    assert worst(shown(path, image="1"), reduced(other, 2)) == 0
    with pytest.raises(lamella.Error, match="'7' was asked for") as caught:
        lamella.Slide(path, image="7")
    assert caught.value.code == "not found"


def test_images_of_one_size_are_refused_unless_one_is_named(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        for seed in range(3):
            tiff.write(picture(size=SIZE, seed=seed), **TILED)
    with pytest.raises(lamella.Error, match="holds 3 images.*0 'page 0' of 900 x 700 px") as caught:
        lamella.Slide(path)
    assert caught.value.code == "unsupported"
    assert worst(shown(path, image="2"), picture(size=SIZE, seed=2)) == 0


@pytest.mark.parametrize("order", [(4, 2, 1), (2, 1, 4), (1, 4, 2)])
def test_pages_in_any_order(tmp_path, order):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        for factor in order:
            tiff.write(reduced(BIG, factor), **TILED)
    assert sizes(lamella.Slide(path)) == [(900, 700), (450, 350), (225, 175)]
    assert worst(shown(path), BIG) == 0


def test_a_macro_before_the_slide(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(picture(size=(150, 300), seed=3), **RGB)
        tiff.write(BIG, **TILED, **MPP_HALF)
        tiff.write(reduced(BIG, 2), subfiletype=1, **TILED)
    slide = lamella.Slide(path)
    assert sizes(slide) == [(900, 700), (450, 350)] and slide.image == 1
    assert slide.mpp == (0.5, 0.5) and slide.warnings


def ome(path, image, **metadata):
    tifffile.imwrite(path, image, tile=(256, 256), photometric="minisblack",
                     metadata=metadata, ome=True)


def test_ome_channels_that_are_red_green_and_blue(tmp_path):
    path = tmp_path / "a.ome.tif"
    planes = np.moveaxis(BIG, -1, 0)
    half = np.moveaxis(reduced(BIG, 2), -1, 0)
    names = {"axes": "CYX", "Channel": {"Name": ["Red", "Green", "Blue"]},
             "PhysicalSizeX": 250.0, "PhysicalSizeXUnit": "nm",
             "PhysicalSizeY": 250.0, "PhysicalSizeYUnit": "nm"}
    with tifffile.TiffWriter(path, ome=True) as tiff:
        tiff.write(planes, tile=(256, 256), photometric="minisblack", subifds=1, metadata=names,
                   **MPP_HALF)
        tiff.write(half, tile=(256, 256), photometric="minisblack", subfiletype=1)
    slide = lamella.Slide(path)
    assert sizes(slide) == [(900, 700), (450, 350)]
    assert worst(shown(path), BIG) == 0 and worst(shown(path, 1), reduced(BIG, 2)) == 0
    # The OME-XML's size wins over the resolution tags, and it is said.
    assert slide.mpp == (0.25, 0.25)
    assert any("0.25" in each and "0.5" in each for each in slide.warnings)


@pytest.mark.parametrize(
    "names", [["DAPI", "FITC", "Cy5"], ["DAPI", "FITC"], ["Red", "Green", "Blue", "Cy5"]])
def test_fluorescence_is_refused_by_its_channels(tmp_path, names):
    path = tmp_path / "a.ome.tif"
    planes = np.stack([BIG[..., 0]] * len(names))
    ome(path, planes, axes="CYX", Channel={"Name": names})
    with pytest.raises(lamella.Error, match=", ".join(names)) as caught:
        lamella.Slide(path)
    assert caught.value.code == "unsupported"


@pytest.mark.parametrize("bright", [True, False])
def test_three_ome_channels_of_which_nothing_is_said(tmp_path, bright):
    path = tmp_path / "a.tif"
    xml = ('<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/'
           'Schemas/OME/2016-06"><Image ID="Image:0"><Pixels DimensionOrder="XYCZT" ID="Pixels:0" '
           'SizeC="3" SizeT="1" SizeX="900" SizeY="700" SizeZ="1" Type="uint8"/></Image></OME>')
    planes = BIG if bright else BIG // 8
    with tifffile.TiffWriter(path) as tiff:
        for c in range(3):
            tiff.write(planes[..., c], tile=(256, 256), photometric="minisblack", metadata=None,
                       description=xml if c == 0 else None)
    if bright:
        assert worst(shown(path), BIG) == 0
    else:
        with pytest.raises(lamella.Error, match="3 channels"):
            lamella.Slide(path)


def test_a_stack_of_focal_planes_is_refused(tmp_path):
    path = tmp_path / "a.ome.tif"
    ome(path, np.stack([BIG[..., 0]] * 4), axes="ZYX")
    with pytest.raises(lamella.Error, match="4 focal planes"):
        lamella.Slide(path)


def test_ome_images_by_name(tmp_path):
    path = tmp_path / "a.ome.tif"
    label = picture(size=(200, 300), seed=1)
    with tifffile.TiffWriter(path, ome=True) as tiff:
        tiff.write(label, photometric="rgb", metadata={"Name": "label image"})
        tiff.write(BIG, photometric="rgb", tile=(256, 256), subifds=1,
                   metadata={"Name": "the slide", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5})
        tiff.write(reduced(BIG, 2), photometric="rgb", tile=(256, 256), subfiletype=1)
    slide = lamella.Slide(path)
    assert sizes(slide) == [(900, 700), (450, 350)]
    assert slide.mpp == (0.5, 0.5) and not slide.warnings
    assert [name for name, _, _ in slide.images] == ["label image", "the slide"]
    assert worst(shown(path, image="label image"), label) == 0


@pytest.mark.parametrize("bright", [True, False])
def test_imagej_composites(tmp_path, bright):
    path = tmp_path / "a.tif"
    planes = np.moveaxis(BIG if bright else BIG // 8, -1, 0)
    tifffile.imwrite(path, planes, imagej=True, resolution=(2, 2),
                     metadata={"axes": "CYX", "mode": "composite", "unit": "um"})
    if bright:
        try:
            assert worst(shown(path), BIG) == 0
            assert lamella.Slide(path).mpp == (0.5, 0.5)
        except lamella.Error as error:  # one directory for all pages
            assert "3 channels" in str(error)
    else:
        with pytest.raises(lamella.Error, match="3 channels"):
            lamella.Slide(path)


def jpeg_tile(tile, **options):
    out = io.BytesIO()
    Image.fromarray(tile).save(out, "JPEG", quality=95, **options)
    return out.getvalue()


def tiles(image, encode, missing=()):
    number = 0
    for y in range(0, image.shape[0], 256):
        for x in range(0, image.shape[1], 256):
            part = image[y : y + 256, x : x + 256]
            pad = [(0, 256 - part.shape[0]), (0, 256 - part.shape[1]), (0, 0)]
            yield b"" if number in missing else encode(np.pad(part, pad, mode="edge"))
            number += 1


def write_tiles(tiff, image, encode, missing=(), **options):
    tiff.write(tiles(image, encode, missing), shape=image.shape, dtype=np.uint8,
               tile=(256, 256), metadata=None, **options)


@pytest.mark.parametrize("subsampling", [0, 2])
def test_a_tag_that_says_rgb_over_jfif_is_wrong(tmp_path, subsampling):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        write_tiles(tiff, BIG, lambda tile: jpeg_tile(tile, subsampling=subsampling),
                    compression="jpeg", photometric="rgb")
    assert worst(shown(path), BIG) < 16


def test_a_tag_that_says_ycbcr_over_rgb_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    encode = lambda tile: imagecodecs.jpeg8_encode(tile, colorspace="rgb", outcolorspace="rgb")
    with tifffile.TiffWriter(path) as tiff:
        write_tiles(tiff, BIG, encode, compression="jpeg", photometric="ycbcr",
                    subsampling=(1, 1))
    with pytest.raises(lamella.Error, match="says RGB"):
        shown(path)


@pytest.mark.parametrize("compression", [33003, 33004, 33005, 34712])
@pytest.mark.parametrize("boxed", [False, True])
@pytest.mark.parametrize("mixed", [False, True])
def test_jpeg_2000_outside_aperio_means_what_it_says(tmp_path, compression, boxed, mixed):
    path = tmp_path / "a.tif"

    def encode(tile):
        return imagecodecs.jpeg2k_encode(tile, level=0, mct=mixed, reversible=True,
                                         codecformat="jp2" if boxed else "j2k")

    with tifffile.TiffWriter(path) as tiff:
        write_tiles(tiff, BIG, encode, compression=compression, photometric="rgb")
    assert worst(shown(path), BIG) == 0


def test_holes_of_a_reduced_aperio_level_are_made_of_the_finer_one(tmp_path):
    path = tmp_path / "a.svs"
    encode = lambda tile: jpeg_tile(tile, subsampling=0)
    options = {"compression": "jpeg", "photometric": "ycbcr", "subsampling": (1, 1)}
    half = reduced(BIG, 2)
    with tifffile.TiffWriter(path) as tiff:
        write_tiles(tiff, BIG, encode, description=APERIO % "", **options)
        write_tiles(tiff, half, encode, {0, 3}, description=APERIO % " -> 450x350", **options)
    slide = lamella.Slide(path)
    assert sizes(slide) == [(900, 700), (450, 350)]
    assert worst(shown(path, 1), half) < 12
    assert slide.warnings == ["level 1: 2 of 4 tiles are left out by the file and are made of the "
                              "finer level"]


def test_aperio_pages_of_one_size_are_channels(tmp_path):
    path = tmp_path / "a.svs"
    with tifffile.TiffWriter(path) as tiff:
        for c in range(3):
            tiff.write(BIG[..., c], tile=(256, 256), photometric="minisblack", metadata=None,
                       description=APERIO % "")
    with pytest.raises(lamella.Error, match="3 pictures of 900 x 700 px"):
        lamella.Slide(path)


def test_other_holes_are_white_and_counted(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        write_tiles(tiff, BIG, lambda tile: jpeg_tile(tile), {5}, compression="jpeg",
                    photometric="ycbcr", subsampling=(2, 2))
    assert (shown(path)[256:512, 256:512] == 255).all()
    assert lamella.Slide(path).warnings == [
        "level 0: 1 of 12 tiles are left out by the file and are shown white"]


def patch_tag(path, code, value):
    """Overwrites a SHORT's value in the first directory of a little-endian classic TIFF."""
    data = bytearray(path.read_bytes())
    at = struct.unpack_from("<I", data, 4)[0]
    for i in range(struct.unpack_from("<H", data, at)[0]):
        entry = at + 2 + 12 * i
        if struct.unpack_from("<H", data, entry)[0] == code:
            struct.pack_into("<HHIH", data, entry, code, 3, 1, value)
            path.write_bytes(data)
            return
    raise AssertionError(f"no tag {code}")


@pytest.mark.parametrize(
    "code, value", [(274, 0), (296, 9), (339, 4)],
    ids=["orientation 0", "bad resolution unit", "undefined sample format"])
def test_what_touches_no_pixel_is_no_damage(tmp_path, code, value):
    path = tmp_path / "a.tif"
    # Signed, so that the sample format is written.
    image = BIG[..., 0].view(np.int8) if code == 339 else BIG[..., 0]
    extra = [(274, "H", 1, 1, True)] if code == 274 else []
    tifffile.imwrite(path, image, tile=(256, 256), photometric="minisblack", metadata=None,
                     extratags=extra, **MPP_HALF)
    patch_tag(path, code, value)
    assert worst(shown(path), over_white(BIG[..., :1])) == 0


def test_a_bad_later_directory_is_left_out_and_said(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(BIG, **TILED)
        tiff.write(reduced(BIG, 2), subfiletype=1, **TILED)
    with tifffile.TiffFile(path) as tiff:
        second = tiff.pages[1].offset
    data = bytearray(path.read_bytes())
    data[second : second + 40] = b"\xff" * 40
    path.write_bytes(data)
    slide = lamella.Slide(path)
    assert sizes(slide)[0] == (900, 700) and slide.warnings
    assert worst(shown(path), BIG) == 0


def test_levels_through_openslide_lie_on_its_own_grid(tmp_path):
    path = tmp_path / "a.tif"
    image = picture(size=(1403, 1801))
    image[...] ^= np.random.default_rng(3).integers(0, 64, image.shape, dtype=np.uint8)
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(image, compression="zlib", **TILED)
        for factor in (2, 4):
            tiff.write(reduced(image, factor), compression="zlib", subfiletype=1, **TILED)
    for level, factor in ((0, 1), (1, 2), (2, 4)):
        seen = shown(path, level, backend="openslide")
        assert worst(seen, reduced(image, factor)) <= 1, f"level {level}"
