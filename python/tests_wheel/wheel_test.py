# SPDX-License-Identifier: Apache-2.0
"""The installed wheel, in an environment of its own."""

import ctypes
import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import lamella
import numpy as np
import pytest
from lamella import _core

PACKAGE = Path(lamella.__file__).parent
PROGRAM = PACKAGE / "bin" / "lamella"
SCRIPT = Path(sys.executable).parent / "lamella"
REPOSITORY = Path(__file__).resolve().parents[2]
BUILT = REPOSITORY / "build/bin/lamella"  # of the same sources, but with this machine's libraries
# What a wheel may expect of every Linux (PEP 600), as far as it is used.
SYSTEM = re.compile(r"(linux-vdso|ld-linux-x86-64|libc|libm|libdl|librt|libpthread|libresolv|libgcc_s|"
                    r"libstdc\+\+|libz|libexpat)\.so")


def run(*words, cwd="/"):
    return subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, cwd=cwd)


def test_it_is_installed():
    assert str(PACKAGE).startswith(sys.prefix)
    assert (PACKAGE / "_core.pyi").exists() and (PACKAGE / "py.typed").exists()


def test_it_is_for_every_python_from_3_10_on():
    (tag,) = [line for line in importlib.metadata.distribution("lamella").read_text("WHEEL").splitlines()
              if line.startswith("Tag: ")]
    assert re.fullmatch(r"Tag: cp310-abi3-manylinux_2_34_x86_64", tag)
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


def test_its_name_says_what_it_needs(tmp_path):
    """The check of what a wheel needs finds it too new for the glibc before."""
    (wheel,) = (REPOSITORY / "build/wheels").glob("*.whl")
    checked = [REPOSITORY / ".venv-wheel-tools/bin/python", REPOSITORY / "tools/checks/wheel_needs.py"]
    found = run(*checked, wheel)
    assert found.returncode == 0, found.stderr
    older = tmp_path / wheel.name.replace("_2_34_", "_2_33_")
    older.symlink_to(wheel)
    found = run(*checked, older)
    assert found.returncode == 1
    assert "lamella/bin/lamella needs GLIBC_2.34, later than its name says" in found.stderr


def test_the_older_hypot_gives_the_same_bits():
    """A wheel calls the one that older systems have, too (cmake/older_symbols.cpp)."""
    find = ctypes.CDLL(None).dlvsym
    find.restype, find.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
    library = ctypes.CDLL("libm.so.6")._handle
    older, newer = (find(library, b"hypot", version) for version in (b"GLIBC_2.2.5", b"GLIBC_2.35"))
    assert older
    if not newer:
        pytest.skip("this system's glibc is older than 2.35")
    hypot = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double, ctypes.c_double)
    values = (3.0, 4.0, 0.0, -0.0, 5e-324, 1e-300, 1e300, 1.7e308)
    random = np.random.default_rng(1)
    pairs = [(x, y) for x in values for y in values]
    pairs += (random.normal(size=(20000, 2)) * np.exp(20 * random.normal(size=(20000, 1)))).tolist()
    assert [hypot(older)(*pair).hex() for pair in pairs] == [hypot(newer)(*pair).hex() for pair in pairs]


@pytest.mark.skipif(not BUILT.exists(), reason="build/bin/lamella is not there")
def test_it_gives_the_bits_of_the_build_tree(tmp_path):
    """OpenCV is linked from its archives in a wheel: tissue, scores and pictures are the same."""
    for name, program in (("wheel", SCRIPT), ("tree", BUILT)):
        folder = tmp_path / name
        folder.mkdir()
        for words in (
                "phantom --out cohort --slides 1 --size-px 2048,1536 --seed 5",
                "plan --slide cohort/phantom_01.tif --size-px 96 --mpp 0.5 --mask-mpp 2"
                " --annotations cohort/phantom_01.xml --classes normal tumor --groups Tumor:tumor"
                " --rest-of-tissue normal --out plan.h5",
                "encode --slide cohort/phantom_01.tif --plan plan.h5 --out features.h5",
                "train --features features.h5 --l2 1 --out model",
                "score --slide cohort/phantom_01.tif --model model --out scores.csv",
                "map --slide cohort/phantom_01.tif --scores scores.csv --out map"):
            made = run(program, *words.split(), cwd=folder)
            assert made.returncode == 0, made.stderr
    files = [path.relative_to(tmp_path / "tree") for path in (tmp_path / "tree").rglob("*")
             if path.suffix in {".tif", ".xml", ".csv", ".png", ".tiff", ".h5"}]
    assert len(files) >= 7
    for file in files:
        assert (tmp_path / "wheel" / file).read_bytes() == (tmp_path / "tree" / file).read_bytes(), file


def test_the_notebook(tmp_path, monkeypatch):
    """Every cell runs; slide, zooms, plan, gallery and map are pictures."""
    import nbclient
    import nbformat

    source = REPOSITORY / "docs/notebooks/workflow.ipynb"
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
