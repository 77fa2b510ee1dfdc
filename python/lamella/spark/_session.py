# SPDX-License-Identifier: Apache-2.0
"""What a Spark session is and has: classic or Connect, 3.5 or later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StructField, StructType


def is_connect(spark: SparkSession) -> bool:
    """Whether there is a server between this process and the driver, and so no SparkContext."""
    return type(spark).__module__.startswith("pyspark.sql.connect")


def setting(spark: SparkSession, key: str, default: str) -> str:
    """Serverless clusters forbid to read most settings."""
    try:
        return str(spark.conf.get(key, default))
    except Exception:
        return default


def cores(spark: SparkSession) -> int | None:
    """Tasks that run at once: what the cluster has, or may grow to; None where nobody knows."""
    if setting(spark, "spark.dynamicAllocation.enabled", "false") == "true":
        most = setting(spark, "spark.dynamicAllocation.maxExecutors", "")
        each = (int(setting(spark, "spark.executor.cores", "1"))
                // int(setting(spark, "spark.task.cpus", "1")))
        return int(most) * max(1, each) if most.isdigit() and int(most) < 2**31 - 1 else None
    if not is_connect(spark):
        return max(1, int(spark.sparkContext.defaultParallelism))
    local = setting(spark, "spark.master", "").partition("local[")[2].rstrip("]").split(",")[0]
    return int(local) if local.isdigit() else None


def attempts(spark: SparkSession) -> int:
    """How often a task is tried before its job fails."""
    local = setting(spark, "spark.master", "").startswith("local")
    return 1 if local else int(setting(spark, "spark.task.maxFailures", "4"))


@contextmanager
def described(spark: SparkSession, text: str) -> Iterator[None]:
    """Jobs that start inside say what they are for, in Spark's own pages."""
    if is_connect(spark):
        yield
        return
    context = spark.sparkContext
    before = context.getLocalProperty("spark.job.description")
    context.setJobDescription(f"lamella: {text}")
    try:
        yield
    finally:
        if context._jsc is not None:  # the session may have ended
            context.setLocalProperty("spark.job.description", before)


@contextmanager
def stoppable(spark: SparkSession, group: str, text: str) -> Iterator[None]:
    """Jobs of this thread that start inside are described, and end by stop_jobs of any thread."""
    if is_connect(spark):
        spark.addTag(group)
        try:
            yield
        finally:
            spark.removeTag(group)
        return
    context = spark.sparkContext
    context.setJobGroup(group, f"lamella: {text}", interruptOnCancel=True)
    try:
        yield
    finally:
        if context._jsc is not None:
            for key in ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel"):
                context.setLocalProperty(key, None)


def stop_jobs(spark: SparkSession, group: str) -> None:
    if is_connect(spark):
        spark.interruptTag(group)
    elif spark.sparkContext._jsc is not None:
        spark.sparkContext.cancelJobGroup(group)


@contextmanager
def kept(frame: DataFrame) -> Iterator[DataFrame]:
    """Computed once for all uses inside, where the cluster allows that (serverless ones do not)."""
    try:
        held: DataFrame | None = frame.persist()
    except Exception:
        held = None
    try:
        yield frame if held is None else held
    finally:
        if held is not None:
            held.unpersist()


def to_arrow(frame: DataFrame) -> pa.Table:
    if hasattr(frame, "toArrow"):  # Spark 4
        return frame.toArrow()
    from pyspark.sql.pandas.types import to_arrow_schema
    schema = to_arrow_schema(frame.schema)
    if hasattr(frame, "_collect_as_arrow"):
        batches = frame._collect_as_arrow()
        return pa.Table.from_batches(batches) if batches else schema.empty_table()
    return pa.Table.from_pylist([row.asDict(recursive=True) for row in frame.collect()], schema)


def from_rows(spark: SparkSession, rows: list[dict[str, Any]], schema: str) -> DataFrame:
    """schema: as Spark writes it, "a string, b long"; the keys of all rows, in this order."""
    return spark.createDataFrame([tuple(row.values()) for row in rows], schema)


def numbered(frame: DataFrame, number: str) -> tuple[DataFrame, list[Any]]:
    """The same rows, held by the driver, with their number in this order (a small table, which is
    read once, however often the result is); and the values of the first column."""
    spark, schema = frame.sparkSession, StructType([*frame.schema.fields,
                                                    StructField(number, LongType())])
    if hasattr(frame, "toArrow"):
        table = frame.toArrow()
        made = table.append_column(number, pa.array(range(len(table)), pa.int64()))
        return spark.createDataFrame(made, schema), table.column(0).to_pylist()
    rows = frame.collect()
    made = spark.createDataFrame([(*row, i) for i, row in enumerate(rows)], schema)
    return made, [row[0] for row in rows]


def spread(table: DataFrame, parts: int, number: str) -> DataFrame:
    """Rows by their number, one row a task if there are as many parts."""
    if hasattr(table, "repartitionById"):
        return table.repartitionById(parts, F.col(number).cast("int"))
    return table.repartitionByRange(parts, number)
