# SPDX-License-Identifier: Apache-2.0
"""The feature step beside the engine alone, and beside the loop that a user would write.

    python encoding.py ENCODE_BENCH LAMELLA SLIDE [--encoder NAME:PRECISION:PX:COUNT ...]

Answers are compared before any figure; rounds in turn, medians. The peer: OpenSlide and ONNX
Runtime with as many threads, 16 patches at once, the next ones read meanwhile.
"""

import argparse
import concurrent.futures
import datetime
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy

from measuring import call, machine, spread

HERE = Path(__file__).resolve().parent
BATCH = 16
THREADS = 2


def peer(encoder: Path, slide: str, coords: str, size: int, out: str) -> None:
    """One JSON line: seconds from the slide to the features on disk, the session made before."""
    import onnxruntime
    import openslide

    info = json.loads((encoder / "encoder.json").read_text())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(encoder / "network.onnx", options)
    source = session.get_inputs()[0]
    channels_last = source.shape[-1] == 3
    mean, std = numpy.float32(info["mean"]), numpy.float32(info["std"])
    places = numpy.load(coords)

    def read(first):
        patches = []
        for x, y in places[first:first + BATCH]:
            region = handle.read_region((int(x), int(y)), 0, (size, size)).convert("RGB")
            if size != info["input_px"]:
                region = region.resize((info["input_px"],) * 2)
            patches.append((numpy.asarray(region, numpy.float32) - mean) / std)
        batch = numpy.stack(patches)
        return numpy.ascontiguousarray(batch if channels_last else batch.transpose(0, 3, 1, 2))

    def encode(batch):
        step = len(batch) if not isinstance(source.shape[0], int) else source.shape[0]
        rows = []
        for first in range(0, len(batch), step):
            outputs = session.run(None, {source.name: batch[first:first + step]})
            rows.append(numpy.concatenate([o.reshape(len(o), -1) for o in outputs], 1))
        return numpy.concatenate(rows)

    handle = openslide.OpenSlide(slide)
    encode(read(0))
    start = time.perf_counter()
    handle = openslide.OpenSlide(slide)
    features = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(read, 0)
        for first in range(0, len(places), BATCH):
            batch = waiting.result()
            if first + BATCH < len(places):
                waiting = pool.submit(read, first + BATCH)
            features.append(encode(batch))
    numpy.save(out, numpy.concatenate(features))
    print(json.dumps({"seconds": time.perf_counter() - start}))


def least_cosine(a, b) -> float:
    return float(((a * b).sum(1) / numpy.linalg.norm(a, axis=1)
                  / numpy.linalg.norm(b, axis=1)).min())


def measure(options, name, precision, px, count, folder) -> str:
    import h5py

    lamella, slide = options.lamella, options.slide
    plan, features = folder / "plan.h5", folder / "features.h5"
    columns = 40
    region = f"2000,2000,{columns * px},{-(-count // columns) * px}"
    call([lamella, "--quiet", "--json", "plan", "--slide", slide, "--size-px", px, "--level", 0,
          "--tissue", "none", "--region", region, "--out", plan])
    with h5py.File(plan) as file:
        numpy.save(folder / "coords.npy", file["coords"][:])
        count = len(file["coords"])
    engine, step, peers = [], [], []
    encoder = call([lamella, "--json", "encoder", "check", name, "--precision", precision])
    info = json.loads((Path(encoder["path"]) / "encoder.json").read_text())
    precision = encoder["precision"]
    # The peer's loop knows neither pooling nor several fields of view.
    peer_runs = precision == "f32" and len(info["views"]) == 1
    for _ in range(options.rounds):
        ours = call([options.program, name, precision, THREADS, slide, plan, features, 1])
        engine += ours["engine"]
        step += ours["step"]
        if peer_runs:
            peers.append(call([sys.executable, __file__, "--peer", encoder["path"], slide,
                               folder / "coords.npy", px, folder / "peer.npy"])["seconds"])
    beside = "- | -"
    if peer_runs:
        with h5py.File(features) as file:
            cosine = least_cosine(file["features"][:].reshape(count, -1),
                                  numpy.load(folder / "peer.npy"))
        if cosine < 0.9999:
            raise RuntimeError(f"{name}: the peer's features differ, least cosine {cosine}")
        ratio = statistics.median(peers) / statistics.median(step)
        beside = f"{spread([count / s for s in peers], 1)} | {ratio:.2f}x"
    of_engine = [100 * e / s for e, s in zip(engine, step)]
    return (f"| {encoder['name']}, {precision} | {px} | {count:,} | "
            f"{spread([count / s for s in step], 1)} | {spread([count / s for s in engine], 1)} | "
            f"{spread(of_engine)} % | {beside} |")


def default_work() -> list[str]:
    """The shipped encoders, and InceptionV3 where `make bench-reference` has left it."""
    work = ["lite0:auto:224:2000", "lite0:f32:224:1000", "lite0-context:auto:224:800"]
    made = HERE.parent / "build/bench/encoders"
    if (made / "inception").exists():
        work += [f"{made}/inception:auto:299:400", f"{made}/inception:f32:299:200"]
    if (made / "inception-int8").exists():
        work.append(f"{made}/inception-int8:int8:299:800")
    return work


def main():
    if sys.argv[1:2] == ["--peer"]:
        encoder, slide, coords, size, out = sys.argv[2:]
        peer(Path(encoder), slide, coords, int(size), out)
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("lamella", type=Path)
    parser.add_argument("slide", type=Path)
    parser.add_argument("--encoder", nargs="+", default=default_work(),
                        metavar="NAME:PRECISION:PX:COUNT")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE / "ENCODING.md")
    options = parser.parse_args()
    lines = ["# The feature step: measured", "",
             f"`make bench-encoding`, {datetime.date.today()}, {machine()}. Slide on disk to features "
             f"on disk, native pixels; median (lowest-highest) of {options.rounds} rounds in turn. "
             "The engine alone: the same patches, extracted before, through the same network in the "
             "same process. The peer: OpenSlide and ONNX Runtime in Python, reading one batch ahead.",
             "", "| encoder | px | patches | lamella, patches/s | engine alone | of the engine | "
             "peer, patches/s | lamella / peer |", "|---|---|---|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    for words in options.encoder:
        name, precision, px, count = words.rsplit(":", 3)
        with tempfile.TemporaryDirectory() as folder:
            lines.append(measure(options, name, precision, int(px), int(count), Path(folder)))
        print(lines[-1], flush=True)
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
