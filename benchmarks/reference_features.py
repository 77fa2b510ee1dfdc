# SPDX-License-Identifier: Apache-2.0
"""The reference workflow's patches and features beside lamella's, same network, on Spark local and
by the program.

    python reference_features.py LAMELLA SLIDE [--patches N] [--rounds N] [--out FILE]
        [--encoders FOLDER] [--nncf-python PYTHON]

(make bench-reference.) Writes a table. The network's folders, `inception` and, where there is a Python
with nncf, `inception-int8`, are left in FOLDER and used again.

The reference: OpenSlide opened for every patch, JPEG files, Keras InceptionV3 in a pandas UDF (pooled,
the network loaded once a worker, a batch of 32), Parquet. A first round, not counted, loads the
networks; the program loads its own in every round.
"""

import argparse
import datetime
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy

from measuring import machine, spread

ROOT = Path(__file__).resolve().parent.parent
PX, THREADS, BATCH = 299, 2, 32
NAME = "InceptionV3"
WHAT = {"patches": "reference: patches as JPEG files", "features": "reference: features of these",
        "both": "reference: both",
        "published": "reference: features as published, not pooled (131,072 numbers a patch)", "spark": "`lamella.spark.encode` in {best}, slide to features",
        "f32": "`lamella encode` in f32, slide to features", "bf16": "the same in bf16",
        "int8": "the same in int8"}
_models = {}


def cut(row, slide, out):
    import openslide

    x, y = row
    region = openslide.OpenSlide(slide).read_region((x, y), 0, (PX, PX)).convert("RGB")
    region.save(os.path.join(out, f"{x}_{y}.jpg"), quality=90, subsampling="4:2:0")
    return 1


def network(pooled):
    from keras import Model
    from lamella.importing import keras_application

    if pooled not in _models:
        model = keras_application(NAME, "random")[0]
        maps = next(layer.output for layer in reversed(model.layers) if len(layer.output.shape) == 4)
        _models[pooled] = model if pooled else Model(model.input, maps)
    return _models[pooled]


def featurize(batches, pooled):
    import pandas
    from keras.applications.inception_v3 import preprocess_input
    from PIL import Image

    model = network(pooled)
    for contents in batches:
        pictures = numpy.stack([numpy.asarray(Image.open(io.BytesIO(content)), numpy.float32)
                                for content in contents])
        features = model.predict(preprocess_input(pictures), verbose=0)
        yield pandas.Series(list(features.reshape(len(features), -1)))


def session():
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = (SparkSession.builder.master(f"local[{THREADS}]").config("spark.ui.enabled", "false")
             .config("spark.sql.execution.arrow.maxRecordsPerBatch", BATCH)
             .config("spark.driver.memory", "2g").getOrCreate())
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def reference_patches(spark, slide, coords, folder):
    """Seconds."""
    import reference_features

    shutil.rmtree(folder / "jpeg", ignore_errors=True)
    (folder / "jpeg").mkdir()
    start = time.perf_counter()
    rows = [tuple(map(int, row)) for row in coords]
    out = str(folder / "jpeg")
    spark.sparkContext.parallelize(rows, 8 * THREADS).map(
        lambda row: reference_features.cut(row, slide, out)).sum()
    return time.perf_counter() - start


def reference_features_of(spark, folder, pooled):
    """Seconds; of pooled features, {(x, y): features}, else nothing."""
    import reference_features
    from pyspark.sql.functions import pandas_udf

    shutil.rmtree(folder / "reference", ignore_errors=True)
    start = time.perf_counter()

    def features(batches):
        yield from reference_features.featurize(batches, pooled)

    features.__annotations__ = reference_features.annotations()
    udf = pandas_udf(features, "array<float>")
    (spark.read.format("binaryFile").load(str(folder / "jpeg")).repartition(THREADS)
     .select("path", udf("content").alias("features")).write.parquet(str(folder / "reference")))
    encoding = time.perf_counter() - start
    if not pooled:
        return encoding, {}
    table = spark.read.parquet(str(folder / "reference")).toPandas()
    found = {tuple(map(int, Path(path).stem.split("_"))): numpy.array(vector)
             for path, vector in zip(table["path"], table["features"])}
    return encoding, found


def annotations():
    from collections.abc import Iterator

    import pandas

    return {"batches": Iterator[pandas.Series], "return": Iterator[pandas.Series]}


def on_spark(plans, encoder, precision, folder):
    import lamella.spark

    shutil.rmtree(folder / "ours", ignore_errors=True)
    start = time.perf_counter()
    lamella.spark.encode(plans, encoder=encoder, precision=precision).write.parquet(str(folder / "ours"))
    return time.perf_counter() - start


def by_program(lamella, slide, plan, encoder, precision, out):
    out.unlink(missing_ok=True)
    start = time.perf_counter()
    subprocess.run([lamella, "--quiet", "encode", "--slide", slide, "--plan", plan, "--encoder",
                    encoder, "--precision", precision, "--threads", str(THREADS), "--out", out],
                   check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def least_cosine(path, found) -> float:
    import h5py

    with h5py.File(path) as file:
        ours, coords = file["features"][:], file["coords"][:]
    theirs = numpy.stack([found[tuple(map(int, place))] for place in coords])
    return float(((ours * theirs).sum(1) / numpy.linalg.norm(ours, axis=1)
                  / numpy.linalg.norm(theirs, axis=1)).min())


def make_encoder(folder, lamella):
    code = ("import sys; from lamella.importing import keras_application, from_keras; "
            f"model, mode = keras_application('{NAME}', 'random'); "
            "from_keras(model, sys.argv[1], mode=mode)")
    subprocess.run([sys.executable, "-c", code, folder], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "LAMELLA_PROGRAM": str(lamella.absolute())})


def make_int8(encoder, plan, folder, options):
    """Random weights lose what they lose; it is the time that is measured."""
    subprocess.run([options.lamella, "--quiet", "encoder", "quantize", encoder, "--plans", plan, "--out",
                    folder, "--calibration-patches", "64", "--held-out-patches", "64",
                    "--accept-any-loss"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "LAMELLA_PYTHON": options.nncf_python,
                        "PYTHONPATH": str(ROOT / "python")})


def text(seconds, count) -> str:
    return spread([count / s for s in seconds], 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("lamella", type=Path)
    parser.add_argument("slide")
    parser.add_argument("--patches", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--encoders", type=Path, default=ROOT / "build/bench/encoders")
    parser.add_argument("--nncf-python")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/REFERENCE.md")
    options = parser.parse_args()
    import h5py
    import lamella.spark

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = folder / "plan.h5"
        encoder, quantized = (options.encoders / made for made in ("inception", "inception-int8"))
        if not encoder.exists():
            make_encoder(encoder, options.lamella)
        columns = 20
        region = [2000, 2000, columns * PX, -(-options.patches // columns) * PX]
        subprocess.run([options.lamella, "--quiet", "plan", "--slide", options.slide, "--size-px",
                        str(PX), "--level", "0", "--tissue", "none", "--region",
                        ",".join(map(str, region)), "--out", plan], check=True,
                       stdout=subprocess.DEVNULL)
        if options.nncf_python and not quantized.exists():
            make_int8(encoder, plan, quantized, options)
        with h5py.File(plan) as file:
            coords = file["coords"][:]
        count = len(coords)
        spark = session()
        slides = spark.createDataFrame([("slide", options.slide)], "slide_id string, path string")
        plans = lamella.spark.plan(slides, size_px=PX, level=0, tissue="none", region=region).persist()
        checked = subprocess.run([options.lamella, "--json", "encoder", "check", encoder],
                                 capture_output=True, text=True, check=True)
        best = json.loads(checked.stdout)["precision"]
        taken = {key: [] for key in WHAT}
        for number in range(options.rounds + 1):
            cutting = reference_patches(spark, options.slide, coords, folder)
            unpooled = reference_features_of(spark, folder, False)[0]
            encoding, found = reference_features_of(spark, folder, True)
            times = {"patches": cutting, "features": encoding, "both": cutting + encoding,
                     "published": unpooled,
                     "spark": on_spark(plans, encoder, best, folder)}
            folders = {"f32": encoder, best: encoder}
            if quantized.exists():
                folders["int8"] = quantized
            for precision, made in folders.items():
                times[precision] = by_program(options.lamella, options.slide, plan, made, precision,
                                              folder / f"{precision}.h5")
            if number:
                for key, seconds in times.items():
                    taken[key].append(seconds)
            else:
                first = times
            print(json.dumps({key: round(value, 2) for key, value in times.items()}), flush=True)
        cosine = least_cosine(folder / "f32.h5", found)  # the reference's patches are JPEG
        if cosine < 0.99:
            raise RuntimeError(f"the reference's features differ, least cosine {cosine}")
        rows = spark.read.parquet(str(folder / "ours")).count()
        assert rows == count, (rows, count)
        median = {key: statistics.median(value) for key, value in taken.items() if value}
        lines = ["# Beside the reference workflow: measured", "",
                 f"`make bench-reference`, {datetime.date.today()}, {machine()}. {count} patches of "
                 f"{PX} px, the {NAME} network with fixed random weights, {THREADS} threads (the "
                 f"reference: f32); median "
                 f"(lowest-highest) of {options.rounds} rounds in turn; least cosine between the two "
                 f"features {cosine:.4f}. Spark's start is not counted; the program's is, with the "
                 "compiling of the network.", "",
                 "| | patches/s | the reference's features / this | its patches and features / this | "
                 "its features as published / this | a first round, loading Keras |",
                 "|---|---|---|---|---|---|"]
        for key, value in taken.items():
            if value:
                lines.append(f"| {WHAT[key].format(best=best)} | {text(value, count)} | "
                             f"{median['features'] / median[key]:.2f}x | "
                             f"{median['both'] / median[key]:.2f}x | "
                             f"{median['published'] / median[key]:.2f}x | "
                             f"{count / first[key]:.1f} |")
        print("\n".join(lines))
        options.out.write_text("\n".join(lines) + "\n")
        spark.stop()


if __name__ == "__main__":
    main()
