# SPDX-License-Identifier: Apache-2.0
"""The report of a run and of an evaluation, as a file; report_browser_test.py opens it."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import bad, good, lamella, small_study

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
