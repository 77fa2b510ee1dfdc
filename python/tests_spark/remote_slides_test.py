# SPDX-License-Identifier: Apache-2.0
"""Slides at addresses: the workers read them where they lie, without a mount."""

import csv

import lamella.spark
from conftest import program
from slide_server import SlideServer
from small_cohort import study_text
from study_test import compare


def test_a_study_of_slides_on_a_web_server(spark, cohort, tmp_path):
    with SlideServer(cohort) as server:
        with open(cohort / "slides.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            row["path"] = server.url(row["path"])
            row["annotations"] = str(cohort / row["annotations"])
        table = tmp_path / "far.csv"
        with table.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        for name in ("spark", "cli"):
            (tmp_path / f"{name}.toml").write_text(study_text(tmp_path / name, table))
        result = lamella.spark.run(tmp_path / "spark.toml", spark)
        assert all(slide["status"] == "done" for slide in result["slides"])
        printed = program("run", tmp_path / "cli.toml", "--threads", 2)
        assert result["metrics"] == printed["metrics"]
        compare(tmp_path / "spark", tmp_path / "cli")
