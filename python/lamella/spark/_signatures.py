# SPDX-License-Identifier: Apache-2.0
"""Verbs on tables take the options of the verbs on slides, and show them."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

Verb = TypeVar("Verb", bound=Callable[..., Any])


def with_options_of(verb: Callable[..., Any], *but: str) -> Callable[[Verb], Verb]:
    """The decorated function's **options are the keyword arguments of `verb`, but those named: its
    signature lists them, and another name is a TypeError."""
    def decorate(function: Verb) -> Verb:
        own = inspect.signature(function)
        mine = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
        taken = {*but, *(p.name for p in mine)}
        more = [p for p in inspect.signature(verb).parameters.values()
                if p.kind is p.KEYWORD_ONLY and p.name not in taken]
        known = own.replace(parameters=[*mine, *more])

        @functools.wraps(function)
        def call(*args: Any, **options: Any) -> Any:
            for name in options:
                if name not in known.parameters:
                    near = difflib.get_close_matches(name, known.parameters, 1)
                    raise TypeError(f"{function.__name__}: found the option '{name}', expected one of "
                                    f"its own" + (f": '{near[0]}'?" if near else ""))
            return function(*args, **options)

        call.__signature__ = known  # type: ignore[attr-defined]
        return call  # type: ignore[return-value]
    return decorate
