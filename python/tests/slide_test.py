# SPDX-License-Identifier: Apache-2.0
import multiprocessing
import os
import pickle
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import lamella
import numpy as np
import pytest
import tifffile


def test_regions_are_the_files_pixels_in_the_level_0_frame(slide_path):
    with lamella.Slide(slide_path) as slide:
        assert slide.size == (2048, 1536)
        assert slide.levels[0].downsample == (1.0, 1.0)
        region = slide.read_region(300, 200, 64, 32)
        assert region.shape == (32, 64, 3) and region.dtype == np.uint8
        with tifffile.TiffFile(slide_path) as tiff:
            page = tiff.pages[0]
            assert (page.imagewidth, page.imagelength) == slide.size
        # A coarser level at the same place shows the same, smaller.
        step = round(slide.levels[1].downsample[0])
        fine = slide.read_region(512, 512, 64 * step, 64 * step)
        coarse = slide.read_region(512, 512, 64, 64, level=1)
        means = fine.reshape(64, step, 64, step, 3).mean(axis=(1, 3))
        assert np.abs(means - coarse).mean() < 4


def test_outside_is_white(slide_path):
    region = lamella.Slide(slide_path).read_region(-100, -100, 50, 50)
    assert (region == 255).all()


def test_mpp_of_the_file_and_of_the_caller(slide_path):
    assert lamella.Slide(slide_path).mpp == pytest.approx((0.5, 0.5), rel=0.01)
    slide = lamella.Slide(slide_path, mpp=0.25)
    assert slide.mpp == (0.25, 0.25) and slide.mpp_source == "user"


def test_thumbnail_and_png(slide_path):
    slide = lamella.Slide(slide_path)
    assert max(slide.thumbnail(100).shape[:2]) == 100
    assert slide._repr_png_().startswith(b"\x89PNG")
    assert "2048 x 1536 px" in repr(slide)


def test_closed(slide_path):
    with lamella.Slide(slide_path) as slide:
        pass
    assert slide.closed
    with pytest.raises(lamella.Error, match="closed; open it again") as caught:
        slide.read_region(0, 0, 1, 1)
    assert caught.value.code == "invalid argument" and caught.value.path == str(slide_path)


def test_no_handle_stays_open(slide_path):
    def handles():
        links = (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd"))
        return sum(1 for link in links if os.path.exists(link)
                   and os.path.realpath(link) == str(slide_path))
    before = handles()
    slide = lamella.Slide(slide_path)
    slide.read_region(0, 0, 64, 64)
    assert handles() > before
    slide.close()
    assert handles() == before


def test_errors_say_what(tmp_path):
    with pytest.raises(lamella.Error) as caught:
        lamella.Slide(tmp_path / "none.svs")
    assert caught.value.code == "not found" and "none.svs" in str(caught.value)
    assert caught.value.where
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.code, copy.path) == (str(caught.value), "not found", caught.value.path)


def test_pickled_slides_open_again(slide_path):
    slide = lamella.Slide(slide_path, mpp=0.3)
    copy = pickle.loads(pickle.dumps(slide))
    assert copy.mpp == (0.3, 0.3)
    assert (copy.read_region(0, 0, 64, 64) == slide.read_region(0, 0, 64, 64)).all()


def test_a_replaced_slide_is_noticed(cohort, tmp_path):
    path = tmp_path / "a.tif"
    shutil.copy(cohort / "phantom_01.tif", path)
    state = pickle.dumps(lamella.Slide(path))
    shutil.copy(cohort / "phantom_02.tif", path)
    with pytest.raises(lamella.Error, match="another file") as caught:
        pickle.loads(state).read_region(0, 0, 1, 1)
    assert caught.value.code == "mismatch"


def read_sum(slide):
    return int(slide.read_region(256, 256, 512, 512).astype(np.int64).sum())


GLOBAL = {}


def read_global(_):
    return read_sum(GLOBAL["slide"])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(slide_path, method):
    slide = lamella.Slide(slide_path)
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert set(pool.map(read_sum, [slide] * 4)) == {read_sum(slide)}


def test_a_forked_child_reads_what_it_inherits(slide_path):
    GLOBAL["slide"] = lamella.Slide(slide_path)
    expected = read_global(0)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert set(pool.map(read_global, range(4))) == {expected}
    assert read_global(0) == expected


def test_threads_share_a_slide(slide_path):
    slide = lamella.Slide(slide_path)
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(read_sum, [slide] * 16))) == 1


def test_the_interpreter_goes_on_while_reading(slide_path):
    slide = lamella.Slide(slide_path)
    turns = []
    stop = threading.Event()

    def count():
        while not stop.wait(0.0005):
            turns.append(1)

    thread = threading.Thread(target=count)
    thread.start()
    slide.read_region(0, 0, 2048, 1536)
    before = len(turns)
    for _ in range(20):
        slide.read_region(0, 0, 2048, 1536)
    stop.set()
    thread.join()
    assert len(turns) > before + 20
