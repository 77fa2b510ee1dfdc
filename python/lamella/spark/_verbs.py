# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import warnings
from functools import partial
from typing import Any

import lamella
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lamella.spark import _schema, _worker
from lamella.spark._pieces import PIECES_A_CORE, cut
from lamella.spark._progress import counter, watch


def cores(spark: SparkSession) -> int:
    """Tasks that the cluster runs at once, as far as it is known."""
    try:
        return max(1, int(spark.sparkContext.defaultParallelism))
    except Exception:  # Spark Connect has no context
        return int(spark.conf.get("spark.sql.shuffle.partitions", "200"))


def attempts(spark: SparkSession) -> int:
    """How often a task is tried before its job fails."""
    local = spark.conf.get("spark.master", "").startswith("local")
    return 1 if local else int(spark.conf.get("spark.task.maxFailures", "4"))


def spread(table: DataFrame, parts: int, number: str) -> DataFrame:
    """Rows by their number, one row a task if there are as many parts."""
    if hasattr(table, "repartitionById"):
        return table.repartitionById(parts, F.col(number).cast("int"))
    return table.repartitionByRange(parts, number)


def plan(slides: DataFrame, **options: Any) -> DataFrame:
    """One row a slide: its plan, or its error. slides: slide_id, path[, mpp][, annotations].

    Options as of lamella.plan; with `groups`, the column annotations names each slide's file.
    The result is kept (persist): call its unpersist() when done.
    """
    lamella_options = {name: value for name, value in options.items() if value is not None}
    names = [name for name in ("slide_id", "path", "mpp", "annotations") if name in slides.columns]
    for name in ("slide_id", "path"):
        if name not in names:
            raise lamella.Error(f"found columns {', '.join(slides.columns)}, expected '{name}'")
    rows = slides.select(*names).toArrow().to_pylist()
    return plan_rows(slides.sparkSession, rows,
                     partial(_worker.plan_with_options, options=lamella_options))


def plan_rows(spark: SparkSession, rows: list[dict[str, Any]], make: Any) -> DataFrame:
    check_ids([row["slide_id"] for row in rows])
    parts = min(len(rows), cores(spark) * PIECES_A_CORE)
    names = list(rows[0])
    numbered = pa.Table.from_pylist([{**row, "number": i % parts} for i, row in enumerate(rows)])
    numbered = numbered.cast(pa.schema([
        (name, pa.string() if pa.types.is_null(kind) else kind)
        for name, kind in zip(numbered.schema.names, numbered.schema.types)]))
    table = spread(spark.createDataFrame(numbered), parts, "number").select(*names)
    work = partial(_worker.plan_slides, version=lamella.__version__, make=make)
    return table.mapInArrow(work, _schema.sql(_schema.PLANS)).persist()


def check_ids(ids: list[str]) -> None:
    if not ids:
        raise lamella.Error("found an empty table, expected a row for every slide")
    seen: set[str] = set()
    for slide_id in ids:
        key = (slide_id or "").lower()
        if key in seen:
            raise lamella.Error(f"found the slide id '{slide_id}' twice, expected each once",
                                code="mismatch")
        seen.add(key)


def encode(plans: DataFrame, *, encoder: str | os.PathLike[str] | None = None,
           precision: str | None = None, on_damage: str = "fail",
           progress: bool = False) -> DataFrame:
    """One row a patch: its feature vector. A slide that failed is a row with an error; so is, with
    on_damage="skip", each patch that cannot be read: its x_px and y_px say where, row is null.

    Runs when it is used; keep it (persist, or write it) if it is used twice.
    """
    standard = lamella.Encoder.defaults()
    name = os.fspath(standard[0] if encoder is None else encoder)
    return encode_with(plans, _worker.Network.found(name, precision or standard[1]), progress,
                       on_damage)


def encode_with(plans: DataFrame, network: _worker.Network, progress: bool,
                on_damage: str) -> DataFrame:
    spark = plans.sparkSession
    if network.precision == "int8":
        warnings.warn(f"the int8 encoder '{network.name}' is not compared with f32 on a cluster; "
                      "encode a slide by lamella.encode to see how near it is",
                      lamella.LamellaWarning, stacklevel=3)
    pieces = _pieces(plans)
    count = counter(spark) if progress else None
    work = partial(_worker.encode_pieces, version=lamella.__version__, network=network, count=count,
                   attempts=attempts(spark), on_damage=on_damage)
    made = pieces.mapInArrow(work, _schema.sql(_schema.FEATURES))
    failed = plans.where("error is not null").select(
        *(F.col(field.name) if field.name in ("slide_id", "kind", "error", "executor") else
          F.lit(None).cast(_schema.SQL_TYPES[field.type]).alias(field.name)
          for field in _schema.FEATURES))
    if count is not None:
        watch(spark, count, _total(plans))
    return made.unionByName(failed)


def _total(plans: DataFrame) -> int:
    total = plans.agg(F.sum("patches")).first()
    return int(total[0] or 0) if total else 0


def _pieces(plans: DataFrame) -> DataFrame:
    """Only counts come to the driver; the plans are cut where they lie."""
    spark = plans.sparkSession
    counts = plans.where("error is null").select("slide_id", "kind", "patches").toArrow()
    made = cut(counts.column("patches").to_numpy(), cores(spark))
    table = pa.table({"slide_id": counts.column("slide_id"), "kind": counts.column("kind"),
                      "first_piece": made.first, "pieces": made.counts})
    table = table.filter(pa.array(made.counts > 0))
    if table.num_rows == 0:
        return spark.createDataFrame([], _schema.sql(_schema.PIECES))
    joined = plans.drop("warnings", "error", "executor", "features_path", "key").join(
        F.broadcast(spark.createDataFrame(table)), ["slide_id", "kind"])
    pieces = joined.mapInArrow(_worker.cut_plans, _schema.sql(_schema.PIECES))
    return spread(pieces, made.total, "piece")


def score(features: DataFrame, model: lamella.Model | str | os.PathLike[str]) -> DataFrame:
    """One row a patch: the probability of each class (prob_<Class>), beside its position."""
    loaded = model if isinstance(model, lamella.Model) else lamella.Model.load(model)
    work = partial(_worker.score_rows, version=lamella.__version__, classifier=loaded.classifier)
    return features.mapInArrow(work, _schema.sql(_schema.scored(loaded.classes)))
