# SPDX-License-Identifier: Apache-2.0
"""A model as one ONNX file. Run by plain ONNX Runtime where it is installed (make test-all), else by
OpenVINO."""

import json
from pathlib import Path

import numpy
import onnx
import pytest
from conftest import ROOT, bad, good
from PIL import Image

try:
    import onnxruntime
except ModuleNotFoundError:
    onnxruntime = None


def run_network(path: Path, patches: numpy.ndarray) -> numpy.ndarray:
    if onnxruntime:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return session.run(["probability"], {"patches": patches})[0]
    import openvino
    compiled = openvino.Core().compile_model(str(path), "CPU",
                                             {"INFERENCE_PRECISION_HINT": "f32"})
    return compiled(patches)["probability"]


@pytest.fixture(scope="module", params=[(224, 0.5), (112, 1.0), (300, 0.5)],
                ids=["224px", "112px-enlarged", "300px-reduced"])
def model(request, tmp_path_factory, cohort):
    """A model in f32, patches as pixels, and lamella's own probabilities for them."""
    size_px, mpp = request.param
    out = tmp_path_factory.mktemp("model")
    slide = cohort / "phantom_01.tif"
    good("plan", "--slide", slide, "--size-px", size_px, "--mpp", mpp, "--annotations",
         cohort / "phantom_01.xml", "--classes", "normal", "tumor",
                "--groups", "Tumor:tumor", "--rest-of-tissue", "normal",
         "--max-per-slide", 24, "--out", out / "plan.h5")
    good("encode", "--slide", slide, "--plan", out / "plan.h5", "--precision", "f32", "--out",
         out / "features.h5")
    good("train", "--features", out / "features.h5", "--l2", "1.0", "--out", out / "model")
    good("score", "--features", out / "features.h5", "--model", out / "model", "--out",
         out / "scores.csv")
    good("extract", "--slide", slide, "--plan", out / "plan.h5", "--format", "png", "--out",
         out / "patches")
    return out, size_px


def own_scores(out: Path, name: str = "scores.csv") -> dict:
    lines = [line.split(",") for line in (out / name).read_text().splitlines()]
    column = lines[0].index("prob_tumor")
    return {(int(float(line[0])), int(float(line[1]))): float(line[column]) for line in lines[1:]}


def patches_of(out: Path) -> tuple[list, numpy.ndarray]:
    places, pixels = [], []
    for path in sorted((out / "patches").rglob("*.png")):
        numbers = [int(part) for part in path.stem.split("_") if part.lstrip("-").isdigit()]
        places.append(tuple(numbers[-2:]))
        pixels.append(numpy.asarray(Image.open(path).convert("RGB")))
    return places, numpy.stack(pixels)


def test_one_file_gives_lamellas_probabilities(model):
    out, size_px = model
    result = good("model", "export", "--model", out / "model", "--out", out / "one.onnx")
    network = onnx.load(out / "one.onnx")
    onnx.checker.check_model(network, full_check=True)
    assert result["patch_px"] == min(size_px, 224)
    assert [i.name for i in network.graph.input] == ["patches"]
    assert [o.name for o in network.graph.output] == ["probability"]
    assert {p.key: p.value for p in network.metadata_props}["lamella.patch_px"] == str(
        min(size_px, 224))
    if size_px > 224:
        return  # such patches are reduced by whoever cuts them
    places, pixels = patches_of(out)
    expected = numpy.array([own_scores(out)[place] for place in places])
    assert expected.max() - expected.min() > 0.5
    found = run_network(out / "one.onnx", pixels)
    assert found.dtype == numpy.float32 and found.shape == (len(places), 2)
    assert (found[:, 0] == 1 - found[:, 1]).all()
    difference = numpy.abs(found[:, 1] - expected).max()
    print(f"{size_px} px: largest difference {difference:.1e}")
    assert difference <= 1e-4
    # Another number of patches.
    assert numpy.abs(run_network(out / "one.onnx", pixels[:1])[:, 1] - expected[:1]).max() <= 1e-4


def test_the_model_folder_is_an_mlflow_model(model):
    out, size_px = model
    described = json.loads((out / "model" / "MLmodel").read_text())
    assert described["flavors"]["python_function"]["loader_module"] == "mlflow.onnx"
    (spec,) = json.loads(described["signature"]["inputs"])
    px = min(size_px, 224)
    assert spec["tensor-spec"] == {"dtype": "uint8", "shape": [-1, px, px, 3]}
    good("model", "export", "--model", out / "model", "--out", out / "one.onnx")
    assert (out / "model" / "model.onnx").read_bytes() == (out / "one.onnx").read_bytes()
    example = numpy.array(json.loads((out / "model" / "input_example.json").read_text()))
    assert example.shape == (1, px, px, 3)
    posted = json.loads((out / "model" / "serving_input_example.json").read_text())
    assert (numpy.array(posted["inputs"]) == example).all()
    packages = (out / "model" / "requirements.txt").read_text().split()
    assert [line.split("==")[0] for line in packages] == ["numpy", "onnx", "onnxruntime", "mlflow"]
    tested = (ROOT / "tools" / "heavy" / "mlflow-requirements.txt").read_text().split()
    assert set(packages) <= set(tested)
    assert f"mlflow=={described['mlflow_version']}" in packages


def test_the_difference_is_measured_and_recorded(model, cohort):
    out, size_px = model
    result = good("model", "export", "--model", out / "model", "--out", out / "measured.onnx",
                  "--measure-on", cohort / "phantom_03.tif")
    difference = result["difference"]
    assert difference["precision"] == "f32" and 0 < difference["patches"] <= 256
    assert 0 <= difference["mean"] <= difference["largest"] <= 1e-4
    network = onnx.load(out / "measured.onnx")
    onnx.checker.check_model(network, full_check=True)
    recorded = {p.key: p.value for p in network.metadata_props}
    assert recorded["lamella.precision"] == "f32"
    assert float(recorded["lamella.difference_largest"]) == difference["largest"]
    assert recorded["lamella.difference_patches"] == str(difference["patches"])
    assert not list(out.glob("*.tmp"))
    # Measuring changes nothing else.
    plain = good("model", "export", "--model", out / "model", "--out", out / "one.onnx")
    assert plain["difference"] is None
    assert (out / "measured.onnx").read_bytes().startswith((out / "one.onnx").read_bytes())
    assert "nowhere" in bad("model", "export", "--model", out / "model", "--out", out / "x.onnx",
                            "--measure-on", "/nowhere.tif")
    assert not (out / "x.onnx").exists()


def test_a_second_one_takes_slides_and_positions(model):
    out, _ = model
    own = out / "model" / "by_position"
    described = json.loads((own / "MLmodel").read_text())
    flavor = described["flavors"]["python_function"]
    assert flavor["loader_module"] == "lamella.mlflow_loader" and "data" not in flavor
    assert [(column["name"], column["type"]) for column in json.loads(
        described["signature"]["inputs"])] == [("slide", "string"), ("x_px", "long"),
                                               ("y_px", "long")]
    packages = (own / "requirements.txt").read_text().split()
    assert [line.split("==")[0] for line in packages] == ["numpy", "pandas", "mlflow", "lamella"]


def test_bad_input(model, tmp_path):
    out, _ = model
    assert "no model here" in bad("model", "export", "--model", tmp_path, "--out", tmp_path / "x")
    assert not (tmp_path / "x").exists()
