# SPDX-License-Identifier: Apache-2.0
"""tracking.py [ROUNDS]: what sending to MLflow costs the demo's study. Every round runs it with and
without a server on loopback, in turns, each time into a new folder. Needs the package mlflow
(.venv-mlflow, made by tools/heavy/mlflow.sh) and the demo's cohort (make demo)."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import spread

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from real_mlflow import Server  # noqa: E402  after the path

PROGRAM = ROOT / "build" / "bin" / "lamella"
COHORT = ROOT / "out" / "demo" / "cohort" / "slides.csv"


def run(uri: str, folder: Path) -> tuple[float, float]:
    """Seconds of the whole program, and of those the ones it spent on sending."""
    output = folder / "out"
    shutil.rmtree(output, ignore_errors=True)
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri}
    start = time.perf_counter()
    ended = subprocess.run([PROGRAM, "run", ROOT / "studies" / "demo.toml", "--json", "--quiet",
                            "--set", f"output={output}", "--set", f"slides.table={COHORT}"],
                           capture_output=True, text=True, check=False, env=environment)
    seconds = time.perf_counter() - start
    assert ended.returncode == 0, ended.stderr
    sent = json.loads(ended.stdout)["mlflow"]
    assert (sent is not None) == bool(uri), ended.stderr
    return seconds, sent["seconds"] if sent else 0.0


def text(values: list[float], digits: int, unit: str) -> str:
    return f"{spread(values, digits)} {unit}"


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    if not COHORT.exists():
        print(f"{COHORT} is not there; run 'make demo' first")
        return 1
    plain, tracked, sending = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Server(folder)
        try:
            run(server.uri, folder)  # warm: files in memory, the experiment there
            for number in range(rounds):
                for uri in ("", server.uri) if number % 2 else (server.uri, ""):
                    seconds, sent = run(uri, folder)
                    if uri:
                        tracked.append(seconds)
                        sending.append(sent)
                    else:
                        plain.append(seconds)
                print(f"round {number + 1}: {plain[-1]:.2f} s, tracked {tracked[-1]:.2f} s, "
                      f"of which sending {sending[-1]:.3f} s", flush=True)
        finally:
            server.stop()
    more = [100 * (b / a - 1) for a, b in zip(plain, tracked)]
    share = [100 * s / (t - s) for s, t in zip(sending, tracked)]
    print(f"untracked {text(plain, 2, 's')}, tracked {text(tracked, 2, 's')}")
    print(f"more by pairs: {text(more, 2, '%')}; waited for the server: {text(share, 2, '%')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
