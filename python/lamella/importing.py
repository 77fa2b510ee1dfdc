# SPDX-License-Identifier: Apache-2.0
"""Encoders from Keras and PyTorch networks.

    lamella encoder import InceptionV3 --from keras --weights FILE.h5 --out encoders/inception_v3
    lamella encoder import vit_small_patch16_224 --from timm --checkpoint FILE --out encoders/vit_s
    lamella encoder import net.py:make --from torch --weights FILE.pth --input-px 224 --out encoders/n

which run this file, or from Python:

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
        export_torch(module, example, path, names)
        return import_onnx(path, out, input_px=input_px, mean=mean, std=std, source=source,
                           outputs=chosen if len(names) > 1 or any(poolings) else (), **options)


def export_torch(module: Any, example: Any, path: str | os.PathLike[str], outputs: Sequence[str]) -> None:
    """Writes a torch module or TorchScript as ONNX, its input "input", for any number of pictures."""
    import inspect

    import torch

    # The older exporter takes TorchScript, too, and needs no further package.
    takes_dynamo = "dynamo" in inspect.signature(torch.onnx.export).parameters
    with torch.no_grad():
        torch.onnx.export(module.eval(), example, os.fspath(path), input_names=["input"],
                          output_names=list(outputs),
                          dynamic_axes={name: {0: "N"} for name in ["input", *outputs]},
                          **({"dynamo": False} if takes_dynamo else {}))


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
                      std=[255 * value for value in config["std"]],
                      **{"source": f"timm {name}", **options})


def torch_module(place: str, weights: str | None = None) -> Any:
    """FILE.py:NAME: a torch.nn.Module, or a function that makes one; weights: its saved state."""
    import importlib.util

    import torch

    path, colon, name = place.rpartition(":")
    if not colon or not path.endswith(".py"):
        raise ImportFailure(f"found '{place}', expected FILE.py:NAME, a module or what makes one")
    if not os.path.exists(path):
        raise ImportFailure(f"{path}: there is no such file")
    spec = importlib.util.spec_from_file_location("lamella_imported_network", path)
    assert spec is not None and spec.loader is not None
    source = importlib.util.module_from_spec(spec)
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec.loader.exec_module(source)
    found = getattr(source, name, None)
    module = found if isinstance(found, torch.nn.Module) or not callable(found) else found()
    if not isinstance(module, torch.nn.Module):
        raise ImportFailure(f"{path}: found {type(module).__name__} under '{name}', expected a "
                            "torch.nn.Module, or a function that makes one")
    if weights:
        module.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return module


def _floats(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lamella encoder import --from",
                                     description=(__doc__ or "").splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    keras_parser = kinds.add_parser("keras", help="a keras.applications network without its top")
    keras_parser.add_argument("--weights", required=True,
                              help="a weights file, imagenet (Keras' cache) or random")
    timm_parser = kinds.add_parser("timm", help="a timm model's pooled features")
    timm_parser.add_argument("--checkpoint", help="a file of weights")
    timm_parser.add_argument("--pretrained", action="store_true", help="timm's own weights")
    torch_parser = kinds.add_parser("torch", help="FILE.py:NAME, a module or what makes one")
    torch_parser.add_argument("--weights", help="a file with the module's state")
    for one in (keras_parser, timm_parser, torch_parser):
        one.add_argument("network")
        one.add_argument("--out", required=True)
        for name in ("--name", "--source", "--licence"):
            one.add_argument(name)
        for name in ("--mean", "--std", "--views"):
            one.add_argument(name, type=_floats)
        for name in ("--input-px", "--prefix-tokens"):
            one.add_argument(name, type=int)
        one.add_argument("--recommended-mpp", type=float)
        one.add_argument("--colour-order")
        one.add_argument("--output", action="append")
    return parser


def _import(options: argparse.Namespace) -> None:
    shared = {name: getattr(options, name)
              for name in ("name", "source", "licence", "mean", "std", "views", "prefix_tokens",
                           "recommended_mpp", "colour_order") if getattr(options, name) is not None}
    if options.kind == "torch":
        if options.input_px is None:
            raise ImportFailure("--input-px is missing: a module does not say its input's size")
        names = [output.rpartition(":") for output in options.output or ["features"]]
        split = [(name, pool) if colon else (pool, None) for name, colon, pool in names]
        from_torch(torch_module(options.network, options.weights), options.out,
                   input_px=options.input_px, output=[name for name, _ in split],
                   pooling=[pool for _, pool in split],
                   **{"source": options.network, **shared})
        return
    if options.output:
        raise ImportFailure(f"--output is not for {options.kind}: its networks have one")
    if options.kind == "timm":
        if options.input_px is not None or "mean" in shared or "std" in shared:
            raise ImportFailure("--input-px, --mean and --std are not for timm: its models know "
                                "their own")
        from_timm(options.network, options.out, checkpoint=options.checkpoint,
                  pretrained=options.pretrained, **shared)
        return
    if {"mean", "std", "colour_order"} & set(shared):
        raise ImportFailure("--mean, --std and --colour-order are not for keras: its applications "
                            "have their own")
    model, mode = keras_application(options.network, options.weights, options.input_px)
    from_keras(model, options.out, mode=mode,
               **{"source": f"keras.applications.{options.network}, {options.weights}", **shared})


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    try:
        _import(options)
    except ImportFailure as error:
        sys.exit(str(error))
    except ModuleNotFoundError as error:
        sys.exit(f"found no package {error.name}; expected it in {sys.executable}: install it there, "
                 "or name another Python in LAMELLA_PYTHON")
    print(f"{options.out}: made")


if __name__ == "__main__":
    main()
