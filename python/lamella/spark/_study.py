# SPDX-License-Identifier: Apache-2.0
"""A whole study: planned and encoded on the cluster, then trained, scored and mapped by the driver,
which finds every finished piece as a second `lamella run` would."""

from __future__ import annotations

import os
import pickle
import sys
import warnings
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import lamella
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lamella import _core
from lamella._study import override_texts, run_read
from pyspark.sql import DataFrame, SparkSession

from lamella.spark import _worker
from lamella.spark._features_table import finished, write_whole
from lamella.spark._progress import report_executors
from lamella.spark._verbs import encode_with, plan_rows

WRITTEN = pa.schema([("slide_id", pa.string()), ("kind", pa.string()), ("patches", pa.int64()),
                     ("error", pa.string())])


def run(study: str | os.PathLike[str], spark: SparkSession, *,
        overrides: Mapping[str, Any] | Iterable[str] = (), delta: bool | None = None,
        progress: bool = False) -> lamella.RunResult:
    """As lamella.run, with the same results bit for bit. The study file, its slides and its output
    must lie where driver and executors all see them.

    Features also land as a table in OUTPUT/spark/features, all of the study's, also those found
    finished: Parquet, or Delta where its package is on Spark's class path (delta=False: Parquet all
    the same). A run that is stopped leaves the table of the one before.
    """
    read = _core.Study(os.path.abspath(os.fspath(study)), override_texts(overrides))
    entries = read.slides()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lamella.LamellaWarning)  # run says it again
        jobs = read.jobs(entries)
    network = _worker.Network.found(read.encoder, read.precision)
    work = partial(_plan_slide, network=network)
    rows = [{"slide_id": job.slide.slide_id, "path": job.slide.path, "mpp": job.slide.mpp,
             "job": pickle.dumps(job)} for job in jobs]
    plans = plan_rows(spark, rows, work)
    try:
        _encode(plans, read, network, delta, progress)
    finally:
        plans.unpersist()
    return run_read(read)


def _plan_slide(row: dict[str, Any], *, network: _worker.Network) -> list[dict[str, Any]]:
    """On an executor. Finished pieces come without a plan; a slide that fails has an error: run
    tells why."""
    job = pickle.loads(row["job"])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", lamella.LamellaWarning)
            pieces = job.plan(_worker.encoder_info(network), threads=1)
    except lamella.Error as error:
        return [{"slide_id": row["slide_id"], "kind": "", "path": row["path"], "patches": 0,
                 "error": _worker.error_text(error)}]
    return [_piece_row(job.slide, piece) for piece in pieces if len(piece.plan)]


def _piece_row(entry: _core.SlideEntry, piece: _core.StudyPiece) -> dict[str, Any]:
    if piece.finished:
        return {"slide_id": entry.slide_id, "kind": piece.kind, "path": entry.path,
                "patches": len(piece.plan), "features_path": piece.features_path}
    return _worker.plan_row(entry.slide_id, entry.path, entry.mpp, partial(_plan_of, piece),
                            kind=piece.kind, features_path=piece.features_path, key=piece.key)


def _plan_of(piece: _core.StudyPiece) -> lamella.Plan:
    return piece.plan


def _encode(plans: DataFrame, read: _core.Study, network: _worker.Network, delta: bool | None,
            progress: bool) -> None:
    spark = plans.sparkSession
    failed = plans.where("error is not null").select("slide_id", "error").collect()
    for row in failed:
        print(f"lamella: slide '{row['slide_id']}' failed: {row['error']}", file=sys.stderr)
    table = os.path.join(read.output, "spark", "features")
    new = plans.where("error is null and plan is not null")
    if new.limit(1).count() == 0 and os.path.exists(table):
        return
    form = "delta" if (has_delta(spark) if delta is None else delta) else "parquet"
    whole = encode_with(new, network, progress, read.on_damage).unionByName(
        finished(plans.where("error is null and plan is null")))
    features = write_whole(whole, table, form).where("piece is not null")
    report_executors(features, spark)
    rows = new.select("slide_id", "kind", "features_path", "key").collect()
    files = {(row["slide_id"], row["kind"]): (row["features_path"], row["key"],
                                              read.features_dtype) for row in rows}
    output = read.output
    written = features.groupBy("slide_id", "kind").applyInArrow(  # which counts the arguments
        lambda key, table: _write_features(key, table, output=output, files=files),
        "slide_id string, kind string, patches long, error string")
    for row in written.collect():
        if row["error"]:
            print(f"lamella: slide '{row['slide_id']}' failed: {row['error']}", file=sys.stderr)


def _write_features(key: tuple[Any, ...], table: pa.Table, *, output: str,
                    files: dict[tuple[str, str], tuple[str, str, str]]) -> pa.Table:
    """On an executor: one slide's rows, in whatever order, become its feature file."""
    slide_id, kind = (value.as_py() for value in key)
    row = {"slide_id": slide_id, "kind": kind, "patches": table.num_rows, "error": None}
    try:
        _write_file(table, os.path.join(output, "plans", kind, f"{slide_id}.h5"),
                    *files[slide_id, kind])
    except lamella.Error as error:
        row["error"] = _worker.error_text(error)
    return pa.Table.from_pylist([row], schema=WRITTEN)


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


def has_delta(spark: SparkSession) -> bool:
    try:
        # The loader that knows of --jars and --packages, which Class.forName does not ask.
        loader = spark._jvm.java.lang.Thread.currentThread().getContextClassLoader()
        loader.loadClass("io.delta.sql.DeltaSparkSessionExtension")
    except Exception:  # not on the class path, or Spark Connect
        return False
    return "Delta" in spark.conf.get("spark.sql.extensions", "")
