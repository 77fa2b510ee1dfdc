# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at random moments of `lamella run`; what is left is finished and compared.

    python kill_runs.py PROGRAM STUDY OUT [--kills 100] [--seed 1] [--threads 2] [--set KEY=VALUE …]
"""

import argparse
import json
import math
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


LEAST_KILLS = 10  # on a slow machine, too


@dataclass
class Kills:
    kills: int = 0
    rounds: int = 0   # runs that were killed, some of them often, and then finished
    reused: int = 0   # patches found finished by runs that came after a kill
    resumed: int = 0  # found in the middle of a slide


def results(out: Path) -> dict[str, bytes]:
    """All but the records of the runs, and the model's card, which tells of its run."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*"))
            if path.is_file() and path.relative_to(out).parts[0] != "runs"
            and path != out / "model" / "README.md"}


def leftovers(out: Path) -> list[Path]:
    """The lock in a killed run's record is no such thing: by it the record is known as killed's."""
    return [path for path in out.rglob("*") if path.suffix in (".tmp", ".part", ".lock", ".old")]


def run(words: list[str]) -> dict:
    done = subprocess.run([*words, "--json", "--quiet"], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def differences(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def kill_runs(program: str, study: str, out: Path, *, kills: int, seed: int = 1,
              options: tuple[str, ...] = (), seconds: float = math.inf) -> Kills:
    """Kills runs at `kills` moments, drawn evenly from the time that a whole run takes; fewer, but
    not fewer than LEAST_KILLS, if they take more than `seconds`. A run that gets to its end is
    compared with an undisturbed one and begun again from nothing. AssertionError: what differs, or was left."""
    moments = random.Random(seed)

    def words(folder: Path) -> list[str]:
        return [program, "run", study, "--set", f"output={folder}", *options]

    whole, killed = out / "whole", out / "killed"
    for folder in (whole, killed):
        shutil.rmtree(folder, ignore_errors=True)
    start = time.monotonic()
    metrics = run(words(whole))["metrics"]
    whole_seconds = time.monotonic() - start
    expected = results(whole)
    found = Kills()
    disturbed = False

    def finish() -> None:
        nonlocal disturbed
        result = run(words(killed))
        slides = result["slides"]
        found.reused += sum(slide["patches_reused"] for slide in slides)
        found.resumed += sum(slide["patches_resumed"] for slide in slides)
        assert result["metrics"] == metrics, "the metrics differ"
        assert not differences(expected, results(killed)), differences(expected, results(killed))
        assert not leftovers(killed), leftovers(killed)
        shutil.rmtree(killed)
        found.rounds += 1
        disturbed = False

    start = time.monotonic()
    while found.kills < kills and (found.kills < LEAST_KILLS or time.monotonic() - start < seconds):
        process = subprocess.Popen([*words(killed), "--quiet"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        try:
            _, errors = process.communicate(timeout=moments.uniform(0, whole_seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            found.kills += 1
            disturbed = True
            # Now and then, so that kills hit young and old outputs alike.
            if moments.random() < 0.2:
                finish()
            continue
        assert process.returncode == 0, errors
        finish()
    if disturbed:
        finish()
    shutil.rmtree(whole)
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("study")
    parser.add_argument("out", type=Path)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", default="2")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    words = [word for value in options.set for word in ("--set", value)]
    start = time.monotonic()
    found = kill_runs(options.program, options.study, options.out.absolute(), kills=options.kills,
                      seed=options.seed, options=("--threads", options.threads, *words))
    print(f"{found.kills} kills in {found.rounds} rounds, {time.monotonic() - start:.0f} s: every "
          f"result byte for byte as undisturbed; {found.reused} patches found finished, "
          f"{found.resumed} in the middle of a slide; nothing left behind")
    return 0


if __name__ == "__main__":
    sys.exit(main())
