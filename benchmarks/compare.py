# SPDX-License-Identifier: Apache-2.0
"""Two builds of lamella beside each other: did a change make it slower?

    python compare.py BASE_BUILD NEW_BUILD FOLDER [--rounds 9] [--out FILE.json]

Builds: folders with bin/lamella, bin/read_bench and bin/encode_bench (make bench-compare makes
both). Reading, tissue, encoding and training of synthetic slides, in turn. It fails (exit code 1)
where the new one is slower by more than LIMIT in its median and in its best round: noise makes
either alone slower, a real loss both.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy
from measuring import call, in_turn, machine, phantoms, spread

LIMIT = 0.05
SIDE = 10240
THREADS = 2
ENCODED = 400
TRAINED = 20_000


class Build:
    def __init__(self, name: str, build: Path, folder: Path, slide: Path):
        self.name, self.bin, self.slide = name, build / "bin", slide
        self.folder = folder / name
        self.folder.mkdir(parents=True, exist_ok=True)

    def lamella(self, *words) -> dict:
        return call([self.bin / "lamella", "--quiet", "--json", "--threads", THREADS, *words])

    def reading(self, size_px: int, mpp: float, positions: Path) -> Callable[[], dict]:
        return lambda: call([self.bin / "read_bench", "patches", self.slide, THREADS, size_px, mpp,
                             positions])

    def tissue(self) -> dict:
        return call([self.bin / "read_bench", "tissue", self.slide, THREADS])

    def encoding(self, precision: str) -> Callable[[], dict]:
        plan = self.folder / "encode.plan.h5"
        self.lamella("plan", "--slide", self.slide, "--size-px", 224, "--level", 0, "--tissue",
                     "none", "--region", f"0,0,{20 * 224},{ENCODED // 20 * 224}", "--out", plan)

        def measure() -> dict:
            took = call([self.bin / "encode_bench", "lite0", precision, THREADS, self.slide, plan,
                         self.folder / "encode.h5", 1])
            return {"seconds": took["step"][0]}
        return measure

    def training(self) -> Callable[[], dict]:
        features = self.labelled_features()

        def measure() -> dict:
            start = time.perf_counter()
            self.lamella("train", "--features", features, "--l2", "cv", "--out",
                         self.folder / "model")
            return {"seconds": time.perf_counter() - start}
        return measure

    def class_names(self) -> tuple[str, str]:
        """Builds from before classes had names say 0 and 1."""
        told = subprocess.run([self.bin / "lamella", "plan", "--help"], capture_output=True, text=True,
                              check=True).stdout
        return ("normal", "tumor") if "--classes" in told else ("0", "1")

    def labelled_features(self) -> Path:
        """A file of this build's own, filled with rows that are the same for both builds."""
        lists = []
        draw = random.Random(3)
        for label in (0, 1):
            lists.append(self.folder / f"{label}.txt")
            lists[-1].write_text("".join(
                f"s,{draw.randrange(64, SIDE - 64)},{draw.randrange(64, SIDE - 64)}\n"
                for _ in range(TRAINED // 2)))
        plan, few = self.folder / "train.plan.h5", self.folder / "few.h5"
        words = ["plan", "--slide", self.slide, "--slide-id", "s", "--size-px", 64, "--level", 0,
                 "--tissue", "none"]
        names = self.class_names()
        self.lamella(*words, "--centers", *(f"{path}:{name}" for path, name in zip(lists, names)),
                     *(["--classes", *names] if names[0] != "0" else []), "--out", plan)
        self.lamella(*words, "--region", "0,0,64,64", "--out", self.folder / "few.plan.h5")
        self.lamella("encode", "--slide", self.slide, "--slide-id", "s", "--plan",
                     self.folder / "few.plan.h5", "--out", few)
        made = self.folder / "train.h5"
        made.write_bytes(plan.read_bytes())
        with h5py.File(few) as source, h5py.File(made, "r+") as target:
            labels = target["label"][:].astype(int)
            width = source["features"].shape[1]
            values = numpy.random.default_rng(4).normal(size=(len(labels), width)).astype("float32")
            values[:, :16] += 0.4 * labels[:, None]
            target.create_dataset("features", data=values)
            for name, value in source["features"].attrs.items():
                target["features"].attrs[name] = value
        return made


def positions(folder: Path, name: str, rows: list[tuple[int, int]]) -> Path:
    path = folder / f"{name}.txt"
    path.write_text("".join(f"{x} {y}\n" for x, y in rows))
    return path


def works(builds: list[Build], folder: Path) -> dict[str, dict[str, Callable[[], dict]]]:
    """work -> build -> what measures it."""
    draw = random.Random(1)
    grid = positions(folder, "grid", [(x, y) for y in range(0, SIDE - 255, 256)
                                      for x in range(0, SIDE - 255, 256)])
    spots = positions(folder, "spots", [(draw.randrange(SIDE - 299), draw.randrange(SIDE - 299))
                                        for _ in range(1500)])
    return {
        "reading, grid 256 px": {b.name: b.reading(256, 0, grid) for b in builds},
        "reading, 1,500 random 299 px": {b.name: b.reading(299, 0, spots) for b in builds},
        "reading, 128 px at 1 µm/px": {b.name: b.reading(128, 1.0, grid) for b in builds},
        "tissue": {b.name: b.tissue for b in builds},
        f"encoding, {ENCODED} patches, f32": {b.name: b.encoding("f32") for b in builds},
        f"training, {TRAINED:,} rows": {b.name: b.training() for b in builds},
    }


def slower(base: list[float], new: list[float]) -> bool:
    return (statistics.median(new) > statistics.median(base) * (1 + LIMIT)
            and min(new) > min(base) * (1 + LIMIT))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("base", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    slide, = phantoms(options.base / "bin/lamella", options.folder / "slide", 1, f"{SIDE},{SIDE}", 7)
    builds = [Build("base", options.base, options.folder, slide),
              Build("new", options.new, options.folder, slide)]
    print(f"{machine()}; seconds, median (lowest-highest) of {options.rounds} rounds in turn; fails "
          f"beyond {LIMIT:.0%} in median and best\n")
    print("| work | base | new | new / base |\n|---|---|---|---|", flush=True)
    bad, measured = [], {}
    for work, measures in works(builds, options.folder).items():
        results, _ = in_turn(measures, options.rounds)
        base, new = ([result["seconds"] for result in results[name]] for name in ("base", "new"))
        ratio = statistics.median(new) / statistics.median(base)
        if slower(base, new):
            bad.append(work)
        measured[work] = {"base": base, "new": new, "ratio": ratio}
        print(f"| {work} | {spread(base, 3)} | {spread(new, 3)} | {ratio:.3f}"
              f"{' SLOWER' if work in bad else ''} |", flush=True)
    if options.out:
        options.out.write_text(json.dumps(measured, indent=1) + "\n")
    if bad:
        sys.exit(f"slower by more than {LIMIT:.0%}: {'; '.join(bad)}")


if __name__ == "__main__":
    main()
