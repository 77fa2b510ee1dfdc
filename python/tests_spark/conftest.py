# SPDX-License-Identifier: Apache-2.0
import csv
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import lamella
import pytest

if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
    pytest.skip("java is not here", allow_module_level=True)
pytest.importorskip("pyspark")

from cluster import Cluster  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402
from small_cohort import make_cohort  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ.get("LAMELLA_PROGRAM") or str(Path(lamella.__file__).parent / "bin/lamella")
CONFIG = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
          "spark.ui.enabled": "false", "spark.executor.memory": "1g", "spark.driver.memory": "1g",
          "spark.sql.shuffle.partitions": "4", "spark.network.timeout": "60s",
          "spark.executor.heartbeatInterval": "5s"}


def program(*words) -> dict:
    run = subprocess.run([PROGRAM, *map(str, words), "--json"], capture_output=True, text=True,
                         check=False, timeout=600)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def session(master: str, **config) -> SparkSession:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(master).appName("lamella tests")
    for key, value in {**CONFIG, **config}.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


@contextmanager
def local_session(master: str = "local[2]", **config):
    """In this process, which must have no other."""
    assert SparkSession.getActiveSession() is None
    spark = session(master, **config)
    try:
        yield spark
    finally:
        spark.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def spark(cluster):
    spark = session(cluster.url)
    yield spark
    spark.stop()


@pytest.fixture(scope="session")
def cohort(tmp_path_factory) -> Path:
    """Four slides; two train, two test."""
    folder = tmp_path_factory.mktemp("cohort")
    return make_cohort(program, folder, size_px="2048,1536", seed=5)


@pytest.fixture(scope="session")
def table(cohort) -> list[dict]:
    with open(cohort / "slides.csv", newline="") as file:
        return [{"slide_id": row["slide_id"], "path": str(cohort / row["path"]),
                 "annotations": str(cohort / row["annotations"])} for row in csv.DictReader(file)]
