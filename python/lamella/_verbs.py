# SPDX-License-Identifier: Apache-2.0
"""The verbs with signatures that Python can inspect; what they are is said by the core."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lamella import _core


def _with_signature(verb: Any) -> Callable[..., Any]:
    text, doc, _ = verb.__nb_signature__[0]
    scope: dict[str, Any] = {}
    exec(f"from __future__ import annotations\n{text}: ...", scope)  # noqa: S102 - our own text

    @functools.wraps(scope[verb.__name__])
    def call(*args: Any, **options: Any) -> Any:
        return verb(*args, **options)

    call.__doc__ = doc
    call.__module__ = "lamella"
    call.__signature__ = inspect.signature(scope[verb.__name__])  # type: ignore[attr-defined]
    return call


if TYPE_CHECKING:
    from lamella._core import (  # noqa: A004 - the verbs' names
        calibrate,
        convert,
        encode,
        export,
        extract,
        finetune,
        map,
        plan,
        quantize,
        score,
        train,
    )
else:
    calibrate, convert, encode, export, extract, finetune, map, plan, quantize, score, train = (
        _with_signature(getattr(_core, name))
        for name in ("calibrate", "convert", "encode", "export", "extract", "finetune", "map", "plan",
                     "quantize", "score", "train"))

__all__ = ["calibrate", "convert", "encode", "export", "extract", "finetune", "map", "plan", "quantize", "score",
           "train"]
