# SPDX-License-Identifier: Apache-2.0
"""A whole study: outputs, reuse, one bad slide among good ones, Ctrl-C."""

import json
import os
import shutil
from pathlib import Path

from conftest import good, lamella
from damaged_tiff import corrupt_tile
from interrupted_runs import interrupt_runs


def files_of(folder: Path) -> dict[str, bytes]:
    """Everything but the run records."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and "runs" not in path.relative_to(folder).parts}


def test_run_leaves_the_whole_study(study, tmp_path):
    result = good("run", study())
    out = tmp_path / "out"
    assert [slide["status"] for slide in result["slides"]] == ["done"] * 4
    assert set(result["metrics"]) == {"train", "test"}
    test = result["metrics"]["test"]
    assert test["n"] > 20 and 0 <= test["auc"] <= 1
    if test["auc"] < 1:
        assert 0 < test["auc_independent_low"] < test["auc"] < test["auc_independent_high"] < 1
    # Two patients are too few for any interval by patients.
    assert test["intervals"]["note"]
    assert set(result["seconds"]) == {"plan", "encode", "train", "score", "map"}
    for slide_id, grid in (("phantom_01", False), ("phantom_03", True)):
        for folder in ("plans", "features"):
            assert (out / folder / "labelled" / f"{slide_id}.h5").exists()
            assert (out / folder / "grid" / f"{slide_id}.h5").exists() == grid
        assert (out / "scores" / "labelled" / f"{slide_id}.csv").exists()
        assert (out / "heatmaps" / f"{slide_id}.png").exists() == grid
        assert (out / "tissue" / f"{slide_id}.png").exists()
    record = json.loads((Path(result["run_dir"]) / "run.json").read_text())
    assert record["status"] == "FINISHED"
    assert record["metrics"] == result["metrics"]
    assert record["study"]["patches"]["size_px"] == 112
    assert len(record["inputs"][0]["fingerprint"]) == 64


def test_a_second_run_computes_nothing_again_and_gives_the_same(study, tmp_path):
    path = study()
    first = good("run", path, "--threads", 1)
    before = files_of(tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.h5")}
    second = good("run", path, "--threads", 2)
    assert second["metrics"] == first["metrics"]
    assert all(slide["patches_reused"] == slide["patches"] for slide in second["slides"])
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert files_of(tmp_path / "out") == before
    # In another folder with another thread count: the same bits (keys and paths aside).
    good("run", path, "--threads", 2, "--set", f"output={tmp_path / 'again'}")
    again = files_of(tmp_path / "again")
    for name, content in before.items():
        if name.endswith((".csv", ".png", ".tiff", ".json")):
            assert again[name] == content, name


def test_changed_labels_are_seen(study, cohort, tmp_path):
    shutil.copytree(cohort, tmp_path / "copy")
    path = study(table=tmp_path / "copy" / "slides.csv")
    good("run", path)
    xml = tmp_path / "copy" / "phantom_01.xml"
    xml.write_text(xml.read_text().replace('PartOfGroup="Tumor"', 'PartOfGroup="Tumor" ', 1))
    slides = good("run", path)["slides"]
    reused = {slide["slide_id"]: slide["patches_reused"] == slide["patches"] for slide in slides}
    assert reused == {"phantom_01": False, "phantom_02": True, "phantom_03": True,
                      "phantom_04": True}


def test_bad_slides_fail_by_name_and_the_rest_is_finished(study, cohort, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(cohort, copy)
    corrupt_tile(copy / "phantom_03.tif", level=1)  # 1.0 µm/px, what the study reads
    with open(copy / "slides.csv", "a", encoding="utf-8") as table:
        table.write("gone,gone.tif,patient_gone,score,\n")
        table.write("noise,noise.svs,patient_noise,score,\n")
    (copy / "noise.svs").write_bytes(os.urandom(1000))
    outcome = lamella("run", study(table=copy / "slides.csv",
                                   replace={"[score]": "[score]\nmin_tissue = 0.0"}), "--json")
    assert outcome.code == 3, outcome.err
    slides = {slide["slide_id"]: slide for slide in outcome.json["slides"]}
    assert {name for name, slide in slides.items() if slide["status"] == "failed"} == {
        "phantom_03", "gone", "noise"}
    assert "tile" in slides["phantom_03"]["error"]
    assert "gone.tif" in slides["gone"]["error"]
    assert slides["phantom_04"]["status"] == "done"
    assert (tmp_path / "out" / "heatmaps" / "phantom_04.png").exists()
    assert not (tmp_path / "out" / "heatmaps" / "phantom_03.png").exists()
    assert "phantom_03" in outcome.err and "gone" in outcome.err


def test_ctrl_c_leaves_nothing_half_written(study, tmp_path):
    reference = good("run", study(output=tmp_path / "whole"))
    path = study()
    interrupt_runs(path, tmp_path, (0.3, 0.8, 1.3, 1.8, 2.3))
    after = good("run", path)
    assert after["metrics"] == reference["metrics"]
