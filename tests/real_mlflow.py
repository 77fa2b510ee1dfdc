# SPDX-License-Identifier: Apache-2.0
"""A real MLflow server on loopback. Needs the package mlflow."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """mlflow server on loopback: sqlite behind it, artifacts through it unless told otherwise."""

    def __init__(self, folder: Path, artifacts: list[str] | None = None):
        self.folder, self.port = folder, free_port()
        self.artifacts = artifacts or ["--artifacts-destination", str(folder / "artifacts")]
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port",
             str(self.port), "--workers", "1", "--backend-store-uri",
             f"sqlite:///{self.folder}/mlflow.db", *self.artifacts],
            cwd=self.folder, stdout=open(self.folder / "server.log", "a"),
            stderr=subprocess.STDOUT, start_new_session=True)
        deadline = time.time() + 180
        while time.time() < deadline:
            assert self.process.poll() is None, (self.folder / "server.log").read_text()
            try:
                if urllib.request.urlopen(self.uri + "/health", timeout=2).status == 200:
                    return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError("mlflow server does not start: "
                           + (self.folder / "server.log").read_text())

    def stop(self, how=signal.SIGKILL):
        # Its own session: the workers go with it.
        os.killpg(self.process.pid, how)
        self.process.wait()
