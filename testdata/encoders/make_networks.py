# SPDX-License-Identifier: Apache-2.0
"""Writes the tiny networks of the encoder's tests beside itself: python make_networks.py

Their weights are small exact numbers, so that the tests' expected features are computed by hand.
"""

import hashlib
import json
import pathlib

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

# Features of one pixel (a, b, c), as the network sees it: a + 2 b + 3 c + 0.25, -a + b / 2 - 1.
WEIGHT = np.array([[1, 2, 3], [-1, 0.5, 0]], np.float32).reshape(2, 3, 1, 1)
BIAS = np.array([0.25, -1], np.float32)

CONV = ("Conv", ["input", "weight", "bias"], "conv")
TAIL = {
    "average": [("GlobalAveragePool", ["conv"], "a"), ("Flatten", ["a"], "average")],
    "maximum": [("GlobalMaxPool", ["conv"], "m"), ("Flatten", ["m"], "maximum")],
    "root": [("GlobalAveragePool", ["conv"], "a"), ("Flatten", ["a"], "f"),
             ("Sqrt", ["f"], "root")],
    "map": [("Identity", ["conv"], "map")],
}


def network(outputs, batch):
    nodes = [CONV] + [node for output in outputs for node in TAIL[output]]
    shapes = {output: [batch, 2, 4, 4] if output == "map" else [batch, 2] for output in outputs}
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [output]) for kind, inputs, output in nodes],
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 3, 4, 4])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
         for name, shape in shapes.items()],
        [numpy_helper.from_array(WEIGHT, "weight"), numpy_helper.from_array(BIAS, "bias")],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)],
                              producer_name="lamella")
    checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def write(name, outputs, batch="N", **changes):
    data = network(outputs, batch)
    info = {
        "name": name,
        "source": "made by hand",
        "licence": "Apache-2.0",
        "sha256": hashlib.sha256(data).hexdigest(),
        "input_px": 4,
        "colour_order": "rgb",
        "mean": [10, 20, 30],
        "std": [2, 4, 8],
        "outputs": outputs,
        "dimension": 2 * len(outputs),
    }
    info.update(changes)
    folder = pathlib.Path(__file__).resolve().parent / name
    folder.mkdir(exist_ok=True)
    (folder / "network.onnx").write_bytes(data)
    (folder / "encoder.json").write_text(json.dumps(info, indent=2) + "\n")


write("tiny", ["maximum", "average"])
write("tiny_bgr", ["average"], colour_order="bgr", recommended_mpp=0.5)
write("tiny_batch_of_three", ["average"], batch=3)
write("tiny_root", ["root"])
write("tiny_map", ["map"])
