# SPDX-License-Identifier: Apache-2.0
"""Verbs that write files, in Python and on the command line: the same bytes. The others are in
verbs_test.py, those on Spark in tests_spark."""

from pathlib import Path

import lamella
import pytest
from conftest import program


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def grid(cohort, tmp_path_factory):
    """A plan over the tissue of the first slide, by the command line."""
    path = tmp_path_factory.mktemp("grid") / "phantom_01.h5"
    program("plan", "--slide", cohort / "phantom_01.tif", "--size-px", 56, "--mpp", 2, "--out", path)
    return path


def test_plan(cohort, grid, tmp_path):
    plan = lamella.plan(cohort / "phantom_01.tif", size_px=56, mpp=2)
    plan.save(tmp_path / "plan.h5")
    assert (tmp_path / "plan.h5").read_bytes() == grid.read_bytes()
    assert plan.to_bytes() == grid.read_bytes()
    assert lamella.Plan.from_bytes(plan.to_bytes()).to_bytes() == plan.to_bytes()
    with pytest.raises(lamella.Error, match="bytes of a plan"):
        lamella.Plan.from_bytes(plan.to_bytes()[:100])


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_encode(cohort, grid, tmp_path, dtype):
    slide, plan = cohort / "phantom_01.tif", lamella.Plan.load(grid)
    program("encode", "--slide", slide, "--plan", grid, "--features-dtype", dtype, "--out",
            tmp_path / "cli.h5")
    made = lamella.encode(slide, plan, out=tmp_path / "python.h5", features_dtype=dtype)
    assert (tmp_path / "python.h5").read_bytes() == (tmp_path / "cli.h5").read_bytes()
    assert made.values.tobytes() == lamella.Features.load(tmp_path / "cli.h5").values.tobytes()
    if dtype == "float32":
        assert lamella.encode(slide, plan).values.tobytes() == made.values.tobytes()


@pytest.mark.parametrize("words", [
    {"format": "png"}, {"format": "jpeg", "jpeg_quality": 70, "jpeg_chroma": "4:2:0"},
    {"format": "webdataset", "shard_size": 10}])
def test_extract(cohort, grid, tmp_path, words):
    slide, plan = cohort / "phantom_01.tif", lamella.Plan.load(grid)
    flags = [text for name, value in words.items()
             for text in ("--" + name.replace("_", "-"), value)]
    printed = program("extract", "--slide", slide, "--plan", grid, *flags, "--out", tmp_path / "cli")
    made = lamella.extract(slide, plan, tmp_path / "python", **words)
    assert made["patches"] == printed["patches"] == len(plan) and made["failed"] == 0
    assert contents(tmp_path / "python") == contents(tmp_path / "cli") != {}


def test_extract_refuses_what_the_command_refuses(cohort, grid, tmp_path):
    plan = lamella.Plan.load(grid)
    with pytest.raises(lamella.Error) as caught:
        lamella.extract(cohort / "phantom_02.tif", plan, tmp_path / "x")
    assert caught.value.code == "mismatch"
    with pytest.raises(lamella.Error, match="gif"):
        lamella.extract(cohort / "phantom_01.tif", plan, tmp_path / "x", format="gif")


def test_run(study):
    """Features, model, scores, masks and maps of one study by both faces; only the record of the run
    says when and where."""
    printed = program("run", study("cli/same"), "--threads", 1)
    made = lamella.run(study("python/same"), threads=2)
    assert made["metrics"] == printed["metrics"]
    results = {}
    for name, folder in (("cli", Path(printed["run_dir"])), ("python", Path(made["run_dir"]))):
        output = folder.parent.parent
        results[name] = {path: data for path, data in contents(output).items()
                         if not path.startswith("runs/")}
    assert set(results["cli"]) == set(results["python"])
    assert {Path(path).parts[0] for path in results["cli"]} >= {
        "features", "heatmaps", "model", "plans", "scores", "tissue"}
    assert [path for path, data in results["cli"].items() if results["python"][path] != data] == []
