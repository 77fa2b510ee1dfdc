# SPDX-License-Identifier: Apache-2.0
"""Three classes of real tissue on the cluster: the same bits as by the command line."""

import lamella
import lamella.spark
import numpy as np
import pytest
from conftest import program
from idc_classes import CLASSES, DATA, PATIENTS, PX, write_study

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"no {DATA}")


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three")
    program("run", write_study(folder, *PATIENTS))
    return folder


@pytest.fixture(scope="module")
def labelled(spark, native):
    rows = [{"slide_id": patient, "path": f"{DATA / patient}.tif"} for patient in PATIENTS]
    plans = lamella.spark.plan(
        spark.createDataFrame(rows), size_px=PX, level=0, classes=list(CLASSES),
        centers=[(str(native / f"{name}.txt"), name) for name in CLASSES])
    return plans, lamella.spark.encode(plans, precision="f32").persist()


def of_train(labelled):
    plans, features = labelled
    return features.where(f"slide_id = '{PATIENTS[0]}'"), plans


def test_training_gives_the_identical_model(labelled, native):
    features, plans = of_train(labelled)
    model, same = lamella.spark.train(features, plans), lamella.Model.load(native / "out/model")
    assert model.classes == same.classes == list(CLASSES)
    assert model.weights.tobytes() == same.weights.tobytes()
    assert model.biases.tobytes() == same.biases.tobytes() and model.l2 == same.l2


def test_scores_are_the_command_lines(labelled, native):
    _, features = labelled
    scored = lamella.spark.score(features, native / "out/model").orderBy("slide_id", "row")
    rows = scored.toArrow().to_pylist()
    for patient in PATIENTS:
        part = lamella.Features.load(native / f"out/features/labelled/{patient}.h5")
        expected = lamella.score(part, native / "out/model").values
        mine = [[row[f"prob_{name}"] for name in CLASSES] for row in rows
                if row["slide_id"] == patient]
        assert np.array(mine, np.float32).tobytes() == expected.tobytes()


def test_spark_ml_is_multinomial(labelled, native):
    features, plans = of_train(labelled)
    l2 = lamella.Model.load(native / "out/model").l2
    model = lamella.spark.train(features, plans, l2=l2, method="spark.ml")
    assert model.weights.shape[0] == len(CLASSES)
    part = lamella.Features.load(native / f"out/features/labelled/{PATIENTS[1]}.h5")
    mine = lamella.score(part, native / "out/model").values
    assert np.abs(lamella.score(part, model).values - mine).max() < 0.02
