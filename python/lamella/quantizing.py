# SPDX-License-Identifier: Apache-2.0
"""The step of `lamella encoder quantize` that needs a framework: a network in 8-bit whole numbers.

    python quantizing.py --encoder FOLDER --pictures FILE --out FILE.onnx

--pictures: raw uint8 RGB, n x input_px x input_px x 3, that lamella extracted for calibration.
Needs the packages nncf and onnx. lamella itself measures what the result is worth.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
from typing import Any


def prepared(pictures: Any, info: dict[str, Any], channels_last: bool) -> Any:
    """What the network is given, as float32: the preprocessing of encoder.json."""
    import numpy as np

    values = pictures.astype(np.float32)
    if info["colour_order"] == "bgr":
        values = values[..., ::-1]
    values = (values - np.float32(info["mean"])) / np.float32(info["std"])
    return np.ascontiguousarray(values if channels_last else values.transpose(0, 3, 1, 2))


def quantize(folder: pathlib.Path, pictures_path: pathlib.Path, out: pathlib.Path) -> None:
    import nncf
    import numpy as np
    import onnx

    info = json.loads((folder / "encoder.json").read_text())
    model = onnx.load(folder / "network.onnx")
    side = info["input_px"]
    pictures = np.fromfile(pictures_path, np.uint8).reshape(-1, side, side, 3)
    tensor = model.graph.input[0].type.tensor_type
    if tensor.elem_type != onnx.TensorProto.FLOAT:
        raise ValueError("found a network that takes uint8, expected float32 input")
    shape = [dimension.dim_value for dimension in tensor.shape.dim]
    batch = shape[0] or 1  # an open batch: one by one
    inputs = prepared(pictures, info, channels_last=shape[-1] == 3 and shape[1] != 3)
    samples = [{model.graph.input[0].name: inputs[first:first + batch]}
               for first in range(0, len(inputs) - batch + 1, batch)]
    tokens = any(node.op_type in ("MatMul", "LayerNormalization") and "attn" in node.name.lower()
                 for node in model.graph.node)
    # Weights and activations of a convolution symmetric where that costs nothing. Processors
    # without VNNI add products of 8-bit numbers in 16 bits, which overflow unless weights keep to
    # half of their range (lite0 on AVX2: mean cosine 0.994 with, 0.941 without).
    quantized = nncf.quantize(
        model, nncf.Dataset(samples), subset_size=len(samples),
        preset=nncf.QuantizationPreset.MIXED,
        model_type=nncf.ModelType.TRANSFORMER if tokens else None,
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            overflow_fix=nncf.OverflowFix.ENABLE))
    onnx.save(quantized, out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", type=pathlib.Path, required=True)
    parser.add_argument("--pictures", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    try:
        quantize(arguments.encoder, arguments.pictures, arguments.out)
    except ImportError as error:
        sys.exit(f"quantizing: found no package '{error.name}' in this Python ({sys.executable}); "
                 "install nncf and onnx, or name another Python in LAMELLA_PYTHON")
    except ValueError as error:
        sys.exit(f"quantizing: {error}")


if __name__ == "__main__":
    main()
