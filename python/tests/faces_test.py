# SPDX-License-Identifier: Apache-2.0
"""Verbs that write files, in Python and on the command line: the same bytes. The others are in
verbs_test.py, those on Spark in tests_spark."""

import shutil
from pathlib import Path

import lamella
import pytest
from conftest import ROOT, program


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


@pytest.fixture(scope="module")
def trained(cohort, tmp_path_factory):
    """Plan with labels, model and scores of one slide."""
    out, slide = tmp_path_factory.mktemp("trained"), cohort / "phantom_01.tif"
    program("plan", "--slide", slide, "--size-px", 28, "--mpp", 1.0, "--annotations", cohort / "phantom_01.xml",
            "--classes", "normal", "tumor", "--groups", "Tumor:tumor", "--rest-of-tissue", "normal",
            "--out", out / "phantom_01.h5")
    program("encode", "--slide", slide, "--plan", out / "phantom_01.h5", "--out", out / "features.h5")
    program("train", "--features", out / "features.h5", "--l2", "1.0", "--out", out / "model")
    program("score", "--features", out / "features.h5", "--model", out / "model", "--out",
            out / "phantom_01.csv")
    return out


def test_export(cohort, trained, tmp_path):
    slide = cohort / "phantom_02.tif"
    printed = program("model", "export", "--model", trained / "model", "--out", tmp_path / "cli.onnx",
                      "--measure-on", slide)
    made = lamella.export(trained / "model", tmp_path / "python.onnx", measure_on=slide)
    assert (tmp_path / "python.onnx").read_bytes() == (tmp_path / "cli.onnx").read_bytes()
    assert made | {"path": ""} == printed | {"path": ""} and made["difference"]["patches"] > 0
    again = lamella.export(lamella.Model.load(trained / "model"), tmp_path / "again.onnx")
    assert again["difference"] is None


def test_calibrate(trained, tmp_path):
    scores, truth = [trained / "phantom_01.csv"], [trained / "phantom_01.h5"]
    printed = program("calibrate", trained / "model", "--scores", *scores, "--truth", *truth, "--out",
                      tmp_path / "cli")
    with pytest.warns(lamella.LamellaWarning, match="patient"):
        made = lamella.calibrate(trained / "model", scores, truth, tmp_path / "python")
    assert made | {"out": ""} == printed | {"out": ""} and made["patches"] > 0
    assert contents(tmp_path / "python") == contents(tmp_path / "cli") != {}
    with pytest.raises(TypeError):
        lamella.calibrate(trained / "model", "scores.csv", truth, tmp_path / "x")


def test_quantize(trained, tmp_path, monkeypatch):
    """The step that needs nncf is played: it gives the network back."""
    encoder, plans = ROOT / "testdata" / "encoders" / "tiny_views", [trained / "phantom_01.h5"]
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\n/bin/cp "$5" "{tmp_path}/cli-pictures" && /bin/cp "{encoder}/network.onnx" "$7"\n')
    script.chmod(0o755)
    monkeypatch.setenv("LAMELLA_PYTHON", str(script))
    words = {"calibration_patches": 40, "held_out_patches": 50}
    flags = [text for name, value in words.items() for text in ("--" + name.replace("_", "-"), value)]
    printed = program("encoder", "quantize", encoder, "--plans", *plans, "--out", tmp_path / "cli", *flags)

    def play(folder, pictures, out):
        shutil.copy(pictures, tmp_path / "python-pictures")
        shutil.copy(folder / "network.onnx", out)

    monkeypatch.setattr("lamella.quantizing.quantize", play)
    made = lamella.quantize(encoder, plans, tmp_path / "int8", **words)
    assert (tmp_path / "python-pictures").read_bytes() == (tmp_path / "cli-pictures").read_bytes()
    told = {"path": "", "speedup": 0}  # where, and how fast it was
    assert made | told == printed | told and made["held_out_patches"] == 50

    def refuse(folder, pictures, out):
        raise ValueError("found a network that takes uint8")

    monkeypatch.setattr("lamella.quantizing.quantize", refuse)
    with pytest.raises(ValueError, match="takes uint8"):
        lamella.quantize(encoder, plans, tmp_path / "x", **words)
    assert not (tmp_path / "x").exists()
