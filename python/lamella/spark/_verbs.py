# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import lamella
from lamella import _core
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lamella.spark import _schema, _worker
from lamella.spark._paths import local_path
from lamella.spark._pieces import Cut, cut
from lamella.spark._progress import counter, watch
from lamella.spark._session import attempts, cores, described, numbered, spread, to_arrow
from lamella.spark._ship import ship
from lamella.spark._signatures import with_options_of
from lamella.spark._tables import encoded_slides

NUMBER, PART = "lamella_number", "lamella_part"  # of the slides' table, while it is planned
MOST_TASKS = 10_000  # of planning, where a task costs a hundredth of what it does


@with_options_of(lamella.plan, "annotations", "slide_id", "slide_mpp", "threads", "progress")
def plan(slides: DataFrame, *, parallelism: int | None = None, **options: Any) -> DataFrame:
    """One row a slide: its plan, or the error that kept it from having one.

    slides: columns slide_id and path, if there are such also mpp, and annotations (the path of a
    file; with the option groups). All others pass through. Options as of lamella.plan; they are
    checked before any slide is looked for. parallelism: tasks (default: one a slide). Runs when it
    is used, so persist it or write it if that is more than once.
    """
    _check_parallelism(parallelism)
    for name in ("slide_id", "path"):
        if name not in slides.columns:
            raise lamella.Error(f"found columns {', '.join(slides.columns)}, expected '{name}'")
    options["centers"] = [(local_path(path), name) for path, name in options.get("centers", ())]
    _check_plan(slides, options)
    extras = _schema.extras(slides, ("slide_id", "path", "mpp"),
                            _schema.PLANS.names, "plan")
    text = [F.col(name).cast("string").alias(name)
            for name in ("slide_id", "path", "mpp") if name in slides.columns]
    with described(slides.sparkSession, "the table of slides"):
        table, ids = numbered(slides.select(*text, *map(_column, extras)), NUMBER)
    if not ids:
        raise lamella.Error("found an empty table, expected a row for every slide")
    check_ids(ids)
    parts = parallelism or min(len(ids), MOST_TASKS)
    part = F.floor(F.col(NUMBER) * F.lit(parts) / F.lit(len(ids)))
    rows = spread(table.withColumn(PART, part), parts, PART).sortWithinPartitions(NUMBER)
    work = ship(_worker.plan_slides, "lamella_plan", make=_worker.plan_maker(options),
                schema=_schema.PLANS, extras=extras)
    return rows.mapInArrow(work, _schema.with_extras(_schema.PLANS, slides, extras))


def _check_parallelism(parallelism: int | None) -> None:
    if parallelism is not None and (not isinstance(parallelism, int) or parallelism < 1):
        raise lamella.Error(f"parallelism: found {parallelism!r}, expected a number of tasks, 1 or "
                            "more")


def _check_plan(slides: DataFrame, options: Mapping[str, Any]) -> None:
    """As the core does on every slide; each slide's annotations come with its row."""
    given = dict(options)
    if "annotations" in slides.columns and _worker.wants_annotations(options):
        given["annotations"] = ["annotations of the row"]
    _core.check_plan_options(**given)


def check_ids(ids: list[str | None]) -> None:
    seen: set[str] = set()
    for slide_id in ids:
        key = (slide_id or "").lower()
        if key in seen:
            raise lamella.Error(f"found the slide id '{slide_id}' twice, expected each once",
                                code="mismatch")
        seen.add(key)


def encode(plans: DataFrame, *, encoder: str | os.PathLike[str] | None = None,
           precision: str | None = None, on_damage: str = "fail", parallelism: int | None = None,
           skip: str | None = None, progress: bool = False) -> DataFrame:
    """One row a patch: its feature vector. A slide that failed is a row with an error; so is, with
    on_damage="skip", each patch that cannot be read: its x_px and y_px say where, row is null.
    Columns of plans that are not the verb's pass through.

    parallelism: pieces at least (default: eight for every core). skip: a features table (path, or
    name in the catalog); slides that it holds whole, of the same plan, network and precision, are
    left out. Runs when it is used; keep it (persist, or write it) if it is used twice.
    """
    _check_parallelism(parallelism)
    standard = lamella.Encoder.defaults()
    name = local_path(standard[0] if encoder is None else encoder)
    _core.check_encode_options(on_damage=on_damage, precision=precision or standard[1])
    missing = [name for name in ("slide_id", "path", "patches", "plan") if name not in plans.columns]
    if missing:
        raise lamella.Error(f"found columns {', '.join(plans.columns)}, expected "
                            f"'{missing[0]}': a table of lamella.spark.plan")
    network = _worker.Network.found(name, precision or standard[1])
    _warn_of_int8(network)
    pieces = count_pieces(plans, parallelism, network, skip)
    return encode_with(plans, network, pieces, on_damage=on_damage, progress=progress).drop("piece")


def _warn_of_int8(network: _worker.Network) -> None:
    if network.precision == "int8":
        warnings.warn(f"the int8 encoder '{network.name}' is not compared with f32 on a cluster; "
                      "encode a slide by lamella.encode to see how near it is",
                      lamella.LamellaWarning, stacklevel=3)


class Pieces(NamedTuple):
    """What the driver knows of the work: counts, never plans."""

    first: dict[tuple[str, ...], tuple[int, int]]  # piece by slide: number of the first, how many
    total: int
    patches: int
    keys: tuple[str, ...]  # columns that name a plan


def pieces_of(names: list[tuple[str, ...]], made: Cut, patches: int,
              keys: tuple[str, ...]) -> Pieces:
    first = {name: (int(begin), int(count))
             for name, begin, count in zip(names, made.first, made.counts) if count}
    return Pieces(first, made.total, patches, keys)


def count_pieces(plans: DataFrame, parallelism: int | None, network: _worker.Network,
                 skip: str | None) -> Pieces:
    """One job: only counts come to the driver; the plans are cut where they lie."""
    spark = plans.sparkSession
    done = set() if skip is None else encoded_slides(spark, skip, network.space, network.precision)
    good = plans.where("error is null") if "error" in plans.columns else plans
    columns = ["slide_id", "patches"]
    counts = good.select(*columns, F.sha2("plan", 256).alias("sha256")) if done else good.select(
        *columns)
    with described(spark, "patches of each slide"):
        rows = to_arrow(counts).to_pylist()
    check_ids([row["slide_id"] for row in rows])
    rows = [row for row in rows
            if (row["slide_id"], row.get("sha256"), row["patches"]) not in done]
    patches = [row["patches"] for row in rows]
    return pieces_of([(row["slide_id"],) for row in rows], cut(patches, cores(spark), parallelism),
                     sum(patches), ("slide_id",))


def encode_with(plans: DataFrame, network: _worker.Network, pieces: Pieces, *,
                on_damage: str = "fail", progress: bool = False) -> DataFrame:
    spark = plans.sparkSession
    extras = _schema.extras(plans, (*_schema.PLANS.names, "tile_order"), _schema.FEATURES.names,
                            "encode")
    count = counter(spark) if progress else None
    work = ship(_worker.encode_pieces, "lamella_encode", network=network, count=count,
                attempts=attempts(spark), on_damage=on_damage, extras=extras)
    features = cut_plans(plans, pieces, extras).mapInArrow(
        work, _schema.with_extras(_schema.FEATURES, plans, extras))
    if count is not None:
        watch(spark, count, pieces.patches)
    return features


def cut_plans(plans: DataFrame, pieces: Pieces, extras: list[str]) -> DataFrame:
    """A row a piece, and one for each slide that failed; spread over as many tasks."""
    plans = plans.select(*[_column(name) for name in plans.columns
                           if name in (*_worker.PLAN_COLUMNS, *extras)])
    work = ship(_worker.cut_plans, "lamella_cut", first=pieces.first, keys=pieces.keys,
                extras=extras)
    parts = plans.mapInArrow(work, _schema.with_extras(_schema.PIECES, plans, extras))
    return spread(parts, max(1, pieces.total), "piece")


def _column(name: str) -> Column:
    """Whatever its name holds."""
    return F.col(f"`{name.replace('`', '``')}`")


def score(features: DataFrame, model: lamella.Model | str | os.PathLike[str], *,
          parallelism: int | None = None) -> DataFrame:
    """One row a patch: the probability of each class (prob_<Class>), beside all its columns but the
    features. parallelism: tasks (default: as the features table has parts)."""
    _check_parallelism(parallelism)
    loaded = model if isinstance(model, lamella.Model) else lamella.Model.load(local_path(model))
    for name in ("row", "features", "feature_space"):
        if name not in features.columns:
            raise lamella.Error(f"found columns {', '.join(features.columns)}, expected '{name}': a "
                                "table of lamella.spark.encode")
    made = _schema.probabilities(loaded.classes)
    names = [name for name in features.columns if name != "features"]
    _schema.extras(features, (), (field.name for field in made), "score")
    table = features if parallelism is None else features.repartition(parallelism)
    work = ship(_worker.score_rows, "lamella_score", classifier=loaded.classifier, names=names)
    fields = _schema.with_extras(made, features, names)
    return table.mapInArrow(work, fields).select(
        *[_column(name) for name in (*names, *(field.name for field in made))])


__all__ = ["Pieces", "count_pieces", "cut_plans", "encode", "encode_with", "pieces_of", "plan",
           "score"]
