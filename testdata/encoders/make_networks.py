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

CONV = ["weight", "bias"]
HEAD = {
    "float": [("Conv", ["input", *CONV], "conv", {})],
    "pixels": [("Cast", ["input"], "float", {"to": TensorProto.FLOAT}),
               ("Conv", ["float", *CONV], "conv", {})],
    "last": [("Transpose", ["input"], "first", {"perm": [0, 3, 1, 2]}),
             ("Conv", ["first", *CONV], "conv", {})],
}
TAIL = {
    "average": [("GlobalAveragePool", ["conv"], "a", {}), ("Flatten", ["a"], "average", {})],
    "maximum": [("GlobalMaxPool", ["conv"], "m", {}), ("Flatten", ["m"], "maximum", {})],
    "root": [("GlobalAveragePool", ["conv"], "a", {}), ("Flatten", ["a"], "f", {}),
             ("Sqrt", ["f"], "root", {})],
    "map": [("Identity", ["conv"], "map", {})],
    "map_last": [("Transpose", ["conv"], "map_last", {"perm": [0, 2, 3, 1]})],
    "tokens": [("Reshape", ["conv", "by_tokens"], "t", {}),  # the pixels, row by row
               ("Transpose", ["t"], "tokens", {"perm": [0, 2, 1]})],
    "foreign": [("Twist", ["conv"], "foreign", {"domain": "own"})],
}
SHAPES = {"map": [2, 4, 4], "map_last": [4, 4, 2], "tokens": [16, 2]}


def network(names, batch, head, weight):
    nodes = HEAD[head] + [node for name in names for node in TAIL[name]]
    weights = [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(BIAS, "bias")]
    opsets = [helper.make_opsetid("", 17)]
    if "tokens" in names:
        weights.append(numpy_helper.from_array(np.array([0, 2, -1]), "by_tokens"))
    if "foreign" in names:
        opsets.append(helper.make_opsetid("own", 1))
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [output], **attributes)
         for kind, inputs, output, attributes in nodes],
        "tiny",
        [helper.make_tensor_value_info(
            "input", TensorProto.UINT8 if head == "pixels" else TensorProto.FLOAT,
            [batch, 4, 4, 3] if head == "last" else [batch, 3, 4, 4])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, *SHAPES.get(name, [2])])
         for name in names],
        weights,
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=opsets,
                              producer_name="lamella")
    if "foreign" not in names:
        checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def write(name, names, batch="N", head="float", weight=WEIGHT, **changes):
    data = network(names, batch, head, weight)
    info = {
        "name": name,
        "source": "made by hand",
        "licence": "Apache-2.0",
        "sha256": hashlib.sha256(data).hexdigest(),
        "input_px": 4,
        "colour_order": "rgb",
        "mean": [10, 20, 30],
        "std": [2, 4, 8],
        "outputs": names,
        "dimension": 2 * len(names),
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
write("tiny_pooled_map", ["map"], outputs=[{"name": "map", "pooling": "mean_of_map"}])
write("tiny_last", ["map_last"], head="last",
      outputs=[{"name": "map_last", "pooling": "mean_of_map"}])
write("tiny_pixels", ["average"], head="pixels", mean=[0, 0, 0], std=[1, 1, 1])
write("tiny_tokens", ["tokens"],
      outputs=[{"name": "tokens", "pooling": pooling}
               for pooling in ("class_token", "mean_of_tokens", "class_token_and_mean")],
      prefix_tokens=4, dimension=8)
write("tiny_views", ["average"], views=[1, 2], dimension=4)
write("tiny_foreign", ["foreign"])
write("tiny_other_weights", ["average"], weight=WEIGHT[::-1] * np.float32(-1))
