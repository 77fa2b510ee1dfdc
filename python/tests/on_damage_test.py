# SPDX-License-Identifier: Apache-2.0
"""Patches that cannot be read, left out by choice, in Python."""

import pickle
import shutil

import lamella
import numpy as np
import pytest
import tifffile


@pytest.fixture(scope="module")
def damaged(slide_path, tmp_path_factory):
    path = shutil.copy(slide_path, tmp_path_factory.mktemp("damaged") / "s.tif")
    with tifffile.TiffFile(path) as file:
        page = file.pages[1]  # 1 um/px, what is read
        tile = page.chunked[1] * (page.chunked[0] // 2) + page.chunked[1] // 2
        start = page.dataoffsets[tile] + page.databytecounts[tile] // 2
    with open(path, "r+b") as file:
        file.seek(start)
        file.write(b"\xff\xd8" * 200)
    return path


@pytest.fixture(scope="module")
def plan(damaged):
    return lamella.plan(damaged, size_px=56, mpp=1, tissue="none")


def test_encode_and_what_comes_after(damaged, plan, slide_path, tmp_path):
    with pytest.raises(lamella.Error, match="tile"):
        lamella.encode(damaged, plan)
    with pytest.warns(lamella.LamellaWarning, match="left out, as their pixels cannot be read"):
        features = lamella.encode(damaged, plan, on_damage="skip")
    left_out = features.plan.left_out
    assert 0 < len(left_out) == len(plan) - len(features)
    places = set(zip(plan.x_px.tolist(), plan.y_px.tolist()))
    kept = set(zip(features.plan.x_px.tolist(), features.plan.y_px.tolist()))
    assert kept | {(x, y) for x, y, _ in left_out} == places
    assert all("s.tif" in cause for _, _, cause in left_out)
    assert np.isfinite(features.values).all()

    with pytest.warns(lamella.LamellaWarning, match="left out"):
        written = lamella.encode(damaged, plan, on_damage="skip", out=tmp_path / "f.h5")
    again = pickle.loads(pickle.dumps(features))
    for other in (written, again):
        assert other.values.tobytes() == features.values.tobytes()
        assert [(x, y) for x, y, _ in other.plan.left_out] == [(x, y) for x, y, _ in left_out]
        assert other.plan.warnings == features.plan.warnings

    # As a cluster puts them together.
    rows = {i: cause for i, (x, y) in enumerate(zip(plan.x_px, plan.y_px))
            for a, b, cause in left_out if (x, y) == (a, b)}
    joined = lamella.Features.from_arrays(plan, features.values, left_out=rows,
                                          feature_space=features.feature_space)
    assert joined.plan.warnings == features.plan.warnings
    with pytest.raises(lamella.Error, match="left_out: found row"):
        lamella.Features.from_arrays(plan, features.values, left_out={len(plan): "no"},
                                     feature_space="x")


def test_extract_and_plan(damaged, plan, tmp_path):
    with pytest.warns(lamella.LamellaWarning, match="left out"):
        made = lamella.extract(damaged, plan, tmp_path / "out", on_damage="skip", format="null")
    assert made["failed"] > 0 and made["failed"] + made["patches"] == len(plan)
    with pytest.raises(lamella.Error, match="on_damage"):
        lamella.encode(damaged, plan, on_damage="perhaps")
