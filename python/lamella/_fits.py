# SPDX-License-Identifier: Apache-2.0
"""Whether this Python and this machine can load the module, which is compiled; and if not, why, in
words. Written so that a Python that is too old reads it to its end."""

import os
import platform
import re
import sys
from typing import Tuple

OLDEST = (3, 10)


def why_not(version: Tuple[int, int], error: str) -> str:
    """version: of Python; error: what importing the module said. "" where that says it all."""
    if version < OLDEST:
        return "found Python {}.{}, expected {}.{} or later; give this package one".format(
            *version, *OLDEST)
    needed = re.findall(r"GLIBC(?:XX)?_[0-9.]+", error)
    if needed:
        return ("found glibc {}, and the package was made for a later system ({}); take a wheel made "
                "for this one, or make it here: pip install . from a clone").format(
                    platform.libc_ver()[1] or "that is none", needed[0])
    if "nanobind" in error:
        return error + " (it is a dependency of lamella that pip installs)"
    return ""


if sys.version_info[:2] < OLDEST:
    raise ImportError("lamella: " + why_not(sys.version_info[:2], ""))
try:
    from lamella import _core  # noqa: F401
except ImportError as error:
    reason = why_not(sys.version_info[:2], str(error))
    if not reason:
        beside = [name for name in os.listdir(os.path.dirname(__file__)) if name.startswith("_core.")]
        reason = "{}; beside it lies {}, and this is Python {}.{} on {}".format(
            error, ", ".join(beside) or "no module _core", *sys.version_info[:2],
            platform.machine())
    raise ImportError("lamella: " + reason) from error
