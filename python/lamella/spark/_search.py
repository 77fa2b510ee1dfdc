# SPDX-License-Identifier: Apache-2.0
"""The trials of a search side by side on a cluster: a trial is one task of a job of its own, and what
to begin, what came of it and the choice are the core's, as on one machine."""

from __future__ import annotations

import json
import os
import pickle
import re
import sys
import threading
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

import lamella
from lamella import _core
from lamella._study import calling_client, override_texts
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from lamella.spark import _worker
from lamella.spark._paths import local_path
from lamella.spark._session import cores, from_rows, setting, stop_jobs, stoppable, to_arrow
from lamella.spark._ship import ship
from lamella.spark._study import StudyPieces

MOST_AT_ONCE = 16  # where nobody knows how many the cluster runs
TELLING = re.compile(r"(?:[\w.]*\.)?\w*(?:Error|Exception): (.+)")


def search(study: str | os.PathLike[str], spark: SparkSession, *,
           overrides: Mapping[str, Any] | Iterable[str] = (), parallelism: int | None = None,
           threads: int | None = None, progress: bool = False) -> lamella.SearchResult:
    """As lamella.search, with the same trials, figures and choice bit for bit; trials are made on the
    executors, so many at a time (default: as many as the cluster runs tasks), those that share
    features one after another. The study file, its slides and its output must lie where driver and
    executors all see them. The chosen trial is run whole as by lamella.spark.run, whose
    table lies in its output.

    threads: of a trial (default: spark.task.cpus). progress: says each trial that has ended. A trial
    that fails, or whose task Spark gives up, is named and counted, and the others go on. Executors
    that send trials to MLflow use the driver's MLFLOW_* and DATABRICKS_* variables.
    """
    if parallelism is not None and parallelism < 1:
        raise lamella.Error(f"parallelism: found {parallelism}, expected 1 or more")
    read = _core.Study(os.path.abspath(local_path(study)), override_texts(overrides))
    each = int(setting(spark, "spark.task.cpus", "1"))
    known = cores(spark)
    most = parallelism or (MOST_AT_ONCE if known is None else max(1, known // each))
    begun = _core.StartedSearch(read, calling_client())
    try:
        _make_trials(begun, _Cluster(spark, f"lamella-search-{uuid.uuid4().hex}", threads or each,
                                     _worker.tracking_environment()), most, progress)
        chosen = begun.chosen()
        if chosen is not None:
            StudyPieces(spark, chosen, tissue_output=read.output).make(progress)
        return lamella.SearchResult(json.loads(begun.finish_json()))
    except BaseException as error:
        begun.fail(str(error) or type(error).__name__, isinstance(error, KeyboardInterrupt))
        raise
    finally:
        del begun  # the output's lock ends with it, not when memory is tidied up


class _Cluster(NamedTuple):
    spark: SparkSession
    group: str  # of all jobs of this search
    threads: int
    environment: dict[str, str]


def _make_trials(search: _core.StartedSearch, cluster: _Cluster, most: int, progress: bool) -> None:
    """As many at a time as the search and `most` allow. What ends it ends the jobs, too."""
    running: dict[Future[_core.TrialResult], _core.TrialJob] = {}
    stopped = threading.Event()
    with ThreadPoolExecutor(most, thread_name_prefix="lamella-trial") as pool:
        try:
            while True:
                while len(running) < most and (job := search.begin()) is not None:
                    running[pool.submit(_on_cluster, job, cluster, stopped)] = job
                if not running:
                    return
                for ended in wait(running, return_when=FIRST_COMPLETED).done:
                    job = running.pop(ended)
                    result = ended.result()
                    search.end(result)
                    if progress:
                        print(f"lamella: trial '{job.name}' {result.status} in "
                              f"{result.seconds:.0f} s", file=sys.stderr)
        except BaseException:
            stopped.set()
            while running and wait(running, timeout=0.2).not_done:
                stop_jobs(cluster.spark, cluster.group)
            raise


def _on_cluster(job: _core.TrialJob, cluster: _Cluster, stopped: threading.Event) -> _core.TrialResult:
    """On a thread of the driver that waits for it."""
    work = ship(_worker.make_trials, "lamella_trial", threads=cluster.threads,
                environment=cluster.environment)
    with stoppable(cluster.spark, cluster.group, f"trial {job.name}"):
        rows = from_rows(cluster.spark, [{"job": pickle.dumps(job)}], "job binary").coalesce(1)
        made = rows.mapInArrow(work, "result binary")
        if stopped.is_set():
            return job.failed("stopped")
        try:
            result: _core.TrialResult = pickle.loads(to_arrow(made)["result"][0].as_py())
            return result
        except Exception as error:
            if not isinstance(error, PySparkException) and type(error).__name__ != "Py4JJavaError":
                raise  # not of the job: the session is gone
            return job.failed(_reason(str(error)))


def _reason(text: str) -> str:
    """What an executor's Python said last, of all that Spark tells of a job that failed."""
    told = [line for line in map(str.strip, text.splitlines()) if line]
    found = [match.group(1) for line in told if (match := TELLING.fullmatch(line))]
    python = [match for match in found if not match.startswith(("Traceback", "Job aborted"))]
    return (python or found or told or ["the job failed"])[-1]
