# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

from conftest import bad, good
from jsonschema import Draft202012Validator
from record_schema import faults, faults_beneath


def test_a_record_is_of_the_schema_that_the_program_prints(study, tmp_path):
    schema = good("runs", "schema")
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    result = good("run", study())
    path = Path(result["run_dir"]) / "run.json"
    record = json.loads(path.read_text())
    assert faults(validator, record) == [] and faults_beneath(tmp_path, schema) == []
    # Every member of the shape is in the record of a run that went to its end.
    optional = {"controls", "error", "folds", "readings", "search", "server", "trial_of"}
    assert set(schema["properties"]) - set(record) == optional
    assert "slides.0.patches" in faults(
        validator, {**record, "slides": [{**record["slides"][0], "patches": "many"}]})[0]
    assert "'odd' was unexpected" in faults(validator, {**record, "odd": 1})[0]
    del record["run_id"]
    assert faults(validator, record) == [": 'run_id' is a required property"]


def test_records_of_other_versions(study):
    result = good("run", study())
    path = Path(result["run_dir"]) / "run.json"
    record = json.loads(path.read_text())
    # The first format: what is a member of its own now was found among the options only.
    old = {key: value for key, value in record.items() if key not in ("output", "server")}
    training = {**record["training"], "rows_negative": 2, "rows_positive": 1}
    for key in ("size_px", "classes", "class_rows"):
        del training[key]
    old["training"] = training
    path.write_text(json.dumps({**old, "format": 1}))
    shown = good("runs", "show", path.parent)
    assert shown["output"] == record["study"]["output"] and shown["format"] == record["format"]
    assert shown["training"] == {**record["training"], "classes": ["normal", "tumour"],
                                 "class_rows": [2, 1]}
    path.write_text(json.dumps({**record, "format": record["format"] + 1}))
    message = bad("runs", "show", path.parent)
    assert str(path) in message and "use the newer lamella" in message
    listed = good("runs", "list", path.parent.parent)
    assert listed["runs"] == [] and "newer lamella" in listed["unreadable"][0]
    path.write_text(json.dumps(record))  # for conftest's look at all records
