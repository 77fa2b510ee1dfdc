# SPDX-License-Identifier: Apache-2.0
"""Any torch.nn.Module as an encoder, on any device."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella import _core


def torch_encoder(module: Any, *, name: str, input_px: int,
                  mean: Iterable[float] | None = None, std: Iterable[float] | None = None,
                  colour_order: str = "rgb", views: Iterable[float] = (1,), device: Any = None,
                  batch_size: int = 64, precision: str = "f32") -> _core.Encoder:
    """An Encoder of a module that takes float32 [n, 3, input_px, input_px] and gives vectors [n, d]
    or maps [n, c, h, w], which are averaged. The module is put in evaluation mode.

    The next patches are read while it works. mean, std: of values 0-255, in colour_order (default:
    ImageNet's). device: where it runs (default: where its parameters are). precision: "f32", or
    "bf16" by autocast. Features bear the name, a hash of the weights and of the module's text, and
    the preprocessing.
    """
    import torch

    from lamella.importing import IMAGENET_MEAN, IMAGENET_STD

    if precision not in ("f32", "bf16"):
        raise ValueError(f"precision: found '{precision}', expected f32 or bf16")
    first = next(iter(module.parameters()), None)
    where = torch.device(device if device is not None else first.device if first is not None
                         else "cpu")
    module = module.to(where).eval()
    means, stds, sides = list(mean or IMAGENET_MEAN), list(std or IMAGENET_STD), list(views)
    forward = Forward(module, where, input_px, means, stds, colour_order, batch_size, precision)
    dimension = forward(np.full((1, input_px, input_px, 3), 255, np.uint8)).shape[1] * len(sides)
    return _core.Encoder.of_callable(
        forward, name=name, sha256=weights_hash(module), input_px=input_px,
        colour_order=colour_order, mean=means, std=stds, views=sides, dimension=dimension,
        precision=precision)


def weights_hash(module: Any) -> str:
    """SHA-256 of all that the module's output depends on, as far as it can be seen: its layers as
    they print, and every parameter and buffer."""
    digest = hashlib.sha256(repr(module).encode())
    for key, value in module.state_dict().items():
        values = value.detach().cpu().contiguous()
        digest.update(f"{key} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.reshape(-1).view(_bytes_of(values)).numpy().tobytes())
    return digest.hexdigest()


def _bytes_of(values: Any) -> Any:
    """numpy lacks bfloat16."""
    import torch
    return torch.int16 if values.dtype == torch.bfloat16 else values.dtype


class Forward:
    """n x h x w x 3 uint8 -> n x d float32. Two buffers take turns. On a graphics card they are pinned
    and sent by a stream of their own: the next batch travels while this one is in the network."""

    def __init__(self, module: Any, device: Any, input_px: int, mean: list[float],
                 std: list[float], colour_order: str, batch_size: int, precision: str) -> None:
        import torch

        self.module, self.device, self.batch_size = module, device, batch_size
        self.bf16, self.bgr = precision == "bf16", colour_order == "bgr"
        self.mean = torch.tensor(mean, device=device).reshape(1, 3, 1, 1)
        self.std = torch.tensor(std, device=device).reshape(1, 3, 1, 1)
        pinned = device.type == "cuda"
        self.sending = torch.cuda.Stream(device) if pinned else None
        shape = (batch_size, input_px, input_px, 3)
        self.buffers = [torch.empty(shape, dtype=torch.uint8, pin_memory=pinned) for _ in range(2)]
        self.sent: list[Any] = [None, None]

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        parts = []
        with torch.no_grad():
            for turn, begin in enumerate(range(0, len(pixels), self.batch_size)):
                parts.append(self._batch(pixels[begin:begin + self.batch_size], turn % 2))
        made: NDArray[np.float32] = torch.cat(parts).float().cpu().numpy()
        return np.ascontiguousarray(made)

    def _batch(self, pixels: NDArray[np.uint8], turn: int) -> Any:
        import torch

        planes = self._sent(pixels, turn).permute(0, 3, 1, 2)
        planes = planes.flip(1) if self.bgr else planes
        planes = (planes.float() - self.mean) / self.std
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            return _vectors(self.module(planes))


    def _sent(self, pixels: NDArray[np.uint8], turn: int) -> Any:
        """On the device, for what is asked of it next."""
        import torch

        buffer = self.buffers[turn][:len(pixels)]
        if self.sending is None:
            np.copyto(buffer.numpy(), pixels)
            return buffer.to(self.device)
        if self.sent[turn] is not None:
            self.sent[turn].synchronize()  # the card has read it
        np.copyto(buffer.numpy(), pixels)
        with torch.cuda.stream(self.sending):
            there = buffer.to(self.device, non_blocking=True)
            self.sent[turn] = torch.cuda.Event()
            self.sent[turn].record(self.sending)
        working = torch.cuda.current_stream(self.device)
        working.wait_event(self.sent[turn])
        there.record_stream(working)  # its memory is not given away before
        return there


def _vectors(output: Any) -> Any:
    dimensions = getattr(output, "ndim", None)
    if dimensions == 4:
        return output.mean(dim=(2, 3))
    if dimensions != 2:
        found = tuple(output.shape) if dimensions is not None else type(output).__name__
        raise ValueError(f"found an output {found} of the module, expected vectors [n, d] or maps "
                         "[n, c, h, w]; wrap it in a module that chooses (of tokens: one, or their "
                         "mean)")
    return output
