# SPDX-License-Identifier: Apache-2.0
"""Encoders as a user brings them."""

import json
import shutil
import sys
from pathlib import Path

import h5py
import numpy
import pytest
from conftest import bad, good, lamella

TINY = Path(__file__).resolve().parents[1] / "testdata" / "encoders"


def test_import_check_and_use(tmp_path, cohort):
    mine = tmp_path / "mine"
    made = good("encoder", "import", TINY / "tiny_tokens" / "network.onnx", "--out", mine,
                "--mean", "10,20,30", "--std", "2,4,8", "--output", "tokens:class_token_and_mean",
                "--prefix-tokens", 4, "--views", "1,2")
    assert (made["name"], made["input_px"], made["dimension"]) == ("mine", 4, 8)
    checked = good("encoder", "check", mine, "--threads", 2)
    assert checked["same_bits"] and checked["sees_its_input"]
    assert checked["sha256"] == made["sha256"]

    slide, plan = cohort / "phantom_01.tif", tmp_path / "plan.h5"
    good("plan", "--slide", slide, "--size-px", 64, "--level", 0, "--stride-px", 64,
         "--region", "500,500,640,640", "--min-tissue", 0, "--out", plan)
    features = {}
    for threads in (1, 2):
        out = tmp_path / f"features{threads}.h5"
        good("encode", "--slide", slide, "--plan", plan, "--encoder", mine, "--precision", "f32",
             "--threads", threads, "--out", out)
        with h5py.File(out) as file:
            features[threads] = file["features"][:]
            space = file.attrs.get("feature_space") or file["features"].attrs["feature_space"]
    assert features[1].shape == (100, 8)
    assert numpy.array_equal(features[1], features[2])
    assert "tokens:class_token_and_mean-prefix4-views1,2" in str(space)


def test_a_float_network_without_preprocessing_is_warned_about(tmp_path):
    network = TINY / "tiny_bgr" / "network.onnx"
    done = lamella("encoder", "import", network, "--out", tmp_path / "a")
    assert done.code == 0 and "no --mean and no --std" in done.err
    done = lamella("encoder", "import", network, "--out", tmp_path / "b", "--mean", "0,0,0")
    assert done.code == 0 and "--std" not in done.err
    done = lamella("encoder", "import", TINY / "tiny_pixels" / "network.onnx", "--out",
                   tmp_path / "c")
    assert done.code == 0 and "--std" not in done.err


@pytest.mark.parametrize("network, words", [
    ("tiny", ["2 outputs", "--output", "maximum [?,2]"]),
    ("tiny_tokens", ["[?,16,2]", "class_token"]),
    ("tiny_foreign", ["Twist"]),
])
def test_what_cannot_be_imported_says_why(tmp_path, network, words):
    path = TINY / network / "network.onnx"
    message = bad("encoder", "import", path, "--out", tmp_path / "mine")
    assert str(path) in message
    for word in words:
        assert word in message
    assert not (tmp_path / "mine").exists()


def test_a_network_exchanged_is_seen(tmp_path):
    shutil.copytree(TINY / "tiny", tmp_path / "e")
    shutil.copy(TINY / "tiny_bgr" / "network.onnx", tmp_path / "e")
    assert "sha256" in bad("encoder", "check", tmp_path / "e")


def test_precisions_that_cannot_be(tmp_path):
    assert "encoder quantize" in bad("encoder", "check", TINY / "tiny", "--precision", "int8")
    shutil.copytree(TINY / "tiny", tmp_path / "e")
    info = json.loads((tmp_path / "e" / "encoder.json").read_text())
    (tmp_path / "e" / "encoder.json").write_text(json.dumps(info | {"weights": "int8"}))
    assert "int8" in bad("encoder", "check", tmp_path / "e", "--precision", "f32")
    assert good("encoder", "check", tmp_path / "e")["precision"] == "int8"


def test_features_that_are_no_numbers_name_the_patch(tmp_path, cohort):
    slide, plan = cohort / "phantom_01.tif", tmp_path / "plan.h5"
    good("plan", "--slide", slide, "--size-px", 64, "--level", 0, "--stride-px", 64,
         "--region", "512,512,128,128", "--min-tissue", 0, "--out", plan)
    message = bad("encode", "--slide", slide, "--plan", plan, "--encoder", TINY / "tiny_root",
                  "--precision", "f32", "--out", tmp_path / "features.h5")
    for word in ("the patch at (", "row ", "phantom_01", "'root'", "nan"):
        assert word in message
    assert not (tmp_path / "features.h5").exists()


def test_import_from_a_framework_passes_on_what_was_given(tmp_path):
    """The framework is played by a script that keeps its words and makes a folder."""
    script, out = tmp_path / "python", tmp_path / "mine"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{tmp_path}/words"\n'
                      f'echo "$LAMELLA_PROGRAM" > "{tmp_path}/program"\n'
                      f'cp -r "{TINY}/tiny" "{out}"\n')
    script.chmod(0o755)
    made = good("encoder", "import", "net.py:make", "--from", "torch", "--out", out, "--weights",
                "a b.pth", "--mean", "1,2,3", "--std", "4,5,6", "--views", "1,2.5", "--output",
                "x:class_token", "--output", "y", "--threads", 1, env={"LAMELLA_PYTHON": str(script)})
    assert made["dimension"] == 4 and made["path"] == str(out)
    path, *words = (tmp_path / "words").read_text().splitlines()
    assert path.endswith("python/lamella/importing.py")
    assert words[:2] == ["torch", "net.py:make"]
    assert sorted(words[2:]) == sorted([f"--out={out}", "--weights=a b.pth", "--mean=1,2,3",
                                        "--std=4,5,6", "--views=1,2.5", "--output=x:class_token",
                                        "--output=y"])
    assert (tmp_path / "program").read_text().strip().endswith("/lamella")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine", "program", "python", "words"]


def test_import_from_a_framework_that_is_not_there(tmp_path):
    words = ["encoder", "import", "vit_small_patch16_224", "--from", "timm", "--out", tmp_path / "e"]
    message = bad(*words, env={"LAMELLA_PYTHON": sys.executable})
    assert "found no package timm" in message and "LAMELLA_PYTHON" in message
    assert "/absent/python" in bad(*words, env={"LAMELLA_PYTHON": "/absent/python"})
    assert not list(tmp_path.iterdir())
    message = bad("encoder", "import", TINY / "tiny" / "network.onnx", "--pretrained", "--out",
                  tmp_path / "e")
    assert "--pretrained belongs to --from" in message
