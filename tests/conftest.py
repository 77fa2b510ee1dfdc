# SPDX-License-Identifier: Apache-2.0
"""The command line as a user types it, on small synthetic slides and, where it is, the real data."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

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
for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
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
    good("phantom", "--out", folder, "--slides", 4, "--size-px", "4096,3072", "--seed", 3)
    table = (folder / "slides.csv").read_text().splitlines()
    assert table[0] == "slide_id,path,patient_id,role,annotations"
    lines = [table[0]]
    for number, line in enumerate(table[1:]):
        fields = line.split(",")
        fields[3] = "train" if number < 2 else "test"
        lines.append(",".join(fields))
    (folder / "slides.csv").write_text("\n".join(lines) + "\n")
    return folder


STUDY = """
name = "small"
output = "{output}"
[slides]
table = "{table}"
[patches]
size_px = 112
mpp = 1.0
from_annotations = {{ positive = ["Tumor"], negative_from_tissue = true, max_per_slide = 40 }}
[train]
l2 = 0.1
[score]
stride_px = 112
"""


@pytest.fixture
def study(tmp_path, cohort):
    """Writes a study file; give another table or a replaced line if wanted."""

    def write(table=None, replace=None, output=None) -> Path:
        text = STUDY.format(output=output or tmp_path / "out", table=table or cohort / "slides.csv")
        for old, new in (replace or {}).items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "study.toml"
        path.write_text(text)
        return path

    return write
