# SPDX-License-Identifier: Apache-2.0
"""Patches that cannot be read, left out on the cluster as by `lamella run`."""

import shutil
import subprocess

import lamella
import lamella.spark
import pytest
import tifffile
from conftest import PROGRAM
from small_cohort import study_text
from study_test import compare


@pytest.fixture(scope="module")
def damaged(cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged") / "cohort"
    shutil.copytree(cohort, folder)
    path = folder / "phantom_03.tif"
    with tifffile.TiffFile(path) as file:
        page = file.pages[1]  # 1 um/px, what is read
        tile = page.chunked[1] * (page.chunked[0] // 2) + page.chunked[1] // 2
        start = page.dataoffsets[tile] + page.databytecounts[tile] // 2
    with open(path, "r+b") as file:
        file.seek(start)
        file.write(b"\xff\xd8" * 200)
    return folder


def test_a_study_leaves_out_the_same(spark, damaged, tmp_path):
    studies = {}
    for name in ("spark", "cli"):
        studies[name] = tmp_path / f"{name}.toml"
        studies[name].write_text(study_text(tmp_path / name, damaged / "slides.csv"))
    with pytest.warns(lamella.LamellaWarning, match="left out, as their pixels"):
        result = lamella.spark.run(studies["spark"], spark,
                                   overrides={"patches.on_damage": "skip"})
    printed = subprocess.run([PROGRAM, "run", studies["cli"], "--skip-errors"], check=False)
    assert printed.returncode == 3
    assert all(slide["status"] == "done" for slide in result["slides"])
    compare(tmp_path / "spark", tmp_path / "cli")
    table = spark.read.parquet(str(tmp_path / "spark/spark/features"))
    lost = table.where("left_out is not null").collect()
    assert len(lost) == sum(slide["patches_left_out"] for slide in result["slides"]) > 0
    assert all(row["row"] is None and "phantom_03.tif" in row["error"] for row in lost)
    for kind in ("labelled", "grid"):
        mine, other = (lamella.Features.load(tmp_path / name / "features" / kind / "phantom_03.h5")
                       for name in ("spark", "cli"))
        assert mine.plan.left_out == other.plan.left_out
        assert mine.plan.warnings == other.plan.warnings
