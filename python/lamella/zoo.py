# SPDX-License-Identifier: Apache-2.0
"""Models of WSInfer's zoo: config.json with a network as ONNX or TorchScript.

    lamella model import ZOO_FOLDER --out MODEL

which runs this file. The network is parted at its last layer: what comes before is an encoder, the
layer itself the classifier. Where there is no such layer, the class scores are the features. A
TorchScript file is made ONNX by PyTorch; an ONNX file beside config.json needs the package onnx
alone.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella.importing import ImportFailure, export_torch, import_onnx
else:  # run as a script: importing.py lies beside this file, and the package need not be installed
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    from importing import ImportFailure, export_torch, import_onnx

KEYS = {"spec_version", "architecture", "num_classes", "patch_size_pixels", "spacing_um_px",
        "class_names", "transform"}
NAMES = ("torchscript_model.pt", "model.onnx")


def read_config(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """config.json, checked by hand against WSInfer's schema 1.0."""
    path = pathlib.Path(folder) / "config.json"
    if not path.exists():
        raise ImportFailure(f"{path}: there is no such file; expected a folder of WSInfer's zoo")
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ImportFailure(f"{path}: is no JSON: {error}") from error
    missing = sorted(KEYS - {"architecture"} - set(config))
    if missing:
        raise ImportFailure(f"{path}: found no {', '.join(missing)}; expected WSInfer's config")
    if config["spec_version"] != "1.0":
        raise ImportFailure(f"{path}: found spec_version {config['spec_version']!r}, expected '1.0'")
    names = config["class_names"]
    if len(names) != config["num_classes"] or len(set(names)) != len(names) or not names:
        raise ImportFailure(f"{path}: found {config['num_classes']} classes and the names {names}; "
                            "expected a name of its own for each")
    for key, least, most in (("patch_size_pixels", 1, 16384), ("spacing_um_px", 0.01, 1000)):
        value = config[key]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
            raise ImportFailure(f"{path}: found {key} {value!r}, expected {least} to {most}")
    return config


def read_transform(steps: Sequence[dict[str, Any]], patch_px: int
                   ) -> tuple[int, list[float], list[float]]:
    """(input_px, mean, std) of 0-255 values. Only Resize, ToTensor and Normalize, in that order."""
    input_px, mean, std = patch_px, [0.0] * 3, [255.0] * 3
    order = ["Resize", "ToTensor", "Normalize"]
    done = -1
    for step in steps:
        name, arguments = step.get("name"), step.get("arguments") or {}
        if name not in order or order.index(name) <= done:
            raise ImportFailure(f"found the transform {name!r}, expected Resize, ToTensor, Normalize "
                                "in this order, each at most once")
        done = order.index(name)
        if name == "Resize":
            size = arguments.get("size")
            sides = size if isinstance(size, list) else [size]
            if len(set(sides)) != 1 or not isinstance(sides[0], int):
                raise ImportFailure(f"found Resize to {size!r}, expected one side in px")
            input_px = sides[0]
        elif name == "Normalize":
            mean = [255 * float(value) for value in arguments["mean"]]
            std = [255 * float(value) for value in arguments["std"]]
    return input_px, mean, std


def split_network(model: Any) -> tuple[Any, Any, Any]:
    """(ONNX of the features, weights c x d, biases c); weights are None where the class scores are
    the features. A softmax at the end is left to the classifier."""
    import onnx
    from onnx import numpy_helper

    graph = model.graph
    if len(graph.output) != 1:
        raise ImportFailure(f"found {len(graph.output)} outputs, expected one: the class scores")
    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    maker = {output: node for node in graph.node for output in node.output}
    last = maker[graph.output[0].name]
    while last.op_type in ("Softmax", "Identity", "LogSoftmax"):
        graph.node.remove(last)
        last = maker[last.input[0]]
    weights = biases = None
    features = last.output[0]
    attributes = {one.name: onnx.helper.get_attribute_value(one) for one in last.attribute}
    if last.op_type == "Gemm" and last.input[1] in constants and not attributes.get("transA"):
        weights = constants[last.input[1]] * attributes.get("alpha", 1.0)
        weights = weights if attributes.get("transB") else weights.T
        biases = (constants[last.input[2]] * attributes.get("beta", 1.0) if len(last.input) > 2
                  else weights[:, 0] * 0)
        features = last.input[0]
        graph.node.remove(last)
    kind = onnx.helper.make_tensor_value_info(
        features, onnx.TensorProto.FLOAT, [None, weights.shape[1] if weights is not None else None])
    del graph.output[:]
    graph.output.append(kind)
    used = {name for node in graph.node for name in node.input}
    for one in [one for one in graph.initializer if one.name not in used]:
        graph.initializer.remove(one)
    return model, weights, biases


def as_linear(names: Sequence[str], weights: Any, biases: Any) -> dict[str, Any]:
    """Classes, weights and biases as lamella's models have them: of two classes one vector, the
    second class's less the first's; one class is it against its absence."""
    import numpy as np

    count = len(names)
    if weights is None:
        weights, biases = np.eye(count), np.zeros(count)
    weights, biases = np.asarray(weights, float), np.asarray(biases, float)
    if weights.shape[0] != count:
        raise ImportFailure(f"found {weights.shape[0]} class scores, expected {count} "
                            f"({', '.join(names)})")
    if count == 1:
        return {"classes": [f"not {names[0]}", names[0]], "weights": weights.tolist(),
                "biases": biases.tolist()}
    if count == 2:
        weights, biases = weights[1:] - weights[:1], biases[1:] - biases[:1]
    return {"classes": list(names), "weights": weights.tolist(), "biases": biases.tolist()}


def onnx_of(folder: pathlib.Path, input_px: int, out: pathlib.Path) -> pathlib.Path:
    """The folder's ONNX file, or one made of its TorchScript."""
    found = sorted(folder.glob("*.onnx"))
    if found:
        return found[0]
    script = folder / NAMES[0]
    if not script.exists():
        raise ImportFailure(f"{folder}: found neither {NAMES[1]} nor {NAMES[0]}")
    import torch

    path = out / "exported.onnx"
    export_torch(torch.jit.load(str(script), map_location="cpu"), torch.zeros(2, 3, input_px, input_px), path,
                 ["logits"])
    return path


def import_zoo(folder: str | os.PathLike[str], out: str | os.PathLike[str]) -> None:
    """Writes out/encoder and out/head.json, of which the program makes the model."""
    import onnx

    source, target = pathlib.Path(folder), pathlib.Path(out)
    config = read_config(source)
    patch_px = int(config["patch_size_pixels"])
    input_px, mean, std = read_transform(config["transform"], patch_px)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        path = onnx_of(source, input_px, pathlib.Path(work))
        model, weights, biases = split_network(onnx.load(str(path)))
        features = pathlib.Path(work) / "features.onnx"
        onnx.save(model, str(features))
        name = str(config.get("architecture", "network")).replace("/", "-").replace(" ", "-")
        import_onnx(features, target / "encoder", name=name, input_px=input_px, mean=mean, std=std,
                    recommended_mpp=float(config["spacing_um_px"]),
                    source=f"WSInfer zoo, {source.resolve().name}")
    head = {**as_linear(config["class_names"], weights, biases), "size_px": patch_px,
            "mpp": float(config["spacing_um_px"]), "name": source.resolve().name}
    (target / "head.json").write_text(json.dumps(head), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="lamella model import")
    parser.add_argument("folder")
    parser.add_argument("out")
    options = parser.parse_args(arguments)
    try:
        import_zoo(options.folder, options.out)
    except ImportFailure as error:
        sys.exit(str(error))
    except ModuleNotFoundError as error:
        sys.exit(f"found no package {error.name}; expected it in {sys.executable}: install it there, "
                 "or name another Python in LAMELLA_PYTHON")


if __name__ == "__main__":
    main()
