# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C at given moments of `lamella run`."""

import json
import signal
import subprocess
import time
from pathlib import Path

from conftest import PROGRAM


def interrupt_runs(study: Path, folder: Path, delays: tuple[float, ...]) -> None:
    """Runs the study, whose output is FOLDER/out, with two threads as often as there are delays;
    after each Ctrl-C nothing is half-written and the record says so. One at least must be met."""
    interrupted = 0
    for delay in delays:
        run = subprocess.Popen([PROGRAM, "run", str(study), "--threads", "2"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(delay)
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=60)
        assert run.returncode in (0, 130), err
        interrupted += run.returncode == 130
        assert not list(folder.rglob("*.tmp")), "a half-written file was left"
        if run.returncode == 130:
            assert "interrupted" in err
            for record in (folder / "out" / "runs").glob("*/run.json"):
                assert json.loads(record.read_text())["status"] in ("KILLED", "FINISHED")
    assert interrupted >= 1
