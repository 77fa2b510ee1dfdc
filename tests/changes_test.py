# SPDX-License-Identifier: Apache-2.0
"""What is changed between two runs of a study: exactly its dependents are made again, and why is
said. The table is in docs/what-depends-on-what.md."""

import re
import shutil
from pathlib import Path

import h5py
import pytest
from conftest import good, lamella, small_study
from small_cohort import make_cohort

TRAIN, TEST = ("phantom_01", "phantom_02"), ("phantom_03", "phantom_04")
LABELLED = ("plans/labelled", "features/labelled")
GRID = ("plans/grid", "features/grid")
EVERY = (*LABELLED, *GRID, "heatmaps")


class Finished:
    def __init__(self, folder: Path):
        self.cohort = make_cohort(good, folder / "cohort", size_px="2048,1536", seed=3)
        self.path, self.out = folder / "study.toml", folder / "finished"
        self.path.write_text(small_study(self.out, self.cohort / "slides.csv"))
        good("run", self.path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return Finished(tmp_path_factory.mktemp("changes"))


def move_a_corner(text: str) -> str:
    """The first corner of the first polygon, by 40 px."""
    return re.sub(r'X="([\d.]+)"', lambda found: f'X="{float(found[1]) + 40:.1f}"', text, count=1)


def remade(result: dict) -> dict[str, dict[str, list[str]]]:
    return {slide["slide_id"]: {item["piece"]: item["why"] for item in slide["remade"]}
            for slide in result["slides"]}


def times(out: Path) -> dict[str, int]:
    kept = ("plans", "features", "heatmaps", "tissue/masks")
    return {str(path.relative_to(out)): path.stat().st_mtime_ns for folder in kept
            for path in (out / folder).rglob("*") if path.suffix in (".h5", ".png")}


def file_of(piece: str, name: str) -> str:
    return {"tissue": f"tissue/masks/{name}.png",
            "heatmaps": f"heatmaps/{name}.png"}.get(piece, f"{piece}/{name}.h5")


def expect(finished, tmp_path, expected, *words, why=None):
    """Runs over a copy of what is finished; `expected`: slide -> pieces, all for the reason `why`."""
    out = tmp_path / "out"
    shutil.copytree(finished.out, out)
    before = times(out)
    outcome = lamella("run", finished.path, "--json", "--set", f"output={out}", *words)
    assert outcome.code == 0, outcome.err
    found = remade(outcome.json)
    assert {name: set(pieces) for name, pieces in found.items()} == {
        name: set(expected.get(name, ())) for name in (*TRAIN, *TEST)}
    after = times(out)
    changed = {file_of(piece, name) for name, pieces in expected.items() for piece in pieces}
    assert {name for name in before if before[name] != after[name]} == changed
    log = (Path(outcome.json["run_dir"]) / "log.txt").read_text()
    for name, pieces in found.items():
        for piece, reasons in pieces.items():
            line = f"slide '{name}': {piece} made again: {', '.join(reasons)}"
            assert line in log and f"lamella: info: {line}" in outcome.err
            assert reasons and (why is None or why in reasons), (name, piece, reasons)
    return found


def test_nothing(finished, tmp_path):
    expect(finished, tmp_path, {})


def both(pieces, slides=(*TRAIN, *TEST)) -> dict:
    return {name: pieces for name in slides}


@pytest.mark.parametrize("option, pieces, why", [
    ("train.l2=0.3", {name: ("heatmaps",) for name in TEST}, "the model"),
    ("heatmap.opacity=0.3", {name: ("heatmaps",) for name in TEST}, "heatmap.opacity 0.6 -> 0.3"),
    ("score.stride_px=224", {name: (*GRID, "heatmaps") for name in TEST},
     "score.stride_px 112.0 -> 224.0"),
    ("encoder.name=lite0-context",
     {**both(("features/labelled",), TRAIN),
      **both(("features/labelled", "features/grid", "heatmaps"), TEST)}, "the encoder"),
    ("encoder.features_dtype=float16",
     {**both(("features/labelled",), TRAIN),
      **both(("features/labelled", "features/grid", "heatmaps"), TEST)},
     "encoder.features_dtype float32 -> float16"),
    ("tissue.min_density=0.02",
     {**both(("tissue", *LABELLED), TRAIN), **both(("tissue", *EVERY), TEST)},
     "tissue.min_density 0.018 -> 0.02"),
    ("patches.mpp=0.9", {**both(LABELLED, TRAIN), **both(EVERY, TEST)}, None),
])
def test_an_option(finished, tmp_path, option, pieces, why):
    found = expect(finished, tmp_path, pieces, "--set", option, why=why)
    if option == "patches.mpp=0.9":
        assert found["phantom_01"]["plans/labelled"] == ["patches.mpp 1.0 -> 0.9"]
        assert found["phantom_03"]["plans/grid"][0].startswith("patches.mpp 1.0")


def test_labels_of_one_rule(finished, tmp_path):
    expect(finished, tmp_path, {**both(LABELLED, TRAIN), **both((*LABELLED, "heatmaps"), TEST)},
           "--set", "patches.max_per_slide=4")


@pytest.mark.parametrize("name, pieces, why", [
    ("phantom_01.xml", {"phantom_01": LABELLED, **both(("heatmaps",), TEST)}, None),
    ("phantom_03.xml", {"phantom_03": (*LABELLED, "heatmaps")}, "the annotations"),
    ("phantom_03.tif", {"phantom_03": ("tissue", *EVERY)}, "the slide"),
])
def test_a_file(finished, tmp_path, name, pieces, why):
    path = finished.cohort / name
    kept = path.read_bytes()
    changed = move_a_corner(kept.decode()).encode() if name.endswith(".xml") else kept + b"\0"
    assert changed != kept
    path.write_bytes(changed)
    try:
        found = expect(finished, tmp_path, pieces, why=why)
    finally:
        path.write_bytes(kept)
    if name == "phantom_01.xml":
        assert set(found["phantom_01"]["features/labelled"]) == {"the annotations"}
        assert found["phantom_03"]["heatmaps"] == ["the model"]


def test_the_version_of_lamella(finished, tmp_path):
    features = finished.out / "features" / "grid" / "phantom_04.h5"
    kept = features.read_bytes()
    with h5py.File(features, "r+") as file:
        key = file["coords"].attrs["lamella_key"]
        older = re.sub(r'("lamella":")[^"]+', r"\g<1>0.0.9", key)
        assert older != key
        file["coords"].attrs["lamella_key"] = older
    try:
        found = expect(finished, tmp_path, {"phantom_04": ("features/grid",)})
    finally:
        features.write_bytes(kept)
    assert found["phantom_04"]["features/grid"][0].startswith("lamella's version 0.0.9 -> ")


def test_the_role_of_a_slide(finished, tmp_path):
    """From test to score: its labels are no matter any more, what was made of its grid stays."""
    table = finished.cohort / "slides.csv"
    kept = table.read_text()
    table.write_text(kept.replace("patient_04,test", "patient_04,score"))
    try:
        expect(finished, tmp_path, {})
    finally:
        table.write_text(kept)
