# SPDX-License-Identifier: Apache-2.0
"""lamella.spark.write of a million feature vectors: Delta against Parquet, in turn.

    python delta_append.py OUT.json [ROWS]

The rows are made as encode makes them, by Python workers in Arrow batches; making them alone is
measured too. What both tables hold is compared before any figure. Needs the environment of
tools/heavy/spark-versions.sh (Spark 4.2 with Delta 4.4) and Java.
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


def main() -> int:
    out, rows = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    folder = Path(tempfile.mkdtemp(dir=out.parent))
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = SparkSession.builder.master("local[2]").config(map={
        "spark.jars.packages": _delta.PAIRS["4.2"], **_delta.SETTINGS, "spark.ui.enabled": "false",
        "spark.driver.memory": "4g", "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1"}).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    schema = pa.schema([field for field in _schema.FEATURES if field.name != "piece"])
    each = rows // SLIDES
    table = spark.range(0, SLIDES, 1, SLIDES).mapInArrow(
        lambda batches: features(batches, each, schema), _schema.sql(schema))
    seconds(lambda: table.write.format("noop").mode("overwrite").save())  # workers start
    measured, answers = [], set()
    for turn in range(ROUNDS):
        row = {"made_s": seconds(lambda: table.write.format("noop").mode("overwrite").save())}
        for form in ("parquet", "delta") if turn % 2 else ("delta", "parquet"):
            path = folder / form
            row[f"{form}_s"] = seconds(lambda: lamella.spark.write(table, str(path), format=form))
            answers.add(digest(spark.read.format(form).load(str(path))))
            row[f"{form}_bytes"] = sum(f.stat().st_size for f in path.rglob("*.parquet"))
            shutil.rmtree(path)
        row["throughput"] = row["parquet_s"] / row["delta_s"]
        measured.append(row)
        print(row, flush=True)
    assert len(answers) == 1 and answers.pop()[0] == each * SLIDES
    spark.stop()
    shutil.rmtree(folder)
    out.write_text(json.dumps({"rows": each * SLIDES, **summary(measured)}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
