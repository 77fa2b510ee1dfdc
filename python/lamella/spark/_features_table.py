# SPDX-License-Identifier: Apache-2.0
"""The table of a study's features: all of its pieces, those made now and those found finished."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import lamella
import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from lamella.spark import _delta, _schema, _worker
from lamella.spark._ship import ship
from lamella.spark._tables import existing, is_name, open_table, version_of
from lamella.spark._write import Written

BATCH_ROWS = 4096
STUDY_FEATURES = pa.schema([*_schema.FEATURES, ("kind", pa.string())])


def finished_rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """On an executor: slide_id, kind, features_path of finished pieces, into the files' rows."""
    for batch in batches:
        for row in batch.to_pylist():
            yield from _rows_of(row["slide_id"], row["kind"], row["features_path"])


def _rows_of(slide_id: str, kind: str, path: str) -> Iterator[pa.RecordBatch]:
    features = lamella.Features.load(path)
    plan, values = features.plan, features.values
    numbers, left_out = _numbers(plan, path)
    if left_out:
        same_of_all = {"slide_id": slide_id, "kind": kind, "executor": _worker.executor()}
        yield pa.RecordBatch.from_pylist(
            [{**same_of_all, "left_out": row, "x_px": x, "y_px": y, "error": plan.warnings[-1]}
             for row, (x, y) in left_out.items()], schema=STUDY_FEATURES)
    same = {"slide_id": slide_id, "kind": kind, "feature_space": features.feature_space,
            "precision": features.precision, "executor": _worker.executor()}
    for begin in range(0, len(plan), BATCH_ROWS):
        rows = slice(begin, min(begin + BATCH_ROWS, len(plan)))
        n = rows.stop - begin
        columns = {field.name: pa.repeat(pa.scalar(same.get(field.name), field.type), n)
                   for field in STUDY_FEATURES}
        columns["row"] = pa.array(numbers[rows])
        for name in ("x_px", "y_px", "label"):
            columns[name] = pa.array(getattr(plan, name)[rows])
        columns["features"] = pa.array(list(values[rows]), pa.list_(pa.float32()))
        yield pa.RecordBatch.from_arrays([columns[field.name] for field in STUDY_FEATURES],
                                         schema=STUDY_FEATURES)


def _numbers(plan: lamella.Plan, path: str) -> tuple[np.ndarray[Any, Any],
                                                     dict[int, tuple[int, int]]]:
    """Of the features' rows in the whole plan, and those that were left out with their places."""
    damaged = {(x, y) for x, y, _ in plan.left_out}
    if not damaged:
        return np.arange(len(plan)), {}
    kind, name = path.split(os.sep)[-2:]
    whole = lamella.Plan.load(os.path.join(os.path.dirname(path), "..", "..", "plans", kind, name))
    places = list(zip(whole.x_px.tolist(), whole.y_px.tolist()))
    left_out = {row: place for row, place in enumerate(places) if place in damaged}
    return np.setdiff1d(np.arange(len(whole)), list(left_out)), left_out


def finished(pieces: DataFrame) -> DataFrame:
    """As rows of the features table, without a number of the piece; pieces: of the plans table."""
    return pieces.select("slide_id", "kind", "features_path").mapInArrow(
        ship(finished_rows, "lamella_read_features"), _schema.sql(STUDY_FEATURES))


class FeaturesTable:
    """Of one study: a path or a name in the catalog; Delta or Parquet, as the session can. Error:
    Delta was asked for and cannot be used."""

    def __init__(self, spark: SparkSession, table: str, delta: bool | None):
        self.table = table
        self.spark = spark
        self.format = "delta" if _delta.wanted(spark, table, delta) else "parquet"

    def is_there(self) -> bool:
        """In this format."""
        there = existing(self.spark, self.table)
        return there is not None and there.format == self.format

    def replace(self, features: DataFrame, token: str) -> DataFrame:
        """By this one, when it is complete; until then, and if anything fails, the old one stays as
        it is. Returns the new one, read from there."""
        writer = features.write.mode("overwrite").format(self.format)
        if self.format == "delta":  # commits in one step itself
            writer = writer.option("userMetadata", token).option("overwriteSchema", "true")
        if is_name(self.table):
            writer.saveAsTable(self.table)
        elif self.format == "delta":
            writer.save(self.table)
        else:
            _replace(self.table, writer.save)
        return open_table(self.spark, self.table, self.format)

    def written(self, token: str) -> Written:
        """As it is now; token: of the write that may have made it so."""
        version = version_of(self.spark, self.table, token) if self.format == "delta" else None
        return Written(self.table, self.format, version)


def _replace(path: str, write: Callable[[str], None]) -> None:
    fresh, old = path + ".new", path + ".old"
    if os.path.exists(old) and not os.path.exists(path):  # killed between the two renames
        os.rename(old, path)
    shutil.rmtree(old, ignore_errors=True)
    try:
        write(fresh)
        if os.path.exists(path):
            os.rename(path, old)
        os.rename(fresh, path)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
