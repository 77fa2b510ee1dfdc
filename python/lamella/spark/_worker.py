# SPDX-License-Identifier: Apache-2.0
"""What runs on executors: rows in, rows out, by calling the verbs with one thread a task."""

from __future__ import annotations

import os
import socket
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

import lamella
from lamella import _core
from lamella.spark import _schema
from lamella.spark._pieces import bounds


class Network(NamedTuple):
    """An encoder as the driver found it; executors must find the same."""

    name: str
    space: str
    precision: str

    @classmethod
    def found(cls, name: str, precision: str) -> Network:
        info = _core.EncoderInfo(name)
        return cls(name, info.network_space, info.resolve_precision(precision))

    def check(self, space: str) -> None:
        if space != self.space:
            raise lamella.Error(f"found the encoder '{space}' on executor {executor()}, expected "
                                f"'{self.space}' as on the driver; install one everywhere",
                                code="mismatch")


# Once a worker process, whatever tasks it is given.
@lru_cache(maxsize=1)
def encoder(network: Network) -> lamella.Encoder:
    loaded = lamella.Encoder(network.name, precision=network.precision, threads=1)
    network.check(loaded.network_space)
    return loaded


@lru_cache(maxsize=1)
def encoder_info(network: Network) -> _core.EncoderInfo:
    info = _core.EncoderInfo(network.name)
    network.check(info.network_space)
    return info


def executor() -> str:
    """Host, and the process that all Python workers of one executor are children of."""
    return f"{socket.gethostname()}/{os.getppid()}"


def check_version(expected: str) -> None:
    if lamella.__version__ != expected:
        raise lamella.Error(
            f"found lamella {lamella.__version__} on executor {executor()}, expected "
            f"{expected} as on the driver; install one version everywhere")


def error_text(error: Exception) -> str:
    return f"{error} (on executor {executor()})"


def _batch(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=schema)


def plan_slides(batches: Iterator[pa.RecordBatch], *, version: str,
                make: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> Iterator[pa.RecordBatch]:
    """make(row of the slides table) gives that slide's rows of the plans table."""
    check_version(version)
    for batch in batches:
        for row in batch.to_pylist():
            yield _batch(make(row), _schema.PLANS)


def plan_row(slide_id: str, path: str, mpp: float | None, make: Callable[[], lamella.Plan], *,
             kind: str = "", **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"slide_id": slide_id, "kind": kind, "path": path, "mpp": mpp,
                           "patches": 0, "executor": executor(), **more}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", lamella.LamellaWarning)
            plan = make()
        order = plan.tile_order(lamella.Slide(path, mpp=mpp))
        row.update(patches=len(plan), plan=plan.to_bytes(), tile_order=order.tobytes(),
                   warnings=plan.warnings)
    except lamella.Error as error:
        row["error"] = error_text(error)
    return row


def plan_with_options(row: dict[str, Any], *, options: dict[str, Any]) -> list[dict[str, Any]]:
    slide_id, path, mpp = row["slide_id"], row["path"], row.get("mpp")
    if not slide_id or not path:
        return [{"slide_id": slide_id, "kind": "", "path": path, "patches": 0,
                 "error": "found a row without slide_id or path, expected both"}]
    mpp = None if mpp in (None, "") else float(mpp)
    options = dict(options)
    if row.get("annotations") and (options.get("groups") or options.get("rest_of_tissue")):
        options["annotations"] = [row["annotations"]]
    return [plan_row(slide_id, path, mpp,
                     lambda: lamella.plan(path, slide_id=slide_id, slide_mpp=mpp, threads=1,
                                          **options))]


def cut_plans(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Plans with first_piece and pieces, into rows that each hold their own part."""
    for batch in batches:
        for row in batch.to_pylist():
            yield from (_batch([piece], _schema.PIECES) for piece in _cut_plan(row))


def _cut_plan(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    plan = lamella.Plan.from_bytes(row["plan"])
    order = np.frombuffer(row["tile_order"], dtype=np.uint32)
    for i in range(row["pieces"]):
        begin, end = bounds(len(order), row["pieces"], i)
        rows = order[begin:end]
        yield {"slide_id": row["slide_id"], "kind": row["kind"], "path": row["path"],
               "mpp": row["mpp"], "piece": row["first_piece"] + i, "rows": rows.tobytes(),
               "plan": plan.select(rows.astype(np.int64)).to_bytes()}


def encode_pieces(batches: Iterator[pa.RecordBatch], *, version: str, network: Network,
                  count: Any, attempts: int, on_damage: str) -> Iterator[pa.RecordBatch]:
    """attempts: how often Spark tries a task."""
    check_version(version)
    for batch in batches:
        for row in batch.to_pylist():
            try:
                made = _encode(row, encoder(network), on_damage)
            except lamella.Error as error:
                made = _failed(row, error_text(error))
            except MemoryError as error:
                if _attempt() < attempts:  # there may be room later, or on another machine
                    raise
                made = _failed(row, f"ran out of memory (on executor {executor()}); give the tasks "
                                    f"more (spark.executor.memoryOverhead): {error}")
            if count is not None:
                count.add(made.num_rows)
            yield made


def _attempt() -> int:
    """1 when a task is tried for the first time."""
    from pyspark import TaskContext
    context = TaskContext.get()
    return 1 if context is None else int(context.attemptNumber()) + 1


def _failed(row: dict[str, Any], error: str) -> pa.RecordBatch:
    return _batch([{"slide_id": row["slide_id"], "kind": row["kind"], "piece": row["piece"],
                    "executor": executor(), "error": error}], _schema.FEATURES)


def _encode(row: dict[str, Any], loaded: lamella.Encoder, on_damage: str) -> pa.RecordBatch:
    plan = lamella.Plan.from_bytes(row["plan"])
    with lamella.Slide(row["path"], mpp=row["mpp"]) as slide:
        features = lamella.encode(slide, plan, encoder=loaded, threads=1, on_damage=on_damage,
                                  int8_check=0)
    rows = np.frombuffer(row["rows"], dtype=np.uint32).astype(np.int64)
    causes = {(x, y): cause for x, y, cause in features.plan.left_out}
    if not causes:
        return _features(row, rows, features)
    at = list(zip(plan.x_px.tolist(), plan.y_px.tolist()))
    good = np.array([place not in causes for place in at], bool)
    left_out = [{"slide_id": row["slide_id"], "kind": row["kind"], "piece": row["piece"],
                 "left_out": int(number), "x_px": x, "y_px": y, "executor": executor(),
                 "error": causes[x, y]}
                for number, (x, y) in zip(rows, at) if (x, y) in causes]
    batches = [_features(row, rows[good], features), _batch(left_out, _schema.FEATURES)]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _features(row: dict[str, Any], rows: np.ndarray[Any, Any],
              features: lamella.Features) -> pa.RecordBatch:
    plan = features.plan
    n, d = features.values.shape
    same = {"slide_id": row["slide_id"], "kind": row["kind"],
            "feature_space": features.feature_space, "precision": features.precision,
            "piece": row["piece"], "executor": executor(), "error": None, "left_out": None}
    columns = {name: pa.repeat(pa.scalar(value, _schema.FEATURES.field(name).type), n)
               for name, value in same.items()}
    columns["row"] = pa.array(rows)
    for name in ("x_px", "y_px", "label"):
        columns[name] = pa.array(np.ascontiguousarray(getattr(plan, name)))
    offsets = pa.array(np.arange(0, (n + 1) * d, d, dtype=np.int32) if d else
                       np.zeros(n + 1, np.int32))
    columns["features"] = pa.ListArray.from_arrays(offsets, pa.array(features.values.ravel()))
    return pa.RecordBatch.from_arrays([columns[field.name] for field in _schema.FEATURES],
                                      schema=_schema.FEATURES)


def score_rows(batches: Iterator[pa.RecordBatch], *, version: str,
               classifier: lamella.Classifier) -> Iterator[pa.RecordBatch]:
    check_version(version)
    schema = _schema.scored(classifier.classes)
    for batch in batches:
        columns = {name: batch.column(name) for name in batch.schema.names}
        columns.update(_scores(batch, classifier))
        yield pa.RecordBatch.from_arrays([columns[field.name] for field in schema], schema=schema)


def _scores(batch: pa.RecordBatch, classifier: lamella.Classifier) -> dict[str, pa.Array]:
    """A column for each class; null where the row reports an error."""
    good = np.flatnonzero(batch.column("row").is_valid().to_numpy(zero_copy_only=False))
    scores = np.full((batch.num_rows, len(classifier.classes)), np.nan, np.float32)
    spaces = batch.column("feature_space").to_pylist()
    for space in dict.fromkeys(spaces[i] for i in good):
        rows = np.array([i for i in good if spaces[i] == space])
        part = batch.column("features").take(pa.array(rows))
        values = part.flatten().to_numpy().reshape(len(rows), -1)
        scores[rows] = classifier.score(values, feature_space=space)
    missing = np.ones(batch.num_rows, bool)
    missing[good] = False
    return {f"prob_{name}": pa.array(np.ascontiguousarray(scores[:, k]), mask=missing)
            for k, name in enumerate(classifier.classes)}
