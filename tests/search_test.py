# SPDX-License-Identifier: Apache-2.0
"""`lamella search`: combinations of a study's options, chosen by training patients alone."""

import csv
import json
from pathlib import Path

import pytest
from conftest import bad, good, lamella
from fake_mlflow import FakeMlflow
from small_cohort import absolute_rows, broken_encoder, make_cohort, study_text


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """Six slides of six patients, four to train on; two scales and two kinds of penalty."""
    folder = tmp_path_factory.mktemp("search")
    good("phantom", "--out", folder, "--slides", 6, "--size-px", "1400,1100", "--seed", 5)
    table = folder / "all.csv"
    table.write_text("\n".join(["slide_id,path,patient_id,role,annotations",
                                *absolute_rows(folder, train=4)]) + "\n")
    study = folder / "study.toml"
    study.write_text(study_text(folder / "out", table).replace("l2 = 0.1", 'l2 = "cv"')
                     + "[search]\nmpp = [1, 0.7]\nl1_ratio = [0, 0.5]\n")
    return study, good("search", study)


def trials_of(made):
    return {trial["name"]: trial for trial in made["search"]["trials"]}


def record_of(made):
    return json.loads((Path(made["run_dir"]) / "run.json").read_text())


def test_the_best_by_held_out_rows_is_run_whole(searched):
    study, made = searched
    trials = made["search"]["trials"]
    assert [trial["name"] for trial in trials] == [
        "mpp 1, l1 ratio 0", "mpp 1, l1 ratio 0.5", "mpp 0.7, l1 ratio 0", "mpp 0.7, l1 ratio 0.5"]
    assert all(trial["status"] == "done" for trial in trials)
    best = min(trials, key=lambda trial: trial["log_loss"])
    assert made["search"]["chosen"] == best["name"]
    assert made["model"] == best["output"] + "/model"
    assert (Path(made["model"]) / "model.json").exists()
    # Its whole run, by hand, has the same figures.
    again = good("run", study, *(word for item in best["set"] for word in ("--set", item)), "--set",
                 f"output={study.parent / 'by_hand'}")
    assert again["metrics"]["test"] == made["metrics"]["test"]
    assert again["lambda"] == best["lambda"]
    record = json.loads((Path(again["run_dir"]) / "run.json").read_text())
    assert record["training"]["held_out_log_loss"] == best["log_loss"]
    assert record["training"]["held_out_auc"] == best["auc"]
    by_penalty = {trial["lambda"]: trial["mean_log_loss"] for trial in record["training"]["trials"]}
    # The folds fitted once more, not from the penalty before: the same loss up to the optimiser's end.
    assert best["log_loss"] == pytest.approx(by_penalty[best["lambda"]], rel=1e-2)


def test_trials_leave_the_test_slides_alone(searched):
    study, made = searched
    chosen = made["search"]["chosen"]
    for trial in made["search"]["trials"]:
        record = json.loads((Path(trial["output"]) / "runs" / trial["run_id"] / "run.json")
                            .read_text())
        assert record["trial_of"] == {"search": made["run_id"], "name": trial["name"],
                                      "whole": False}
        assert {slide["role"] for slide in record["slides"]} == {"train"}
        assert list(record["split"]) == ["train"]
        # Two kinds of penalty, one scale: the features are made once.
        if trial["name"].endswith("0.5"):
            assert all(slide["patches_reused"] == slide["patches"] for slide in record["slides"])
        if trial["output"] != trials_of(made)[chosen]["output"]:
            names = sorted(path.stem for path in
                           (Path(trial["output"]) / "features" / "labelled").glob("*.h5"))
            assert len(names) == 4
    # Masks are made once for all.
    out = study.parent / "out"
    assert len(list((out / "tissue" / "masks").glob("*.png"))) == 6
    assert not (Path(made["search"]["trials"][0]["output"]) / "tissue").exists()


def test_a_search_has_a_record_a_table_and_a_report(searched):
    _, made = searched
    record = record_of(made)
    assert record["status"] == "FINISHED" and record["search"] == made["search"]
    assert record["seeds"] == {"search.seed": 1}
    assert record["study"]["search"]["mpp"] == [1, 0.7]
    rows = list(csv.DictReader(Path(made["table"]).open()))
    assert [row["trial"] for row in rows] == list(trials_of(made))
    for row in rows:
        assert float(row["log_loss"]) == trials_of(made)[row["trial"]]["log_loss"]
    page = Path(made["report"]).read_text()
    assert "What was searched" in page and "mpp 0.7, l1 ratio 0.5" in page
    listed = good("runs", "list", Path(made["run_dir"]).parent.parent)
    assert made["run_id"] in [run["run_id"] for run in listed["runs"]]


def test_again_nothing_is_encoded_and_nothing_changes(searched):
    study, made = searched
    again = good("search", study, "--threads", 1)
    for before, after in zip(made["search"]["trials"], again["search"]["trials"]):
        assert (before["log_loss"], before["auc"], before["lambda"]) == (
            after["log_loss"], after["auc"], after["lambda"])
        record = json.loads((Path(after["output"]) / "runs" / after["run_id"] / "run.json")
                            .read_text())
        assert all(slide["patches_reused"] == slide["patches"] for slide in record["slides"])
    assert again["metrics"] == made["metrics"]


def test_by_auc_and_at_random(searched):
    study, made = searched
    words = ("--set", "search.by=auc", "--set", "search.draw=random", "--set", "search.trials=3",
             "--set", "search.seed=4")
    outcome = lamella("search", study, *words, "--json")
    found = outcome.json["search"]
    assert len(found["trials"]) == 3 and "3 of 4 combinations" in outcome.err
    assert found["chosen"] == max(found["trials"], key=lambda trial: trial["auc"])["name"]
    assert [t["name"] for t in good("search", study, *words)["search"]["trials"]] == [
        t["name"] for t in found["trials"]]


def test_with_folds_the_choice_is_made_without_each(searched, tmp_path):
    study, _ = searched
    made = good("search", study, "--set", "split.kind=k-fold", "--set", "split.folds=2", "--set",
                "search.l1_ratio=[]")
    folds = made["search"]["folds"]
    assert [fold["name"] for fold in folds] == ["fold 1", "fold 2"]
    names = set(trials_of(made))
    assert all(fold["trial"] in names for fold in folds)
    held = []
    for trial in made["search"]["trials"]:
        record = json.loads((Path(trial["output"]) / "runs" / trial["run_id"] / "run.json")
                            .read_text())
        held.append([fold["patients"] for fold in record["folds"]])
        for fold, own in zip(folds, record["folds"]):
            if fold["trial"] == trial["name"]:
                assert fold["auc"] == own["metrics"]["auc"]
    assert held[0] == held[1]  # who is held out together does not depend on the trial
    assert made["metrics"]["folds"]["n"] > 0 and made["metrics"]["test"]["n"] > 0
    outcome = lamella("search", study, "--set", "split.kind=spatial", "--set", "search.l1_ratio=[]",
                      "--json")
    assert "parts no patients" in outcome.err and "folds" not in outcome.json["search"]


def test_a_trial_that_fails_is_named_and_counted(searched, tmp_path):
    study, _ = searched
    broken = broken_encoder(tmp_path / "encoders" / "broken")
    words = ("search", study, "--set", f'search.encoder=["lite0", "{broken}"]', "--set",
             "search.mpp=[0.7]", "--set", "search.l1_ratio=[]")
    outcome = lamella(*words, "--json")
    assert outcome.code == 3
    trials = trials_of(outcome.json)
    assert trials["lite0, mpp 0.7"]["status"] == "done"
    assert trials["broken, mpp 0.7"]["status"] == "failed" and trials["broken, mpp 0.7"]["error"]
    assert "trial 'broken, mpp 0.7' failed" in outcome.err
    assert outcome.json["search"]["chosen"] == "lite0, mpp 0.7"
    text = lamella(*words).out
    assert "1 trials done, 1 failed, 0 not begun" in text and "FAILED broken, mpp 0.7" in text
    assert "none of 1 trials" in bad("search", study, "--set", f'search.encoder=["{broken}"]',
                                     "--set", "search.mpp=[0.7]", "--set", "search.l1_ratio=[]")


def test_views_are_tried_as_encoders_of_their_own(searched):
    study, _ = searched
    made = good("search", study, "--set", 'search.views=["1", "1,2"]', "--set", "search.mpp=[0.7]",
                "--set", "search.l1_ratio=[]")
    trials = trials_of(made)
    assert set(trials) == {"views 1, mpp 0.7", "views 1,2, mpp 0.7"}
    record = json.loads((Path(trials["views 1,2, mpp 0.7"]["output"]) / "runs"
                         / trials["views 1,2, mpp 0.7"]["run_id"] / "run.json").read_text())
    assert record["encoder"]["name"] == "lite0-views1-2"
    assert record["encoder"]["dimension"] == 2 * 424
    assert "search.views" in bad("search", study, "--set", 'search.views=["99"]')


def test_time_runs_out(searched):
    study, _ = searched
    outcome = lamella("search", study, "--set", "search.hours=0.0000001", "--json")
    statuses = [trial["status"] for trial in outcome.json["search"]["trials"]]
    assert statuses == ["done", "not begun", "not begun", "not begun"]
    assert "3 of 4 trials were not begun" in outcome.err


@pytest.mark.parametrize(("words", "said"), [
    (("search.mpp=[]", "search.l1_ratio=[]"), "nothing to search"),
    (("search.mpps=[1]",), "did you mean 'mpp'?"),
    (("search.mpp=[1, 1]",), "twice"),
    (("search.encoder=['no-such']",), "no-such"),
    (("train.l2=0.1",), "train.l2"),
    (("search.trials=0",), "search.trials"),
])
def test_what_is_no_search_is_refused_before_any_work(searched, tmp_path, words, said):
    study, _ = searched
    options = [word for item in (*words, f"output={tmp_path / 'out'}") for word in ("--set", item)]
    assert said in bad("search", study, *options)
    assert not (tmp_path / "out" / "runs").exists()


def test_two_patients_are_parted_by_blocks_which_is_said(tmp_path):
    folder = make_cohort(good, tmp_path / "two", size_px="1400,1100", seed=5)
    table = folder / "all.csv"
    table.write_text("slide_id,path,patient_id,role,annotations\n"
                     + "\n".join(absolute_rows(folder)) + "\n")
    study = tmp_path / "study.toml"
    study.write_text(study_text(tmp_path / "out", table).replace("l2 = 0.1", 'l2 = "cv"')
                     + "[search]\nmpp = [0.7]\n")
    outcome = lamella("search", study, "--json")
    assert "of 2 patients" in outcome.err and outcome.json["metrics"]["test"]["n"] > 0


def test_trials_are_nested_in_the_search_at_mlflow(searched):
    study, _ = searched
    fake = FakeMlflow()
    try:
        made = good("search", study, "--set", f"tracking.mlflow={fake.uri}", "--set",
                    "search.l1_ratio=[]")
        runs = {run["tags"]["lamella.run_id"]: (key, run) for key, run in fake.runs.items()}
        parent, search = runs[made["run_id"]]
        assert search["info"]["status"] == "FINISHED"
        assert {name for name, *_ in search["metrics"]} >= {"trial_log_loss", "trial_auc", "test_auc"}
        for trial in made["search"]["trials"]:
            _, run = runs[trial["run_id"]]
            assert run["tags"]["mlflow.parentRunId"] == parent
            assert run["info"]["run_name"] == trial["name"]
            assert float(run["params"]["patches.mpp"]) == float(trial["name"].removeprefix("mpp "))
        _, chosen = runs[made["search"]["chosen_run_id"]]
        assert chosen["tags"]["mlflow.parentRunId"] == parent
        assert chosen["info"]["run_name"].endswith("(chosen)")
        assert any(name.endswith("search.csv") for name in fake.files)
        # The path of the penalty is nested in its trial, not in the search.
        trial_run, _ = runs[made["search"]["trials"][0]["run_id"]]
        path = runs[made["search"]["trials"][0]["run_id"] + ":lambda"][1]
        assert path["tags"]["mlflow.parentRunId"] == trial_run
    finally:
        fake.stop()


def test_a_trial_is_made_again_as_it_was(searched, tmp_path):
    _, made = searched
    trial = made["search"]["trials"][2]
    again = good("runs", "reproduce", Path(trial["output"]) / "runs" / trial["run_id"], "--out",
                 tmp_path / "again")
    assert again["identical"]
    assert "no 'encoder'" in bad("runs", "reproduce", made["run_dir"])
