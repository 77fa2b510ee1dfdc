# SPDX-License-Identifier: Apache-2.0
"""A second copy of a slow task, on another machine, writes nothing twice."""

import os
import time

import lamella
import lamella.spark
import pytest
from cluster import Cluster
from conftest import local_session
from delta_test import delta_settings

deltalake = pytest.importorskip("deltalake")
SLOW_S = 90


def test_a_speculative_copy(tmp_path):
    settings = {**delta_settings(tmp_path / "warehouse"), "spark.speculation": "true",
                "spark.speculation.interval": "200ms", "spark.speculation.quantile": "0.3",
                "spark.speculation.multiplier": "1.5", "spark.speculation.minTaskRuntime": "1s"}
    cluster = Cluster(tmp_path, workers=2, hosts=("127.0.0.1", "127.0.0.2"))
    mark = str(tmp_path / "tried")

    def slow_at_first(batches):
        import os
        import time
        from pyspark import TaskContext
        task = TaskContext.get()
        if task.partitionId() == 1:
            name = f"{mark}{len([1 for n in os.listdir(os.path.dirname(mark)) if 'tried' in n])}"
            open(name, "x").close()
            if name.endswith("0"):
                time.sleep(SLOW_S)
        yield from batches

    try:
        with local_session(cluster.url, **settings) as spark:
            cluster.wait_for(lambda: len(cluster.executors(1)) and len(cluster.executors(2)),
                             "two executors")
            rows = spark.range(0, 40, 1, 4).selectExpr(
                "concat('s', id % 3) slide_id", "id row", "array(cast(id as float)) features")
            start = time.monotonic()
            written = lamella.spark.write(rows.mapInArrow(slow_at_first, rows.schema),
                                          str(tmp_path / "table"))
            seconds = time.monotonic() - start
            assert spark.read.format("delta").load(written.table).count() == 40
    finally:
        cluster.stop()
    assert sorted(file.name for file in tmp_path.glob("tried*")) == ["tried0", "tried1"]
    assert seconds < SLOW_S, "there was no second copy"
    table = deltalake.DeltaTable(str(tmp_path / "table")).to_pyarrow_table()
    assert sorted(table.column("row").to_pylist()) == list(range(40))
    assert os.path.isdir(tmp_path / "table/slide_id=s1")
