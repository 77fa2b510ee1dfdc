# SPDX-License-Identifier: Apache-2.0
import sys

import pytest
from compare import slower
from measuring import Failed, call, in_turn, spread, summary


def test_call_gives_the_last_line_or_tells_what_failed():
    assert call([sys.executable, "-c", "print('x'); print('{\"a\": 1}')"]) == {"a": 1}
    with pytest.raises(Failed, match="code 3: no such slide"):
        call([sys.executable, "-c", "import sys; print('no such slide', file=sys.stderr); sys.exit(3)"])
    with pytest.raises(Failed, match="signal 11"):
        call([sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"])


def test_a_peer_that_crashes_is_left_out_and_named():
    turns = []

    def peer():
        turns.append("peer")
        if len(turns) > 1:
            raise Failed("cucim ...: signal 11: it said nothing")
        return {"seconds": 1}

    results, left_out = in_turn({"ours": lambda: {"seconds": 2}, "cucim": peer}, 5, ["cucim"])
    assert results == {"ours": [{"seconds": 2}] * 5}
    assert left_out == {"cucim": "cucim ...: signal 11: it said nothing"} and len(turns) == 2


def test_what_is_ours_may_not_fail():
    def ours():
        raise Failed("lamella ...: code 1")

    with pytest.raises(Failed):
        in_turn({"ours": ours}, 5, ["cucim"])


def test_summaries():
    assert spread([3, 1, 2000]) == "3 (1-2,000)"
    assert summary([{"s": 3.0}, {"s": 1.0}, {"s": 2.0}]) == {"s": [2.0, 1.0, 3.0]}


def test_slower_is_slower_in_median_and_in_the_best_round():
    base = [1.0, 1.1, 1.2]
    assert slower(base, [1.06, 1.17, 1.3])
    assert not slower(base, [1.04, 1.14, 1.2]), "within the limit"
    assert not slower(base, [1.0, 1.4, 1.5]), "one round as good as the base's: noise"
    assert not slower(base, [1.06, 1.1, 1.1]), "the median is as good"
