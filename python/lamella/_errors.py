# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations


class LamellaWarning(UserWarning):
    """What lamella adapted, or found odd."""


class Error(RuntimeError):
    """The one exception of lamella: what was found, what was expected, what to do."""

    def __init__(self, message: str, path: str = "", code: str = "", where: str = "",
                 option: str = "") -> None:
        super().__init__(message, path, code, where, option)
        self.message = message
        self.path = path
        self.code = code    # "not found", "corrupt", "mismatch" ...
        self.where = where  # source file and line that threw
        self.option = option  # that the message is about, "" if it is about none

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message
