# SPDX-License-Identifier: Apache-2.0
"""Each bad input gives a clear error: what was found, what was expected, what to do."""

import os
import shutil
import subprocess

import h5py
import numpy
import pytest
from conftest import PROGRAM, bad, good, lamella
from small_cohort import absolute_rows

PLAN = ("--size-px", 64, "--level", 0)


def plan(slide, out, *words):
    return ("plan", "--slide", slide, *PLAN, "--out", out, *words)


@pytest.mark.parametrize("name, word", [("broken.svs", "TIFF"), ("unopenable.tiff", "compression"),
                                        ("absent.svs", "No such file")])
def test_slides_that_cannot_be_opened(data, tmp_path, name, word):
    message = bad(*plan(data / "slides" / name, tmp_path / "p.h5"))
    assert name in message and word.lower() in message.lower()
    assert not (tmp_path / "p.h5").exists()


def test_a_slide_with_a_corrupt_tile(data, tmp_path):
    slide = data / "slides" / "unreadable.svs"
    good("plan", "--slide", slide, "--size-px", 16, "--level", 0, "--tissue", "none", "--out",
         tmp_path / "p.h5")
    message = bad("extract", "--slide", slide, "--plan", tmp_path / "p.h5", "--format", "png",
                  "--out", tmp_path / "png")
    assert "unreadable.svs" in message and "tile" in message
    outcome = lamella("extract", "--slide", slide, "--plan", tmp_path / "p.h5", "--format", "null",
                      "--skip-errors", "--json")
    assert outcome.code == 3 and outcome.json["failed"] > 0


def test_a_slide_smaller_than_a_patch(cohort, tmp_path):
    message = bad("plan", "--slide", cohort / "phantom_01.tif", "--size-px", 9000, "--level", 0,
                  "--out", tmp_path / "p.h5")
    assert "9000" in message and "4096" in message


def test_no_mpp_where_one_is_needed(data, tmp_path):
    slide = data / "slides" / "tcga-cr-7395-01a-01-ts1.svs"
    words = ("plan", "--slide", slide, "--size-px", 64, "--mpp", 0.5, "--out", tmp_path / "p.h5")
    assert "mpp" in bad(*words)
    assert good(*words, "--slide-mpp", 0.25)["effective_mpp"] == pytest.approx(0.5, rel=1e-3)


def test_zero_tissue_is_said(cohort, tmp_path):
    outcome = lamella(*plan(cohort / "phantom_01.tif", tmp_path / "p.h5", "--region", "0,0,64,64",
                            "--min-tissue", 1.0), "--quiet")
    assert outcome.code == 0
    assert "lamella: warning:" in outcome.err and "tissue" in outcome.err
    with h5py.File(tmp_path / "p.h5") as file:
        assert file["coords"].shape == (0, 2)


def test_an_unknown_annotation_group(cohort, tmp_path):
    message = bad(*plan(cohort / "phantom_01.tif", tmp_path / "p.h5", "--annotations",
                        cohort / "phantom_01.xml", "--classes", "normal", "tumor", "--groups", "Tumour:tumor"))
    assert "'Tumour'" in message and "Tumor" in message


def test_malformed_xml(cohort, tmp_path):
    xml = tmp_path / "a.xml"
    text = (cohort / "phantom_01.xml").read_text()
    xml.write_text(text[: len(text) // 2])
    message = bad(*plan(cohort / "phantom_01.tif", tmp_path / "p.h5", "--annotations", xml,
                        "--classes", "normal", "tumor", "--groups", "Tumor:tumor"))
    assert "a.xml" in message and "line" in message and "column" in message


@pytest.mark.parametrize("text, words", [
    ("phantom_01,10\n", ["line 1", "expected"]),
    ("phantom_01,100,100\nphantom_01,ten,100\n", ["line 2, column 12", "'ten'", "expected"]),
    ("phantom_01,100,100\nphantom_01,999999,100\n", ["line 2", "999999", "4096"]),
])
def test_malformed_centres(cohort, tmp_path, text, words):
    centres = tmp_path / "tumor.txt"
    centres.write_text(text)
    message = bad(*plan(cohort / "phantom_01.tif", tmp_path / "p.h5", "--centers", f"{centres}:tumor",
                        "--classes", "normal", "tumor"))
    assert "tumor.txt" in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("old, new, words", [
    ("stride_px = 112", "stride = 112", ["line 16, column 1", "score.stride", "'stride_px'"]),
    ("size_px = 112", "size_px = many", ["line 7"]),
    ("mpp = 1.0", "level = 0\nmpp = 1.0", ["level", "mpp"]),
    ("l2 = 0.1", 'l2 = "best"', ["line 14", "'best'", "cv"]),
    ('annotations = ["Tumor"]', "annotations = []", ["class 'tumor'", "no source of labels"]),
    ('tumor = {', 'normal = {', ["line"]),
    ('tumor = {', '"tu,mor" = {', ["tu,mor", "without comma"]),
    ('tumor = {', '"tu\\nmor" = {', ["without comma"]),
    ('tumor = {', "'tu\"mor' = {", ["without comma"]),
    ("rest_of_tissue = true", 'rest_of_tissue = true, wins_over = ["tumour"]',
     ["wins_over", "did you mean 'tumor'?"]),
    ("rest_of_tissue = true", "rest = true", ["classes.normal.rest", "rest_of_tissue"]),
    ("[train]", '[heatmap]\nclass = "stroma"\n[train]', ["heatmap.class", "normal, tumor"]),
])
def test_malformed_study(study, old, new, words):
    message = bad("run", study(replace={old: new}))
    assert "study.toml" in message
    for word in words:
        assert word in message, message


def test_a_patient_in_train_and_test(study, cohort, tmp_path):
    for name in ("phantom_01", "phantom_03"):
        for ending in ("tif", "xml"):
            shutil.copy(cohort / f"{name}.{ending}", tmp_path)
    table = tmp_path / "slides.csv"
    table.write_text("slide_id,path,patient_id,role,annotations\n"
                     "a,phantom_01.tif,Meier,train,phantom_01.xml\n"
                     "b,phantom_03.tif,Meier,test,phantom_03.xml\n")
    message = bad("run", study(table=table))
    assert "Meier" in message and "train" in message and "test" in message
    assert not (tmp_path / "out" / "plans").exists()


def test_one_slide_under_two_names(study, cohort, tmp_path):
    """In train and test it would be judged by what it learned from; in one role it would count twice."""
    shutil.copy(cohort / "phantom_01.tif", tmp_path / "copy.tif")
    header = (cohort / "slides.csv").read_text().splitlines()[0]

    def write(role):
        again = f"other,{tmp_path / 'copy.tif'},patient_other,{role},{cohort / 'phantom_01.xml'}"
        table = tmp_path / "slides.csv"
        table.write_text("\n".join([header, *absolute_rows(cohort), again]) + "\n")
        return study(table=table)

    message = bad("run", write("test"))
    for word in ("'phantom_01' (train, line 2)", "'other' (test, line 6)", "same file"):
        assert word in message, message
    assert not (tmp_path / "out" / "plans").exists()
    message = bad("run", write("train"))
    assert "'other' (train, line 6)" in message and "twice" in message, message


BY_LISTS = {'{ rest_of_tissue = true }': '{ centers = ["normal.txt"] }',
            '{ annotations = ["Tumor"] }': '{ centers = ["tumor.txt"] }'}


OLD_RULE = """'patches.from_annotations' is no more: classes have names of their own; write in its place:

[classes]
normal = { annotations = ["_2", "Exclusion"], rest_of_tissue = true, wins_over = ["tumor"] }
tumor = { annotations = ["Tumor"] }

[patches]
min_coverage = 0.5
seed = 9
"""
OLD_LISTS = """'patches.centers' is no more: classes have names of their own; write in its place:

[classes]
normal = { centers = ["n.txt"] }
tumor = { centers = ["t.txt", "more.txt"] }
"""


@pytest.mark.parametrize("old, instead", [
    ('from_annotations = { positive = ["Tumor"], negative = ["_2", "Exclusion"], '
     "negative_from_tissue = true, min_coverage = 0.5, seed = 9 }", OLD_RULE),
    ('centers = [{ file = "t.txt", label = 1 }, { file = "n.txt", label = 0 }, '
     '{ file = "more.txt", label = 1 }]', OLD_LISTS)])
def test_keys_from_before_classes_had_names(study, old, instead):
    path = study(replace={"mpp = 1.0": "mpp = 1.0\n" + old})
    assert "line 9" in bad("run", path)
    assert instead in lamella("run", path).err


def test_the_order_of_classes_is_the_files(study, tmp_path):
    """Columns are in the order of the file, not of the alphabet, also where --set changes one."""
    path = study(replace={"normal = {": "zebra = {", "tumor = {": "apple = {"})
    for words in ((), ("--set", 'classes.zebra.wins_over=["apple"]')):
        good("run", path, *words)
        header = (tmp_path / "out/scores/grid/phantom_03.csv").read_text().splitlines()[0]
        assert header.endswith("prob_zebra,prob_apple")


def test_scores_of_other_classes_than_the_plan(cohort, tmp_path):
    slide, rule = cohort / "phantom_01.tif", ["--annotations", cohort / "phantom_01.xml"]
    good(*plan(slide, tmp_path / "p.h5", *rule, "--classes", "normal", "tumor", "--groups",
               "Tumor:tumor", "--rest-of-tissue", "normal", "--max-per-slide", 4))
    scores = tmp_path / "phantom_01.csv"
    scores.write_text("minx,miny,width,height,prob_a,prob_b,prob_c\n0,0,224,224,0.5,0.25,0.25\n")
    message = bad("evaluate", "--scores", scores, "--truth", tmp_path / "p.h5")
    assert "a, b, c" in message and "normal, tumor" in message


def test_labels_of_one_class_only(study, cohort, tmp_path):
    (tmp_path / "tumor.txt").write_text("phantom_01,600,600\nphantom_02,700,700\n")
    (tmp_path / "normal.txt").write_text("elsewhere,600,600\n")
    path = study(replace=BY_LISTS)
    assert "no rows of class normal: found 0 normal, 2 tumor" in bad("run", path)


def test_centre_lists_with_ids_the_table_lacks_warn_once(study, tmp_path):
    (tmp_path / "tumor.txt").write_text("PHANTOM_01,600,600\nother,700,700\nelse,1,1\n" +
                                        "".join(f"phantom_02,{x},700\n" for x in range(400, 900, 60)))
    (tmp_path / "normal.txt").write_text(
        "".join(f"phantom_01,{x},900\n" for x in range(400, 900, 60)))
    path = study(replace=BY_LISTS)
    outcome = lamella("run", path, "--quiet", "--json")
    assert outcome.code == 0, outcome.err
    warnings = [line for line in outcome.err.splitlines() if "does not have" in line]
    assert len(warnings) == 1 and "2 rows" in warnings[0] and "2 slides" in warnings[0]
    assert outcome.json["metrics"]["train"]["n_positive"] == 10  # upper case matched, too


def test_a_model_on_another_feature_space(cohort, tmp_path):
    for size in (112, 56):
        good("plan", "--slide", cohort / "phantom_01.tif", "--size-px", size, "--mpp", 1.0,
             "--annotations", cohort / "phantom_01.xml", "--classes", "normal", "tumor",
                "--groups", "Tumor:tumor", "--rest-of-tissue", "normal", "--max-per-slide", 20, "--out", tmp_path / f"{size}.plan.h5")
        good("encode", "--slide", cohort / "phantom_01.tif", "--plan", tmp_path / f"{size}.plan.h5",
             "--out", tmp_path / f"{size}.h5")
    good("train", "--features", tmp_path / "112.h5", "--l2", 0.1, "--out", tmp_path / "model")
    message = bad("score", "--features", tmp_path / "56.h5", "--model", tmp_path / "model", "--out",
                  tmp_path / "s.csv")
    assert "112px" in message and "56px" in message
    assert not (tmp_path / "s.csv").exists()


def test_an_output_folder_that_is_not_writable(study, tmp_path):
    (tmp_path / "out").write_text("a file is in the way")
    assert "out" in bad("run", study())


def test_a_plan_of_another_slide(cohort, tmp_path):
    good(*plan(cohort / "phantom_01.tif", tmp_path / "p.h5", "--tissue", "none"))
    message = bad("extract", "--slide", cohort / "phantom_02.tif", "--plan", tmp_path / "p.h5",
                  "--format", "null")
    assert "another slide" in message


def test_files_that_are_not_what_they_should_be(cohort, tmp_path):
    (tmp_path / "noise.h5").write_bytes(os.urandom(5000))
    assert "noise.h5" in bad("extract", "--slide", cohort / "phantom_01.tif", "--plan",
                             tmp_path / "noise.h5", "--format", "null")
    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file["coords"] = numpy.zeros((2, 2), numpy.int64)
    assert "empty.h5" in bad("train", "--features", tmp_path / "empty.h5", "--out", tmp_path / "m")
    assert "model" in bad("score", "--slide", cohort / "phantom_01.tif", "--model", tmp_path,
                          "--out", tmp_path / "s.csv")


@pytest.mark.parametrize("words", [(), ("plan",), ("plan", "--sise-px", "3"), ("fly",),
                                   ("run", "a.toml", "--threads", "-3"),
                                   ("run", "a.toml", "--threads", "many")])
def test_wrong_usage_is_2(words):
    bad(*words, code=2)


def test_errors_stay_off_stdout_and_warnings_survive_quiet(tmp_path):
    outcome = lamella("run", tmp_path / "absent.toml", "--quiet", "--json")
    assert outcome.code == 1 and outcome.out == ""
    assert "absent.toml" in outcome.err


def test_a_closed_pipe_does_not_crash(cohort):
    run = subprocess.run(f"{PROGRAM} --help | head -1", shell=True, capture_output=True, text=True,
                         check=False)
    assert run.returncode == 0 and "lamella" in run.stdout
