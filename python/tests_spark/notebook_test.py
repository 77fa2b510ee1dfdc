# SPDX-License-Identifier: Apache-2.0
"""The notebook of docs: its cells, one after another, beside a server that MLflow's clients know."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROGRAM, ROOT
from fake_mlflow import FakeMlflow

pytest.importorskip("pandas")
LAST = """
assert set(aucs) == {"spark.ml", "lamella"} and all(0.9 < value <= 1 for value in aucs.values())
assert result["metrics"]["test"]["auc"] > 0.9 and result["mlflow"]["mlflow_run_id"]
print("aucs", aucs)
"""


def test_the_notebook(tmp_path):
    cells = json.loads((ROOT / "docs/notebooks/spark.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    script = tmp_path / "notebook.py"
    script.write_text("\n".join([*code, LAST]))
    server = FakeMlflow()
    path = f"{Path(PROGRAM).parent}:{os.environ['PATH']}"
    try:
        run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False,
                             timeout=400, cwd=tmp_path,
                             env={**os.environ, "PATH": path, "TMPDIR": str(tmp_path),
                                  "MLFLOW_TRACKING_URI": server.uri})
    finally:
        server.stop()
    assert run.returncode == 0, run.stderr[-3000:]
    assert "night 2: 0 patches into parquet" in run.stdout
    print(run.stdout)
