# SPDX-License-Identifier: Apache-2.0
"""Tables of Delta Lake: slide by slide, each once, whatever is repeated; read back by another
client, the package deltalake."""

import json

import lamella
import lamella.spark
import pytest
from conftest import local_session
from lamella.spark import _delta, _tables
from study_test import write_study

pytest.importorskip("delta", reason="the package delta-spark is not installed")
deltalake = pytest.importorskip("deltalake")

from pyspark.sql import functions as F  # noqa: E402
from pyspark.sql.utils import AnalysisException  # noqa: E402

MASTER = "local[2,4]"  # tasks are tried four times


def delta_settings(folder) -> dict:
    import pyspark
    version = ".".join(pyspark.__version__.split(".")[:2])
    return {"spark.jars.packages": _delta.PAIRS[version], **_delta.SETTINGS,
            "spark.sql.warehouse.dir": str(folder), "spark.databricks.delta.snapshotPartitions": "2"}


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    with local_session(MASTER, **delta_settings(tmp_path_factory.mktemp("warehouse"))) as spark:
        yield spark


@pytest.fixture(scope="module")
def made(spark, table):
    """Plans and features of two slides; kept."""
    slides = spark.createDataFrame([{**row, "site": "A"} for row in table[:2]])
    plans = lamella.spark.plan(slides, size_px=56, mpp=1.0, stride_px=224).persist()
    return plans, lamella.spark.encode(plans, precision="f32").persist()


def second_client(path) -> list[tuple]:
    """What deltalake finds, without Spark: (slide, row, first feature)."""
    table = deltalake.DeltaTable(str(path)).to_pyarrow_table(columns=["slide_id", "row", "features"])
    return sorted((row["slide_id"], row["row"], row["features"][0]) for row in table.to_pylist())


def rows_of(frame) -> list[tuple]:
    return sorted((row["slide_id"], row["row"], row["features"][0]) for row in frame.collect())


def version_of(path) -> int:
    return deltalake.DeltaTable(str(path)).version()


def test_features_are_the_same_to_a_second_client(made, spark, tmp_path):
    _, features = made
    path = str(tmp_path / "features")
    written = lamella.spark.write(features, path)
    assert written == (path, "delta", 0)
    assert second_client(path) == rows_of(features) and len(rows_of(features)) > 10
    assert deltalake.DeltaTable(path).metadata().partition_columns == ["slide_id"]


def test_a_call_that_is_repeated_writes_nothing_twice(made, spark, tmp_path):
    plans, features = made
    path = str(tmp_path / "features")
    for _ in range(2):
        lamella.spark.write(features, path)
    assert second_client(path) == rows_of(features)
    assert lamella.spark.encode(plans, precision="f32", skip=path).count() == 0
    # Another precision is another number; another plan another row.
    assert lamella.spark.encode(plans, precision="bf16", skip=path).count() == features.count()
    sparse = lamella.spark.plan(plans.select("slide_id", "path"), size_px=56, mpp=1.0,
                                stride_px=448).persist()
    assert 0 < lamella.spark.encode(sparse, precision="f32", skip=path).count() < features.count()


def test_a_task_that_is_tried_again_writes_nothing_twice(made, spark, tmp_path):
    _, features = made
    marks = str(tmp_path)

    def fails_first(batches):
        import os
        from pyspark import TaskContext
        task = TaskContext.get()
        for batch in batches:
            yield batch
        if task.attemptNumber() == 0:
            open(os.path.join(marks, f"failed{task.partitionId()}"), "w").close()
            raise OSError("the machine is gone")

    path = str(tmp_path / "features")
    # parts that have something to write
    table = features.repartition(2)
    lamella.spark.write(table.mapInArrow(fails_first, table.schema), path)
    assert sorted(file.name for file in tmp_path.glob("failed*")) == ["failed0", "failed1"]
    assert second_client(path) == rows_of(features)


def test_a_slide_encoded_again_is_exchanged_and_the_old_version_stays(made, spark, tmp_path):
    plans, features = made
    path = str(tmp_path / "features")
    first = lamella.spark.write(features, path)
    sparse = lamella.spark.plan(plans.where("slide_id = 'phantom_02'").select("slide_id", "path"),
                                size_px=56, mpp=1.0, stride_px=448)
    again = lamella.spark.encode(sparse, precision="f32").persist()
    second = lamella.spark.write(again, path)
    assert (first.version, second.version) == (0, 1)
    expected = [row for row in rows_of(features) if row[0] == "phantom_01"] + rows_of(again)
    assert second_client(path) == sorted(expected) == rows_of(second.read(spark))
    assert rows_of(first.read(spark)) == rows_of(features)
    old = deltalake.DeltaTable(path, version=0)
    assert old.to_pyarrow_table(columns=["row"]).num_rows == features.count()


def test_columns_may_come_and_types_may_not_change(made, spark, tmp_path):
    _, features = made
    path = str(tmp_path / "features")
    lamella.spark.write(features.where("slide_id = 'phantom_01'"), path)
    newer = features.where("slide_id = 'phantom_02'").withColumn("stain", F.lit("HE"))
    lamella.spark.write(newer, path)
    table = deltalake.DeltaTable(path).to_pyarrow_table(columns=["slide_id", "stain"])
    assert {(row["slide_id"], row["stain"]) for row in table.to_pylist()} == {
        ("phantom_01", None), ("phantom_02", "HE")}
    with pytest.raises(lamella.Error, match="column 'row' of type bigint, expected string"):
        lamella.spark.write(features.withColumn("row", F.col("row").cast("string")), path)
    assert version_of(path) == 1


def test_scores_and_plans(made, spark, table, tmp_path):
    plans, features = made
    labelled = lamella.plan(table[0]["path"], size_px=56, mpp=1.0,
                            annotations=[table[0]["annotations"]], classes=["normal", "tumor"],
                            groups=["Tumor:tumor"], rest_of_tissue="normal", max_per_slide=10)
    model = lamella.train([lamella.encode(table[0]["path"], labelled, precision="f32")], l2=0.1)
    scores = lamella.spark.score(features, model)
    lamella.spark.write(scores, str(tmp_path / "scores"))
    found = deltalake.DeltaTable(str(tmp_path / "scores")).to_pyarrow_table().to_pylist()
    key = {(row["slide_id"], row["row"]): row["prob_tumor"] for row in found}
    assert key == {(row["slide_id"], row["row"]): row["prob_tumor"] for row in scores.collect()}

    path = str(tmp_path / "plans")
    for frame in (plans, plans, plans.where("slide_id = 'phantom_01'")):
        lamella.spark.write(frame, path)
    found = deltalake.DeltaTable(path).to_pyarrow_table().to_pylist()
    assert {row["slide_id"]: row["plan"] for row in found} == {
        row["slide_id"]: bytes(row["plan"]) for row in plans.collect()}
    assert deltalake.DeltaTable(path).metadata().partition_columns == []
    # Encoded from the table, the same.
    again = lamella.spark.encode(spark.read.format("delta").load(path), precision="f32")
    assert rows_of(again) == rows_of(features)


def test_a_name_of_the_catalog(made, spark, tmp_path):
    plans, features = made
    spark.sql("CREATE SCHEMA IF NOT EXISTS wsi")
    for part in ("phantom_01", "phantom_02", "phantom_01"):
        written = lamella.spark.write(features.where(F.col("slide_id") == part), "wsi.features")
    assert written.format == "delta" and written.version == 2
    assert rows_of(spark.table("wsi.features")) == rows_of(features) == rows_of(written.read(spark))
    assert lamella.spark.encode(plans, precision="f32", skip="wsi.features").count() == 0
    lamella.spark.write(plans, "wsi.plans")
    lamella.spark.write(plans, "wsi.plans")
    assert spark.table("wsi.plans").count() == 2
    for part in ("phantom_01", "phantom_02", "phantom_01"):
        lamella.spark.write(features.where(F.col("slide_id") == part), "wsi.files", format="parquet")
    assert rows_of(spark.table("wsi.files")) == rows_of(features)
    with pytest.raises(lamella.Error, match="format parquet, expected delta"):
        lamella.spark.write(features, "wsi.files", format="delta")
    with pytest.raises(lamella.Error, match="no column 'stain'"):
        lamella.spark.write(features.withColumn("stain", F.lit("HE")), "wsi.files")


def test_a_study_names_the_version_of_its_table(spark, cohort, tmp_path):
    study = write_study(tmp_path, cohort / "slides.csv", "study")
    first = lamella.spark.run(study, spark)
    table = {"table": str(tmp_path / "study/spark/features"), "format": "delta", "version": 0}
    assert first["spark"]["features"] == table and first["spark"]["delta"] == "4.4.0"
    assert json.loads((tmp_path / first["run_dir"] / "spark.json").read_text()) == first["spark"]
    second = lamella.spark.run(study, spark, overrides={"score.stride_px": 173})
    assert second["spark"]["features"]["version"] == 1
    third = lamella.spark.run(study, spark, overrides={"score.stride_px": 173})
    assert third["spark"]["features"]["version"] == 1 and third["metrics"] == second["metrics"]
    assert version_of(table["table"]) == 1
    for version, stride in ((0, 173), (1, 97)):
        named = lamella.spark.run(study, spark, table="study_features",
                                  overrides={"score.stride_px": stride})
        assert named["spark"]["features"] == {"table": "study_features", "format": "delta",
                                              "version": version}
    patches = sum(slide["patches"] for slide in named["slides"])
    assert spark.table("study_features").count() == patches


def test_a_table_of_a_newer_delta(made, spark, tmp_path):
    """Refused by its protocol, before the features are computed."""
    _, features = made
    path = tmp_path / "features"
    lamella.spark.write(features.limit(1), str(path))
    log = path / "_delta_log/00000000000000000001.json"
    log.write_text(json.dumps({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["thoughtReading"],
        "writerFeatures": ["thoughtReading"]}}) + "\n")
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()

    def fail(_batches):
        raise AssertionError("features were computed")

    with pytest.raises(lamella.Error, match="newer kind.*DELTA_UNSUPPORTED.*thoughtReading"):
        lamella.spark.write(features.mapInArrow(fail, features.schema), str(path))
    with pytest.raises(lamella.Error, match="newer kind"):
        lamella.spark.encode(made[0], skip=str(path))


def test_a_table_of_another_shape(made, spark, tmp_path):
    _, features = made
    features.write.format("delta").save(str(tmp_path / "flat"))
    with pytest.raises(lamella.Error, match=r"parted by \(\), expected \(slide_id\)"):
        lamella.spark.write(features, str(tmp_path / "flat"))
    with pytest.raises(lamella.Error, match="format delta, expected parquet"):
        lamella.spark.write(features, str(tmp_path / "flat"), format="parquet")
    with pytest.raises(lamella.Error, match="format: found 'orc'"):
        lamella.spark.write(features, str(tmp_path / "x"), format="orc")
    with pytest.raises(lamella.Error, match="expected 'slide_id'"):
        lamella.spark.write(features.drop("slide_id"), str(tmp_path / "x"))
    with pytest.raises(AnalysisException):
        spark.read.format("delta").load(str(tmp_path / "x"))


def test_this_pair_is_known(spark):
    delta = _delta.found(spark)
    assert delta == ("4.4.0", "4.2", True) and _delta.trouble(spark.version, delta) is None
    assert _tables.existing(spark, "/no/such/table") is None
    assert _tables.existing(spark, "no_such_table") is None
