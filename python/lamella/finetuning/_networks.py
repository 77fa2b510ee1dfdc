# SPDX-License-Identifier: Apache-2.0
"""The network that fine-tuning begins with, wherever it comes from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamella import _core
from lamella._errors import Error
from lamella._torch import _vectors, weights_hash
from lamella.finetuning._settings import Settings
from lamella.importing import ImportFailure, torch_module


@dataclass
class Network:
    module: Any  # float32 [n, 3, input_px, input_px], scaled -> [n, d] or [n, c, h, w]
    name: str
    input_px: int
    mean: list[float]
    std: list[float]
    colour_order: str = "rgb"
    source: str = ""
    licence: str = "not stated"
    sha256: str = ""
    dimension: int = 0

    def planes(self, pixels: Any) -> Any:
        """float [n, 3, h, w], RGB 0-255 -> what the module takes."""
        import torch
        mean = torch.tensor(self.mean, device=pixels.device).reshape(1, 3, 1, 1)
        std = torch.tensor(self.std, device=pixels.device).reshape(1, 3, 1, 1)
        return ((pixels.flip(1) if self.colour_order == "bgr" else pixels) - mean) / std

    def vectors(self, pixels: Any) -> Any:
        return _vectors(self.module(self.planes(pixels)))


def load_network(settings: Settings, study: _core.Study) -> Network:
    """Its layers all in evaluation mode: see fine-tuning.md on normalization."""
    import torch

    torch.manual_seed(settings.seed)  # of layers that nobody gives weights
    name = settings.network or study.encoder
    try:
        if name.startswith("timm:"):
            network = _timm(name.removeprefix("timm:"), settings)
        elif ".py:" in name:
            network = _own(name, settings)
        else:
            if settings.weights:
                raise Error("an encoder has its own weights; weights is for timm:NAME and "
                            "FILE.py:NAME", option="weights", code="invalid argument")
            network = _encoder(name)
    except ImportFailure as error:
        raise Error(str(error)) from error
    network.module.eval()
    network.sha256 = network.sha256 or weights_hash(network.module)
    network.dimension = _dimension(network)
    return network


def _dimension(network: Network) -> int:
    """Of its vectors, by two white patches."""
    import torch
    white = torch.full((2, 3, network.input_px, network.input_px), 255.0)
    try:
        with torch.no_grad():
            made = network.vectors(white)
    except (ValueError, RuntimeError) as error:
        raise Error(f"the network '{network.name}' does not fit patches of {network.input_px} px: "
                    f"{error}", code="mismatch") from error
    if len(made) != 2 or made.shape[1] < 1:
        raise Error(f"found an output {tuple(made.shape)} of the network '{network.name}' for two "
                    "patches, expected two vectors", code="mismatch")
    return int(made.shape[1])


def _encoder(name: str) -> Network:
    from lamella.finetuning._onnx_graph import Graph

    info = _core.EncoderInfo(name)
    told = json.loads((Path(info.folder) / "encoder.json").read_text())
    if told.get("weights", "float") != "float":
        raise Error(f"found the int8 encoder '{info.name}'; expected the one that it was made of",
                    info.folder, "unsupported")
    if told.get("views", [1]) != [1]:
        raise Error(f"found an encoder of the views {told['views']}, expected one of the patch "
                    "alone: fine-tune that, and give it views when it is used", info.folder,
                    "unsupported")
    outputs = [(one, "none") if isinstance(one, str) else (one["name"], one["pooling"])
               for one in told["outputs"]]
    odd = [pooling for _, pooling in outputs if pooling not in ("none", "mean_of_map")]
    if odd:
        raise Error(f"found the pooling {odd[0]}, expected vectors or maps; begin from the "
                    "framework's own network (timm:NAME or FILE.py:NAME)", info.folder,
                    "unsupported")
    return Network(Graph(Path(info.folder) / "network.onnx", outputs), info.name, told["input_px"],
                   told["mean"], told["std"], told["colour_order"], told["source"],
                   told["licence"], told["sha256"])


def _timm(name: str, settings: Settings) -> Network:
    try:
        import timm
    except ImportError as error:
        raise Error("the package timm is not installed: pip install timm", code="not found") \
            from error
    if not timm.is_model(name):
        raise Error(f"found no timm model '{name}'; timm.list_models() lists them",
                    option="network", code="not found")
    module = timm.create_model(name, pretrained=not settings.weights, num_classes=0,
                               checkpoint_path=settings.weights)
    config = module.pretrained_cfg
    return Network(module, name.replace("/", "_"), config["input_size"][-1],
                   [255 * value for value in config["mean"]],
                   [255 * value for value in config["std"]], source=f"timm {name}")


def _own(name: str, settings: Settings) -> Network:
    if settings.input_px is None:
        raise Error("input_px is missing: a module does not say its input's size",
                    option="input_px", code="invalid argument")
    module = torch_module(name, settings.weights or None)
    return Network(module, name.rpartition(":")[2], settings.input_px, settings.mean, settings.std,
                   source=Path(name.rpartition(":")[0]).name)
