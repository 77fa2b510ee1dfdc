# SPDX-License-Identifier: Apache-2.0
"""What the main job's list of bad inputs does to a cohort of twenty slides, with two threads."""

import shutil
from pathlib import Path

import pytest
from conftest import Outcome, bad, good, lamella, small_study
from damaged_tiff import corrupt_tile
from interrupted_runs import interrupt_runs
from kill_runs import differences, leftovers, results
from small_cohort import absolute_rows, make_cohort
from sparse_tiff import SparseTiff

HEADER = "slide_id,path,patient_id,role,annotations,mpp"
REST, DRAWN = "{ rest_of_tissue = true }", '{ annotations = ["Tumor"] }'


class Twenty:
    """Two slides to train on, two to test on, sixteen to score: the four under other names."""

    def __init__(self, folder: Path):
        self.slides = make_cohort(good, folder / "cohort", size_px="2048,1536", seed=3)
        self.rows = {}
        for row in absolute_rows(self.slides):
            name, rest = row.split(",", 1)
            self.rows[name] = rest + ","
        for number in range(5, 21):
            slide = self.slides / f"phantom_{(number - 1) % 4 + 1:02}.tif"
            self.rows[f"s_{number:02}"] = f"{slide},patient_{number},score,,"
        self.folder = folder
        self.whole = run(folder, self.rows)
        assert self.whole.code == 0, self.whole.err
        assert len(self.whole.json["slides"]) == 20
        self.results = results(folder / "out")


def run(folder: Path, rows: dict[str, str], *words) -> Outcome:
    return lamella("run", study(folder, rows), "--json", "--threads", 2, *words)


def study(folder: Path, rows: dict[str, str], replace=None) -> Path:
    lines = [HEADER, *(f"{name},{row}" for name, row in rows.items())]
    (folder / "slides.csv").write_text("\n".join(lines) + "\n")
    text = small_study(folder / "out", folder / "slides.csv").replace(
        "stride_px = 112", "stride_px = 448")
    for old, new in (replace or {}).items():
        assert old in text
        text = text.replace(old, new)
    (folder / "study.toml").write_text(text)
    return folder / "study.toml"


@pytest.fixture(scope="module")
def twenty(tmp_path_factory):
    return Twenty(tmp_path_factory.mktemp("twenty"))


def expect_the_others_whole(twenty, outcome: Outcome, wrong: dict[str, str]) -> None:
    """These slides failed, each with its word; all others are done and as in an undisturbed run."""
    assert outcome.code == (3 if wrong else 0), outcome.err
    slides = {slide["slide_id"]: slide for slide in outcome.json["slides"]}
    assert len(slides) == 20
    failed = {name for name, slide in slides.items() if slide["status"] == "failed"}
    assert failed == set(wrong), outcome.err
    for name, word in wrong.items():
        assert word in slides[name]["error"], slides[name]["error"]
    out = Path(outcome.json["run_dir"]).parent.parent
    assert not leftovers(out)
    assert outcome.json["metrics"] == twenty.whole.json["metrics"]
    before = {slide["slide_id"]: slide for slide in twenty.whole.json["slides"]}
    for name, slide in slides.items():
        if slide["status"] != "done" or slide["role"] == "train" or not slide["patches"]:
            continue
        assert slide["slide_score"] == before[name]["slide_score"], name
        for file in ("scores/grid/{}.csv", "heatmaps/{}.png", "heatmaps/{}.tiff"):
            same = twenty.folder / "out" / file.format(name)
            assert (out / file.format(name)).read_bytes() == same.read_bytes()
    for name in wrong:
        assert not list((out / "heatmaps").glob(f"{name}.*"))


def test_slides_that_are_bad_white_or_smaller_than_a_patch(twenty, tmp_path):
    damaged = tmp_path / "damaged.tif"
    shutil.copyfile(twenty.slides / "phantom_03.tif", damaged)
    corrupt_tile(damaged, level=1)  # 1.0 um/px, what the study reads
    SparseTiff(4000, 3000).write(tmp_path / "white.tif", 1.0)
    SparseTiff(100, 80).write(tmp_path / "tiny.tif", 1.0)
    rows = dict(twenty.rows)
    rows["s_07"] = f"{damaged},p7,score,,"
    rows["s_11"] = "white.tif,p11,score,,"
    rows["s_12"] = "tiny.tif,p12,score,,"
    rows["s_15"] = f"{tmp_path / 'gone.tif'},p15,score,,"
    outcome = run(tmp_path, rows)
    expect_the_others_whole(twenty, outcome,
                            {"s_07": "tile", "s_12": "112", "s_15": "No such file"})
    white = next(slide for slide in outcome.json["slides"] if slide["slide_id"] == "s_11")
    assert white["status"] == "done" and white["patches"] == 0 and "slide_score" not in white
    assert any("'s_11'" in text and "tissue" in text for text in outcome.json["warnings"])
    assert all(text.startswith("slide '") for text in outcome.json["warnings"])


def test_real_slides_that_are_bad(twenty, data, tmp_path):
    rows = dict(twenty.rows)
    for name, file in (("s_06", "broken.svs"), ("s_09", "unopenable.tiff"),
                       ("s_14", "unreadable.svs")):
        rows[name] = f"{data / 'slides' / file},p_{name},score,,0.25"
    rows["s_20"] = f"{data / 'slides' / 'tcga-cr-7395-01a-01-ts1.svs'},p20,score,,"
    outcome = run(tmp_path, rows, "--set", "score.min_tissue=0.0")
    slides = {slide["slide_id"]: slide for slide in outcome.json["slides"]}
    failed = {name: slide["error"] for name, slide in slides.items() if slide["status"] == "failed"}
    assert outcome.code == 3 and set(failed) == {"s_06", "s_09", "s_14", "s_20"}, outcome.err
    assert "broken.svs" in failed["s_06"] and "TIFF" in failed["s_06"]
    assert "unopenable.tiff" in failed["s_09"]
    assert "unreadable.svs" in failed["s_14"]
    assert "mpp" in failed["s_20"]


def test_a_training_slide_with_a_corrupt_tile(twenty, tmp_path):
    """The model is that of the training slides which can be read; that one could not is loud."""
    damaged = tmp_path / "damaged.tif"
    shutil.copyfile(twenty.slides / "phantom_01.tif", damaged)
    for level in (0, 1):
        corrupt_tile(damaged, level)
    rows = dict(twenty.rows)
    row = rows["phantom_01"].split(",")
    rows["phantom_01"] = ",".join([str(damaged), *row[1:]])
    outcome = run(tmp_path, rows)
    assert outcome.code == 3, outcome.err
    assert {slide["slide_id"] for slide in outcome.json["slides"] if slide["status"] == "failed"} == {
        "phantom_01"}
    without = tmp_path / "without"
    without.mkdir()
    rows.pop("phantom_01")
    expected = run(without, rows)
    assert expected.code == 0, expected.err
    assert outcome.json["metrics"] == expected.json["metrics"]
    model, same = (folder / "out" / "model" / "model.json" for folder in (tmp_path, without))
    assert model.read_bytes() == same.read_bytes()


def centres(folder: Path, tumour: str) -> dict[str, str]:
    """The study's labels from lists of centres."""
    (folder / "tumor.txt").write_text(tumour)
    (folder / "normal.txt").write_text("".join(
        f"phantom_{slide:02},{x},900\n" for slide in range(1, 5) for x in range(400, 900, 60)))
    return {REST: '{ centers = ["normal.txt"] }', DRAWN: '{ centers = ["tumor.txt"] }'}


def test_a_centre_outside_its_slide(twenty, tmp_path):
    tumour = "".join(f"phantom_{slide:02},{x},700\n" for slide in range(1, 5)
                     for x in range(400, 900, 60))
    words = ("--json", "--threads", 2)
    good_run = good("run", study(tmp_path, twenty.rows, centres(tmp_path, tumour)), *words[1:])
    replace = centres(tmp_path, tumour + "PHANTOM_04,5000,700\n")
    outcome = lamella("run", study(tmp_path, twenty.rows, replace), *words)
    assert outcome.code == 3, outcome.err
    failed = {slide["slide_id"]: slide["error"] for slide in outcome.json["slides"]
              if slide["status"] == "failed"}
    assert list(failed) == ["phantom_04"]
    for word in ("tumor.txt", "line 37", "5000", "2048"):
        assert word in failed["phantom_04"]
    assert outcome.json["metrics"]["train"] == good_run["metrics"]["train"]


def one_class(folder: Path, rows: dict[str, str]) -> dict[str, str]:
    (folder / "tumor.txt").write_text("phantom_01,600,600\nphantom_02,700,700\n")
    (folder / "normal.txt").write_text("elsewhere,600,600\n")
    return {REST: '{ centers = ["normal.txt"] }', DRAWN: '{ centers = ["tumor.txt"] }'}


def same_patient(folder: Path, rows: dict[str, str]) -> dict[str, str]:
    rows["phantom_03"] = rows["phantom_03"].replace("patient_03", "patient_01")
    assert "patient_01" in rows["phantom_03"]
    return {}


def out_is_a_file(folder: Path, rows: dict[str, str]) -> dict[str, str]:
    (folder / "out").write_text("in the way")
    return {}


def wrong_group(folder: Path, rows: dict[str, str]) -> dict[str, str]:
    return {'["Tumor"]': '["Tumour"]'}


def wrong_key(folder: Path, rows: dict[str, str]) -> dict[str, str]:
    return {"stride_px": "stride"}


def cut_list(folder: Path, rows: dict[str, str]) -> dict[str, str]:
    return centres(folder, "phantom_01,600,600\nphantom_02,700\n")


def twice(folder: Path, rows: dict[str, str]) -> dict[str, str]:
    rows["S_20"] = rows["s_20"]
    return {}


@pytest.mark.parametrize("change, words", [
    (one_class, ["no rows of class normal"]),
    (same_patient, ["patient_01", "train", "test"]),
    (out_is_a_file, ["out"]),
    (wrong_group, ["'Tumour'", "Tumor", "no labelled patch"]),
    (wrong_key, ["study.toml", "line", "'stride_px'"]),
    (cut_list, ["tumor.txt", "line 2", "expected"]),
    (twice, ["slides.csv", "line 22", "S_20"]),
])
def test_what_stops_the_whole_run(twenty, tmp_path, change, words):
    rows = dict(twenty.rows)
    outcome = lamella("run", study(tmp_path, rows, change(tmp_path, rows)), "--threads", 2)
    assert outcome.code == 1, outcome.err
    assert outcome.err.count("lamella: error: ") == 1
    for word in words:
        assert word in outcome.err
    assert not list(tmp_path.rglob("heatmaps/*")) and not leftovers(tmp_path)


def test_a_model_of_another_feature_space(twenty, tmp_path):
    """Trained at 112 px; the features of another slide at 56 px are refused."""
    slide = twenty.slides / "phantom_04.tif"
    good("plan", "--slide", slide, "--size-px", 56, "--mpp", 1.0, "--out", tmp_path / "p.h5")
    good("encode", "--slide", slide, "--plan", tmp_path / "p.h5", "--out", tmp_path / "f.h5",
         "--threads", 2)
    model = twenty.folder / "out" / "model"
    message = bad("score", "--features", tmp_path / "f.h5", "--model", model, "--out",
                  tmp_path / "s.csv", "--threads", 2)
    assert "112px" in message and "56px" in message
    assert not (tmp_path / "s.csv").exists()


def test_ctrl_c(twenty, tmp_path):
    path = study(tmp_path, twenty.rows)
    interrupt_runs(path, tmp_path, (0.3, 0.9, 1.5))
    outcome = run(tmp_path, twenty.rows)
    expect_the_others_whole(twenty, outcome, {})
    assert not differences(twenty.results, results(tmp_path / "out"))
