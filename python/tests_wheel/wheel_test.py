# SPDX-License-Identifier: Apache-2.0
"""The installed wheel, in an environment of its own."""

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import lamella
import pytest
from lamella import _core

PACKAGE = Path(lamella.__file__).parent
PROGRAM = PACKAGE / "bin" / "lamella"
SCRIPT = Path(sys.executable).parent / "lamella"
# What a wheel may expect of every Linux (PEP 600), as far as it is used.
SYSTEM = re.compile(r"(linux-vdso|ld-linux-x86-64|libc|libm|libdl|librt|libpthread|libresolv|libgcc_s|"
                    r"libstdc\+\+|libz|libexpat)\.so")


def run(*words):
    return subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, cwd="/")


def test_it_is_installed():
    assert str(PACKAGE).startswith(sys.prefix)
    assert (PACKAGE / "_core.pyi").exists() and (PACKAGE / "py.typed").exists()


def test_it_is_for_every_python_from_3_10_on():
    (tag,) = [line for line in importlib.metadata.distribution("lamella").read_text("WHEEL").splitlines()
              if line.startswith("Tag: ")]
    assert re.fullmatch(r"Tag: cp310-abi3-manylinux_2_3[0-5]_x86_64", tag)
    assert _core.__file__.endswith("_core.abi3.so")
    extras = importlib.metadata.metadata("lamella").get_all("Provides-Extra")
    assert {"spark", "mlflow"} <= set(extras)


def test_the_program_is_inside():
    assert run(SCRIPT, "--version").stdout.strip() == f"lamella {lamella.__version__}"
    listed = run(SCRIPT, "encoder", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    assert "lite0" in listed.stdout and str(PACKAGE) in listed.stdout


def test_the_doctor_finds_what_came_with_it():
    found = run(SCRIPT, "doctor")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "openslide_bin" in found.stdout


@pytest.mark.parametrize("file", [_core.__file__, PROGRAM], ids=["module", "program"])
def test_no_library_of_this_machine_is_used(file):
    listed = run("/lib64/ld-linux-x86-64.so.2", "--list", file)
    assert listed.returncode == 0, listed.stderr
    names = dict(re.findall(r"^\s*(\S+) => (\S+)", listed.stdout, re.MULTILINE))
    assert len(names) > 10 and "not" not in names.values()  # "=> not found"
    for name, path in names.items():
        inside = Path(os.path.realpath(path)).is_relative_to(PACKAGE.parent.resolve())
        assert inside or SYSTEM.match(name), f"{name} => {path}"
    assert any("openvino/libs" in path for path in names.values())


def test_the_notebook(tmp_path, monkeypatch):
    """Every cell runs; slide, zooms, plan, gallery and map are pictures."""
    import nbclient
    import nbformat

    source = Path(__file__).resolve().parents[2] / "docs/notebooks/workflow.ipynb"
    notebook = nbformat.read(source, as_version=4)
    monkeypatch.setenv("PATH", str(SCRIPT.parent))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    nbclient.NotebookClient(notebook, timeout=300,
                            resources={"metadata": {"path": tmp_path}}).execute()
    shown = [output["data"] for cell in notebook.cells if cell.cell_type == "code"
             for output in cell.outputs if "data" in output]
    assert len([data for data in shown if "image/png" in data]) == 5
    texts = [data["text/plain"] for data in shown]
    aucs = [float(text) for text in texts if re.fullmatch(r"[01]\.\d+", text)]
    assert len(aucs) == 1 and 0.9 < aucs[0] <= 1
