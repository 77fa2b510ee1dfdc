# SPDX-License-Identifier: Apache-2.0
"""What a long job shows on the driver, and who did the work."""

from __future__ import annotations

import sys
import threading
import time
import warnings
from collections import Counter
from typing import Any

import lamella
from pyspark.sql import SparkSession

from lamella.spark._session import is_connect

INTERVAL_S = 5.0


def counter(spark: SparkSession) -> Any:
    """Counts patches as tasks finish; None, with a warning, where there is no Spark context."""
    if is_connect(spark):
        warnings.warn("progress cannot be shown over Spark Connect, which has no counters; Spark's own "
                      "pages show the tasks", lamella.LamellaWarning, stacklevel=4)
        return None
    return spark.sparkContext.accumulator(0)


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


def report_executors(written: list[dict[str, Any]], spark: SparkSession) -> dict[str, int]:
    """Patches by executor (of the names in `executors`, with `patches`, of every row); warns when one
    did all the work though there are more."""
    counts: Counter[str] = Counter()
    for row in written:
        counts.update(dict(zip(row["executors"], row["patches"])))
    for name, patches in sorted(counts.items()):
        print(f"lamella: executor {name}: {patches} patches", file=sys.stderr)
    if len(counts) == 1 and executors(spark) > 1:
        warnings.warn(f"only one of {executors(spark)} executors worked "
                      f"({next(iter(counts))}); are there fewer pieces than executors, or do the "
                      "others have no free cores?", lamella.LamellaWarning, stacklevel=2)
    return dict(counts)


def executors(spark: SparkSession) -> int:
    """Executors that there are now, without the driver's own entry; 1 where nobody knows."""
    if is_connect(spark):
        return 1
    return max(1, int(spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size()) - 1)
