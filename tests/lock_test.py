# SPDX-License-Identifier: Apache-2.0
"""Two commands on one output: the second says who holds it; a killed one holds nothing."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from conftest import PROGRAM, bad, good


def start(*words) -> subprocess.Popen:
    return subprocess.Popen([PROGRAM, *map(str, words)], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def stop_when_there(process: subprocess.Popen, path: Path) -> None:
    """Freezes the process once it holds the lock, so that it cannot end meanwhile."""
    limit = time.monotonic() + 60
    while not (path.exists() and path.read_text().count("\n") >= 5):
        assert process.poll() is None and time.monotonic() < limit
        time.sleep(0.002)
    process.send_signal(signal.SIGSTOP)


def test_a_second_run_says_who_holds_the_output(study, tmp_path):
    path, out = study(), tmp_path / "out"
    first = start("run", path, "--threads", 1)
    try:
        stop_when_there(first, out / "run.lock")
        error = bad("run", path)
        assert error.startswith(f"{out}: process {first.pid} on {socket.gethostname()}, since 20")
        assert f"run {path} --threads 1) is writing here" in error
    finally:
        first.kill()
        first.wait()
    assert (out / "run.lock").exists()
    good("run", path)
    assert not (out / "run.lock").exists()
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_second_encode_says_who_holds_the_file(cohort, tmp_path):
    slide, plan, out = cohort / "phantom_01.tif", tmp_path / "p.h5", tmp_path / "f.h5"
    good("plan", "--slide", slide, "--size-px", 112, "--level", 0, "--stride-px", 112,
         "--out", plan)
    words = ("encode", "--slide", slide, "--plan", plan, "--out", out)
    first = start(*words)
    try:
        stop_when_there(first, Path(f"{out}.lock"))
        assert f"process {first.pid} on" in bad(*words)
        good(*words[:-1], tmp_path / "other.h5")
    finally:
        first.send_signal(signal.SIGCONT)
        assert first.wait() == 0
    assert sorted(os.listdir(tmp_path)) == ["f.h5", "other.h5", "p.h5"]
    assert out.read_bytes() == (tmp_path / "other.h5").read_bytes()
