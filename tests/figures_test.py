# SPDX-License-Identifier: Apache-2.0
"""Figures beside scikit-learn's, other programs' tables, calibration and splits."""

import csv
import json
from pathlib import Path

import numpy
import pytest
from conftest import bad, good, lamella
from small_cohort import absolute_rows, make_cohort, study_text

metrics = pytest.importorskip("sklearn.metrics")
linear_model = pytest.importorskip("sklearn.linear_model")


def write_slide(folder: Path, name: str, scores, labels, *, header="prob_normal,prob_tumor"):
    """Scores and labels of 100 px patches side by side, as another program would write them."""
    rows = ["minx,miny," + header]
    truth = ["label,miny,minx"]
    for i, (score, label) in enumerate(zip(scores, labels)):
        both = f"{1 - score!r},{score!r}" if "," in header else repr(float(score))
        rows.append(f"{100 * (i % 40)},{100 * (i // 40)},{both}")
        truth.append(f"{'tumor' if label else 'normal'},{100 * (i // 40)},{100 * (i % 40)}")
    (folder / f"{name}.csv").write_text("\n".join(rows) + "\n")
    (folder / "truth").mkdir(exist_ok=True)
    (folder / "truth" / f"{name}.csv").write_text("\n".join(truth) + "\n")
    return folder / f"{name}.csv", folder / "truth" / f"{name}.csv"


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """24 slides of 12 patients by a program that is not ours."""
    folder = tmp_path_factory.mktemp("others")
    random = numpy.random.default_rng(1)
    files, scores, labels, groups = [], [], [], ["slide_id,patient_id"]
    for slide in range(24):
        own = random.normal() * 0.7
        label = random.random(60) < 0.4
        logit = 1.6 * (2 * label - 1) + own + 1.4 * random.normal(size=60)
        score = numpy.round(1 / (1 + numpy.exp(-logit)), 3).astype(numpy.float32)
        files.append(write_slide(folder, f"s{slide}", [float(s) for s in score], label))
        scores.append(score)
        labels.append(label)
        groups.append(f"s{slide},p{slide // 2}")
    (folder / "groups.csv").write_text("\n".join(groups) + "\n")
    return folder, files, numpy.concatenate(scores), numpy.concatenate(labels)


def evaluate(others, *words):
    folder, files, _, _ = others
    return good("evaluate", "--scores", *(f[0] for f in files), "--truth", *(f[1] for f in files),
                *words)


def test_figures_are_those_of_scikit_learn(others):
    made = evaluate(others)
    _, _, scores, labels = others
    p = scores.astype(float)
    assert made["auc"] == pytest.approx(metrics.roc_auc_score(labels, p), abs=1e-12)
    assert made["average_precision"] == pytest.approx(
        metrics.average_precision_score(labels, p), abs=1e-12)
    assert made["brier"] == pytest.approx(metrics.brier_score_loss(labels, p), abs=1e-9)
    assert made["class_log_loss"] == pytest.approx(
        metrics.log_loss(labels, numpy.clip(p, 1.2e-7, 1 - 1.2e-7)), abs=1e-6)
    wrong, right, _ = metrics.roc_curve(labels, p, drop_intermediate=False)
    assert made["sensitivity_at_95_specificity"] == pytest.approx(right[wrong <= 0.05].max())
    assert made["specificity_at_95_sensitivity"] == pytest.approx(
        1 - wrong[right >= 0.95].min())
    clipped = numpy.clip(p, 2.0 ** -23, 1 - 2.0 ** -23)
    logit = numpy.log(clipped / (1 - clipped))[:, None]
    fit = linear_model.LogisticRegression(C=1e12, tol=1e-10, max_iter=1000).fit(logit, labels)
    assert made["calibration_slope"] == pytest.approx(fit.coef_[0, 0], abs=1e-4)
    assert made["calibration_intercept"] == pytest.approx(fit.intercept_[0], abs=1e-4)


def test_intervals_are_by_slides_or_by_patients(others):
    folder = others[0]
    made = evaluate(others)
    assert made["intervals"]["unit"] == "slides" and made["intervals"]["units"] == 24
    by_patients = evaluate(others, "--groups", folder / "groups.csv")
    assert by_patients["intervals"]["unit"] == "patients"
    assert by_patients["intervals"]["units"] == 12
    assert by_patients["auc"] == made["auc"]
    for one in (made, by_patients):
        assert one["auc_low"] < one["auc"] < one["auc_high"]
        assert (one["auc_high"] - one["auc_low"]
                > one["auc_independent_high"] - one["auc_independent_low"])
        assert {"brier", "accuracy", "average_precision", "calibration_slope"} <= set(
            one["intervals"]["of"])
    assert len(by_patients["groups"]) == 12
    # The same bits for any number of threads.
    assert evaluate(others, "--threads", 1)["intervals"] == made["intervals"]
    assert evaluate(others, "--threads", 2)["intervals"] == made["intervals"]


def test_two_runs_are_compared_in_pairs(others, tmp_path):
    folder, files, scores, labels = others
    worse = []
    for k, (path, _) in enumerate(files):
        part = scores[60 * k:60 * k + 60].astype(float)
        worse.append(write_slide(tmp_path, path.stem, [float(numpy.float32(s)) for s in 0.5 * part + 0.25 * (
            numpy.arange(60) % 2)], labels[60 * k:60 * k + 60])[0])
    made = evaluate(others, "--against", *worse)["differences"]["tumor"]
    auc = made["of"]["auc"]
    other = numpy.concatenate([0.5 * scores[60 * k:60 * k + 60].astype(float)
                               + 0.25 * (numpy.arange(60) % 2) for k in range(24)])
    assert auc["value"] == pytest.approx(
        metrics.roc_auc_score(labels, scores) - metrics.roc_auc_score(labels, other.astype(numpy.float32)),
        abs=1e-6)
    assert auc["interval"][0] < auc["value"] < auc["interval"][1]
    assert made["unit"] == "slides"


def test_one_column_of_another_program_is_enough(tmp_path):
    scores, truth = write_slide(tmp_path, "a", [0.1, 0.9, 0.4, 0.7], [0, 1, 0, 1],
                                header="prob_tumor")
    truth.write_text(truth.read_text().replace("normal", "other"))
    assert good("evaluate", "--scores", scores, "--truth", truth)["auc"] == 1


def test_one_table_of_labels_for_several_slides(tmp_path):
    a = write_slide(tmp_path, "a", [0.1, 0.9], [0, 1])
    b = write_slide(tmp_path, "b", [0.2, 0.8], [0, 1])
    table = tmp_path / "all.csv"
    table.write_text("slide_id,minx,miny,label\na,0,0,normal\nb,0,0,normal\nA,100,0,tumor\n")
    made = good("evaluate", "--scores", a[0], b[0], "--truth", table)
    assert made["n"] == 3 and made["auc"] == 1
    table.write_text(table.read_text() + "c,0,0,tumor\n")
    assert "'c'" in bad("evaluate", "--scores", a[0], b[0], "--truth", table)


@pytest.mark.parametrize(("old", "new", "said"), [
    ("tumor,0,100", "gland,0,100", "one of normal, tumor"),
    ("tumor,0,100", "tumor,0,100\nnormal,0,100", "two labels"),
    ("tumor,0,100", "tumor,0,", "level-0 px"),
    ("tumor,0,100", "tumor,0,700", "no score"),
    ("label,miny,minx", "label,miny,x", "minx"),
])
def test_labels_that_cannot_be_right_are_refused(tmp_path, old, new, said):
    scores, truth = write_slide(tmp_path, "a", [0.1, 0.9, 0.4, 0.7], [0, 1, 0, 1])
    truth.write_text(truth.read_text().replace(old, new))
    assert said in bad("evaluate", "--scores", scores, "--truth", truth)


def test_rows_that_stand_twice_count_once_or_are_refused(tmp_path):
    scores, truth = write_slide(tmp_path, "a", [0.1, 0.9, 0.4, 0.7], [0, 1, 0, 1])
    truth.write_text(truth.read_text() + "tumor,0,100\n")
    outcome = lamella("evaluate", "--scores", scores, "--truth", truth, "--json")
    assert outcome.json["n"] == 4 and "twice" in outcome.err
    scores.write_text(scores.read_text() + "0,0,0.3,0.7\n")
    assert "two scores" in bad("evaluate", "--scores", scores, "--truth", truth)


@pytest.mark.parametrize("wrong", ["nan", "1.5", "-0.1", "x"])
def test_scores_that_are_no_probability_are_refused(tmp_path, wrong):
    scores, truth = write_slide(tmp_path, "a", [0.1, 0.9], [0, 1])
    scores.write_text(scores.read_text().replace("0.9\n", wrong + "\n"))
    assert "probability" in bad("evaluate", "--scores", scores, "--truth", truth)


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    """A study whose penalty is chosen, over four slides of training."""
    folder = make_cohort(good, tmp_path_factory.mktemp("split"), size_px="1400,1100", seed=5)
    rows = []
    for k, row in enumerate(absolute_rows(folder)):
        fields = row.split(",")
        fields[3] = "train"
        rows.append(",".join([*fields, "ab"[k % 2], "tumor" if k % 2 else "normal"]))
    table = folder / "all.csv"
    table.write_text("slide_id,path,patient_id,role,annotations,site,slide_label\n"
                     + "\n".join(rows) + "\n")
    path = folder / "study.toml"
    path.write_text(study_text(folder / "out", table).replace("l2 = 0.1", 'l2 = "cv"'))
    return path


@pytest.mark.parametrize(("kind", "names"), [
    ("k-fold", ["fold 1", "fold 2"]),
    ("leave-one-patient-out", None),
    ("leave-one-site-out", ["site a", "site b"]),
    ("spatial", [f"block {k}" for k in range(1, 6)]),
])
def test_slides_are_tested_in_turn(chosen, kind, names):
    made = good("run", chosen, "--set", f"split.kind={kind}", "--set", "split.folds=2")
    record = json.loads((Path(made["run_dir"]) / "run.json").read_text())
    folds = record["folds"]
    rows = [row.split(",") for row in (chosen.parent / "all.csv").read_text().splitlines()[1:]]
    names = names or sorted(f"patient {row[2].lower()}" for row in rows)
    assert [fold["name"].lower() for fold in folds] == names
    pooled = record["metrics"]["folds"]
    assert pooled["n"] == sum(fold["metrics"]["n"] for fold in folds)
    assert pooled["n"] == record["metrics"]["train"]["n"]
    assert all(fold["lambda"] > 0 for fold in folds)
    if kind != "spatial":
        held = [patient for fold in folds for patient in fold["patients"]]
        assert len(held) == len(set(held)) == 4
    thresholds = record["training"]["thresholds"]
    assert [one["class"] for one in thresholds] == ["normal", "tumor"]
    assert folds[0]["metrics"]["threshold_f1"] is not None
    curves = record["details"]["folds"]["curves"][0]
    assert curves["class"] == "tumor" and curves["roc"][0]["y"] == 0 and curves["roc"][-1]["y"] == 1
    groups = record["details"]["folds"]["groups"]
    assert {group["kind"] for group in groups} == {"patient", "slide"}


def test_what_cannot_be_parted_is_refused(chosen, tmp_path):
    table = (chosen.parent / "all.csv").read_text().splitlines()
    one = tmp_path / "one.csv"
    one.write_text("\n".join([table[0], table[1]]) + "\n")
    message = bad("run", chosen, "--set", f"slides.table={one}", "--set",
                  f"output={tmp_path / 'out'}", "--set", "split.kind=k-fold")
    assert "1 patients" in message and "spatial" in message
    without = tmp_path / "without.csv"
    without.write_text("\n".join(",".join(row.split(",")[:5]) for row in table) + "\n")
    assert "site" in bad("run", chosen, "--set", f"slides.table={without}", "--set",
                         f"output={tmp_path / 'out'}", "--set", "split.kind=leave-one-site-out")


def test_slides_as_a_whole_are_judged_by_their_labels(chosen, tmp_path):
    table = tmp_path / "tested.csv"
    rows = (chosen.parent / "all.csv").read_text().splitlines()
    parts = [rows[0], rows[1], rows[2], *(row.replace(",train,", ",test,") for row in rows[3:])]
    table.write_text("\n".join(parts) + "\n")
    made = good("run", chosen, "--set", f"slides.table={table}", "--set", "train.l2=0.1",
                "--set", f"output={tmp_path / 'out'}")
    slides = made["metrics"]["slides"]
    assert slides["n"] == 2 and slides["n_positive"] == 1 and slides["auc"] in (0, 0.5, 1)
    assert "no interval" in slides["intervals"]["note"]
    assert sum(map(sum, slides["confusion"])) == 2
    assert made["slides"][3]["slide_label"] == "tumor"
    # The penalty was given: no held-out rows define a threshold.
    assert made["metrics"]["test"]["threshold_f1"] is None
    out = tmp_path / "out"
    name = Path(rows[3].split(",")[0]).name
    assert "no thresholds" in bad(
        "evaluate", "--scores", out / "scores" / "labelled" / f"{name}.csv", "--truth",
        out / "plans" / "labelled" / f"{name}.h5", "--model", out / "model")


def test_a_model_is_calibrated_on_a_sites_labels(chosen, tmp_path):
    out = chosen.parent / "out"
    names = [row.split(",")[0] for row in (chosen.parent / "all.csv").read_text().splitlines()[1:]]
    scores = [out / "scores" / "labelled" / f"{name}.csv" for name in names]
    # A site where half of the labels are random.
    random = numpy.random.default_rng(2)
    truth = []
    for path in scores:
        rows = list(csv.DictReader(path.open()))
        labels = [("tumor" if float(r["prob_tumor"]) > 0.5 else "normal")
                  if random.random() < 0.6 else random.choice(["tumor", "normal"]) for r in rows]
        truth.append(tmp_path / path.name)
        truth[-1].write_text("minx,miny,label\n" + "".join(
            f"{r['minx']},{r['miny']},{label}\n" for r, label in zip(rows, labels)))
    made = good("calibrate", out / "model", "--scores", *scores, "--truth", *truth, "--out",
                tmp_path / "calibrated")
    assert made["before"] == {"slope": 1, "intercept": 0}
    assert 0 < made["calibration"]["slope"] < 1 and made["slides"] == 4
    assert made["log_loss_after"] < made["log_loss_before"]
    model = json.loads((tmp_path / "calibrated" / "model.json").read_text())
    assert model["recalibrated"]["before"] == made["before"]
    assert model["classifier"]["calibration"] == made["calibration"]
    assert model["recalibrated"]["patients"] == 0  # no groups were given
    # Its scores are the old ones on the new scale.
    slide = (chosen.parent / "all.csv").read_text().splitlines()[1].split(",")[1]
    both = []
    for folder, name in ((out / "model", "old"), (tmp_path / "calibrated", "new")):
        good("score", "--slide", slide, "--model", folder, "--out", tmp_path / f"{name}.csv")
        both.append(numpy.array([float(r["prob_tumor"])
                                 for r in csv.DictReader((tmp_path / f"{name}.csv").open())]))
    logit = numpy.log(both[0] / (1 - both[0]))
    expected = 1 / (1 + numpy.exp(-(made["calibration"]["slope"] * logit
                                    + made["calibration"]["intercept"])))
    inside = both[0] < 0.999  # beyond it float32 says little of the logit
    assert inside.sum() > 20 and both[1][inside] == pytest.approx(expected[inside], abs=1e-4)
    truth[0].write_text("minx,miny,label\n0,0,gland\n")
    assert "one of" in bad("calibrate", out / "model", "--scores", *scores, "--truth", *truth,
                           "--out", tmp_path / "no")
