# SPDX-License-Identifier: Apache-2.0
"""The study's [finetune], with types."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from lamella import _core

# What has no influence on the weights that are learnt, but for rounding.
WITHOUT_INFLUENCE = ("device_batch", "checkpoint_seconds", "read_ahead_mb", "wrong_patches", "out")


@dataclass(frozen=True)
class Settings:
    network: str
    weights: str
    input_px: int | None
    mean: list[float]
    std: list[float]
    method: str
    blocks: int
    lora_rank: int
    lora_scale: float
    epochs: int
    head_epochs: int
    batch_size: int
    device_batch: int
    learning_rate: float
    head_learning_rate: float
    weight_decay: float
    class_weights: str
    precision: str
    patches_per_epoch: int | None
    stain: float
    geometry: bool
    held_out: float
    patience: int
    seed: int
    checkpoint_seconds: float
    read_ahead_mb: int
    wrong_patches: int
    out: str

    @classmethod
    def of(cls, study: _core.Study) -> Settings:
        return cls(**json.loads(_core.finetune_json(study)))

    def key(self, *inputs: str) -> str:
        """Of all that the result depends on: two fine-tunings of one key are the same."""
        told = {name: value for name, value in asdict(self).items()
                if name not in WITHOUT_INFLUENCE}
        text = json.dumps([told, *inputs], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
