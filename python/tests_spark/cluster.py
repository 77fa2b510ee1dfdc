# SPDX-License-Identifier: Apache-2.0
"""A Spark standalone cluster on this machine: one master, workers of one core, all processes of
their own. Only what was started here is ended here, by its pid."""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pyspark

SPARK_HOME = Path(pyspark.__file__).parent
START_S = 60


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def children(pid: int) -> list[int]:
    """Processes that this one has started."""
    return [int(number) for task in Path(f"/proc/{pid}/task").iterdir()
            for number in (task / "children").read_text().split()]


class Cluster:
    def __init__(self, folder: Path, workers: int = 2, cores: int = 1,
                 hosts: tuple[str, ...] = ("127.0.0.1",)):
        """hosts: of the workers, in turn; Spark takes each address for a machine."""
        self.folder = folder
        self.port, self.web_port = free_port(), free_port()
        self.url = f"spark://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen] = []
        self.cores, self.hosts = cores, hosts
        self._start("master", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1",
                    "--port", self.port, "--webui-port", self.web_port)
        try:
            for _ in range(workers):
                self.add_worker()
            self.wait_for_workers(workers)
        except BaseException:
            self.stop()
            raise

    def add_worker(self) -> subprocess.Popen:
        name = f"worker{len(self.processes)}"
        host = self.hosts[(len(self.processes) - 1) % len(self.hosts)]  # the first is the master
        return self._start(name, "org.apache.spark.deploy.worker.Worker", "--host", host,
                           "--cores", self.cores, "--memory", "2g", "--webui-port", 0, "--work-dir",
                           self.folder / name, self.url, host=host)

    def _start(self, name: str, *words, host: str = "127.0.0.1") -> subprocess.Popen:
        environment = {**os.environ, "SPARK_HOME": str(SPARK_HOME), "SPARK_LOCAL_IP": host,
                       "SPARK_DAEMON_MEMORY": "512m"}
        with open(self.folder / f"{name}.log", "w") as log:
            process = subprocess.Popen([SPARK_HOME / "bin/spark-class", *map(str, words)],
                                       stdout=log, stderr=log, env=environment,
                                       start_new_session=True)
        self.processes.append(process)
        return process

    def wait_for_workers(self, count: int) -> None:
        self.wait_for(lambda: self._alive() >= count, f"{count} workers")

    def _alive(self) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web_port}/json/") as page:
                found = re.search(r'"aliveworkers"\s*:\s*(\d+)', page.read().decode())
        except OSError:
            return 0
        return int(found.group(1)) if found else 0

    def wait_for(self, there: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + START_S
        while not there():
            if time.monotonic() > end:
                logs = "\n".join(path.read_text()[-2000:] for path in self.folder.glob("*.log"))
                raise RuntimeError(f"no {what} after {START_S} s:\n{logs}")
            time.sleep(0.2)

    def executors(self, number: int) -> list[int]:
        """Of a worker."""
        return children(self.processes[number].pid)

    def kill_worker(self, number: int = 1) -> None:
        """At once, as when a machine loses its power: the worker and its executors."""
        worker = self.processes[number]
        executors = self.executors(number)
        worker.send_signal(signal.SIGKILL)
        for pid in executors:
            os.kill(pid, signal.SIGKILL)
        worker.wait(10)

    def stop(self) -> None:
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
