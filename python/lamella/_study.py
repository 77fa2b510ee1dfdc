# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import html
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lamella import _core


class RunResult(dict[str, Any]):
    """What `lamella run --json` prints; a notebook shows it as tables."""

    def _repr_html_(self) -> str:
        columns = ["n", "auc", "auc_low", "auc_high", "average_precision", "balanced_accuracy",
                   "brier", "ece"]
        metrics = [[name, *(_number(values.get(column)) for column in columns)]
                   for name, values in self._figures()]
        slides = [[slide["slide_id"], slide["role"], slide.get("error") or slide["status"],
                   str(slide["patches"]), _number(slide.get("slide_score"))]
                  for slide in self.get("slides", [])]
        return (_table(["role", *columns], metrics)
                + _table(["slide", "role", "status", "patches", "slide score"], slides))

    def _figures(self) -> Iterable[tuple[str, dict[str, Any]]]:
        """Of two classes one row a set, of more one for each class."""
        for role, values in self.get("metrics", {}).items():
            if "auc" in values:
                yield role, values
            else:
                yield from ((f"{role} {one['name']}", one) for one in values["classes"])


def run(study: str | os.PathLike[str], *, overrides: Mapping[str, Any] | Iterable[str] = (),
        full_hash: bool = False, threads: int | None = None, progress: Any = None) -> RunResult:
    """The whole study, as `lamella run STUDY.toml`; finished pieces are found.

    overrides: {"train.l2": 0.1} or ["train.l2=0.1"]. full_hash: SHA-256 of whole slides in the
    record, not only fingerprints. An active MLflow run (mlflow.start_run) is filled in; a second
    study in the same one is nested in it.
    """
    return run_read(_core.Study(study, override_texts(overrides)), full_hash=full_hash,
                    threads=threads, progress=progress)


def run_read(study: _core.Study, *, full_hash: bool = False, threads: int | None = None,
             progress: Any = None) -> RunResult:
    """The same of a study that was read."""
    return RunResult(json.loads(
        _core.run_json(study, full_hash, calling_client(), threads, progress)))


@contextmanager
def started(study: _core.Study) -> Iterator[Callable[[], RunResult]]:
    """A run whose record, and whose run at MLflow, begin before pieces are made elsewhere (in the
    block); calling what it gives, at the end of the block, does the rest. An exception of the block
    is the run's."""
    run = _core.StartedRun(study, False, calling_client())
    begin = time.monotonic()
    finished = False

    def finish() -> RunResult:
        nonlocal finished
        finished = True
        return RunResult(json.loads(
            run.finish_json({"cluster": time.monotonic() - begin}, None, None)))

    try:
        yield finish
    except BaseException as error:
        if not finished:
            run.fail(str(error) or type(error).__name__, isinstance(error, KeyboardInterrupt))
        raise
    finally:
        del run  # the output's lock ends with it, not when memory is tidied up


def calling_client() -> dict[str, str]:
    """MLflow's own client as this process has it: the interpreter, and, if it is loaded, its address
    and the run that is active."""
    if importlib.util.find_spec("mlflow") is None:
        return {}
    client = {"python": sys.executable or ""}
    mlflow: Any = sys.modules.get("mlflow")
    active = getattr(mlflow, "active_run", lambda: None)()
    if active is not None:
        client |= {"tracking_uri": mlflow.get_tracking_uri(), "active_run_id": active.info.run_id}
    return client


class SearchResult(dict[str, Any]):
    """What `lamella search --json` prints; a notebook shows it as a table, the best trial first."""

    def _repr_html_(self) -> str:
        search = self["search"]
        sign = -1 if search["by"] == "auc" else 1
        trials = sorted(search["trials"],
                        key=lambda t: (t["status"] != "done", sign * (t.get(search["by"]) or 0)))
        return _table(["trial", "held-out log loss", "held-out AUC", "l2", "patches", ""],
                      [[t["name"], _number(t.get("log_loss")), _number(t.get("auc")),
                        _number(t.get("lambda")), str(t["patches"]),
                        t.get("error") or ("chosen" if t["name"] == search["chosen"] else t["status"])]
                       for t in trials])


def search(study: str | os.PathLike[str], *, overrides: Mapping[str, Any] | Iterable[str] = (),
           threads: int | None = None, progress: Any = None) -> SearchResult:
    """The combinations of the study's [search], as `lamella search STUDY.toml`: each is trained on
    the slides to train on alone, and the best by rows held out is run whole, once.

    overrides: {"search.mpp": [0.5, 1]}. The result's "search" has every trial, "metrics" the figures
    of the chosen one, "model" its folder.
    """
    read = _core.Study(study, override_texts(overrides))
    return SearchResult(json.loads(_core.search_json(read, calling_client(), threads, progress)))


def evaluate(scores: Any, truth: Any, *, groups: Any = None, model: Any = None, against: Any = (),
             report: str | os.PathLike[str] = "", slides: Any = ()) -> dict[str, Any]:
    """Measures scores against plans with labels: Scores and Plans (or their files), one of each or
    many. Returns {"all": {"auc": ...}}, with groups also {"patient P": ...}. Of more than two
    classes: {"macro_auc": ..., "classes": {"name": {"auc": ...}}}. model: whose thresholds, chosen on
    rows held out of its training, give accuracy and F1 (a Model or its folder). against: scores of
    another run on the same patches; "differences" has, for each class, theirs with paired intervals.
    report: path of a report to write, one HTML file; slides: files named after their scores, of
    which it shows the surest errors."""
    result: dict[str, Any] = json.loads(
        _core.evaluate_json(_many(scores), _many(truth), groups, model, _many(against),
                            os.fspath(report), _many(slides)))
    return result


def report(run: str | os.PathLike[str], *, out: str | os.PathLike[str] | None = None,
           threads: int | None = None) -> str:
    """Makes the report of a recorded run anew, one HTML file, as `lamella report RUN`; `run` is its
    folder. Returns the path: `out`, or report.html of the run's folder."""
    return _core.report_run(run, "" if out is None else os.fspath(out), threads)


def options() -> dict[str, Any]:
    """Every option of study files and verbs: name, kind, unit, bounds, default, help."""
    result: dict[str, Any] = json.loads(_core.options_json())
    return result


def override_texts(overrides: Mapping[str, Any] | Iterable[str]) -> list[str]:
    if isinstance(overrides, Mapping):
        return [f"{key}={_toml(value)}" for key, value in overrides.items()]
    return list(overrides)


def _toml(value: Any) -> str:
    """JSON's texts, numbers, booleans and lists are also TOML's."""
    return json.dumps(value)


def _many(values: Any) -> list[Any]:
    if isinstance(values, (str, os.PathLike)) or not isinstance(values, Iterable):
        return [values]
    if isinstance(values, (_core.Scores, _core.Plan)):
        return [values]
    return list(values)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    def line(tag: str, cells: list[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"
    return "<table>" + line("th", head) + "".join(line("td", row) for row in rows) + "</table>"
