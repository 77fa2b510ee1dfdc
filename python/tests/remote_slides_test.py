# SPDX-License-Identifier: Apache-2.0
"""Python reads a slide from a web server as it reads the file."""

import pickle

import lamella
import numpy as np
import pytest
from slide_server import SlideServer


@pytest.fixture(scope="module")
def server(cohort):
    with SlideServer(cohort) as made:
        yield made


def test_every_verb_takes_an_address(server, cohort, tmp_path):
    address, path = server.url("phantom_01.tif"), cohort / "phantom_01.tif"
    values = {}
    for name, place in (("far", address), ("near", path)):
        with lamella.Slide(place) as slide:
            plan = lamella.plan(slide, size_px=56, mpp=2, stride_px=56)
            values[name] = (len(plan), lamella.encode(slide, plan).values,
                            next(iter(lamella.PatchDataset(slide, plan, batch_size=8, plan_order=True))).pixels)
            assert lamella.extract(slide, plan, tmp_path / name, format="png")["patches"] == len(plan) > 8
    assert np.array_equal(values["far"][1], values["near"][1])
    assert np.array_equal(values["far"][2], values["near"][2])
    near = {p.relative_to(tmp_path / "near"): p.read_bytes() for p in (tmp_path / "near").rglob("*.png")}
    far = {p.relative_to(tmp_path / "far"): p.read_bytes() for p in (tmp_path / "far").rglob("*.png")}
    assert near == far != {}


def test_a_slide_travels_to_another_process_by_its_address(server):
    with lamella.Slide(server.url("phantom_01.tif")) as slide:
        again = pickle.loads(pickle.dumps(slide))  # noqa: S301 - our own bytes
        region = {"level": 1, "x": 100, "y": 50, "width": 64, "height": 32}
        assert np.array_equal(again.read_region(**region), slide.read_region(**region))


def test_what_is_wrong_is_an_error_without_the_password(server):
    with pytest.raises(lamella.Error, match="none.tif") as caught:
        lamella.plan(server.url("none.tif", user="me:secret7@"), size_px=56, mpp=2)
    assert "secret7" not in str(caught.value)
