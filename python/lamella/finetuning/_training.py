# SPDX-License-Identifier: Apache-2.0
"""The loop. All that it does is a function of the checkpoint that it began with, of the settings and
of the cohort: not of when it was stopped, nor, but for rounding, of how many processes share it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from lamella._errors import Error
from lamella.finetuning._augment import vary
from lamella.finetuning._checkpoint import Checkpoint
from lamella.finetuning._cohort import Cohort
from lamella.finetuning._networks import Network
from lamella.finetuning._order import Rows, epoch_order, part_of, steps_of
from lamella.finetuning._precision import Precision
from lamella.finetuning._ranks import Ranks
from lamella.finetuning._reading import Reader, Step
from lamella.finetuning._settings import Settings

CALIBRATION_PATCHES = 1024
CALIBRATION_EPOCH = 2**33  # an order of its own
WARM_UP = 0.05  # share of the steps in which the rates rise
SHOWN_PATCHES = 5


class Stopped(Exception):
    """Asked to, at the end of a step; the checkpoint is written."""


class Training:
    def __init__(self, settings: Settings, cohort: Cohort, network: Network, head: Any,
                 learnt: dict[str, Any], reader: Reader, ranks: Ranks,
                 checkpoint: Checkpoint) -> None:
        import torch

        self.settings, self.cohort, self.network, self.head = settings, cohort, network, head
        self.learnt, self.reader, self.ranks, self.checkpoint = learnt, reader, ranks, checkpoint
        self.precision = Precision(settings.precision, ranks.device)
        self.weights = torch.tensor(cohort.class_weights(settings.class_weights),
                                    dtype=torch.float32)
        self.optimizer = torch.optim.AdamW(self._groups(), lr=0.0)
        self.stop_asked: Callable[[], bool] = lambda: False
        self.on_step: Callable[[int, int, int, float], None] = lambda *_: None
        self.epoch, self.step, self.sums = 0, 0, [0.0, 0.0]
        self.history: list[dict[str, float]] = []
        self.best: dict[str, Any] | None = None
        self.done = False
        self._saved_at = time.monotonic()
        self._trouble: Exception | None = None

    def _groups(self) -> list[dict[str, Any]]:
        """Of matrices and kernels, whose weights decay, and of the others: network, then head."""
        groups = []
        for which, named in (("network", self.learnt), ("head", dict(self.head.named_parameters()))):
            for decays in (True, False):
                members = [one for one in named.values() if (one.ndim > 1) == decays]
                groups.append({"params": members, "which": which,
                               "weight_decay": self.settings.weight_decay if decays else 0.0})
        return [group for group in groups if group["params"]]

    # The state.

    def state(self) -> dict[str, Any]:
        """Tensors, and all numbers as JSON: what torch reads without running what it reads. Of the
        optimizer its moments; its rates are functions of the step."""
        import torch
        best = self.best
        numbers = {"epoch": self.epoch, "step": self.step, "sums": self.sums,
                   "history": self.history, "done": self.done, "scaler": self.precision.state(),
                   "best": None if best is None else [best["epoch"], best["loss"]]}
        return {**self._weights(), "moments": self.optimizer.state_dict()["state"],
                "rng": torch.get_rng_state(), "numbers": json.dumps(numbers),
                "best": {} if best is None else {"network": best["network"], "head": best["head"]}}

    def _weights(self) -> dict[str, Any]:
        return {"network": {name: one.detach().cpu().clone() for name, one in self.learnt.items()},
                "head": {name: one.detach().cpu().clone()
                         for name, one in self.head.state_dict().items()}}

    def load(self, state: dict[str, Any]) -> None:
        import torch
        self._put(state)
        self.optimizer.load_state_dict({"state": state["moments"],
                                        "param_groups": self.optimizer.state_dict()["param_groups"]})
        numbers = json.loads(state["numbers"])
        self.precision.load(numbers["scaler"])
        self.epoch, self.step, self.sums = numbers["epoch"], numbers["step"], numbers["sums"]
        self.history, self.done = numbers["history"], numbers["done"]
        if numbers["best"] is not None:
            epoch, loss = numbers["best"]
            self.best = {"epoch": epoch, "loss": loss, **state["best"]}
        torch.set_rng_state(state["rng"])

    def _put(self, state: dict[str, Any]) -> None:
        import torch
        with torch.no_grad():
            for name, one in self.learnt.items():
                one.copy_(state["network"][name])
        self.head.load_state_dict(state["head"])

    def save(self) -> None:
        if self.ranks.first:
            self.checkpoint.write(self.state())
        self._saved_at = time.monotonic()

    # Epochs.

    def run(self) -> None:
        """To the end; the best epoch's weights are in place then, or the last's if nothing judges."""
        if self.epoch == 0 and self.step == 0:
            self._calibrate_head()
        while self.epoch < self.settings.epochs and not self.done:
            start, work = time.monotonic(), time.process_time()
            patches = self._learn_epoch()
            seconds, work = time.monotonic() - start, time.process_time() - work
            figures = {"epoch": float(self.epoch), "train_loss": self.sums[0] / self.sums[1],
                       "seconds": seconds, "cpu_seconds": work,
                       "patches_per_second": patches / max(seconds, 1e-9),
                       **self._judge()}
            self.history.append(figures)
            self._remember_best(figures)
            self.epoch, self.step, self.sums = self.epoch + 1, 0, [0.0, 0.0]
            self.done = self.epoch == self.settings.epochs or self._no_better()
            self.ranks.together(self.save)
            self.on_step(self.epoch, 0, 0, 0.0)
        if self.best is not None:
            self._put(self.best)

    def _remember_best(self, figures: dict[str, float]) -> None:
        loss = figures.get("held_out_log_loss")
        if loss is None or (self.best is not None and loss >= self.best["loss"]):
            return
        self.best = {"epoch": self.epoch, "loss": loss, **self._weights()}

    def _no_better(self) -> bool:
        """Of epochs in which the network is learnt."""
        if self.best is None or self.settings.patience == 0:
            return False
        since = max(self.best["epoch"] + 1, self.settings.head_epochs)
        return bool(self.epoch - since >= self.settings.patience)

    def _learn_epoch(self) -> int:
        settings = self.settings
        order = epoch_order(self.cohort.train, settings.seed, self.epoch,
                            settings.patches_per_epoch)
        steps = steps_of(order, settings.batch_size)
        mine = [part_of(step, self.ranks.rank, self.ranks.count) for step in steps[self.step:]]
        read = self.reader.steps(mine)
        done = 0
        start = time.monotonic()
        try:
            for whole in steps[self.step:]:
                self._set_rates(len(steps))
                self._learn_step(read, whole)
                done += len(whole)
                self.step += 1
                self.on_step(self.epoch, self.step, len(steps),
                             done / (time.monotonic() - start))
        finally:
            read.close()  # type: ignore[attr-defined]
        return done

    def _set_rates(self, steps: int) -> None:
        """A rise, then half a cosine, over all steps in which the weights are learnt."""
        settings = self.settings
        for group in self.optimizer.param_groups:
            of_head = group["which"] == "head"
            first = 0 if of_head else min(settings.head_epochs, settings.epochs)
            total = (settings.epochs - first) * steps
            at = (self.epoch - first) * steps + self.step
            rate = settings.head_learning_rate if of_head else settings.learning_rate
            rise = min(1.0, (at + 1) / max(1.0, WARM_UP * total))
            group["lr"] = 0.0 if at < 0 else (
                rate * rise * 0.5 * (1 + math.cos(math.pi * at / max(1, total))))

    # A step.

    def _learn_step(self, read: Any, whole: Rows) -> None:
        """The gradient is that of sum(w l) / sum(w) over the whole step, whoever has its patches."""
        import torch

        head_only = self.epoch < self.settings.head_epochs
        parameters = [*(() if head_only else self.learnt.values()), *self.head.parameters()]
        for parameter in (*self.learnt.values(), *self.head.parameters()):
            parameter.grad = None
        planned = float(self.weights[self.cohort.labels[whole]].sum())
        failure: BaseException | None = None
        sums = [0.0, 0.0]
        try:
            if self._trouble is not None:
                raise self._trouble
            sums = self._gradients(next(read), planned, head_only)
        except Exception as error:  # told to the others by the sum below
            failure = self._explained(error)
            for parameter in parameters:
                parameter.grad = None
        parts = [torch.zeros_like(one) if one.grad is None else one.grad for one in parameters]
        told = torch.tensor([*sums, float(failure is not None), float(self.stop_asked())],
                            dtype=torch.float32, device=self.ranks.device)
        flat = torch.cat([*(part.reshape(-1).float() for part in parts), told])
        self.ranks.sum(flat)
        loss, weight, failed, stop = flat[-4:].tolist()
        if failed:
            self.ranks.agree(failure)
        if self.precision.name != "f16" and not bool(torch.isfinite(flat).all()):
            raise Error(f"found a gradient that is not a number in step {self.step + 1} of epoch "
                        f"{self.epoch + 1}, whose patches begin with "
                        f"{self.cohort.name(int(whole[0]))}; expected finite ones. Lower the "
                        "learning_rate, or use precision f32", code="corrupt")
        self._apply(parameters, flat, planned / weight if weight else 0.0)
        self.sums = [self.sums[0] + loss, self.sums[1] + weight]
        if stop:
            self.step += 1
            self.ranks.together(self.save)
            raise Stopped
        if self._checkpoint_due():
            self.step += 1
            try:
                self.save()
            except Exception as error:  # told to the others with the next step
                self._trouble = error
            self.step -= 1

    def _apply(self, parameters: list[Any], flat: Any, factor: float) -> None:
        """factor: above 1 where patches were left out of the step."""
        if factor == 0:
            return
        at = 0
        for one in parameters:
            one.grad = flat[at:at + one.numel()].reshape(one.shape).to(one.dtype) * factor
            at += one.numel()
        self.precision.step(self.optimizer)

    def _checkpoint_due(self) -> bool:
        return self.ranks.first and \
            time.monotonic() - self._saved_at >= self.settings.checkpoint_seconds

    def _chunks(self, step: Step) -> list[Step]:
        most = self.settings.device_batch or max(1, len(step.rows))
        return [Step(step.pixels[begin:begin + most], step.rows[begin:begin + most])
                for begin in range(0, len(step.rows), most)]

    def _planes(self, step: Step, epoch: int | None) -> Any:
        """float [n, 3, h, w] on the device; varied unless epoch is None."""
        import torch
        pixels = torch.from_numpy(np.ascontiguousarray(step.pixels))
        planes = pixels.to(self.ranks.device).permute(0, 3, 1, 2).float()
        if epoch is None:
            return planes
        return vary(planes, step.rows, self.settings.seed, epoch,
                    geometry=self.settings.geometry, stain=self.settings.stain)

    def _labels(self, rows: Rows) -> Any:
        import torch
        return torch.from_numpy(self.cohort.labels[rows]).to(self.ranks.device)

    def _gradients(self, step: Step, planned: float, head_only: bool) -> list[float]:
        """[sum of w l, sum of w] of this process's patches; adds their gradients."""
        import torch
        from torch.nn import functional as F

        sums = [0.0, 0.0]
        for chunk in self._chunks(step):
            planes = self._planes(chunk, self.epoch)
            with torch.set_grad_enabled(not head_only), self.precision.autocast():
                vectors = self.network.vectors(planes)
            labels = self._labels(chunk.rows)
            losses = F.cross_entropy(self.head(vectors.float()), labels, reduction="none")
            self._require_finite(losses, chunk.rows)
            weights = self.weights.to(losses.device)[labels]
            total = (losses * weights).sum()
            self.precision.scaled(total / planned).backward()
            sums = [sums[0] + float(total.detach()), sums[1] + float(weights.sum())]
        return sums

    def _require_finite(self, losses: Any, rows: Rows) -> None:
        import torch
        bad = rows[(~torch.isfinite(losses)).cpu().numpy()]
        if len(bad) == 0:
            return
        names = "; ".join(self.cohort.name(int(row)) for row in bad[:SHOWN_PATCHES])
        more = f" and {len(bad) - SHOWN_PATCHES} more" if len(bad) > SHOWN_PATCHES else ""
        raise Error(f"found a loss that is not a number in step {self.step + 1} of epoch "
                    f"{self.epoch + 1}, of {names}{more}; expected finite ones. Lower the "
                    f"learning_rate (now {self.settings.learning_rate:g}), or use precision f32",
                    code="corrupt")

    def _explained(self, error: Exception) -> Exception:
        text = str(error)
        if isinstance(error, MemoryError) or "out of memory" in text \
                or "can't allocate memory" in text:
            return Error(f"ran out of memory in step {self.step + 1} of epoch {self.epoch + 1}; "
                         "have fewer patches in memory at once (device_batch), or read fewer ahead "
                         f"(read_ahead_mb): {text.splitlines()[0] if text else ''}", code="limit")
        if isinstance(error, StopIteration):
            return Error("found fewer patches than planned", code="internal")
        return error

    # Without learning.

    def _features(self, rows: Rows, use: Callable[[Rows, Any], None]) -> None:
        """use(rows, vectors) of this process's patches as they are."""
        import torch
        mine = [part_of(step, self.ranks.rank, self.ranks.count)
                for step in steps_of(rows, self.settings.batch_size)]
        for step in self.reader.steps(mine):
            for chunk in self._chunks(step):
                with torch.no_grad(), self.precision.autocast():
                    vectors = self.network.vectors(self._planes(chunk, None))
                use(chunk.rows, vectors.float())

    def _calibrate_head(self) -> None:
        """Mean and deviation of the untouched network's vectors, of some patches."""
        import torch

        d = self.network.dimension
        sums = torch.zeros(2 * d + 1, dtype=torch.float64, device=self.ranks.device)

        def add(rows: Rows, vectors: Any) -> None:
            values = vectors.double()
            sums[:d] += values.sum(0)
            sums[d:-1] += (values**2).sum(0)
            sums[-1] += len(rows)

        order = epoch_order(self.cohort.train, self.settings.seed, CALIBRATION_EPOCH,
                            CALIBRATION_PATCHES)
        self.ranks.together(lambda: self._features(order, add))
        self.ranks.sum(sums)
        if float(sums[-1]) == 0:
            raise Error("found no patch that can be read, expected some", code="corrupt")
        if not bool(torch.isfinite(sums).all()):
            raise Error(f"found vectors of the network '{self.network.name}' that are not numbers, "
                        "before anything was learnt; expected finite ones", code="corrupt")
        mean = sums[:d] / sums[-1]
        deviation = (sums[d:-1] / sums[-1] - mean**2).clamp_min(0).sqrt()
        self.head.mean.copy_(mean.float())
        self.head.scale.copy_(torch.where(deviation > 1e-6 * (1 + mean.abs()), deviation,
                                          torch.ones_like(deviation)).float())

    def probabilities(self, rows: Rows) -> dict[int, list[float]]:
        """Of the rows that can be read, to all processes."""
        import torch
        own: dict[int, list[float]] = {}

        def add(chunk: Rows, vectors: Any) -> None:
            with torch.no_grad():
                made = torch.softmax(self.head(vectors).double(), dim=1).cpu().tolist()
            own.update(zip(chunk.tolist(), made))

        self.ranks.together(lambda: self._features(rows, add))
        return {row: one for part in self.ranks.gather(own) for row, one in part.items()}

    def _judge(self) -> dict[str, float]:
        """On the patients held out: log loss with the weights of the classes, accuracy, and the mean
        over classes of the share that is right."""
        if len(self.cohort.held_out) == 0:
            return {}
        found = self.probabilities(self.cohort.held_out)
        rows = np.array(sorted(found), np.int64)
        made = np.array([found[int(row)] for row in rows])
        labels = self.cohort.labels[rows]
        weights = self.weights.numpy().astype(np.float64)[labels]
        losses = -np.log(np.maximum(made[np.arange(len(rows)), labels], 1e-300))
        right = made.argmax(axis=1) == labels
        shares = [right[labels == label].mean() for label in np.unique(labels)]
        return {"held_out_log_loss": float((losses * weights).sum() / weights.sum()),
                "held_out_accuracy": float(right.mean()),
                "held_out_balanced_accuracy": float(np.mean(shares))}
