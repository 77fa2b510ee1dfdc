# SPDX-License-Identifier: Apache-2.0
"""The Python package beside the program, on small synthetic slides."""

import json
import os
import subprocess
from pathlib import Path

import pytest

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
    program("phantom", "--out", folder, "--slides", 4, "--size-px", "2048,1536", "--seed", 5)
    lines = (folder / "slides.csv").read_text().splitlines()
    for i in range(1, 5):
        fields = lines[i].split(",")
        fields[3] = "train" if i <= 2 else "test"
        lines[i] = ",".join(fields)
    (folder / "slides.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def slide_path(cohort) -> Path:
    return cohort / "phantom_01.tif"


STUDY = """
name = "small"
output = "{output}"
[slides]
table = "{table}"
[patches]
size_px = 56
mpp = 1.0
from_annotations = {{ positive = ["Tumor"], negative_from_tissue = true, max_per_slide = 20 }}
[train]
l2 = 0.1
"""


@pytest.fixture
def study(tmp_path, cohort):
    def write(output="out", **changes) -> Path:
        text = STUDY.format(output=tmp_path / output, table=changes.get("table",
                                                                        cohort / "slides.csv"))
        path = tmp_path / f"{Path(output).name}.toml"
        path.write_text(text)
        return path

    return write
