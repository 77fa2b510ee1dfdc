# SPDX-License-Identifier: Apache-2.0
"""Against a real MLflow server, read back through the official client.

Needs the package mlflow (make test-all installs it into an environment of its own)."""

import importlib.metadata
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy
import pytest
from conftest import PROGRAM, good, lamella, small_study

mlflow = pytest.importorskip("mlflow", reason="the package mlflow is not installed (make test-all)")

from mlflow.tracking import MlflowClient  # noqa: E402  after the skip
from model_export_test import own_scores, patches_of  # noqa: E402
from real_mlflow import Server, free_port  # noqa: E402


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = Server(tmp_path_factory.mktemp("server"))
    yield started
    started.stop()


@pytest.fixture(scope="module")
def client(server):
    return MlflowClient(server.uri)


@pytest.fixture(scope="module")
def write_study(tmp_path_factory, cohort):
    def write(name: str) -> Path:
        folder = tmp_path_factory.mktemp("study")
        text = small_study(folder / "out", cohort / "slides.csv")
        text = text.replace('"small"', f'"{name}"').replace("l2 = 0.1", 'l2 = "cv"')
        text = text.replace("[score]", "[score]\nregion = [0, 0, 700, 700]")
        (folder / "study.toml").write_text(text)
        return folder / "study.toml"

    return write


@pytest.fixture(scope="module")
def tracked(server, write_study):
    """A run that was followed by the server, and its record."""
    result = good("run", write_study("réal/study"), env={"MLFLOW_TRACKING_URI": server.uri})
    return result, json.loads((Path(result["run_dir"]) / "run.json").read_text())


def snapshot(client, name: str) -> dict:
    """All that the server knows of an experiment, in a form that can be compared."""
    (experiment,) = [e for e in client.search_experiments() if e.name == name]
    ids = [experiment.experiment_id]
    seen = {"models": sorted(m.model_id for m in client.search_logged_models(ids)), "runs": {}}
    for run in client.search_runs(ids):
        key = run.data.tags["lamella.run_id"]
        assert key not in seen["runs"], "a run is there twice"
        seen["runs"][key] = {
            "id": run.info.run_id, "status": run.info.status, "params": run.data.params,
            "metrics": {name: [(m.step, m.timestamp, m.value)
                               for m in client.get_metric_history(run.info.run_id, name)]
                        for name in run.data.metrics},
            "datasets": [(d.dataset.name, d.dataset.digest) for d in run.inputs.dataset_inputs],
            "models": [m.model_id for m in run.outputs.model_outputs] if run.outputs else [],
            "files": sorted(files_of(client, run.info.run_id))}
    return seen


def files_of(client, run_id: str, folder: str = "") -> list[str]:
    names = []
    for item in client.list_artifacts(run_id, folder):
        names += files_of(client, run_id, item.path) if item.is_dir else [item.path]
    return names


def test_everything_is_read_back(client, tracked, tmp_path):
    result, record = tracked
    experiment = client.get_experiment_by_name("réal/study")
    (run,) = client.search_runs([experiment.experiment_id], "metrics.test_auc > 0",
                                order_by=["metrics.test_auc DESC"])
    assert run.info.run_id == result["mlflow"]["mlflow_run_id"]
    assert run.info.run_name == result["run_id"] and run.info.status == "FINISHED"
    assert run.info.start_time == record["start_time_ms"]
    assert run.info.end_time == record["end_time_ms"]
    for role in ("train", "test"):
        figures = {key: value for key, value in result["metrics"][role].items()
                   if not isinstance(value, (dict, list))}  # tables
        assert {"auc", "log_loss", "accuracy"} <= set(figures)
        for key, value in figures.items():  # a figure that could not be told is none there
            assert run.data.metrics.get(f"{role}_{key}") == value
    assert run.data.params["patches.size_px"] == "112" and run.data.params["train.l2"] == "cv"
    assert run.data.params["encoder.sha256"] == record["encoder"]["sha256"]
    assert run.data.tags["mlflow.source.type"] == "LOCAL"
    # Of whatever repository the tests are run in, if any.
    source = record["caller"].get("source", {})
    assert run.data.tags.get("mlflow.source.git.commit") == source.get("commit")
    assert run.data.tags["mlflow.user"] == record["caller"]["user"]
    (chosen,) = client.get_metric_history(run.info.run_id, "cv_log_loss")
    training = record["training"]
    assert [chosen.value] == [trial["mean_log_loss"] for trial in training["trials"]
                              if trial["lambda"] == training["lambda"]]
    assert "cv_lambda" not in run.data.metrics
    for slide in result["slides"]:
        assert run.data.metrics[f"slide_patches/{slide['slide_id']}"] == slide["patches"]
    card = (Path(result_model(result)) / "README.md").read_text()
    assert run.data.tags["mlflow.note.content"].split("\n\n…")[0] in card
    datasets = {item.tags[0].value: item.dataset for item in run.inputs.dataset_inputs}
    assert set(datasets) == {"train", "test"}
    assert record["split"]["test"]["digest"].startswith(datasets["test"].digest)
    names = files_of(client, run.info.run_id)
    assert {"run.json", "log.txt", "study.toml", "heatmaps/phantom_03.png",
            "scores/grid/phantom_04.csv"} <= set(names)
    sent = Path(client.download_artifacts(run.info.run_id, "heatmaps/phantom_03.png", tmp_path))
    assert sent.read_bytes() == Path(result["slides"][2]["heatmap"]).read_bytes()


def test_folds_and_the_lambda_path_are_nested(client, tracked):
    result, record = tracked
    experiment = client.get_experiment_by_name("réal/study")
    nested = client.search_runs([experiment.experiment_id], "tags.mlflow.parentRunId = "
                                f"'{result['mlflow']['mlflow_run_id']}'")
    folds = record["training"]["folds"]
    assert {run.info.run_name for run in nested} == {
        "lambda path", *(f"fold {k + 1}" for k in range(folds))}
    for run in nested:
        losses = client.get_metric_history(run.info.run_id, "log_loss")
        assert len(losses) == 13 and run.info.status == "FINISHED"
        if run.info.run_name == "fold 2":
            assert [m.value for m in losses] == [trial["fold_log_loss"][1]
                                                 for trial in record["training"]["trials"]]


def test_the_model_is_logged_with_its_figures(client, tracked, tmp_path):
    result, _ = tracked
    experiment = client.get_experiment_by_name("réal/study")
    logged = {model.name: model for model in client.search_logged_models([experiment.experiment_id])}
    assert set(logged) == {"model", "by_position"}
    model = logged["model"]
    assert model.model_id == result["mlflow"]["model_id"]
    assert logged["by_position"].model_id == result["mlflow"]["position_model_id"]
    for item in logged.values():
        assert str(item.status) == "READY"
        assert item.source_run_id == result["mlflow"]["mlflow_run_id"]
        metrics = {metric.key: metric.value for metric in item.metrics}
        assert metrics["test_auc"] == result["metrics"]["test"]["auc"]
    os.environ["MLFLOW_TRACKING_URI"] = result["mlflow"]["uri"]
    try:
        folder = Path(mlflow.artifacts.download_artifacts(f"models:/{model.model_id}",
                                                          dst_path=str(tmp_path)))
    finally:
        del os.environ["MLFLOW_TRACKING_URI"]
    local = Path(result_model(result))
    for name in ("model.json", "README.md", "model.onnx", "requirements.txt"):
        assert (folder / name).read_bytes() == (local / name).read_bytes()
    assert model.tags["mlflow.note.content"].startswith("# réal")
    # The encoder lies in each of the two once.
    assert not (folder / "encoder").exists()
    sizes = {}
    for item in logged.values():
        listed = [file for part in ("", "encoder") for file in
                  client.list_logged_model_artifacts(item.model_id, part or None)]
        sizes[item.name] = sum(file.file_size or 0 for file in listed)
    print(f"bytes at the server: {sizes}")
    network = (local / "encoder" / "network.onnx").stat().st_size
    assert all(network < size < 1.5 * network for size in sizes.values())


def test_what_the_mlmodel_says_is_whole(client, tracked, tracking_uri):
    """As MLflow reads it, and in the environment that it was tested in: this one."""
    result, _ = tracked
    for key in ("model_id", "position_model_id"):
        model_id = result["mlflow"][key]
        model = mlflow.models.Model.load(f"models:/{model_id}")
        assert model.run_id == result["mlflow"]["mlflow_run_id"] and model.model_id == model_id
        assert model.mlflow_version == mlflow.__version__ and model.utc_time_created
        assert model.model_size_bytes > 1 << 20
        assert model.flavors["python_function"]["python_version"].startswith("3.11.")
        text = Path(mlflow.pyfunc.get_model_dependencies(f"models:/{model_id}", "pip")).read_text()
        for line in text.split():
            name, version = line.split("==")
            if name != "lamella":
                assert importlib.metadata.version(name) == version
    model_uri = f"models:/{result['mlflow']['model_id']}"
    posted = Path(result_model(result), "serving_input_example.json").read_text()
    answer = mlflow.models.validate_serving_input(model_uri, posted)
    assert numpy.shape(answer["probability"]) == (1, 2)


@pytest.fixture(scope="module")
def patches(tracked, cohort, tmp_path_factory):
    """Labelled patches of a test slide as pixels, and the run's own probabilities for them."""
    result, record = tracked
    out = Path(result["run_dir"]).parent.parent
    folder = tmp_path_factory.mktemp("patches")
    good("extract", "--slide", cohort / "phantom_03.tif", "--plan",
         out / "plans" / "labelled" / "phantom_03.h5", "--format", "png", "--out",
         folder / "patches")
    shutil.copy(out / "scores" / "labelled" / "phantom_03.csv", folder / "scores.csv")
    places, pixels = patches_of(folder)
    return pixels, numpy.array([own_scores(folder)[place] for place in places])


def test_pyfunc_gives_lamellas_probabilities(client, tracked, patches):
    result, record = tracked
    pixels, expected = patches
    os.environ["MLFLOW_TRACKING_URI"] = result["mlflow"]["uri"]
    try:
        model = mlflow.pyfunc.load_model(f"models:/{result['mlflow']['model_id']}")
    finally:
        del os.environ["MLFLOW_TRACKING_URI"]
    found = model.predict(pixels)["probability"][:, 1]
    difference = numpy.abs(found - expected).max()
    print(f"pyfunc against {record['encoder']['precision']}: largest difference {difference:.1e}")
    assert difference <= (1e-6 if record["encoder"]["precision"] == "f32" else 0.05)
    example = model.metadata.load_input_example(result_model(result))
    assert model.predict(example)["probability"].shape == (1, 2)


@pytest.fixture(scope="module")
def rows(tracked, cohort):
    """Slides and positions of the test slides, mixed, and lamella's own probabilities for them."""
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("lamella", reason="the Python package is not on the path")
    out = Path(tracked[0]["run_dir"]).parent.parent
    found = [(str(cohort / f"{slide}.tif"), x, y, probability)
             for slide in ("phantom_03", "phantom_04")
             for (x, y), probability in own_scores(out, f"scores/labelled/{slide}.csv").items()]
    table = pandas.DataFrame(found, columns=["slide", "x_px", "y_px", "expected"])
    assert len(table) > 20 and table["slide"].nunique() == 2
    return table.sample(frac=1, random_state=1).reset_index(drop=True)


@pytest.fixture
def tracking_uri(tracked, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracked[0]["mlflow"]["uri"])


def test_rows_of_slide_and_position_give_lamellas_probabilities(tracked, rows, tracking_uri):
    result, _ = tracked
    inputs = rows[["slide", "x_px", "y_px"]]
    for uri in (f"models:/{result['mlflow']['position_model_id']}",
                result_model(result) + "/by_position"):
        model = mlflow.pyfunc.load_model(uri)
        answer = model.predict(inputs)
        assert list(answer.columns) == ["prob_normal", "prob_tumor"]
        found = answer["prob_tumor"].to_numpy()
        assert numpy.abs(found - rows["expected"]).max() <= 1e-6, uri
    assert len(model.predict(inputs.head(0))) == 0
    for change, message in (({"slide": "/nowhere.tif"}, "nowhere"), ({"x_px": 1 << 40}, "position 0"),
                            ({"slide": None}, "slide")):
        with pytest.raises(Exception, match=message):
            model.predict(inputs.head(1).assign(**change))


def test_the_same_as_a_spark_udf(tracked, rows, tracking_uri, tmp_path, monkeypatch):
    sql = pytest.importorskip("pyspark.sql", reason="the package pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("java is not here")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    result, _ = tracked
    spark = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config(
        "spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").config(
        "spark.sql.warehouse.dir", str(tmp_path)).getOrCreate()
    try:
        score = mlflow.pyfunc.spark_udf(
            spark, f"models:/{result['mlflow']['position_model_id']}", env_manager="local")
        found = spark.createDataFrame(rows).repartition(3).withColumn(
            "found", score()).select("*", "found.prob_tumor").toPandas()
    finally:
        spark.stop()
    assert len(found) == len(rows)
    assert (found["prob_tumor"] - found["expected"]).abs().max() <= 1e-6


def result_model(result) -> str:
    return str(Path(result["run_dir"]).parent.parent / "model")


@pytest.fixture(scope="module")
def fresh_python(tracked, tmp_path_factory) -> Path:
    """The interpreter of an environment with what the model's own requirements.txt names."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r",
                    result_model(tracked[0]) + "/requirements.txt"], check=True)
    return python


PREDICT = """
import importlib.util, sys
import mlflow, numpy
assert importlib.util.find_spec("lamella") is None and importlib.util.find_spec("pytest") is None
model = mlflow.pyfunc.load_model(sys.argv[1])
numpy.save(sys.argv[3], model.predict(numpy.load(sys.argv[2]))["probability"])
"""


def test_pyfunc_works_in_a_fresh_environment(fresh_python, tracked, patches, tmp_path):
    result, record = tracked
    pixels, expected = patches
    numpy.save(tmp_path / "patches.npy", pixels)
    subprocess.run([fresh_python, "-c", PREDICT, f"models:/{result['mlflow']['model_id']}",
                    tmp_path / "patches.npy", tmp_path / "found.npy"], check=True, cwd=tmp_path,
                   env={"PATH": os.environ["PATH"], "HOME": str(tmp_path),
                        "MLFLOW_TRACKING_URI": result["mlflow"]["uri"]})
    difference = numpy.abs(numpy.load(tmp_path / "found.npy")[:, 1] - expected).max()
    assert difference <= (1e-6 if record["encoder"]["precision"] == "f32" else 0.05)


def test_the_model_is_served(fresh_python, tracked, patches, tmp_path):
    result, record = tracked
    pixels, expected = patches
    port = free_port()
    serving = subprocess.Popen(
        [fresh_python, "-m", "mlflow", "models", "serve", "-m", result_model(result), "--host",
         "127.0.0.1", "--port", str(port), "--env-manager", "local", "--workers", "1"],
        stdout=open(tmp_path / "log", "w"), stderr=subprocess.STDOUT, start_new_session=True,
        env={**os.environ, "PATH": f"{fresh_python.parent}:{os.environ['PATH']}"})
    try:
        def post(body):
            return urllib.request.Request(f"http://127.0.0.1:{port}/invocations", body,
                                          {"Content-Type": "application/json"})

        request = post(json.dumps({"inputs": pixels[:3].tolist()}).encode())
        deadline = time.time() + 180
        while True:
            assert serving.poll() is None and time.time() < deadline, (tmp_path / "log").read_text()
            try:
                answer = json.load(urllib.request.urlopen(request, timeout=60))
                break
            except ConnectionError:
                time.sleep(0.3)
            except urllib.error.URLError as error:
                assert not isinstance(error, urllib.error.HTTPError), error.read()
                time.sleep(0.3)
        example = Path(result_model(result), "serving_input_example.json").read_bytes()
        shown = json.load(urllib.request.urlopen(post(example), timeout=60))
        assert numpy.shape(shown["predictions"]["probability"]) == (1, 2)
    finally:
        os.killpg(serving.pid, signal.SIGKILL)
        serving.wait()
    found = numpy.array(answer["predictions"]["probability"])
    limit = 1e-6 if record["encoder"]["precision"] == "f32" else 0.05
    assert numpy.abs(found[:, 1] - expected[:3]).max() <= limit


def test_publishing_again_changes_nothing(client, server, tracked):
    result, _ = tracked
    before = snapshot(client, "réal/study")
    for forget in (False, True):
        if forget:
            (Path(result["run_dir"]) / "mlflow.json").unlink()
        again = good("runs", "publish", result["run_dir"], "--to", server.uri)
        assert again["mlflow_run_id"] == result["mlflow"]["mlflow_run_id"]
        assert snapshot(client, "réal/study") == before


def test_a_version_is_registered_once_with_its_alias(client, server, tracked):
    result, _ = tracked
    for _ in range(2):
        sent = good("runs", "publish", result["run_dir"], "--to", server.uri, "--register",
                    "tumour", "--alias", "champion")
        assert sent["model_version"] == "1"
    version = client.get_model_version_by_alias("tumour", "champion")
    assert version.version == "1" or version.version == 1
    assert version.run_id == sent["mlflow_run_id"]
    assert len(client.search_model_versions("name='tumour'")) == 1
    for described in (version, client.get_registered_model("tumour")):
        assert described.description.startswith("# réal")


def test_an_active_run_is_filled_in_and_a_second_study_nested_in_it(client, server, write_study,
                                                                    monkeypatch):
    lamella_package = pytest.importorskip("lamella", reason="the Python package is not on the path")
    monkeypatch.setattr(mlflow.tracking.fluent, "_active_experiment_id", None)
    mlflow.set_tracking_uri(server.uri)
    try:
        mlflow.set_experiment("by hand")
        overrides = {"train.l2": 0.1, "tracking.artifacts": ["report"]}
        with mlflow.start_run(run_name="mine") as active:
            first = lamella_package.run(write_study("active"), overrides=overrides)
            assert client.get_run(active.info.run_id).info.status == "RUNNING"
            second = lamella_package.run(write_study("active too"), overrides=overrides)
    finally:
        mlflow.set_tracking_uri(None)
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID"):
            os.environ.pop(name, None)
    assert first["mlflow"]["mlflow_run_id"] == active.info.run_id
    run = client.get_run(active.info.run_id)
    assert run.info.run_name == "mine" and run.info.status == "FINISHED"
    assert run.data.metrics["test_auc"] == first["metrics"]["test"]["auc"]
    nested = client.get_run(second["mlflow"]["mlflow_run_id"])
    assert nested.data.tags["mlflow.parentRunId"] == active.info.run_id
    assert {e.name for e in client.search_experiments()}.isdisjoint({"active", "active too"})


def test_artifacts_that_the_server_does_not_take_go_through_mlflows_client(tracked, tmp_path):
    """Which is found by the program beside this interpreter."""
    result, _ = tracked
    folder = tmp_path / "store"
    plain = Server(tmp_path, artifacts=["--no-serve-artifacts", "--default-artifact-root",
                                        f"file://{folder}"])
    try:
        sent = good("runs", "publish", result["run_dir"], "--to", plain.uri, env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"})
        again = good("runs", "publish", result["run_dir"], "--to", plain.uri,
                     env={"PATH": str(tmp_path)})
    finally:
        plain.stop()
    assert not sent["files_missing"] and sent["files_sent"] > 5
    assert (again["files_sent"], again["files_there"]) == (0, sent["files_sent"])
    (report,) = folder.rglob("report.html")
    assert report.read_bytes() == (Path(result["run_dir"]) / "report.html").read_bytes()
    found = [path.parent for path in folder.rglob("MLmodel")]
    assert len(found) == 2
    for path in found:
        assert json.loads((path / "MLmodel").read_text())["run_id"] == sent["mlflow_run_id"]
    (whole,) = [path for path in found if (path / "encoder").exists()]
    assert (whole / "encoder" / "network.onnx").is_file()


def test_a_failed_run_is_failed_at_the_server(client, server, write_study):
    study = write_study("fails")
    outcome = lamella("run", study, "--set", 'classes.tumor.annotations=["Nobody"]',
                      env={"MLFLOW_TRACKING_URI": server.uri})
    assert outcome.code == 1
    (run,) = client.search_runs([client.get_experiment_by_name("fails").experiment_id])
    assert run.info.status == "FAILED" and run.data.tags["lamella.error"]


def test_a_deleted_experiment_is_named(client, server, tracked):
    result, record = tracked
    folder = Path(result["run_dir"]).parent / "other"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({**record, "name": "deleted", "run_id": "other"}))
    client.delete_experiment(client.create_experiment("deleted"))
    outcome = lamella("runs", "publish", folder, "--to", server.uri)
    assert outcome.code == 1 and "'deleted' is deleted" in outcome.err


def test_names_and_values_at_the_limits_are_taken(client, server, tracked):
    result, record = tracked
    folder = Path(result["run_dir"]).parent / "odd"
    folder.mkdir()
    long = "ä" * 6000
    study = {**record["study"], "fits": long, "more": long + "x", "empty": "",
             "odd": {"a/b": 1, "µ [x] 'q' \"d\"": 2, "/x//y/../z": 3, "k" * 300: 4, "k" * 301: 5}}
    (folder / "run.json").write_text(json.dumps({
        **record, "name": "odd/näme 'q' \"d\" 100 %", "run_id": "odd", "study": study}))
    sent = good("runs", "publish", folder, "--to", server.uri)
    params = client.get_run(sent["mlflow_run_id"]).data.params
    assert params["fits"] == long and params["more"] == "ä" * 5999 + "…"
    assert params["odd.a/b"] == "1"
    assert sorted(value for key, value in params.items() if key.startswith("odd.")) == list("12345")
    assert client.get_experiment_by_name("odd/näme 'q' \"d\" 100 %")
    assert good("runs", "publish", folder, "--to", server.uri)["mlflow_run_id"] == sent[
        "mlflow_run_id"]


def test_server_killed_in_the_middle_nothing_lost_nothing_double(server, client, write_study):
    study = write_study("killed")
    run = subprocess.Popen([PROGRAM, "run",
                            str(study), "--json"], stdout=subprocess.PIPE, text=True,
                           env={**os.environ, "MLFLOW_TRACKING_URI": server.uri,
                                "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"})
    deadline = time.time() + 60
    while time.time() < deadline and not client.get_experiment_by_name("killed"):
        time.sleep(0.1)
    server.stop()
    out, _ = run.communicate(timeout=300)
    result = json.loads(out)
    assert run.returncode == 0 and result["metrics"]["test"]["n"] > 0
    server.start()
    sent = good("runs", "publish", result["run_dir"], "--to", server.uri)
    assert not sent["files_missing"]
    once = snapshot(client, "killed")
    assert once["runs"][result["run_id"]]["status"] == "FINISHED"
    assert len(once["runs"]) == 2 + result_folds(result)
    good("runs", "publish", result["run_dir"], "--to", server.uri)
    assert snapshot(client, "killed") == once

    # Killed while a record is being sent, again and again: it ends up whole.
    record = json.loads((Path(result["run_dir"]) / "run.json").read_text())
    (Path(result["run_dir"]) / "run.json").write_text(json.dumps({**record, "name": "hit"}))
    (Path(result["run_dir"]) / "mlflow.json").unlink()  # where it is it would stay
    for delay in (0.05, 0.2, 0.4):
        sending = subprocess.Popen(
            [PROGRAM, "runs", "publish",
             result["run_dir"], "--to", server.uri], stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, env={**os.environ, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"})
        time.sleep(delay)
        server.stop()
        sending.wait(timeout=60)
        server.start()
    good("runs", "publish", result["run_dir"], "--to", server.uri)
    whole = snapshot(client, "hit")
    assert whole["runs"].keys() == once["runs"].keys() and len(whole["models"]) == 2
    for key, run in whole["runs"].items():
        for part in ("status", "params", "metrics", "files"):
            assert run[part] == once["runs"][key][part], (key, part)


def result_folds(result) -> int:
    return json.loads((Path(result["run_dir"]) / "run.json").read_text())["training"]["folds"]
