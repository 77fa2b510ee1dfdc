# SPDX-License-Identifier: Apache-2.0
"""A Python, or a machine, that the package is not for is told so."""

import pytest
from lamella._fits import why_not


@pytest.mark.parametrize(("version", "error", "words"), [
    ((3, 9), "", ["found Python 3.9", "3.10 or later"]),
    ((3, 12), "/lib/libc.so.6: version `GLIBC_2.35' not found (required by _core.abi3.so)",
     ["GLIBC_2.35", "pip install ."]),
    ((3, 12), "libstdc++.so.6: version `GLIBCXX_3.4.30' not found", ["GLIBCXX_3.4.30"]),
    ((3, 13), "the nanobind backend module 'nanobind_backend' is not installed", ["dependency"]),
])
def test_the_reason_is_in_words(version, error, words):
    text = why_not(version, error)
    assert all(word in text for word in words), text


def test_other_reasons_are_left_as_they_are():
    assert why_not((3, 11), "no module named _core") == ""
