# SPDX-License-Identifier: Apache-2.0
"""Machine learning on whole-slide images: plan, encode, train, score, map.

Frame everywhere: level-0 pixels, x right, y down; a patch is given by its top-left corner.
"""

import lamella._fits  # first: says so where this Python, or this machine, is not for the package
from lamella import _core
from lamella._core import (
    Classifier,
    Encoder,
    Features,
    HeatMap,
    Level,
    Model,
    Plan,
    Scores,
    Slide,
)
from lamella._errors import Error, LamellaWarning
from lamella._patches import Batch, PatchDataset
from lamella._pictures import Picture, gallery, show_plan, show_zooms
from lamella._study import RunResult, SearchResult, evaluate, options, report, run, search
from lamella._torch import torch_encoder
from lamella._verbs import (  # noqa: A004 - the verbs' names
    calibrate,
    encode,
    export,
    extract,
    finetune,
    map,
    plan,
    quantize,
    score,
    train,
)
from lamella.interop import convert

__version__ = _core.version()

__all__ = [
    "Batch", "Classifier", "Encoder", "Error", "Features", "HeatMap", "LamellaWarning", "Level", "Model",
    "PatchDataset", "Picture", "Plan", "RunResult", "Scores", "SearchResult", "Slide", "__version__",
    "calibrate", "convert", "encode", "evaluate", "export", "extract", "finetune", "gallery", "map", "options",
    "plan", "quantize", "report", "run", "score", "search", "show_plan", "show_zooms", "torch_encoder", "train",
]
