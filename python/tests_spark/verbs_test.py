# SPDX-License-Identifier: Apache-2.0
"""The verbs on a real cluster (a master, two workers of one core) against the command line."""

import os
import shutil

import lamella
import lamella.spark
import numpy as np
import pytest
from conftest import program
from lamella.spark import _progress, _worker

OPTIONS = {"size_px": 56, "mpp": 1.0, "classes": ["normal", "tumor"], "groups": ["Tumor:tumor"],
           "rest_of_tissue": "normal", "max_per_slide": 20}


def by_slide(features) -> dict:
    """slide_id -> (rows in the plan's order, n x d)."""
    rows = features.where("row is not null").orderBy("slide_id", "row").toArrow().to_pylist()
    made: dict = {}
    for row in rows:
        made.setdefault(row["slide_id"], []).append(row)
    return made


@pytest.fixture(scope="module")
def native(cohort, table, tmp_path_factory):
    """The same by the command line: features and model of the labelled rows."""
    folder = tmp_path_factory.mktemp("native")
    files = []
    for row in table[:2]:
        name = row["slide_id"]
        program("plan", "--slide", row["path"], "--size-px", 56, "--mpp", 1, "--annotations",
                row["annotations"], "--classes", "normal", "tumor",
                "--groups", "Tumor:tumor", "--rest-of-tissue", "normal",
                "--max-per-slide", 20, "--out", folder / f"{name}.plan.h5")
        program("encode", "--slide", row["path"], "--plan", folder / f"{name}.plan.h5", "--out",
                folder / f"{name}.h5", "--threads", 2)
        files.append(folder / f"{name}.h5")
    program("train", "--features", *files, "--l2", 0.1, "--out", folder / "model")
    return folder


@pytest.fixture(scope="module")
def labelled(spark, table):
    plans = lamella.spark.plan(spark.createDataFrame(table[:2]), **OPTIONS).persist()
    return plans, lamella.spark.encode(plans).persist()


def test_plans_are_the_command_lines_bytes(labelled, native):
    rows = labelled[0].collect()
    assert [row["slide_id"] for row in rows] == ["phantom_01", "phantom_02"]
    for row in rows:
        assert bytes(row["plan"]) == (native / f"{row['slide_id']}.plan.h5").read_bytes()


def test_features_are_the_command_lines(labelled, native):
    plans, features = labelled
    assert [row["error"] for row in features.where("error is not null").collect()] == []
    made = by_slide(features)
    assert set(made) == {"phantom_01", "phantom_02"}
    for name, rows in made.items():
        same = lamella.Features.load(native / f"{name}.h5")
        values = np.array([row["features"] for row in rows], dtype=np.float32)
        assert values.tobytes() == same.values.tobytes()
        assert [row["x_px"] for row in rows] == list(same.plan.x_px)
        assert [row["label"] for row in rows] == list(same.plan.label)
        assert {row["feature_space"] for row in rows} == {same.feature_space}


def test_native_training_gives_the_identical_model(labelled, native, tmp_path):
    plans, features = labelled
    model = lamella.spark.train(features, plans, l2=0.1)
    model.save(tmp_path / "model")
    assert (tmp_path / "model/model.json").read_bytes() == \
        (native / "model/model.json").read_bytes()


def test_training_by_spark_ml_gives_nearly_the_same_scores(labelled, native):
    plans, features = labelled
    model = lamella.spark.train(features, plans, l2=0.1, method="spark.ml")
    own = lamella.Model.load(native / "model")
    for i in (1, 2):
        part = lamella.Features.load(native / f"phantom_0{i}.h5")
        a, b = lamella.score(part, model).values, lamella.score(part, own).values
        assert np.abs(a - b).max() < 0.02
    assert model.effective_mpp == own.effective_mpp
    with pytest.raises(lamella.Error, match="expected a number"):
        lamella.spark.train(features, plans, method="spark.ml")


def test_scores_are_the_command_lines(labelled, native):
    _, features = labelled
    scored = lamella.spark.score(features, native / "model").orderBy("slide_id", "row")
    rows = scored.toArrow().to_pylist()
    for i in (1, 2):
        part = lamella.Features.load(native / f"phantom_0{i}.h5")
        expected = lamella.score(part, native / "model").values
        mine = [[row["prob_normal"], row["prob_tumor"]] for row in rows
                if row["slide_id"] == f"phantom_0{i}"]
        assert np.array(mine, np.float32).tobytes() == expected.tobytes()


def test_bad_slides_are_rows(spark, table, tmp_path):
    """Missing, damaged, and replaced between planning and encoding: each by name, with the
    executor; the good one is whole."""
    (tmp_path / "junk.tif").write_bytes(b"II*\0" + bytes(100))
    shutil.copy(table[0]["path"], tmp_path / "changed.tif")
    rows = [{"slide_id": "good", "path": table[1]["path"]},
            {"slide_id": "gone", "path": str(tmp_path / "gone.tif")},
            {"slide_id": "junk", "path": str(tmp_path / "junk.tif")},
            {"slide_id": "changed", "path": str(tmp_path / "changed.tif")}]
    plans = lamella.spark.plan(spark.createDataFrame(rows), size_px=56, mpp=1.0).persist()
    errors = {row["slide_id"]: row["error"] for row in plans.collect()}
    assert errors["good"] is None and errors["changed"] is None
    assert "gone.tif" in errors["gone"] and "on executor" in errors["gone"]
    assert "junk.tif" in errors["junk"]
    shutil.copy(table[2]["path"], tmp_path / "changed.tif")
    features = lamella.spark.encode(plans)
    found = features.groupBy("slide_id", "error").count().collect()
    whole = {row["slide_id"]: row["count"] for row in found if row["error"] is None}
    failed = {row["slide_id"]: row["error"] for row in found if row["error"] is not None}
    assert set(whole) == {"good"} and set(failed) == {"gone", "junk", "changed"}
    assert "plan again" in failed["changed"] or "another" in failed["changed"]
    plans.unpersist()


def test_a_slide_that_one_executor_lacks(spark, cluster, table):
    """Its folder is mounted on one machine alone: here, each process's own working folder."""
    cluster.wait_for(lambda: _progress.executors(spark) == 2, "two executors")
    # Those of earlier sessions may not be gone yet, but their folders are.
    with_it = next(pid for pid in cluster.executors(-1) if os.path.isdir(f"/proc/{pid}/cwd"))
    shutil.copy(table[0]["path"], f"/proc/{with_it}/cwd/only.tif")
    rows = [{"slide_id": f"s{i}", "path": "/proc/self/cwd/only.tif"} for i in range(8)]
    plans = lamella.spark.plan(spark.createDataFrame(rows), size_px=56, mpp=1.0)
    made = plans.collect()
    good = {row["executor"] for row in made if row["error"] is None}
    bad = {row["executor"] for row in made if row["error"] is not None}
    assert len(good) == len(bad) == 1 and good != bad
    assert all("only.tif" in row["error"] and f"on executor {row['executor']}" in row["error"]
               for row in made if row["error"])


def test_tables_that_make_no_sense(spark, table):
    for rows, message in (([table[0], table[0]], "twice"), ([], "empty")):
        frame = spark.createDataFrame(rows, "slide_id string, path string, annotations string")
        with pytest.raises(lamella.Error, match=message):
            lamella.spark.plan(frame, size_px=56, mpp=1.0)
    with pytest.raises(lamella.Error, match="expected 'path'"):
        lamella.spark.plan(spark.createDataFrame([("a",)], "slide_id string"), size_px=1, level=0)
    plans = lamella.spark.plan(
        spark.createDataFrame([(None, "x"), ("b", None)], "slide_id string, path string"),
        size_px=56, mpp=1.0)
    assert all("expected both" in row["error"] for row in plans.collect())


def test_another_version_on_an_executor(spark, table, monkeypatch):
    frame = spark.createDataFrame([{"slide_id": "a", "path": table[0]["path"]}])
    monkeypatch.setattr(lamella, "__version__", "9.9.9")  # the driver's alone
    with pytest.raises(Exception, match="on executor.*expected 9.9.9 as on the driver"):
        lamella.spark.plan(frame, size_px=56, mpp=1.0).collect()


def test_another_encoder_on_an_executor():
    network = _worker.Network.found("lite0", "f32")
    assert _worker.encoder_info(network) is _worker.encoder_info(network)  # hashed once a process
    other = network._replace(space=network.space.replace("mean127", "mean0"))
    for load in (_worker.encoder_info, _worker.encoder):
        with pytest.raises(lamella.Error, match="mean127.*on executor.*expected.*mean0"):
            load(other)


def test_who_worked(spark, cluster, table, recwarn):
    one = [{"executors": ["host/1"], "patches": [n]} for n in (1, 2)]
    assert _progress.report_executors(one, spark) == {"host/1": 3}
    assert any("only one of 2 executors" in str(w.message) for w in recwarn.list)
