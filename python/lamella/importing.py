# SPDX-License-Identifier: Apache-2.0
"""Encoders from Keras and PyTorch networks.

    python -m lamella.importing keras InceptionV3 --weights FILE.h5 --out encoders/inception_v3
    python -m lamella.importing timm vit_small_patch16_224 --checkpoint FILE --out encoders/vit_s

or from Python, for a network of your own:

    from lamella.importing import from_torch
    from_torch(module, "encoders/mine", input_px=224, mean=IMAGENET_MEAN, std=IMAGENET_STD)

A network is written as ONNX by its own framework and made an encoder by `lamella encoder import`;
running it needs neither framework nor Python.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any

# Of 0-255 values: what torchvision and timm call (0.485, 0.456, 0.406) and (0.229, 0.224, 0.225).
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)

# What keras.applications' preprocess_input does, by its own names: (colour order, mean, std).
KERAS_MODES = {
    "tf": ("rgb", (127.5,) * 3, (127.5,) * 3),
    "torch": ("rgb", IMAGENET_MEAN, IMAGENET_STD),
    "caffe": ("bgr", (103.939, 116.779, 123.68), (1, 1, 1)),
    "inside": ("rgb", (0, 0, 0), (1, 1, 1)),  # the network scales its input itself
}

# Families of keras.applications, the first that a name begins with: (mode, usual input size).
KERAS_FAMILIES = [
    ("InceptionResNetV2", "tf", 299), ("InceptionV3", "tf", 299), ("Xception", "tf", 299),
    ("ResNet50V2", "tf", 224), ("ResNet101V2", "tf", 224), ("ResNet152V2", "tf", 224),
    ("ResNet", "caffe", 224), ("VGG", "caffe", 224), ("DenseNet", "torch", 224),
    ("MobileNetV3", "inside", 224), ("MobileNet", "tf", 224), ("NASNet", "tf", 224),
    ("EfficientNet", "inside", 224), ("ConvNeXt", "inside", 224),
]


class ImportFailure(Exception):
    """What was found, what was expected and what to do."""


def find_program() -> str:
    """The program `lamella`: $LAMELLA_PROGRAM, beside this Python, on the PATH, or just built."""
    here = pathlib.Path(__file__).resolve()
    places = [os.environ.get("LAMELLA_PROGRAM"), pathlib.Path(sys.executable).parent / "lamella",
              shutil.which("lamella"), here.parents[2] / "build" / "bin" / "lamella"]
    for place in places:
        if place and os.access(place, os.X_OK):
            return str(place)
    raise ImportFailure("found no program 'lamella'; put it on the PATH or name it in "
                        "LAMELLA_PROGRAM")


def _numbers(values: Iterable[float]) -> str:
    return ",".join(repr(float(value)) for value in values)


def import_onnx(onnx_path: str | os.PathLike[str], out: str | os.PathLike[str], *,
                name: str | None = None, input_px: int | None = None, colour_order: str = "rgb",
                mean: Iterable[float] = (0, 0, 0), std: Iterable[float] = (1, 1, 1),
                outputs: Iterable[str] = (), prefix_tokens: int = 1,
                views: Iterable[float] = (1,), recommended_mpp: float | None = None,
                source: str = "imported", licence: str = "not stated") -> pathlib.Path:
    """`lamella encoder import`. outputs: "NAME" or "NAME:POOLING". Returns the folder."""
    words = [find_program(), "encoder", "import", str(onnx_path), "--out", str(out),
             "--colour-order", colour_order, f"--mean={_numbers(mean)}", f"--std={_numbers(std)}",
             "--prefix-tokens", str(prefix_tokens), "--views", _numbers(views),
             "--source", source, "--licence", licence]
    for option, value in (("--name", name), ("--input-px", input_px),
                          ("--recommended-mpp", recommended_mpp)):
        if value is not None:
            words += [option, str(value)]
    for output in outputs:
        words += ["--output", output]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ImportFailure(done.stderr.strip().removeprefix("lamella: error: "))
    return pathlib.Path(out)


def from_keras(model: Any, out: str | os.PathLike[str], *, mode: str = "inside",
               source: str = "a Keras model", **options: Any) -> pathlib.Path:
    """Makes an encoder of a Keras model whose one output is a vector (pooling="avg") or a map.

    mode: what its preprocess_input does, a key of KERAS_MODES. options: as import_onnx's.
    """
    import numpy as np

    colour_order, mean, std = KERAS_MODES[mode]
    # Keras exports only what has been called.
    model(np.zeros((1, *model.input_shape[1:]), np.float32))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "network.onnx")
        model.export(path, format="onnx", verbose=False)
        return import_onnx(path, out, colour_order=colour_order, mean=mean, std=std, source=source,
                           **options)


def keras_application(name: str, weights: str, input_px: int | None = None,
                      seed: int = 1) -> tuple[Any, str]:
    """(model, mode) of keras.applications.<name> without its top, averaged over the picture.

    weights: a weights file, "imagenet" (Keras' own cache, or its download), or "random" (of
    `seed`; for tests).
    """
    import keras

    family = next((row for row in KERAS_FAMILIES if name.startswith(row[0])), None)
    make = getattr(keras.applications, name, None)
    if family is None or make is None:
        raise ImportFailure(f"found the Keras application '{name}', expected one of the families "
                            + ", ".join(row[0] for row in KERAS_FAMILIES))
    keras.utils.set_random_seed(seed)
    side = input_px or family[2]
    model = make(include_top=False, pooling="avg", input_shape=(side, side, 3),
                 weights="imagenet" if weights == "imagenet" else None)
    if weights not in ("imagenet", "random"):
        if not os.path.exists(weights):
            raise ImportFailure(f"{weights}: there is no such file of weights")
        try:
            model.load_weights(weights)
        except ValueError as error:
            raise ImportFailure(f"{weights}: does not fit {name} without its top: {error}") from error
    return model, family[1]


def from_torch(module: Any, out: str | os.PathLike[str], *, input_px: int,
               mean: Iterable[float] = IMAGENET_MEAN, std: Iterable[float] = IMAGENET_STD,
               output: str | Sequence[str] = "features",
               pooling: str | Sequence[str | None] | None = None,
               source: str = "a PyTorch module", **options: Any) -> pathlib.Path:
    """Makes an encoder of any torch.nn.Module that takes float32 [N, 3, input_px, input_px].

    pooling: of its output, as in encoder.json; None where that is a vector or a map. Several
    outputs (a tuple): output and pooling are lists.
    """
    import torch

    names = [output] if isinstance(output, str) else list(output)
    poolings: list[str | None] = ([pooling] if pooling is None or isinstance(pooling, str)
                                  else list(pooling))
    if len(names) != len(poolings):
        raise ImportFailure(f"found {len(names)} outputs and {len(poolings)} poolings, expected as "
                            "many of the one as of the other")
    chosen = [name if pool is None else f"{name}:{pool}" for name, pool in zip(names, poolings)]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "network.onnx")
        example = torch.zeros(2, 3, input_px, input_px)
        axes = {name: {0: "N"} for name in ["input", *names]}
        keywords = {"dynamo": False} if _takes_dynamo(torch.onnx.export) else {}
        with torch.no_grad():
            torch.onnx.export(module.eval(), example, path, input_names=["input"],
                              output_names=names, dynamic_axes=axes, **keywords)
        return import_onnx(path, out, input_px=input_px, mean=mean, std=std, source=source,
                           outputs=chosen if len(names) > 1 or pooling else (), **options)


def _takes_dynamo(export: Any) -> bool:
    import inspect

    return "dynamo" in inspect.signature(export).parameters


def from_timm(name: str, out: str | os.PathLike[str], *, checkpoint: str | None = None,
              pretrained: bool = False, **options: Any) -> pathlib.Path:
    """Makes an encoder of a timm model: its pooled features, with the preprocessing it was trained
    with. checkpoint: a file of weights; else pretrained (from timm's cache, or its download)."""
    import timm

    model = timm.create_model(name, pretrained=pretrained, num_classes=0,
                              checkpoint_path=checkpoint or "")
    config = model.pretrained_cfg
    return from_torch(model, out, input_px=config["input_size"][-1],
                      mean=[255 * value for value in config["mean"]],
                      std=[255 * value for value in config["std"]], source=f"timm {name}",
                      **options)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m lamella.importing",
                                     description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    keras_parser = kinds.add_parser("keras", help="a keras.applications network without its top")
    keras_parser.add_argument("name", help="InceptionV3, ResNet50, ...")
    keras_parser.add_argument("--weights", required=True,
                              help="a weights file, imagenet (Keras' cache) or random")
    keras_parser.add_argument("--input-px", type=int, help="default: the network's usual one")
    timm_parser = kinds.add_parser("timm", help="a timm model's pooled features")
    timm_parser.add_argument("name", help="vit_small_patch16_224, ...")
    timm_parser.add_argument("--checkpoint", help="a file of weights")
    timm_parser.add_argument("--pretrained", action="store_true", help="timm's own weights")
    for one in (keras_parser, timm_parser):
        one.add_argument("--out", required=True, help="folder to make")
        one.add_argument("--licence", default="not stated", help="of the weights")
        one.add_argument("--views", type=lambda text: [float(part) for part in text.split(",")],
                         default=[1], help="fields of view, e.g. 1,2")
    options = parser.parse_args(arguments)
    try:
        if options.kind == "keras":
            model, mode = keras_application(options.name, options.weights, options.input_px)
            folder = from_keras(model, options.out, mode=mode, licence=options.licence,
                                views=options.views,
                                source=f"keras.applications.{options.name}, {options.weights}")
        else:
            folder = from_timm(options.name, options.out, checkpoint=options.checkpoint,
                               pretrained=options.pretrained, licence=options.licence,
                               views=options.views)
    except ImportFailure as error:
        sys.exit(f"lamella.importing: error: {error}")
    print(f"{folder}: made; check it with: lamella encoder check {folder}")


if __name__ == "__main__":
    main()
