# SPDX-License-Identifier: Apache-2.0
"""Sending to MLflow when the server, the network or the names are bad."""

import base64
import hashlib
import json
import time
from email.utils import formatdate

import pytest
from conftest import bad, good, lamella
from fake_mlflow import FakeMlflow

FAST = {"MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0.01"}


@pytest.fixture
def server():
    fake = FakeMlflow()
    yield fake
    fake.stop()


@pytest.fixture
def run(tmp_path):
    """A record as lamella writes it, small, with results that are there."""
    out = tmp_path / "out"
    (out / "heatmaps").mkdir(parents=True)
    (out / "heatmaps" / "µ 1%.png").write_bytes(b"picture")

    def write(**changes):
        record = {
            "run_id": "20260101-000000-abcdef", "name": "s", "status": "FINISHED",
            "start_time": "2026-01-01T00:00:00Z", "start_time_ms": 1767225600000,
            "end_time": "2026-01-01T00:01:00Z", "end_time_ms": 1767225660000, "warnings": [],
            "caller": {"user": "me", "host": "h", "folder": str(tmp_path)},
            "command": {"study": "s.toml", "set": [], "threads": 2},
            "study": {"name": "s", "output": str(out), "slides": {"table": "slides.csv"},
                      "train": {"l2": "cv"},
                      "classes": [{"name": "tumor", "centers": ["a.txt"]}], "patches": {"mpp": None}},
            "encoder": {"sha256": "e" * 64, "precision": "f32"},
            "split": {"test": {"slides": ["a"], "patients": ["p"], "digest": "d" * 64}},
            "training": {"lambda": 0.1, "folds": 2, "trials": [
                {"lambda": 0.1, "mean_log_loss": 0.5, "fold_log_loss": [0.4, 0.6]},
                {"lambda": 1.0, "mean_log_loss": 0.7, "fold_log_loss": [0.6, 0.8]}]},
            "history": [{"key": "cv_log_loss", "value": 0.5, "step": 0, "time_ms": 1767225601000},
                        {"key": "cv_log_loss", "value": 0.7, "step": 1, "time_ms": 1767225602000},
                        {"key": "test_auc", "value": 0.9, "step": 0, "time_ms": 1767225603000}],
            "outputs": [{"path": "heatmaps/µ 1%.png",
                         "sha256": hashlib.sha256(b"picture").hexdigest()}],
            "metrics": {"test": {"auc": 0.9}}} | changes
        folder = out / "runs" / record["run_id"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.json").write_text(json.dumps(record))
        return folder

    return write


def publish(folder, uri, *words, **options):
    return good("runs", "publish", folder, "--to", uri, *words, env={**FAST, **options})


def refused(folder, uri, **env) -> str:
    return bad("runs", "publish", folder, "--to", uri, env={**FAST, **env})


def test_everything_is_sent_once_however_often(server, run):
    folder = run()
    first = publish(folder, server.uri)
    assert first["files_sent"] == 2 and first["nested_runs"] == 3
    parent = server.runs[first["mlflow_run_id"]]
    assert parent["info"]["status"] == "FINISHED" and parent["info"]["end_time"] == 1767225660000
    assert parent["params"]["train.l2"] == "cv"
    assert parent["params"]["classes.0.name"] == "tumor" and "patches.mpp" not in parent["params"]
    assert parent["tags"]["mlflow.source.name"] == "lamella run s.toml"
    assert ("test_auc", 0.9, 1767225603000, 0) in parent["metrics"]
    # The chosen penalty's; the path is in the nested runs alone.
    assert [metric for metric in parent["metrics"] if metric[0].startswith("cv_")] == [
        ("cv_log_loss", 0.5, 1767225602000, 0)]
    assert parent["inputs"][0]["dataset"]["digest"] == "d" * 32
    assert server.files[f"1/{first['mlflow_run_id']}/artifacts/heatmaps/µ 1%.png"] == b"picture"
    nested = {r["info"]["run_name"]: r for r in server.runs.values() if r is not parent}
    assert set(nested) == {"lambda path", "fold 1", "fold 2"}
    assert ("log_loss", 0.8, 1767225602000, 1) in nested["fold 2"]["metrics"]
    assert all(r["tags"]["mlflow.parentRunId"] == first["mlflow_run_id"] for r in nested.values())

    before = json.dumps([server.runs, len(server.files)], default=sorted)
    second = publish(folder, server.uri)
    assert (second["files_sent"], second["files_there"]) == (0, 2)
    (folder / "mlflow.json").unlink()  # what was sent is forgotten: the server knows
    third = publish(folder, server.uri)
    assert third["mlflow_run_id"] == first["mlflow_run_id"] and len(server.runs) == 4
    assert len(server.experiments) == 1

    def without_batches(text):
        runs, files = json.loads(text)
        return [{key: value for key, value in item.items() if key != "batches"}
                for item in runs.values()], files
    assert without_batches(json.dumps([server.runs, len(server.files)], default=sorted)) \
        == without_batches(before)


def test_an_answer_that_was_lost_doubles_nothing(server, run):
    lost = []

    def trouble(method, path):
        if path.endswith("runs/create") and not lost:
            lost.append(path)
            run_id = "r0"
            server.runs[run_id] = {
                "info": {"run_id": run_id, "experiment_id": "1",
                         "artifact_uri": "mlflow-artifacts:/1/r0/artifacts"},
                "params": {}, "metrics": set(), "batches": [],
                "tags": {"lamella.run_id": "20260101-000000-abcdef"}}
            return 502, {"Content-Type": "text/html"}, "<h1>Bad Gateway</h1>"
        return None

    server.trouble = trouble
    sent = publish(run(), server.uri)
    assert lost and sent["mlflow_run_id"] == "r0" and len(server.runs) == 4


@pytest.mark.parametrize("status", [429, 503, 500])
@pytest.mark.parametrize("header", ["none", "seconds", "date"])
def test_a_busy_server_is_asked_again(server, run, status, header):
    asked = []

    def trouble(method, path):
        if path.endswith("runs/log-batch") and len(asked) < 2:
            asked.append(time.monotonic())
            wait = {"none": {}, "seconds": {"Retry-After": "1"},
                    "date": {"Retry-After": formatdate(time.time() + 2, usegmt=True)}}[header]
            return status, wait, '{"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow down"}'
        return None

    server.trouble = trouble
    folder = run()
    start = time.monotonic()
    publish(folder, server.uri)
    assert len(asked) == 2
    if header != "none":
        assert asked[1] - asked[0] >= 0.9, "Retry-After was not honoured"
    else:
        assert time.monotonic() - start < 5


def test_retries_end(server, run):
    server.trouble = lambda method, path: (503, {}, '{"message": "never"}')
    message = refused(run(), server.uri, MLFLOW_HTTP_REQUEST_MAX_RETRIES="3")
    assert "503" in message and "never" in message
    assert len(server.requests) == 4


@pytest.mark.parametrize("status, words", [
    (401, "MLFLOW_TRACKING_TOKEN"), (403, "administrator"), (404, "check the tracking URI"),
    (302, "redirects")])
def test_a_refusal_says_what_to_do_and_is_not_repeated(server, run, status, words):
    server.trouble = lambda method, path: (status, {}, "denied")
    message = refused(run(), server.uri)
    assert words in message and str(status) in message
    assert len(server.requests) == 1


HTML = {"Content-Type": "text/html"}


def test_a_proxy_that_answers_html(server, run):
    server.trouble = lambda method, path: (200, HTML, "<h1>Log in</h1>")
    assert "proxy or login page" in refused(run(), server.uri)


def test_a_proxy_that_answers_uploads_with_html_sends_nothing_silently(server, run):
    folder = run()
    server.trouble = lambda method, path: (200, HTML, "<h1>Log in</h1>") if method == "PUT" else None
    assert "HTML page" in refused(folder, server.uri) and not server.files
    server.trouble = lambda method, path: None
    assert publish(folder, server.uri)["files_sent"] == 2


@pytest.mark.parametrize("answer", ["", "[]", "null", '{"experiment', '{"experiment": 3}', "{}",
                                    '{"experiment": {"lifecycle_stage": "active"}}'])
def test_an_answer_that_is_no_answer(server, run, answer):
    server.trouble = lambda method, path: (200, {}, answer)
    assert "MLflow" in refused(run(), server.uri)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxys_html_failure_is_waited_for(server, run, status):
    """Whose page is not quoted."""
    asked = []

    def trouble(method, path):
        asked.append(path)
        return (status, HTML, "<h1>Bad Gateway</h1>") if len(asked) < 3 else None

    server.trouble = trouble
    publish(run(), server.uri)
    server.trouble = lambda method, path: (status, HTML, "<h1>Bad Gateway</h1>")
    message = refused(run(), server.uri, MLFLOW_HTTP_REQUEST_MAX_RETRIES="1")
    assert str(status) in message and "<h1>" not in message


def test_a_deleted_experiment_is_named(server, run):
    server.trouble = lambda method, path: (200, {}, json.dumps(
        {"experiment": {"experiment_id": "1", "lifecycle_stage": "deleted"}}))
    assert "'s' is deleted" in refused(run(), server.uri)


def test_an_experiment_deleted_meanwhile_is_named(server, run):
    """It was there when it was asked for: the server answers 404 to what comes next."""
    answer = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No Experiment with id=1 exists"}
    server.trouble = lambda method, path: (
        (404, {}, json.dumps(answer)) if path.endswith("runs/create") else None)
    message = refused(run(), server.uri)
    assert "No Experiment with id=1" in message and "deleted" in message
    assert "tracking URI" not in message


def test_a_full_artifact_store_keeps_the_figures_and_the_rest_is_sent_later(server, run):
    full = lambda method, path: (507, {}, '{"message": "disk full"}') if method == "PUT" else None
    server.trouble = full
    folder = run()
    assert "disk full" in refused(folder, server.uri)
    (parent,) = [r for r in server.runs.values() if r["info"]["run_name"].startswith("2026")]
    assert parent["info"]["status"] == "FINISHED" and parent["metrics"]
    server.trouble = lambda method, path: None
    assert publish(folder, server.uri)["files_sent"] == 2
    assert len(server.runs) == 4


def test_a_store_that_the_server_does_not_serve(server, run, tmp_path):
    """And MLflow's own client is not here (mlflow_server_test.py: it is)."""
    server.artifact_root = "s3://me:sesame@bucket"
    message = refused(run(), server.uri, PATH=str(tmp_path))
    assert "--serve-artifacts" in message and "pip install" in message and "sesame" not in message
    (parent,) = [r for r in server.runs.values() if r["info"]["run_name"].startswith("2026")]
    assert parent["info"]["status"] == "FINISHED" and parent["metrics"]


@pytest.mark.parametrize("uri, remedy", [
    ("sqlite:///mlflow.db", "mlflow server --backend-store-uri sqlite:///mlflow.db"),
    ("./mlruns", "mlflow migrate-filestore"), ("host:5000", "write http://host:5000"),
    ("http://", "browser"), ("ftp://host", "browser"), ("http://ho st/", "browser"),
    ("https:///path", "browser"), ("databricks", "DATABRICKS_TOKEN"),
    ("databricks://nobody", "[nobody]"), ("databricks-uc", "give 'databricks'")])
def test_an_address_that_cannot_work_has_a_remedy(run, uri, remedy, tmp_path):
    message = refused(run(), uri, HOME=str(tmp_path))
    assert "tracking URI" in message and remedy in message


def test_nobody_listens(run):
    message = refused(run(), "http://127.0.0.1:9", MLFLOW_HTTP_REQUEST_MAX_RETRIES="2")
    assert "no answer in 3 attempts" in message


def test_tls_is_verified(run, tmp_path):
    """A server with a certificate of its own making is refused."""
    ssl = pytest.importorskip("ssl")
    import subprocess
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    fake = FakeMlflow()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    fake.server.socket = context.wrap_socket(fake.server.socket, server_side=True)
    uri = fake.uri.replace("http://127.0.0.1", "https://localhost")
    try:
        assert "certificate" in refused(run(), uri).lower()
        assert not fake.runs
        publish(run(), uri, MLFLOW_TRACKING_SERVER_CERT_PATH=str(certificate))
        assert len(fake.runs) == 4
        outcome = lamella("runs", "publish", run(), "--to", uri,
                          env={**FAST, "MLFLOW_TRACKING_INSECURE_TLS": "true"})
        assert outcome.code == 0 and "not checked" in outcome.err
    finally:
        fake.stop()


def test_basic_and_bearer_authentication_and_no_secret_anywhere(server, run, tmp_path):
    basic = "Basic " + base64.b64encode("me:s3sam@".encode()).decode()
    host = server.uri.removeprefix("http://")
    cases = [(server.uri, {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "s3sam@",
                           "MLFLOW_TRACKING_TOKEN": "t0ken"}, basic),
             (server.uri, {"MLFLOW_TRACKING_TOKEN": "t0ken"}, "Bearer t0ken"),
             (f"http://me:s3sam%40@{host}", {}, basic)]
    for uri, env, expected in cases:
        server.headers.clear()
        outcome = lamella("runs", "publish", run(), "--to", uri, "--verbose", env={**FAST, **env})
        assert outcome.code == 0, outcome.err
        assert {headers.get("Authorization") for headers in server.headers} == {expected}
        shown = outcome.out + outcome.err
        server.trouble = lambda method, path: (401, {}, "no")
        shown += lamella("runs", "publish", run(), "--to", uri, env={**FAST, **env}).err
        server.trouble = lambda method, path: None
        for path in tmp_path.rglob("*"):
            shown += path.read_text(errors="replace") if path.is_file() else ""
        for secret in ("s3sam", "t0ken"):
            assert secret not in shown


def test_names_and_values_beyond_what_mlflow_takes(server, run):
    long = "ä" * 6000
    names = {"a/b": 1, "µ [x]": 2, "/x//y/../z": 3, "k" * 300: 4, "k" * 299 + "l": 5}
    folder = run(name="näme/with #", study={
        "output": "o", "slides": {"table": "t"}, "fits": long, "more": long + "ä", "names": names})
    sent = publish(folder, server.uri)
    assert server.experiments == {"näme/with #": "1"}
    params = server.runs[sent["mlflow_run_id"]]["params"]
    assert params["fits"] == long
    assert len(params["more"]) == 6000 and params["more"].endswith("ä…")
    assert params["names.a/b"] == "1" and params["names.µ _x_"] == "2"
    assert sum(240 < len(key) <= 250 for key in params) == 2
    assert len([key for key in params if key.startswith("names.")]) == 5


@pytest.mark.parametrize("moved", [False, True])
def test_a_folder_that_cannot_be_written_is_sent_once(server, run, tmp_path, moved):
    """What was sent cannot be remembered: the server is asked instead."""
    folder = run()
    if moved:
        folder = folder.rename(tmp_path / "kept")
    (folder / "mlflow.json").mkdir()  # so that not even the system's owner can write it
    first = publish(folder, server.uri)
    before = json.dumps([{**r, "batches": 0} for r in server.runs.values()], default=sorted)
    second = publish(folder, server.uri)
    assert second["mlflow_run_id"] == first["mlflow_run_id"] and second["files_sent"] == 2
    assert not second["files_missing"]
    assert json.dumps([{**r, "batches": 0} for r in server.runs.values()],
                      default=sorted) == before


def test_batches_stay_within_the_servers_limits(server, run):
    history = [{"key": f"m{i % 7}", "value": i, "step": i, "time_ms": 1767225600000 + i}
               for i in range(2500)]
    many = {f"p{i}": "v" * 5000 for i in range(450)}
    folder = run(history=history, study={"output": "o", "slides": {"table": "t"}, **many})
    sent = publish(folder, server.uri)
    parent = server.runs[sent["mlflow_run_id"]]
    assert len(parent["metrics"]) == 2500 and len(parent["params"]) > 450
    for batch in parent["batches"]:
        metrics, params, tags = (len(batch.get(k, [])) for k in ("metrics", "params", "tags"))
        assert metrics <= 1000 and params <= 100 and tags <= 100
        assert metrics + params + tags <= 1000
        assert len(json.dumps(batch)) <= 1_000_000


def test_the_run_goes_on_when_the_server_is_away(study, tmp_path):
    small = {"[score]": "[score]\nregion = [0, 0, 700, 700]"}
    outcome = lamella("run", study(replace=small), "--json", "--set",
                      "tracking.mlflow=http://me:sesame@127.0.0.1:9",
                      env={**FAST, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"})
    assert outcome.code == 0, outcome.err
    assert "runs publish" in outcome.err and outcome.json["mlflow"] is None
    fake = FakeMlflow()
    try:
        sent = publish(outcome.json["run_dir"], fake.uri)
        assert sent["files_sent"] > 5 and not sent["files_missing"]
        names = {name.split("/artifacts/")[1] for name in fake.files}
        assert {"run.json", "log.txt", "study.toml", "heatmaps/phantom_03.png"} <= names
        assert "model/model.json" in names  # a server without logged models
    finally:
        fake.stop()
    assert "sesame" not in outcome.err + outcome.out
    for path in (tmp_path / "out" / "runs").rglob("*"):
        assert path.is_dir() or b"sesame" not in path.read_bytes(), path


def test_a_run_is_followed_and_the_environment_names_the_server(study, server):
    small = {"[score]": "[score]\nregion = [0, 0, 700, 700]"}
    result = good("run", study(replace=small), env={**FAST, "MLFLOW_TRACKING_URI": server.uri})
    calls = [path for method, path in server.requests if path.endswith("runs/update")]
    assert len(calls) >= 3, "the server hears of the run before its end"
    assert server.runs[result["mlflow"]["mlflow_run_id"]]["info"]["status"] == "FINISHED"
    assert lamella("run", study(replace=small), env={
        "MLFLOW_TRACKING_URI": "sqlite:///x.db"}).err.count("nothing is sent to MLflow") == 1


def test_the_model_is_sent_while_slides_are_scored(study, server):
    """Not at the end, where the run would have to wait for it."""
    ended = []

    def watch(method, path):
        if method == "PUT" and path.endswith("model/model.onnx"):
            metrics = set().union(*(run["metrics"] for run in server.runs.values()))
            ended.append(any(key.startswith("slide_seconds/") for key, *_ in metrics))

    server.trouble = watch
    result = good("run", study(), env={**FAST, "MLFLOW_TRACKING_URI": server.uri})
    assert ended == [False]
    assert result["mlflow"]["files_missing"] == [] and result["mlflow"]["files_there"] > 0
