# SPDX-License-Identifier: Apache-2.0
"""A run's labelled patches in two dimensions (UMAP), for its report. Needs the package umap-learn
(`pip install lamella[umap]`)."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamella import _core
from lamella._errors import Error

FORMAT = 1


def umap(run: str | os.PathLike[str], *, roles: Sequence[str] = ("train", "test"),
         neighbours: int = 15, min_dist: float = 0.1, seed: int = 1, most: int = 5000) -> Path:
    """Lays the features of a finished run's labelled patches out in two dimensions and makes its
    report anew, which then shows them by class, patient, slide and score. Returns the path of
    umap.json, in the run's folder.

    most: patches, evenly over all of them. The picture depends on neighbours, min_dist and seed:
    what lies together is alike, how far groups lie apart says little.
    """
    try:
        import umap as umap_learn
    except ImportError as error:
        raise Error("the package umap-learn is not installed: pip install lamella[umap]") from error
    import numpy as np

    folder = Path(run)
    record = json.loads((folder / "run.json").read_text())
    features, points = _labelled(folder.resolve().parent.parent, record, roles)
    if len(points["class"]) <= neighbours:
        raise Error(f"found {len(points['class'])} labelled patches of {', '.join(roles)}, expected "
                    f"more than {neighbours} neighbours")
    kept = np.unique(np.linspace(0, len(features) - 1, min(most, len(features))).astype(int))
    features = features[kept]
    deviation = features.std(axis=0)
    features = (features - features.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    places = umap_learn.UMAP(n_neighbors=neighbours, min_dist=min_dist, random_state=seed,
                             n_jobs=1).fit_transform(features)
    document = {"format": FORMAT,
                "made_by": f"umap-learn {umap_learn.__version__}, {neighbours} neighbours, least "
                           f"distance {min_dist}, seed {seed}",
                "patches": len(kept), "of": len(points["class"]),
                "x": [round(float(x), 3) for x in places[:, 0]],
                "y": [round(float(y), 3) for y in places[:, 1]],
                "score_of": record["training"]["classes"][-1],
                **{name: [points[name][i] for i in kept] for name in points}}
    path = folder / "umap.json"
    temporary = folder / "umap.json.tmp"
    temporary.write_text(json.dumps(document, ensure_ascii=False))
    temporary.replace(path)
    _core.report_run(folder, "", None)
    return path


def _labelled(output: Path, record: dict[str, Any],
              roles: Sequence[str]) -> tuple[Any, dict[str, list[Any]]]:
    """Features of the labelled rows of these roles, and what is known of each."""
    import numpy as np

    patients = {one["slide_id"]: one["patient_id"] for one in record["inputs"]
                if one["kind"] == "slide"}
    parts: list[Any] = []
    points: dict[str, list[Any]] = {"class": [], "patient": [], "slide": [], "score": []}
    for slide in record["slides"]:
        name = slide["slide_id"]
        path = output / "features" / "labelled" / f"{name}.h5"
        if slide["role"] not in roles or not path.exists():
            continue
        found = _core.Features.load(path)
        scores = _core.Scores.load(output / "scores" / "labelled" / f"{name}.csv")
        labels = np.asarray(found.plan.label)
        rows = np.flatnonzero(labels >= 0)
        parts.append(np.asarray(found.values)[rows])
        points["class"] += [found.plan.classes[labels[row]] for row in rows]
        points["patient"] += [patients.get(name, name)] * len(rows)
        points["slide"] += [name] * len(rows)
        points["score"] += [round(float(scores.values[row, -1]), 4) for row in rows]
    if not parts:
        raise Error(f"{output}: found no labelled features of {', '.join(roles)}; is the run "
                    "finished, and its output whole?")
    return np.concatenate(parts), points
