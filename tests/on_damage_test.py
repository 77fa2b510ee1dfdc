# SPDX-License-Identifier: Apache-2.0
"""A cohort with a slide of which one tile cannot be decoded: left out by choice, and told."""

import csv
import json
import shutil
from pathlib import Path

import h5py
import numpy
import pytest
from conftest import good, lamella, small_study
from damaged_tiff import corrupt_tile
from small_cohort import make_cohort

BAD = "phantom_03"  # a slide to test on


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    folder = make_cohort(good, tmp_path_factory.mktemp("damaged"), size_px="2048,1536", seed=3)
    corrupt_tile(folder / f"{BAD}.tif", 1)  # 1 um/px, what the study reads
    return folder


def run(folder: Path, cohort: Path, *words):
    (folder / "s.toml").write_text(small_study(folder / "out", cohort / "slides.csv"))
    return lamella("run", folder / "s.toml", "--json", *words)


def test_a_run_leaves_out_what_is_damaged_if_told_to(cohort, tmp_path):
    failed = run(tmp_path, cohort)
    assert failed.code == 3 and f"slide '{BAD}' failed" in failed.err
    shutil.rmtree(tmp_path / "out")

    made = run(tmp_path, cohort, "--skip-errors")
    assert made.code == 3, made.err
    slides = {slide["slide_id"]: slide for slide in made.json["slides"]}
    assert {slide["status"] for slide in slides.values()} == {"done"}
    left_out = slides[BAD]["patches_left_out"]
    assert left_out > 0
    assert all(slide["patches_left_out"] == 0 for name, slide in slides.items() if name != BAD)
    said = [text for text in made.json["warnings"] if "left out, as their pixels" in text]
    assert said and all(f"slide '{BAD}': " in text and f"{BAD}.tif" in text for text in said)
    assert len(said) == len(set(said)), "each is said once"
    record = json.loads((Path(made.json["run_dir"]) / "run.json").read_text())
    assert record["study"]["patches"]["on_damage"] == "skip"
    assert {slide["slide_id"]: slide["patches_left_out"] for slide in record["slides"]}[BAD] == left_out

    out = tmp_path / "out"
    with h5py.File(out / "plans/grid" / f"{BAD}.h5") as plan, \
            h5py.File(out / "features/grid" / f"{BAD}.h5") as features:
        planned = {tuple(row) for row in plan["coords"][:]}
        kept = {tuple(row) for row in features["coords"][:]}
        lost = {tuple(row) for row in features["left_out"][:]}
        assert kept | lost == planned and not kept & lost and lost
        assert len(features["features"]) == len(kept)
        assert numpy.isfinite(features["features"][:]).all()
    with open(out / "scores/grid" / f"{BAD}.csv", newline="") as file:
        scored = {(int(row["minx"]), int(row["miny"])) for row in csv.DictReader(file)}
    assert scored == kept
    identity = json.loads((out / "scores/grid" / f"{BAD}.csv.json").read_text())
    assert {tuple(row) for row in identity["left_out"]} == lost
    assert (out / "heatmaps" / f"{BAD}.png").exists()

    again = run(tmp_path, cohort, "--skip-errors")  # found finished, and told again
    assert again.code == 3
    assert all(slide["patches_reused"] == slide["patches"] for slide in again.json["slides"])
    assert [text for text in again.json["warnings"] if "left out, as their pixels" in text] == said

    strict = run(tmp_path, cohort)  # what was left out is not taken for the whole
    assert strict.code == 3 and f"slide '{BAD}' failed" in strict.err
    assert "patches.on_damage skip -> none" in strict.err


def test_verb_by_verb(cohort, tmp_path):
    slide, plan = cohort / f"{BAD}.tif", tmp_path / "p.h5"
    good("plan", "--slide", slide, "--size-px", 56, "--mpp", 1, "--tissue", "none", "--out", plan)
    encode = ("encode", "--slide", slide, "--plan", plan, "--out", tmp_path / "f.h5")
    assert "tile" in lamella(*encode).err
    assert not (tmp_path / "f.h5").exists()
    made = lamella(*encode, "--skip-errors", "--json")
    assert made.code == 3 and made.json["left_out"] > 0
    extracted = lamella("extract", "--slide", slide, "--plan", plan, "--format", "null",
                        "--on-damage", "skip", "--json")
    assert extracted.code == 3 and extracted.json["failed"] == made.json["left_out"]
    assert extracted.json["patches"] == made.json["patches"]
    assert "left out, as their pixels" in extracted.err and "left out, as their pixels" in made.err
    assert lamella(*encode, "--skip-errors", "--on-damage", "fail").code == 2


def test_a_damaged_tile_of_the_overview(cohort, tmp_path):
    slide = shutil.copy(cohort / "phantom_04.tif", tmp_path / "s.tif")
    corrupt_tile(slide, -1)
    words = ("plan", "--slide", slide, "--size-px", 56, "--mpp", 1, "--mask-mpp", 32,
             "--out", tmp_path / "p.h5")
    assert lamella(*words).code == 1
    made = lamella(*words, "--skip-errors", "--json")
    assert made.code == 0 and "count as white in its mask" in made.err
