# SPDX-License-Identifier: Apache-2.0
"""The command line as a user types it, on small synthetic slides and, where it is, the real data."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from record_schema import faults_beneath
from small_cohort import make_cohort, study_text

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("LAMELLA_PROGRAM", str(ROOT / "build" / "bin" / "lamella"))


@dataclass
class Outcome:
    code: int
    out: str
    err: str
    words: tuple = field(default_factory=tuple)

    @property
    def json(self) -> dict:
        lines = self.out.splitlines()
        assert len(lines) == 1, f"expected one JSON object on stdout, found: {self.out!r}"
        return json.loads(lines[0])


# A server of whoever runs the tests must not get their runs.
for name in [name for name in os.environ if name.startswith(("MLFLOW_", "DATABRICKS_"))]:
    del os.environ[name]


def lamella(*words, cwd=None, env=None) -> Outcome:
    run = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, cwd=cwd,
                         env={**os.environ, **(env or {})}, check=False, timeout=300)
    return Outcome(run.returncode, run.stdout, run.stderr, words)


def good(*words, **options) -> dict:
    """Runs with --json; the command must succeed."""
    outcome = lamella(*words, "--json", **options)
    assert outcome.code == 0, outcome.err
    return outcome.json


def bad(*words, code=1, **options) -> str:
    """The command must fail with this code and one 'lamella: error:' line, which is returned."""
    outcome = lamella(*words, **options)
    assert outcome.code == code, (outcome.code, outcome.err)
    lines = [line for line in outcome.err.splitlines() if line.startswith("lamella: error: ")]
    assert len(lines) == 1, outcome.err
    return lines[0].removeprefix("lamella: error: ")


@pytest.fixture(scope="session", autouse=True)
def every_record_is_of_the_schema(tmp_path_factory):
    """Whatever the tests ran, and however it ended."""
    yield
    assert faults_beneath(tmp_path_factory.getbasetemp(), good("runs", "schema")) == []


@pytest.fixture(scope="session")
def data() -> Path:
    folder = Path(os.environ.get("LAMELLA_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "idc" / "idc_14306.tif").exists():
        if os.environ.get("LAMELLA_REQUIRE_DATA"):
            pytest.fail(f"the real data is missing: {folder}")
        pytest.skip(f"the real data is not here: {folder}")
    return folder


@pytest.fixture(scope="session")
def cohort(tmp_path_factory) -> Path:
    """Four small synthetic slides of four patients, two of them for testing."""
    folder = tmp_path_factory.mktemp("cohort")
    return make_cohort(good, folder, size_px="4096,3072", seed=3)


def small_study(output, table) -> str:
    return study_text(output, table, size_px=112, most=40) + "[score]\nstride_px = 112\n"


@pytest.fixture
def study(tmp_path, cohort):
    """Writes a study file; give another table or a replaced line if wanted."""

    def write(table=None, replace=None, output=None) -> Path:
        text = small_study(output or tmp_path / "out", table or cohort / "slides.csv")
        for old, new in (replace or {}).items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "study.toml"
        path.write_text(text)
        return path

    return write
