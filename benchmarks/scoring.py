# SPDX-License-Identifier: Apache-2.0
"""A region of 100 x 100 patches of 299 px, the reference workflow's scoring row: seconds from the
command line to scores and heat-map, beside the engine alone on the same patches.

    python scoring.py ENCODE_BENCH LAMELLA SLIDE [--encoder lite0 ...] [--precision auto]

The scores must be those of the features that the engine alone gave. The slide's contents are
repeated and the model's labels are drawn: it is the time that is measured.
"""

import argparse
import datetime
import random
import statistics
import tempfile
import time
from pathlib import Path

from measuring import call, machine, spread

HERE = Path(__file__).resolve().parent
PX, SIDE, CORNER, THREADS = 299, 100, 2000, 2


def make_model(lamella: Path, slide: Path, encoder: str, precision: str, folder: Path) -> Path:
    draw = random.Random(1)
    for label in (0, 1):
        rows = [f"s,{draw.randrange(PX, 30_000)},{draw.randrange(PX, 30_000)}" for _ in range(32)]
        (folder / f"{label}.txt").write_text("\n".join(rows))
    plan, features, model = folder / "train.plan.h5", folder / "train.h5", folder / "model"
    quiet = [lamella, "--quiet", "--json"]
    call([*quiet, "plan", "--slide", slide, "--slide-id", "s", "--size-px", PX, "--level", 0,
          "--classes", "a", "b", "--centers", f"{folder}/0.txt:a", f"{folder}/1.txt:b", "--out", plan])
    call([*quiet, "encode", "--slide", slide, "--slide-id", "s", "--plan", plan, "--encoder", encoder,
          "--precision", precision, "--out", features])
    call([*quiet, "train", "--features", features, "--l2", 1, "--out", model])
    return model


def score_and_map(lamella: Path, slide: Path, model: Path, scores: Path) -> tuple[float, float]:
    """Seconds of the two commands."""
    scores.unlink(missing_ok=True)
    words = [lamella, "--quiet", "--json", "--threads", THREADS]
    start = time.perf_counter()
    call([*words, "score", "--slide", slide, "--model", model, "--tissue", "none", "--region",
          f"{CORNER},{CORNER},{SIDE * PX},{SIDE * PX}", "--out", scores])
    scored = time.perf_counter()
    call([*words, "map", "--slide", slide, "--scores", scores, "--out", scores.with_suffix("")])
    return scored - start, time.perf_counter() - scored


def measure(options, encoder: str, folder: Path) -> str:
    lamella, slide = options.lamella, options.slide
    checked = call([lamella, "--json", "encoder", "check", encoder, "--precision", options.precision])
    model = make_model(lamella, slide, encoder, options.precision, folder)
    plan, features = folder / "plan.h5", folder / "features.h5"
    planned = call([lamella, "--quiet", "--json", "plan", "--slide", slide, "--size-px", PX, "--level",
                    0, "--tissue", "none", "--region",
                    f"{CORNER},{CORNER},{SIDE * PX},{SIDE * PX}", "--out", plan])
    if planned["patches"] != SIDE * SIDE:
        raise RuntimeError(f"{planned['patches']} patches planned, expected {SIDE * SIDE}")
    scores, expected = folder / "scores.csv", folder / "expected.csv"
    engine, whole, maps = [], [], []
    for _ in range(options.rounds):
        engine += call([options.program, encoder, options.precision, THREADS, slide, plan, features,
                        1])["engine"]
        seconds, drawing = score_and_map(lamella, slide, model, scores)
        whole.append(seconds + drawing)
        maps.append(drawing)
    call([lamella, "--quiet", "--json", "score", "--features", features, "--model", model, "--out",
          expected])
    if scores.read_bytes() != expected.read_bytes():
        raise RuntimeError(f"{encoder}: the scores are not those of the engine's features")
    ratio = statistics.median(w / e for w, e in zip(whole, engine))
    return (f"| {encoder}, {checked['precision']} | {SIDE * SIDE:,} | {spread(whole, 1)} | "
            f"{spread(maps, 1)} | {spread(engine, 1)} | {ratio:.2f}x |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("lamella", type=Path)
    parser.add_argument("slide", type=Path)
    parser.add_argument("--encoder", nargs="+", default=["lite0"])
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "SCORING.md")
    options = parser.parse_args()
    lines = ["# Scoring a region: measured", "",
             f"`make bench-scoring`, {datetime.date.today()}, {machine()}. {SIDE} x {SIDE} patches of "
             f"{PX} px at level 0 of a slide of 100,000 px a side, JPEG; seconds from the command "
             "line to scores.csv, heat-map PNG and TIFF (two processes, networks compiled in them); "
             f"median (lowest-highest) of {options.rounds} rounds in turn. The engine alone: the "
             "same patches, extracted before, through the same network.", "",
             "| encoder | patches | score and map, s | of it map, s | engine alone, s | "
             "of the engine |", "|---|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    for encoder in options.encoder:
        with tempfile.TemporaryDirectory() as folder:
            lines.append(measure(options, encoder, Path(folder)))
        print(lines[-1], flush=True)
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
