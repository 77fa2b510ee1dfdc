# SPDX-License-Identifier: Apache-2.0
"""UMAP of a run's features, in its report. Needs umap-learn (make test-all installs it)."""

import json
from pathlib import Path

import pytest
from conftest import good, small_study

pytest.importorskip("umap", reason="umap-learn is not installed (make test-all)")
lamella = pytest.importorskip("lamella", reason="the Python package is not on the path")


def test_umap_of_a_run_is_in_its_report(tmp_path, cohort):
    from lamella import projecting

    (tmp_path / "study.toml").write_text(small_study(tmp_path / "out", cohort / "slides.csv"))
    folder = Path(good("run", tmp_path / "study.toml")["run_dir"])
    path = projecting.umap(folder, neighbours=10)
    made = json.loads(path.read_text())
    record = json.loads((folder / "run.json").read_text())
    n = record["metrics"]["train"]["n"] + record["metrics"]["test"]["n"]
    assert made["patches"] == made["of"] == n
    assert {len(made[key]) for key in ("x", "y", "class", "patient", "slide", "score")} == {n}
    assert set(made["class"]) == {"normal", "tumor"} and len(set(made["patient"])) == 4
    text = (folder / "report.html").read_text()
    assert 'id="umap-class"' in text and "umap-learn" in text
    # The same seed, the same picture.
    assert projecting.umap(folder, neighbours=10) == path
    assert json.loads(path.read_text()) == made


def test_umap_says_what_is_missing(tmp_path, cohort):
    from lamella import projecting

    (tmp_path / "study.toml").write_text(small_study(tmp_path / "out", cohort / "slides.csv"))
    folder = Path(good("run", tmp_path / "study.toml")["run_dir"])
    with pytest.raises(lamella.Error, match="more than 500 neighbours"):
        projecting.umap(folder, neighbours=500)
    for file in (tmp_path / "out" / "features" / "labelled").glob("*.h5"):
        file.unlink()
    with pytest.raises(lamella.Error, match="no labelled features"):
        projecting.umap(folder)
