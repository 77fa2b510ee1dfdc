# SPDX-License-Identifier: Apache-2.0
"""The verbs over a Spark cluster: the same bits as on one machine.

    slides = spark.read.csv("slides.csv", header=True)        # slide_id, path[, mpp], yours
    plans = lamella.spark.plan(slides, size_px=256, mpp=0.5)  # one row a slide
    features = lamella.spark.encode(plans)                    # one row a patch
    lamella.spark.write(features, "main.wsi.features")        # a table, slide by slide
    model = lamella.spark.train(features, plans)
    scores = lamella.spark.score(features, model)
    lamella.spark.finetune("study.toml", spark, workers=4)    # an encoder of the study's own
    lamella.spark.search("study.toml", spark)                 # trials side by side

A slide that fails is a row with its error. Slides are read by path: every executor must see them.
"""

from lamella.spark._finetune import finetune
from lamella.spark._pieces import cut
from lamella.spark._search import search
from lamella.spark._study import run
from lamella.spark._train import train
from lamella.spark._verbs import encode, plan, score
from lamella.spark._write import Written, write

__all__ = ["Written", "cut", "encode", "finetune", "plan", "run", "score", "search",
           "train", "write"]
