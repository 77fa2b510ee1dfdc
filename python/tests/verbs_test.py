# SPDX-License-Identifier: Apache-2.0
"""Every verb in Python against the same on the command line: the same bits."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import lamella
import numpy as np
import pytest
from conftest import program

LABELS = {"classes": ["normal", "tumor"], "groups": ["Tumor:tumor"], "rest_of_tissue": "normal",
          "max_per_slide": 20}


@pytest.fixture(scope="session")
def made(cohort, tmp_path_factory):
    """Plans, features and model of the command line."""
    folder = tmp_path_factory.mktemp("made")
    for name in ("phantom_01", "phantom_02"):
        slide = cohort / f"{name}.tif"
        program("plan", "--slide", slide, "--size-px", 56, "--mpp", 1, "--annotations",
                cohort / f"{name}.xml", "--classes", "normal", "tumor",
                "--groups", "Tumor:tumor", "--rest-of-tissue", "normal",
                "--max-per-slide", 20, "--out", folder / f"{name}.plan.h5")
        program("encode", "--slide", slide, "--plan", folder / f"{name}.plan.h5", "--out",
                folder / f"{name}.h5")
    program("train", "--features", folder / "phantom_01.h5", folder / "phantom_02.h5", "--l2", 0.1,
            "--out", folder / "model")
    return folder


def plan_of(cohort, name="phantom_01"):
    return lamella.plan(cohort / f"{name}.tif", size_px=56, mpp=1,
                        annotations=[cohort / f"{name}.xml"], **LABELS)


def test_plan(cohort, made):
    plan, same = plan_of(cohort), lamella.Plan.load(made / "phantom_01.plan.h5")
    assert len(plan) == len(same) > 10
    for name in ("x_px", "y_px", "label", "tissue_fraction", "inside_fraction"):
        values = getattr(plan, name)
        assert (values == getattr(same, name)).all()
        assert not values.flags.writeable and not values.flags.owndata
    assert set(plan.label) == {0, 1}
    assert plan.effective_mpp == same.effective_mpp == 1.0
    assert len(pickle.loads(pickle.dumps(plan))) == len(plan)


def test_arrays_outlive_their_plan(cohort):
    x = plan_of(cohort).x_px
    assert (x == plan_of(cohort).x_px).all()


def test_select_and_tile_order(cohort):
    plan = plan_of(cohort)
    order = plan.tile_order(plan.slide_path)
    assert sorted(order) == list(range(len(plan)))
    part = plan.select(order[:5].astype(np.int64))
    assert list(part.x_px) == [plan.x_px[i] for i in order[:5]]
    with pytest.raises(lamella.Error, match="expected 0 to"):
        plan.select(np.array([len(plan)]))


def test_encode(cohort, made):
    plan = plan_of(cohort)
    features = lamella.encode(cohort / "phantom_01.tif", plan, threads=1)
    same = lamella.Features.load(made / "phantom_01.h5")
    assert features.values.tobytes() == same.values.tobytes()
    assert features.values.shape == (len(plan), 424)
    assert not features.values.flags.owndata
    assert features.feature_space == same.feature_space
    assert features.precision == same.precision


def test_a_loaded_encoder_serves_many_calls(cohort, made):
    encoder = lamella.Encoder(threads=1)
    plan = plan_of(cohort)
    half = len(plan) // 2
    parts = [lamella.encode(plan.slide_path, plan.select(np.array(rows)), encoder=encoder, threads=1)
             for rows in (range(half), range(half, len(plan)))]
    whole = lamella.Features.load(made / "phantom_01.h5")
    assert np.concatenate([part.values for part in parts]).tobytes() == whole.values.tobytes()
    assert encoder.feature_space(plan) == whole.feature_space


def test_train_score_map_evaluate(cohort, made, tmp_path):
    features = [lamella.Features.load(made / f"phantom_0{i}.h5") for i in (1, 2)]
    model = lamella.train(features, l2=0.1)
    model.save(tmp_path / "model")
    assert contents(tmp_path / "model") == contents(made / "model")
    assert {"MLmodel", "model.onnx"} <= set(contents(made / "model"))

    scores = lamella.score(features[0], model)
    scores.save(tmp_path / "phantom_01.csv")
    program("score", "--features", made / "phantom_01.h5", "--model", made / "model", "--out",
            tmp_path / "cli/phantom_01.csv")
    written = (tmp_path / "phantom_01.csv").read_bytes()
    assert written == (tmp_path / "cli/phantom_01.csv").read_bytes()

    metrics = lamella.evaluate(scores, features[0].plan)["all"]
    printed = program("evaluate", "--scores", tmp_path / "phantom_01.csv", "--truth",
                      made / "phantom_01.plan.h5")
    assert metrics == {key: printed[key] for key in metrics}

    slide = cohort / "phantom_03.tif"
    grid = lamella.score(slide, model, stride_px=56)
    program("score", "--slide", slide, "--model", made / "model", "--stride-px", 56, "--out",
            tmp_path / "cli/phantom_03.csv")
    grid.save(tmp_path / "phantom_03.csv")
    written = (tmp_path / "phantom_03.csv").read_bytes()
    assert written == (tmp_path / "cli/phantom_03.csv").read_bytes()

    drawn = lamella.map(slide, grid, out=tmp_path / "map")
    program("map", "--slide", slide, "--scores", tmp_path / "cli/phantom_03.csv", "--out",
            tmp_path / "cli/map")
    assert (tmp_path / "map.tiff").read_bytes() == (tmp_path / "cli/map.tiff").read_bytes()
    assert (tmp_path / "map.png").read_bytes() == (tmp_path / "cli/map.png").read_bytes()
    assert drawn._repr_png_() == (tmp_path / "map.png").read_bytes()
    assert np.nanmax(drawn.values) <= 1 and np.isnan(drawn.values).any()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


def test_the_models_encoder_in_another_use_is_refused(cohort, made, tmp_path):
    """The same network file, other preprocessing: other features."""
    own = Path(lamella.Model.load(made / "model").encoder_folder)
    other = tmp_path / "other"
    shutil.copytree(own, other)
    text = json.loads((other / "encoder.json").read_text())
    text["mean"] = [0, 0, 0]
    (other / "encoder.json").write_text(json.dumps(text))
    encoder = lamella.Encoder(other, threads=1)
    assert encoder.sha256 == lamella.Encoder(own, threads=1).sha256
    with pytest.raises(lamella.Error, match="mean127,127,127.*found.*mean0,0,0") as caught:
        lamella.score(cohort / "phantom_03.tif", made / "model", encoder=encoder)
    assert caught.value.code == "mismatch"


def test_score_at_positions(cohort, made):
    slide, model = cohort / "phantom_03.tif", made / "model"
    grid = lamella.score(slide, model, stride_px=56)
    assert grid.values.shape == (len(grid), 2) and grid.classes == ["normal", "tumor"]
    rows = np.random.default_rng(1).permutation(len(grid.values))[:20]
    positions = np.column_stack([grid.x_px, grid.y_px]).astype(np.int64)[rows]
    encoder = lamella.Encoder(lamella.Model.load(model).encoder_folder, threads=1)
    for options in ({}, {"encoder": encoder, "threads": 1}):
        found = lamella.score(slide, model, positions=positions, **options)
        assert (found.values == grid.values[rows]).all()
        assert (found.x_px == positions[:, 0]).all() and (found.y_px == positions[:, 1]).all()
    assert len(lamella.score(slide, model, positions=np.empty((0, 2), np.int64))) == 0
    for wrong, message in ((dict(positions=positions, stride_px=28), "expected one of them"),
                           (dict(positions=np.array([[5, 5], [1 << 40, 0]])), "position 1")):
        with pytest.raises(lamella.Error, match=message):
            lamella.score(slide, model, **wrong)


def test_coefficients_of_another_solver(made):
    features = [lamella.Features.load(made / f"phantom_0{i}.h5") for i in (1, 2)]
    model = lamella.train(features, l2=0.1)
    # The same plane, of features as they are.
    weights = model.weights / model.scale
    biases = model.biases - (weights * model.mean).sum(axis=1)
    assert weights.shape == (1, 424) and biases.shape == (1,)
    other = model.with_coefficients(weights, list(biases))
    a, b = (lamella.score(features[0], m).values for m in (model, other))
    assert np.abs(a - b).max() < 1e-5
    with pytest.raises(lamella.Error, match="expected 424"):
        model.with_coefficients(np.ascontiguousarray(weights[:, :3]), 0.0)
    with pytest.raises(lamella.Error, match="2 classes"):
        model.with_coefficients(np.vstack([weights, weights]), [0.0, 0.0])


def test_run(study):
    shown = []
    result = lamella.run(study("python"), threads=2, progress=lambda *news: shown.append(news))
    printed = program("run", study("cli"), "--threads", 1)
    assert result["metrics"] == printed["metrics"]
    assert [slide["status"] for slide in result["slides"]] == ["done"] * 4
    assert "<table>" in result._repr_html_() and "phantom_03" in result._repr_html_()
    assert shown and shown[-1][1] == shown[-1][2]
    assert {"4/4 encode phantom_04", "1/2 encode phantom_03"} <= {news[0] for news in shown}
    again = lamella.run(study("python"), overrides={"name": "again", "train.l2": "cv"})
    assert all(slide["patches"] == slide["patches_reused"] for slide in again["slides"])


def test_search(study, tmp_path):
    path = study()
    path.write_text(path.read_text().replace("l2 = 0.1", 'l2 = "cv"')
                    + "[search]\nmpp = [1, 0.7]\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lamella.LamellaWarning)
        made = lamella.search(path, overrides={"search.by": "auc"}, threads=1)
    same = program("search", path, "--set", "search.by=auc")
    assert made["metrics"] == same["metrics"]
    figures = [[(trial["name"], trial["auc"], trial["log_loss"]) for trial in one["search"]["trials"]]
               for one in (made, same)]
    assert figures[0] == figures[1] and len(figures[0]) == 2
    assert made["search"]["chosen"] == max(figures[0], key=lambda trial: trial[1])[0]
    page = made._repr_html_()
    assert "chosen" in page and "mpp 0.7" in page
    with pytest.raises(lamella.Error, match="nothing to search"):
        lamella.search(path, overrides={"search.mpp": []})


def test_evaluate_writes_a_report_and_compares(cohort, made, tmp_path):
    scores = [lamella.score(lamella.Features.load(made / f"{name}.h5"), made / "model")
              for name in ("phantom_01", "phantom_02")]
    files = []
    for name, one in zip(("phantom_01", "phantom_02"), scores):
        files.append(tmp_path / f"{name}.csv")
        one.save(files[-1])
    truth = [made / f"{name}.plan.h5" for name in ("phantom_01", "phantom_02")]
    report = tmp_path / "report.html"
    found = lamella.evaluate(files, truth, against=scores, report=report,
                             slides=[cohort / "phantom_01.tif", cohort / "phantom_02.tif"])
    assert found["differences"]["tumor"]["of"]["auc"]["value"] == 0  # the same scores
    assert "Figures" in report.read_text()
    program("evaluate", "--scores", *files, "--truth", *truth, "--against", *files, "--report",
            tmp_path / "same.html", "--slides", cohort / "phantom_01.tif", cohort / "phantom_02.tif")
    assert (tmp_path / "same.html").read_text() == report.read_text()
    with pytest.raises(lamella.Error, match="no scores were given"):
        lamella.evaluate(files, truth, report=report, slides=[cohort / "phantom_03.tif"])


def test_bad_arguments(cohort, slide_path):
    for options, message in ((dict(size_px=0, level=0), "size_px"),
                             (dict(size_px=64), "level"),
                             (dict(size_px=64, level=99), "level"),
                             (dict(size_px=64, level=0, min_tissue=2.0), "min_tissue"),
                             (dict(size_px=64, level=0, threads=0), "threads"),
                             (dict(size_px=64, level=0, centers=[("a.txt", "b")]), "no `?classes")):
        with pytest.raises(lamella.Error, match=message):
            lamella.plan(slide_path, **options)
    plan = lamella.plan(slide_path, size_px=64, level=0)
    with pytest.raises(lamella.Error) as caught:
        lamella.encode(cohort / "phantom_02.tif", plan)
    assert caught.value.code == "mismatch"
    with pytest.raises(lamella.Error, match="There|there"):
        lamella.encode(slide_path, plan, encoder="no_such")


def test_warnings_are_python_warnings(slide_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plan = lamella.plan(slide_path, size_px=64, level=0, region=(0, 0, 64, 64), min_tissue=1.0)
    assert len(plan) == 0
    assert [w.category for w in caught] == [lamella.LamellaWarning]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(lamella.LamellaWarning):
            lamella.plan(slide_path, size_px=64, level=0, region=(0, 0, 64, 64), min_tissue=1.0)


def test_an_exception_in_progress_stops_the_work(cohort):
    plan = lamella.plan(cohort / "phantom_01.tif", size_px=64, level=0, stride_px=16)

    def stop(*_):
        raise ValueError("enough")

    start = time.monotonic()
    with pytest.raises(ValueError, match="enough"):
        lamella.encode(plan.slide_path, plan, progress=stop)
    assert time.monotonic() - start < 5


def test_keyboard_interrupt_stops_within_two_seconds(slide_path, tmp_path):
    script = tmp_path / "long.py"
    script.write_text(
        "import lamella, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's '&' ignores it\n"
        f"slide = lamella.Slide({str(slide_path)!r})\n"
        "plan = lamella.plan(slide, size_px=64, level=0, stride_px=8)\n"
        "seen = []\n"
        "def show(*news):\n"
        "    if not seen: print('going', flush=True)\n"
        "    seen.append(news)\n"
        "try:\n"
        "    lamella.encode(slide, plan, threads=1, progress=show)\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped', seen[-1][1] < seen[-1][2], flush=True)\n")
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline() == "going\n"
        time.sleep(0.5)
        start = time.monotonic()
        run.send_signal(signal.SIGINT)
        assert run.stdout.readline() == "stopped True\n"
        assert time.monotonic() - start < 2
        run.wait(10)


def test_the_encoder_refuses_a_forked_process(slide_path):
    encoder = lamella.Encoder(threads=1)
    plan = lamella.plan(slide_path, size_px=64, level=0)
    child = os.fork()
    if child == 0:
        try:
            lamella.encode(slide_path, plan, encoder=encoder, threads=1)
        except lamella.Error as error:
            os._exit(0 if "spawn" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
