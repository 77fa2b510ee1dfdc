# SPDX-License-Identifier: Apache-2.0
"""The Python package beside the program, on small synthetic slides."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from small_cohort import make_cohort, study_text

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ.get("LAMELLA_PROGRAM", str(ROOT / "build" / "bin" / "lamella"))


def program(*words) -> dict:
    """What `lamella WORDS --json` prints; it must succeed."""
    run = subprocess.run([PROGRAM, *map(str, words), "--json"], capture_output=True, text=True,
                         check=False, timeout=600)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="session")
def cohort(tmp_path_factory) -> Path:
    """Four slides of four patients with annotations; slides.csv: two train, two test."""
    folder = tmp_path_factory.mktemp("cohort")
    return make_cohort(program, folder, size_px="2048,1536", seed=5)


@pytest.fixture(scope="session")
def slide_path(cohort) -> Path:
    return cohort / "phantom_01.tif"


@pytest.fixture
def study(tmp_path, cohort):
    def write(output="out", **changes) -> Path:
        text = study_text(tmp_path / output, changes.get("table", cohort / "slides.csv"))
        path = tmp_path / f"{Path(output).name}.toml"
        path.write_text(text)
        return path

    return write
