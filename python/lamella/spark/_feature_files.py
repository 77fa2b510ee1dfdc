# SPDX-License-Identifier: Apache-2.0
"""Rows of a study's features table, back into the files that the run finds."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import lamella
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from lamella.spark import _schema, _worker
from lamella.spark._session import to_arrow
from lamella.spark._ship import ship

Files = Mapping[tuple[str, str], tuple[str, str, str]]  # path, key, type of numbers
WRITTEN = pa.schema([("slide_id", pa.string()), ("kind", pa.string()), ("error", pa.string()),
                     ("executors", pa.list_(pa.string())), ("patches", pa.list_(pa.int64()))])
READ = ["slide_id", "kind", "row", "features", "feature_space", "precision", "error", "left_out",
        "executor"]
MOST_TASKS = 1000


def write_files(features: DataFrame, output: str, files: Files) -> list[dict[str, Any]]:
    """One job. A row a file: its error, and how many patches each executor encoded."""
    if not files:
        return []
    work = ship(_write_files, "lamella_write_features", output=output, files=dict(files))
    rows = features.select(*READ).repartition(min(len(files), MOST_TASKS), "slide_id", "kind")
    written: list[dict[str, Any]] = to_arrow(
        rows.sortWithinPartitions("slide_id", "kind").mapInArrow(
            work, _schema.sql(WRITTEN))).to_pylist()
    return written


def _write_files(batches: Iterator[pa.RecordBatch], *, output: str,
                 files: Files) -> Iterator[pa.RecordBatch]:
    """On an executor: rows by slide and kind, in whatever order within."""
    for key, parts in itertools.groupby(_runs(batches), lambda run: run[0]):
        table = pa.Table.from_batches([part for _, part in parts])
        yield pa.RecordBatch.from_pylist([_written(key, table, output, files)], schema=WRITTEN)


def _runs(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[tuple[str, str], pa.RecordBatch]]:
    """Pieces of batches that are of one slide and kind."""
    for batch in batches:
        keys = zip(batch.column("slide_id").to_pylist(), batch.column("kind").to_pylist())
        begin = 0
        for key, group in itertools.groupby(keys):
            count = sum(1 for _ in group)
            yield key, batch.slice(begin, count)
            begin += count


def _written(key: tuple[str, str], table: pa.Table, output: str, files: Files) -> dict[str, Any]:
    slide_id, kind = key
    good = table.filter(pc.is_valid(table.column("row")))
    counts = Counter(good.column("executor").to_pylist())
    row = {"slide_id": slide_id, "kind": kind, "error": None, "executors": list(counts),
           "patches": list(counts.values())}
    try:
        _write_file(table, os.path.join(output, "plans", kind, f"{slide_id}.h5"), *files[key])
    except lamella.Error as error:
        row["error"] = _worker.error_text(error)
    return row


def _write_file(table: pa.Table, plan_path: str, features_path: str, key: str,
                dtype: str) -> None:
    damaged = table.filter(pc.is_valid(table.column("left_out")))
    left_out = dict(zip(damaged.column("left_out").to_pylist(), damaged.column("error").to_pylist()))
    table = table.filter(pc.is_null(table.column("left_out")))
    errors = [text for text in table.column("error").unique().to_pylist() if text]
    if errors:
        raise lamella.Error(errors[0])
    plan = lamella.Plan.load(plan_path)
    table = table.sort_by("row").combine_chunks()
    rows = table.column("row").to_numpy()
    wanted = np.setdiff1d(np.arange(len(plan)), list(left_out))
    if len(rows) != len(wanted) or (rows != wanted).any():
        raise lamella.Error(f"found {len(rows)} rows of features, expected {len(wanted)} of the "
                            f"plan's {len(plan)}, each once; run again", plan_path)
    if len(rows) == 0:
        raise lamella.Error(f"none of its {len(plan)} patches can be read: {left_out[0]}", plan_path)
    values = table.column("features").combine_chunks().flatten().to_numpy()
    features = lamella.Features.from_arrays(
        plan, np.ascontiguousarray(values.reshape(len(rows), -1)),
        feature_space=table.column("feature_space")[0].as_py(),
        precision=table.column("precision")[0].as_py(), left_out=left_out)
    features.save(features_path, key=key, dtype=dtype)
