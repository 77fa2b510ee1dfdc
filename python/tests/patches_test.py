# SPDX-License-Identifier: Apache-2.0
import lamella
import numpy as np
import pytest


@pytest.fixture(scope="module")
def plan(slide_path):
    return lamella.plan(slide_path, size_px=64, level=0)


def test_every_patch_comes_once_with_its_pixels(slide_path, plan):
    slide = lamella.Slide(slide_path)
    batches = list(lamella.PatchDataset(slide, plan, batch_size=50, threads=2))
    rows = np.concatenate([batch.rows for batch in batches])
    assert sorted(rows) == list(range(len(plan)))
    assert len(lamella.PatchDataset(slide, plan)) == len(plan)
    assert {len(batch.pixels) for batch in batches[:-1]} == {50}
    # All are held at once: none was overwritten by a later one.
    for batch in batches[:: max(1, len(batches) // 4)]:
        for pixels, row in list(zip(batch.pixels, batch.rows))[::17]:
            region = slide.read_region(plan.x_px[row], plan.y_px[row], 64, 64)
            assert (pixels == region).all()
        assert (batch.labels == -1).all()


def test_plan_order_and_size(slide_path, plan):
    dataset = lamella.PatchDataset(slide_path, plan.select(np.array([5, 1, 9])), plan_order=True,
                                   output_px=32)
    (batch,) = dataset
    assert list(batch.rows) == [0, 1, 2] and batch.pixels.shape == (3, 32, 32, 3)


def test_all_at_once_into_places_of_ones_own(slide_path, plan):
    rows = np.arange(len(plan))[::3]
    part = plan.select(rows)
    at = np.random.default_rng(1).permutation(len(rows) + 2)[:len(rows)]
    room = np.zeros((len(rows) + 2, 32, 32, 3), np.uint8)
    dataset = lamella.PatchDataset(slide_path, part, output_px=32, batch_size=7, threads=2)
    assert len(dataset.read_into(room, at)) == 0
    for batch in dataset:
        assert (room[at[batch.rows]] == batch.pixels).all()
    assert (room[np.setdiff1d(np.arange(len(room)), at)] == 0).all()
    with pytest.raises(lamella.Error, match="32 x 32 px and .* places, expected 64 x 64"):
        lamella.PatchDataset(slide_path, part).read_into(room, at)
    with pytest.raises(lamella.Error, match="no other patch has"):
        dataset.read_into(room, np.zeros_like(at))
    with pytest.raises(lamella.Error, match="expected one of 0 to"):
        dataset.read_into(room, at + 2)


def test_memory_is_used_again(slide_path, plan):
    addresses = {batch.pixels.ctypes.data
                 for batch in lamella.PatchDataset(slide_path, plan, batch_size=8)}
    assert len(addresses) <= 3


def test_bad_options(slide_path, plan):
    with pytest.raises(lamella.Error, match="batch_size"):
        list(lamella.PatchDataset(slide_path, plan, batch_size=0))
    with pytest.raises(lamella.Error, match="on_error"):
        list(lamella.PatchDataset(slide_path, plan, on_error="maybe"))


def test_pictures(slide_path, plan):
    for picture in (lamella.show_plan(plan), lamella.gallery(slide_path, plan, count=10),
                    lamella.show_zooms(slide_path, 1000, 700)):
        assert picture._repr_png_().startswith(b"\x89PNG")
        assert picture.array.ndim == 3 and picture.array.std() > 1
    assert lamella.show_zooms(slide_path, 1000, 700, size_px=64, zooms=(1, 2)).array.shape == \
        (64, 132, 3)
