# SPDX-License-Identifier: Apache-2.0
"""Run records: complete, readable after a kill, listed, compared, made again."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import PROGRAM, bad, good, lamella


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def study(study):
    """conftest's, with small grids: here the record is looked at, not the maps."""

    def write(replace=None, **options) -> Path:
        region = {"[score]": "[score]\nregion = [0, 0, 1200, 1200]"}
        return study(replace={**region, **(replace or {})}, **options)

    return write


@pytest.fixture
def own_cohort(cohort, tmp_path) -> Path:
    """A copy that may be changed."""
    shutil.copytree(cohort, tmp_path / "cohort")
    return tmp_path / "cohort"


def test_the_record_names_everything(study, cohort):
    path = study()
    result = good("run", path, "--set", "train.l2=cv", "--full-hash", "--threads", 2)
    folder = Path(result["run_dir"])
    record = json.loads((folder / "run.json").read_text())
    assert record["command"] == {"study": str(path), "set": ["train.l2=cv"], "threads": 2,
                                 "full_hash": True}
    assert {"lamella", "git_commit", "libraries", "built_with", "processor"} <= set(
        record["software"])
    inputs = {(item["kind"], item.get("slide_id")): item for item in record["inputs"]}
    assert inputs["study", None]["sha256"] == sha256(path)
    assert inputs["slides table", None]["sha256"] == sha256(cohort / "slides.csv")
    for slide in ("phantom_01", "phantom_04"):
        assert inputs["slide", slide]["sha256"] == sha256(cohort / f"{slide}.tif")
        assert inputs["slide", slide]["bytes"] == (cohort / f"{slide}.tif").stat().st_size
        assert inputs["annotations", slide]["sha256"] == sha256(cohort / f"{slide}.xml")
    encoder = good("encoder", "list")["encoders"][0]
    assert record["encoder"]["sha256"] == encoder["sha256"]
    assert record["seeds"] == {"patches.seed": record["study"]["patches"]["seed"]}
    assert record["split"]["train"]["slides"] == ["phantom_01", "phantom_02"]
    assert len(record["split"]["test"]["patients"]) == 2
    assert record["metrics"] == result["metrics"] and record["seconds"] == result["seconds"]
    assert record["slides"] == result["slides"]
    curve = [(item["step"], item["value"]) for item in record["history"]
             if item["key"] == "cv_log_loss"]
    trials = record["training"]["trials"]
    assert curve == [(i, trial["mean_log_loss"]) for i, trial in enumerate(trials)]
    assert len(curve) == 13
    assert all(len(trial["fold_log_loss"]) == record["training"]["folds"] for trial in trials)
    last = {item["key"]: item["value"] for item in record["history"]}
    assert last["test_auc"] == result["metrics"]["test"]["auc"]
    out = folder.parent.parent
    for item in record["outputs"]:
        assert sha256(out / item["path"]) == item["sha256"]
    card = (out / "model" / "README.md").read_text()
    assert record["split"]["test"]["digest"][:32] in card and record["encoder"]["licence"] in card
    assert f"| {result['metrics']['test']['auc']:.4f} |" in card
    assert result["metrics"]["test"]["intervals"]["note"].split(":")[0] in card
    assert "run FINISHED" in (folder / "log.txt").read_text()
    assert (folder / "study.toml").read_text() == path.read_text()
    assert not (folder / "lock").exists()


def test_a_killed_run_is_readable_and_shown_as_killed(study, tmp_path):
    run = subprocess.Popen([PROGRAM, "run", str(study())], stderr=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)
    deadline = time.time() + 30
    while time.time() < deadline and not any(
            "inputs" in path.read_text() for path in tmp_path.glob("out/runs/*/run.json")):
        time.sleep(0.01)
    listed = good("runs", "list", tmp_path)["runs"]
    assert [item["status"] for item in listed] == ["RUNNING"]
    run.send_signal(signal.SIGKILL)
    run.wait()
    listed = good("runs", "list", tmp_path)["runs"]
    assert [item["status"] for item in listed] == ["KILLED"]
    shown = good("runs", "show", listed[0]["run_id"], "--in", tmp_path)
    assert shown["status"] == "KILLED" and shown["study"]["patches"]["size_px"] == 112
    assert "no result" in bad("runs", "reproduce", listed[0]["run_dir"])


def test_a_failed_run_says_why(study, tmp_path):
    path = study(replace={"l2 = 0.1": "l2 = 0.1\nmax_iterations = 50",
                          'annotations = ["Tumor"]': 'annotations = ["Nobody"]'})
    error = bad("run", path)
    listed = good("runs", "list", tmp_path)["runs"]
    record = good("runs", "show", listed[0]["run_dir"])
    assert record["status"] == "FAILED" and record["error"] in error
    assert "error: " in (Path(listed[0]["run_dir"]) / "log.txt").read_text()


def test_two_runs_are_compared_inputs_first(study, tmp_path):
    one = good("run", study(output=tmp_path / "one"))
    two = good("run", study(output=tmp_path / "two"), "--set", "train.l2=0.5")
    same = good("run", study(output=tmp_path / "three"))
    result = good("runs", "compare", one["run_id"], two["run_id"], "--in", tmp_path)
    assert [item["name"] for item in result["inputs"]] == ["study.train.l2"]
    names = [item["name"] for item in result["outputs"]]
    assert names[0].startswith("training.") and any(n.startswith("metrics.test") for n in names)
    text = lamella("runs", "compare", one["run_id"], two["run_id"], "--in", tmp_path).out
    assert text.index("inputs that differ") < text.index("results that differ")
    result = good("runs", "compare", one["run_id"], same["run_id"], "--in", tmp_path)
    assert result["inputs_equal"] and result["outputs_equal"]


def test_reproduce_is_identical_then_names_what_changed(study, own_cohort, tmp_path):
    path = study(table=own_cohort / "slides.csv")
    run = good("run", path)
    again = good("runs", "reproduce", run["run_id"], "--in", tmp_path, "--threads", 1)
    assert again["identical"] and again["run_id"] != run["run_id"]
    assert Path(again["run_dir"]).is_dir()
    assert "identical" in lamella("runs", "reproduce", run["run_dir"]).out

    def refused() -> list[str]:
        before = sorted(tmp_path.rglob("run.json"))
        outcome = lamella("runs", "reproduce", run["run_dir"], "--json")
        assert outcome.code == 1 and outcome.json["run_id"] == ""
        assert sorted(tmp_path.rglob("run.json")) == before, "something was computed"
        return [item["name"] for item in outcome.json["changed"]]

    # One byte of an annotation; of a slide; an option; a file that is gone.
    xml = own_cohort / "phantom_03.xml"
    kept = xml.read_bytes()
    xml.write_bytes(kept.replace(b"Tumor", b"Tumoz", 1))
    (name,) = refused()
    assert name.startswith("annotations phantom_03") and "phantom_03.xml" in name
    xml.write_bytes(kept)
    slide = own_cohort / "phantom_02.tif"
    picture = slide.read_bytes()
    slide.write_bytes(picture[:100] + bytes([picture[100] ^ 1]) + picture[101:])
    (name,) = refused()
    assert name.startswith("slide phantom_02")
    slide.rename(own_cohort / "gone.tif")
    (name,) = refused()
    assert name.startswith("slide phantom_02")
    slide.write_bytes(picture)
    text = path.read_text()
    path.write_text(text.replace("l2 = 0.1", "l2 = 0.2"))
    assert refused() == ["study.train.l2"]
    recorded = good("runs", "reproduce", run["run_dir"], "--recorded-options")
    assert recorded["identical"]
    path.unlink()
    assert good("runs", "reproduce", run["run_dir"])["identical"]


def test_reproduce_names_another_encoder(study, tmp_path):
    encoder = tmp_path / "encoders" / "mine"
    lite0 = Path(good("encoder", "list")["encoders"][0]["path"])
    shutil.copytree(lite0, encoder)
    path = study(replace={"[train]": f'[encoder]\nname = "{encoder}"\n[train]'})
    run = good("run", path)
    info = json.loads((encoder / "encoder.json").read_text())
    network = (encoder / "network.onnx").read_bytes().replace(b"lamella", b"lamellb", 1)
    (encoder / "network.onnx").write_bytes(network)
    info["sha256"] = hashlib.sha256(network).hexdigest()
    (encoder / "encoder.json").write_text(json.dumps(info))
    outcome = lamella("runs", "reproduce", run["run_dir"], "--json")
    assert outcome.code == 1 and outcome.json["run_id"] == ""
    assert [item["name"] for item in outcome.json["changed"]] == ["encoder lite0.sha256"]


def test_reproduce_says_which_value_differs_first_and_by_how_much(study, tmp_path):
    run = good("run", study())
    record_path = Path(run["run_dir"]) / "run.json"
    record = json.loads(record_path.read_text())
    record["metrics"]["test"]["auc"] -= 0.125
    record["metrics"]["train"]["brier"] += 0.5
    record_path.write_text(json.dumps(record))
    outcome = lamella("runs", "reproduce", run["run_dir"], "--json")
    assert outcome.code == 1 and not outcome.json["identical"]
    first = outcome.json["differences"][0]
    assert first["name"] == "metrics.test.auc" and first["by"] == pytest.approx(0.125)
    assert not list((tmp_path / "out").glob("reproduced/*/runs/*/lock"))


def test_a_thousand_runs_are_listed_within_a_second(study, tmp_path):
    run = good("run", study())
    record = json.loads((Path(run["run_dir"]) / "run.json").read_text())
    many = tmp_path / "many" / "runs"
    for i in range(1000):
        record["run_id"] = f"run-{i:04}"
        (many / f"run-{i:04}").mkdir(parents=True)
        (many / f"run-{i:04}" / "run.json").write_text(json.dumps(record, indent=1))
    (many / "run-0500" / "run.json").write_text("{not json")
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        outcome = lamella("runs", "list", tmp_path / "many", "--json")
        seconds.append(time.perf_counter() - start)
    assert outcome.code == 0
    assert len(outcome.json["runs"]) == 999
    assert len(outcome.json["unreadable"]) == 1 and "run-0500" in outcome.err
    print(f"1,000 runs listed in {min(seconds):.2f} s")
    assert min(seconds) <= 1.0


def test_runs_elsewhere_and_read_only(study, tmp_path):
    run = good("run", study())
    moved = tmp_path / "elsewhere" / "kept"
    moved.parent.mkdir()
    shutil.move(run["run_dir"], moved)
    moved.chmod(0o555)
    try:
        assert good("runs", "show", moved)["run_id"] == run["run_id"]
        assert good("runs", "list", moved.parent)["runs"][0]["run_dir"] == str(moved)
        assert good("runs", "reproduce", moved)["identical"]
    finally:
        moved.chmod(0o755)


@pytest.mark.parametrize("words, message", [
    (("runs", "list", "nowhere"), "no such folder"),
    (("runs", "show", "x", "--in", "."), "there is no run 'x'"),
])
def test_bad_input(words, message, tmp_path):
    assert message in bad(*words, cwd=tmp_path)


