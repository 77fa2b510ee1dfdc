# SPDX-License-Identifier: Apache-2.0
import resource
import time

import numpy as np
from lamella.spark import cut
from lamella.spark._pieces import LEAST, MOST, bounds


def sizes(patches, cores):
    made = cut(patches, cores)
    return made, [end - begin for n, count in zip(patches, made.counts) for begin, end in
                  (bounds(n, int(count), i) for i in range(int(count)))]


def test_every_patch_is_in_one_piece():
    patches = [0, 1, 255, 4097, 100_000, 0, 17]
    made, parts = sizes(patches, 2)
    assert sum(parts) == sum(patches) and min(parts) > 0 and max(parts) <= MOST
    assert list(made.first) == list(np.cumsum(made.counts) - made.counts)
    for n, count in zip(patches, made.counts):
        ends = [bounds(n, int(count), i) for i in range(int(count))]
        assert [b for b, _ in ends[1:]] == [e for _, e in ends[:-1]]
        assert not ends or (ends[0][0], ends[-1][1]) == (0, n)


def test_a_giant_slide_is_no_straggler():
    _, parts = sizes([9000, *[1000 // 7] * 7], 2)
    assert max(parts) <= 10_000 / 8 + 1


def test_a_few_hundred_patches_keep_both_cores_busy():
    _, parts = sizes([600], 2)
    assert len(parts) == 10 and max(parts) == 60


def test_small_work_is_not_ground_to_dust():
    made, parts = sizes([100, 100], 64)
    assert made.total == 4 and min(parts) >= LEAST // 2


def test_of_a_cluster_that_grows_nobody_knows_the_cores():
    made = cut([100_000], None)
    assert made.total == -(-100_000 // 391)  # a 256th of it, which is between 64 and 512
    assert cut([10_000_000], None).total == -(-10_000_000 // 512)
    assert cut([300], None).total == 5


def test_as_many_pieces_as_were_asked_for():
    assert cut([100, 20], 2, parallelism=12).total == 12
    assert cut([5], 2, parallelism=100).total == 5
    assert cut([100_000], 2, parallelism=1).total == -(-100_000 // MOST)


def test_ten_thousand_slides_are_cut_in_seconds():
    patches = np.random.default_rng(1).integers(0, 40_000, 10_000)
    start = time.monotonic()
    made = cut(patches, 400)
    assert time.monotonic() - start < 1
    assert made.total >= 10_000 * 20_000 / MOST * 0.9
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1 << 20  # KiB
