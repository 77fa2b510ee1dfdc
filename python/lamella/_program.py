# SPDX-License-Identifier: Apache-2.0
"""The command line, which lies in the package."""

import os
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent / "bin" / "lamella"


def main() -> None:
    os.execv(PROGRAM, ["lamella", *sys.argv[1:]])
