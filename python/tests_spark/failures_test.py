# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on a cluster: a machine lost in the middle, a slide that cannot be read."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import lamella
import lamella.spark
import pyarrow as pa
import pyspark
import pytest
from conftest import ROOT, program
from lamella.spark import _schema, _worker
from study_test import application, compare, write_study

IDC = ROOT / "studies/idc/train_14306.toml"
DATA = ROOT.parent / "shared/data/idc/idc_14306.tif"


class KillInTheMiddle(threading.Thread):
    """Waits until some, but not all, pieces of a stage are encoded, then kills a worker."""

    def __init__(self, spark, cluster, pieces: int):
        super().__init__(daemon=True)
        self.tracker = spark.sparkContext.statusTracker()
        self.cluster, self.pieces = cluster, pieces
        self.done, self.of = 0, 0

    def run(self):
        end = time.monotonic() + 120
        while time.monotonic() < end:
            for stage in self.tracker.getActiveStageIds():
                info = self.tracker.getStageInfo(stage)
                if info and info.numTasks >= self.pieces and info.numCompletedTasks >= 2:
                    self.cluster.kill_worker(1)
                    self.done, self.of = info.numCompletedTasks, info.numTasks
                    return
            time.sleep(0.02)


@pytest.mark.skipif(not DATA.exists(), reason="the IDC data is not here")
def test_a_worker_killed_in_the_middle(spark, cluster, tmp_path, capfd):
    """The real study, end to end: the same files as the command line's."""
    def overrides(name):
        return {"output": str(tmp_path / name), "name": "idc"}

    killer = KillInTheMiddle(spark, cluster, pieces=6)
    killer.start()
    result = lamella.spark.run(IDC, spark, overrides=overrides("spark"))
    killer.join(1)
    cluster.add_worker()
    assert 2 <= killer.done < killer.of, "no worker was killed"
    assert all(slide["status"] == "done" for slide in result["slides"])
    assert all(s["patches"] == s["patches_reused"] > 0 for s in result["slides"])
    words = [word for key, value in overrides("cli").items()
             for word in ("--set", f"{key}={json.dumps(value)}")]
    printed = program("run", IDC, "--threads", 2, *words)
    assert result["metrics"] == printed["metrics"]
    compare(tmp_path / "spark", tmp_path / "cli", least=3)
    print(f"killed after {killer.done} of {killer.of} pieces", file=sys.stderr)
    cluster.wait_for_workers(2)


@pytest.fixture(scope="module")
def spoilt(cohort, tmp_path_factory) -> Path:
    """A study of the cohort with one test slide that is none; who comes second finds it encoded."""
    folder = tmp_path_factory.mktemp("spoilt")
    junk = folder / "junk.tif"
    junk.write_bytes(b"II*\0" + bytes(100))
    with open(cohort / "slides.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["path"] = str(cohort / row["path"])
        row["annotations"] = str(cohort / row["annotations"])
    rows[-1].update(path=str(junk), annotations="")
    with open(folder / "slides.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return write_study(folder, folder / "slides.csv", "out")


def test_a_bad_slide_is_a_row_of_the_result(spark, spoilt, capfd):
    result = lamella.spark.run(spoilt, spark)
    *good, bad = result["slides"]
    assert [slide["status"] for slide in good] == ["done"] * 3
    assert bad["status"] == "failed" and "junk.tif" in bad["error"]
    assert f"slide '{bad['slide_id']}' failed" in capfd.readouterr().err
    assert result["metrics"]["test"]["n"] > 0


def test_the_application(cohort, spoilt, tmp_path):
    """By its own command and by spark-submit; a study with a bad slide ends with 3."""
    study = write_study(tmp_path, cohort / "slides.csv", "app")
    run = application("run", study, "--master", "local[2]", "--json", "--conf",
                      "spark.ui.enabled=false", "--set", "train.l2=0.2")
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["metrics"] == program("run", write_study(tmp_path, cohort / "slides.csv", "cli"),
                                        "--set", "train.l2=0.2")["metrics"]
    submit = Path(pyspark.__file__).parent / "bin/spark-submit"
    path = application("path").stdout.strip()
    run = subprocess.run([submit, "--master", "local[2]", "--conf", "spark.ui.enabled=false", path,
                          "run", spoilt],
                         capture_output=True, text=True, check=False, timeout=300,
                         env={**os.environ, "PYSPARK_PYTHON": sys.executable})
    assert run.returncode == 3, run.stderr[-2000:]
    assert "test: AUC" in run.stdout and "junk.tif" in run.stdout and "record: " in run.stdout


def test_ctrl_c_stops_within_two_seconds(table, tmp_path):
    """As in a notebook: the call ends, the session lives on."""
    script = tmp_path / "long.py"
    script.write_text(f"""
import sys
sys.path[:0] = {[str(Path(__file__).parent), str(ROOT / "tests")]!r}
from conftest import session
import lamella.spark
spark = session("local[1]")  # which takes SIGINT over
plans = lamella.spark.plan(spark.createDataFrame([{{"slide_id": "a", "path": sys.argv[1]}}]),
                           size_px=64, level=0, stride_px=8)
assert plans.first()["patches"] > 10_000
print("going", flush=True)
try:
    lamella.spark.encode(plans).count()
except KeyboardInterrupt:
    print("stopped", flush=True)
    print(spark.range(7).count(), flush=True)
""")
    with subprocess.Popen([sys.executable, script, table[0]["path"]], stdout=subprocess.PIPE,
                          text=True) as run:
        assert run.stdout.readline() == "going\n"
        time.sleep(4)  # networks are loaded, patches encoded
        start = time.monotonic()
        run.send_signal(signal.SIGINT)
        assert run.stdout.readline() == "stopped\n"
        assert time.monotonic() - start < 2
        assert run.stdout.readline() == "7\n"
        assert run.wait(60) == 0


def test_a_task_without_memory_is_tried_again_then_a_row(monkeypatch):
    def no_memory(row, loaded, on_damage):
        raise MemoryError("std::bad_alloc")

    def encode(attempt):
        monkeypatch.setattr(_worker, "_attempt", lambda: attempt)
        pieces = pa.RecordBatch.from_pylist([{"slide_id": "a", "piece": 3}],
                                            schema=_schema.PIECES)
        (made,) = _worker.encode_pieces(iter([pieces]), attempts=4, on_damage="fail", extras=[],
                                        network=_worker.Network.found("lite0", "f32"), count=None)
        return made.to_pylist()[0]

    assert _worker._attempt() == 1
    monkeypatch.setattr(_worker, "_encode", no_memory)
    with pytest.raises(MemoryError):
        encode(3)
    row = encode(4)
    assert row["slide_id"] == "a" and row["piece"] == 3 and row["row"] is None
    assert "ran out of memory (on executor" in row["error"] and "memoryOverhead" in row["error"]
