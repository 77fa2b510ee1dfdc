# SPDX-License-Identifier: Apache-2.0
"""A fine-tuning from the study to the encoder."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lamella import _core
from lamella._errors import Error, LamellaWarning
from lamella._progress import Bar
from lamella._study import override_texts
from lamella.finetuning import _record
from lamella.finetuning._cohort import Cohort, read_cohort
from lamella.finetuning._ranks import Ranks
from lamella.finetuning._settings import Settings


class Interrupted(KeyboardInterrupt):
    """Stopped after a step, with a checkpoint: the same call goes on from there."""


def run(study: str, overrides: Mapping[str, Any] | Iterable[str] = (), own: Iterable[str] = (),
        threads: int | None = None, progress: Any = None) -> dict[str, Any]:
    """lamella.finetune. own: overrides made of its arguments."""
    try:
        import torch
    except ImportError as error:
        raise Error("the package torch is not installed, by which networks are learnt: pip install "
                    "'lamella[torch]'", code="not found") from error
    read = _core.Study(study, [*override_texts(overrides), *own])
    settings = Settings.of(read)
    show = Bar() if progress is True else progress
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    ranks = Ranks(threads)
    try:
        return _finetune(read, settings, ranks, show or (lambda *_: None))
    finally:
        ranks.leave()
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])


def _finetune(study: _core.Study, settings: Settings, ranks: Ranks,
              show: Callable[..., None]) -> dict[str, Any]:
    import torch

    from lamella.finetuning._checkpoint import Checkpoint, state_of
    from lamella.finetuning._export import found_export
    from lamella.finetuning._networks import load_network
    from lamella.finetuning._reading import Reader
    from lamella.finetuning._training import Training
    from lamella.finetuning._weights import choose_weights, make_head

    torch.use_deterministic_algorithms(True, warn_only=True)
    if ranks.device.type == "cuda":
        torch.backends.cudnn.benchmark = False
    cohort = read_cohort(study, settings.held_out, settings.seed, ranks)
    network = ranks.together(lambda: load_network(settings, study))
    ranks.same({"lamella": _core.version(), "the settings": settings.key(),
                "the network": network.sha256, "the patches": cohort.digest()})
    key = settings.key(network.sha256, cohort.digest(), study.on_damage)
    out = Path(settings.out or Path(study.output) / "encoders" / f"{network.name}-{key[:8]}")
    checkpoint = Checkpoint(Path(study.output) / "finetune" / key[:16], key)

    def prepare() -> tuple[bool, bytes | None]:
        checkpoint.lock()
        return found_export(out, key), checkpoint.read()

    exported, saved = ranks.from_first(prepare)
    try:
        learnt = ranks.together(lambda: choose_weights(network.module, settings))
        network.module.to(ranks.device)
        head = make_head(network.dimension, len(cohort.classes)).to(ranks.device)
        reader = Reader(cohort, network.input_px, threads=ranks.threads,
                        memory_mb=settings.read_ahead_mb, skip=study.on_damage == "skip")
        training = ranks.together(lambda: Training(settings, cohort, network, head, learnt, reader,
                                                   ranks, checkpoint))
        if saved is not None:
            ranks.together(lambda: training.load(state_of(saved, key, checkpoint.path)))
        work = _Work(study, settings, cohort, ranks, training, out, key, show)
        return work.go(exported, resumed=saved is not None)
    finally:
        checkpoint.unlock()


class _Work:
    """The rest, with a record that tells how it ended."""

    def __init__(self, study: _core.Study, settings: Settings, cohort: Cohort, ranks: Ranks,
                 training: Any, out: Path, key: str, show: Callable[..., None]) -> None:
        self.study, self.settings, self.cohort, self.ranks = study, settings, cohort, ranks
        self.training, self.out, self.key, self.show = training, out, key, show
        self.record: Any = None
        self.system = _record.System()
        self.shown = 0

    def go(self, exported: bool, resumed: bool) -> dict[str, Any]:
        self.ranks.together(self._start)
        training = self.training
        training.on_step = self._step
        status, error = "FINISHED", ""
        outputs: list[str] = []
        told: Any = None
        with _stop_on_signals(training):
            try:
                for figures in training.history:  # of earlier processes
                    self._measure(figures)
                training.run()
                outputs = self._finish(exported)
            except BaseException as failure:
                from lamella.finetuning._training import Stopped
                stopped = isinstance(failure, (Stopped, KeyboardInterrupt))
                status, error = ("KILLED" if stopped else "FAILED"), str(failure) or "stopped"
                if isinstance(failure, Stopped):
                    raise Interrupted from failure
                raise
            finally:
                if self.record is not None:
                    told = json.loads(self.record.finish(status, error, outputs))
        best = training.best["epoch"] if training.best else training.epoch - 1
        return {"encoder": str(self.out), "run_dir": self.record.folder if self.record else None,
                "resumed": resumed, "epochs": training.epoch, "best_epoch": best,
                "history": training.history, "mlflow": told}

    def _start(self) -> None:
        if not self.ranks.first:
            return
        resolved = {"ranks": self.ranks.count, "device": str(self.ranks.device),
                    "precision_run": self.training.precision.name, "key": self.key,
                    "encoder_made": str(self.out), "train_patches": len(self.cohort.train),
                    "held_out_patches": len(self.cohort.held_out),
                    "learnt_numbers": sum(one.numel() for one in self.training.learnt.values())}
        self.record = _record.start_run(self.study, self.cohort, self.training.network, self.ranks,
                                        json.dumps({**asdict(self.settings), **resolved}),
                                        self.training.precision.name)
        if self.settings.held_out and len(self.cohort.held_out) == 0:
            self._warn("found one patient to learn from, so that none is held out: nothing judges "
                       "the epochs, and all of them are gone through")
        self.record.send()

    def _warn(self, message: str) -> None:
        if self.record is not None:
            self.record.warn(message)
        warnings.warn(message, LamellaWarning, stacklevel=3)

    def _measure(self, figures: dict[str, float]) -> None:
        if self.record is not None:
            _record.measure_epoch(self.record, figures)
        self.shown += 1

    def _step(self, epoch: int, step: int, steps: int, rate: float) -> None:
        if not self.ranks.first:
            return
        history = self.training.history
        if steps == 0:  # an epoch is over
            self._measure({**history[-1], **self.system.figures(self.ranks.device)})
            self.record.log(f"epoch {epoch}: {json.dumps(history[-1])}")
            self.record.send()
            return
        self.show(f"epoch {epoch + 1}/{self.settings.epochs}", step, steps, "steps")

    def _finish(self, exported: bool) -> list[str]:
        """Wrong patches and the encoder; names of files in the output."""
        from lamella.finetuning._export import export

        cohort = self.cohort
        rows = cohort.held_out if len(cohort.held_out) else cohort.train
        found = self.training.probabilities(rows) if self.settings.wrong_patches else {}
        left_out = self.ranks.gather(sorted(self.training.reader.left_out))
        made: list[str] = []

        def write() -> None:
            if not self.ranks.first:
                return
            count = len({row for part in left_out for row in part})
            if count:
                self._warn(f"{count} patches could not be read and were left out")
            folder = Path(self.record.folder)
            wrong = _record.wrong_patches(cohort, found, self.settings.seed,
                                          self.settings.wrong_patches)
            names = _record.write_wrong(cohort, self.training.reader, found, wrong, folder)
            paths = [folder / name for name in names]
            if not exported:
                story = {"key": self.key, "study": self.study.name, "run": folder.name,
                         "begun_with": {"name": self.training.network.name,
                                        "sha256": self.training.network.sha256},
                         "classes": cohort.classes, "settings": asdict(self.settings),
                         "history": self.training.history}
                export(self.training.network, cohort, self.out, story)
            paths += [self.out / "encoder.json", self.out / "network.onnx"]
            output = Path(self.study.output)
            made.extend(str(path.relative_to(output)) for path in paths
                        if path.is_relative_to(output))

        self.ranks.together(write)
        return made


@contextlib.contextmanager
def _stop_on_signals(training: Any) -> Iterator[None]:
    """Ctrl-C and SIGTERM: the step underway is finished, then all processes stop."""
    asked = threading.Event()
    training.stop_asked = asked.is_set
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, lambda *_: asked.set())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
