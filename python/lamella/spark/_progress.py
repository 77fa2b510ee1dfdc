# SPDX-License-Identifier: Apache-2.0
"""What a long job shows on the driver, and who did the work."""

from __future__ import annotations

import sys
import threading
import time
import warnings
from typing import Any

import lamella
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

INTERVAL_S = 5.0


def counter(spark: SparkSession) -> Any:
    """Counts patches as tasks finish; None where there is no Spark context."""
    try:
        return spark.sparkContext.accumulator(0)
    except Exception:  # Spark Connect
        return None


def watch(spark: SparkSession, count: Any, total: int) -> None:
    """A line on stderr every few seconds until all patches are done."""
    def show() -> None:
        start, last = time.monotonic(), 0
        while count.value < total:
            time.sleep(INTERVAL_S)
            if spark.sparkContext._jsc is None:  # the session has ended
                return
            if count.value != last:
                last = count.value
                rate = last / (time.monotonic() - start)
                print(f"lamella: {last} of {total} patches, {rate:.0f} patches/s", file=sys.stderr)

    threading.Thread(target=show, daemon=True).start()


def report_executors(features: DataFrame, spark: SparkSession) -> dict[str, int]:
    """Patches by executor; warns when one did all the work though there are more."""
    rows = features.where("row is not null").groupBy("executor").agg(F.count("*").alias("n"))
    counts = {row["executor"]: int(row["n"]) for row in rows.collect()}
    for name, patches in sorted(counts.items()):
        print(f"lamella: executor {name}: {patches} patches", file=sys.stderr)
    if len(counts) == 1 and executors(spark) > 1:
        warnings.warn(f"only one of {executors(spark)} executors worked "
                      f"({next(iter(counts))}); are there fewer pieces than executors, or do the "
                      "others have no free cores?", lamella.LamellaWarning, stacklevel=2)
    return counts


def executors(spark: SparkSession) -> int:
    """Executors that there are now, without the driver's own entry."""
    try:
        return max(1, int(spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size()) - 1)
    except Exception:  # Spark Connect
        return 1
