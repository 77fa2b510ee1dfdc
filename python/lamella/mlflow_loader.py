# SPDX-License-Identifier: Apache-2.0
"""What MLflow loads for a model that takes rows: slide, x_px, y_px -> prob_<Class> of each class.

The position is the top-left corner of a patch in level-0 pixels; slide is a path that this process
can read. Each slide is read at the model's scale, so it must state its µm per pixel.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import lamella
import numpy as np
import pandas as pd

COLUMNS = ("slide", "x_px", "y_px")


def _load_pyfunc(path: str) -> PositionModel:
    """path: the folder of the MLmodel; the model itself lies there, or is the folder around it."""
    folder = Path(path)
    return PositionModel(folder if (folder / "model.json").exists() else folder.parent)


class PositionModel:
    def __init__(self, folder: Path) -> None:
        self._model = lamella.Model.load(folder)
        self._encoder: lamella.Encoder | None = None
        self._process = 0

    def predict(self, rows: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One row out for every row in, in their order. A row that cannot be scored (no such slide,
        a position off it) is a lamella.Error."""
        missing = [name for name in COLUMNS if name not in rows.columns]
        if missing:
            raise lamella.Error(f"found columns {', '.join(map(str, rows.columns))}, expected also "
                                f"{', '.join(missing)}")
        if rows["slide"].isna().any():
            raise lamella.Error("found a row without slide, expected the path of one")
        positions = np.ascontiguousarray(rows[["x_px", "y_px"]].to_numpy(np.int64))
        slides = rows["slide"].to_numpy(object)
        classes = self._model.classes
        scores = np.empty((len(rows), len(classes)), np.float32)
        for slide in dict.fromkeys(slides):
            at = np.flatnonzero(slides == slide)
            scores[at] = lamella.score(slide, self._model, positions=positions[at],
                                       encoder=self._loaded(), threads=_threads()).values
        return pd.DataFrame({f"prob_{name}": scores[:, k] for k, name in enumerate(classes)},
                            index=rows.index)

    def _loaded(self) -> lamella.Encoder:
        # An encoder belongs to the process that loaded it.
        if self._encoder is None or self._process != os.getpid():
            self._encoder = lamella.Encoder(self._model.encoder_folder,
                                            precision=self._model.precision, threads=_threads())
            self._process = os.getpid()
        return self._encoder


def _threads() -> int | None:
    """One in a task of Spark, which has as many tasks as cores; else all cores."""
    pyspark = sys.modules.get("pyspark")
    in_task = pyspark is not None and pyspark.TaskContext.get() is not None
    return 1 if in_task else None
