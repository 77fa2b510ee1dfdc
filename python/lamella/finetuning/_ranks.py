# SPDX-License-Identifier: Apache-2.0
"""The processes that work together, and how they fail together.

A process that fails alone would leave the others waiting in a sum that never comes. So what may
fail is done by `together`, or its failure is a number in the next sum: then all processes raise,
each naming the one that failed.
"""

from __future__ import annotations

import datetime
import os
import socket
from collections.abc import Callable
from typing import Any, TypeVar

from lamella._errors import Error

T = TypeVar("T")
# Planning a large cohort is the first process's work; the others wait.
PATIENCE = datetime.timedelta(hours=6)


class Ranks:
    """One process alone, or one of torchrun's (RANK, WORLD_SIZE and the others in the environment)."""

    def __init__(self, threads: int | None = None) -> None:
        import torch

        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0")) if self.count > 1 else 0
        local = int(os.environ.get("LOCAL_RANK", "0")) if self.count > 1 else 0
        beside = int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if self.count > 1 else 1
        self.device = torch.device("cpu")
        if torch.cuda.is_available():
            self.device = torch.device("cuda", local % torch.cuda.device_count())
            torch.cuda.set_device(self.device)
        cores = len(os.sched_getaffinity(0))
        self.threads = threads or max(1, cores // beside)
        torch.set_num_threads(self.threads)
        self._objects: Any = None
        if self.count > 1:
            self._join()

    def _join(self) -> None:
        import torch.distributed as dist

        if not dist.is_available() or not getattr(dist, "is_gloo_available", lambda: True)():
            import torch
            raise Error(f"found torch {torch.__version__} without gloo, by which {self.count} "
                        "processes would work together; expected one with it (pip install torch "
                        "has it), or one process", code="unsupported")
        dist.init_process_group("nccl" if self.device.type == "cuda" else "gloo", timeout=PATIENCE)
        # Objects go by way of the processor.
        self._objects = dist.new_group(backend="gloo", timeout=PATIENCE)

    @property
    def first(self) -> bool:
        return self.rank == 0

    def name(self) -> str:
        return f"process {self.rank} of {self.count} on {socket.gethostname()}"

    def sum(self, values: Any) -> None:
        """In place, over all processes."""
        if self.count > 1:
            import torch.distributed as dist
            self._guarded(lambda: dist.all_reduce(values))

    def gather(self, value: Any) -> list[Any]:
        """Of all processes, to all."""
        if self.count == 1:
            return [value]
        import torch.distributed as dist
        values: list[Any] = [None] * self.count
        self._guarded(lambda: dist.all_gather_object(values, value, group=self._objects))
        return values

    def from_first(self, make: Callable[[], T]) -> T:
        """make() of the first process, for all."""
        if self.count == 1:
            return make()
        import torch.distributed as dist
        box: list[Any] = [None]

        def fill() -> None:
            if self.first:
                box[0] = make()

        self.together(fill)
        self._guarded(lambda: dist.broadcast_object_list(box, src=0, group=self._objects))
        made: T = box[0]
        return made

    def together(self, work: Callable[[], T]) -> T:
        """work() in every process; raises in all if it did in one."""
        failure: BaseException | None = None
        result: Any = None
        try:
            result = work()
        except Exception as error:
            if self.count == 1:
                raise
            failure = error
        self.agree(failure)
        made: T = result
        return made

    def agree(self, failure: BaseException | None) -> None:
        """Raises the first failure of any process."""
        if self.count == 1:
            if failure is not None:
                raise failure
            return
        texts = self.gather(None if failure is None else f"{failure} ({self.name()})")
        for text in texts:
            if text is not None:
                raise Error(text, code=getattr(failure, "code", "")) from failure

    def same(self, values: dict[str, str]) -> None:
        """Error if another process found something else; says what."""
        for rank, other in enumerate(self.gather(values)):
            for name, value in values.items():
                if other.get(name) != value:
                    raise Error(f"process {rank} found {name} {other.get(name)}, process "
                                f"{self.rank} {value}; expected the same everywhere: every process "
                                "needs the same files, lamella and torch", code="mismatch")

    def _guarded(self, call: Callable[[], Any]) -> None:
        try:
            call()
        except RuntimeError as error:
            raise Error(f"the other processes cannot be reached any more; one was killed, or the "
                        f"network failed: {error} (seen by {self.name()}). The same command goes on "
                        "from the last checkpoint", code="io") from error

    def leave(self) -> None:
        if self.count > 1:
            import torch.distributed as dist
            if dist.is_initialized():
                dist.destroy_process_group()
