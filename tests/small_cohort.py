# SPDX-License-Identifier: Apache-2.0
"""A cohort of synthetic slides and a study on it, for every suite of tests that needs one."""

import hashlib
import json
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

STUDY = """
name = "small"
output = "{output}"
[slides]
table = "{table}"
[patches]
size_px = {size_px}
mpp = 1.0
max_per_slide = {most}
[classes]
normal = {{ rest_of_tissue = true }}
tumor = {{ annotations = ["Tumor"] }}
[train]
l2 = 0.1
"""


def make_cohort(program, folder: Path, *, size_px: str, seed: int) -> Path:
    """Four slides of four patients with annotations; slides.csv: two train, two test.
    `program` runs the command line with the words it is given."""
    program("phantom", "--out", folder, "--slides", 4, "--size-px", size_px, "--seed", seed)
    table = (folder / "slides.csv").read_text().splitlines()
    assert table[0] == "slide_id,path,patient_id,role,annotations"
    lines = [table[0]]
    for number, line in enumerate(table[1:]):
        fields = line.split(",")
        fields[3] = "train" if number < 2 else "test"
        lines.append(",".join(fields))
    (folder / "slides.csv").write_text("\n".join(lines) + "\n")
    return folder


def absolute_rows(folder: Path, train: int | None = None) -> list[str]:
    """The rows of the cohort's table, for a table at another place. train: so many first ones are to
    train on, the others to test on; else as the table says."""
    rows = []
    for number, row in enumerate((folder / "slides.csv").read_text().splitlines()[1:]):
        name, path, patient, role, annotations = row.split(",")
        if train is not None:
            role = "train" if number < train else "test"
        rows.append(f"{name},{folder / path},{patient},{role},{folder / annotations}")
    return rows


def broken_encoder(folder: Path) -> Path:
    """An encoder whose network is none, though its hash is right."""
    shutil.copytree(ROOT / "encoders" / "lite0", folder)
    (folder / "network.onnx").write_bytes(b"no network")
    info = json.loads((folder / "encoder.json").read_text())
    info |= {"name": "broken", "sha256": hashlib.sha256(b"no network").hexdigest()}
    (folder / "encoder.json").write_text(json.dumps(info))
    return folder


def study_text(output, table, *, size_px: int = 56, most: int = 20) -> str:
    return STUDY.format(output=output, table=table, size_px=size_px, most=most)
