# SPDX-License-Identifier: Apache-2.0
"""Reading, ours beside the peers': answers compared first, then rounds in turn, medians.

    python reading.py READ_BENCH SLIDES_FOLDER LAMELLA [--rounds 5] [--out RESULTS.md]
"""

import argparse
import datetime
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from measuring import Failed, call, in_turn, machine, rates, spread

HERE = Path(__file__).resolve().parent
PEERS = ["pyvips", "openslide", "cucim", "tiffslide", "fastslide"]
FAST_PEERS = ["pyvips", "openslide", "cucim"]


class Bench:
    def __init__(self, options):
        self.program, self.folder, self.rounds = options.program, options.slides, options.rounds
        self.lines = []
        self.left_out = []  # said below the table, which they would break

    def ours(self, *words):
        return [self.program, *words]

    def peer(self, reader, *words):
        return [sys.executable, HERE / "peers.py", reader, *words]

    def positions(self, name, rows) -> Path:
        path = self.folder / f"{name}.txt"
        path.write_text("".join(f"{x} {y}\n" for x, y in rows))
        return path

    def rounds_of(self, commands: dict, title: str = "") -> dict:
        """name -> list of results; a peer that fails is left out and named, ours ends it all."""
        results, left_out = in_turn({name: partial(call, command)
                                     for name, command in commands.items()}, self.rounds, PEERS)
        self.left_out += [f"- {title}: {reader} left out, it failed: {why}"
                          for reader, why in left_out.items()]
        return results

    def say(self, line=""):
        print(line, flush=True)
        self.lines.append(line)


def agree(bench, title, slide, size, mpp, file, peers, exact):
    """name -> check run of the peers whose answer is ours: identical pixels, or the same mean to
    0.5 where decoders or resampling may differ."""
    words = [slide, 2, size, mpp, file]
    ours = call(bench.ours("patches", *words, "check"))
    kept = {}
    for reader in peers:
        try:
            theirs = call(bench.peer(reader, *words, "check"))
        except Failed as error:
            bench.left_out.append(f"- {title}: {reader} left out, it failed: {error}")
            continue
        same = (theirs["checksum"] == ours["checksum"] if exact
                else abs(theirs["mean"] - ours["mean"]) < 0.5)
        if same:
            kept[reader] = theirs
        else:
            bench.left_out.append(f"- {title}: {reader} left out, its pixels differ (mean "
                                  f"{theirs['mean']:.3f}, ours {ours['mean']:.3f})")
    if not kept:
        raise SystemExit(f"{title}: no peer agrees with us; no figure is worth anything")
    return kept


def compare(bench, title, slide, size, mpp, rows, target, peers=PEERS, exact=True):
    file = bench.positions(re.sub(r"\W+", "_", title), rows)
    checked = agree(bench, title, slide, size, mpp, file, peers, exact)
    # Those far behind are not worth waiting for: their one checked run is shown, with a ~.
    fastest = max(rates([result])[0] for result in checked.values())
    slow = {reader: rates([result])[0] for reader, result in checked.items()
            if rates([result])[0] < fastest / 2}
    readers = [reader for reader in checked if reader not in slow]
    for threads in (1, 2):
        words = [slide, threads, size, mpp, file]
        commands = {"lamella": bench.ours("patches", *words)}
        commands |= {reader: bench.peer(reader, *words) for reader in readers}
        commands["floor"] = bench.ours("floor", slide, threads)
        results = bench.rounds_of(commands, f"{title}, threads {threads}")
        readers = [reader for reader in readers if reader in results]
        if not readers:
            bench.left_out.append(f"- {title}, threads {threads}: no peer is left, so no ratio")
            continue
        best = max(readers, key=lambda reader: statistics.median(rates(results[reader])))
        ours = statistics.median(rates(results["lamella"]))
        ratio = ours / statistics.median(rates(results[best]))
        tiles = results["lamella"][0]["tiles"]
        a_tile = statistics.median(r["seconds"] / r["count"] for r in results["floor"])
        seconds = statistics.median(r["seconds"] for r in results["lamella"])
        share = 100 * tiles * a_tile / seconds
        peak = max(r["peak_mib"] for r in results["lamella"])
        others = [f"{r} {statistics.median(rates(results[r])):,.0f}" for r in readers]
        if threads == 2:
            others += [f"{reader} ~{value:,.0f}" for reader, value in slow.items()]
        bench.say(f"| {title} | {threads} | {spread(rates(results['lamella']))} | "
                  f"{', '.join(others)} | {ratio:.2f}x {best} | {share:.0f} % | {peak:.0f} | {target} |")


def reading(bench):
    bench.say("| work | threads | lamella, patches/s | peers | ratio | of the decode floor | "
              "peak MiB | target |")
    bench.say("|---|---|---|---|---|---|---|---|")
    width, height = 19980, 20769

    def grid(size, step):
        return [(x, y) for y in range(0, height - size + 1, step)
                for x in range(0, width - size + 1, step)]

    grid_512, grid_256 = bench.folder / "grid_512.tif", bench.folder / "grid_256.tif"
    for slide, tile_px, size in ((grid_512, 512, 299), (grid_512, 512, 512), (grid_256, 256, 256)):
        compare(bench, f"grid {size} px, tiles {tile_px}", slide, size, 0, grid(size, size),
                "1.5x, 75 %", peers=FAST_PEERS)
    draw = random.Random(1)
    spots = [(draw.randrange(width - 299), draw.randrange(height - 299)) for _ in range(2000)]
    compare(bench, "2,000 random 299 px", grid_512, 299, 0, spots, "2.5x")
    compare(bench, "half overlapping 256 px", grid_256, 256, 0, grid(256, 128), "1.3x, 65 %",
            peers=["pyvips"])
    compare(bench, "256 px at 2 um/px, levels 0.5 and 8", bench.folder / "gap_512.tif", 256, 2.0,
            grid(1024, 1024), "1.5x", peers=["pyvips", "openslide"], exact=False)
    jp2k = [(x, y) for y in range(0, 5934 - 255, 256) for x in range(0, 4440 - 255, 256)]
    compare(bench, "JPEG 2000, grid 256 px", bench.folder / "jp2k_256.svs", 256, 0, jp2k,
            "1.0x openslide", peers=["openslide"], exact=False)
    bench.say()
    for line in bench.left_out:
        bench.say(line)


def huge(bench):
    slide = bench.folder / "huge_512.tif"
    draw = random.Random(2)
    spots = [(draw.randrange(99000), draw.randrange(100000)) for _ in range(20000)]
    file = bench.positions("huge_spots", spots)
    results = bench.rounds_of({
        "tissue, 1 thread": bench.ours("tissue", slide, 1),
        "tissue, 2 threads": bench.ours("tissue", slide, 2),
        "open and plan 100,000 patches": bench.ours("plan", slide, 100000),
        "20,000 random 299 px": bench.ours("patches", slide, 2, 299, 0, file)})
    bench.say()
    bench.say("A slide of 99,900 x 100,878 px with a normal pyramid:")
    bench.say()
    bench.say("| work | seconds | peak MiB | target |")
    bench.say("|---|---|---|---|")
    targets = {"tissue, 1 thread": "1 s", "tissue, 2 threads": "1 s",
               "open and plan 100,000 patches": "0.2 s", "20,000 random 299 px": "512 MiB"}
    for name, runs in results.items():
        seconds = [run["seconds"] for run in runs]
        bench.say(f"| {name} | {statistics.median(seconds):.2f} ({min(seconds):.2f}-"
                  f"{max(seconds):.2f}) | {max(run['peak_mib'] for run in runs):.0f} | "
                  f"{targets[name]} |")


def reference(bench, lamella, python):
    """The reference workflow's patch step against `lamella extract`, two threads."""
    slide = bench.folder / "grid_512.tif"
    rows = [(x, y) for y in range(0, 30 * 299, 299) for x in range(0, 66 * 299, 299)]
    file = bench.positions("reference", rows)
    theirs, ours = [], {"jpeg": [], "webdataset": [], "null": []}
    with tempfile.TemporaryDirectory() as folder:
        plan = f"{folder}/plan.h5"
        subprocess.run([lamella, "--quiet", "plan", "--slide", slide, "--size-px", "299", "--level",
                        "0", "--tissue", "none", "--region", f"0,0,{66 * 299},{30 * 299}",
                        "--out", plan], check=True, stdout=subprocess.DEVNULL)
        for turn in range(bench.rounds):
            theirs.append(call([python, HERE / "reference_patches.py", slide, 2, 299, file,
                                f"{folder}/theirs_{turn}"]))
            for form, results in ours.items():
                begin = time.perf_counter()
                done = subprocess.run(
                    [lamella, "--json", "--quiet", "--threads", "2", "extract", "--slide", slide,
                     "--plan", plan, "--format", form, "--jpeg-chroma", "4:2:0", "--out", f"{folder}/{form}_{turn}"],
                    check=True, capture_output=True, text=True)
                results.append({"count": json.loads(done.stdout)["patches"],
                                "seconds": time.perf_counter() - begin})
        assert len(list(Path(f"{folder}/jpeg_0").rglob("*.jpg"))) == len(rows)
    bench.say()
    bench.say(f"The reference workflow's patch step (Spark local[2], OpenSlide opened for every "
              f"patch, JPEG files), {len(rows):,} patches of 299 px: {spread(rates(theirs))} "
              "patches/s. `lamella extract`, its start counted (target 10x):")
    bench.say()
    bench.say("| format | patches/s | ratio |")
    bench.say("|---|---|---|")
    for form, results in ours.items():
        ratio = statistics.median(rates(results)) / statistics.median(rates(theirs))
        bench.say(f"| {form} | {spread(rates(results))} | {ratio:.1f}x |")


def growth(bench, lamella):
    bench.say()
    bench.say("Cost as work grows, 256 px grid over synthetic slides of tiles of 256 px, 2 threads:")
    bench.say()
    bench.say("| pixels | patches | patches/s | peak MiB |")
    bench.say("|---|---|---|---|")
    for side in (5120, 10240, 20480):
        folder = bench.folder / f"phantom_{side}"
        if not folder.exists():
            subprocess.run([lamella, "--quiet", "phantom", "--out", folder, "--slides", "1",
                            "--size-px", f"{side},{side}"], check=True, stdout=subprocess.DEVNULL)
        slide = next(folder.rglob("*.tif*"))
        rows = [(x, y) for y in range(0, side, 256) for x in range(0, side, 256)]
        file = bench.positions(f"phantom_{side}_grid", rows)
        results = bench.rounds_of({"lamella": bench.ours("patches", slide, 2, 256, 0, file)})
        peak = max(r["peak_mib"] for r in results["lamella"])
        bench.say(f"| {side}² | {len(rows):,} | {spread(rates(results['lamella']))} | {peak:.0f} |")


def versions() -> str:
    from importlib.metadata import version
    names = ["pyvips-binary", "openslide-bin", "cucim-cu12", "tiffslide", "fastslide"]
    return ", ".join(f"{name} {version(name)}" for name in names)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("slides", type=Path)
    parser.add_argument("lamella", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md")
    parser.add_argument("--spark-python", type=Path,
                        help="Python with pyspark and openslide, for the reference workflow")
    options = parser.parse_args()
    bench = Bench(options)
    bench.say("# Reading: measured")
    bench.say()
    bench.say(f"`make bench`, {datetime.date.today()}, {machine()}. Peers: {versions()}.")
    bench.say(f"Median (lowest-highest) of {options.rounds} rounds in turn; peers whose pixels are "
              "not ours are left out. A real scan repeated to 19,980 x 20,769 px, JPEG Q80. The "
              "decode floor: the tiles the work needs, each decoded once by the same library.")
    bench.say()
    reading(bench)
    huge(bench)
    growth(bench, options.lamella)
    if options.spark_python:
        reference(bench, options.lamella, options.spark_python)
    options.out.write_text("\n".join(bench.lines) + "\n")


if __name__ == "__main__":
    main()
