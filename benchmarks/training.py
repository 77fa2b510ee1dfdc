# SPDX-License-Identifier: Apache-2.0
"""Logistic regression beside scikit-learn's, and training on more rows than memory would take twice.

training.py make TEMPLATE.h5 OUT.h5 ROWS COLUMNS float32|float16   features that hang together, two classes
training.py peer FEATURES.h5 L2 TOL                      scikit-learn's lbfgs on standardised float32
training.py spark FEATURES.h5 L2 TOL                     spark.ml of local[2], fit alone (needs pyspark, pyarrow)
training.py objective FEATURES.h5 L2 MODEL|NPZ           mean log loss + L2 / 2 |w|^2, in float64

TEMPLATE is any feature file of lamella with labels of two classes. lamella itself is measured as
`lamella train --features OUT.h5 --l2 L2 --json`, whose "seconds" include reading the file.
"""

import json
import resource
import sys
import time
from pathlib import Path

import h5py
import numpy

FACTORS = 48
BLOCK = 8192


def make(template, out, rows, columns, dtype):
    rows, columns = int(rows), int(columns)
    random = numpy.random.default_rng(1)
    mix = random.normal(size=(FACTORS, columns)).astype(numpy.float32)
    mean = random.uniform(0.2, 3, columns).astype(numpy.float32)
    spread = random.uniform(0.2, 1, columns).astype(numpy.float32)
    shift = random.normal(size=FACTORS).astype(numpy.float32) * 0.25
    labels = random.integers(0, 2, rows).astype(numpy.int8)
    with h5py.File(template) as source, h5py.File(out, "w") as made:
        for name, values in (("label", labels), ("tissue_fraction", numpy.ones(rows, numpy.float32)),
                             ("inside_fraction", numpy.ones(rows, numpy.float32))):
            made.create_dataset(name, data=values, chunks=(1024,))
        side = int(numpy.ceil(numpy.sqrt(rows)))
        place = numpy.arange(rows, dtype=numpy.int64)
        coords = made.create_dataset("coords", data=numpy.stack([place % side, place // side], 1) * 50,
                                     chunks=(1024, 2))
        for key, value in source["coords"].attrs.items():
            coords.attrs[key] = value
        coords.attrs["level0_width"] = coords.attrs["level0_height"] = numpy.int64(side * 50)
        plan = json.loads(source["coords"].attrs["lamella_plan"])
        plan["classes"] = ["normal", "tumor"]
        plan["geometry"]["slide_size_px"] = [side * 50, side * 50]
        coords.attrs["lamella_plan"] = json.dumps(plan)
        features = made.create_dataset("features", (rows, columns), dtype, chunks=(1024, columns))
        for key, value in source["features"].attrs.items():
            features.attrs[key] = value
        features.attrs.create("feature_space", numpy.bytes_(b"foreign: bench/50px@4.0000mpp"))
        for first in range(0, rows, BLOCK):
            count = min(BLOCK, rows - first)
            latent = random.normal(size=(count, FACTORS)).astype(numpy.float32)
            latent += labels[first:first + count, None] * shift
            part = latent @ mix * 0.1 + random.standard_normal((count, columns), numpy.float32)
            features[first:first + count] = mean + spread * part


def load(path):
    with h5py.File(path) as file:
        return file["features"][:].astype(numpy.float32, copy=False), file["label"][:]


def standardise(x):
    """In place, as lamella does, in float64 sums."""
    mean = numpy.zeros(x.shape[1])
    square = numpy.zeros(x.shape[1])
    for first in range(0, len(x), BLOCK):
        mean += x[first:first + BLOCK].sum(0, dtype=numpy.float64)
    mean /= len(x)
    for first in range(0, len(x), BLOCK):
        square += ((x[first:first + BLOCK] - mean) ** 2).sum(0)
    scale = numpy.sqrt(square / len(x))
    for first in range(0, len(x), BLOCK):
        x[first:first + BLOCK] = (x[first:first + BLOCK] - mean) / scale
    return mean, scale


def peer(path, l2, tol, save=""):
    from sklearn.linear_model import LogisticRegression

    x, y = load(path)
    standardise(x)
    model = LogisticRegression(C=1 / (float(l2) * len(x)), tol=float(tol), max_iter=2000)
    start = time.perf_counter()
    model.fit(x, y)
    seconds = time.perf_counter() - start
    if save:
        numpy.savez(save, w=model.coef_[0], b=model.intercept_[0])
    return {"seconds": seconds, "iterations": int(model.n_iter_[0]), "tol": float(tol),
            "objective": objective_of(x, y, float(l2), model.coef_[0].astype(float),
                                      float(model.intercept_[0])),
            "peak_MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def spark(path, l2, tol, rounds="1"):
    import pyarrow
    import pyarrow.parquet
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import SparkSession

    table = Path(f"{path}.parquet")
    with h5py.File(path) as file:
        columns = file["features"].shape[1]
        schema = pyarrow.schema([("label", pyarrow.float64()),
                                 ("features", pyarrow.list_(pyarrow.float32(), columns))])
        if not table.exists():
            with pyarrow.parquet.ParquetWriter(table, schema) as made:
                for first in range(0, len(file["label"]), BLOCK):
                    part = file["features"][first:first + BLOCK].astype(numpy.float32)
                    made.write_table(pyarrow.table([
                        file["label"][first:first + BLOCK].astype(float),
                        pyarrow.FixedSizeListArray.from_arrays(part.ravel(), columns)],
                        schema=schema))
    session = (SparkSession.builder.master("local[2]").config("spark.driver.memory", "12g")
               .config("spark.ui.enabled", "false").getOrCreate())
    rows = session.read.parquet(str(table)).repartition(2)
    rows = rows.select("label", array_to_vector("features").alias("features")).cache()
    rows.count()
    learner = LogisticRegression(regParam=float(l2), tol=float(tol), maxIter=2000)
    seconds = []
    for _ in range(int(rounds)):
        start = time.perf_counter()
        model = learner.fit(rows)
        seconds.append(time.perf_counter() - start)
    history = model.summary.objectiveHistory
    return {"seconds": seconds, "iterations": len(history) - 1, "tol": float(tol),
            "objective": history[-1]}


def objective_of(x, y, l2, w, b):
    loss = 0.0
    for first in range(0, len(x), BLOCK):
        z = x[first:first + BLOCK].astype(numpy.float64) @ w + b
        z = numpy.where(y[first:first + BLOCK] > 0, z, -z)
        loss += numpy.logaddexp(0, -z).sum()
    return loss / len(x) + l2 / 2 * (w @ w)


def objective(path, l2, model):
    x, y = load(path)
    classifier = json.loads((Path(model) / "model.json").read_text())["classifier"]
    mean, scale = standardise(x)
    w, b = numpy.array(classifier["weights"], float).ravel(), numpy.ravel(classifier["biases"])[0]
    assert numpy.allclose(mean, classifier["mean"]) and numpy.allclose(scale, classifier["scale"])
    return {"objective": objective_of(x, y, float(l2), w, float(b))}


if __name__ == "__main__":
    verbs = {"make": make, "peer": peer, "objective": objective, "spark": spark}
    done = verbs[sys.argv[1]](*sys.argv[2:])
    if done is not None:
        print(json.dumps(done))
