# SPDX-License-Identifier: Apache-2.0
"""CAMELYON16's evaluation of lesions, beside a plain version of its rules made of scipy's parts."""

import csv

import numpy
import pytest
from conftest import bad, good
from PIL import Image

ndimage = pytest.importorskip("scipy.ndimage")

MPP, CELL = 0.243, 32
RATES = [0.25, 0.5, 1, 2, 4, 8]


def plain_lesions(mask):
    """Label of every cell, and which labels are of isolated tumour cells."""
    distance = ndimage.distance_transform_edt(255 - mask)
    grown = ndimage.binary_fill_holes(distance < 75 / (MPP * CELL * 2))
    labels, count = ndimage.label(grown, structure=numpy.ones((3, 3)))
    isolated = set()
    for label in range(1, count + 1):
        y, x = numpy.nonzero(labels == label)
        axis = 4 * numpy.sqrt(numpy.linalg.eigvalsh(numpy.cov(numpy.stack([x, y]), bias=True))[-1])
        if axis < 275 / (MPP * CELL):
            isolated.add(label)
    return labels, isolated, count


def plain_froc(cases):
    """cases: (mask or None, [(confidence, x, y)]) of every slide."""
    wrong, found, lesions = [], [], 0
    for mask, detections in cases:
        if mask is None or not mask.any():
            wrong += [confidence for confidence, _, _ in detections]
            continue
        labels, isolated, count = plain_lesions(mask)
        best = numpy.zeros(count)
        lesions += count - len(isolated)
        for confidence, x, y in detections:
            label = labels[y // CELL, x // CELL]
            if label == 0:
                wrong.append(confidence)
            elif label not in isolated:
                best[label - 1] = max(best[label - 1], confidence)
        found += list(best)
    thresholds = sorted(set(wrong + found))[1:]
    rate = [sum(c >= t for c in wrong) / len(cases) for t in thresholds] + [0]
    sensitivity = [sum(c >= t for c in found) / lesions for t in thresholds] + [0]
    at = numpy.interp(RATES, rate[::-1], sensitivity[::-1])
    return rate, sensitivity, at


def random_case(random, width=150, height=110):
    mask = numpy.zeros((height, width), numpy.uint8)
    for _ in range(random.integers(1, 7)):
        w, h = random.integers(2, 45, 2)
        x, y = random.integers(0, width - w), random.integers(0, height - h)
        mask[y:y + h, x:x + w] = 255
        if random.random() < 0.4:
            mask[y + h // 3:y + 2 * h // 3, x + w // 3:x + 2 * w // 3] = 0
    return mask


def detections_of(random, mask):
    some = []
    for _ in range(random.integers(0, 25)):
        y, x = random.integers(0, mask.shape[0]), random.integers(0, mask.shape[1])
        if random.random() < 0.6 and mask.any():
            ys, xs = numpy.nonzero(mask)
            k = random.integers(len(ys))
            y, x = ys[k], xs[k]
        some.append((round(random.random(), 2), int(x * CELL + random.integers(CELL)),
                     int(y * CELL + random.integers(CELL))))
    return some


def write_cases(folder, cases):
    (folder / "found").mkdir(parents=True)
    rows = []
    for k, (mask, detections) in enumerate(cases):
        name = f"Test_{k + 1:03d}"
        if mask is not None:
            Image.fromarray(mask).save(folder / f"{name}.png")
        rows.append([name, f"{name}.png" if mask is not None else "", 150 * CELL, 110 * CELL])
        text = "".join(f"{c},{x},{y}\n" for c, x, y in detections)
        (folder / "found" / f"{name}.csv").write_text(text)
    with (folder / "reference.csv").open("w") as file:
        csv.writer(file).writerows([["slide_id", "mask", "width_px", "height_px"], *rows])
    return folder / "found", folder / "reference.csv"


@pytest.mark.parametrize("seed", range(6))
def test_random_cases_agree_with_the_plain_version(tmp_path, seed):
    random = numpy.random.default_rng(seed)
    cases = []
    for k in range(14):
        mask = random_case(random)
        cases.append((mask if k % 3 else None, detections_of(random, mask)))
    rate, sensitivity, at = plain_froc(cases)
    found, reference = write_cases(tmp_path, cases)
    made = good("lesions", "evaluate", "--detections", found, "--reference", reference)
    assert [p["false_positives_per_slide"] for p in made["curve"]] == pytest.approx(rate)
    assert [p["sensitivity"] for p in made["curve"]] == pytest.approx(sensitivity)
    assert list(made["sensitivity"].values()) == pytest.approx(list(at))
    assert made["score"] == pytest.approx(at.mean())


def test_a_slide_without_detections_needs_an_empty_file(tmp_path):
    mask = numpy.zeros((110, 150), numpy.uint8)
    mask[20:70, 20:90] = 255
    found, reference = write_cases(tmp_path, [(mask, [(0.9, 40 * CELL, 40 * CELL)]), (None, [])])
    made = good("lesions", "evaluate", "--detections", found, "--reference", reference)
    assert made["slides"] == 2 and made["by_slide"][1]["false_positives"] == []
    (found / "Test_002.csv").unlink()
    message = bad("lesions", "evaluate", "--detections", found, "--reference", reference)
    assert "Test_002" in message and "empty" in message


def test_a_detection_outside_the_slide_and_a_file_of_no_slide_are_refused(tmp_path):
    found, reference = write_cases(tmp_path, [(None, [(0.9, 150 * CELL, 5)])])
    message = bad("lesions", "evaluate", "--detections", found, "--reference", reference)
    assert "outside the slide" in message and "Test_001.csv" in message
    (found / "Test_001.csv").write_text("")
    (found / "Other.csv").write_text("")
    assert "names no such slide" in bad("lesions", "evaluate", "--detections", found,
                                        "--reference", reference)
    # Slides that the challenge leaves out may have files.
    (found / "Other.csv").rename(found / "Test_049.csv")
    good("lesions", "evaluate", "--detections", found, "--reference", reference)


def test_masks_of_ones_are_adapted_and_said(tmp_path):
    mask = numpy.zeros((110, 150), numpy.uint8)
    mask[20:70, 20:70] = mask[20:70, 100:140] = 255
    hit = [(0.9, 40 * CELL, 40 * CELL)]
    found, reference = write_cases(tmp_path / "a", [(mask, hit)])
    right = good("lesions", "evaluate", "--detections", found, "--reference", reference)
    found, reference = write_cases(tmp_path / "b", [(mask // 255, hit)])
    assert good("lesions", "evaluate", "--detections", found, "--reference",
                reference)["curve"] == right["curve"]


def test_detections_of_scores_are_a_submission(tmp_path):
    lines = ["minx,miny,width,height,prob_normal,prob_tumor"]
    for x in range(20):
        score = {5: 0.9, 6: 0.8, 15: 0.7}.get(x, 0.1)
        lines.append(f"{x * 256},0,256,256,{1 - score},{score}")
    (tmp_path / "Test_001.csv").write_text("\n".join(lines) + "\n")
    out = tmp_path / "found"
    good("lesions", "detect", "--scores", tmp_path / "Test_001.csv", "--out", out, "--slides",
         tmp_path / "slides.csv", "--radius-px", 400)
    rows = list(csv.reader((out / "Test_001.csv").open()))
    assert [(float(c), int(x), int(y)) for c, x, y in rows] == [(pytest.approx(0.9), 1408, 128),
                                                               (pytest.approx(0.7), 3968, 128)]
    assert (tmp_path / "slides.csv").read_text().startswith("image,probability\nTest_001,")
