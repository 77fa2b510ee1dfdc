# SPDX-License-Identifier: Apache-2.0
"""The part of scaling.py that needs Spark: clusters of workers of one core, processes of their own
on this machine."""

import hashlib
import os
import resource
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import lamella
import lamella.spark
import numpy as np
import pyarrow as pa
from lamella.spark import _schema, _session, _verbs, _worker
from measuring import phantoms, summary
from pyspark.cloudpickle import register_pickle_by_value

SPEC = {"size_px": 224, "level": 0, "min_tissue": 0}
ROUNDS = 3
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python/tests_spark"), str(ROOT / "tests")]  # the tests' cluster
register_pickle_by_value(sys.modules[__name__])  # executors do not have this file


@contextmanager
def session_on(folder: Path, workers: int):
    """A Spark session on a cluster of so many workers, their Python processes started."""
    from cluster import Cluster
    from conftest import session
    folder.mkdir(parents=True)
    os.environ["SPARK_LOCAL_DIRS"] = str(folder / "local")  # the workers' shuffle files
    cluster = Cluster(folder, workers=workers)
    try:
        spark = session(cluster.url, **{"spark.ui.showConsoleProgress": "false"})
        try:
            spark.range(workers * 4).repartition(workers * 4).mapInArrow(
                lambda batches: batches, "id long").count()
            yield spark
        finally:
            spark.stop()
    finally:
        cluster.stop()


def table_of(paths: list[Path]) -> list[dict]:
    return [{"slide_id": f"s{i}", "path": str(path)} for i, path in enumerate(paths)]


def encode_seconds(plans, out: Path, precision: str = "auto") -> float:
    start = time.perf_counter()
    lamella.spark.encode(plans, precision=precision).write.parquet(str(out))
    return time.perf_counter() - start


def digest_of_table(spark, table: Path) -> tuple[str, int, int]:
    """Of all features in the order of slides and rows; patches, executors."""
    made = spark.read.parquet(str(table)).orderBy("slide_id", "row").select(
        "slide_id", "row", "features", "error", "executor").toArrow()
    assert made.column("error").null_count == made.num_rows
    digest = hashlib.sha256()
    for value in made.column("features").chunks:
        digest.update(value.flatten().to_numpy())
    return digest.hexdigest(), made.num_rows, len(made.column("executor").unique())


def digest_of_files(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(np.ascontiguousarray(lamella.Features.load(path).values))
    return digest.hexdigest()


def plan_files(program: str, paths: list[Path], folder: Path) -> list[Path]:
    folder.mkdir()
    made = [folder / f"s{i}.plan.h5" for i in range(len(paths))]
    for path, plan in zip(paths, made):
        subprocess.run([program, "plan", "--slide", path, "--size-px", "224", "--level", "0",
                        "--min-tissue", "0", "--out", plan, "--quiet"], check=True)
    return made


def encode_by_command(program: str, paths: list[Path], plans: list[Path], folder: Path,
                      precision: str = "auto", threads: int = 2) -> tuple[float, list[Path]]:
    """Seconds of one `lamella encode` a slide, one after another."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    made = [folder / f"s{i}.h5" for i in range(len(paths))]
    start = time.perf_counter()
    for path, plan, out in zip(paths, plans, made):
        subprocess.run([program, "encode", "--slide", path, "--plan", plan, "--out", out,
                        "--precision", precision, "--threads", str(threads), "--quiet"], check=True)
    return time.perf_counter() - start, made


def workers(program: str, folder: Path) -> dict:
    paths = phantoms(program, folder / "eight", 8, "8960,8960", 2)
    files = plan_files(program, paths, folder / "plans")
    rounds, patches = [], 0
    for turn in range(ROUNDS):
        row = {}
        with session_on(folder / f"two{turn}", 2) as spark:
            plans = lamella.spark.plan(spark.createDataFrame(table_of(paths)), **SPEC).persist()
            patches = plans.groupBy().sum("patches").first()[0]
            first, again = folder / f"first{turn}", folder / f"again{turn}"
            row["spark_first_s"] = encode_seconds(plans, first)
            row["command_s"], made = encode_by_command(program, paths, files, folder / "features")
            row["spark_again_s"] = encode_seconds(plans, again)
            expected = digest_of_files(made)
            for table in (first, again):
                digest, n, executors = digest_of_table(spark, table)
                assert (digest, n, executors) == (expected, patches, 2)
        row["throughput_first"] = row["command_s"] / row["spark_first_s"]
        row["throughput_again"] = row["command_s"] / row["spark_again_s"]
        rounds.append(row)
        print(row, flush=True)
    return {"patches": patches, **summary(rounds)}


def giant(program: str, folder: Path) -> dict:
    """The 90 % lie in one slide of 8,100 patches; seven others have 120 or so each. In f32: what one
    worker does takes a minute nearly, beside which Spark's own seconds are few."""
    big, = phantoms(program, folder / "big", 1, "20160,20160", 3)
    paths = [big, *phantoms(program, folder / "small", 7, "2688,2464", 4)]
    files = plan_files(program, paths, folder / "giant_plans")
    # What a second core is worth here, without Spark.
    alone = {}
    for threads in (1, 2):
        alone[threads], made = encode_by_command(program, paths, files, folder / "giant_features",
                                                 "f32", threads)
    expected, rounds, counts = digest_of_files(made), [], []
    for turn in range(ROUNDS):
        row = {}
        for count in (1, 2) if turn % 2 else (2, 1):
            with session_on(folder / f"giant{turn}{count}", count) as spark:
                plans = lamella.spark.plan(spark.createDataFrame(table_of(paths)), **SPEC).persist()
                counts = [r["patches"] for r in plans.orderBy("slide_id").collect()]
                encode_seconds(plans.where("slide_id <> 's0'"), folder / f"warm{turn}{count}",
                               "f32")
                table = folder / f"table{turn}{count}"
                row[f"workers_{count}_s"] = encode_seconds(plans, table, "f32")
                assert digest_of_table(spark, table) == (expected, sum(counts), count)
        row["ratio"] = row["workers_1_s"] / row["workers_2_s"]
        rounds.append(row)
        print(row, flush=True)
    return {"patches": counts, "part_of_the_giant": counts[0] / sum(counts),
            "command_ratio": alone[1] / alone[2], **summary(rounds)}


def status_kib(pid: int, key: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))


def heap_mib(spark) -> float:
    """Of the driver's JVM, after it was asked to clean up."""
    spark._jvm.java.lang.System.gc()
    runtime = spark._jvm.java.lang.Runtime.getRuntime()
    return (runtime.totalMemory() - runtime.freeMemory()) / 2**20


PLANS = pa.schema([*_schema.PLANS, ("tile_order", pa.binary())])


def pieces_of(plans):
    """What encode does before its job."""
    network = _worker.Network.found(*lamella.Encoder.defaults())
    pieces = _verbs.count_pieces(plans, None, network, None)
    return _verbs.cut_plans(plans, pieces, [])


def planned(spark, slides: int, patches, plan: bytes, order: bytes):
    """A table of plans of so many slides, which claims the numbers of patches given."""
    rows = pa.Table.from_pylist(
        [{"slide_id": f"slide_{i:06}", "path": f"/slides/slide_{i:06}.svs",
          "patches": int(n), "plan": plan, "tile_order": order} for i, n in enumerate(patches)],
        schema=PLANS)
    table = spark.createDataFrame(rows).persist()
    assert table.count() == slides
    return table


def cut() -> dict:
    """The driver's part alone: what the verb encode does before its job starts. 400 cores are
    pretended, as of a cluster for such a cohort."""
    from conftest import session
    spark = session("local[2]", **{"spark.default.parallelism": "400"})
    jvm = int(spark._jvm.java.lang.ProcessHandle.current().pid())
    patches = np.random.default_rng(1).integers(1, 40_000, 10_000)
    plans = planned(spark, 10_000, patches, b"", b"")
    before = status_kib(jvm, "VmRSS") / 1024
    rounds = []
    for _ in range(5):
        start = time.perf_counter()
        pieces_of(plans)._jdf.queryExecution().executedPlan()
        rounds.append({"seconds": time.perf_counter() - start})
    found = {"slides": 10_000, "patches": int(patches.sum()),
             "pieces": lamella.spark.cut(patches, _session.cores(spark)).total,
             **summary(rounds), "first_s": rounds[0]["seconds"],
             "python_peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
             "jvm_before_mib": before, "jvm_peak_mib": status_kib(jvm, "VmHWM") / 1024}
    spark.stop()
    return found


def costs(program: str, folder: Path) -> dict:
    slide, = phantoms(program, folder / "cost", 1, "20000,20000", 4)
    start = time.perf_counter()
    plan = lamella.plan(slide, size_px=256, level=0, tissue="auto", threads=1)
    found: dict = {"slide_bytes": slide.stat().st_size, "patches": len(plan),
                   "plan_s": time.perf_counter() - start}
    found |= {"plan_bytes_a_patch": len(plan.to_bytes()) / len(plan)}
    some = plan.select(np.arange(0, len(plan), max(1, len(plan) // 1000)))
    start = time.perf_counter()
    encoder = lamella.Encoder(threads=1)
    found["load_encoder_s"] = time.perf_counter() - start
    start = time.perf_counter()
    features = lamella.encode(slide, some, encoder=encoder, threads=1)
    found["encode_s_a_patch"] = (time.perf_counter() - start) / len(some)
    features.save(folder / "features.h5")
    found |= {"encoded": len(some), "dimension": features.values.shape[1],
              "features_file_bytes_a_patch": (folder / "features.h5").stat().st_size / len(some)}
    with session_on(folder / "costs", 2) as spark:
        found |= table_costs(spark, slide, some, folder) | task_costs(spark, some)
    return found


def shuffle_bytes(folder: Path) -> int:
    """Of all shuffle data that the cluster's executors hold."""
    return sum(path.stat().st_size for path in folder.rglob("shuffle_*.data"))


def table_costs(spark, slide: Path, plan: lamella.Plan, folder: Path) -> dict:
    order = plan.tile_order(lamella.Slide(slide)).tobytes()
    rows = pa.Table.from_pylist([{"slide_id": "a", "path": str(slide), "patches": len(plan),
                                  "plan": plan.to_bytes(), "tile_order": order}], schema=PLANS)
    lamella.spark.encode(spark.createDataFrame(rows)).write.parquet(str(folder / "table"))
    pieces = shuffle_bytes(folder)
    table = spark.read.parquet(str(folder / "table"))
    n = table.groupBy("slide_id").applyInArrow(_count, "n long").first()["n"]
    assert n == len(plan)
    size = sum(file.stat().st_size for file in (folder / "table").glob("*.parquet"))
    memory = spark.range(16).repartition(16).mapInArrow(_peak_memory, "mib double").toArrow()
    return {"pieces_shuffle_bytes_a_patch": pieces / n, "parquet_bytes_a_patch": size / n,
            "features_shuffle_bytes_a_patch": (shuffle_bytes(folder) - pieces) / n,
            "python_worker_peak_mib": max(memory.column("mib").to_pylist())}


def _count(_, table):
    import pyarrow
    return pyarrow.table({"n": [table.num_rows]})


def _peak_memory(batches):
    import resource as used

    import pyarrow
    for _ in batches:
        peak = used.getrusage(used.RUSAGE_SELF).ru_maxrss / 1024
        yield pyarrow.RecordBatch.from_pydict({"mib": [peak]})


def task_costs(spark, plan: lamella.Plan) -> dict:
    """Pieces of 20 patches that nobody encodes: what a piece costs besides its patches."""
    small = plan.select(np.arange(100))
    order = np.arange(100, dtype=np.uint32).tobytes()
    found: dict = {}
    for slides in (100, 500):
        plans = planned(spark, slides, np.full(slides, 5 * 4096), small.to_bytes(), order)
        before = heap_mib(spark)
        pieces = pieces_of(plans)
        start = time.perf_counter()
        count = pieces.mapInArrow(_rows_alone, "piece long").count()
        seconds = time.perf_counter() - start
        assert count == slides * 5
        found |= {f"tasks_{count}_s": seconds, f"tasks_{count}_heap_mib": heap_mib(spark) - before}
        plans.unpersist(blocking=True)
    return found


def _rows_alone(batches):
    for batch in batches:
        yield batch.select(["piece"])
