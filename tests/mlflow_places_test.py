# SPDX-License-Identifier: Apache-2.0
"""Where a run belongs at MLflow, and what of it goes there. The server is a fake; so is the
Databricks workspace, of which no more than its REST paths, its host and its token are tried."""

import json
import subprocess
from pathlib import Path

import pytest
from conftest import bad, good, lamella
from mlflow_fake_test import FAST, publish, refused, run, server

SMALL = {"[score]": "[score]\nregion = [0, 0, 700, 700]"}


def tops(fake) -> list:
    return [run for run in fake.runs.values() if "lamella.run_id" in run["tags"]
            and ":" not in run["tags"]["lamella.run_id"]]


def test_mlflows_variables_are_honoured(server, run):
    sent = publish(run(), server.uri, MLFLOW_EXPERIMENT_NAME="théirs", MLFLOW_RUN_NAME="first")
    assert list(server.experiments) == ["théirs"]
    assert server.runs[sent["mlflow_run_id"]]["info"]["run_name"] == "first"
    # Where it is it stays.
    again = publish(run(), server.uri, MLFLOW_EXPERIMENT_NAME="another")
    assert again["mlflow_run_id"] == sent["mlflow_run_id"] and len(server.experiments) == 1


def test_an_experiment_by_its_id(server, run):
    server.start_run("theirs")
    assert publish(run(), server.uri, MLFLOW_EXPERIMENT_ID="1")["experiment_id"] == "1"
    assert "MLFLOW_EXPERIMENT_ID" in refused(run(run_id="20260101-000000-aaaaaa"), server.uri,
                                             MLFLOW_EXPERIMENT_ID="9")


def test_a_run_that_is_named_is_filled_in_once(server, run):
    theirs = server.start_run("theirs")
    server.runs[theirs]["tags"]["mlflow.note.content"] = "my own words"
    sent = publish(run(), server.uri, MLFLOW_RUN_ID=theirs)
    assert sent["mlflow_run_id"] == theirs and sent["experiment_id"] == "1"
    filled = server.runs[theirs]
    assert filled["info"]["status"] == "FINISHED" and filled["info"]["run_name"] == "by hand"
    assert filled["params"]["train.l2"] == "cv"
    assert filled["tags"]["mlflow.note.content"] == "my own words"
    folds = [r for r in server.runs.values() if r["tags"].get("mlflow.parentRunId") == theirs]
    assert len(folds) == 3
    # A second record of another run is nested in it.
    other = publish(run(run_id="20260101-000000-bbbbbb"), server.uri, MLFLOW_RUN_ID=theirs)
    assert other["mlflow_run_id"] != theirs
    assert server.runs[other["mlflow_run_id"]]["tags"]["mlflow.parentRunId"] == theirs
    assert set(server.experiments) == {"theirs"}


def test_a_run_that_is_not_there_has_a_remedy(server, run):
    assert "MLFLOW_RUN_ID" in refused(run(), server.uri, MLFLOW_RUN_ID="nowhere")
    assert not server.runs
    gone = server.start_run("theirs")
    server.runs[gone]["info"]["lifecycle_stage"] = "deleted"
    assert "mlflow runs restore" in refused(run(), server.uri, MLFLOW_RUN_ID=gone)
    message = bad("runs", "publish", run(), "--to", server.uri, "--parent", "nobody", env=FAST)
    assert "the parent" in message


def test_a_run_is_nested_in_the_parent_that_is_named(server, run):
    parent = server.start_run("theirs")
    sent = publish(run(), server.uri, "--parent", parent)
    assert server.runs[sent["mlflow_run_id"]]["tags"]["mlflow.parentRunId"] == parent
    assert server.runs[parent]["info"]["status"] == "RUNNING" and not server.runs[parent]["params"]


def test_artifacts_are_chosen(server, study):
    chosen = ["--set", 'tracking.artifacts=["heatmaps", "model"]']
    result = good("run", study(replace=SMALL), *chosen,
                  env={**FAST, "MLFLOW_TRACKING_URI": server.uri})
    names = {name.split("/artifacts/")[1] for name in server.files}
    assert {name.split("/")[0] for name in names} == {"heatmaps", "model"}
    assert not any("encoder/" in name for name in names) and "model/model.onnx" in names
    # What was not wanted can be sent later.
    publish(result["run_dir"], server.uri, "--artifacts", "record", "by_position")
    names = {name.split("/artifacts/")[1] for name in server.files}
    assert {"run.json", "model/encoder/network.onnx"} <= names and "report.html" not in names
    message = bad("run", study(replace=SMALL), "--set", 'tracking.artifacts=["pictures"]')
    assert "pictures" in message and "heatmaps" in message


def test_slides_are_found_by_their_ids_and_the_model_is_complete(server, study):
    result = good("run", study(replace=SMALL), env={**FAST, "MLFLOW_TRACKING_URI": server.uri})
    top = server.runs[result["mlflow"]["mlflow_run_id"]]
    metrics = {key: value for key, value, _, _ in top["metrics"]}
    for slide in result["slides"]:
        assert metrics[f"slide_patches/{slide['slide_id']}"] == slide["patches"]
        if slide.get("slide_score") is not None:
            assert metrics[f"slide_score/{slide['slide_id']}"] == slide["slide_score"]
    assert "slide_score" not in metrics
    card = (Path(result["run_dir"]).parent.parent / "model" / "README.md").read_text()
    assert top["tags"]["mlflow.note.content"][:500] == card[:500]
    (model,) = [json.loads(body) for name, body in server.files.items()
                if name.endswith("artifacts/model/MLmodel")]
    assert model["run_id"] == result["mlflow"]["mlflow_run_id"]
    assert model["mlflow_version"] and model["flavors"]["python_function"]["python_version"]
    assert model["saved_input_example_info"]["serving_input_path"] == "serving_input_example.json"


def test_what_is_required_fails_before_anything_is_computed(study, tmp_path):
    required = ["--set", "tracking.required=true"]
    quick = {**FAST, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    assert "MLFLOW_TRACKING_URI" in bad("run", study(replace=SMALL), *required)
    for uri in ("http://127.0.0.1:9", "sqlite:///x.db", "databricks"):
        bad("run", study(replace=SMALL), *required,
            env={**quick, "MLFLOW_TRACKING_URI": uri, "HOME": str(tmp_path)})
    assert not list((tmp_path / "out").glob("features/*/*"))
    runs = good("runs", "list", tmp_path / "out")["runs"]
    assert len(runs) == 4 and {item["status"] for item in runs} == {"FAILED"}


def test_what_is_required_fails_at_the_end_and_keeps_the_run(study, tmp_path, server):
    server.trouble = lambda method, path: (507, {}, '{"message": "full"}') if method == "PUT" else None
    message = bad("run", study(replace=SMALL), "--set", "tracking.required=true",
                  env={**FAST, "MLFLOW_TRACKING_URI": server.uri})
    assert "full" in message and "runs publish" in message
    (item,) = good("runs", "list", tmp_path / "out")["runs"]
    assert item["status"] == "FINISHED"


def test_the_commit_is_that_of_the_study(study, server, tmp_path):
    path = study(replace=SMALL)
    git = ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "--quiet"], ["add", "study.toml"], ["commit", "--quiet", "-m", "one"]):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True,
                            check=True).stdout.strip()
    result = good("run", path, env={**FAST, "MLFLOW_TRACKING_URI": server.uri})
    tags = server.runs[result["mlflow"]["mlflow_run_id"]]["tags"]
    assert tags["mlflow.source.git.commit"] == commit and tags["mlflow.source.git.dirty"] == "false"
    record = json.loads((Path(result["run_dir"]) / "run.json").read_text())
    assert record["caller"]["source"]["commit"] == commit != record["software"]["git_commit"]
    assert tags["lamella.git_commit"] == record["software"]["git_commit"]


@pytest.mark.parametrize("by", ["variables", "profile"])
def test_a_databricks_workspace(server, run, tmp_path, by):
    """Not the real one: its paths, its names of experiments, and its token."""
    server.artifact_root = "mlflow-artifacts:"  # a real one keeps them at dbfs:/
    env, uri = {"HOME": str(tmp_path / "home")}, "databricks"
    (tmp_path / "home").mkdir()
    if by == "variables":
        env |= {"DATABRICKS_HOST": server.uri, "DATABRICKS_TOKEN": "dapi-sesame",
                "MLFLOW_TRACKING_USERNAME": "not", "MLFLOW_TRACKING_PASSWORD": "this"}
    else:
        uri = "databricks://work"
        (tmp_path / "home" / ".databrickscfg").write_text(
            f"[DEFAULT]\nhost = https://nowhere\ntoken = other\n"
            f"[work]\nhost = {server.uri}/\ntoken = dapi-sesame\n")
    folder = run()
    outcome = lamella("runs", "publish", folder, "--to", uri, "--json", "--verbose",
                      env={**FAST, **env})
    assert outcome.code == 0, outcome.err
    assert list(server.experiments) == ["/Users/me@work/s"]
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer dapi-sesame"}
    assert outcome.json["url"].startswith(f"{server.uri}/ml/experiments/1/runs/")
    shown = outcome.out + outcome.err
    for path in folder.rglob("*"):
        shown += path.read_text(errors="replace") if path.is_file() else ""
    server.trouble = lambda method, path: (401, {}, '{"error_code": "PERMISSION_DENIED"}')
    denied = bad("runs", "publish", folder, "--to", uri, env={**FAST, **env})
    assert "token" in denied
    assert "sesame" not in shown + denied
    server.trouble = lambda method, path: None
    sent = publish(run(run_id="20260101-000000-cccccc"), uri, MLFLOW_EXPERIMENT_NAME="/Shared/x",
                   **env)
    assert sent["experiment_id"] == "2" and "/Shared/x" in server.experiments


def test_a_workspaces_store_is_for_its_own_client(server, run, tmp_path):
    server.artifact_root = "dbfs:/databricks/mlflow-tracking"
    message = refused(run(), "databricks", DATABRICKS_HOST=server.uri, DATABRICKS_TOKEN="t",
                      PATH=str(tmp_path))
    assert "dbfs:/databricks" in message and "lamella[mlflow]" in message
    (top,) = tops(server)
    assert top["metrics"] and top["info"]["status"] == "FINISHED"

