# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import lamella
import numpy as np
from pyspark.sql import DataFrame


def train(features: DataFrame, plans: DataFrame, *, groups: Any = None,
          l2: str | float | None = None, encoder: str | os.PathLike[str] | None = None,
          threads: int | None = None) -> lamella.Model:
    """A model of the labelled rows of a features table.

    The rows come to the driver and lamella trains: the very model that `lamella train` makes of the
    same slides in the plans' order.
    """
    labelled = features.where("row is not null and label >= 0")
    return lamella.train(_collect(labelled, plans), groups=groups, l2=l2, encoder=_text(encoder),
                         threads=threads)


def _text(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else os.fspath(path)


def _collect(labelled: DataFrame, plans: DataFrame) -> list[lamella.Features]:
    table = labelled.select("slide_id", "row", "features", "feature_space", "precision").toArrow()
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
    rows = plans.where("error is null").select("slide_id", "plan").toArrow().to_pylist()
    return {row["slide_id"]: lamella.Plan.from_bytes(row["plan"]) for row in rows}
