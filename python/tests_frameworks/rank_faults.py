# SPDX-License-Identifier: Apache-2.0
"""lamella.finetuning in a process of torchrun in which something goes wrong: FAULT=..., of rank 1."""

import os
import sys

import torch
from lamella.finetuning import _cohort, _ranks, _reading, _training, main

FAULT, SECOND = os.environ.get("FAULT", ""), os.environ.get("RANK") == "1"


def fails_in_step(error, number=2):
    """In the step of this number, before its gradients."""
    plain, calls = _training.Training._gradients, []

    def gradients(self, *words):
        calls.append(1)
        if len(calls) == number:
            raise error
        return plain(self, *words)

    _training.Training._gradients = gradients


if FAULT == "memory" and SECOND:
    fails_in_step(RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate "
                               "memory: you tried to allocate 1 bytes"))
if FAULT == "killed" and SECOND:  # in the second epoch
    plain_gradients, seen = _training.Training._gradients, []

    def die(self, *words):
        seen.append(1)
        if len(seen) == 5:
            os.kill(os.getpid(), 9)
        return plain_gradients(self, *words)

    _training.Training._gradients = die
if FAULT == "slide" and SECOND:
    plain_read, reads = _reading.Reader._read_slide, []

    def read(self, slide, rows, at, pixels, found):
        reads.append(slide)
        if len(reads) > 4:
            os.truncate(os.environ["SLIDE"], os.path.getsize(os.environ["SLIDE"]) // 2)
        return plain_read(self, slide, rows, at, pixels, found)

    _reading.Reader._read_slide = read
if FAULT == "files" and SECOND:
    import pickle
    plain_check = _cohort._check_slides

    def check(cohort):
        with open(os.environ["SLIDE"], "r+b") as file:
            file.seek(1000)
            file.write(b"other bytes")
        return plain_check(cohort)

    _cohort._check_slides = check
if FAULT == "gloo":
    torch.distributed.is_gloo_available = lambda: False
if FAULT == "one class":
    # The second process gets the patches of one class alone.
    def part_of(step, rank, ranks):
        labels = COHORT[0].labels[step]
        return step[labels == 1] if rank else step[labels != 1]

    COHORT = []
    plain_init = _training.Training.__init__

    def init(self, settings, cohort, *words):
        COHORT.append(cohort)
        plain_init(self, settings, cohort, *words)

    _training.Training.__init__ = init
    _training.part_of = part_of
if FAULT == "settings" and SECOND:
    sys.argv.append("--set=finetune.learning_rate=0.5")

assert _ranks
sys.exit(main())
