# SPDX-License-Identifier: Apache-2.0
"""Mixed precision: the forward pass in fewer bits, weights and sums in float32."""

from __future__ import annotations

from typing import Any

from lamella._errors import Error


class Precision:
    def __init__(self, asked: str, device: Any) -> None:
        import torch

        cuda = device.type == "cuda"
        if asked == "f16" and not cuda:
            raise Error("precision f16 is for graphics cards, and there is none; use bf16 or f32",
                        option="precision", code="unsupported")
        self.name = asked
        if asked == "auto":
            self.name = "bf16" if cuda and torch.cuda.is_bf16_supported() else "f32"
        self.device = device
        self.type = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[self.name]
        # Small gradients vanish in f16, and in it alone.
        scaler = getattr(torch.amp, "GradScaler", None) if hasattr(torch, "amp") else None
        self.scaler = scaler("cuda", enabled=self.name == "f16") if scaler is not None else \
            torch.cuda.amp.GradScaler(enabled=self.name == "f16")

    def autocast(self) -> Any:
        import torch
        return torch.autocast(self.device.type, enabled=self.name != "f32", dtype=torch.bfloat16
                              if self.name == "f32" else self.type)

    def scaled(self, loss: Any) -> Any:
        return self.scaler.scale(loss)

    def step(self, optimizer: Any) -> None:
        self.scaler.step(optimizer)
        self.scaler.update()

    def state(self) -> dict[str, Any]:
        made: dict[str, Any] = self.scaler.state_dict()
        return made

    def load(self, state: dict[str, Any]) -> None:
        if state:
            self.scaler.load_state_dict(state)
