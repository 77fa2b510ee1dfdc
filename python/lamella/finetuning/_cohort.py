# SPDX-License-Identifier: Apache-2.0
"""The labelled patches of a study's training slides, under one number each."""

from __future__ import annotations

import hashlib
import pickle
import warnings
from typing import Any, NamedTuple

import numpy as np

from lamella import _core
from lamella._errors import Error, LamellaWarning
from lamella.finetuning._order import Rows, held_out_patients
from lamella.finetuning._ranks import Ranks


class SlidePatches(NamedTuple):
    slide_id: str
    patient_id: str
    slide: bytes       # a pickled Slide: opens the very file that was planned, or fails
    plan: _core.Plan   # its labelled rows alone


class Cohort:
    def __init__(self, slides: list[SlidePatches], classes: list[str], held_out: set[str]) -> None:
        self.slides, self.classes, self.held_out_patients = slides, classes, held_out
        counts = [len(part.plan) for part in slides]
        self.slide_of = np.repeat(np.arange(len(slides)), counts)
        self.row_of = np.concatenate([np.arange(count) for count in counts] or [np.zeros(0, int)])
        self.labels = np.concatenate([np.asarray(part.plan.label) for part in slides]
                                     or [np.zeros(0, np.int8)]).astype(np.int64)
        judged = np.array([slides[i].patient_id in held_out for i in self.slide_of], bool)
        self.train: Rows = np.flatnonzero(~judged)
        self.held_out: Rows = np.flatnonzero(judged)

    def name(self, row: int) -> str:
        """Where a patch lies, for people."""
        part, at = self.slides[self.slide_of[row]], self.row_of[row]
        return f"slide '{part.slide_id}' ({part.plan.x_px[at]}, {part.plan.y_px[at]})"

    def digest(self) -> str:
        """Of slides, positions, labels and the split."""
        digest = hashlib.sha256(repr((self.classes, sorted(self.held_out_patients))).encode())
        for part in self.slides:
            plan = part.plan
            digest.update(repr((part.slide_id, part.patient_id, plan.slide_fingerprint,
                                plan.size_px, plan.level, plan.effective_mpp)).encode())
            for column in (plan.x_px, plan.y_px, plan.label):
                digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    def class_weights(self, kind: str) -> Any:
        """One a class; balanced: n / (classes x n of the class), whose mean over patches is 1."""
        counts = np.bincount(self.labels[self.train], minlength=len(self.classes))
        missing = [name for name, count in zip(self.classes, counts) if count == 0]
        if missing:
            raise Error(f"found no patches of {', '.join(missing)} to learn from, expected some of "
                        "every class; is a smaller share of patients held out (held_out), or are "
                        "labels missing?", code="invalid argument")
        if kind == "none":
            return np.ones(len(counts))
        return counts.sum() / (len(counts) * counts)


def _plans(study: _core.Study) -> list[tuple[_core.SlideEntry, _core.Plan]]:
    entries = [entry for entry in study.slides() if entry.role == "train"]
    if not entries:
        raise Error("found no slides of the role train in the slides table, expected some",
                    code="invalid argument")
    encoder = _core.EncoderInfo(study.encoder)
    found = []
    for job in study.jobs(entries):
        try:
            (piece,) = job.plan(encoder)
        except Error as error:
            if study.on_damage != "skip":
                raise
            warnings.warn(f"slide '{job.slide.slide_id}' is left out: {error}", LamellaWarning,
                          stacklevel=2)
            continue
        rows = np.flatnonzero(np.asarray(piece.plan.label) >= 0)
        if len(rows):
            found.append((job.slide, piece.plan.select(rows)))
    return found


def read_cohort(study: _core.Study, held_out: float, seed: int, ranks: Ranks) -> Cohort:
    """Planned by the first process, as run would; every other gets its plans and finds the slides."""
    def plan() -> list[tuple[str, str, bytes, bytes]]:
        parts = []
        for entry, made in _plans(study):
            slide = entry.slide()
            slide.fingerprint  # noqa: B018 - opens it: what is pickled then knows its file
            parts.append((entry.slide_id, entry.patient_id, pickle.dumps(slide), made.to_bytes()))
        return parts

    slides = [SlidePatches(slide_id, patient, slide, _core.Plan.from_bytes(plan_bytes))
              for slide_id, patient, slide, plan_bytes in ranks.from_first(plan)]
    patients = [part.patient_id for part in slides]
    cohort = Cohort(slides, study.classes, held_out_patients(patients, held_out, seed))
    ranks.together(lambda: _check_slides(cohort))
    return cohort


def _check_slides(cohort: Cohort) -> None:
    for part in cohort.slides:
        with pickle.loads(part.slide) as slide:
            if slide.fingerprint != part.plan.slide_fingerprint:
                raise Error("found another file than the one that was planned; every process must "
                            "see the same slides", slide.path, "mismatch")
