# SPDX-License-Identifier: Apache-2.0
"""lamella-spark: a study on a Spark cluster. Also an application for spark-submit:
spark-submit --master URL $(lamella-spark path) run study.toml"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from typing import Any

FAILED, WRONG_USAGE, SOME_SLIDES_FAILED, INTERRUPTED = 1, 2, 3, 130


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lamella-spark", description="lamella on a Spark cluster")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run a whole study: plan and encode on the cluster")
    search = commands.add_parser("search", help="try the combinations of a study's [search], side by "
                                 "side on the cluster")
    for command in (run, search):
        command.add_argument("study", metavar="STUDY.toml")
        command.add_argument("--master",
                             help="spark://host:7077, local[4] ... (default: spark-submit's)")
        command.add_argument("--set", dest="overrides", action="append", default=[],
                             metavar="KEY=VALUE", help="override one key of the study (repeatable)")
        command.add_argument("--conf", action="append", default=[], metavar="KEY=VALUE",
                             help="a setting of Spark (repeatable)")
        command.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    run.add_argument("--table", metavar="NAME", help="the features table: a path, or a name in the "
                     "catalog (default: OUTPUT/spark/features)")
    search.add_argument("--parallelism", type=int, metavar="N", help="trials at a time (default: as "
                        "many as the cluster runs tasks)")
    commands.add_parser("path", help="print where this application lies, for spark-submit")
    return parser


def _fail(message: str) -> int:
    print(f"lamella: error: {message}", file=sys.stderr)
    return FAILED


def _has_java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return bool(home and os.access(os.path.join(home, "bin", "java"), os.X_OK)) or \
        shutil.which("java") is not None


def _run(options: argparse.Namespace) -> int:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        return _fail("pyspark is missing; install it with: pip install 'lamella[spark]'")
    if not _has_java():
        return _fail("found no Java, expected 17 or later on the path or in JAVA_HOME; on Debian: "
                     "apt-get install openjdk-17-jre-headless")
    import lamella
    from lamella.spark import run, search
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(f"lamella {os.path.basename(options.study)}")
    if options.master:
        builder = builder.master(options.master)
    for setting in options.conf:
        key, _, value = setting.partition("=")
        builder = builder.config(key, value)
    try:
        lamella._core.Study(options.study, options.overrides)  # before a cluster is asked for
        spark = builder.getOrCreate()
        try:
            if options.command == "search":
                made = search(options.study, spark, overrides=options.overrides,
                              parallelism=options.parallelism, progress=True)
                return _tell_search(made, as_json=options.json)
            result = run(options.study, spark, overrides=options.overrides, table=options.table,
                         progress=True)
        finally:
            spark.stop()
    except lamella.Error as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    if options.json:
        print(json.dumps(result))
    else:
        _print(result)
    done = all(slide["status"] == "done" for slide in result["slides"])
    return 0 if done else SOME_SLIDES_FAILED


def _tell_search(made: dict[str, Any], *, as_json: bool) -> int:
    trials = made["search"]["trials"]
    if as_json:
        print(json.dumps(made))
    else:
        for trial in trials:
            figures = ", ".join(f"{name} {trial[key]:.4f}" for name, key in
                                (("log loss", "log_loss"), ("AUC", "auc"))
                                if trial.get(key) is not None)
            print(f"{trial['name']}: {trial.get('error') or figures or trial['status']}")
        _print_metrics(made)
        print(f"chosen: {made['search']['chosen']}\nmodel: {made['model']}\n"
              f"record: {made['run_dir']}/run.json")
    return SOME_SLIDES_FAILED if any(trial["status"] == "failed" for trial in trials) else 0


def _print_metrics(result: dict[str, Any]) -> None:
    for role, metrics in result["metrics"].items():
        if metrics.get("auc") is not None:
            interval = ("no interval" if metrics["auc_low"] is None else
                        f"{metrics['auc_low']:.4f}-{metrics['auc_high']:.4f}")
            print(f"{role}: AUC {metrics['auc']:.4f} ({interval}), {metrics['n']} patches")


def _print(result: dict[str, Any]) -> None:
    _print_metrics(result)
    for slide in result["slides"]:
        print(f"{slide['slide_id']}: {slide.get('error') or slide['status']}, "
              f"{slide['patches']} patches")
    print(f"record: {result['run_dir']}/run.json")


def main(words: list[str] | None = None) -> int:
    options = _arguments().parse_args(words)
    if options.command == "path":
        print(os.path.abspath(__file__))
        return 0
    return _run(options)


if __name__ == "__main__":
    sys.exit(main())
