# SPDX-License-Identifier: Apache-2.0
"""Records that the program wrote, against the schema that it prints."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator


def faults(validator: Draft202012Validator, record: dict) -> list[str]:
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
            for error in validator.iter_errors(record)]


def faults_beneath(folder: Path, schema: dict) -> list[str]:
    """Of all records that a run wrote (it has a log beside it), whatever became of the run."""
    validator = Draft202012Validator(schema)
    found = []
    for path in sorted(folder.rglob("runs/*/run.json")):
        if (path.parent / "log.txt").exists():
            found += [f"{path}: {fault}" for fault in
                      faults(validator, json.loads(path.read_text(encoding="utf-8")))]
    return found
