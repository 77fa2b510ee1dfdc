# SPDX-License-Identifier: Apache-2.0
"""Features as a Delta table, where Delta Lake is on Spark's class path: LAMELLA_DELTA names the
package (tools/heavy/spark.sh does), which Spark fetches as it fetches any."""

import os
import shutil

import pytest
from conftest import program
from study_test import application, compare, write_study

PACKAGE = os.environ.get("LAMELLA_DELTA")
CONFIG = {"spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
          "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
          "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1"}


@pytest.mark.skipif(not PACKAGE, reason="LAMELLA_DELTA names no package")
def test_features_land_as_a_delta_table(cohort, tmp_path):
    study = write_study(tmp_path, cohort / "slides.csv", "delta")
    words = ["--packages", PACKAGE, *(word for key, value in CONFIG.items()
                                      for word in ("--conf", f"{key}={value}")), "pyspark-shell"]
    run = application("run", study, "--master", "local[2]", PYSPARK_SUBMIT_ARGS=" ".join(words))
    assert run.returncode == 0, run.stderr
    table = tmp_path / "delta/spark/features"
    assert list((table / "_delta_log").glob("*.json")) and list(table.glob("*.parquet"))
    program("run", write_study(tmp_path, cohort / "slides.csv", "cli"), "--threads", 2)
    compare(tmp_path / "delta", tmp_path / "cli")
    # Encoded again: another version of the table, which keeps the first.
    shutil.rmtree(tmp_path / "delta/features")
    again = application("run", study, "--master", "local[2]", PYSPARK_SUBMIT_ARGS=" ".join(words))
    assert again.returncode == 0, again.stderr
    assert len(list((table / "_delta_log").glob("*.json"))) == 2
    compare(tmp_path / "delta", tmp_path / "cli")
