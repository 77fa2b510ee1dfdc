# SPDX-License-Identifier: Apache-2.0
"""The report of a run and of an evaluation, as a file; report_browser_test.py opens it."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
import tifffile
from conftest import bad, good, lamella, small_study
from small_cohort import absolute_rows, study_text

EVIL = "<img src=x onerror=alert(1)>"
VOID = {"img", "meta", "br", "link", "input"}


class Page(HTMLParser):
    """Tags that do not close, and what ids and tags there are."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.faults, self.ids, self.tags = [], [], [], []
        self.feed(text)
        self.faults += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes another")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, cohort) -> Path:
    """A run with the penalty chosen by cross-validation; its folder."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "study.toml").write_text(
        small_study(folder / "out", cohort / "slides.csv").replace("l2 = 0.1", 'l2 = "cv"'))
    result = good("run", folder / "study.toml")
    assert result["report"] == result["run_dir"] + "/report.html"
    return Path(result["run_dir"])


def test_a_run_leaves_a_report_that_is_whole(finished):
    text = (finished / "report.html").read_text()
    page = Page(text)
    assert page.faults == []
    assert len(page.ids) == len(set(page.ids))
    for plot in ("test-roc", "test-pr", "test-reliability", "test-decision", "test-scores",
                 "penalty-path"):
        assert plot in page.ids
    for section in ("figures", "curves", "slides", "what", "data", "time", "checklist", "record"):
        assert section in page.ids
    assert text.count('class="zoom"') == 2  # the heat-maps of the slides to test on
    assert not re.search(r"\b(src|href)=\"(?!data:image/jpeg;base64,|#)", text)
    assert len(re.sub(r"data:image/jpeg;base64,[^\"]*", "", text)) < 3_000_000
    record = json.loads((finished / "run.json").read_text())
    assert f"{record['metrics']['test']['auc']:.3f}" in text


def test_the_same_record_makes_the_same_bytes_wherever_the_output_lies(finished, tmp_path):
    made = good("report", finished, "--out", tmp_path / "again.html")
    assert made["report"] == str(tmp_path / "again.html")
    first = (finished / "report.html").read_bytes()
    assert (tmp_path / "again.html").read_bytes() == first
    shutil.copytree(finished.parent.parent, tmp_path / "moved")
    moved = tmp_path / "moved" / "runs" / finished.name
    good("report", moved)
    assert (moved / "report.html").read_bytes() == first


def test_a_report_by_id_of_what_is_there_no_more_says_so(finished, tmp_path):
    shutil.copytree(finished.parent.parent, tmp_path / "out")
    (tmp_path / "out" / "heatmaps" / "phantom_03.png").write_bytes(b"another run's")
    (tmp_path / "out" / "heatmaps" / "phantom_04.png").unlink()
    good("report", finished.name[:15], "--in", tmp_path / "out")
    text = (tmp_path / "out" / "runs" / finished.name / "report.html").read_text()
    assert "the heat-map of slide &#39;phantom_03&#39; was overwritten by a later run" in text
    assert "the heat-map of slide &#39;phantom_04&#39; is not there any more" in text
    assert "there is no run 'nowhere'" in bad("report", "nowhere", "--in", tmp_path / "out")


def test_a_run_that_fails_has_a_report_too(study, cohort, tmp_path):
    table = tmp_path / "slides.csv"
    rows = (cohort / "slides.csv").read_text().replace("train", "score")
    lines = rows.splitlines()
    table.write_text("\n".join([lines[0]] + [
        line.replace(",phantom_", f",{cohort}/phantom_") for line in lines[1:]]) + "\n")
    outcome = lamella("run", study(table=table))
    assert outcome.code == 1
    reports = list((tmp_path / "out" / "runs").glob("*/report.html"))
    assert len(reports) == 1
    text = reports[0].read_text()
    assert "It ended with an error" in text and "There are no figures" in text
    assert Page(text).faults == []


def test_an_evaluation_has_a_report_and_names_are_no_markup(finished, tmp_path):
    output = finished.parent.parent
    scores, truth = tmp_path / f"{EVIL}.csv", tmp_path / f"{EVIL}_truth.csv"
    shutil.copy(output / "scores" / "labelled" / "phantom_02.csv", scores)
    rows = scores.read_text().splitlines()
    head = next(i for i, row in enumerate(rows) if not row.startswith("#"))
    columns = rows[head].split(",")
    x, y = columns.index("minx"), columns.index("miny")
    lines = ["slide_id,minx,miny,label"]
    for k, row in enumerate(rows[head + 1:]):
        cells = row.split(",")
        lines.append(f"{EVIL},{cells[x]},{cells[y]},{'tumor' if k % 2 else 'normal'}")
    truth.write_text("\n".join(lines) + "\n")
    report = tmp_path / "report.html"
    result = good("evaluate", "--scores", scores, "--truth", truth, "--report", report)
    assert result["report"] == str(report)
    text = report.read_text()
    page = Page(text)
    assert page.faults == []
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert not any("onerror" in attributes for _, attributes in page.tags)
    assert "all-roc" in page.ids


CONTROLS = ("shuffled_labels", "random_encoder", "colour_only", "position_only")


def test_controls_and_slides_beside_those_of_training_are_recorded_and_shown(study, tmp_path):
    asked = [word for name in CONTROLS for word in ("--set", f"controls.{name}=true")]
    first = good("run", study(), *asked)
    record = json.loads((Path(first["run_dir"]) / "run.json").read_text())
    assert sorted(record["controls"]) == sorted(CONTROLS)
    for name in CONTROLS:
        assert record["controls"][name]["n"] == record["metrics"]["test"]["n"]
        assert 0 <= record["controls"][name]["auc"] <= 1
    # Two slides are too few to say what is usual; the distances are there.
    assert record["usual"]["slides"] == 2
    assert "feature_distance" not in record["usual"]
    assert all(0 < slide["feature_distance"] < 2 for slide in record["slides"])
    assert all("unlike" not in slide for slide in record["slides"])
    text = (Path(first["run_dir"]) / "report.html").read_text()
    assert 'id="controls"' in text and "too few to say what is usual" in text
    # The same bits again, on another number of threads.
    again = good("run", study(output=tmp_path / "again"), *asked, "--threads", 1)
    other = json.loads((Path(again["run_dir"]) / "run.json").read_text())
    assert other["controls"] == record["controls"]
    assert [slide["feature_distance"] for slide in other["slides"]] == [
        slide["feature_distance"] for slide in record["slides"]]


def test_an_unknown_control_is_an_error_with_the_nearest(study):
    assert "colour_only" in bad("run", study(), "--set", "controls.color_only=true")


def test_the_surest_errors_of_an_evaluation_are_pictures_where_slides_are_given(finished, cohort, tmp_path):
    output = finished.parent.parent
    names = ("phantom_03", "phantom_04")
    scores = [output / "scores" / "labelled" / f"{name}.csv" for name in names]
    truth = []
    for path in scores:  # labels the wrong way round, so that there are errors
        lines = path.read_text().splitlines()
        columns = lines[0].split(",")
        place = [columns.index(name) for name in ("minx", "miny", "prob_tumor")]
        rows = [[line.split(",")[k] for k in place] for line in lines[1:]]
        truth.append(tmp_path / path.name)
        truth[-1].write_text("minx,miny,label\n" + "".join(
            f"{x},{y},{'normal' if float(p) > 0.5 else 'tumor'}\n" for x, y, p in rows))
    report = tmp_path / "report.html"
    slides = [cohort / f"{name}.tif" for name in names]
    words = ("evaluate", "--scores", *scores, "--truth", *truth, "--report", report)
    good(*words)
    assert "no picture" in report.read_text()
    good(*words, "--slides", *slides)
    text = report.read_text()
    assert "no picture" not in text and text.count('class="framed"') == 24
    assert Page(text).faults == []
    assert "of which no scores were given" in bad(*words, "--slides", cohort / "phantom_01.tif")
    assert "--report" in bad(*words[:-2], "--slides", *slides, code=2)


@pytest.fixture(scope="module")
def unlike(tmp_path_factory):
    """Six slides to train on, and two to test on: one of their kind, one whose stain is another."""
    folder = tmp_path_factory.mktemp("unlike")
    good("phantom", "--out", folder, "--slides", 8, "--size-px", "1400,1100", "--seed", 5)
    pixels = tifffile.imread(folder / "phantom_08.tif", key=0)[:, :, [1, 0, 2]]  # what was pink is green
    tifffile.imwrite(folder / "other.tif", pixels, tile=(256, 256), photometric="rgb", compression="zlib")
    rows = absolute_rows(folder, train=6)
    rows[7] = rows[7].replace("phantom_08.tif", "other.tif")
    table = folder / "all.csv"
    table.write_text("".join(row + "\n" for row in ["slide_id,path,patient_id,role,annotations,mpp",
                                                    *(row + ",1.0" for row in rows)]))
    study = folder / "study.toml"
    study.write_text(study_text(folder / "out", table).replace("l2 = 0.1", 'l2 = "cv"'))
    outcome = lamella("run", study, "--json")
    return outcome.json, outcome.err


def test_a_slide_unlike_those_of_training_is_told_everywhere(unlike):
    made, said = unlike
    record = json.loads((Path(made["run_dir"]) / "run.json").read_text())
    usual, slides = record["usual"], {slide["slide_id"]: slide for slide in record["slides"]}
    assert usual["slides"] == 6
    for name in ("feature_distance", "unsure", "stain_shift"):
        held_out = [slide[name] for slide in slides.values() if slide["role"] == "train"]
        assert len(held_out) == 6 and usual[name] >= max(held_out)
    odd, own = slides["phantom_08"], slides["phantom_07"]
    assert odd["stain_shift"] > usual["stain_shift"] > own["stain_shift"]
    assert odd["feature_distance"] > usual["feature_distance"]
    assert any("stain" in why for why in odd["unlike"])
    assert any("training patches" in why for why in odd["unlike"])
    assert "unlike" not in own
    assert "slide 'phantom_08' is unlike those that the model was trained on" in said
    assert any("phantom_08" in warning for warning in record["warnings"])
    text = (Path(made["run_dir"]) / "report.html").read_text()
    assert text.count('<span class="badge warn">unlike</span>') == 2  # the table of slides, its own


def test_a_slide_score_stands_beside_its_null(unlike):
    made, _ = unlike
    record = json.loads((Path(made["run_dir"]) / "run.json").read_text())
    usual = record["usual"]
    # At most 20 patches of each class a slide: those that have twenty of the other class count.
    assert 0 <= usual["null_slides"] <= 6
    text = (Path(made["run_dir"]) / "report.html").read_text()
    if usual["null_slides"]:
        assert 0 < usual["null_score"] <= usual["null_score_most"] < 1
        assert "beside its null" in text


def test_calibration_is_shown_patient_by_patient(unlike):
    made, _ = unlike
    record = json.loads((Path(made["run_dir"]) / "run.json").read_text())
    groups = [group for group in record["details"]["test"]["groups"] if group["kind"] == "patient"]
    assert len(groups) == 2
    for group in groups:
        assert sum(part["n"] for part in group["reliability"]) == group["n"]
        mean = sum(part["n"] * part["mean_score"] for part in group["reliability"]) / group["n"]
        assert mean == pytest.approx(group["mean_score"], abs=1e-6)
        assert "calibration_slope" in group or group["auc"] in (None, 0, 1)
    text = (Path(made["run_dir"]) / "report.html").read_text()
    assert 'id="test-reliability-by-patient"' in text
    assert "Reliability, patient by patient" in text
