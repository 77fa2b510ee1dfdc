# SPDX-License-Identifier: Apache-2.0
"""Which weights are learnt: all, those of the last blocks, or low-rank additions (LoRA)."""

from __future__ import annotations

from typing import Any

from lamella._errors import Error
from lamella.finetuning._settings import Settings


def choose_weights(module: Any, settings: Settings) -> dict[str, Any]:
    """The parameters that are learnt, by name; all others are frozen."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    if settings.method == "lora":
        chosen = _add_lora(module, settings)
    elif settings.method == "last":
        chosen = [one for block in blocks_of(module)[-settings.blocks:] for one in block]
    else:
        chosen = [one for one in module.parameters() if one.is_floating_point()]
    if not chosen:
        raise Error(f"found nothing to learn by the method {settings.method} in "
                    f"{type(module).__name__}: it has no such layers", option="method",
                    code="invalid argument")
    wanted = {id(one) for one in chosen}
    for parameter in chosen:
        parameter.requires_grad_(True)
    return {name: one for name, one in module.named_parameters() if id(one) in wanted}


def blocks_of(module: Any) -> list[list[Any]]:
    """Parameters of blocks, in order: what a Graph calls so; the members of the longest list of
    layers, and what comes after it with the last; else every layer."""
    from torch import nn

    if hasattr(module, "blocks") and callable(module.blocks) \
            and not isinstance(module.blocks, nn.Module):
        found: list[list[Any]] = module.blocks()
        return found
    lists = [one for one in module.modules() if isinstance(one, (nn.Sequential, nn.ModuleList))]
    members = [[list(child.parameters()) for child in one.children()] for one in lists]
    members = [[block for block in blocks if block] for blocks in members]
    best = max(members, key=len, default=[])
    if len(best) < 2:
        return [own for one in module.modules()
                if (own := list(one.parameters(recurse=False)))]
    inside = {id(one) for block in best for one in block}
    order = list(module.parameters())
    last = max(i for i, one in enumerate(order) if id(one) in inside)
    best[-1] = best[-1] + [one for one in order[last + 1:] if id(one) not in inside]
    return best


def _add_lora(module: Any, settings: Settings) -> list[Any]:
    """To every linear layer and every convolution that is not by channel."""
    import torch
    from torch import nn
    from torch.nn.utils import parametrize

    class LowRank(nn.Module):  # type: ignore[misc]
        """W + scale x B A: B is zero at first, so that nothing changes (Hu et al. 2021)."""

        def __init__(self, weight: Any, generator: Any) -> None:
            super().__init__()
            width = weight[0].numel()
            rank = min(settings.lora_rank, width, len(weight))
            self.a = nn.Parameter(torch.randn(rank, width, generator=generator) / width**0.5)
            self.b = nn.Parameter(torch.zeros(len(weight), rank))

        def forward(self, weight: Any) -> Any:
            return weight + settings.lora_scale * (self.b @ self.a).reshape(weight.shape)

    generator = torch.Generator().manual_seed(settings.seed)
    added: list[Any] = []
    for layer in list(module.modules()):
        if isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1):
            addition = LowRank(layer.weight, generator)
            parametrize.register_parametrization(layer, "weight", addition)
            added += [addition.a, addition.b]
    return added


def merge_lora(module: Any) -> None:
    """Makes the additions part of the weights."""
    from torch.nn.utils import parametrize
    for layer in list(module.modules()):
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)


def make_head(dimension: int, classes: int) -> Any:
    """Logits of vectors: standardised by `mean` and `scale`, which are set once, then linear."""
    import torch
    from torch import nn

    class Head(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.zeros(dimension))
            self.register_buffer("scale", torch.ones(dimension))
            self.linear = nn.Linear(dimension, classes)
            nn.init.zeros_(self.linear.weight)
            nn.init.zeros_(self.linear.bias)

        def forward(self, vectors: Any) -> Any:
            return self.linear((vectors - self.mean) / self.scale)

    return Head()
