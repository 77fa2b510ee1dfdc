# SPDX-License-Identifier: Apache-2.0
"""Both encoders come with the package, and encode."""

import subprocess
import sys
from pathlib import Path

import lamella
import numpy as np
import pytest

PACKAGE = Path(lamella.__file__).parent


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom")
    subprocess.run([Path(sys.executable).parent / "lamella", "phantom", "--out", folder, "--slides",
                    "1", "--size-px", "1024,768", "--seed", "5"], check=True, capture_output=True)
    return folder / "phantom_01.tif"


@pytest.mark.parametrize(("name", "dimension"), [("lite0", 424), ("lite0-context", 848)])
def test_it_encodes(slide, name, dimension):
    encoder = lamella.Encoder(name, threads=1)
    assert str(PACKAGE) in str(encoder.folder)
    plan = lamella.plan(slide, size_px=64, level=0, tissue="none").select(np.arange(8))
    values = lamella.encode(slide, plan, encoder=encoder, threads=1).values
    assert values.shape == (8, dimension) and np.isfinite(values).all()
    assert (values.std(axis=0) > 0).any()
