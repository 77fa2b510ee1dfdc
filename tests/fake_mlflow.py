# SPDX-License-Identifier: Apache-2.0
"""A small MLflow server in memory, that can be told to misbehave. Not the real one: that is met in
mlflow_server_test.py."""

import json
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeMlflow:
    """`trouble(method, path)` may return (status, headers, body) to be answered instead."""

    def __init__(self):
        self.experiments, self.runs, self.files, self.requests = {}, {}, {}, []
        self.headers = []
        self.trouble = lambda method, path: None
        self.artifact_root = "mlflow-artifacts:"
        self.user = "me@work"  # of a workspace
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = urllib.parse.unquote(self.path)
                fake.requests.append((self.command, path))
                fake.headers.append(dict(self.headers))
                status, headers, text = (fake.trouble(self.command, path)
                                         or fake.handle(self.command, path, body))
                data = text.encode()
                self.send_response(status)
                for key, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, method, path, body):
        if path.startswith("/api/2.0/mlflow-artifacts/artifacts/"):
            self.files[path.removeprefix("/api/2.0/mlflow-artifacts/artifacts/")] = body
            return 200, {}, "{}"
        if path == "/api/2.0/preview/scim/v2/Me":  # Databricks
            return 200, {}, json.dumps({"userName": self.user})
        call = path.removeprefix("/api/2.0/mlflow/").split("?")[0]
        words = json.loads(body) if body else {}
        known = {"experiments/get-by-name": self.get_experiment,
                 "experiments/get": self.get_experiment_by_id,
                 "experiments/create": self.create_experiment, "runs/search": self.search,
                 "runs/get": self.get, "runs/set-tag": self.set_tag,
                 "runs/create": self.create, "runs/log-batch": self.log_batch,
                 "runs/update": self.update, "runs/log-inputs": self.log_inputs}
        if call not in known:
            return 404, {"Content-Type": "text/html"}, "<h1>Not Found</h1>"
        answer = known[call](words, urllib.parse.parse_qs(path.partition("?")[2]))
        return (200, {}, json.dumps(answer)) if "error_code" not in answer else (
            404, {}, json.dumps(answer))

    def get_experiment(self, _, query):
        name = query["experiment_name"][0]
        if name not in self.experiments:
            return {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"no {name}"}
        return {"experiment": {"experiment_id": self.experiments[name], "name": name,
                               "lifecycle_stage": "active"}}

    def get_experiment_by_id(self, _, query):
        for name, experiment_id in self.experiments.items():
            if experiment_id == query["experiment_id"][0]:
                return {"experiment": {"experiment_id": experiment_id, "name": name}}
        return {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such experiment"}

    def create_experiment(self, words, _):
        self.experiments[words["name"]] = str(len(self.experiments) + 1)
        return {"experiment_id": self.experiments[words["name"]]}

    def search(self, words, _):
        wanted = re.fullmatch(r"tags\.`lamella.run_id` = '(.*)'", words["filter"]).group(1)
        return {"runs": [{"info": run["info"]} for run in self.runs.values()
                         if run["tags"].get("lamella.run_id") == wanted]}

    def get(self, _, query):
        run = self.runs.get(query["run_id"][0])
        if run is None:
            return {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such run"}
        return {"run": {"info": run["info"], "data": {"tags": [
            {"key": key, "value": value} for key, value in run["tags"].items()]}}}

    def set_tag(self, words, _):
        self.runs[words["run_id"]]["tags"][words["key"]] = words["value"]
        return {}

    def create(self, words, _):
        run_id = f"r{len(self.runs)}"
        info = {"run_id": run_id, "status": "RUNNING", "run_name": words["run_name"],
                "experiment_id": words["experiment_id"], "lifecycle_stage": "active",
                "artifact_uri": f"{self.artifact_root}/{words['experiment_id']}/{run_id}/artifacts"}
        self.runs[run_id] = {"info": info, "params": {}, "metrics": set(), "batches": [],
                             "tags": {tag["key"]: tag["value"] for tag in words["tags"]}}
        return {"run": {"info": info}}

    def log_batch(self, words, _):
        run = self.runs[words["run_id"]]
        run["batches"].append(words)
        for item in words.get("params", []):
            assert run["params"].setdefault(item["key"], item["value"]) == item["value"], item
        run["tags"].update({tag["key"]: tag["value"] for tag in words.get("tags", [])})
        run["metrics"] |= {(item["key"], item["value"], item["timestamp"], item["step"])
                           for item in words.get("metrics", [])}
        return {}

    def update(self, words, _):
        self.runs[words["run_id"]]["info"].update(words)
        return {}

    def start_run(self, experiment: str, name: str = "by hand") -> str:
        """As a user does with MLflow's own client."""
        experiment_id = self.experiments.setdefault(experiment, str(len(self.experiments) + 1))
        return self.create({"experiment_id": experiment_id, "run_name": name, "tags": []},
                           {})["run"]["info"]["run_id"]

    def log_inputs(self, words, _):
        self.runs[words["run_id"]]["inputs"] = words["datasets"]
        return {}
