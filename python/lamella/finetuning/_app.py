# SPDX-License-Identifier: Apache-2.0
"""python -m lamella.finetuning STUDY.toml: what `lamella finetune` runs, and torchrun."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from typing import Any

FAILED, INTERRUPTED = 1, 130
INTERVAL_S = 5.0


class _Lines:
    """A line on stderr now and then, and one an epoch."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def __call__(self, step: str, done: int, total: int, unit: str) -> None:
        now = time.monotonic()
        if now - self.last >= INTERVAL_S or done == total:
            self.last = now
            print(f"lamella: {step}: {done} of {total} {unit}", file=sys.stderr, flush=True)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lamella.finetuning",
                                     description="an encoder of a study's own, learnt from its "
                                                 "labelled patches; lamella finetune --help lists "
                                                 "the options")
    parser.add_argument("study", metavar="STUDY.toml")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE",
                        help="override one key of the study (repeatable)")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.add_argument("--quiet", action="store_true")
    return parser


def _text(result: dict[str, Any]) -> str:
    lines = [f"{'epoch':>5} {'train loss':>10} {'held-out loss':>13} {'accuracy':>8}"]
    for one in result["history"]:
        held_out = one.get("held_out_log_loss")
        lines.append(f"{int(one['epoch']) + 1:>5} {one['train_loss']:>10.4f} " + (
            f"{held_out:>13.4f} {one['held_out_balanced_accuracy']:>8.4f}"
            if held_out is not None else ""))
    return "\n".join([*lines, f"weights of epoch {result['best_epoch'] + 1}",
                      f"record: {result['run_dir']}/run.json",
                      f"encoder: {result['encoder']}",
                      f"use it with: --set encoder.name={result['encoder']}"])


def _warned(message: Any, category: Any, filename: str, lineno: int, file: Any = None,
            line: Any = None) -> None:
    from lamella import LamellaWarning
    if issubclass(category, LamellaWarning):  # torch's own are not for the user
        print(f"lamella: warning: {message}", file=sys.stderr)


def main(words: list[str] | None = None) -> int:
    options = _arguments().parse_args(words)
    from lamella import Error
    from lamella.finetuning import run

    first = os.environ.get("RANK", "0") == "0"
    warnings.showwarning = _warned
    show = _Lines() if first and not options.quiet else None
    try:
        result = run(options.study, options.overrides, threads=options.threads, progress=show)
    except Error as error:
        if first or "process" not in str(error):  # all of them say the same
            print(f"lamella: error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    if first:
        print(json.dumps(result) if options.json else _text(result))
    return 0
