# SPDX-License-Identifier: Apache-2.0
"""The state of a fine-tuning on disk: whole, or as it was before."""

from __future__ import annotations

import fcntl
import io
import os
from pathlib import Path
from typing import Any

from lamella._errors import Error

FORMAT = 1


class Checkpoint:
    """OUTPUT/finetune/<key>/state.pt, written and read by the first process alone."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self.key = folder, key
        self.path = folder / "state.pt"
        self._lock: Any = None

    def lock(self) -> None:
        """Until unlock, or this process ends."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = open(self.folder / "lock", "w")  # noqa: SIM115
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Error("another process is at this fine-tuning; wait for it, or stop it",
                        str(self.folder), "io") from error

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()

    def write(self, state: dict[str, Any]) -> None:
        import torch
        bytes_ = io.BytesIO()
        torch.save({**state, "format": FORMAT, "key": self.key}, bytes_)
        temporary = self.path.with_name(f".state.{os.getpid()}")
        try:
            with open(temporary, "wb") as file:
                file.write(bytes_.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise Error(f"the checkpoint cannot be written: {error.strerror}", str(self.path),
                        "io") from error
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def read(self) -> bytes | None:
        """For `state_of`, in every process."""
        for left in self.folder.glob(".state.*"):  # of killed processes: the lock is ours
            left.unlink(missing_ok=True)
        return self.path.read_bytes() if self.path.exists() else None


def state_of(saved: bytes, key: str, path: Path) -> dict[str, Any]:
    import torch
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(saved), map_location="cpu",
                                           weights_only=True)
        right = state["format"] == FORMAT and state["key"] == key
    except Exception as error:
        raise Error(f"is no checkpoint that can be read ({error}); remove it to begin anew",
                    str(path), "corrupt") from error
    if not right:
        raise Error("is the checkpoint of another fine-tuning, or of another version; remove it to "
                    "begin anew", str(path), "mismatch")
    return state
