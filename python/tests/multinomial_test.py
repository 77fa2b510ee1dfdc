# SPDX-License-Identifier: Apache-2.0
"""More than two classes: training beside scikit-learn, and three classes of real tissue."""

import json

import lamella
import numpy as np
import pytest
from conftest import program
from idc_classes import CLASSES, DATA, PATIENTS, PX, write_study

h5py = pytest.importorskip("h5py")
linear_model = pytest.importorskip("sklearn.linear_model")
roc_auc_score = pytest.importorskip("sklearn.metrics").roc_auc_score


def standardised(values: np.ndarray, model: lamella.Model) -> np.ndarray:
    return (values.astype(np.float64) - model.mean) / model.scale


def objective(x: np.ndarray, labels: np.ndarray, weights: np.ndarray, biases: np.ndarray,
              l2: float) -> float:
    """Mean log loss + l2 / 2 |W|^2, written apart."""
    z = x @ weights.T + biases
    z -= z.max(axis=1, keepdims=True)
    own = z[np.arange(len(z)), labels]
    return float((np.log(np.exp(z).sum(axis=1)) - own).mean() + l2 / 2 * (weights**2).sum())


def sklearn_fit(x: np.ndarray, labels: np.ndarray, l2: float):
    return linear_model.LogisticRegression(C=1 / (len(x) * l2), tol=1e-9, max_iter=20000).fit(
        x, labels)


@pytest.fixture(scope="module")
def synthetic(slide_path, tmp_path_factory):
    """Features of 300 labelled positions: four clouds that overlap."""
    folder = tmp_path_factory.mktemp("lists")
    rng = np.random.default_rng(3)
    names = ["a", "b", "c", "d"]
    centers = []
    for k, name in enumerate(names):
        rows = [f"phantom_01,{100 + 16 * i},{100 + 100 * k}\n" for i in range(75)]
        (folder / f"{name}.txt").write_text("".join(rows))
        centers.append((folder / f"{name}.txt", name))
    plan = lamella.plan(slide_path, size_px=8, level=0, tissue="none", classes=names,
                        centers=centers)
    assert plan.classes == names and np.bincount(plan.label).tolist() == [75] * 4
    space = lamella.encode(slide_path, plan.select(np.array([0]))).feature_space
    clouds = rng.normal(size=(4, 12)) * 0.7
    values = (clouds[plan.label] + rng.normal(size=(300, 12))).astype(np.float32) * 3 + 5
    return lamella.Features.from_arrays(plan, values, feature_space=space)


@pytest.mark.parametrize("l2", [1e-3, 0.05, 2.0])
def test_the_objective_is_scikit_learns(synthetic, l2):
    model = lamella.train([synthetic], l2=l2)
    assert model.weights.shape == (4, 12) and model.biases.shape == (4,)
    x, labels = standardised(synthetic.values, model), synthetic.plan.label.astype(int)
    other = sklearn_fit(x, labels, l2)
    mine = objective(x, labels, model.weights, model.biases, l2)
    theirs = objective(x, labels, other.coef_, other.intercept_, l2)
    print(f"l2 {l2}: objective {mine:.9f}, scikit-learn {theirs:.9f}")
    assert abs(mine - theirs) < 1e-6
    scores = lamella.score(synthetic, model)
    assert scores.classes == ["a", "b", "c", "d"] and scores.values.shape == (300, 4)
    assert np.abs(scores.values - other.predict_proba(x)).max() < 1e-4
    assert np.abs(scores.values.sum(axis=1) - 1).max() < 1e-6


def test_the_bits_do_not_depend_on_threads(synthetic):
    one = lamella.train([synthetic], threads=1)
    two = lamella.train([synthetic], threads=3)
    assert one.weights.tobytes() == two.weights.tobytes() and one.l2 == two.l2
    assert len(one.trials) == 13


def test_the_model_of_another_solver(synthetic):
    model = lamella.train([synthetic], l2=0.1)
    other = lamella.Model.from_coefficients([synthetic], model.weights, list(model.biases),
                                            mean=model.mean, scale=model.scale)
    assert (lamella.score(synthetic, other).values == lamella.score(synthetic, model).values).all()
    with pytest.raises(lamella.Error, match="4 classes"):
        lamella.Model.from_coefficients([synthetic], model.weights[:2].copy(), [0.0, 0.0])


@pytest.mark.skipif(not DATA.exists(), reason=f"no {DATA}")
@pytest.mark.parametrize("train, test", [PATIENTS, PATIENTS[::-1]])
def test_three_classes_of_real_tissue(tmp_path, train, test):
    """Train on one patient, test on the other: as good as scikit-learn on the same features, and by
    the verbs in Python the same bits as by the study on the command line."""
    study = write_study(tmp_path, train, test)
    metrics = program("run", study)["metrics"]["test"]
    out = tmp_path / "out"
    parts = {role: lamella.Features.load(out / f"features/labelled/{patient}.h5")
             for role, patient in (("train", train), ("test", test))}
    model = lamella.Model.load(out / "model")
    assert model.classes == list(CLASSES)
    other = sklearn_fit(standardised(parts["train"].values, model), parts["train"].plan.label,
                        model.l2)
    auc = roc_auc_score(parts["test"].plan.label, other.predict_proba(
        standardised(parts["test"].values, model)), multi_class="ovr", average="macro")
    print(f"{train} -> {test}: macro AUC {metrics['macro_auc']:.4f}, scikit-learn {auc:.4f}; "
          f"accuracy {metrics['accuracy']:.3f}, log loss {metrics['log_loss']:.3f}, "
          f"{metrics['confusion']}")
    assert abs(metrics["macro_auc"] - auc) < 0.002
    assert sum(map(sum, metrics["confusion"])) == metrics["n"] == len(parts["test"])

    again = lamella.train([parts["train"]])
    assert again.weights.tobytes() == model.weights.tobytes()
    assert again.biases.tobytes() == model.biases.tobytes() and again.l2 == model.l2
    lists = [(tmp_path / f"{name}.txt", name) for name in CLASSES]
    plan = lamella.plan(DATA / f"{test}.tif", size_px=PX, level=0, classes=list(CLASSES),
                        centers=lists)
    with h5py.File(out / f"plans/labelled/{test}.h5") as file:
        assert (file["label"][:] == plan.label).all()
        assert json.loads(file["coords"].attrs["lamella_plan"])["classes"] == list(CLASSES)
    features = lamella.encode(DATA / f"{test}.tif", plan, precision="f32")
    assert features.values.tobytes() == parts["test"].values.tobytes()
    scores = lamella.score(features, again)
    scores.save(tmp_path / f"{test}.csv")
    assert (tmp_path / f"{test}.csv").read_bytes() == \
        (out / f"scores/labelled/{test}.csv").read_bytes()
    assert lamella.evaluate(scores, plan)["all"] == metrics
