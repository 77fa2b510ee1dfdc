# SPDX-License-Identifier: Apache-2.0
"""The package and its use are clean to a strict type checker."""

import os
import subprocess
import sys
from pathlib import Path

import lamella
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

USE = '''
import lamella
import numpy as np

with lamella.Slide("a.svs", mpp=0.5) as slide:
    plan = lamella.plan(slide, size_px=256, mpp=0.5)
    features = lamella.encode(slide, plan, encoder="lite0")
    total: np.floating = features.values.mean()
    model = lamella.train([features], l2="cv")
    print(lamella.score(slide, model).slide_score, total)
'''


def check(folder, *words):
    """From an empty folder: in site-packages mypy takes its own modules for the user's."""
    pytest.importorskip("mypy")
    place = Path(lamella.__file__).parent.parent
    environment = {**os.environ, "MYPYPATH": "" if place.name == "site-packages" else str(place)}
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    return subprocess.run([sys.executable, "-m", "mypy", *words], capture_output=True, text=True,
                          check=False, cwd=empty, env=environment)


def test_the_package(tmp_path):
    run = check(tmp_path, "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir",
                str(tmp_path / "cache"), "-p", "lamella")
    assert run.returncode == 0, run.stdout


def test_its_use(tmp_path):
    (tmp_path / "use.py").write_text(USE)
    run = check(tmp_path, "--strict", "--cache-dir", str(tmp_path / "cache"), str(tmp_path / "use.py"))
    assert run.returncode == 0, run.stdout
    (tmp_path / "wrong.py").write_text(USE.replace("size_px=256", 'size_px="big"'))
    run = check(tmp_path, "--strict", "--cache-dir", str(tmp_path / "cache"), str(tmp_path / "wrong.py"))
    assert run.returncode == 1 and "size_px" in run.stdout + "size_px", run.stdout
