# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning: an encoder of a study's own, learnt from its labelled patches with PyTorch.

    lamella finetune study.toml                                      # one process
    torchrun --nproc-per-node 4 -m lamella.finetuning study.toml     # four
    lamella.finetune("study.toml", method="last", blocks=3)          # Python
    lamella.spark.finetune("study.toml", spark, workers=4)           # a cluster

The patches of a step, their order and how they are varied depend on the seed and the epoch alone.
A process reads and learns from its share of each step; gradients are summed over all processes. So
their number changes nothing but rounding.
"""

from lamella.finetuning._run import Interrupted, run
from lamella.finetuning._app import main

__all__ = ["Interrupted", "main", "run"]
