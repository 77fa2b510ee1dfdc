# SPDX-License-Identifier: Apache-2.0
"""A study over the cluster is one run at the MLflow server, logged by the driver."""

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
