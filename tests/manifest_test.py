# SPDX-License-Identifier: Apache-2.0
"""Versions of a cohort's data."""

import hashlib
import json
import shutil

import pytest
from conftest import bad, good, lamella


@pytest.fixture
def data(cohort, tmp_path):
    """A cohort that may be changed, and its manifest."""
    shutil.copytree(cohort, tmp_path / "cohort")
    return tmp_path / "cohort"


def verify(manifest) -> list[str]:
    outcome = lamella("manifest", "verify", manifest, "--json")
    assert outcome.code == (0 if outcome.json["same"] else 1), outcome.err
    assert outcome.json["same"] == (not outcome.json["differences"])
    return [item["name"] for item in outcome.json["differences"]]


def test_the_manifest_names_every_file_and_the_run_has_its_digests(study, data, tmp_path):
    path = study(table=data / "slides.csv",
                 replace={"[score]": "[score]\nregion = [0, 0, 700, 700]"})
    out = tmp_path / "manifest.json"
    written = good("manifest", "write", path, "--out", out, "--full-hash")
    manifest = json.loads(out.read_text())
    slide = next(item for item in manifest["inputs"] if item.get("slide_id") == "phantom_02")
    assert slide["path"] == "cohort/phantom_02.tif" and slide["role"] == "train"
    assert slide["sha256"] == hashlib.sha256((data / "phantom_02.tif").read_bytes()).hexdigest()
    assert [item["kind"] for item in manifest["inputs"]] == [
        "slides table", *["slide", "annotations"] * 4]
    assert verify(out) == []
    record = json.loads((tmp_path / "out" / "runs" / good("run", path)["run_id"]
                         / "run.json").read_text())
    assert {role: part["digest"] for role, part in record["split"].items()} == written["digests"]
    # Neither the place nor whole hashes change the digest.
    (tmp_path / "moved").mkdir()
    shutil.move(data, tmp_path / "moved" / "cohort")
    shutil.move(out, tmp_path / "moved" / "manifest.json")
    assert verify(tmp_path / "moved" / "manifest.json") == []
    moved = study(table=tmp_path / "moved" / "cohort" / "slides.csv")
    assert good("manifest", "write", moved, "--out", out)["digest"] == written["digest"]


def test_every_change_is_named(study, data, tmp_path):
    out = tmp_path / "manifest.json"
    path = study(table=data / "slides.csv")
    digest = good("manifest", "write", path, "--out", out)["digest"]

    def changed() -> list[str]:
        assert good("manifest", "write", path, "--out", tmp_path / "new.json")["digest"] != digest
        return verify(out)

    xml = data / "phantom_03.xml"
    kept = xml.read_bytes()
    xml.write_bytes(kept.replace(b"Tumor", b"Tumoz", 1))
    assert changed() == ["annotations phantom_03.fingerprint", "annotations phantom_03.sha256"]
    xml.write_bytes(kept)
    table = data / "slides.csv"
    rows = table.read_text()
    table.write_text(rows.replace("phantom_02,phantom_02.tif,patient_02,train",
                                  "phantom_02,phantom_02.tif,patient_02,score"))
    assert rows != table.read_text()
    assert "slide phantom_02.role" in changed()
    table.write_text(rows + "extra,phantom_01.tif,patient_x,score,\n")
    assert "slide extra" in changed()
    table.write_text(rows)
    assert verify(out) == []
    (data / "phantom_04.tif").unlink()
    names = verify(out)
    assert "slide phantom_04.error" in names
    outcome = lamella("manifest", "write", path, "--out", tmp_path / "new.json", "--json")
    assert outcome.code == 3 and outcome.json["unreadable"] == 1 and "phantom_04" in outcome.err


def test_bad_manifests(study, data, tmp_path):
    out = tmp_path / "manifest.json"
    good("manifest", "write", study(table=data / "slides.csv"), "--out", out)
    text = out.read_text()
    out.write_text(text.replace('"role": "train"', '"role": "test"', 1))
    assert "was edited" in bad("manifest", "verify", out)
    for wrong in ("", "[]", "{}", text[:200], '{"format": 1, "inputs": 3, "digest": ""}'):
        out.write_text(wrong)
        assert "is no manifest" in bad("manifest", "verify", out), wrong
    assert "nothing.json" in bad("manifest", "verify", tmp_path / "nothing.json")
