# SPDX-License-Identifier: Apache-2.0
"""Plans, features and scores as tables, by Arrow's C stream interface; whatever pyarrow is there."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import lamella
import numpy as np
import pytest


@pytest.fixture(scope="module")
def pa():
    return pytest.importorskip("pyarrow", reason="pyarrow is not installed")


@pytest.fixture(scope="module")
def plan(slide_path):
    return lamella.plan(slide_path, size_px=64, level=0, slide_id="one")


@pytest.fixture
def features(plan):
    values = np.random.default_rng(1).normal(size=(len(plan), 5)).astype(np.float32)
    return lamella.Features.from_arrays(plan, values, feature_space="net/1/64px@0.5000mpp")


def test_a_plan(pa, plan):
    table = pa.table(plan)
    assert table.column_names == ["x_px", "y_px", "label", "tissue_fraction", "inside_fraction"]
    assert table.num_rows == len(plan) > 100
    for name in table.column_names:
        values = getattr(plan, name)
        assert table.column(name).type == pa.from_numpy_dtype(values.dtype)
        assert (table.column(name).to_numpy() == values).all()
        assert table.column(name).null_count == 0
    assert table.schema.metadata[b"slide_id"] == b"one"
    assert table.schema.metadata[b"slide_path"].decode() == plan.slide_path
    table.validate(full=True)


def test_features_share_their_memory_and_outlive_their_object(pa, features):
    table = pa.table(features)
    column = table.column("features").chunk(0)
    assert column.type == pa.list_(pa.float32(), 5)
    assert column.values.buffers()[1].address == features.values.ctypes.data
    assert table.schema.metadata[b"feature_space"] == b"net/1/64px@0.5000mpp"
    expected = features.values.copy()
    del features
    gc.collect()
    assert (column.flatten().to_numpy().reshape(-1, 5) == expected).all()
    table.validate(full=True)


def test_scores(pa, tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("minx,miny,width,height,prob_normal,prob_tumor\n"
                    "0,0,64,64,0.75,0.25\n64,0,64,64,0.25,0.75\n")
    scores = lamella.Scores.load(path)
    table = pa.table(scores)
    assert table.to_pydict() == {"x_px": [0, 64], "y_px": [0, 0], "prob_normal": [0.75, 0.25],
                                 "prob_tumor": [0.25, 0.75]}
    assert scores.classes == ["normal", "tumor"]
    assert scores.values.tolist() == [[0.75, 0.25], [0.25, 0.75]]


def test_no_rows_and_a_stream_that_nobody_reads(pa, plan):
    none = plan.select(np.zeros(0, np.int64))
    assert pa.table(none).num_rows == 0
    empty = lamella.Features.from_arrays(none, np.zeros((0, 5), np.float32), feature_space="x")
    assert pa.table(empty).num_rows == 0
    before = sys.getrefcount(empty)
    stream = empty.__arrow_c_stream__()
    assert "arrow_array_stream" in repr(stream) and sys.getrefcount(empty) == before + 1
    del stream
    gc.collect()
    assert sys.getrefcount(empty) == before


def test_columns_may_be_kept_alone(pa, features):
    before = sys.getrefcount(features)
    for name in ("x_px", "features"):
        column = pa.table(features).column(name)
        gc.collect()
        assert len(column.to_pylist()) == len(features)
        assert sys.getrefcount(features) == before + 1
        del column
        gc.collect()
        assert sys.getrefcount(features) == before


def test_another_pyarrow(pa):
    """The same tests with the pyarrow that lies in LAMELLA_OTHER_PYARROW."""
    other = os.environ.get("LAMELLA_OTHER_PYARROW")
    if not other:
        pytest.skip("LAMELLA_OTHER_PYARROW names no folder")
    environment = {**os.environ, "PYTHONPATH": f"{other}:{os.environ.get('PYTHONPATH', '')}",
                   "LAMELLA_OTHER_PYARROW": ""}
    found = subprocess.run([sys.executable, "-c", "import pyarrow; print(pyarrow.__version__)"],
                           capture_output=True, text=True, check=True, env=environment)
    assert found.stdout.strip() != pa.__version__
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", Path(__file__).name, "-k",
                          "not another"], capture_output=True, text=True, check=False,
                         cwd=Path(__file__).parent, env=environment)
    assert run.returncode == 0 and "skipped" not in run.stdout, run.stdout
