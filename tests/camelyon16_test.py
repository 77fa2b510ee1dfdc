# SPDX-License-Identifier: Apache-2.0
"""The reference's data set: real rows, outlines and patches, sparse files standing in for the slides."""

import csv
import tomllib
from collections import defaultdict
from pathlib import Path

import h5py
import numpy
import pytest
import tifffile
from conftest import ROOT, bad, good
from PIL import Image
from sparse_tiff import SparseTiff

STUDY = ROOT / "studies" / "camelyon16"
HALF = 149  # of 299 px, as NCRF cuts them


@pytest.fixture(scope="module")
def camelyon(data) -> Path:
    return data / "camelyon16"


def size_around(points) -> tuple[int, int]:
    """The largest coordinate and 512 px, rounded up to 512."""
    return tuple((int(max(axis)) + 512 + 511) // 512 * 512 for axis in zip(*points))


def test_the_40_000_rows_are_planned(camelyon, tmp_path):
    rows = defaultdict(dict)
    for label, name in ((1, "tumor_valid.txt"), (0, "normal_valid.txt")):
        for slide, x, y in csv.reader((camelyon / name).open()):
            rows[slide].setdefault(label, []).append((int(x), int(y)))
    assert sum(len(points) for lists in rows.values() for points in lists.values()) == 40_000
    planned = 0
    for slide, lists in rows.items():
        width, height = size_around(sum(lists.values(), []))
        path = tmp_path / f"{slide.lower()}.tif"  # the challenge's file names are in lower case
        stand_in = SparseTiff(width, height)
        stand_in.paint(0, 0, numpy.full((256, 256, 3), 200, numpy.uint8))
        stand_in.write(path, 0.243)
        plan = tmp_path / "plan.h5"
        made = good("plan", "--slide", path, "--size-px", 299, "--level", 0, "--tissue", "none",
                    "--classes", "normal", "tumor",
                    "--centers", f"{camelyon / 'tumor_valid.txt'}:tumor",
                    f"{camelyon / 'normal_valid.txt'}:normal", "--out", plan)
        with h5py.File(plan) as file:
            found = {(*map(int, place), int(label))
                     for place, label in zip(file["coords"][:], file["label"][:])}
            assert len(file["coords"]) == made["patches"]
        assert found == {(x - HALF, y - HALF, label)
                         for label, points in lists.items() for x, y in points}, slide
        planned += made["patches"]
    assert planned == 40_000  # two of them stand twice in the lists


@pytest.fixture(scope="module")
def pasted(camelyon, tmp_path_factory):
    """slide id -> (sparse slide with its real patches pasted in, [(x, y, label, file)])."""
    folder = tmp_path_factory.mktemp("camelyon")
    patches = defaultdict(list)
    for file in sorted((camelyon / "patches").glob("*/*.png")):
        slide, x, y = file.stem.rsplit("_", 2)
        patches[slide].append((int(x), int(y), int(file.parent.name == "tumor"), file))
    assert sum(map(len, patches.values())) == 57
    slides = {}
    for name, items in patches.items():
        slide = SparseTiff(*size_around([(x + 256, y + 256) for x, y, _, _ in items]))
        for x, y, _, file in items:
            slide.paint(x, y, numpy.asarray(Image.open(file).convert("RGB")))
        path = folder / f"{name}.tif"
        slide.write(path, 0.243)
        slides[name] = path, items
    return slides


def test_a_reader_of_others_agrees_about_the_sparse_file(pasted):
    path, items = min(pasted.values(), key=lambda slide: slide[0].stat().st_size)
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        assert page.shape[1] % 512 == 0 and page.shape[2] == 3
        x, y, _, picture = items[0]
        index = (y // 256) * (-(-page.imagewidth // 256)) + x // 256
        file.filehandle.seek(page.dataoffsets[index])
        tile = page.decode(file.filehandle.read(page.databytecounts[index]), index)[0].squeeze()
    part = tile[y % 256:, x % 256:]
    expected = numpy.asarray(Image.open(picture).convert("RGB"))[:part.shape[0], :part.shape[1]]
    assert (part == expected).all()


def test_the_57_patches_come_back_pixel_for_pixel(pasted, tmp_path):
    compared = 0
    for name, (path, items) in pasted.items():
        for label in (0, 1):
            rows = [f"{name},{x + 128},{y + 128}\n" for x, y, kind, _ in items if kind == label]
            (tmp_path / f"{label}.txt").write_text("".join(rows))
        plan, out = tmp_path / f"{name}.h5", tmp_path / name
        good("plan", "--slide", path, "--size-px", 256, "--level", 0, "--tissue", "none",
             "--classes", "normal", "tumor", "--centers", *(f"{tmp_path / f'{label}.txt'}:{('normal', 'tumor')[label]}" for label in (0, 1)
                            if (tmp_path / f"{label}.txt").stat().st_size), "--out", plan)
        good("extract", "--slide", path, "--plan", plan, "--format", "png", "--out", out)
        for x, y, label, file in items:
            back = out / ("tumor" if label else "normal") / f"{name}_{x}_{y}.png"
            assert (numpy.asarray(Image.open(back))
                    == numpy.asarray(Image.open(file).convert("RGB"))).all(), back
            compared += 1
    assert compared == 57


def test_the_study_names_and_applies_the_known_faults():
    table = list(csv.DictReader((STUDY / "slides.csv").open()))
    by_id = {row["slide_id"]: row for row in table}
    assert len(by_id) == len(table) == 398
    assert by_id["Tumor_111"]["path"].endswith("normal_086.tif") and "Normal_086" not in by_id
    assert "Test_049" not in by_id
    roles = {role: sum(row["role"] == role for row in table) for role in ("train", "test", "score")}
    assert roles == {"train": 240, "test": 29, "score": 129}
    study = tomllib.loads((STUDY / "camelyon16.toml").read_text())
    assert study["patches"]["size_px"] == 299 and study["patches"]["level"] == 0


def test_the_study_is_read_and_says_which_slide_is_missing(tmp_path):
    message = bad("run", STUDY / "camelyon16.toml", "--set", f"output={tmp_path / 'out'}")
    assert ".txt" in message or ".tif" in message
