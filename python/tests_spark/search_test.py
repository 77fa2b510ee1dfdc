# SPDX-License-Identifier: Apache-2.0
"""A search whose trials are made side by side on the cluster, against `lamella search`."""

import csv
import json
import subprocess
from pathlib import Path

import lamella
import lamella.spark
import pytest
from conftest import PROGRAM, program
from fake_mlflow import FakeMlflow
from lamella import _core
from lamella.spark import _search
from small_cohort import absolute_rows, broken_encoder, study_text

FIGURES = ("name", "set", "status", "log_loss", "auc", "lambda", "patches")


@pytest.fixture(scope="module")
def slides(tmp_path_factory) -> Path:
    """The table of six slides of six patients, four to train on."""
    folder = tmp_path_factory.mktemp("search")
    program("phantom", "--out", folder, "--slides", 6, "--size-px", "1400,1100", "--seed", 5)
    table = folder / "all.csv"
    table.write_text("\n".join(["slide_id,path,patient_id,role,annotations",
                                *absolute_rows(folder, train=4)]) + "\n")
    return table


def write_study(folder: Path, slides: Path, search: str) -> Path:
    path = folder / "study.toml"
    path.write_text(study_text(folder / "out", slides).replace("l2 = 0.1", 'l2 = "cv"')
                    + f"[score]\nstride_px = 224\n[search]\n{search}\n")
    return path


def locally(study: Path, output: Path) -> dict:
    """Some trials may fail."""
    run = subprocess.run([PROGRAM, "search", study, "--set", f"output={output}", "--json"],
                         capture_output=True, text=True, check=False, timeout=600)
    assert run.returncode in (0, 3), run.stderr
    return json.loads(run.stdout)


def table_of(made: dict) -> list[dict]:
    rows = list(csv.DictReader(Path(made["table"]).open()))
    return [{key: value for key, value in row.items()
             if key not in ("seconds", "run_id", "output", "error")} for row in rows]


def same(mine: dict, other: dict) -> None:
    """Trials, choice, figures, table and model; not times, places, ids and the words of failures."""
    assert ([[trial.get(key) for key in FIGURES] for trial in mine["search"]["trials"]]
            == [[trial.get(key) for key in FIGURES] for trial in other["search"]["trials"]])
    assert mine["search"]["chosen"] == other["search"]["chosen"]
    assert mine["search"].get("folds") == other["search"].get("folds")
    assert mine["metrics"] == other["metrics"] and mine["metrics"]["test"]["n"] > 0
    assert table_of(mine) == table_of(other)
    assert ((Path(mine["model"]) / "model.json").read_bytes()
            == (Path(other["model"]) / "model.json").read_bytes())


def record_of(output: str, run_id: str) -> dict:
    return json.loads((Path(output) / "runs" / run_id / "run.json").read_text())


def test_trials_side_by_side_come_to_what_they_come_to_in_turn(spark, slides, tmp_path,
                                                               monkeypatch):
    study = write_study(tmp_path, slides, "mpp = [1, 0.7]\nl1_ratio = [0, 0.5]")
    on_cluster, going_on, together = _search._on_cluster, [], []

    def watched(job, *more):
        going_on.append(job.name)
        together.append(sorted(going_on))
        try:
            return on_cluster(job, *more)
        finally:
            going_on.remove(job.name)

    monkeypatch.setattr(_search, "_on_cluster", watched)
    fake = FakeMlflow()
    try:
        # Known to the driver alone: the executors have been there before.
        monkeypatch.setenv("MLFLOW_TRACKING_URI", fake.uri)
        made = lamella.spark.search(study, spark)
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        same(made, locally(study, tmp_path / "alone"))
        assert isinstance(made, lamella.SearchResult)
        runs = {run["tags"]["lamella.run_id"]: run for run in fake.runs.values()}
        parent = runs[made["run_id"]]
        assert parent["info"]["status"] == "FINISHED"
        for trial in made["search"]["trials"]:
            record = record_of(trial["output"], trial["run_id"])
            assert record["trial_of"] == {"search": made["run_id"], "name": trial["name"],
                                          "whole": False}
            assert {slide["role"] for slide in record["slides"]} == {"train"}
            # Two kinds of penalty, one scale: the features are made once.
            if trial["name"].endswith("0.5"):
                assert all(slide["patches_reused"] == slide["patches"]
                           for slide in record["slides"])
            assert (runs[trial["run_id"]]["tags"]["mlflow.parentRunId"]
                    == parent["info"]["run_id"])
            assert runs[trial["run_id"]]["info"]["run_name"] == trial["name"]
        # Two workers: one scale beside the other, and never two trials of one.
        assert ["mpp 0.7, l1 ratio 0", "mpp 1, l1 ratio 0"] in together
        assert all(len({name.split(",")[0] for name in names}) == len(names) for names in together)
        # Masks are made once for all, and the chosen one's pieces on the cluster.
        out = tmp_path / "out"
        assert len(list((out / "tissue" / "masks").glob("*.png"))) == 6
        assert not list((out / "search").glob("*/tissue"))
        chosen = record_of(str(Path(made["model"]).parent), made["search"]["chosen_run_id"])
        assert all(slide["patches_reused"] == slide["patches"] > 0 for slide in chosen["slides"])
    finally:
        fake.stop()


def test_with_folds_and_a_trial_that_fails(spark, slides, tmp_path):
    """The first to be done, whose folds are those of all, is not the first to begin."""
    broken = broken_encoder(tmp_path / "encoders" / "broken")
    study = write_study(tmp_path, slides, f'encoder = ["{broken}", "lite0"]\nmpp = [1, 0.7]\n'
                                          '[split]\nkind = "k-fold"\nfolds = 2')
    with pytest.warns(lamella.LamellaWarning, match="trial 'broken, mpp 1' failed"):
        made = lamella.spark.search(study, spark)
    assert [trial["status"] for trial in made["search"]["trials"]] == ["failed"] * 2 + ["done"] * 2
    assert "executor" in made["search"]["trials"][0]["error"]
    assert [fold["name"] for fold in made["search"]["folds"]] == ["fold 1", "fold 2"]
    same(made, locally(study, tmp_path / "alone"))


def test_another_network_under_the_same_name_is_no_trial(slides, tmp_path):
    begun = _core.StartedSearch(
        _core.Study(write_study(tmp_path, slides, "mpp = [1]"), []), {})
    state = begun.begin().__getstate__()
    job = _core.TrialJob.__new__(_core.TrialJob)
    job.__setstate__((*state[:-1], "0" * 64))
    result = job.run(threads=1)
    assert result.status == "failed" and "install one everywhere" in result.error


def test_what_is_no_search_is_refused_before_any_job(spark, slides, tmp_path):
    study = write_study(tmp_path, slides, "mpp = []")
    with pytest.raises(lamella.Error, match="nothing to search"):
        lamella.spark.search(study, spark)
    with pytest.raises(lamella.Error, match="parallelism: found 0"):
        lamella.spark.search(study, spark, overrides={"search.mpp": [1]}, parallelism=0)
    assert not (tmp_path / "out" / "runs").exists()


def test_a_search_that_is_ended_ends_its_jobs_and_is_recorded(spark, slides, tmp_path, monkeypatch):
    study = write_study(tmp_path, slides, "mpp = [1, 0.7]")

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_search, "wait", lambda running, return_when=None, timeout=None:
                      interrupted() if return_when else WAIT(running, timeout=timeout))
        with pytest.raises(KeyboardInterrupt):
            lamella.spark.search(study, spark)
    assert spark.sparkContext.statusTracker().getActiveJobsIds() == []
    (record,) = (tmp_path / "out" / "runs").glob("*/run.json")
    assert json.loads(record.read_text())["status"] == "KILLED"


def test_a_job_that_spark_gives_up_is_a_trial_that_failed(spark, slides, tmp_path, monkeypatch):
    study = write_study(tmp_path, slides, "mpp = [1, 0.7]")

    def lost(batches, **_):
        raise OSError("the disk is full")
        yield from batches

    monkeypatch.setattr(_search._worker, "make_trials", lost)
    with pytest.raises(lamella.Error, match="none of 2 trials"), \
            pytest.warns(lamella.LamellaWarning, match="failed: the disk is full"):
        lamella.spark.search(study, spark)


WAIT = _search.wait
