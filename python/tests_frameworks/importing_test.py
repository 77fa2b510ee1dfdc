# SPDX-License-Identifier: Apache-2.0
"""Imported encoders against the framework's own output, on real patches where there are any.

Run by `make test-all`, once in an environment with Keras and once in one with PyTorch; a test
whose framework is missing is skipped by name. All weights are random and of a fixed seed: these
tests prove the conversion, not that the networks are of use.
"""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLIDE = ROOT.parent / "shared" / "data" / "idc" / "idc_14306.tif"


def load_importing():
    """The module by its file: these environments do not have the package itself."""
    path = ROOT / "python" / "lamella" / "importing.py"
    spec = importlib.util.spec_from_file_location("lamella_importing", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


importing = load_importing()


def lamella(*words):
    done = subprocess.run([importing.find_program(), *map(str, words), "--json", "--quiet"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def lamella_by_this_python(*words):
    done = subprocess.run([importing.find_program(), *map(str, words)], capture_output=True, text=True,
                          check=False, env={**os.environ, "LAMELLA_PYTHON": sys.executable})
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def slide(tmp_path_factory):
    if SLIDE.exists():
        return SLIDE
    folder = tmp_path_factory.mktemp("slide")
    lamella("phantom", "--out", folder, "--slides", 1, "--size-px", "2000,2000", "--seed", 3)
    return next(folder.rglob("*.tif*"))


class Patches:
    """A plan of the slide at one size, its pixels n x h x w x 3 in the plan's order."""

    def __init__(self, slide, folder, size_px):
        self.slide, self.folder, self.plan = slide, folder, folder / "plan.h5"
        plan = lamella("plan", "--slide", slide, "--size-px", size_px, "--level", 0, "--region",
                       "600,500,1500,1200" if slide == SLIDE else "0,0,1500,1200",
                       "--stride-px", size_px, "--min-tissue", 0, "--tissue", "none",
                       "--out", self.plan)
        lamella("extract", "--slide", slide, "--plan", self.plan, "--format", "png",
                "--out", folder / "png")
        self.count = plan["patches"]

    def pixels(self):
        import h5py
        from PIL import Image

        with h5py.File(self.plan) as file:
            coords = file["coords"][:]
        by_position = {tuple(map(int, path.stem.split("_")[-2:])): path
                       for path in (self.folder / "png").rglob("*.png")}
        return np.stack([np.asarray(Image.open(by_position[int(x), int(y)]).convert("RGB"))
                         for x, y in coords])

    def features(self, encoder):
        import h5py

        out = self.folder / "features.h5"
        lamella("encode", "--slide", self.slide, "--plan", self.plan, "--encoder", encoder,
                "--precision", "f32", "--out", out)
        with h5py.File(out) as file:
            return file["features"][:]


def least_cosine(found, expected):
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    assert found.shape == expected.shape
    assert np.abs(expected).max() > 0
    norms = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return float(((found * expected).sum(axis=1) / norms).min())


class TestKeras:
    @pytest.fixture(autouse=True)
    def framework(self):
        pytest.importorskip("keras", reason="Keras is not installed")
        pytest.importorskip("tf2onnx", reason="tf2onnx is not installed")

    @pytest.mark.parametrize("name, side", [("InceptionV3", 299), ("ResNet50", 128),
                                            ("MobileNetV2", 96), ("EfficientNetB0", 96)])
    def test_an_application_gives_its_own_features(self, slide, tmp_path, name, side):
        import keras

        model, mode = importing.keras_application(name, "random", side)
        folder = importing.from_keras(model, tmp_path / "encoder", mode=mode, licence="random")
        patches = Patches(slide, tmp_path, side)
        # The framework's own preprocessing, not ours.
        module = {"InceptionV3": keras.applications.inception_v3,
                  "ResNet50": keras.applications.resnet50,
                  "MobileNetV2": keras.applications.mobilenet_v2,
                  "EfficientNetB0": keras.applications.efficientnet}[name]
        pixels = patches.pixels()[:24].astype(np.float32)
        expected = model.predict(module.preprocess_input(pixels), verbose=0, batch_size=8)
        found = patches.features(folder)[:24]
        assert found.shape[1] == expected.shape[1]
        assert least_cosine(found, expected) >= 0.9999
        np.testing.assert_allclose(found, expected, rtol=1e-3,
                                   atol=1e-3 * np.abs(expected).max())

    def test_by_the_command_line(self, slide, tmp_path):
        lamella_by_this_python("encoder", "import", "MobileNetV2", "--from", "keras", "--weights",
                               "random", "--input-px", 96, "--licence", "random", "--out",
                               tmp_path / "mine")
        model, mode = importing.keras_application("MobileNetV2", "random", 96)
        folder = importing.from_keras(model, tmp_path / "same", mode=mode)
        patches = Patches(slide, tmp_path, 96)
        assert least_cosine(patches.features(tmp_path / "mine"), patches.features(folder)) > 0.999999

    def test_weights_from_a_file(self, tmp_path):
        model, _ = importing.keras_application("MobileNetV2", "random", 96, seed=5)
        model.save_weights(tmp_path / "own.weights.h5")
        again, _ = importing.keras_application("MobileNetV2", str(tmp_path / "own.weights.h5"), 96)
        for one, other in zip(model.get_weights(), again.get_weights()):
            np.testing.assert_array_equal(one, other)

    def test_what_cannot_be(self, tmp_path):
        with pytest.raises(importing.ImportFailure, match="'Inceptoin'.*InceptionV3"):
            importing.keras_application("Inceptoin", "random")
        with pytest.raises(importing.ImportFailure, match="absent.h5.*no such file"):
            importing.keras_application("MobileNetV2", str(tmp_path / "absent.h5"), 96)


class TestTorch:
    @pytest.fixture(autouse=True)
    def framework(self):
        torch = pytest.importorskip("torch", reason="PyTorch is not installed")
        pytest.importorskip("onnx", reason="onnx is not installed")
        torch.manual_seed(7)

    def compare(self, module, patches, folder, pooled=lambda output: output):
        import torch

        scaled = (patches.pixels()[:24].astype(np.float32) - importing.IMAGENET_MEAN) / (
            importing.IMAGENET_STD)
        with torch.no_grad():
            batch = torch.from_numpy(scaled.transpose(0, 3, 1, 2).astype(np.float32))
            expected = pooled(module.eval()(batch)).numpy()
        assert least_cosine(patches.features(folder)[:24], expected) >= 0.9999

    def convolutions(self):
        import torch

        return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=2), torch.nn.GELU(),
                                   torch.nn.Conv2d(8, 16, 3, stride=2), torch.nn.ReLU())

    def test_by_the_command_line(self, slide, tmp_path):
        import torch

        module = self.convolutions()
        torch.save(module.state_dict(), tmp_path / "state.pth")
        (tmp_path / "net.py").write_text(
            "import torch\n\ndef make():\n    return torch.nn.Sequential(\n"
            "        torch.nn.Conv2d(3, 8, 3, stride=2), torch.nn.GELU(),\n"
            "        torch.nn.Conv2d(8, 16, 3, stride=2), torch.nn.ReLU())\n")
        lamella_by_this_python("encoder", "import", f"{tmp_path}/net.py:make", "--from", "torch",
                               "--weights", tmp_path / "state.pth", "--input-px", 64, "--out",
                               tmp_path / "encoder")
        self.compare(module, Patches(slide, tmp_path, 64), tmp_path / "encoder",
                     lambda output: output.mean(dim=(2, 3)))

    def test_a_map_is_averaged(self, slide, tmp_path):
        module = self.convolutions()
        folder = importing.from_torch(module, tmp_path / "encoder", input_px=64)
        self.compare(module, Patches(slide, tmp_path, 64), folder,
                     lambda output: output.mean(dim=(2, 3)))

    @pytest.mark.parametrize("pooling, columns", [("class_token", 32), ("mean_of_tokens", 32),
                                                  ("class_token_and_mean", 64)])
    def test_tokens_of_a_transformer(self, slide, tmp_path, pooling, columns):
        import torch

        class Transformer(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.cut = torch.nn.Conv2d(3, 32, 16, stride=16)
                self.first = torch.nn.Parameter(torch.randn(1, 3, 32))  # class, two registers
                self.place = torch.nn.Parameter(torch.randn(1, 3 + 16, 32))
                layer = torch.nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
                self.blocks = torch.nn.ModuleList([layer])

            def forward(self, picture):
                tokens = self.cut(picture).flatten(2).transpose(1, 2)
                first = self.first.expand(tokens.shape[0], -1, -1)
                tokens = torch.cat([first, tokens], dim=1) + self.place
                for block in self.blocks:
                    tokens = tokens + block.linear2(torch.relu(block.linear1(
                        block.norm1(tokens + torch.softmax(
                            tokens @ tokens.transpose(1, 2) / 32, dim=-1) @ tokens))))
                return tokens

        module = Transformer()
        folder = importing.from_torch(module, tmp_path / "encoder", input_px=64, pooling=pooling,
                                      prefix_tokens=3)
        pooled = {
            "class_token": lambda tokens: tokens[:, 0],
            "mean_of_tokens": lambda tokens: tokens[:, 3:].mean(dim=1),
            "class_token_and_mean": lambda tokens: torch.cat(
                [tokens[:, 0], tokens[:, 3:].mean(dim=1)], dim=1),
        }[pooling]
        assert json.loads((folder / "encoder.json").read_text())["dimension"] == columns
        self.compare(module, Patches(slide, tmp_path, 64), folder, pooled)

    def test_several_outputs_are_concatenated(self, slide, tmp_path):
        import torch

        class Two(torch.nn.Module):
            def __init__(self, layers):
                super().__init__()
                self.layers = layers

            def forward(self, picture):
                early = self.layers[:2](picture)
                return early, self.layers[2:](early).mean(dim=(2, 3))

        module = Two(self.convolutions())
        folder = importing.from_torch(module, tmp_path / "encoder", input_px=64,
                                      output=["late", "early"][::-1],
                                      pooling=["mean_of_map", "none"])
        self.compare(module, Patches(slide, tmp_path, 64), folder,
                     lambda both: torch.cat([both[0].mean(dim=(2, 3)), both[1]], dim=1))

    def test_tokens_need_a_choice(self, tmp_path):
        import torch

        module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 16, stride=16), torch.nn.Flatten(2))
        with pytest.raises(importing.ImportFailure, match="class_token"):
            importing.from_torch(module, tmp_path / "encoder", input_px=64)
        assert not (tmp_path / "encoder").exists()

    def test_a_timm_transformer(self, slide, tmp_path):
        timm = pytest.importorskip("timm", reason="timm is not installed")
        import torch

        torch.manual_seed(3)
        module = timm.create_model("vit_tiny_patch16_224", num_classes=0)
        torch.save(module.state_dict(), tmp_path / "weights.pth")
        folder = importing.from_timm("vit_tiny_patch16_224", tmp_path / "encoder",
                                     checkpoint=str(tmp_path / "weights.pth"))
        info = json.loads((folder / "encoder.json").read_text())
        assert info["mean"] == [127.5] * 3 and info["std"] == [127.5] * 3
        patches = Patches(slide, tmp_path, 224)
        with torch.no_grad():
            batch = torch.from_numpy(patches.pixels()[:8].transpose(0, 3, 1, 2).copy()).float()
            expected = module.eval()((batch - 127.5) / 127.5).numpy()
        assert least_cosine(patches.features(folder)[:8], expected) >= 0.9999
