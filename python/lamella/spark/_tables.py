# SPDX-License-Identifier: Apache-2.0
"""Tables that outlive a session: a path, or a name in the catalog; Delta or Parquet."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

import lamella
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lamella.spark import _delta
from lamella.spark._paths import local_path
from lamella.spark._session import described, to_arrow

PART = r"(?:[\w-]+|`(?:[^`]|``)+`)"
NAME = re.compile(rf"{PART}(?:\.{PART}){{0,2}}")
FOLDER = "slide_folder"  # of Parquet under a path: the folder of a slide's files
NOT_THERE = ("PATH_NOT_FOUND", "DELTA_MISSING_DELTA_TABLE", "DELTA_TABLE_NOT_FOUND",
             "TABLE_OR_VIEW_NOT_FOUND", "DELTA_PATH_DOES_NOT_EXIST", "UNABLE_TO_INFER_SCHEMA")
TOO_NEW = ("DELTA_UNSUPPORTED_FEATURES_FOR_READ", "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE",
           "DELTA_INVALID_PROTOCOL_VERSION", "DELTA_UNSUPPORTED_FEATURES_IN_CONFIG")


def is_name(table: str) -> bool:
    """Of the catalog, as catalog.schema.table; all else is a path."""
    return NAME.fullmatch(table) is not None


def place(table: str) -> str:
    return table if is_name(table) else local_path(table)


def in_sql(table: str) -> str:
    """Of a Delta table."""
    return table if is_name(table) else f"delta.`{table}`"


class Existing(NamedTuple):
    format: str
    columns: dict[str, str]  # name: type
    partitions: list[str]


def existing(spark: SparkSession, table: str) -> Existing | None:
    """What lies there; None: nothing. Error: a Delta table that cannot be read here."""
    usable = _delta.usable(spark)
    if not usable and not is_name(table) and os.path.isdir(os.path.join(table, "_delta_log")):
        _delta.wanted(spark, table, True)  # says why it cannot be used
    try:
        if usable:
            detail = _delta_detail(spark, table)
            if detail is not None:
                return detail
        frame = spark.read.table(table) if is_name(table) else spark.read.parquet(table)
        columns = types_of(frame)
        if is_name(table):
            return Existing(_format_of(spark, table), columns, _partitions(spark, table))
        return Existing("parquet", columns, ["slide_id"] if FOLDER in columns else [])
    except Exception as error:
        text = str(error)
        if any(name in text for name in TOO_NEW):
            raise lamella.Error(
                "found a Delta table of a newer kind than this Delta can use "
                f"({_reason(text)}); use the Delta that wrote it, or a newer one", table,
                code="unsupported") from None
        if any(name in text for name in NOT_THERE):
            return None
        raise


def _reason(text: str) -> str:
    """The line that names what Delta met, without the class of its exception."""
    line = next(line for line in text.splitlines() if any(name in line for name in TOO_NEW))
    return line[line.index("DELTA_"):].replace("]", ":", 1)


def types_of(frame: DataFrame) -> dict[str, str]:
    return {field.name: field.dataType.simpleString() for field in frame.schema.fields}


def _delta_detail(spark: SparkSession, table: str) -> Existing | None:
    try:
        row = spark.sql(f"DESCRIBE DETAIL {in_sql(table)}").select(
            "format", "partitionColumns").first()
    except Exception as error:
        if any(name in str(error) for name in NOT_THERE):
            return None
        raise
    if row is None or row["format"] != "delta":
        return None
    return Existing("delta", types_of(open_table(spark, table, "delta")),
                    list(row["partitionColumns"]))


def _format_of(spark: SparkSession, table: str) -> str:
    rows = spark.sql(f"DESCRIBE TABLE EXTENDED {table}").where("col_name = 'Provider'").collect()
    return str(rows[0]["data_type"]).lower() if rows else "parquet"


def _partitions(spark: SparkSession, table: str) -> list[str]:
    rows = spark.sql(f"DESCRIBE TABLE {table}").collect()
    heads = [i for i, row in enumerate(rows) if row["col_name"] == "# Partition Information"]
    return [row["col_name"] for row in rows[heads[0] + 2:]] if heads else []


def open_table(spark: SparkSession, table: str, form: str) -> DataFrame:
    reader = spark.read.format(form)
    return reader.table(table) if is_name(table) else reader.load(table)


def version_of(spark: SparkSession, table: str, token: str) -> int:
    """The version that a write with this token made; the newest where it had nothing to change."""
    history = spark.sql(f"DESCRIBE HISTORY {in_sql(table)}")
    rows = history.select("version", "userMetadata").collect()
    mine = [int(row["version"]) for row in rows if row["userMetadata"] == token]
    return max(mine or [int(row["version"]) for row in rows])


def encoded_slides(spark: SparkSession, table: str, space: str, precision: str) -> set[Any]:
    """(slide_id, SHA-256 of its plan, patches) of slides that a features table holds, by this network
    in this precision."""
    table = place(table)
    there = existing(spark, table)
    if there is None:
        return set()
    if "plan_sha256" not in there.columns:
        raise lamella.Error("found no column 'plan_sha256', expected a table that lamella.spark.write "
                            "made of lamella.spark.encode's", table, code="mismatch")
    rows = open_table(spark, table, there.format).where(
        (F.col("feature_space").startswith(space) & (F.col("precision") == precision))
        | F.col("left_out").isNotNull())
    with described(spark, f"slides that {table} holds"):
        counts = to_arrow(rows.groupBy("slide_id", "plan_sha256").agg(F.count("*").alias("n")))
    return {(str(row["slide_id"]), row["plan_sha256"], row["n"]) for row in counts.to_pylist()}
