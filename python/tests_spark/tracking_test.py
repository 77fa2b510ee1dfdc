# SPDX-License-Identifier: Apache-2.0
"""A study over the cluster is one run at the MLflow server, logged by the driver."""

import json
import time
from pathlib import Path

import lamella
import lamella.spark
import pytest
from fake_mlflow import FakeMlflow
from small_cohort import study_text


@pytest.fixture
def server():
    fake = FakeMlflow()
    yield fake
    fake.stop()


@pytest.mark.parametrize("by", ["study", "environment"])
def test_a_study_is_logged_once(spark, cohort, tmp_path, server, monkeypatch, by):
    study = tmp_path / "study.toml"
    study.write_text(study_text(tmp_path / "out", cohort / "slides.csv"))
    overrides = {"tracking.mlflow": server.uri} if by == "study" else {}
    if by == "environment":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    result = lamella.spark.run(study, spark, overrides=overrides)
    (run,) = [run for run in server.runs.values() if "mlflow.parentRunId" not in run["tags"]]
    assert run["info"]["run_id"] == result["mlflow"]["mlflow_run_id"]
    assert run["info"]["status"] == "FINISHED"
    metrics = {key: value for key, value, _, _ in run["metrics"]}
    assert metrics["test_auc"] == result["metrics"]["test"]["auc"]
    assert run["params"]["patches.size_px"] == "56"
    names = {name.split("/artifacts/")[1] for name in server.files}
    assert {"run.json", "heatmaps/phantom_03.png", "model/model.json"} <= names


def test_the_run_is_there_before_the_first_job_and_has_its_real_times(spark, cohort, tmp_path, server):
    study = tmp_path / "study.toml"
    study.write_text(study_text(tmp_path / "out", cohort / "slides.csv"))
    began = []

    def watch(method, path):
        if path.endswith("runs/create"):
            began.append(len(list((tmp_path / "out").glob("plans/*/*.h5"))))

    server.trouble = watch
    before = time.time()
    result = lamella.spark.run(study, spark, overrides={"tracking.mlflow": server.uri})
    (run,) = [run for run in server.runs.values() if "mlflow.parentRunId" not in run["tags"]]
    assert began[0] == 0, "a piece was made before the run was there"
    record = json.loads((Path(result["run_dir"]) / "run.json").read_text())
    assert before - 1 <= record["start_time_ms"] / 1000 < before + 5
    took = (record["end_time_ms"] - record["start_time_ms"]) / 1000
    assert 0 < record["seconds"]["cluster"] < took
    metrics = {key for key, *_ in run["metrics"]}
    assert "seconds_cluster" in metrics


def test_a_job_that_fails_is_a_failed_run(spark, cohort, tmp_path, server, monkeypatch):
    study = tmp_path / "study.toml"
    study.write_text(study_text(tmp_path / "out", cohort / "slides.csv"))

    def broken(*_, **__):
        raise RuntimeError("the cluster went away")

    monkeypatch.setattr(lamella.spark._study, "_encode", broken)
    with pytest.raises(RuntimeError, match="went away"):
        lamella.spark.run(study, spark, overrides={"tracking.mlflow": server.uri})
    (run,) = server.runs.values()
    assert run["info"]["status"] == "FAILED" and "went away" in run["tags"]["lamella.error"]
