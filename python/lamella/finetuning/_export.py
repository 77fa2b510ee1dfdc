# SPDX-License-Identifier: Apache-2.0
"""The result as an encoder's folder, and the proof that it is the network that was learnt."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from lamella import _core
from lamella._errors import Error
from lamella._patches import PatchDataset
from lamella._verbs import encode
from lamella.finetuning._cohort import Cohort
from lamella.finetuning._networks import Network
from lamella.finetuning._weights import merge_lora
from lamella.importing import ImportFailure, from_torch

STORY = "finetuned.json"
KNOWN_PATCHES = 8
LEAST_COSINE = 0.9999


def found_export(out: Path, key: str) -> bool:
    """True if the folder holds this very fine-tuning's encoder. Error if it holds anything else."""
    if not out.exists():
        return False
    try:
        if json.loads((out / STORY).read_text())["key"] == key:
            return True
    except (OSError, ValueError, KeyError):
        pass
    raise Error("the folder exists and is not of this fine-tuning; choose another one (out), or "
                "remove it first", str(out), "invalid argument")


def export(network: Network, cohort: Cohort, out: Path, story: dict[str, Any]) -> dict[str, Any]:
    """Returns the story as it is written beside the network, with the known answers' figures."""
    merge_lora(network.module)
    making = out.with_name(f".{out.name}.{os.getpid()}")
    shutil.rmtree(making, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        from_torch(Vectors(network), making, input_px=network.input_px, mean=network.mean,
                   std=network.std, colour_order=network.colour_order, name=out.name,
                   source=f"{network.source or network.name}, fine-tuned by lamella "
                          f"{_core.version()} on {story['study']}", licence=network.licence)
        story = {**story, "known_answers": known_answers(network, cohort, making)}
        (making / STORY).write_text(json.dumps(story, indent=2) + "\n")
        os.rename(making, out)
    except ImportFailure as error:
        raise Error(f"the network cannot be made an encoder: {error}") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return story


def Vectors(network: Network) -> Any:  # noqa: N802 - makes a module of a class of its own
    import torch

    from lamella._torch import _vectors

    class _Vectors(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = network.module

        def forward(self, planes: Any) -> Any:
            return _vectors(self.network(planes))

    return _Vectors().to("cpu").float()


def known_answers(network: Network, cohort: Cohort, folder: Path) -> dict[str, Any]:
    """Of some patches of one slide: what the encoder gives as `lamella encode` runs it, beside what
    torch gives. Error if they are not the same."""
    import torch

    part = cohort.slides[0]
    rows = np.unique(np.linspace(0, len(part.plan) - 1, KNOWN_PATCHES).astype(np.int64))
    plan = part.plan.select(rows)
    with pickle.loads(part.slide) as slide:
        (batch,) = PatchDataset(slide, plan, batch_size=len(plan), output_px=network.input_px,
                                plan_order=True)
        found = encode(slide, plan, encoder=str(folder), precision="f32", int8_check=0).values
    network.module.to("cpu")
    with torch.no_grad():
        pixels = torch.from_numpy(np.array(batch.pixels)).permute(0, 3, 1, 2).float()
        expected = network.vectors(pixels).float().numpy()
    cosine = least_cosine(found, expected)
    if not cosine >= LEAST_COSINE:
        raise Error(f"found features of the exported encoder whose cosine to torch's is {cosine:.6f}, "
                    f"expected at least {LEAST_COSINE}", str(folder), "mismatch")
    return {"slide_id": part.slide_id, "x_px": plan.x_px.tolist(), "y_px": plan.y_px.tolist(),
            "least_cosine_to_torch": cosine, "features": np.round(expected, 5).tolist()}


def least_cosine(found: Any, expected: Any) -> float:
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        return -1.0
    norms = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    dots = (found * expected).sum(axis=1)
    both_zero = (norms == 0) & (np.abs(found).sum(axis=1) == np.abs(expected).sum(axis=1))
    return float(np.where(both_zero, 1.0, dots / np.where(norms == 0, 1, norms)).min())
