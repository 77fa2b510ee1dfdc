# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning over a cluster, by Spark's TorchDistributor: one barrier stage, a process a task."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Mapping
from typing import Any

import lamella
from lamella import _core
from lamella._study import override_texts
from pyspark.sql import SparkSession


def finetune(study: str | os.PathLike[str], spark: SparkSession, *, workers: int | None = None,
             use_gpu: bool = False, overrides: Mapping[str, Any] | Iterable[str] = (),
             threads: int | None = None, **options: Any) -> dict[str, Any]:
    """As lamella.finetune, by so many processes (default: one for each task that the cluster runs at
    once), each of which reads and learns from its own patches; the result does not depend on their
    number, but for rounding. The study file, its slides and its output must lie where driver and
    executors all see them; executors need lamella, torch and onnx in their Python.

    use_gpu: one graphics card a process (nccl), else processors (gloo). threads: of a process
    (default: spark.task.cpus). A process that is killed ends the job; the same call goes on from the
    last checkpoint.
    """
    distributor = _distributor()
    own = _core.finetune_overrides(**options)
    texts = [*override_texts(overrides), *own]
    path = os.path.abspath(os.fspath(study))
    _core.Study(path, texts)  # what is wrong with it is said before a job starts
    context = _context(spark)
    cores = int(context.getConf().get("spark.task.cpus", "1"))
    count = workers or max(1, context.defaultParallelism // cores)
    context.setJobDescription(f"lamella: fine-tuning {os.path.basename(path)}, {count} processes")
    try:
        told = distributor(num_processes=count, local_mode=False, use_gpu=use_gpu).run(
            work, path, texts, threads or cores, lamella.__version__)
    finally:
        context.setJobDescription(None)
    if "error" in told:
        raise lamella.Error(told["error"], code=told["code"])
    result: dict[str, Any] = told["result"]
    return result


def work(study: str, overrides: list[str], threads: int, version: str) -> dict[str, Any]:
    """In each process. What fails in one fails in all, with the same words: they are an answer, since
    Spark would only tell that something failed."""
    from lamella.finetuning import run

    from lamella.spark._worker import executor
    try:
        if lamella.__version__ != version:
            raise lamella.Error(f"found lamella {lamella.__version__} on executor {executor()}, expected "
                                f"{version} as on the driver; install one version everywhere")
        return {"result": run(study, overrides, threads=threads)}
    except lamella.Error as error:
        return {"error": str(error), "code": error.code}


def _distributor() -> Any:
    try:
        from pyspark.ml.torch.distributor import TorchDistributor
    except ImportError as error:
        raise lamella.Error("found a Spark without TorchDistributor, expected Spark 3.4 or later",
                            code="unsupported") from error
    return TorchDistributor


def _context(spark: SparkSession) -> Any:
    try:
        return spark.sparkContext
    except Exception as error:  # Spark Connect has none
        raise lamella.Error("found a session of Spark Connect, which cannot start processes that "
                            "work together; use a session of the cluster itself, or "
                            "lamella.finetune on one machine", code="unsupported") from error


def _signature() -> inspect.Signature:
    """Its own parameters, then the options of lamella.finetune."""
    own = inspect.signature(finetune).parameters
    options = [one for name, one in inspect.signature(lamella.finetune).parameters.items()
               if name not in own and name != "progress"]
    return inspect.Signature([*(one for one in own.values() if one.name != "options"), *options],
                             return_annotation=dict)


finetune.__signature__ = _signature()  # type: ignore[attr-defined]
