# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import lamella
import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lamella.spark._paths import local_path
from lamella.spark._session import described, to_arrow
from lamella.spark._signatures import with_options_of


@with_options_of(lamella.train, "progress")
def train(features: DataFrame, plans: DataFrame, *, groups: Any = None,
          encoder: str | os.PathLike[str] | None = None, method: str = "native",
          threads: int | None = None, **options: Any) -> lamella.Model:
    """A model of the labelled rows of a features table.

    native: the rows come to the driver and lamella trains: the very model that `lamella train`
    makes of the same slides in the plans' order. spark.ml: logistic regression on the cluster (l2
    must be a number), its coefficients taken over. Options as of lamella.train.
    """
    if method not in ("native", "spark.ml"):
        raise lamella.Error(f"method: found '{method}', expected native or spark.ml")
    labelled = features.where("row is not null and label >= 0")
    if method == "spark.ml":
        return _spark_ml(labelled, plans, groups, encoder, **options)
    return lamella.train(_collect(labelled, plans), groups=groups, encoder=_text(encoder),
                         threads=threads, **options)


def _text(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else local_path(path)


def _collect(labelled: DataFrame, plans: DataFrame) -> list[lamella.Features]:
    wanted = labelled.select("slide_id", "row", "features", "feature_space", "precision")
    with described(labelled.sparkSession, "labelled rows, to train on"):
        table = to_arrow(wanted)
    ids = np.array(table.column("slide_id").to_pylist(), dtype=object)
    made = []
    for slide_id, plan in _plans(plans).items():
        rows = np.flatnonzero(ids == slide_id)
        if len(rows) == 0:
            continue
        part = table.take(rows).combine_chunks().sort_by("row")
        kept = np.ascontiguousarray(part.column("row").to_numpy())
        values = part.column("features").combine_chunks().flatten().to_numpy()
        made.append(lamella.Features.from_arrays(
            plan.select(kept), np.ascontiguousarray(values.reshape(len(kept), -1)),
            feature_space=part.column("feature_space")[0].as_py(),
            precision=part.column("precision")[0].as_py()))
    return made


def _plans(plans: DataFrame) -> Mapping[str, lamella.Plan]:
    """By slide id, in the table's order."""
    with described(plans.sparkSession, "plans of the slides, to train on"):
        rows = to_arrow(plans.where("error is null").select("slide_id", "plan")).to_pylist()
    return {row["slide_id"]: lamella.Plan.from_bytes(row["plan"]) for row in rows}


def _spark_ml(labelled: DataFrame, plans: DataFrame, groups: Any, encoder: Any,
              l2: Any = None, max_iterations: int = 500) -> lamella.Model:
    """Its objective is lamella's: mean log loss + l2 / 2 * |W|^2 on standardised features, one
    vector of weights for two classes, one for each of more."""
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.functions import array_to_vector
    if l2 is None or l2 == "cv":
        raise lamella.Error("l2: found cv, expected a number for method='spark.ml'")
    if groups is not None:
        raise lamella.Error("groups are for cross-validation, which method='spark.ml' has none of")
    rows = labelled.select(array_to_vector(F.col("features").cast("array<double>")).alias("x"),
                           F.col("label").cast("double").alias("y"))
    # "auto" is binomial for two classes, multinomial for more.
    solver = LogisticRegression(featuresCol="x", labelCol="y", regParam=float(l2), family="auto",
                                elasticNetParam=0.0, standardization=True, maxIter=max_iterations, tol=1e-9)
    with described(labelled.sparkSession, "logistic regression"):
        fitted = solver.fit(rows)
    known = labelled.groupBy("slide_id", "feature_space", "precision").count().collect()
    of_slide = {row["slide_id"]: row for row in known}
    used = {slide_id: plan for slide_id, plan in _plans(plans).items() if slide_id in of_slide}
    classes = len(next(iter(used.values())).classes)
    if fitted.numClasses != classes:
        raise lamella.Error(f"found labels of {fitted.numClasses} classes, expected rows of all "
                            f"{classes}")
    d = fitted.numFeatures
    frame = [lamella.Features.from_arrays(plan.select(np.zeros(0, np.int64)),
                                          np.zeros((0, d), np.float32),
                                          feature_space=of_slide[slide_id]["feature_space"],
                                          precision=of_slide[slide_id]["precision"])
             for slide_id, plan in used.items()]
    return lamella.Model.from_coefficients(
        frame, np.ascontiguousarray(fitted.coefficientMatrix.toArray()),
        [float(value) for value in fitted.interceptVector.toArray()], l2=float(l2),
        encoder=_text(encoder))
