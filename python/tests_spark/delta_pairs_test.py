# SPDX-License-Identifier: Apache-2.0
"""Which Spark and which Delta can work together is known before a job starts."""

import glob
import os
import re
import subprocess
import sys

import lamella
import lamella.spark
import pyspark
import pytest
from conftest import ROOT
from lamella.spark import _delta


@pytest.mark.parametrize("spark, jar, words", [
    ("4.2.0", "delta-spark_4.2_2.13-4.4.0.jar", None),
    ("4.0.1", "io.delta_delta-spark_2.13-4.0.0.jar", None),
    ("3.5.7", "io.delta:delta-spark_2.12:3.3.2", None),
    ("3.5.7", "delta-spark_2.12-3.2.0.jar", None),
    ("4.2.0", "built in", None),
    ("4.3.0", "delta-spark_4.2_2.13-4.4.0.jar",
     "Delta 4.4.0, which is made for Spark 4.2, on Spark 4.3.0.*take Spark 4.2 with --packages "
     "io.delta:delta-spark_4.2_2.13:4.4.0.*or write Parquet"),
    ("4.2.0", "delta-spark_4.1_2.13-4.1.0.jar",
     "made for Spark 4.1, on Spark 4.2.0.*start the session with --packages "
     "io.delta:delta-spark_4.2_2.13:4.4.0"),
    ("4.2.0", "delta-spark_2.13-4.0.0.jar", "made for Spark 4.0.*delta-spark_4.2_2.13:4.4.0"),
    ("3.5.7", "delta-spark_2.13-4.0.0.jar", "made for Spark 4.0.*delta-spark_2.12:3.3.2"),
])
def test_pairs(spark, jar, words):
    reason = _delta.trouble(spark, _delta.of_artifact(jar, True))
    if words is None:
        assert reason is None
    else:
        assert reason is not None
        assert re.search(words, reason)


def test_what_is_missing():
    assert "no Delta on Spark's class path; start the session with --packages" in \
        _delta.trouble("4.2.0", None)
    assert "no Delta is known to fit Spark 4.3: take Spark 4.2" in _delta.trouble("4.3.0", None)
    off = _delta.of_artifact("delta-spark_4.2_2.13-4.4.0.jar", False)
    assert "not switched on; start the session with --conf spark.sql.extensions=" in \
        _delta.trouble("4.2.0", off)


@pytest.mark.skipif(pyspark.__version__.startswith("4.2"), reason="that pair can work")
def test_without_its_jars(spark, table, tmp_path):
    frame = spark.createDataFrame([{"slide_id": "a", "row": 1}])
    with pytest.raises(lamella.Error, match="found no Delta on Spark's class path"):
        lamella.spark.write(frame, str(tmp_path / "t"), format="delta")
    with pytest.raises(lamella.Error, match="found no Delta on Spark's class path"):
        lamella.spark.run(write_nothing(tmp_path), spark, delta=True)
    assert lamella.spark.write(frame, str(tmp_path / "t")).format == "parquet"
    (tmp_path / "lake/_delta_log").mkdir(parents=True)
    with pytest.raises(lamella.Error, match="found no Delta on Spark's class path"):
        lamella.spark.write(frame, str(tmp_path / "lake"))


def write_nothing(folder):
    from small_cohort import study_text
    (folder / "slides.csv").write_text("slide_id,path,patient_id,role\na,a.tif,p,train\n")
    (folder / "study.toml").write_text(study_text(folder / "out", folder / "slides.csv"))
    return folder / "study.toml"


SCRIPT = """
import sys
sys.path[:0] = {paths!r}
from conftest import session
import lamella.spark
from lamella.spark import _delta
spark = session("local[1]", **{{"spark.jars": sys.argv[1], **_delta.SETTINGS}})
frame = spark.createDataFrame([{{"slide_id": "a", "row": 1}}])
for form in (None, "delta"):
    try:
        lamella.spark.write(frame, sys.argv[2], format=form)
        print("written")
    except lamella.Error as error:
        print(error)
print(lamella.spark.write(frame, sys.argv[2], format="parquet").format)
"""


def test_a_pair_that_cannot_work_is_refused(tmp_path):
    """With the true jars, where an earlier step has fetched them."""
    jars = [jar for folder in (".ivy2.5.2", ".ivy2")
            for jar in glob.glob(os.path.expanduser(f"~/{folder}/jars/io.delta_*-4.4.0.jar"))]
    if not jars or pyspark.__version__.startswith("4.2"):
        pytest.skip("no jars of Delta for another Spark are here")
    paths = [str(ROOT / "python/tests_spark"), str(ROOT / "tests")]
    script = tmp_path / "pair.py"
    script.write_text(SCRIPT.format(paths=paths))
    run = subprocess.run([sys.executable, script, ",".join(jars), tmp_path / "t"], check=False,
                         capture_output=True, text=True, timeout=120)
    lines = run.stdout.splitlines()
    assert len(lines) == 3 and lines[2] == "parquet", run.stderr[-2000:]
    for line in lines[:2]:
        assert f"made for Spark 4.2, on Spark {pyspark.__version__}" in line
        assert "io.delta:delta-spark_4.2_2.13:4.4.0" in line
    assert not (tmp_path / "t/_delta_log").exists()
