# SPDX-License-Identifier: Apache-2.0
"""A cluster that starts without executors, grows by two machines, and starts second copies of slow
tasks: dynamic allocation, speculation and AQE, all on."""

import time

import lamella
import lamella.spark
import numpy as np
import pytest
from cluster import Cluster
from conftest import local_session
from delta_test import delta_settings
from lamella.spark import _session

deltalake = pytest.importorskip("deltalake")
SLOW_S = 90
SETTINGS = {"spark.speculation": "true", "spark.speculation.interval": "200ms",
            "spark.speculation.quantile": "0.3", "spark.speculation.multiplier": "1.5",
            "spark.speculation.minTaskRuntime": "1s", "spark.dynamicAllocation.enabled": "true",
            "spark.dynamicAllocation.shuffleTracking.enabled": "true",
            "spark.dynamicAllocation.minExecutors": "0", "spark.executor.cores": "1",
            "spark.dynamicAllocation.maxExecutors": "2", "spark.sql.adaptive.enabled": "true"}


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    folder = tmp_path_factory.mktemp("growing")
    # Spark takes each address for a machine; a second copy runs on another one only.
    cluster = Cluster(folder, workers=2, hosts=("127.0.0.1", "127.0.0.2"))
    try:
        with local_session(cluster.url, **delta_settings(folder / "warehouse"), **SETTINGS) as spark:
            yield spark
    finally:
        cluster.stop()


def test_a_cluster_that_grows(spark, table):
    assert _session.cores(spark) == 2  # what it may grow to: it has none yet
    plans = lamella.spark.plan(spark.createDataFrame(table), size_px=56, mpp=1.0).persist()
    features = lamella.spark.encode(plans, precision="f32", parallelism=12).persist()
    counts = features.groupBy("slide_id").count().collect()
    assert {row["slide_id"]: row["count"] for row in counts} == {
        row["slide_id"]: row["patches"] for row in plans.collect()}
    assert features.select("executor").distinct().count() == 2
    first = table[0]
    own = lamella.encode(first["path"], lamella.plan(first["path"], size_px=56, mpp=1.0),
                         precision="f32").values
    rows = features.where(f"slide_id = '{first['slide_id']}'").orderBy("row").collect()
    assert np.array([row["features"] for row in rows], np.float32).tobytes() == own.tobytes()


def test_a_speculative_copy_writes_nothing_twice(spark, tmp_path):
    mark = str(tmp_path / "tried")

    def slow_at_first(batches):
        import glob
        import time
        from pyspark import TaskContext
        task = TaskContext.get()
        if task.partitionId() == 1:
            name = f"{mark}{len(glob.glob(mark + '*'))}"
            open(name, "x").close()
            if name.endswith("0"):
                time.sleep(SLOW_S)
        yield from batches

    rows = spark.range(0, 40, 1, 4).selectExpr(
        "concat('s', id % 3) slide_id", "id row", "array(cast(id as float)) features")
    start = time.monotonic()
    written = lamella.spark.write(rows.mapInArrow(slow_at_first, rows.schema),
                                  str(tmp_path / "table"))
    seconds = time.monotonic() - start
    assert sorted(file.name for file in tmp_path.glob("tried*")) == ["tried0", "tried1"]
    assert seconds < SLOW_S, "there was no second copy"
    assert written.format == "delta"
    table = deltalake.DeltaTable(written.table).to_pyarrow_table()
    assert sorted(table.column("row").to_pylist()) == list(range(40))
