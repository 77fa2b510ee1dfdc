# SPDX-License-Identifier: Apache-2.0
"""The command line, which lies in the package."""

import os
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent / "bin" / "lamella"


def main() -> None:
    # Steps that need a framework (encoder import --from, encoder quantize) look for it here first.
    os.environ.setdefault("LAMELLA_PYTHON", sys.executable)
    os.execv(PROGRAM, ["lamella", *sys.argv[1:]])
