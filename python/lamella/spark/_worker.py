# SPDX-License-Identifier: Apache-2.0
"""What runs on executors: rows in, rows out, by calling the verbs with one thread a task."""

from __future__ import annotations

import hashlib
import os
import pickle
import socket
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

import lamella
from lamella import _core
from lamella.spark import _schema
from lamella.spark._paths import local_path
from lamella.spark._pieces import bounds

Row = dict[str, Any]
Batches = Iterator[pa.RecordBatch]


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


def error_text(error: Exception | str) -> str:
    return f"{error} (on executor {executor()})"


def _batch(rows: list[Row], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=schema)


def _with_extras(made: pa.RecordBatch, batch: pa.RecordBatch, row: int,
                 extras: list[str]) -> pa.RecordBatch:
    """The user's own columns of one row beside each row that was made of it."""
    if not extras:
        return made
    same = pa.repeat(pa.scalar(row, pa.int64()), made.num_rows)
    return pa.RecordBatch.from_arrays(
        [*made.columns, *(batch.column(name).take(same) for name in extras)],
        names=[*made.schema.names, *extras])


def _rows(batch: pa.RecordBatch, names: list[str]) -> list[Row]:
    rows: list[Row] = batch.select(
        [name for name in names if name in batch.schema.names]).to_pylist()
    return rows


def tracking_environment() -> dict[str, str]:
    """Where MLflow's server is, and how one logs in there, as this process was told."""
    return {name: value for name, value in os.environ.items()
            if name.startswith(("MLFLOW_", "DATABRICKS_"))}


@contextmanager
def told_of_tracking(environment: Mapping[str, str]) -> Iterator[None]:
    """The same as the process that it is of."""
    before = tracking_environment()

    def put(told: Mapping[str, str]) -> None:
        for name in tracking_environment():
            del os.environ[name]
        os.environ.update(told)

    put(environment)
    try:
        yield
    finally:
        put(before)


def make_trials(batches: Batches, *, threads: int, environment: dict[str, str]) -> Batches:
    """Of a search: what they warn of is in their records."""
    for batch in batches:
        for row in _rows(batch, ["job"]):
            job = pickle.loads(row["job"])
            with warnings.catch_warnings(), told_of_tracking(environment):
                warnings.simplefilter("ignore", lamella.LamellaWarning)
                result = job.run(threads=threads)
            if result.error is not None:
                result.error = error_text(result.error)
            yield pa.RecordBatch.from_pydict({"result": [pickle.dumps(result)]})


SLIDE_COLUMNS = ["slide_id", "path", "mpp", "annotations", "job"]


def plan_slides(batches: Batches, *, make: Callable[[Row], list[Row]], schema: pa.Schema,
                extras: list[str]) -> Batches:
    """make(row of the slides table) gives that slide's rows of the plans table."""
    for batch in batches:
        for i, row in enumerate(_rows(batch, SLIDE_COLUMNS)):
            yield _with_extras(_batch(make(row), schema), batch, i, extras)


def plan_row(slide_id: str, path: str, mpp: float | None, make: Callable[[], lamella.Plan],
             **more: Any) -> Row:
    row: Row = {"slide_id": slide_id, "path": path, "mpp": mpp, "patches": 0,
                "executor": executor(), **more}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", lamella.LamellaWarning)
            plan = make()
        row.update(patches=len(plan), plan=plan.to_bytes(), warnings=plan.warnings)
    except lamella.Error as error:
        row["error"] = error_text(error)
    return row


def wants_annotations(options: Mapping[str, Any]) -> bool:
    return bool(options.get("groups") or options.get("rest_of_tissue"))


def plan_maker(options: Mapping[str, Any]) -> Callable[[Row], list[Row]]:
    return partial(_plan_with_options, options=dict(options))


def _plan_with_options(row: Row, *, options: dict[str, Any]) -> list[Row]:
    slide_id, path, mpp = row["slide_id"], row["path"], row.get("mpp")
    failed = {"slide_id": slide_id, "path": path, "patches": 0, "executor": executor()}
    if not slide_id or not path:
        return [{**failed, "error": "found a row without slide_id or path, expected both"}]
    try:
        mpp = None if mpp in (None, "") else float(mpp)
    except ValueError:
        return [{**failed, "error": f"found the mpp '{mpp}', expected a number (µm per px)"}]
    if row.get("annotations") and wants_annotations(options):
        options = {**options, "annotations": [local_path(row["annotations"])]}
    return [plan_row(slide_id, path, mpp,
                     lambda: lamella.plan(local_path(path), slide_id=slide_id, slide_mpp=mpp,
                                          threads=1, **options))]


PLAN_COLUMNS = ["slide_id", "path", "mpp", "kind", "plan", "tile_order", "error"]


def cut_plans(batches: Batches, *, first: Mapping[tuple[str, ...], tuple[int, int]],
              keys: tuple[str, ...], extras: list[str]) -> Batches:
    """Plans, into rows that each hold their own part. first: of each slide's pieces, the number of
    the first and how many; slides that are not in it have none. A slide that failed stays one row."""
    for batch in batches:
        for i, row in enumerate(_rows(batch, PLAN_COLUMNS)):
            for piece in _cut_plan(row, *first.get(tuple(row[key] for key in keys), (0, 0))):
                yield _with_extras(_batch([piece], _schema.PIECES), batch, i, extras)


def _cut_plan(row: Row, first: int, count: int) -> Iterator[Row]:
    same = {"slide_id": row["slide_id"], "path": row["path"], "mpp": row.get("mpp")}
    if row.get("error") is not None:
        yield {**same, "piece": 0, "error": row["error"]}
        return
    if count == 0:
        return
    plan = lamella.Plan.from_bytes(row["plan"])
    sha256 = hashlib.sha256(row["plan"]).hexdigest()
    order = _tile_order(row, plan)
    for i in range(count):
        begin, end = bounds(len(order), count, i)
        rows = order[begin:end]
        yield {**same, "piece": first + i, "rows": rows.tobytes(), "plan_sha256": sha256,
               "plan": plan.select(rows.astype(np.int64)).to_bytes()}


def _tile_order(row: Row, plan: lamella.Plan) -> np.ndarray[Any, Any]:
    if row.get("tile_order") is not None:
        return np.frombuffer(row["tile_order"], dtype=np.uint32)
    try:
        with lamella.Slide(local_path(row["path"]), mpp=row.get("mpp")) as slide:
            return np.asarray(plan.tile_order(slide))
    except lamella.Error:  # encoding says what is wrong with it
        return np.arange(len(plan), dtype=np.uint32)


def encode_pieces(batches: Batches, *, network: Network, count: Any, attempts: int, on_damage: str,
                  extras: list[str]) -> Batches:
    """attempts: how often Spark tries a task."""
    for batch in batches:
        for i, row in enumerate(_rows(batch, _schema.PIECES.names)):
            made = _encode_piece(row, network, attempts, on_damage)
            if count is not None:
                count.add(made.num_rows)
            yield _with_extras(made, batch, i, extras)


def _encode_piece(row: Row, network: Network, attempts: int, on_damage: str) -> pa.RecordBatch:
    if row["error"] is not None:
        return _failed(row, row["error"])
    try:
        return _encode(row, encoder(network), on_damage)
    except lamella.Error as error:
        return _failed(row, error_text(error))
    except MemoryError as error:
        if _attempt() < attempts:  # there may be room later, or on another machine
            raise
        return _failed(row, f"ran out of memory (on executor {executor()}); give the tasks more "
                            f"(spark.executor.memoryOverhead): {error}")


def _attempt() -> int:
    """1 when a task is tried for the first time."""
    from pyspark import TaskContext
    context = TaskContext.get()
    return 1 if context is None else int(context.attemptNumber()) + 1


def _failed(row: Row, error: str) -> pa.RecordBatch:
    return _batch([{"slide_id": row["slide_id"], "piece": row["piece"], "executor": executor(),
                    "plan_sha256": row["plan_sha256"], "error": error}], _schema.FEATURES)


def _encode(row: Row, loaded: lamella.Encoder, on_damage: str) -> pa.RecordBatch:
    plan = lamella.Plan.from_bytes(row["plan"])
    with lamella.Slide(local_path(row["path"]), mpp=row["mpp"]) as slide:
        features = lamella.encode(slide, plan, encoder=loaded, threads=1, on_damage=on_damage,
                                  int8_check=0)
    rows = np.frombuffer(row["rows"], dtype=np.uint32).astype(np.int64)
    causes = {(x, y): cause for x, y, cause in features.plan.left_out}
    if not causes:
        return _features(row, rows, features)
    at = list(zip(plan.x_px.tolist(), plan.y_px.tolist()))
    good = np.array([place not in causes for place in at], bool)
    left_out = [{"slide_id": row["slide_id"], "piece": row["piece"], "left_out": int(number),
                 "x_px": x, "y_px": y, "executor": executor(), "error": causes[x, y],
                 "plan_sha256": row["plan_sha256"]}
                for number, (x, y) in zip(rows, at) if (x, y) in causes]
    batches = [_features(row, rows[good], features), _batch(left_out, _schema.FEATURES)]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _features(row: Row, rows: np.ndarray[Any, Any], features: lamella.Features) -> pa.RecordBatch:
    plan = features.plan
    n, d = features.values.shape
    same = {"slide_id": row["slide_id"], "feature_space": features.feature_space,
            "precision": features.precision, "plan_sha256": row["plan_sha256"],
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


def score_rows(batches: Batches, *, classifier: lamella.Classifier, names: list[str]) -> Batches:
    """The scores, then the columns with these names."""
    made = [field.name for field in _schema.probabilities(classifier.classes)]
    for batch in batches:
        scores = _scores(batch, classifier)
        yield pa.RecordBatch.from_arrays(
            [*(scores[name] for name in made), *(batch.column(name) for name in names)],
            names=[*made, *names])


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
