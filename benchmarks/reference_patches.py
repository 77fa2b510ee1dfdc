# SPDX-License-Identifier: Apache-2.0
"""The reference workflow's patch step: Spark local, the slide opened for every patch, JPEG files.

    python reference_patches.py SLIDE THREADS SIZE_PX FILE OUT     (packages pyspark, Java)

Prints one JSON line. Spark's start is not counted; a first small job warms its workers.
"""

import json
import os
import sys
import time


def main() -> None:
    from pyspark.sql import SparkSession

    slide, threads, size, positions, out = (sys.argv[1], int(sys.argv[2]), int(sys.argv[3]),
                                            sys.argv[4], sys.argv[5])
    rows = [tuple(map(int, line.split())) for line in open(positions)]
    os.makedirs(out, exist_ok=True)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = (SparkSession.builder.master(f"local[{threads}]").config("spark.ui.enabled", "false")
             .getOrCreate())
    spark.sparkContext.setLogLevel("ERROR")

    def cut(row):
        import openslide
        x, y = row
        region = openslide.OpenSlide(slide).read_region((x, y), 0, (size, size)).convert("RGB")
        region.save(os.path.join(out, f"{x}_{y}.jpg"), quality=90, subsampling="4:2:0")
        return 1

    context = spark.sparkContext
    context.parallelize(rows[:8], threads).map(cut).sum()
    start = time.perf_counter()
    count = context.parallelize(rows, 8 * threads).map(cut).sum()
    print(json.dumps({"count": count, "seconds": time.perf_counter() - start}))
    spark.stop()


if __name__ == "__main__":
    main()
