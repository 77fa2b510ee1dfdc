# SPDX-License-Identifier: Apache-2.0
"""Results by packages of their own, read back by them."""

import json
from pathlib import Path

import lamella
import numpy as np
import pytest

SCORES = "minx,miny,width,height,prob_Normal,prob_Tumor\n" + "".join(
    f"{8 * (i % 6)},{8 * (i // 6)},8,8,{1 - i / 24:.3f},{i / 24:.3f}\n" for i in range(24))


@pytest.fixture
def scores(tmp_path):
    (tmp_path / "s.csv").write_text(SCORES)
    return tmp_path / "s.csv"


def test_parquet_and_arrow(scores, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    feather = pytest.importorskip("pyarrow.feather")
    assert lamella.convert(scores, tmp_path / "s.parquet", to="parquet")["patches"] == 24
    table = parquet.read_table(tmp_path / "s.parquet")
    assert table.num_rows == 24 and "prob_Tumor" in table.column_names
    assert table["prob_Tumor"][6].as_py() == pytest.approx(0.25)
    lamella.convert(scores, tmp_path / "s.arrow", to="arrow")
    assert feather.read_table(tmp_path / "s.arrow").equals(table)


@pytest.mark.parametrize("name", ["s.h5ad", "s.zarr"])
def test_anndata(scores, tmp_path, name):
    anndata = pytest.importorskip("anndata")
    lamella.convert(scores, tmp_path / name, to="anndata")
    read = anndata.read_zarr if name.endswith("zarr") else anndata.read_h5ad
    table = read(tmp_path / name)
    assert table.shape == (24, 2) and list(table.var_names) == ["prob_Normal", "prob_Tumor"]
    assert np.array_equal(table.obsm["spatial"][7], [12, 12])    # column 1, row 1: its centre
    assert table.X[6, 1] == pytest.approx(0.25)


def test_spatialdata(scores, tmp_path):
    spatialdata = pytest.importorskip("spatialdata")
    lamella.convert(scores, tmp_path / "s.zarr", to="spatialdata")
    data = spatialdata.read_zarr(tmp_path / "s.zarr")
    assert data["patches"].geometry.area.unique().tolist() == [64]
    assert data["patches"].geometry.iloc[7].bounds == (8, 8, 16, 16)
    assert data["patches_table"].n_obs == 24


def dicom_slide():
    found = Path(__file__).resolve().parents[3] / "shared" / "data" / "slides" / "boxes_0.dcm"
    if not found.exists():
        pytest.skip("needs ../shared/data")
    return found


def test_dicom(scores, tmp_path):
    highdicom = pytest.importorskip("highdicom")
    out = tmp_path / "dicom"
    lamella.convert(scores, out, to="dicom", slide=dicom_slide())
    pm = highdicom.imread(out / "map.dcm") if hasattr(highdicom, "imread") else None
    import pydicom

    stored = pydicom.dcmread(out / "map.dcm")
    assert stored.SOPClassUID.name.startswith("Parametric Map")
    cells = np.frombuffer(stored.FloatPixelData, np.float32).reshape(stored.Rows, stored.Columns)
    assert cells.shape == (4, 6) and cells[1, 0] == pytest.approx(0.25)
    assert pm is None or pm.SOPInstanceUID == stored.SOPInstanceUID
    bulk = highdicom.ann.MicroscopyBulkSimpleAnnotations.from_dataset(
        pydicom.dcmread(out / "patches.dcm"))
    group = bulk.get_annotation_groups()[0]
    patches = group.get_graphic_data("2D")
    assert len(patches) == 24
    assert np.array_equal(patches[7], [[8, 8], [16, 8], [16, 16], [8, 16]])
    names, values, units = group.get_measurements()
    assert values[6, 0] == pytest.approx(0.25) and len(names) == len(units) == 1
    # The same scores, the same objects.
    lamella.convert(scores, tmp_path / "again", to="dicom", slide=dicom_slide())
    again = pydicom.dcmread(tmp_path / "again" / "map.dcm")
    assert again.SOPInstanceUID == stored.SOPInstanceUID


def test_wsidicom_reads_the_annotations(scores, tmp_path):
    wsidicom = pytest.importorskip("wsidicom")
    pytest.importorskip("highdicom")
    lamella.convert(scores, tmp_path / "dicom", to="dicom", slide=dicom_slide())
    found = wsidicom.AnnotationInstance.open([tmp_path / "dicom" / "patches.dcm"])
    assert len(found.groups) == 1 and len(found.groups[0].annotations) == 24


def test_what_is_missing_is_named(scores, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pip install pyarrow"):
        lamella.convert(scores, tmp_path / "s.parquet", to="parquet")
    with pytest.raises(TypeError, match="threshold"):
        lamella.convert(scores, tmp_path / "s.arrow", to="arrow", threshold=0.5)


def zoo_folder(folder, classes, head):
    """A network of WSInfer's kind by hand: mean colours, then one layer."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    weights, biases = (np.array(part, np.float32) for part in head)
    nodes = [helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
             helper.make_node("Flatten", ["pooled"], ["flat"], axis=1),
             helper.make_node("Gemm", ["flat", "w", "b"], ["logits"], transB=1)]
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", len(classes)])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(biases, "b")])
    folder.mkdir()
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))
    config = {"spec_version": "1.0", "architecture": "meancolour", "num_classes": len(classes),
              "patch_size_pixels": 32, "spacing_um_px": 0.5, "class_names": classes,
              "transform": [{"name": "Resize", "arguments": {"size": 32}},
                            {"name": "ToTensor", "arguments": None},
                            {"name": "Normalize", "arguments": {"mean": [0.485, 0.456, 0.406],
                                                                "std": [0.229, 0.224, 0.225]}}]}
    (folder / "config.json").write_text(json.dumps(config))
    return config


@pytest.mark.parametrize("classes, head", [
    (["Normal", "Tumor"], ([[1, 0, -1], [-1, 2, 0.5]], [0.1, -0.2])),
    (["a", "b", "c"], ([[1, 0, -1], [-1, 2, 0.5], [0, 0, 1]], [0.1, -0.2, 0]))])
def test_a_model_of_the_zoo_scores_as_onnx_runtime(tmp_path, classes, head):
    onnxruntime = pytest.importorskip("onnxruntime")
    tifffile = pytest.importorskip("tifffile")
    import subprocess

    from lamella.importing import find_program

    config = zoo_folder(tmp_path / "zoo", classes, head)
    pixels = np.random.default_rng(3).integers(0, 256, (128, 160, 3), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "s.tif", pixels, photometric="rgb", tile=(64, 64), metadata=None,
                     resolution=(20000, 20000), resolutionunit="CENTIMETER")
    for words in (["model", "import", tmp_path / "zoo", "--out", tmp_path / "model"],
                  ["score", "--slide", tmp_path / "s.tif", "--model", tmp_path / "model",
                   "--tissue", "none", "--out", tmp_path / "s.csv"]):
        run = subprocess.run([find_program(), *map(str, words)], capture_output=True, text=True,
                             check=False)
        assert run.returncode == 0, run.stderr
    scores = lamella.Scores.load(tmp_path / "s.csv")
    assert len(scores) == 20 and scores.classes == classes
    normal = config["transform"][2]["arguments"]
    session = onnxruntime.InferenceSession(str(tmp_path / "zoo" / "model.onnx"))
    for row in range(len(scores)):
        x, y = int(scores.x_px[row]), int(scores.y_px[row])
        patch = pixels[y:y + 32, x:x + 32].astype(np.float32) / 255
        given = ((patch - normal["mean"]) / normal["std"]).transpose(2, 0, 1)[None]
        logits = session.run(None, {"input": given.astype(np.float32)})[0][0]
        expected = np.exp(logits) / np.exp(logits).sum()
        assert scores.values[row] == pytest.approx(expected, abs=2e-5)
