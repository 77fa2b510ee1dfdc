# SPDX-License-Identifier: Apache-2.0
"""Bad and odd inputs where they are met: among 20 slides, with two threads, in tables as they come."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import PROGRAM, bad, good, lamella, small_study
from small_cohort import absolute_rows, make_cohort
from sparse_tiff import SparseTiff

HEADER = "slide_id,path,patient_id,role,annotations"


class Cohort:
    def __init__(self, folder: Path):
        self.slides = make_cohort(good, folder / "cohort", size_px="2048,1536", seed=3)
        self.rows = (self.slides / "slides.csv").read_text().splitlines()[1:]
        self.absolute = absolute_rows(self.slides)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return Cohort(tmp_path_factory.mktemp("inputs"))


def run(folder: Path, table: bytes, *words):
    (folder / "slides.csv").write_bytes(table)
    (folder / "study.toml").write_text(small_study(folder / "out", folder / "slides.csv"))
    return lamella("run", folder / "study.toml", "--json", *words)


def bad_slides(small, folder: Path) -> dict[str, tuple[str, str]]:
    """slide_id -> (row, a word of its error)."""
    slide, xml = small.slides / "phantom_03.tif", small.slides / "phantom_03.xml"
    text, whole = xml.read_text(), slide.read_bytes()
    (folder / "noise.svs").write_bytes(os.urandom(3000))
    (folder / "empty.tif").write_bytes(b"")
    (folder / "cut.tif").write_bytes(whole[: len(whole) // 2])
    (folder / "folder.tif").mkdir()
    (folder / "loop.tif").symlink_to(folder / "loop.tif")
    (folder / "dangling.tif").symlink_to(folder / "gone.tif")
    (folder / "half.xml").write_text(text[: len(text) // 2])
    (folder / "group.xml").write_text(text.replace('"Tumor"', '"Tumour"'))
    (folder / "nan.xml").write_text(text.replace('X="', 'X="nan', 1))
    (folder / "other.xml").write_text("<html></html>")
    SparseTiff(60, 60).write(folder / "tiny.tif", 1.0)
    SparseTiff(4000, 3000).write(folder / "no_mpp.tif", 1e6)
    good_xml = str(xml)

    def own(name):
        """A slide of its own: one file twice is refused for the whole table."""
        (folder / f"{name}.tif").write_bytes(whole + name.encode())
        return f"{name}.tif"

    return {
        "absent": ("absent.tif,,score,", "absent.tif"),
        "noise": ("noise.svs,,score,", "noise.svs"),
        "empty": ("empty.tif,,score,", "empty"),
        "cut": ("cut.tif,,score,", "cut.tif"),
        "folder": ("folder.tif,,score,", "regular file"),
        "loop": ("loop.tif,,score,", "loop.tif"),
        "dangling": ("dangling.tif,,score,", "dangling.tif"),
        "half": (f"{own('half')},h,test,half.xml", "half.xml"),
        "group": (f"{own('group')},g,test,group.xml", "'Tumor'"),
        "nan": (f"{own('nan')},n,test,nan.xml", "nan"),
        "other": (f"{own('other')},o,test,other.xml", "html"),
        "no_xml": (f"{own('no_xml')},x,test,gone.xml", "gone.xml"),
        "no_labels": (f"{own('no_labels')},l,test,", "annotations"),
        "tiny": ("tiny.tif,,score,", "112"),
        "no_mpp": (f"no_mpp.tif,p,test,{good_xml}", "mpp"),
        "bad_train": (f"cut.tif,t,train,{good_xml}", "cut.tif"),
    }


def test_all_bad_slides_among_twenty(small, tmp_path):
    wrong = bad_slides(small, tmp_path)
    rows = list(small.absolute)
    for place, (name, (row, _)) in enumerate(wrong.items()):
        rows.insert(place % 5 + place // 2, f"{name},{row}")
    assert len(rows) == 20
    table = "\n".join([HEADER, *rows, ""]).encode()
    outcome = run(tmp_path, table, "--threads", 2)
    assert outcome.code == 3, outcome.err
    slides = {slide["slide_id"]: slide for slide in outcome.json["slides"]}
    assert list(slides) == [row.split(",")[0] for row in rows]
    assert {name for name in slides if slides[name]["status"] == "failed"} == set(wrong)
    for name, (_, word) in wrong.items():
        assert word in slides[name]["error"], (name, slides[name]["error"])
        assert slides[name]["error"] in outcome.err
    assert not list(tmp_path.rglob("*.tmp"))
    # The good ones are what they are alone.
    alone = tmp_path / "alone"
    alone.mkdir()
    expected = run(alone, "\n".join([HEADER, *small.absolute, ""]).encode(), "--threads", 1)
    assert expected.code == 0 and outcome.json["metrics"] == expected.json["metrics"]
    for score in (alone / "out" / "scores").rglob("*.csv"):
        same = tmp_path / "out" / score.relative_to(alone / "out")
        assert same.read_bytes() == score.read_bytes()


def plain(small) -> str:
    return "\n".join([HEADER, *small.absolute, ""])


@pytest.mark.parametrize("change", [
    lambda text: "\ufeff" + text,
    lambda text: text.replace("\n", "\r\n"),
    lambda text: "\ufeff" + text.replace("\n", "\r\n").rstrip("\r\n"),
    lambda text: text.replace("\n", "\n\n\n") + "\n  \n",
    lambda text: "\n".join(",".join(f'"{field}"' for field in line.split(","))
                           for line in text.splitlines()),
    lambda text: text.replace(",", " , "),
], ids=["BOM", "CRLF", "BOM and CRLF", "empty lines", "quotes", "blanks"])
def test_tables_as_they_come(small, tmp_path, change):
    outcome = run(tmp_path, change(plain(small)).encode())
    assert outcome.code == 0, outcome.err
    assert [slide["slide_id"] for slide in outcome.json["slides"]] == [
        "phantom_01", "phantom_02", "phantom_03", "phantom_04"]


def test_commas_blanks_and_letters_of_all_kinds_in_paths(small, tmp_path):
    folder = tmp_path / "Präparate, 2. Serie 切片"
    folder.mkdir()
    rows = []
    for row in small.rows:
        name, path, patient, role, annotations = row.split(",")
        shutil.copy(small.slides / annotations, folder / f"{name} ü.xml")
        (folder / f"{name}, ø.tif").symlink_to(small.slides / path)
        quoted = [f"{folder}/{name}{end}" for end in (", ø.tif", " ü.xml")]
        rows.append(f'{name} 片,"{quoted[0]}",Müller {patient},{role},"{quoted[1]}"')
    outcome = run(folder, "\n".join([HEADER, *rows, ""]).encode())
    assert outcome.code == 0, outcome.err
    assert outcome.json["slides"][2]["slide_id"] == "phantom_03 片"
    assert (folder / "out" / "heatmaps" / "phantom_03 片.png").exists()
    plain_folder = tmp_path / "plain"
    plain_folder.mkdir()
    expected = run(plain_folder, plain(small).encode())
    assert [slide["slide_score"] for slide in outcome.json["slides"][2:]] == [
        slide["slide_score"] for slide in expected.json["slides"][2:]]
    # The other commands take such paths too.
    slide, plan = folder / "phantom_01, ø.tif", folder / "plan ü.h5"
    good("plan", "--slide", slide, "--size-px", 112, "--level", 0, "--out", plan)
    good("extract", "--slide", slide, "--plan", plan, "--format", "png", "--out", folder / "ö png")
    assert list((folder / "ö png").rglob("*.png"))


@pytest.mark.parametrize("line, words", [
    ("PHANTOM_03,x.tif,,score,", ["line 6", "PHANTOM_03"]),
    ("a/b,x.tif,,score,", ["line 6", "a/b"]),
    ("x,x.tif,,judge,", ["line 6", "'judge'", "train"]),
    ("x,x.tif", ["line 6", "fields"]),
    (",x.tif,,score,", ["line 6"]),
    ("x,,,score,", ["line 6"]),
    ('x,"x.tif,,score,', ["line 6", "never closed"]),
])
def test_wrong_lines_are_named(small, tmp_path, line, words):
    (tmp_path / "slides.csv").write_text(plain(small) + line + "\n")
    (tmp_path / "study.toml").write_text(small_study(tmp_path / "out", tmp_path / "slides.csv"))
    message = bad("run", tmp_path / "study.toml")
    assert message.startswith(f"{tmp_path / 'slides.csv'}: ")
    for word in words:
        assert word in message, message


def test_a_table_and_a_list_of_100000_rows(small, tmp_path):
    """A list of 100,000 centres is planned; a table as long is run to its end, and a fault at its
    end is named."""
    centres = tmp_path / "tumor.txt"
    centres.write_text("".join(f"phantom_01,{600 + i % 300},{600 + i // 300}\n"
                               for i in range(100_000)))
    good("plan", "--slide", small.slides / "phantom_01.tif", "--size-px", 32, "--level", 0,
         "--centers", f"{centres}:tumor", "--classes", "normal", "tumor", "--out", tmp_path / "p.h5")
    rows = [f"other_{number},gone.tif,,score," for number in range(100_000 - 4)]
    outcome = run(tmp_path, "\n".join([HEADER, *rows, *small.absolute, ""]).encode())
    assert outcome.code == 3, outcome.err[-2000:]
    statuses = [slide["status"] for slide in outcome.json["slides"]]
    assert statuses == ["failed"] * len(rows) + ["done"] * 4
    assert outcome.json["metrics"]["test"]["n"] > 0
    assert len(outcome.json["warnings"]) >= len(rows)
    (tmp_path / "slides.csv").write_text("\n".join([HEADER, *rows, rows[0]]) + "\n")
    (tmp_path / "study.toml").write_text(small_study(tmp_path / "out", tmp_path / "slides.csv"))
    message = bad("run", tmp_path / "study.toml")
    assert f"line {len(rows) + 2}" in message and "other_0" in message


def test_the_clock_jumps_and_zones_differ(small, tmp_path):
    """Times of the record are UTC, and what is finished does not depend on the clock."""
    source, library = tmp_path / "clock.c", tmp_path / "clock.so"
    source.write_text("""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
static int calls;
int clock_gettime(clockid_t id, struct timespec *time) {
  int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
  const int result = real(id, time);
  if (id == CLOCK_REALTIME) time->tv_sec += (++calls % 7 - 3) * 100000;  /* days, both ways */
  return result;
}
""")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    (tmp_path / "slides.csv").write_text(plain(small))
    (tmp_path / "study.toml").write_text(small_study(tmp_path / "out", tmp_path / "slides.csv"))
    asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    jumping = lamella("run", tmp_path / "study.toml", "--json",
                      env={"LD_PRELOAD": str(library), "TZ": "Pacific/Kiritimati",
                           "ASAN_OPTIONS": asan})
    assert jumping.code == 0, jumping.err
    again = lamella("run", tmp_path / "study.toml", "--json", env={"TZ": "America/Adak"})
    assert again.code == 0, again.err
    assert all(slide["patches_reused"] == slide["patches"] for slide in again.json["slides"])
    assert all(0 <= value < 300 for value in jumping.json["seconds"].values())
    assert again.json["metrics"] == jumping.json["metrics"]
    runs = good("runs", "list", tmp_path / "out")["runs"]
    assert len(runs) == 2 and {item["status"] for item in runs} == {"FINISHED"}


def test_a_program_found_by_a_symbolic_link(tmp_path):
    (tmp_path / "lamella").symlink_to(PROGRAM)
    listed = subprocess.run([tmp_path / "lamella", "encoder", "list"], capture_output=True,
                            text=True, check=False)
    assert listed.returncode == 0 and "lite0" in listed.stdout
