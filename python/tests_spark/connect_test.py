# SPDX-License-Identifier: Apache-2.0
"""Spark Connect: a server on loopback, and a client without a SparkContext."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import lamella
import lamella.spark
import numpy as np
import pytest
from cluster import SPARK_HOME, free_port
from conftest import program
from lamella.spark import _progress, _session
from study_test import compare, write_study

pytest.importorskip("grpc", reason="the package grpcio is not installed")

from pyspark.sql import SparkSession  # noqa: E402

if SparkSession.getActiveSession() is not None:
    pytest.skip("a classic session is active; this file runs by itself", allow_module_level=True)

SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
START_S = 90


@contextmanager
def server(folder: Path, python_path: str | None, *settings: str):
    """Its own process; the Python beside it finds packages by python_path too."""
    port = free_port()
    words = [str(SPARK_HOME / "bin/spark-submit"), "--class", SERVER, "--master", "local[2]"]
    for setting in ("spark.driver.host=127.0.0.1", "spark.driver.bindAddress=127.0.0.1",
                    "spark.ui.enabled=false", f"spark.connect.grpc.binding.port={port}",
                    "spark.connect.grpc.binding.address=127.0.0.1", "spark.driver.memory=1g",
                    f"spark.sql.warehouse.dir={folder / 'warehouse'}", *settings):
        words += ["--conf", setting]
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    environment.pop("PYTHONPATH", None)
    if python_path is not None:
        environment["PYTHONPATH"] = python_path
    with open(folder / "server.log", "w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=environment, cwd=folder,
                                   start_new_session=True)
    try:
        wait_for(port, process, folder / "server.log")
        yield f"sc://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def wait_for(port: int, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"no Connect server:\n{log.read_text()[-3000:]}")
        time.sleep(0.2)


@contextmanager
def client(address: str):
    spark = SparkSession.builder.remote(address).create()
    try:
        yield spark
    finally:
        spark.stop()


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    folder = tmp_path_factory.mktemp("connect")
    package = str(Path(lamella.__file__).parent.parent)
    with server(folder, package) as address, client(address) as spark:
        yield spark


def test_the_verbs(spark, table, tmp_path):
    assert _session.is_connect(spark) and not hasattr(spark, "_jvm")
    assert _session.cores(spark) == 2 and _progress.executors(spark) == 1
    options = {"size_px": 56, "mpp": 1.0, "classes": ["normal", "tumor"],
               "groups": ["Tumor:tumor"], "rest_of_tissue": "normal", "max_per_slide": 10}
    slides = spark.createDataFrame([{**row, "site": "A"} for row in table[:2]])
    plans = lamella.spark.plan(slides, **options).persist()
    features = lamella.spark.encode(plans, precision="f32").persist()
    model = lamella.spark.train(features, plans, l2=0.1)
    scores = lamella.spark.score(features, model).collect()
    for row in table[:2]:
        plan = lamella.plan(row["path"], annotations=[row["annotations"]], slide_id=row["slide_id"],
                            **options)
        own = lamella.score(lamella.encode(row["path"], plan, precision="f32"), model).values
        mine = sorted((s["row"], s["prob_normal"], s["prob_tumor"]) for s in scores
                      if s["slide_id"] == row["slide_id"])
        assert np.array([s[1:] for s in mine], np.float32).tobytes() == own.tobytes()
    path = str(tmp_path / "features")
    assert lamella.spark.write(features, path).format == "parquet"
    assert lamella.spark.encode(plans, precision="f32", skip=path).count() == 0
    lamella.spark.write(features, "features_by_name")
    assert spark.table("features_by_name").count() == features.count()
    with pytest.raises(TypeError, match="tisue"):
        lamella.spark.plan(slides, size_px=56, tisue="none")


def test_training_by_spark_ml(spark, table):
    options = {"size_px": 56, "mpp": 1.0, "classes": ["normal", "tumor"],
               "groups": ["Tumor:tumor"], "rest_of_tissue": "normal", "max_per_slide": 10}
    plans = lamella.spark.plan(spark.createDataFrame(table[:2]), **options).persist()
    features = lamella.spark.encode(plans, precision="f32").persist()
    native = lamella.spark.train(features, plans, l2=0.1)
    model = lamella.spark.train(features, plans, l2=0.1, method="spark.ml")
    path = table[0]["path"]
    part = lamella.encode(path, lamella.plan(path, size_px=56, mpp=1.0), precision="f32")
    assert np.abs(lamella.score(part, model).values - lamella.score(part, native).values).max() < 0.02


def test_a_study(spark, cohort, tmp_path):
    result = lamella.spark.run(write_study(tmp_path, cohort / "slides.csv", "spark"), spark)
    printed = program("run", write_study(tmp_path, cohort / "slides.csv", "cli"))
    assert result["metrics"] == printed["metrics"] and result["spark"]["connect"]
    compare(tmp_path / "spark", tmp_path / "cli")


def test_a_search(spark, cohort, tmp_path):
    study = write_study(tmp_path, cohort / "slides.csv", "spark")
    study.write_text(study.read_text().replace("l2 = 0.1", 'l2 = "cv"')
                     + "[score]\nstride_px = 224\n[search]\nmpp = [1, 0.7]\n")
    made = lamella.spark.search(study, spark)
    alone = program("search", study, "--set", f"output={tmp_path / 'alone'}")
    assert made["metrics"] == alone["metrics"] and made["metrics"]["test"]["n"] > 0
    assert ([(trial["status"], trial["log_loss"]) for trial in made["search"]["trials"]]
            == [("done", trial["log_loss"]) for trial in alone["search"]["trials"]])


def test_what_cannot_work_says_so(spark, table, tmp_path):
    plans = lamella.spark.plan(spark.createDataFrame(table[:1]), size_px=56, mpp=1.0,
                               stride_px=448).persist()
    with pytest.warns(lamella.LamellaWarning, match="progress cannot be shown over Spark Connect"):
        features = lamella.spark.encode(plans, progress=True)
    assert features.count() > 0
    with pytest.raises(lamella.Error, match="found no Delta on Spark's class path"):
        lamella.spark.write(features, str(tmp_path / "t"), format="delta")


def test_a_server_without_lamella(table, tmp_path):
    with server(tmp_path, None) as address, client(address) as other:
        plans = lamella.spark.plan(other.createDataFrame(table[:1]), size_px=56, mpp=1.0)
        with pytest.raises(Exception, match="found no lamella on executor .*No module named "
                                            "'lamella'.*install it there"):
            plans.collect()
