# SPDX-License-Identifier: Apache-2.0
"""What is written for other programs, opened by them; what other programs write, read."""

import json
import re
import tarfile

import h5py
import numpy
import pytest
import tifffile
import webdataset
from conftest import bad, good, lamella
from PIL import Image

WIDTH, HEIGHT, UM = 2000, 1600, 0.5
ID = "TCGA-AA-0001-01Z-00-DX1.67DEE36B"


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    """Left half tissue, right half glass."""
    path = tmp_path_factory.mktemp("other") / f"{ID}.tif"
    pixels = numpy.full((HEIGHT, WIDTH, 3), 245, numpy.uint8)
    pixels[:, : WIDTH // 2] = (180, 90, 160)
    tifffile.imwrite(path, pixels, photometric="rgb", tile=(256, 256), metadata=None,
                     resolution=(1e4 / UM, 1e4 / UM), resolutionunit="CENTIMETER")
    return path


def shards(slide, folder):
    good("plan", "--slide", slide, "--size-px", 200, "--level", 0, "--tissue", "none", "--out",
         folder / "p.h5")
    count = good("extract", "--slide", slide, "--plan", folder / "p.h5", "--format", "webdataset",
                 "--shard-size", 30, "--out", folder / "wd")["patches"]
    assert count == 80
    return sorted((folder / "wd").glob("*.tar"))


def test_webdataset_keys_by_its_own_rule(slide, tmp_path):
    """WebDataset parts a name at the first dot behind the last slash."""
    samples: dict[str, set] = {}
    for path in shards(slide, tmp_path):
        with tarfile.open(path) as tar:
            for name in tar.getnames():
                key, ending = re.match(r"^((?:.*/|)[^.]+)[.]([^/]*)$", name).groups()
                samples.setdefault(key, set()).add(ending)
    assert len(samples) == 80
    assert set(map(frozenset, samples.values())) == {frozenset({"jpg", "json"})}


def test_webdataset_reads_its_shards(slide, tmp_path):
    paths = [str(path) for path in shards(slide, tmp_path)]
    samples = list(webdataset.WebDataset(paths, shardshuffle=False))
    assert len(samples) == 80
    for sample in samples:
        about = json.loads(sample["json"])
        assert about["slide"] == ID and sample["__key__"].endswith(f"_{about['x']}_{about['y']}")
        assert sample["jpg"][:2] == b"\xff\xd8"


def write_scores(path, hot, origin, step, size):
    rows = ["minx,miny,width,height,prob_normal,prob_tumor"]
    for y in range(origin[1], HEIGHT - size, step):
        for x in range(origin[0], WIDTH - size, step):
            score = 1 if (x, y) == hot else 0
            rows.append(f"{x},{y},{size},{size},{1 - score},{score}")
    path.write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize("origin, step, size, tags", [
    ((0, 0), 200, 200, False), ((200, 400), 200, 200, False),  # a grid of the whole slide
    ((0, 0), 100, 200, False),                                 # patches that overlap
    ((0, 0), 400, 200, False),                                 # and such that leave gaps
    ((137, 63), 200, 200, True),                               # a grid over a region
])
def test_a_heatmap_lies_where_tiff_says(slide, tmp_path, origin, step, size, tags):
    hot = (origin[0] + 2 * step, origin[1] + step)
    write_scores(tmp_path / "s.csv", hot, origin, step, size)
    good("map", "--slide", slide, "--scores", tmp_path / "s.csv", "--out", tmp_path / "m")
    with tifffile.TiffFile(tmp_path / "m.tiff") as tiff:
        page = tiff.pages[0]
        values = page.asarray()

        def um(tag):
            top, bottom = page.tags[tag].value if tag in page.tags else (0, 1)
            return top / bottom * 1e4

        pixel = 1e8 / um("XResolution") / UM
        begin = um("XPosition") / UM, um("YPosition") / UM
        about = json.loads(page.description)
    assert about["pixel_px"] == pytest.approx([pixel, pixel], rel=1e-4)
    assert begin == pytest.approx(about["origin_px"], abs=0.1)
    assert (max(begin) > 0) == tags
    rows, columns = numpy.nonzero(values > 0.5)
    box = (begin[0] + pixel * columns.min(), begin[1] + pixel * rows.min(),
           begin[0] + pixel * (columns.max() + 1), begin[1] + pixel * (rows.max() + 1))
    middle = hot[0] + size / 2, hot[1] + size / 2
    half = step / 2
    assert box == pytest.approx((middle[0] - half, middle[1] - half, middle[0] + half,
                                 middle[1] + half), abs=1)
    # To its right and bottom it reaches the slide's end.
    assert 0 <= begin[0] + pixel * values.shape[1] - WIDTH < pixel + 1


def mask_of(values, kind):
    """The left half, a tenth of the slide's size."""
    mask = numpy.zeros((HEIGHT // 10, WIDTH // 10), kind)
    mask[:, : WIDTH // 20] = values
    return mask


MASKS = {
    "png_01": lambda path: Image.fromarray(mask_of(1, numpy.uint8)).save(path, "PNG"),
    "png_255": lambda path: Image.fromarray(mask_of(255, numpy.uint8)).save(path, "PNG"),
    "png_16_01": lambda path: Image.fromarray(mask_of(1, numpy.uint16)).save(path, "PNG"),
    "png_16_65535": lambda path: Image.fromarray(mask_of(65535, numpy.uint16)).save(path, "PNG"),
    "png_1_bit": lambda path: Image.fromarray(mask_of(255, numpy.uint8)).convert("1").save(
        path, "PNG"),
    "png_palette": lambda path: Image.fromarray(mask_of(255, numpy.uint8)).convert("P").save(
        path, "PNG"),
    "png_alpha": lambda path: Image.fromarray(numpy.stack(
        [mask_of(200, numpy.uint8)] * 3 + [mask_of(128, numpy.uint8)], -1)).save(path, "PNG"),
    "jpeg": lambda path: Image.fromarray(mask_of(255, numpy.uint8)).save(path, "JPEG"),
    "tiff_01": lambda path: tifffile.imwrite(path, mask_of(1, numpy.uint8)),
    "tiff_16": lambda path: tifffile.imwrite(path, mask_of(1, numpy.uint16), compression="deflate"),
    "tiff_tiles": lambda path: tifffile.imwrite(path, mask_of(255, numpy.uint8), tile=(64, 64),
                                                compression="lzw"),
    "tiff_big_endian": lambda path: tifffile.imwrite(path, mask_of(1, numpy.uint16),
                                                     byteorder=">"),
    "tiff_1_bit": lambda path: Image.fromarray(mask_of(255, numpy.uint8)).convert("1").save(
        path, "TIFF"),
    "labels": lambda path: Image.fromarray(numpy.where(
        numpy.arange(HEIGHT // 10)[:, None] % 2, mask_of(3, numpy.uint8),
        mask_of(7, numpy.uint8))).save(path, "PNG"),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks_as_other_programs_write_them(slide, tmp_path, name):
    MASKS[name](tmp_path / "mask")
    outcome = lamella("plan", "--slide", slide, "--size-px", 100, "--level", 0, "--tissue",
                      tmp_path / "mask", "--min-tissue", 0.5, "--out", tmp_path / "p.h5")
    assert outcome.code == 0, outcome.err
    with h5py.File(tmp_path / "p.h5") as file:
        coords, tissue = file["coords"][:], file["tissue_fraction"][:]
    assert len(coords) == 10 * 16 and coords[:, 0].max() == 900
    assert tissue.min() > 0.95  # JPEG blurs the edge
    assert ("taken as tissue" in outcome.err) == (name in ("jpeg", "labels"))


def test_pictures_that_are_no_masks(slide, tmp_path):
    noise = numpy.random.default_rng(1).integers(0, 256, (160, 200), numpy.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    Image.fromarray(mask_of(1, numpy.uint8)[:, :100]).save(tmp_path / "half.png")
    tifffile.imwrite(tmp_path / "float.tif", mask_of(1, numpy.float32))
    Image.fromarray(mask_of(1, numpy.uint8)).save(tmp_path / "m.bmp")
    (tmp_path / "cut.png").write_bytes((tmp_path / "noise.png").read_bytes()[:2000])
    for name, word in (("noise.png", "expected a mask"), ("half.png", "proportions"),
                       ("float.tif", "floating point"), ("m.bmp", "PNG, JPEG or TIFF"),
                       ("cut.png", "cut.png")):
        message = bad("plan", "--slide", slide, "--size-px", 100, "--level", 0, "--tissue",
                      tmp_path / name, "--out", tmp_path / "p.h5")
        assert word in message, message


def test_a_table_in_utf_16(slide, tmp_path):
    """As spreadsheets save "Unicode text": UTF-16, tabs, decimal commas."""
    rows = "slide_id\tx\ty\r\nPräparat\t100,5\t200\r\n"
    (tmp_path / "c.txt").write_bytes("\ufeff".encode("utf-16-le") + rows.encode("utf-16-le"))
    outcome = lamella("plan", "--slide", slide, "--slide-id", "Präparat", "--size-px", 50, "--level",
                      0, "--tissue", "none", "--classes", "normal", "tumor", "--centers",
                      f"{tmp_path / 'c.txt'}:tumor", "--out", tmp_path / "p.h5")
    assert outcome.code == 0, outcome.err
    assert "UTF-16" in outcome.err
    with h5py.File(tmp_path / "p.h5") as file:
        assert file["coords"][:].tolist() == [[75, 175]]


@pytest.mark.parametrize("padding", ["zeros", "spaces"])
def test_texts_of_fixed_length(slide, tmp_path, padding):
    """h5py writes texts of any length; programs in C and Fortran, and copies by their tools, do not."""
    plan = tmp_path / "p.h5"
    words = ("--slide", slide, "--size-px", 200, "--level", 0, "--tissue", "none")
    good("plan", *words, "--out", plan)
    with h5py.File(plan, "r+") as file:
        texts = {name: value for name, value in file["coords"].attrs.items()
                 if isinstance(value, str)}
        assert "lamella_plan" in texts
        for name, value in texts.items():
            kind = h5py.h5t.C_S1.copy() if padding == "zeros" else h5py.h5t.FORTRAN_S1.copy()
            kind.set_size(len(value) + 7)
            filler = b"\0" if padding == "zeros" else b" "
            stored = numpy.array(value.encode().ljust(len(value) + 7, filler), f"S{len(value) + 7}")
            del file["coords"].attrs[name]
            made = h5py.h5a.create(file["coords"].id, name.encode(), kind,
                                   h5py.h5s.create(h5py.h5s.SCALAR))
            made.write(stored, mtype=kind)
    shown = good("extract", "--slide", slide, "--plan", plan, "--format", "png", "--out",
                 tmp_path / "patches")
    assert shown["patches"] == 80
