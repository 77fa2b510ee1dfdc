# SPDX-License-Identifier: Apache-2.0
"""PyTorch modules as encoders, without a file between. Random weights of a fixed seed."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
lamella = pytest.importorskip("lamella", reason="the package is not built")
from small_cohort import make_cohort  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("LAMELLA_PROGRAM", str(ROOT / "build/bin/lamella"))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    def program(*words):
        subprocess.run([PROGRAM, *map(str, words), "--quiet"], check=True)

    return make_cohort(program, tmp_path_factory.mktemp("cohort"), size_px="2048,1536", seed=5)


@pytest.fixture(scope="module")
def plans(cohort):
    return [lamella.plan(cohort / f"phantom_0{i}.tif", size_px=56, mpp=1.0,
                         annotations=[cohort / f"phantom_0{i}.xml"], classes=["normal", "tumor"],
                         groups=["Tumor:tumor"],
                         rest_of_tissue="normal", max_per_slide=60) for i in (1, 2, 3)]


def network(seed=7):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=2), torch.nn.ReLU(),
                               torch.nn.Conv2d(8, 16, 3, stride=2), torch.nn.ReLU(),
                               torch.nn.BatchNorm2d(16))


def encoder_of(module, **options):
    return lamella.torch_encoder(module, **{"name": "small", "input_px": 64, **options})


def by_hand(module, plan, rows=slice(None), **preprocessing):
    """The module's own output on the patches, one batch, plain PyTorch."""
    from lamella.importing import IMAGENET_MEAN, IMAGENET_STD
    (batch,) = lamella.PatchDataset(plan.slide_path, plan, output_px=64, plan_order=True,
                                    batch_size=len(plan))
    pixels = np.array(batch.pixels[rows], np.float32)
    scaled = (pixels - preprocessing.get("mean", IMAGENET_MEAN)) / IMAGENET_STD
    with torch.no_grad():
        planes = torch.from_numpy(scaled.transpose(0, 3, 1, 2).astype(np.float32))
        return module.eval()(planes).mean(dim=(2, 3)).numpy()


def test_features_are_the_modules_own(plans):
    module = network()
    encoder = encoder_of(module, batch_size=32)  # several batches, the last not full
    features = lamella.encode(plans[0].slide_path, plans[0], encoder=encoder)
    assert features.values.shape == (len(plans[0]), 16) and encoder.dimension == 16
    np.testing.assert_allclose(features.values, by_hand(module, plans[0]), rtol=1e-4, atol=1e-5)
    assert not module.training
    one = lamella.encode(plans[0].slide_path, plans[0], encoder=encoder, threads=1)
    assert one.values.tobytes() == features.values.tobytes()
    assert features.feature_space == encoder.feature_space(plans[0])


def test_as_the_same_network_imported(plans, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    from lamella import importing
    module = network()
    folder = importing.from_torch(module, tmp_path / "encoder", input_px=64)
    a = lamella.encode(plans[0].slide_path, plans[0], encoder=encoder_of(module)).values
    b = lamella.encode(plans[0].slide_path, plans[0], encoder=folder, precision="f32").values
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_they_train_and_score_like_others(plans, tmp_path):
    encoder = encoder_of(network())
    features = [lamella.encode(plan.slide_path, plan, encoder=encoder) for plan in plans]
    model = lamella.train(features[:2], l2=0.01, encoder=encoder)
    scores = lamella.score(features[2], model)
    assert lamella.evaluate(scores, plans[2])["all"]["auc"] > 0.8
    grid = lamella.score(plans[2].slide_path, model, encoder=encoder, stride_px=112)
    assert len(grid) > 20 and np.isfinite(grid.values).all()
    features[0].save(tmp_path / "a.h5")
    again = lamella.Features.load(tmp_path / "a.h5")
    assert lamella.score(again, model).values.tobytes() == \
        lamella.score(features[0], model).values.tobytes()
    with pytest.raises(lamella.Error, match="give it: encoder="):
        lamella.score(plans[2].slide_path, model)
    with pytest.raises(lamella.Error, match="in memory alone.*from_torch"):
        model.save(tmp_path / "model")


def test_other_weights_are_other_features(plans):
    one, other = encoder_of(network(7)), encoder_of(network(8))
    assert one.sha256 == encoder_of(network(7)).sha256 != other.sha256
    features = lamella.encode(plans[0].slide_path, plans[0], encoder=one)
    with pytest.raises(lamella.Error, match="were made by"):
        lamella.train([features], l2=1.0, encoder=other)
    model = lamella.train([features], l2=1.0, encoder=one)
    with pytest.raises(lamella.Error, match="the model needs the encoder"):
        lamella.score(plans[0].slide_path, model, encoder=other)


def test_views_and_colour_order(plans):
    module = network()
    both = lamella.encode(plans[0].slide_path, plans[0], encoder=encoder_of(module, views=(1, 2)))
    one = lamella.encode(plans[0].slide_path, plans[0], encoder=encoder_of(module))
    assert both.values.shape[1] == 32
    np.testing.assert_allclose(both.values[:, :16], one.values, rtol=1e-4, atol=1e-5)
    assert np.abs(both.values[:, 16:] - one.values).max() > 1e-3
    flipped = torch.nn.Sequential(Flip(), module)
    bgr = encoder_of(flipped, colour_order="bgr", mean=(1, 2, 3), std=(4, 5, 6))
    rgb = encoder_of(module, mean=(3, 2, 1), std=(6, 5, 4))
    a, b = (lamella.encode(plans[0].slide_path, plans[0], encoder=e).values for e in (bgr, rgb))
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


class Flip(torch.nn.Module):
    def forward(self, planes):
        return planes.flip(1)


class Fails(torch.nn.Module):
    def __init__(self, what):
        super().__init__()
        self.what, self.calls = what, 0

    def forward(self, planes):
        self.calls += 1
        vectors = planes.mean(dim=(2, 3))
        if self.what == "tokens":
            return planes.flatten(2)
        if self.calls > 1 and self.what == "raises":
            raise RuntimeError("no memory on the device")
        if self.calls > 1 and self.what == "nan":
            vectors[2, 1] = float("nan")
        return vectors[:, :2] if self.calls > 1 and self.what == "narrow" else vectors


def test_what_goes_wrong(plans):
    with pytest.raises(ValueError, match=r"found an output \(1, 3, 4096\).*wrap it"):
        encoder_of(Fails("tokens"))
    for what, kind, message in (("raises", RuntimeError, "no memory on the device"),
                                ("nan", lamella.Error, r"patch at \(\d+, \d+\).*number 1 .* is nan"),
                                ("narrow", lamella.Error, "x 2 numbers of the encoder 'small'")):
        encoder = encoder_of(Fails(what))
        with pytest.raises(kind, match=message):
            lamella.encode(plans[0].slide_path, plans[0], encoder=encoder)
    for options in ({"name": "a/b"}, {"std": (1, 0, 1)}, {"colour_order": "grb"}):
        with pytest.raises(lamella.Error, match=next(iter(options))):
            encoder_of(network(), **options)
    with pytest.raises(ValueError, match="f32 or bf16"):
        encoder_of(network(), precision="f16")


def test_bf16(plans):
    module = network()
    values = lamella.encode(plans[0].slide_path, plans[0],
                            encoder=encoder_of(module, precision="bf16"))
    assert values.precision == "bf16"
    np.testing.assert_allclose(values.values, by_hand(module, plans[0]), rtol=0.2, atol=0.1)
