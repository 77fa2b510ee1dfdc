# SPDX-License-Identifier: Apache-2.0
"""The verb write: rows into a table that outlives the session, each slide once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import lamella
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession
from pyspark.sql import functions as F

from lamella.spark import _delta
from lamella.spark._session import described, setting
from lamella.spark._tables import (
    FOLDER,
    Existing,
    existing,
    in_sql,
    is_name,
    place,
    types_of,
    version_of,
)


class Written(NamedTuple):
    """What a write left behind: version names it for ever (time travel), None: Parquet has none."""

    table: str
    format: str
    version: int | None

    def read(self, spark: SparkSession) -> DataFrame:
        """That very version."""
        reader = spark.read.format(self.format)
        if self.version is not None:
            reader = reader.option("versionAsOf", self.version)
        return reader.table(self.table) if is_name(self.table) else reader.load(self.table)


def write(rows: DataFrame, table: str, *, format: str | None = None) -> Written:  # noqa: A002
    """Plans, features or scores, into a table (a path, or a name in the catalog) that is made where
    there is none: slide by slide, each takes the place of what the table held of it, and all others
    stay. So a call that is repeated, a task tried again and a speculative copy write nothing twice,
    and a slide encoded again is exchanged.

    format: "delta" (the default where Delta can be used) or "parquet". With Delta all of it appears
    at once, as one version, which the result names, and a column that the table has not yet is
    added; features and scores are a folder a slide, plans are merged. With Parquet, slides appear one
    after another, and a reader may see some of them.
    Error: Delta and this Spark cannot work together, its jars are missing, the table was written by
    a newer Delta, a column has another type, or the table is not parted by slide_id.
    """
    spark = rows.sparkSession
    if format not in (None, "delta", "parquet"):
        raise lamella.Error(f"format: found '{format}', expected delta or parquet")
    if "slide_id" not in rows.columns:
        raise lamella.Error(f"found columns {', '.join(rows.columns)}, expected 'slide_id'")
    table = place(table)
    choice = None if format is None else format == "delta"
    new = "delta" if _delta.wanted(spark, table, choice) else "parquet"
    there = existing(spark, table)
    form = format or (there.format if there else new)
    merged = form == "delta" and "plan" in rows.columns
    if there is not None:
        _check_table(there, rows, table, form, merged)
    with described(spark, f"write {table}"):
        if form == "parquet":
            _write_parquet(rows, table, there)
            return Written(table, form, None)
        token = uuid.uuid4().hex
        if merged and there is not None:
            _merge(rows, table, token, there)
        else:
            _replace_slides(rows, table, token, parted=not merged,
                            named=is_name(table) and there is not None)
        return Written(table, form, version_of(spark, table, token))


def _check_table(there: Existing, rows: DataFrame, table: str, form: str, merged: bool) -> None:
    if there.format != form:
        raise lamella.Error(f"found a table of format {there.format}, expected {form}; name that "
                            "format, or another table", table, code="mismatch")
    types = types_of(rows)
    for name, kind in there.columns.items():
        if name in types and types[name] != kind:
            raise lamella.Error(f"found the column '{name}' of type {kind}, expected {types[name]}; "
                                "write to another table", table, code="mismatch")
    if not merged and there.partitions != ["slide_id"]:
        raise lamella.Error(f"found a table parted by ({', '.join(there.partitions)}), expected "
                            "(slide_id), by which a slide is exchanged; let lamella make the table",
                            table, code="mismatch")
    new = [name for name in types if name not in there.columns]
    if new and form == "parquet" and is_name(table):
        raise lamella.Error(f"found no column '{new[0]}' in the table; add it (ALTER TABLE), or write "
                            "Delta, whose tables take new columns", table, code="mismatch")


def _replace_slides(rows: DataFrame, table: str, token: str, *, parted: bool, named: bool) -> None:
    """named: a table of the catalog that is there."""
    if named:  # by the columns' names; saveAsTable would make the table anew
        (rows.writeTo(table).option("userMetadata", token).option("mergeSchema", "true")
         .overwritePartitions())
        return
    writer = (rows.write.format("delta").mode("overwrite").option("userMetadata", token)
              .option("mergeSchema", "true"))
    if parted:
        writer = writer.option("partitionOverwriteMode", "dynamic").partitionBy("slide_id")
    if is_name(table):
        writer.saveAsTable(table)
    else:
        writer.save(table)


def _merge(plans: DataFrame, table: str, token: str, there: Existing) -> None:
    """One row a slide: a folder for each would be many small files. What is the same is left."""
    spark = plans.sparkSession
    view = f"lamella_{token}"
    plans.where("slide_id is not null").createOrReplaceTempView(view)
    names = [name for name in plans.columns if name not in ("slide_id", "executor")]
    comparable = all(name in there.columns and "map<" not in there.columns[name] for name in names)
    quoted = [f"`{name.replace('`', '``')}`" for name in names]
    same = " AND ".join(f"t.{name} <=> s.{name}" for name in quoted) if comparable else "false"
    with _commit_named(spark, token):
        spark.sql(f"MERGE WITH SCHEMA EVOLUTION INTO {in_sql(table)} t USING {view} s "
                  f"ON t.slide_id = s.slide_id WHEN MATCHED AND NOT ({same}) THEN UPDATE SET * "
                  "WHEN NOT MATCHED THEN INSERT *")
    spark.catalog.dropTempView(view)


@contextmanager
def _commit_named(spark: SparkSession, token: str) -> Iterator[None]:
    key = "spark.databricks.delta.commitInfo.userMetadata"
    before = setting(spark, key, "")
    spark.conf.set(key, token)
    try:
        yield
    finally:
        if before:
            spark.conf.set(key, before)
        else:
            spark.conf.unset(key)


def _write_parquet(rows: DataFrame, table: str, there: Existing | None) -> None:
    if not is_name(table):
        # Spark takes folders' names for numbers where they look so: not this one, and slide_id stays
        # a column of the files.
        parted = rows.withColumn(FOLDER, F.concat(F.lit("slide "), "slide_id"))
        _parquet_writer(parted, FOLDER).save(table)
    elif there is None:
        _parquet_writer(rows, "slide_id").saveAsTable(table)
    else:
        columns = [F.col(f"`{name}`") if name in rows.columns else
                   F.lit(None).cast(kind).alias(name) for name, kind in there.columns.items()]
        spark, key = rows.sparkSession, "spark.sql.sources.partitionOverwriteMode"
        before = setting(spark, key, "static")
        spark.conf.set(key, "dynamic")
        try:
            rows.select(*columns).write.insertInto(table, overwrite=True)
        finally:
            spark.conf.set(key, before)


def _parquet_writer(rows: DataFrame, by: str) -> DataFrameWriter:
    return (rows.write.format("parquet").mode("overwrite").partitionBy(by)
            .option("partitionOverwriteMode", "dynamic"))


__all__ = ["Written", "write"]
