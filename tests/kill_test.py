# SPDX-License-Identifier: Apache-2.0
"""`lamella run` killed at random moments. Over real slides, and more often: `make idc`."""

import h5py
from conftest import PROGRAM, good, lamella, small_study
from kill_runs import differences, kill_runs, results
from small_cohort import make_cohort


def test_killed_runs_end_as_undisturbed_ones(tmp_path):
    cohort = make_cohort(good, tmp_path / "cohort", size_px="2048,1536", seed=3)
    study = tmp_path / "study.toml"
    study.write_text(small_study(tmp_path / "out", cohort / "slides.csv"))
    found = kill_runs(PROGRAM, str(study), tmp_path / "runs", kills=6, seed=4,
                      options=("--threads", "2"))
    assert found.kills == 6 and found.rounds >= 1
    assert found.reused > 0, "nothing that was finished was found again"


def damage(path) -> None:
    """Turns bytes of the stored features around; key and structure stay readable."""
    with h5py.File(path) as file:
        chunk = file["features"].id.get_chunk_info(0)
    with open(path, "r+b") as file:
        file.seek(chunk.byte_offset + chunk.size // 2)
        old = file.read(16)
        file.seek(-16, 1)
        file.write(bytes(byte ^ 0x55 for byte in old))


def test_damaged_features_are_made_again(study, tmp_path):
    path = study()
    first = good("run", path)
    before = results(tmp_path / "out")
    for kind, name in (("labelled", "phantom_01"), ("grid", "phantom_03")):
        damage(tmp_path / "out" / "features" / kind / f"{name}.h5")
    outcome = lamella("run", path, "--json")
    assert outcome.code == 0, outcome.err
    warnings = outcome.json["warnings"]
    assert sum("features/labelled/phantom_01.h5" in text and "made again" in text
               for text in warnings) == 1
    assert sum("features/grid/phantom_03.h5" in text for text in warnings) == 1
    assert outcome.json["metrics"] == first["metrics"]
    assert not differences(before, results(tmp_path / "out"))
    damage(tmp_path / "out" / "features" / "labelled" / "phantom_01.h5")
    plan = tmp_path / "out" / "plans" / "labelled" / "phantom_01.h5"
    with h5py.File(plan, "r+") as file:
        del file["label"]
    assert good("run", path)["metrics"] == first["metrics"]
    assert not differences(before, results(tmp_path / "out"))


def test_half_made_features_of_a_slide_that_was_dropped_go(study, tmp_path):
    for kind, name in (("labelled", "dropped"), ("labelled", "phantom_01"), ("grid", "phantom_01")):
        part = tmp_path / "out" / "features" / kind / f"{name}.h5.part"
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(b"half")
    other = tmp_path / "out" / "features" / "labelled" / "mine.part"
    other.write_bytes(b"not ours")
    good("run", study())
    assert list((tmp_path / "out").rglob("*.part")) == [other]
