# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: calling, taking turns, summaries, the machine's name."""

import json
import platform
import statistics
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path


class Failed(RuntimeError):
    """A measured program failed; its last line tells why."""


def call(command: Sequence) -> dict:
    """The JSON of the program's last line."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        told = done.stderr.strip().splitlines() or ["it said nothing"]
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"code {done.returncode}"
        raise Failed(f"{' '.join(words[:4])} ...: {how}: {told[-1][:200]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def in_turn(measures: dict[str, Callable[[], dict]], rounds: int, may_fail: Iterable[str] = ()
            ) -> tuple[dict[str, list[dict]], dict[str, str]]:
    """name -> results of each round, and name -> why it was left out. All take turns, so that noise
    hits all alike. One of `may_fail` that fails once is left out, whatever it did before; any other
    ends the benchmark."""
    results: dict[str, list[dict]] = {name: [] for name in measures}
    left_out: dict[str, str] = {}
    for _ in range(rounds):
        for name, measure in measures.items():
            if name in left_out:
                continue
            try:
                results[name].append(measure())
            except Failed as error:
                if name not in may_fail:
                    raise
                left_out[name] = str(error)
                del results[name]
    return results, left_out


def rates(results: list[dict]) -> list[float]:
    return [result["count"] / result["seconds"] for result in results]


def spread(values: Sequence[float], digits: int = 0) -> str:
    middle, low, high = (f"{value:,.{digits}f}"
                         for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({low}-{high})"


def summary(rounds: list[dict]) -> dict:
    """Of each figure: median, lowest, highest."""
    return {key: [round(f(row[key] for row in rounds), 4) for f in (statistics.median, min, max)]
            for key in rounds[0]}


def machine() -> str:
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.machine())
    flags = " ".join(sorted({flag for line in open("/proc/cpuinfo") if line.startswith("flags")
                             for flag in line.split() if flag in ("avx2", "avx512f", "avx512_vnni",
                                                                 "avx512_bf16", "amx_bf16")}))
    return f"{model} ({flags}), 2 threads used, warm page cache"


def phantoms(program: str | Path, folder: Path, slides: int, size_px: str, seed: int) -> list[Path]:
    """Synthetic slides; those that are there already are taken."""
    if not (folder / "slides.csv").exists():
        subprocess.run([program, "phantom", "--out", folder, "--slides", str(slides), "--size-px",
                        size_px, "--seed", str(seed), "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)
    return sorted(folder.glob("*.tif"))
