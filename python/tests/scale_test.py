# SPDX-License-Identifier: Apache-2.0
"""Real slides beside their own coarse copies: a model sees the same in both."""

import os
from pathlib import Path

import lamella
import numpy as np
import pytest
import tifffile
from conftest import ROOT

MPP = 4.0


@pytest.fixture(scope="module")
def data() -> Path:
    folder = Path(os.environ.get("LAMELLA_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "idc" / "idc_14082.tif").exists():
        if os.environ.get("LAMELLA_REQUIRE_DATA"):
            pytest.fail(f"the real data is missing: {folder}")
        pytest.skip(f"the real data is not here: {folder}")
    return folder


@pytest.fixture(scope="module")
def features(data):
    slide = data / "idc" / "idc_14082.tif"
    plan = lamella.plan(slide, size_px=50, level=0, tissue="none", slide_mpp=MPP,
                        classes=["normal", "tumor"],
                        centers=[(data / "idc" / "tumor.txt", "tumor"),
                                 (data / "idc" / "normal.txt", "normal")])
    return lamella.encode(slide, plan, precision="f32")


@pytest.fixture(scope="module")
def model(features):
    return lamella.train([features], l2=0.1)


def write_tiff(path: Path, pixels: np.ndarray, mpp: float) -> None:
    tifffile.imwrite(path, pixels, tile=(256, 256), photometric="rgb", compression="deflate",
                     resolution=(1e4 / mpp, 1e4 / mpp), resolutionunit=3)


def reduced(pixels: np.ndarray, times: int) -> np.ndarray:
    """Means of times x times pixels, what is left over at the borders cut off."""
    height, width = (side // times for side in pixels.shape[:2])
    parts = pixels[:height * times, :width * times].reshape(height, times, width, times, 3)
    return np.floor(parts.mean(axis=(1, 3)) + 0.5).astype(np.uint8)


def agreement(fine: lamella.Slide, coarse: lamella.Slide, model) -> float:
    """Correlation of the scores of patches all over the slide."""
    width, height = coarse.size
    places = np.array([(x, y) for y in range(0, height - 50, 20)
                       for x in range(0, width - 50, 20)], np.int64)
    of_coarse = lamella.score(coarse, model, positions=places).values[:, 1]
    exact = places * (np.array(coarse.mpp) / fine.mpp)
    of_fine = lamella.score(fine, model, positions=np.rint(exact).astype(np.int64)).values[:, 1]
    assert len(places) >= 100 and np.std(of_coarse) > 0.05, "the scores must tell something"
    r = float(np.corrcoef(of_fine, of_coarse)[0, 1])
    print(f"{fine!r}: r = {r:.4f} of {len(places)} patches")
    return r


# The copy is made of the level that is read for 4 µm/px. The second slide has no mpp and JPEG 2000
# tiles, which are not read reduced; its level 1 is a picture of its own, 3.9 grey values on average
# from the means of level 0's pixels, which alone makes r = 0.92, whoever reads it.
@pytest.mark.parametrize(("name", "level"), [
    ("CMU-1-Small-Region.svs", 0), ("tcga-cr-7395-01a-01-ts1.svs", 1)])
def test_scores_of_a_slide_and_of_its_own_coarse_copy_agree(data, model, tmp_path, name, level):
    fine = lamella.Slide(data / "slides" / name, mpp=0.5)
    assert level == len(fine.levels) - 1
    times = 8 >> level
    pixels = np.asarray(fine.read_region(0, 0, *fine.levels[level].size, level=level))
    mpp = 0.5 * fine.levels[level].downsample[0] * times
    write_tiff(tmp_path / "copy.tif", reduced(pixels, times), mpp)
    assert agreement(fine, lamella.Slide(tmp_path / "copy.tif", mpp=mpp), model) >= 0.98


def test_nothing_differs_where_the_finest_level_is_the_only_one(data, model, tmp_path):
    slide = lamella.Slide(data / "slides" / "tcga-cr-7395-01a-01-ts1.svs")
    pixels = np.asarray(slide.read_region(0, 0, *slide.size))
    write_tiff(tmp_path / "fine.tif", pixels, 0.5)
    write_tiff(tmp_path / "copy.tif", reduced(pixels, 8), MPP)
    fine, coarse = (lamella.Slide(tmp_path / f"{name}.tif", mpp=mpp)
                    for name, mpp in (("fine", 0.5), ("copy", MPP)))
    assert agreement(fine, coarse, model) >= 0.9999


def test_what_is_of_the_earlier_resampling_is_refused_with_the_reason(features, model, tmp_path):
    earlier = features.feature_space.replace("-scaled-first", "")
    assert earlier != features.feature_space
    old = lamella.Features.from_arrays(features.plan, features.values, feature_space=earlier)
    with pytest.raises(lamella.Error, match="earlier lamella.*encode and train again"):
        lamella.score(old, model)
    with pytest.raises(lamella.Error, match="earlier lamella.*encode and train again"):
        lamella.train([old], l2=0.1)
    model.save(tmp_path / "model")
    text = (tmp_path / "model" / "model.json").read_text()
    (tmp_path / "model" / "model.json").write_text(text.replace("-scaled-first", ""))
    with pytest.raises(lamella.Error, match="earlier lamella.*encode and train again"):
        lamella.Model.load(tmp_path / "model")
