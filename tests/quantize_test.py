# SPDX-License-Identifier: Apache-2.0
"""encoder quantize: what is drawn, measured, written and refused.

The step that needs nncf is played by a script that gives a network back; with nncf itself it is
tested by `make test-all` (the last test here, skipped where LAMELLA_NNCF_PYTHON is not set).
"""

import json
import os
import stat
from pathlib import Path

import h5py
import onnx
import pytest
from conftest import bad, good, lamella

TINY = Path(__file__).resolve().parents[1] / "testdata" / "encoders"


@pytest.fixture(scope="module")
def plans(tmp_path_factory, cohort):
    folder = tmp_path_factory.mktemp("plans")
    paths = []
    for name in ("phantom_01", "phantom_02"):
        paths.append(folder / f"{name}.h5")
        good("plan", "--slide", cohort / f"{name}.tif", "--size-px", 56, "--mpp", 1.0,
             "--annotations", cohort / f"{name}.xml", "--classes", "normal", "tumor",
                "--groups", "Tumor:tumor", "--rest-of-tissue", "normal", "--max-per-slide", 160, "--out", paths[-1])
    return paths


def played(folder, network):
    """Environment whose Python gives `network` for the int8 one and keeps what it was given."""
    script = folder / "python"
    script.write_text(f'#!/bin/sh\ncp "$5" "{folder}/pictures" && cp "{network}" "$7"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"LAMELLA_PYTHON": str(script)}


def test_the_same_network_loses_nothing(tmp_path, plans):
    out = tmp_path / "tiny-int8"
    made = good("encoder", "quantize", TINY / "tiny_views", "--plans", *plans, "--out", out,
                "--calibration-patches", 100, "--held-out-patches", 200,
                env=played(tmp_path, TINY / "tiny_views" / "network.onnx"))
    assert made["calibration_patches"] == 100 and made["held_out_patches"] == 200
    assert made["cosine_mean"] == pytest.approx(1) and made["cosine_least"] == pytest.approx(1)
    assert made["auc_f32"] == made["auc_int8"] and made["auc_f32"] > 0.5
    assert (tmp_path / "pictures").stat().st_size == 100 * 2 * 4 * 4 * 3
    info = json.loads((out / "encoder.json").read_text())
    assert info["weights"] == "int8" and info["name"] == "tiny_views-int8"
    assert info["quality"]["cosine_mean"] == made["cosine_mean"]
    assert info["views"] == [1, 2]
    assert good("encoder", "check", out)["precision"] == "int8"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures", "python", "tiny-int8"]


def test_the_drawing_depends_on_the_seed_alone(tmp_path, plans):
    pictures = {}
    for turn, seed in enumerate((7, 7, 8)):
        folder = tmp_path / str(turn)
        folder.mkdir()
        good("encoder", "quantize", TINY / "tiny", "--plans", *plans, "--out", folder / "e",
             "--seed", seed, env=played(folder, TINY / "tiny" / "network.onnx"))
        pictures[turn] = (folder / "pictures").read_bytes()
    assert pictures[0] == pictures[1] != pictures[2]


def test_a_network_that_loses_too_much_is_refused(tmp_path, plans):
    words = ["encoder", "quantize", TINY / "tiny_bgr", "--plans", *plans, "--out", tmp_path / "e"]
    other = played(tmp_path, TINY / "tiny_other_weights" / "network.onnx")
    message = bad(*words, env=other)
    for word in ("loses too much", "mean cosine", "at most 0.02", "--accept-any-loss"):
        assert word in message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures", "python"]
    made = good(*words, "--accept-any-loss", env=other)
    assert made["cosine_mean"] < 0.98
    info = json.loads((tmp_path / "e" / "encoder.json").read_text())
    assert info["quality"]["cosine_mean"] == made["cosine_mean"]
    assert info["made_from"]["name"] == "tiny_bgr"

    # On each slide it is compared again, where the network it was made of is here.
    with h5py.File(plans[0]) as file:
        slide = json.loads(file["coords"].attrs["lamella_plan"])["slide_path"]
    encode = ["encode", "--slide", slide, "--plan", plans[0], "--encoder", tmp_path / "e", "--json"]
    alone = lamella(*encode, "--out", tmp_path / "a.h5")
    assert alone.code == 0 and "is not compared with f32 on these slides" in alone.err
    beside = lamella(*encode, "--out", tmp_path / "b.h5", env={"LAMELLA_ENCODERS": str(TINY)})
    assert beside.code == 0 and "the int8 features of 64 patches have a mean cosine" in beside.err
    assert "expected at least 0.98" in beside.err and "'tiny_bgr' in f32" in beside.err
    silent = lamella(*encode, "--out", tmp_path / "c.h5", "--int8-check", 0)
    assert silent.code == 0 and "compared" not in silent.err
    # Features of the two are of different spaces.
    spaces = set()
    for encoder, name in ((tmp_path / "e", "a.h5"), (TINY / "tiny_bgr", "d.h5")):
        good("encode", "--slide", slide, "--plan", plans[0], "--encoder", encoder,
             "--out", tmp_path / name)
        with h5py.File(tmp_path / name) as file:
            spaces.add(file["features"].attrs["feature_space"])
    assert len(spaces) == 2
    mixed = lamella("train", "--features", tmp_path / "a.h5", tmp_path / "d.h5", "--out",
                    tmp_path / "model")
    assert mixed.code == 1


def test_a_sample_that_is_too_small(tmp_path, plans, cohort):
    small = tmp_path / "small.h5"
    good("plan", "--slide", cohort / "phantom_01.tif", "--size-px", 64, "--level", 0,
         "--stride-px", 64, "--region", "500,500,320,320", "--min-tissue", 0, "--out", small)
    message = bad("encoder", "quantize", TINY / "tiny", "--plans", small, "--out", tmp_path / "e")
    assert "found 25 patches" in message and "at least 64" in message
    message = bad("encoder", "quantize", TINY / "tiny", "--plans", *plans, "--out", tmp_path / "e",
                  "--calibration-patches", 5, code=2)
    assert "at least 32" in message
    assert not (tmp_path / "e").exists()


def test_without_nncf_it_says_what_to_install(tmp_path, plans):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho 'found no package nncf' >&2\nexit 1\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    words = ["encoder", "quantize", TINY / "tiny", "--plans", *plans, "--out", tmp_path / "e"]
    assert "no package nncf" in bad(*words, env={"LAMELLA_PYTHON": str(script)})
    assert "/absent/python" in bad(*words, env={"LAMELLA_PYTHON": "/absent/python"})
    assert not (tmp_path / "e").exists()


def test_what_is_int8_already_is_refused(tmp_path, plans):
    good("encoder", "quantize", TINY / "tiny", "--plans", *plans, "--out", tmp_path / "e",
         env=played(tmp_path, TINY / "tiny" / "network.onnx"))
    assert "int8 already" in bad("encoder", "quantize", tmp_path / "e", "--plans", *plans, "--out",
                                 tmp_path / "f")


@pytest.mark.skipif("LAMELLA_NNCF_PYTHON" not in os.environ,
                    reason="nncf is not installed (make test-all installs it)")
def test_a_fine_tuned_encoder_with_nncf(tmp_path, plans):
    """tiny_finetuned: what `lamella finetune` writes of the small network of its tests; they compare
    what they make with it."""
    made = good("encoder", "quantize", TINY / "tiny_finetuned", "--plans", *plans, "--out",
                tmp_path / "e", "--calibration-patches", 64, "--held-out-patches", 128,
                env={"LAMELLA_PYTHON": os.environ["LAMELLA_NNCF_PYTHON"]})
    assert 0.98 <= made["cosine_mean"] < 1
    assert good("encoder", "check", tmp_path / "e")["precision"] == "int8"


@pytest.mark.skipif("LAMELLA_NNCF_PYTHON" not in os.environ,
                    reason="nncf is not installed (make test-all installs it)")
def test_lite0_with_nncf(tmp_path, plans, cohort):
    made = good("encoder", "quantize", "lite0", "--plans", *plans, "--out", tmp_path / "lite0-int8",
                "--held-out-patches", 120, "--calibration-patches", 100,
                env={"LAMELLA_PYTHON": os.environ["LAMELLA_NNCF_PYTHON"]})
    assert 0.98 <= made["cosine_mean"] < 1
    assert made["auc_f32"] - made["auc_int8"] <= 0.005
    checked = good("encoder", "check", tmp_path / "lite0-int8", "--threads", 2)
    assert checked["precision"] == "int8" and checked["same_bits"]

    # A model on it, exported: how far it is from lamella's own is measured and in the file.
    good("encode", "--slide", cohort / "phantom_01.tif", "--plan", plans[0], "--encoder",
         tmp_path / "lite0-int8", "--out", tmp_path / "phantom_01.h5")
    good("train", "--features", tmp_path / "phantom_01.h5", "--encoder", tmp_path / "lite0-int8",
         "--l2", 0.1, "--out", tmp_path / "model")
    exported = good("model", "export", "--model", tmp_path / "model", "--out",
                    tmp_path / "model.onnx", "--measure-on", cohort / "phantom_03.tif")
    difference = exported["difference"]
    print(f"int8 model, exported: {difference}")
    assert difference["precision"] == "int8" and difference["patches"] > 50
    assert difference["mean"] <= difference["largest"] < 0.2
    recorded = {p.key: p.value for p in onnx.load(tmp_path / "model.onnx").metadata_props}
    assert float(recorded["lamella.difference_mean"]) == difference["mean"]
