# SPDX-License-Identifier: Apache-2.0
"""A whole study: planned and encoded on the cluster, then trained, scored and mapped by the driver,
which finds every finished piece as a second `lamella run` would."""

from __future__ import annotations

import json
import os
import pickle
import sys
import uuid
import warnings
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import lamella
from lamella import _core
from lamella._study import override_texts, started
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lamella.spark import _delta, _schema, _worker
from lamella.spark._feature_files import write_files
from lamella.spark._features_table import FeaturesTable, finished
from lamella.spark._paths import local_path
from lamella.spark._pieces import cut
from lamella.spark._progress import report_executors
from lamella.spark._session import cores, described, from_rows, is_connect, kept, spread, to_arrow
from lamella.spark._ship import ship
from lamella.spark._tables import place
from lamella.spark._verbs import MOST_TASKS, check_ids, encode_with, pieces_of
from lamella.spark._write import Written


def run(study: str | os.PathLike[str], spark: SparkSession, *,
        overrides: Mapping[str, Any] | Iterable[str] = (), table: str | None = None,
        delta: bool | None = None, progress: bool = False) -> lamella.RunResult:
    """As lamella.run, with the same results bit for bit. The study file, its slides and its output
    must lie where driver and executors all see them.

    Features also land in a table, all of the study's, also those found finished. table: its path, or
    its name in the catalog (default: OUTPUT/spark/features). It is Delta where Delta can be used,
    else Parquet; delta=True: nothing else will do; delta=False: Parquet all the same. A run that is
    stopped leaves the table of the one before. Its format and version are in the result's "spark"
    and in spark.json beside the run's record. Where all is finished, nothing is asked of the cluster.
    """
    read = _core.Study(os.path.abspath(local_path(study)), override_texts(overrides))
    pieces = StudyPieces(spark, read, table=table, delta=delta)
    with started(read) as finish:
        pieces.make(progress)
        result = finish()
    _record(result, spark, pieces.table.written(pieces.token))
    return result


class StudyPieces:
    """Plans and features of a study, to be made on the cluster where a run finds them."""

    def __init__(self, spark: SparkSession, read: _core.Study, *, table: str | None = None,
                 delta: bool | None = None, tissue_output: str = "") -> None:
        """tissue_output: folder of the masks; "": the study's output."""
        self.spark, self.read, self.token = spark, read, uuid.uuid4().hex
        self.table = FeaturesTable(
            spark, place(table or os.path.join(read.output, "spark", "features")), delta)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", lamella.LamellaWarning)  # run says it again
            self.jobs = read.jobs(read.slides(), tissue_output)
        self.network = _worker.Network.found(read.encoder, read.precision)

    def make(self, progress: bool) -> None:
        if _all_finished(self.jobs, self.network) and self.table.is_there():
            return
        with kept(plan_jobs(self.spark, self.jobs, self.network)) as plans:
            _encode(plans, self.read, self.network, self.table, self.token, progress)


def _all_finished(jobs: list[Any], network: _worker.Network) -> bool:
    """Up to the first slide that is not."""
    info = _worker.encoder_info(network)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", lamella.LamellaWarning)
            return all(job.finished(info) for job in jobs)
    except lamella.Error:
        return False


def _record(result: lamella.RunResult, spark: SparkSession, table: Written) -> None:
    delta = _delta.found(spark) if table.format == "delta" else None
    result["spark"] = {"version": spark.version, "connect": is_connect(spark),
                       "delta": delta.version if delta else None,
                       "features": {"table": table.table, "format": table.format,
                                    "version": table.version}}
    with open(os.path.join(result["run_dir"], "spark.json"), "w", encoding="utf-8") as file:
        json.dump(result["spark"], file, indent=2)


def plan_jobs(spark: SparkSession, jobs: list[Any], network: _worker.Network) -> DataFrame:
    check_ids([job.slide.slide_id for job in jobs])
    parts = min(len(jobs), MOST_TASKS)
    rows = [{"slide_id": job.slide.slide_id, "path": job.slide.path, "job": pickle.dumps(job),
             "number": i % parts} for i, job in enumerate(jobs)]
    table = spread(from_rows(spark, rows, "slide_id string, path string, job binary, number long"),
                   parts, "number")
    work = ship(_worker.plan_slides, "lamella_plan", make=partial(_plan_slide, network=network),
                schema=_schema.STUDY_PLANS, extras=[])
    return table.mapInArrow(work, _schema.sql(_schema.STUDY_PLANS))


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
    more = {"kind": piece.kind, "features_path": piece.features_path}
    if piece.finished:
        return {"slide_id": entry.slide_id, "path": entry.path, "patches": len(piece.plan), **more}
    row = _worker.plan_row(entry.slide_id, entry.path, entry.mpp, partial(_plan_of, piece),
                           key=piece.key, **more)
    if row.get("error") is None:
        with lamella.Slide(entry.path, mpp=entry.mpp) as slide:
            row["tile_order"] = piece.plan.tile_order(slide).tobytes()
    return row


def _plan_of(piece: _core.StudyPiece) -> lamella.Plan:
    return piece.plan


def _encode(plans: DataFrame, read: _core.Study, network: _worker.Network, table: FeaturesTable,
            token: str, progress: bool) -> None:
    spark = plans.sparkSession
    with described(spark, f"plan the slides of {read.name}"):
        pieces = to_arrow(plans.select("slide_id", "kind", "patches", "error", "features_path", "key",
                                       F.col("plan").isNull().alias("finished"))).to_pylist()
    for row in pieces:
        if row["error"] is not None:
            _say_failed(row)
    new = [row for row in pieces if row["error"] is None and not row["finished"]]
    if not new and table.is_there():
        return
    patches = [row["patches"] for row in new]
    counted = pieces_of([(row["slide_id"], row["kind"]) for row in new],
                        cut(patches, cores(spark)), sum(patches), ("slide_id", "kind"))
    fresh = plans.where("error is null and plan is not null").select(
        "slide_id", "kind", "path", "mpp", "plan", "tile_order", "error")
    whole = encode_with(fresh, network, counted, on_damage=read.on_damage,
                        progress=progress).unionByName(
        finished(plans.where("error is null and plan is null")))
    with described(spark, f"encode {sum(patches)} patches of {read.name}"):
        features = table.replace(whole, token).where("piece is not null")
    files = {(row["slide_id"], row["kind"]): (row["features_path"], row["key"], read.features_dtype)
             for row in new}
    with described(spark, f"write {len(files)} feature files of {read.name}"):
        written = write_files(features, read.output, files)
    for row in written:
        if row["error"]:
            _say_failed(row)
    report_executors(written, spark)


def _say_failed(row: dict[str, Any]) -> None:
    print(f"lamella: slide '{row['slide_id']}' failed: {row['error']}", file=sys.stderr)
