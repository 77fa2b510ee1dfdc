# SPDX-License-Identifier: Apache-2.0
"""Reading slides where they lie, over a link with latency, beside copying them first and beside tiffslide
with fsspec; and the features of a slide beside those of a local file.

    python stores.py READ_BENCH LAMELLA SOURCE.svs FOLDER [--large-px N] [--huge-px N] [--peer-python PYTHON]

A server on loopback stands for the store: 50 ms before each answer (and for each connection), and
200 MB a second of all connections together. What is read is compared by its checksum before a speed
is told. Prints a table, and the figures as JSON in FOLDER/stores.json."""

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import store_slide
from measuring import call

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from slide_server import SlideServer  # noqa: E402

DELAY_S, BYTES_PER_SECOND = 0.05, 200e6
PATCH_PX, THREADS = 299, 2
BUDGET_MIB = 64 + 16 + 256  # read ahead, blocks, decoded tiles


def positions_of(folder, name, side, count=None):
    """A file of positions: the whole grid, or so many at random."""
    path = folder / f"{name}.txt"
    if count:
        dice = random.Random(7)
        spots = [(dice.randrange(side - PATCH_PX), dice.randrange(side - PATCH_PX))
                 for _ in range(count)]
    else:
        steps = range(0, side - PATCH_PX, PATCH_PX)
        spots = [(x, y) for y in steps for x in steps]
    path.write_text("".join(f"{x} {y}\n" for x, y in spots))
    return path


class Bench:
    def __init__(self, given):
        self.given, self.figures = given, {}
        self.folder = Path(given.folder)

    def read(self, place, positions, check=False):
        return call([self.given.read_bench, "patches", place, THREADS, PATCH_PX, 0, positions,
                     *(["check"] if check else [])])

    def copy_and_read(self, server, name, positions):
        """The slide fetched whole by one request, then read as a file."""
        copy = self.folder / "copy.svs"
        began = time.perf_counter()
        with urllib.request.urlopen(server.url(name)) as answer, copy.open("wb") as out:
            while part := answer.read(1 << 20):
                out.write(part)
        copied = time.perf_counter() - began
        read = self.read(copy, positions)
        copy.unlink()
        return {"seconds": copied + read["seconds"], "copy_seconds": copied}

    def peer(self, server, name, positions):
        if not self.given.peer_python:
            return None
        return call([self.given.peer_python, Path(__file__).with_name("peers.py"), "tiffslide",
                     server.url(name), 1, PATCH_PX, 0, positions])

    def compare(self, server, name, positions, peer_positions=None):
        """Medians of rounds in turn; the pixels are the file's."""
        local = self.read(self.folder / name, positions, check=True)
        remote = self.read(server.url(name), positions, check=True)
        assert remote["checksum"] == local["checksum"], f"{name}: other pixels"
        rounds = [(self.read(server.url(name), positions),
                   self.copy_and_read(server, name, positions),
                   self.read(self.folder / name, positions)) for _ in range(self.given.rounds)]
        middle = lambda which: statistics.median(each[which]["seconds"] for each in rounds)  # noqa: E731
        told = rounds[0][0]
        found = {"patches": told["count"], "remote_s": middle(0), "copy_then_read_s": middle(1),
                 "local_s": middle(2), "times_faster_than_copy": middle(1) / middle(0),
                 "requests": told["requests"], "bytes_fetched": told["bytes_fetched"],
                 "bytes_needed": told["bytes_needed"],
                 "fetched_per_needed": told["bytes_fetched"] / told["bytes_needed"],
                 "peak_mib": max(each[0]["peak_mib"] for each in rounds),
                 "local_peak_mib": max(each[2]["peak_mib"] for each in rounds)}
        if peer_positions and self.given.peer_python:
            ours = self.read(server.url(name), peer_positions)
            peer = self.peer(server, name, peer_positions)
            found["peer_s"] = peer["seconds"]
            found["times_faster_than_peer"] = peer["seconds"] / ours["seconds"]
        return found

    def open(self, server, name):
        server.forget()
        told = call([self.given.read_bench, "open", server.url(name)])
        return {"seconds": told["seconds"], "requests": told["requests"],
                "bytes_fetched": told["bytes_fetched"]}

    def encode(self, server, name):
        """The features of the slide's tissue by lite0, in turn."""
        plan = self.folder / "encode.plan.h5"
        subprocess.run([self.given.lamella, "plan", "--slide", self.folder / name, "--size-px", "256",
                        "--level", "0", "--stride-px", "768", "--min-tissue", "0", "--out", plan],
                       check=True, capture_output=True)
        seconds = {"local": [], "remote": []}
        files = {}
        for _ in range(self.given.rounds):
            for kind, place in (("local", self.folder / name), ("remote", server.url(name))):
                out = self.folder / f"{kind}.features.h5"
                out.unlink(missing_ok=True)
                # The plan is the file's; an address has a fingerprint of its own.
                own = self.folder / f"{kind}.plan.h5"
                subprocess.run([self.given.lamella, "plan", "--slide", place, "--size-px", "256",
                                "--level", "0", "--stride-px", "768", "--min-tissue", "0", "--out",
                                own], check=True, capture_output=True)
                began = time.perf_counter()
                subprocess.run([self.given.lamella, "encode", "--slide", place, "--plan", own,
                                "--encoder", "lite0", "--out", out], check=True, capture_output=True)
                seconds[kind].append(time.perf_counter() - began)
                files[kind] = out
        import h5py
        with h5py.File(files["local"]) as one, h5py.File(files["remote"]) as other:
            assert (one["features"][()] == other["features"][()]).all(), "other features"
            count = one["features"].shape[-2]
        local, remote = (statistics.median(seconds[kind]) for kind in ("local", "remote"))
        return {"patches": int(count), "local_s": local, "remote_s": remote,
                "remote_per_local": remote / local}


def main():
    parser = argparse.ArgumentParser()
    for name in ("read_bench", "lamella", "source", "folder"):
        parser.add_argument(name)
    parser.add_argument("--large-px", type=int, default=50_000)
    parser.add_argument("--huge-px", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-python")
    given = parser.parse_args()
    bench = Bench(given)
    bench.folder.mkdir(parents=True, exist_ok=True)
    sides = {"grid.svs": 20_000, "large.svs": given.large_px, "huge.svs": given.huge_px}
    for name, side in sides.items():
        if not (bench.folder / name).exists():
            store_slide.write(given.source, bench.folder / name, side, 512)
    figures = bench.figures
    with SlideServer(bench.folder, DELAY_S, BYTES_PER_SECOND) as server:
        figures["opening"] = bench.open(server, "grid.svs")
        some = positions_of(bench.folder, "some", 20_000, 200)
        figures["grid"] = bench.compare(server, "grid.svs", positions_of(bench.folder, "grid", 20_000),
                                        some)
        figures["2,000 at random"] = bench.compare(
            server, "grid.svs", positions_of(bench.folder, "random", 20_000, 2000))
        figures["grid, large"] = bench.compare(
            server, "large.svs", positions_of(bench.folder, "large", given.large_px))
        figures["500 at random, huge"] = bench.compare(
            server, "huge.svs", positions_of(bench.folder, "few", given.huge_px, 500))
        figures["features"] = bench.encode(server, "grid.svs")
    (bench.folder / "stores.json").write_text(json.dumps(figures, indent=1))
    for what, found in figures.items():
        print(what)
        for key, value in found.items():
            print(f"    {key:24} {value:,.3f}" if isinstance(value, float)
                  else f"    {key:24} {value:,}")


if __name__ == "__main__":
    main()
