# SPDX-License-Identifier: Apache-2.0
"""Paths as Spark and its notebooks write them, as the file system knows them."""

from __future__ import annotations

import os
from urllib.parse import unquote


def local_path(path: str | os.PathLike[str]) -> str:
    """file:/a, file:///a: /a. dbfs:/Volumes/a: /Volumes/a; dbfs:/a: /dbfs/a, where Databricks shows
    them. Percent codes, as of input_file_name(), are read where no file has the name as it stands.
    Others as they are."""
    text = os.fspath(path)
    scheme, colon, rest = text.partition(":")
    if not colon or scheme.lower() not in ("file", "dbfs"):
        return text
    if rest.startswith("//localhost/"):
        rest = rest[len("//localhost"):]
    if not rest.startswith("/") or (rest.startswith("//") and not rest.startswith("///")):
        return text  # of another machine, or no path at all
    rest = "/" + rest.lstrip("/")
    if scheme.lower() == "dbfs" and not rest.startswith("/Volumes/"):
        rest = "/dbfs" + rest
    if "%" in rest and not os.path.exists(rest) and os.path.exists(unquote(rest)):
        return unquote(rest)
    return rest
