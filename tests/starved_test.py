# SPDX-License-Identifier: Apache-2.0
"""Disk, memory or open files run out, or a slide goes bad while it is read: a clear error, the rest
is finished, nothing corrupt is left, and the same command then ends as an undisturbed one."""

import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import PROGRAM, Outcome, good, lamella, small_study
from kill_runs import differences, leftovers, results
from small_cohort import absolute_rows, make_cohort

SLIDE = "phantom_03.tif"  # a test slide: planned, encoded, scored and mapped


class Starved:
    """A small study, and what an undisturbed run of it leaves."""

    def __init__(self, folder: Path):
        self.cohort = make_cohort(good, folder / "cohort", size_px="2048,1536", seed=5)
        self.folder, self.out = folder, folder / "out"
        self.path = folder / "study.toml"
        self.write()
        self.metrics = good("run", self.path, "--set", f"output={folder / 'whole'}")["metrics"]
        self.whole = results(folder / "whole")

    def write(self, table=None) -> None:
        self.path.write_text(small_study(self.out, table or self.cohort / "slides.csv"))

    def table(self, path: Path, *more: str) -> None:
        """The cohort's table with further rows, at another place."""
        header = (self.cohort / "slides.csv").read_text().splitlines()[0]
        path.write_text("\n".join([header, *absolute_rows(self.cohort), *more]) + "\n")

    def expect_whole(self) -> None:
        """The same command, undisturbed."""
        assert good("run", self.path)["metrics"] == self.metrics
        assert not differences(self.whole, results(self.out))
        assert not leftovers(self.out)


@pytest.fixture(scope="module")
def starved_cohort(tmp_path_factory):
    return Starved(tmp_path_factory.mktemp("starved"))


@pytest.fixture
def starved(starved_cohort):
    shutil.rmtree(starved_cohort.out, ignore_errors=True)
    return starved_cohort


def limited(limit, most, *words) -> Outcome:
    run = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=False,
                         timeout=300,
                         preexec_fn=lambda: resource.setrlimit(limit, (most, most)))
    return Outcome(run.returncode, run.stdout, run.stderr, words)


def expect_clear(outcome: Outcome, words: tuple[str, ...]) -> None:
    """Exit code and message of a command that was starved."""
    assert outcome.code in (1, 3), (outcome.code, outcome.err)
    said = [line for line in outcome.err.splitlines() if any(word in line for word in words)]
    assert said, outcome.err
    assert all(line.startswith("lamella: ") for line in outcome.err.splitlines()), outcome.err
    if outcome.code == 1:
        assert sum(line.startswith("lamella: error: ") for line in outcome.err.splitlines()) == 1


# Of the study's files, from its record on, each is the first too large for some limit.
@pytest.mark.parametrize("most", [100, 4000, 12000, 40000, 100000, 300000, 1000000])
def test_files_may_not_grow(starved, most):
    outcome = limited(resource.RLIMIT_FSIZE, most, "run", starved.path, "--quiet", "--json")
    expect_clear(outcome, ("File too large", "disk full", "No space left", "Write error"))
    assert not list(starved.out.rglob("*.tmp"))
    starved.expect_whole()


@pytest.fixture
def small_disk(starved):
    starved.out.mkdir()

    def mount(options: str) -> bool:
        return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "lamella", starved.out],
                              check=False, capture_output=True).returncode == 0

    if not mount("size=64k"):
        pytest.skip("mounting is not allowed here")
    yield lambda size: mount(f"remount,size={size}")
    subprocess.run(["umount", starved.out], check=True)


def test_the_disk_is_full(starved, small_disk):
    for size in ("64k", "256k", "600k", "1200k", "2m"):
        assert small_disk(size)
        outcome = lamella("run", starved.path, "--quiet", "--json")
        expect_clear(outcome, ("No space left", "disk full"))
        assert not list(starved.out.rglob("*.tmp"))
    assert small_disk("64m")
    starved.expect_whole()


def test_other_commands_on_a_full_disk(starved, tmp_path):
    slide, plan = starved.cohort / SLIDE, tmp_path / "p.h5"
    good("plan", "--slide", slide, "--size-px", 112, "--level", 0, "--out", plan)
    for words in (("plan", "--slide", slide, "--size-px", 112, "--level", 0, "--out"),
                  ("encode", "--slide", slide, "--plan", plan, "--out"),
                  ("extract", "--slide", slide, "--plan", plan, "--format", "png", "--out"),
                  ("phantom", "--slides", 1, "--out")):
        outcome = limited(resource.RLIMIT_FSIZE, 2000, *words, tmp_path / "out.h5")
        assert outcome.code == 1, (words, outcome.err)
        expect_clear(outcome, ("File too large", "disk full", "No space left", "Write error"))
        assert not list(tmp_path.rglob("*.tmp")), words
        assert not (tmp_path / "out.h5").is_file(), words


def test_a_cohort_larger_than_the_files_that_may_be_open(starved, tmp_path):
    good("phantom", "--out", tmp_path, "--slides", 1, "--size-px", "512,512", "--seed", 2)
    table = tmp_path / "slides.csv"
    starved.table(table, *(f"many_{number},phantom_01.tif,,score," for number in range(70)))
    starved.write(table)
    try:
        outcome = limited(resource.RLIMIT_NOFILE, 64, "run", starved.path, "--quiet", "--json",
                          "--threads", 2)
        assert outcome.code == 0, outcome.err
        assert len(outcome.json["slides"]) == 74
        outcome = limited(resource.RLIMIT_NOFILE, 5, "run", starved.path, "--quiet", "--json",
                          "--set", f"output={tmp_path / 'out'}")
        assert outcome.code in (1, 3), outcome.err
        assert "lamella: " in outcome.err
    finally:
        starved.write()


@pytest.fixture(scope="session")
def failing_read(tmp_path_factory) -> Path:
    library = tmp_path_factory.mktemp("preload") / "failing_read.so"
    source = Path(__file__).with_name("failing_read.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


def disturbed(library, how, at, *words, file=SLIDE) -> Outcome:
    asan = os.environ.get("ASAN_OPTIONS", "")
    return lamella(*words, env={"LD_PRELOAD": str(library), "FAIL_FILE": file, "FAIL_HOW": how,
                                "FAIL_AT": str(at), "ASAN_OPTIONS": asan + ":verify_asan_link_order=0"})


def statuses(outcome: Outcome) -> dict[str, str]:
    return {slide["slide_id"]: slide["status"] for slide in outcome.json["slides"]}


# While it is opened, and while its pixels are read.
READS = (1, 90, 160)


@pytest.mark.parametrize("how, words", [
    ("error", ("Input/output error",)),
    ("truncate", ("while it was read", "changed", "cut short", "TIFF")),
    ("write", ("changed while it was read",)),
    ("unlink", ("No such file",)),
])
def test_a_slide_goes_bad_while_it_is_read(starved, failing_read, how, words):
    slide, kept = starved.cohort / SLIDE, starved.folder / "kept.tif"
    shutil.copyfile(slide, kept)
    failed = 0
    for at in READS:
        shutil.rmtree(starved.out, ignore_errors=True)
        outcome = disturbed(failing_read, how, at, "run", starved.path, "--quiet", "--json")
        shutil.copyfile(kept, slide)
        assert outcome.code in (0, 3), outcome.err
        names = {name for name, status in statuses(outcome).items() if status != "done"}
        assert names == ({SLIDE.removesuffix(".tif")} if outcome.code == 3 else set())
        if outcome.code == 3:
            failed += 1
            assert any(word in outcome.err for word in words), outcome.err
            assert SLIDE in outcome.err
        assert not list(starved.out.rglob("*.tmp"))
        starved.expect_whole()
    assert failed >= 2, "the reads that were meant to fail were not met"


def test_slow_reads_show_progress(starved, failing_read):
    outcome = disturbed(failing_read, "slow", 1, "run", starved.path, "--json", file=".tif")
    assert outcome.code == 0, outcome.err
    assert "open slides: 4 / 4 slides" in outcome.err
    assert outcome.json["metrics"] == starved.metrics


TWO_GIB = 2 << 30


def test_a_huge_slide_within_two_gib(starved, tmp_path):
    good("phantom", "--out", tmp_path, "--slides", 1, "--size-px", "100000,100000", "--sparse",
         "--tissue-scale", "0.05", "--seed", 1)
    table = tmp_path / "slides.csv"
    starved.table(table, f"huge,{tmp_path / 'phantom_01.tif'},,score,")
    starved.write(table)
    try:
        outcome = limited(resource.RLIMIT_AS, TWO_GIB, "run", starved.path, "--quiet", "--json",
                          "--threads", 2)
        assert outcome.code == 0, outcome.err
        huge = next(slide for slide in outcome.json["slides"] if slide["slide_id"] == "huge")
        assert huge["status"] == "done" and huge["patches"] > 100
        assert outcome.json["metrics"] == starved.metrics
    finally:
        starved.write()


@pytest.mark.parametrize("mib", [250, 350, 500])
def test_too_little_memory_is_said(starved, mib):
    outcome = limited(resource.RLIMIT_AS, mib << 20, "run", starved.path, "--quiet", "--json",
                      "--threads", 2)
    if outcome.code != 0:
        expect_clear(outcome, ("memory", "cannot be", "Cannot allocate", "resource", "thread"))
        assert not list(starved.out.rglob("*.tmp"))
    starved.expect_whole()
