# SPDX-License-Identifier: Apache-2.0
"""A whole study on the cluster against `lamella run`: the same files, the same figures."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import lamella
import lamella.spark
import pytest
from conftest import program
from lamella.spark import _schema, _study
from lamella.spark._features_table import STUDY_FEATURES
from small_cohort import study_text


def write_study(folder: Path, table: Path, output: str) -> Path:
    path = folder / f"{output}.toml"
    path.write_text(study_text(folder / output, table))
    return path


def compare(mine: Path, other: Path, least: int = 8) -> None:
    """Scores, maps and model byte by byte, features value by value."""
    for kind in ("labelled", "grid"):
        for path in (other / "features" / kind).glob("*.h5"):
            a = lamella.Features.load(path)
            b = lamella.Features.load(mine / "features" / kind / path.name)
            assert a.values.tobytes() == b.values.tobytes() and len(a) > 0
            assert a.feature_space == b.feature_space and a.precision == b.precision
    names = [path.relative_to(other) for folder in ("scores", "heatmaps")
             for path in (other / folder).rglob("*") if path.suffix in (".csv", ".png", ".tiff")]
    assert len(names) >= least
    for name in [*names, Path("model/model.json")]:
        assert (mine / name).read_bytes() == (other / name).read_bytes(), name


def test_a_study(spark, cohort, tmp_path, capfd):
    table = cohort / "slides.csv"
    result = lamella.spark.run(write_study(tmp_path, table, "spark"), spark)
    printed = program("run", write_study(tmp_path, table, "cli"), "--threads", 2)
    assert result["metrics"] == printed["metrics"]
    assert all(slide["status"] == "done" for slide in result["slides"])
    compare(tmp_path / "spark", tmp_path / "cli")
    assert "executor" in capfd.readouterr().err
    # The cluster did the encoding: the run found it all.
    assert all(s["patches"] == s["patches_reused"] > 0 for s in result["slides"])
    features = spark.read.parquet(str(tmp_path / "spark/spark/features"))
    assert features.count() == sum(s["patches"] for s in result["slides"])
    again = lamella.spark.run(tmp_path / "spark.toml", spark, overrides={"name": "again"})
    assert again["metrics"] == result["metrics"]


def rows_of(spark, output: Path) -> list[tuple]:
    table = spark.read.parquet(str(output / "spark/features")).toArrow().to_pylist()
    return sorted((row["kind"], row["slide_id"], row["row"], tuple(row["features"]))
                  for row in table)


def rows_of_files(output: Path) -> list[tuple]:
    rows = []
    for path in (output / "features").rglob("*.h5"):
        values = lamella.Features.load(path).values
        rows += [(path.parent.name, path.stem, i, tuple(map(float, row)))
                 for i, row in enumerate(values)]
    return sorted(rows)


def test_the_features_table_is_whole_after_every_run(spark, cohort, tmp_path, monkeypatch):
    """A run that makes one kind of piece again keeps the rows of the other."""
    study = write_study(tmp_path, cohort / "slides.csv", "whole")
    out = tmp_path / "whole"
    lamella.spark.run(study, spark)
    first = rows_of(spark, out)
    assert first == rows_of_files(out) and {row[0] for row in first} == {"labelled", "grid"}
    lamella.spark.run(study, spark, overrides={"score.stride_px": 173})
    second = rows_of(spark, out)
    assert second == rows_of_files(out) and len(second) != len(first)
    assert ([row for row in second if row[0] == "labelled"]
            == [row for row in first if row[0] == "labelled"])

    def failing(plans, *_, **__):
        def fail(_batches):
            raise OSError("the disk is full")
        return plans.mapInArrow(fail, _schema.sql(STUDY_FEATURES))

    with monkeypatch.context() as patch:
        patch.setattr(_study, "encode_with", failing)
        with pytest.raises(Exception, match="the disk is full"):
            lamella.spark.run(study, spark, overrides={"score.stride_px": 97})
    assert rows_of(spark, out) == second
    assert [path.name for path in (out / "spark").iterdir()] == ["features"]
    # Without the table, all of it is made from the files that are there.
    shutil.rmtree(out / "spark/features")
    lamella.spark.run(study, spark, overrides={"score.stride_px": 173})
    assert rows_of(spark, out) == second


def application(*words, **environment):
    return subprocess.run([sys.executable, "-m", "lamella._spark_app", *map(str, words)],
                          capture_output=True, text=True, check=False, timeout=300,
                          env={**os.environ, **environment})


def test_the_application_says_what_is_wrong(cohort, tmp_path):
    study = write_study(tmp_path, cohort / "slides.csv", "app")
    run = application("run", study, PATH=str(tmp_path), JAVA_HOME=str(tmp_path))
    assert run.returncode == 1
    assert run.stderr.startswith("lamella: error: found no Java, expected 17")
    run = application("run", tmp_path / "none.toml", "--master", "local[1]")
    assert run.returncode == 1 and "none.toml" in run.stderr
    assert application("fly").returncode == 2
    assert Path(application("path").stdout.strip()).name == "_spark_app.py"
