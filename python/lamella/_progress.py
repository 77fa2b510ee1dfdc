# SPDX-License-Identifier: Apache-2.0
"""What progress=True shows."""

from __future__ import annotations

from typing import Any


class Bar:
    """One tqdm bar a step; nothing where tqdm is not installed."""

    def __init__(self) -> None:
        self._step = ""
        self._bar: Any = None
        try:
            from tqdm.auto import tqdm
        except ImportError:
            tqdm = None
        self._tqdm: Any = tqdm

    def __call__(self, step: str, done: int, total: int, unit: str) -> None:
        if self._tqdm is None:
            return
        if step != self._step or self._bar is None:
            if self._bar is not None:
                self._bar.close()
            self._step, self._bar = step, self._tqdm(total=total, desc=step, unit=" " + unit)
        self._bar.n = done
        self._bar.refresh()
        if done >= total:
            self._bar.close()
            self._bar, self._step = None, ""
