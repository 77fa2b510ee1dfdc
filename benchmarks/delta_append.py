# SPDX-License-Identifier: Apache-2.0
"""lamella.spark.write of a million feature vectors: Delta against Parquet, in turn.

    python delta_append.py OUT.json [ROWS [FORMS]]

FORMS: delta,parquet (the default, both by lamella.spark.write), and plain, Spark's own
DataFrame.write.parquet. The rows are made as encode makes them, by Python workers in Arrow batches;
making them alone is measured, too, and `written` is the ratio without it. A small table is written in
every form first, so that none has to pay for starting up. What the tables hold is compared in the
first round. Needs the environment of tools/heavy/spark-versions.sh (Spark 4.2 with Delta 4.4) and Java.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import lamella.spark
import numpy as np
import pyarrow as pa
from lamella.spark import _delta, _schema
from measuring import summary
from pyspark.cloudpickle import register_pickle_by_value
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

SLIDES, DIMENSION, BATCH, ROUNDS = 50, 424, 4096, 3
register_pickle_by_value(sys.modules[__name__])


def features(batches, rows, schema):
    """Of each slide so many rows of noise, the same every time."""
    for batch in batches:
        for slide in batch.column("id").to_pylist():
            random = np.random.default_rng(slide)
            for begin in range(0, rows, BATCH):
                n = min(BATCH, rows - begin)
                values = random.random((n, DIMENSION), np.float32)
                offsets = np.arange(0, (n + 1) * DIMENSION, DIMENSION, dtype=np.int32)
                same = {"slide_id": f"slide_{slide:03}", "feature_space": "noise",
                        "precision": "f32", "plan_sha256": "0" * 64, "executor": "host/1"}
                columns = {field.name: pa.repeat(pa.scalar(same.get(field.name), field.type), n)
                           for field in schema}
                row = np.arange(begin, begin + n)
                columns |= {"row": pa.array(row), "x_px": pa.array(256 * (row % 200)),
                            "y_px": pa.array(256 * (row // 200)),
                            "label": pa.array(np.full(n, -1, np.int8)),
                            "features": pa.ListArray.from_arrays(offsets, pa.array(values.ravel()))}
                yield pa.RecordBatch.from_arrays([columns[f.name] for f in schema], schema=schema)


def digest(table) -> tuple[int, int]:
    row = table.agg(F.count("*"), F.bit_xor(F.xxhash64("slide_id", "row", "x_px", "features"))).first()
    return int(row[0]), int(row[1])


def seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def start(folder: Path) -> SparkSession:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = SparkSession.builder.master("local[2]").config(map={
        "spark.jars.packages": _delta.PAIRS["4.2"], **_delta.SETTINGS, "spark.ui.enabled": "false",
        "spark.driver.memory": "4g", "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1", "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse")}).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def table_of(spark: SparkSession, each: int):
    schema = pa.schema([field for field in _schema.FEATURES if field.name != "piece"])
    return spark.range(0, SLIDES, 1, SLIDES).mapInArrow(
        lambda batches: features(batches, each, schema), _schema.sql(schema))


def write(table, form: str, path: Path) -> float:
    if form == "plain":
        return seconds(lambda: table.write.parquet(str(path)))
    return seconds(lambda: lamella.spark.write(table, str(path), format=form))


def making(table) -> float:
    return seconds(lambda: table.write.format("noop").mode("overwrite").save())


def main() -> int:
    out, rows = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    forms = sys.argv[3].split(",") if len(sys.argv) > 3 else ["delta", "parquet"]
    folder = Path(tempfile.mkdtemp(dir=out.parent))
    spark = start(folder)
    for turn in range(2):
        small = table_of(spark, min(rows // SLIDES, 400))
        making(small)
        for form in forms:
            write(small, form, folder / f"small_{form}_{turn}")
    table = table_of(spark, rows // SLIDES)
    made = making(table)
    measured, answers = [], set()
    for turn in range(ROUNDS):
        row = {"made_s": made}
        for form in forms if turn % 2 else forms[::-1]:
            path = folder / form
            row[f"{form}_s"] = write(table, form, path)
            if turn == 0:
                answers.add(digest(spark.read.parquet(str(path)) if form != "delta" else
                                   spark.read.format("delta").load(str(path))))
            row[f"{form}_bytes"] = sum(f.stat().st_size for f in path.rglob("*.parquet"))
            shutil.rmtree(path)
        row["throughput"] = row["parquet_s"] / row["delta_s"]
        row["written"] = (row["parquet_s"] - made) / (row["delta_s"] - made)
        measured.append(row)
        print(row, flush=True)
    assert len(answers) == 1 and answers.pop()[0] == rows // SLIDES * SLIDES
    spark.stop()
    shutil.rmtree(folder)
    out.write_text(json.dumps({"rows": rows // SLIDES * SLIDES, **summary(measured)}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
