# SPDX-License-Identifier: Apache-2.0
"""The five verbs one by one, and what they leave on disk."""

import csv
import json
import tarfile

import h5py
import numpy
import pytest
import tifffile
from conftest import bad, good, lamella


@pytest.fixture(scope="module")
def verbs(tmp_path_factory, cohort):
    """plan, encode, train, score, map on two slides; the JSON of each step."""
    out = tmp_path_factory.mktemp("verbs")
    steps = {"out": out}
    for name in ("phantom_01", "phantom_02"):
        slide = cohort / f"{name}.tif"
        steps[f"plan {name}"] = good(
            "plan", "--slide", slide, "--size-px", 112, "--mpp", 1.0, "--annotations",
            cohort / f"{name}.xml", "--classes", "normal", "tumor",
                "--groups", "Tumor:tumor", "--rest-of-tissue", "normal",
            "--max-per-slide", 40, "--out", out / f"{name}.plan.h5")
        steps[f"encode {name}"] = good(
            "encode", "--slide", slide, "--plan", out / f"{name}.plan.h5", "--encoder", "lite0",
            "--precision", "f32", "--out", out / f"{name}.features.h5")
    steps["train"] = good("train", "--features", out / "phantom_01.features.h5", "--out",
                          out / "model")
    steps["score"] = good("score", "--features", out / "phantom_02.features.h5", "--model",
                          out / "model", "--out", out / "labelled" / "phantom_02.csv")
    steps["score slide"] = good("score", "--slide", cohort / "phantom_02.tif", "--model",
                                out / "model", "--out", out / "grid" / "phantom_02.csv")
    steps["map"] = good("map", "--slide", cohort / "phantom_02.tif", "--scores",
                        out / "grid" / "phantom_02.csv", "--out", out / "map")
    return steps


def test_every_verb_prints_its_rate(verbs):
    for name, step in verbs.items():
        if name != "out":
            assert {"patches", "seconds", "patches_per_second"} <= step.keys(), name


def test_plan_is_tridents_layout(verbs):
    with h5py.File(verbs["out"] / "phantom_01.plan.h5") as file:
        coords = file["coords"]
        assert coords.dtype == numpy.int64 and coords.shape == (len(file["label"]), 2)
        assert len(coords) == verbs["plan phantom_01"]["patches"] > 10
        assert coords.attrs["patch_size"] == 112
        assert coords.attrs["patch_size_level0"] == 224  # 112 px at 1.0 µm/px, slide at 0.5
        assert (coords.attrs["level0_width"], coords.attrs["level0_height"]) == (4096, 3072)
        assert set(numpy.unique(file["label"])) == {0, 1}
        positions = coords[:]
    assert positions.min() >= 0 and (positions[:, 0] < 4096).all()


def test_features_are_read_as_they_are(verbs):
    with h5py.File(verbs["out"] / "phantom_01.features.h5") as file:
        features = file["features"]
        assert features.dtype == numpy.float32
        assert features.shape == (verbs["plan phantom_01"]["patches"], 424)
        assert numpy.isfinite(features[:]).all() and features[:].std() > 0
        assert numpy.array_equal(file["coords"].shape, (len(features), 2))


def test_features_have_what_trident_asks_for(verbs):
    """Its loader for slide encoders: features and coords, with the patch's side at level 0."""
    with h5py.File(verbs["out"] / "phantom_01.features.h5") as file:
        attributes = dict(file["coords"].attrs)
        assert len(file["features"]) == len(file["coords"])
        assert file["features"].attrs["encoder"] == "lite0"
    assert attributes["patch_size"] == 112 and attributes["patch_size_level0"] == 224
    assert attributes["level0_magnification"] == 20 and attributes["target_magnification"] == 10
    assert attributes["overlap"] == 0 and attributes["name"] == "phantom_01"
    assert (attributes["level0_width"], attributes["level0_height"]) == (4096, 3072)


@pytest.fixture(scope="module")
def own(verbs):
    with h5py.File(verbs["out"] / "phantom_01.features.h5") as file:
        return file["features"][:], file["coords"][:]


def test_features_in_clams_layout(verbs, own, tmp_path):
    made = good("features", "export", "--features", verbs["out"] / "phantom_01.features.h5",
                "--layout", "clam", "--out", tmp_path / "a.h5")
    features, coords = own
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["features"].dtype == numpy.float32 and file["coords"].dtype == numpy.int32
        assert file["features"].compression is None and file["features"].maxshape[0] is None
        assert numpy.array_equal(file["features"][:], features)
        assert numpy.array_equal(file["coords"][:], coords)
        # 1.0 µm/px is level 1 as it is.
        assert (file["coords"].attrs["patch_level"], file["coords"].attrs["patch_size"]) == (1, 112)
    assert made["patches"] == len(features) and made["dimension"] == 424


def test_features_in_stamps_layout(verbs, own, tmp_path):
    good("features", "export", "--features", verbs["out"] / "phantom_01.features.h5", "--layout",
         "stamp", "--out", tmp_path / "a.h5")
    features, coords = own
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["feats"].dtype == numpy.float16
        assert numpy.allclose(file["feats"][:], features, rtol=2**-11, atol=2**-24)  # half an ulp
        assert numpy.allclose(file["coords"][:], coords * 0.5, atol=1e-3)  # µm
        assert file.attrs["unit"] == "um" and file.attrs["tile_size_um"] == 112
        assert file.attrs["tile_size_px"] == 112 and file.attrs["extractor"] == "lite0"


def test_features_of_an_unknown_layout_or_from_a_plan(verbs, tmp_path):
    out = tmp_path / "a.h5"
    given = ("features", "export", "--out", out, "--features")
    error = bad(*given, verbs["out"] / "phantom_01.features.h5", "--layout", "titan")
    assert "found the layout 'titan', expected clam or stamp" in error
    assert "is it a plan?" in bad(*given, verbs["out"] / "phantom_01.plan.h5", "--layout", "clam")
    assert not out.exists()


def test_scores_are_wsinfers_csv(verbs):
    with open(verbs["out"] / "grid" / "phantom_02.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["minx", "miny", "width", "height", "prob_normal", "prob_tumor"]
    assert len(rows) == verbs["score slide"]["patches"] > 20
    for row in rows:
        assert float(row["width"]) == 224
        assert abs(float(row["prob_normal"]) + float(row["prob_tumor"]) - 1) < 1e-6
        assert 0 <= float(row["prob_tumor"]) <= 1


def test_evaluate_agrees_with_counting_pairs(verbs):
    out = verbs["out"]
    metrics = good("evaluate", "--scores", out / "labelled" / "phantom_02.csv", "--truth",
                   out / "phantom_02.plan.h5")
    with h5py.File(out / "phantom_02.plan.h5") as file:
        labels = file["label"][:]
    with open(out / "labelled" / "phantom_02.csv", encoding="utf-8") as file:
        scores = numpy.array([float(row["prob_tumor"]) for row in csv.DictReader(file)])
    positive, negative = scores[labels == 1], scores[labels == 0]
    wins = (positive[:, None] > negative).sum() + 0.5 * (positive[:, None] == negative).sum()
    assert metrics["auc"] == pytest.approx(wins / (len(positive) * len(negative)), abs=1e-12)
    assert metrics["accuracy"] == pytest.approx(((scores >= 0.5) == labels).mean(), abs=1e-12)
    assert metrics["n"] == len(labels)


def test_heatmap_tiff_holds_the_scores(verbs):
    with tifffile.TiffFile(verbs["map"]["tiff"]) as tiff:
        values = tiff.pages[0].asarray()
        assert values.dtype == numpy.float32
        assert json.loads(tiff.pages[0].description)
    with open(verbs["out"] / "grid" / "phantom_02.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    finite = values[numpy.isfinite(values)]
    assert len(finite) == len(rows)
    expected = numpy.array([float(row["prob_tumor"]) for row in rows], numpy.float32)
    assert numpy.array_equal(numpy.sort(finite), numpy.sort(expected))
    first = rows[0]
    assert values[round(float(first["miny"]) / 224), round(float(first["minx"]) / 224)] == \
        numpy.float32(first["prob_tumor"])


def test_model_is_one_self_contained_folder(verbs, tmp_path, cohort):
    moved = tmp_path / "elsewhere"
    (verbs["out"] / "model").rename(moved)
    try:
        again = tmp_path / "phantom_02.csv"
        good("score", "--slide", cohort / "phantom_02.tif", "--model", moved, "--out", again,
             env={"LAMELLA_ENCODERS": str(tmp_path)})
        assert again.read_bytes() == (verbs["out"] / "grid" / "phantom_02.csv").read_bytes()
    finally:
        moved.rename(verbs["out"] / "model")


def test_extract_formats(verbs, cohort, tmp_path):
    slide, plan = cohort / "phantom_01.tif", verbs["out"] / "phantom_01.plan.h5"
    count = verbs["plan phantom_01"]["patches"]
    for form, ending in (("png", "png"), ("jpeg", "jpg")):
        result = good("extract", "--slide", slide, "--plan", plan, "--format", form, "--out",
                      tmp_path / form)
        assert result["patches"] == count
        files = sorted((tmp_path / form).rglob(f"*.{ending}"))
        assert len(files) == count
        assert {file.parent.name for file in files} == {"tumor", "normal"}
    with h5py.File(plan) as file:
        names = {f"phantom_01_{x}_{y}" for x, y in file["coords"][:]}
    assert {file.stem for file in files} == names
    small = tmp_path / "jpeg_420"
    good("extract", "--slide", slide, "--plan", plan, "--format", "jpeg", "--jpeg-chroma", "4:2:0",
         "--out", small)
    halved = {file.stem: file.stat().st_size for file in small.rglob("*.jpg")}
    assert halved.keys() == names
    assert sum(halved.values()) < sum(file.stat().st_size for file in files)

    good("extract", "--slide", slide, "--plan", plan, "--format", "webdataset", "--shard-size", 25,
         "--out", tmp_path / "shards")
    members = []
    for shard in sorted((tmp_path / "shards").glob("*.tar")):
        with tarfile.open(shard) as tar:
            members += tar.getnames()
    assert {name.rsplit(".", 1)[0] for name in members} == names
    assert len(members) == 3 * count
    assert good("extract", "--slide", slide, "--plan", plan, "--format", "null")["patches"] == count


def test_extract_gives_the_slides_pixels(cohort, tmp_path):
    plan = tmp_path / "plan.h5"
    good("plan", "--slide", cohort / "phantom_01.tif", "--size-px", 100, "--level", 0,
         "--tissue", "none", "--region", "256,128,300,200", "--out", plan)
    good("extract", "--slide", cohort / "phantom_01.tif", "--plan", plan, "--format", "png",
         "--out", tmp_path / "png")
    good("extract", "--slide", cohort / "phantom_01.tif", "--plan", plan, "--format", "png",
         "--out", tmp_path / "png2", "--threads", 2)
    files = sorted((tmp_path / "png").rglob("*.png"))
    assert len(files) == 6
    for file in files:
        assert file.read_bytes() == (tmp_path / "png2" / file.parent.name / file.name).read_bytes()


def test_help_has_an_example_for_every_command():
    listing = lamella("--help")
    assert listing.code == 0
    for command in ("run", "plan", "extract", "encode", "train", "score", "map", "evaluate",
                    "encoder", "phantom", "doctor"):
        assert f"\n  {command} " in listing.out
        text = lamella(command, "--help")
        assert text.code == 0 and "Example:" in text.out, command


def test_doctor_is_well():
    report = good("doctor")
    assert report["good"], report
    assert [check["name"] for check in report["checks"] if check["good"]] == [
        "make a slide", "read it", "find its tissue, plan", "OpenSlide (other formats)", "encode it"]
    backends = {item["format"]: item["backend"] for item in report["formats"]}
    assert backends["Aperio"] == "lamella"
    assert backends["Hamamatsu"].startswith("openslide ")
    assert report["software"]["processor"]["features"]


@pytest.mark.parametrize("name, check, mend", [
    ("LAMELLA_OPENSLIDE", "OpenSlide (other formats)", "openslide-bin"),
    ("TMPDIR", "make a slide", "TMPDIR"),
])
def test_doctor_says_how_to_mend_what_is_missing(tmp_path, name, check, mend):
    outcome = lamella("doctor", "--json", env={name: str(tmp_path / "absent")})
    assert outcome.code == 1 and not outcome.json["good"]
    broken = {item["name"]: item["mend"] for item in outcome.json["checks"] if not item["good"]}
    assert set(broken) == {check} and mend in broken[check]
    if name == "LAMELLA_OPENSLIDE":
        missing = {item["format"]: item["missing"] for item in outcome.json["formats"]}
        assert not missing["Aperio"] and "LAMELLA_OPENSLIDE" in missing["Leica"]
    text = lamella("doctor", env={name: str(tmp_path / "absent")})
    assert "✗" in text.out and "to mend it:" in text.out


def test_encoder_list():
    encoders = good("encoder", "list")["encoders"]
    lite0 = next(item for item in encoders if item["name"] == "lite0")
    assert lite0["input_px"] == 224 and lite0["dimension"] == 424 and len(lite0["sha256"]) == 64
