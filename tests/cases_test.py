# SPDX-License-Identifier: Apache-2.0
"""Every folder of tests/cases: a description, and perhaps small files, of something odd that a user
met. tests/cases/README.md tells how to add one."""

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import h5py
import numpy
import pytest
from case_slides import make_slide
from conftest import PROGRAM, ROOT
from PIL import Image

CASES = ROOT / "tests" / "cases"
STEP_KEYS = {"run", "code", "error", "warns", "silent", "says", "json", "null", "plan", "pixels", "scores",
             "text", "same", "absent"}


def names() -> list[str]:
    return sorted(path.parent.relative_to(CASES).as_posix() for path in CASES.rglob("case.toml"))


def read_case(name: str) -> dict:
    case = tomllib.loads((CASES / name / "case.toml").read_text())
    unknown = set(case) - {"about", "slide", "file", "step", "needs"}
    assert not unknown, f"{name}: unknown keys {sorted(unknown)}"
    assert case.get("about") and case.get("step"), f"{name}: expected 'about' and a [[step]]"
    return case


def prepare(name: str, case: dict, folder: Path) -> None:
    for path in (CASES / name).iterdir():
        if path.name != "case.toml":
            shutil.copy(path, folder)
    for slide, item in case.get("slide", {}).items():
        make_slide(folder / slide, item)
    for file, text in case.get("file", {}).items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)


@pytest.mark.parametrize("name", names())
def test_case(name, tmp_path):
    case = read_case(name)
    if any(shutil.which(program) is None for program in case.get("needs", ())):
        pytest.skip(f"{case['needs']} is not here")
    prepare(name, case, tmp_path)
    for number, step in enumerate(case["step"], 1):
        where = f"{name}, step {number} ({step.get('run', '')})"
        unknown = set(step) - STEP_KEYS
        assert not unknown, f"{where}: unknown keys {sorted(unknown)}, expected some of {STEP_KEYS}"
        take_step(step, tmp_path, where)


def take_step(step: dict, folder: Path, where: str) -> None:
    words = [word.replace("{encoders}", str(ROOT / "testdata" / "encoders"))
             for word in shlex.split(step["run"])]
    ran = subprocess.run([PROGRAM, *words, "--json", "--threads", "1"], capture_output=True, text=True,
                         cwd=folder, check=False, timeout=300, env=dict(os.environ))
    expected = step.get("code", 1 if "error" in step else 0)
    assert ran.returncode == expected, f"{where}: exit code {ran.returncode}\n{ran.stderr}"
    lines = ran.stderr.splitlines()
    warnings = "\n".join(line for line in lines if line.startswith("lamella: warning: "))
    error = "\n".join(line for line in lines if line.startswith("lamella: error: "))
    for found, key in ((error, "error"), (warnings, "warns"), (ran.stderr, "says")):
        for text in listed(step.get(key, ())):
            assert text in found, f"{where}: expected {key} with {text!r}, found\n{ran.stderr}"
    for text in listed(step.get("silent", ())):
        assert text not in ran.stderr, f"{where}: expected nothing of {text!r}, found\n{ran.stderr}"
    if step.get("silent") is True:
        assert not warnings and not error, f"{where}: expected no warning, found\n{ran.stderr}"
    if wanted := {**step.get("json", {}), **dict.fromkeys(step.get("null", ()))}:
        compare_json(json.loads(ran.stdout), wanted, where)
    check_files(step, folder, where)


def listed(value) -> tuple:
    return () if value is True else (value,) if isinstance(value, str) else tuple(value)


def compare_json(found: dict, wanted: dict, where: str) -> None:
    for key, value in wanted.items():
        have = found
        for part in key.split("."):
            have = have[int(part)] if isinstance(have, list) else have[part]
        if isinstance(value, float):
            value = pytest.approx(value, rel=1e-6, abs=1e-9)
        assert have == value, f"{where}: json {key}: found {have!r}, expected {value!r}"


def check_files(step: dict, folder: Path, where: str) -> None:
    for check in step.get("plan", ()):
        check_plan(folder / check["file"], check, where)
    for check in step.get("pixels", ()):
        picture = numpy.asarray(Image.open(folder / check["file"]).convert("RGB")).astype(int)
        x, y = check["at"]
        difference = numpy.abs(picture[y, x] - check["rgb"]).max()
        assert difference <= check.get("within", 0), (where, check, picture[y, x])
    for check in step.get("scores", ()):
        with open(folder / check["file"], newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == check["rows"], f"{where}: {len(rows)} scores, expected {check['rows']}"
        if "columns" in check:
            assert list(rows[0]) == check["columns"], f"{where}: {list(rows[0])}"
    for file, text in step.get("text", {}).items():
        found = (folder / file).read_text()
        assert re.search(text, found), f"{where}: {file}: expected {text!r}, found\n{found[:2000]}"
    for one, other in step.get("same", ()):
        assert (folder / one).read_bytes() == (folder / other).read_bytes(), f"{where}: {one}, {other}"
    for file in step.get("absent", ()):
        assert not (folder / file).exists(), f"{where}: {file} is there"


def check_plan(path: Path, check: dict, where: str) -> None:
    with h5py.File(path) as file:
        coords = file["coords"][:]
        labels = file["label"][:] if "label" in file else numpy.full(len(coords), -1)
    found = [[int(x), int(y), int(label)] for (x, y), label in zip(coords, labels)]
    if "count" in check:
        assert len(found) == check["count"], f"{where}: {len(found)} rows, expected {check['count']}"
    for row in check.get("has", ()):
        assert row in [one[:len(row)] for one in found], f"{where}: no row {row}; found {found[:20]}"
    if "rows" in check:
        wanted = check["rows"]
        assert sorted(one[:len(wanted[0])] for one in found) == sorted(wanted), f"{where}: {found}"


def test_there_are_cases():
    assert len(names()) >= 12
