# SPDX-License-Identifier: Apache-2.0
"""As data engineers work: options checked at once, columns of their own, tables, paths and names of
theirs, and a cluster that shows what it does."""

import inspect
import time
from pathlib import Path

import lamella
import lamella.spark
import pytest
from lamella.spark import _session, _tables
from lamella.spark._paths import local_path
from study_test import write_study


@pytest.fixture(scope="module")
def one(spark, table):
    """A slide, planned; the plans are computed once."""
    slides = spark.createDataFrame([{**table[0], "site": "A", "age": 61}])
    plans = lamella.spark.plan(slides, size_px=56, mpp=1.0).persist()
    return slides, plans


@pytest.fixture(scope="module")
def model(table):
    plan = lamella.plan(table[0]["path"], size_px=56, mpp=1.0, annotations=[table[0]["annotations"]],
                        classes=["normal", "tumor"], groups=["Tumor:tumor"],
                        rest_of_tissue="normal", max_per_slide=10)
    return lamella.train([lamella.encode(table[0]["path"], plan)], l2=0.1)


def test_signatures_list_the_options():
    plan = inspect.signature(lamella.spark.plan).parameters
    assert list(plan)[:2] == ["slides", "parallelism"]
    assert plan["tissue"].default == "auto" and plan["size_px"].default is inspect.Parameter.empty
    assert "threads" not in plan and "slide_id" not in plan and "annotations" not in plan
    assert {"l2", "max_folds", "method"} <= set(inspect.signature(lamella.spark.train).parameters)
    for verb in (lamella.spark.plan, lamella.spark.encode, lamella.spark.score, lamella.spark.train,
                 lamella.spark.write, lamella.spark.run):
        kinds = {p.kind for p in inspect.signature(verb).parameters.values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds, verb


@pytest.mark.parametrize("options, error, message", [
    ({"size_px": 56, "tisue": "none"}, TypeError, "tisue.*tissue"),
    ({"size_px": 56, "threads": 2}, TypeError, "threads"),
    ({"mpp": 1.0}, TypeError, "size_px"),
    ({"size_px": -3, "mpp": 1.0}, lamella.Error, "size_px"),
    ({"size_px": "big", "mpp": 1.0}, TypeError, "size_px"),
    ({"size_px": 56, "mpp": 1.0, "level": 0}, lamella.Error, "level"),
    ({"size_px": 56, "mpp": 1.0, "classes": ["a", "b"]}, lamella.Error, "classes"),
    ({"size_px": 56, "mpp": 1.0, "parallelism": 0}, lamella.Error, "parallelism"),
])
def test_options_are_checked_before_any_slide(spark, options, error, message):
    frame = spark.createDataFrame([("a", "/nowhere.svs")], "slide_id string, path string")
    start = time.monotonic()
    with pytest.raises(error, match=message):
        lamella.spark.plan(frame, **options)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("options, error, message", [
    ({"on_damage": "ignore"}, lamella.Error, "on_damage|ignore"),
    ({"precision": "f99"}, lamella.Error, "precision|f99"),
    ({"parallelism": "many"}, lamella.Error, "parallelism"),
    ({"encoder": "/no/such/encoder"}, lamella.Error, "no/such/encoder"),
])
def test_options_of_encode_are_checked_at_once(one, options, error, message):
    with pytest.raises(error, match=message):
        lamella.spark.encode(one[1], **options)


def test_own_columns_pass_through_and_inner_ones_stay_inside(one, spark):
    slides, plans = one
    assert plans.columns == ["slide_id", "path", "mpp", "patches", "plan", "warnings", "error",
                             "executor", "age", "annotations", "site"]
    features = lamella.spark.encode(plans)
    made = ["slide_id", "row", "x_px", "y_px", "label", "features", "feature_space", "precision",
            "plan_sha256", "executor", "error", "left_out"]
    assert features.columns == [*made, "age", "annotations", "site"]
    assert dict(features.dtypes)["age"] == "bigint"
    rows = features.select("age", "site").distinct().collect()
    assert [tuple(row) for row in rows] == [(61, "A")]
    for name, verb in (("error", lamella.spark.plan), ("Patches", lamella.spark.plan)):
        with pytest.raises(lamella.Error, match=f"column '{name}'.*rename"):
            verb(slides.withColumnRenamed("site", name), size_px=56, mpp=1.0)
    with pytest.raises(lamella.Error, match="column 'row'.*rename"):
        lamella.spark.encode(plans.withColumnRenamed("site", "row"))
    with pytest.raises(lamella.Error, match="expected 'patches'"):
        lamella.spark.encode(slides)


def test_a_failed_slide_keeps_its_columns(spark):
    frame = spark.createDataFrame([("a", "/nowhere.svs", "x", "A"), ("b", "/gone.svs", "0.5", "B")],
                                  "slide_id string, path string, mpp string, site string")
    plans = lamella.spark.plan(frame, size_px=56, mpp=1.0).persist()
    errors = {row["slide_id"]: row["error"] for row in plans.collect()}
    assert "mpp 'x', expected a number" in errors["a"] and "gone.svs" in errors["b"]
    rows = lamella.spark.encode(plans).collect()
    assert {(row["slide_id"], row["site"], row["error"]) for row in rows} == {
        ("a", "A", errors["a"]), ("b", "B", errors["b"])}


def test_as_many_tasks_as_are_sane(spark, one, model, monkeypatch):
    """64 slides are 64 tasks, whatever the cluster has now: it may grow."""
    frame = spark.createDataFrame([(f"s{i}", f"/nowhere/{i}.svs") for i in range(64)],
                                  "slide_id string, path string")
    assert parts(lamella.spark.plan(frame, size_px=56, mpp=1.0)) == 64
    assert parts(lamella.spark.plan(frame, size_px=56, mpp=1.0, parallelism=5)) == 5
    plans = one[1]
    n = plans.first()["patches"]
    assert parts(lamella.spark.encode(plans)) == -(-n // max(64, -(-n // 16)))
    assert parts(lamella.spark.encode(plans, parallelism=10)) == 10
    assert parts(lamella.spark.score(lamella.spark.encode(plans), model, parallelism=3)) == 3
    settings = {"spark.dynamicAllocation.enabled": "true", "spark.executor.cores": "4"}
    monkeypatch.setattr(_session, "setting", lambda spark, key, default: settings.get(key, default))
    assert _session.cores(spark) is None
    settings["spark.dynamicAllocation.maxExecutors"] = "50"
    assert _session.cores(spark) == 200


def parts(frame) -> int:
    return frame.rdd.getNumPartitions()


def test_nothing_is_persisted_and_a_cluster_may_forbid_it(spark, table, monkeypatch):
    plans = lamella.spark.plan(spark.createDataFrame(table[:1]), size_px=56, mpp=1.0)
    assert not plans.storageLevel.useMemory and not plans.storageLevel.useDisk

    def forbidden(self, *_):
        raise RuntimeError("[NOT_SUPPORTED_WITH_SERVERLESS] PERSIST TABLE is not supported")

    monkeypatch.setattr(type(plans), "persist", forbidden)
    with _session.kept(plans) as frame:
        assert frame is plans


def test_paths_as_spark_writes_them(spark, table, tmp_path):
    assert local_path("file:/a/b.svs") == local_path("file:///a/b.svs") == "/a/b.svs"
    assert local_path("file://localhost/a/b.svs") == "/a/b.svs"
    assert local_path("dbfs:/Volumes/main/wsi/a.svs") == "/Volumes/main/wsi/a.svs"
    assert local_path("dbfs:/mnt/a.svs") == "/dbfs/mnt/a.svs"
    assert local_path("s3://b/k") == "s3://b/k" and local_path("/a/b:c") == "/a/b:c"
    assert local_path("file://other/a") == "file://other/a"
    assert local_path(Path("/a/b.svs")) == "/a/b.svs"
    (tmp_path / "a b.txt").write_text("")
    assert local_path(f"file:{tmp_path}/a%20b.txt") == f"{tmp_path}/a b.txt"
    rows = [{**table[0], "path": "file:" + table[0]["path"],
             "annotations": "file://" + table[0]["annotations"]}]
    plans = lamella.spark.plan(spark.createDataFrame(rows), size_px=56, mpp=1.0,
                               classes=["normal", "tumor"], groups=["Tumor:tumor"],
                               rest_of_tissue="normal", max_per_slide=4).persist()
    assert plans.first()["error"] is None and plans.first()["path"].startswith("file:")
    features = lamella.spark.encode(plans)
    assert features.where("label >= 0 and features is not null").count() > 0


def test_names_and_paths():
    for name in ("features", "wsi.features", "main.wsi.features", "`my catalog`.wsi.f"):
        assert _tables.is_name(name), name
    for path in ("/a/b", "./features", "s3://b/k", "dbfs:/Volumes/a", "a.b.c.d", "a/b"):
        assert not _tables.is_name(path), path
    assert _tables.place("dbfs:/Volumes/a") == "/Volumes/a"


def jobs_of(spark, work) -> tuple[list, object]:
    """Numbers of the jobs that the call starts, and what it returns."""
    before = set(spark.sparkContext.statusTracker().getJobIdsForGroup(None))
    result = work()
    time.sleep(0.5)  # its listener hears of jobs a little later
    return sorted(set(spark.sparkContext.statusTracker().getJobIdsForGroup(None)) - before), result


def test_few_jobs_and_none_where_there_is_nothing_to_do(spark, cohort, tmp_path):
    study = write_study(tmp_path, cohort / "slides.csv", "few")
    jobs, first = jobs_of(spark, lambda: lamella.spark.run(study, spark))
    print(f"{len(jobs)} jobs")
    assert len(jobs) <= 8
    assert first["spark"]["features"] == {"table": str(tmp_path / "few/spark/features"),
                                          "format": "parquet", "version": None}
    start = time.monotonic()
    jobs, again = jobs_of(spark, lambda: lamella.spark.run(study, spark))
    seconds = time.monotonic() - start
    print(f"nothing to do: {len(jobs)} jobs, {seconds:.1f} s")
    assert len(jobs) <= 1 and seconds < 15  # one: what the table's columns are
    assert again["metrics"] == first["metrics"]


def test_jobs_and_functions_have_names(spark, one):
    _, plans = one
    features = lamella.spark.encode(plans)
    text = features._jdf.queryExecution().toString()
    assert "lamella_cut(" in text and "lamella_encode(" in text
    with _session.described(spark, "a test"):
        assert spark.sparkContext.getLocalProperty("spark.job.description") == "lamella: a test"
    assert spark.sparkContext.getLocalProperty("spark.job.description") is None
