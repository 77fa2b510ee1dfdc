# SPDX-License-Identifier: Apache-2.0
"""A model of WSInfer's zoo as TorchScript: its probabilities on a slide are those of PyTorch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
lamella = pytest.importorskip("lamella", reason="the package is not built")
Image = pytest.importorskip("PIL.Image")

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("LAMELLA_PROGRAM", str(ROOT / "build/bin/lamella"))
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def zoo_folder(folder: Path, classes: list[str], size_px: int):
    torch.manual_seed(7)
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, stride=2), torch.nn.BatchNorm2d(8), torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, len(classes))).eval()
    with torch.no_grad():
        module[-1].weight *= 8  # probabilities that differ
    folder.mkdir()
    torch.jit.trace(module, torch.zeros(1, 3, size_px, size_px)).save(str(folder / "torchscript_model.pt"))
    (folder / "config.json").write_text(json.dumps({
        "spec_version": "1.0", "architecture": "small", "num_classes": len(classes),
        "patch_size_pixels": size_px, "spacing_um_px": 0.5, "class_names": classes,
        "transform": [{"name": "Resize", "arguments": {"size": size_px}},
                      {"name": "ToTensor", "arguments": None},
                      {"name": "Normalize", "arguments": {"mean": MEAN, "std": STD}}]}))
    return module


def run(*words) -> None:
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=False,
                          env={**os.environ, "LAMELLA_PYTHON": sys.executable})
    assert done.returncode == 0, done.stderr


class TestTorchScript:
    @pytest.mark.parametrize("classes", [["Other", "Tumor"], ["a", "b", "c"]])
    def test_probabilities_are_pytorchs(self, tmp_path, classes):
        module = zoo_folder(tmp_path / "zoo", classes, 32)
        rows, columns = np.mgrid[:128, :160]
        pixels = np.stack([columns, 2 * rows, 255 - columns], axis=2).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "s.tif", dpi=(50800, 50800))
        run("model", "import", tmp_path / "zoo", "--out", tmp_path / "model")
        run("score", "--slide", tmp_path / "s.tif", "--model", tmp_path / "model", "--tissue", "none",
            "--out", tmp_path / "s.csv")
        scores = lamella.Scores.load(tmp_path / "s.csv")
        assert len(scores) == 20 and scores.classes == classes
        places = [(int(x), int(y)) for x, y in zip(scores.x_px, scores.y_px)]
        patches = np.stack([pixels[y:y + 32, x:x + 32] for x, y in places]) / 255
        given = ((patches - MEAN) / STD).transpose(0, 3, 1, 2).astype(np.float32)
        with torch.no_grad():
            expected = torch.softmax(module(torch.from_numpy(given)), 1).numpy()
        assert np.ptp(expected[:, 0]) > 0.01
        assert np.abs(scores.values - expected).max() < 2e-5
