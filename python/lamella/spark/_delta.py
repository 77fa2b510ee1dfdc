# SPDX-License-Identifier: Apache-2.0
"""Delta Lake beside Spark: whether it is there, and whether the two can work together. Pairs: the
table of releases of Delta's documentation; from 4.1 on its artifacts name their Spark."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import lamella
from pyspark.sql import SparkSession

from lamella.spark._session import is_connect, setting

# Spark -> the newest Delta that fits it, as Maven knows it.
PAIRS = {"3.5": "io.delta:delta-spark_2.12:3.3.2", "4.0": "io.delta:delta-spark_2.13:4.0.0",
         "4.1": "io.delta:delta-spark_4.1_2.13:4.1.0", "4.2": "io.delta:delta-spark_4.2_2.13:4.4.0"}
# Of artifacts that do not name their Spark.
SPARK_OF = {"3.0": "3.5", "3.1": "3.5", "3.2": "3.5", "3.3": "3.5", "4.0": "4.0"}
SETTINGS = {"spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog"}
ARTIFACT = re.compile(r"delta-spark_(?:(\d+\.\d+)_)?2\.1\d[-:](\d+\.\d+\.\d+)")


class Delta(NamedTuple):
    version: str | None  # None: a build that does not say, as Databricks' own
    for_spark: str | None  # "4.2"; None: not known
    switched_on: bool  # by SETTINGS


def of_artifact(name: str, switched_on: bool) -> Delta:
    """name: of its jar, or as Maven knows it."""
    made = ARTIFACT.search(name)
    if made is None:
        return Delta(None, None, switched_on)
    for_spark, version = made.groups()
    return Delta(version, for_spark or SPARK_OF.get(_minor(version)), switched_on)


def found(spark: SparkSession) -> Delta | None:
    """None: its jars are not on Spark's class path."""
    if setting(spark, "spark.databricks.clusterUsageTags.sparkVersion", ""):
        return Delta(None, None, True)
    switched_on = "Delta" in setting(spark, "spark.sql.extensions", "")
    place = _jar_by_setting(spark) if is_connect(spark) else _jar(spark)
    return None if place is None else of_artifact(place, switched_on)


def _jar(spark: SparkSession) -> str | None:
    try:
        # The loader that knows of --jars and --packages, which Class.forName does not ask.
        jvm: Any = spark._jvm
        loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
        made = loader.loadClass(SETTINGS["spark.sql.extensions"])
    except Exception:
        return None
    source = made.getProtectionDomain().getCodeSource()
    return "" if source is None else str(source.getLocation())


def _jar_by_setting(spark: SparkSession) -> str | None:
    """Of a server's class path only its settings are known."""
    for key in ("spark.jars", "spark.jars.packages"):
        made = ARTIFACT.search(setting(spark, key, ""))
        if made:
            return made.group()
    return "" if "Delta" in setting(spark, "spark.sql.extensions", "") else None


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def trouble(spark_version: str, delta: Delta | None) -> str | None:
    """Why the two cannot work together, and what can; None: they can, as far as is known."""
    mine = _minor(spark_version)
    if delta is None:
        return f"found no Delta on Spark's class path; {_remedy(mine)}"
    if delta.for_spark is not None and delta.for_spark != mine:
        return (f"found Delta {delta.version}, which is made for Spark {delta.for_spark}, on Spark "
                f"{spark_version}: the two cannot work together; {_remedy(mine)}")
    if not delta.switched_on:
        return ("found Delta's jars, but Delta is not switched on; start the session with "
                + _settings())
    return None


def _settings() -> str:
    return " ".join(f"--conf {key}={value}" for key, value in SETTINGS.items())


def _remedy(spark: str) -> str:
    if spark in PAIRS:
        return f"start the session with --packages {PAIRS[spark]} {_settings()}"
    newest = list(PAIRS)[-1]
    return (f"no Delta is known to fit Spark {spark}: take Spark {newest} with --packages "
            f"{PAIRS[newest]} {_settings()}, or write Parquet")


def usable(spark: SparkSession) -> bool:
    return trouble(spark.version, found(spark)) is None


def wanted(spark: SparkSession, table: str, choice: bool | None) -> bool:
    """Whether to use Delta. choice None: where it is there and switched on. Error, before any job
    starts: it was asked for and cannot be used, or it is switched on beside a Spark it does not fit."""
    if choice is False:
        return False
    delta = found(spark)
    if choice is None and (delta is None or not delta.switched_on):
        return False
    reason = trouble(spark.version, delta)
    if reason is not None:
        raise lamella.Error(reason, table, code="unsupported")
    return True
