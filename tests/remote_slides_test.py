# SPDX-License-Identifier: Apache-2.0
"""Slides read straight from a web server, a good one and one that misbehaves."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy
import pytest
import tifffile
from conftest import PROGRAM, bad, good, lamella
from slide_server import SlideServer, make_certificate

DESCRIPTION = ("Aperio Image Library v1.0\r\n{0}x{1} [0,0 {0}x{1}] (256x256) JPEG/RGB Q=80"
               "|AppMag = 20|MPP = 0.5")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """slide.svs: 3,000 x 2,000 px of noise that JPEG keeps, in two levels."""
    made = tmp_path_factory.mktemp("served")
    dice = numpy.random.default_rng(5)
    small = dice.integers(60, 220, (500, 750, 3), numpy.uint8)
    picture = small.repeat(4, 0).repeat(4, 1)
    with tifffile.TiffWriter(made / "slide.svs") as tiff:
        for level, image in enumerate((picture, picture[::4, ::4])):
            tiff.write(image, tile=(256, 256), compression="jpeg", photometric="ycbcr",
                       subsampling=(2, 2), metadata=None, subfiletype=int(level > 0),
                       description=DESCRIPTION.format(3000, 2000))
    (made / "empty.svs").write_bytes(b"")
    (made / "text.svs").write_bytes(b"no slide at all\n" * 20)
    return made


@pytest.fixture
def server(folder):
    with SlideServer(folder) as made:
        yield made


def patches_of(place, folder, env=None):
    """Every patch of a grid, as bytes by name; and the traffic that --verbose tells."""
    plan, out = folder / "grid.plan.h5", folder / "patches"
    good("plan", "--slide", place, "--size-px", 224, "--level", 0, "--stride-px", 224, "--min-tissue",
         0, "--out", plan, env=env)
    ran = lamella("extract", "--slide", place, "--plan", plan, "--format", "png", "--out", out,
                  "--verbose", env=env)
    assert ran.code == 0, ran.err
    told = re.search(r"(\d+) requests, (\d+) bytes fetched, (\d+) needed, ([0-9.]+) s waiting",
                     ran.err)
    files = {path.relative_to(out): path.read_bytes() for path in sorted(out.rglob("*.png"))}
    assert files
    return files, [float(each) for each in told.groups()] if told else None


@pytest.fixture(scope="module")
def local(folder, tmp_path_factory):
    return patches_of(folder / "slide.svs", tmp_path_factory.mktemp("local"))[0]


def refusal(server, name="slide.svs", **options):
    return bad("plan", "--slide", server.url(name), "--size-px", 224, "--level", 0, "--stride-px",
               224, "--out", "never.plan.h5", **options)


def first_time(answer):
    """Misbehaves the first time that a range is asked for, and not again."""
    seen = set()

    def misbehave(handler):
        key = handler.headers.get("Range")
        if key in seen:
            return False
        seen.add(key)
        return answer(handler)
    return misbehave


def test_patches_are_those_of_the_file_for_little_more_than_their_bytes(
        server, folder, local, tmp_path):
    found, told = patches_of(server.url("slide.svs"), tmp_path)
    assert found == local
    requests, fetched, needed, _ = told
    assert requests < 10
    assert fetched < 1.3 * (folder / "slide.svs").stat().st_size
    assert fetched <= server.bytes_sent
    # Every range but the first of an opening is of the version that was opened.
    assert sum("If-Match" not in headers for _, headers in server.requests) == 2


def test_a_name_may_hold_anything(server, folder, tmp_path, local):
    name = "a b #c?d%e é.svs"
    (folder / name).write_bytes((folder / "slide.svs").read_bytes())
    found = patches_of(server.url(name), tmp_path)[0]  # their names are the slide's
    assert list(found.values()) == list(local.values())


def test_https_by_a_certificate_that_is_trusted(folder, tmp_path, local):
    certificate = make_certificate(tmp_path)
    with SlideServer(folder, certificate=certificate) as server:
        trusted = {"CURL_CA_BUNDLE": str(certificate[0])}
        assert patches_of(server.url("slide.svs"), tmp_path, env=trusted)[0] == local
        assert "certificate cannot be trusted" in refusal(server)
        by_number = server.url("slide.svs").replace("localhost", "127.0.0.1")
        said = bad("plan", "--slide", by_number, "--size-px", 224, "--level", 0, "--out",
                   tmp_path / "x", env=trusted)
        assert "certificate cannot be trusted" in said


def test_passwords_are_sent_and_never_told(folder, tmp_path, local):
    with SlideServer(folder) as server:
        address = server.url("slide.svs?sig=hidden7", user="me:secret7@").replace("%3F", "?").replace(
            "%3D", "=")
        assert patches_of(address, tmp_path)[0] == local
        assert all(headers["Authorization"].startswith("Basic ") for _, headers in server.requests)
        assert all("sig=hidden7" in path for path, _ in server.requests)
        for path in tmp_path.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                assert b"secret7" not in data and b"hidden7" not in data, path
        for words in (["--verbose"], ["--json"]):
            ran = lamella("plan", "--slide", address.replace("slide.svs", "gone.svs"), "--size-px",
                          224, "--level", 0, "--out", tmp_path / "x", *words)
            assert ran.code == 1 and "is not there (404)" in ran.err
            assert "secret7" not in ran.out + ran.err and "hidden7" not in ran.out + ran.err


def test_a_server_without_ranges(server):
    server.misbehaviour = lambda handler: handler.answer(ranges=False) or True
    said = refusal(server)
    assert "does not serve ranges" in said
    assert server.bytes_sent < 4 << 20


def test_short_bodies_are_asked_for_again(server, tmp_path, local):
    def short(handler):
        first, last = handler.span((server.folder / "slide.svs").stat().st_size)
        handler.send_response(206)
        handler.send_header("Content-Range",
                            f"bytes {first}-{last}/{(server.folder / 'slide.svs').stat().st_size}")
        handler.send_header("ETag", server.etag_of(server.folder / "slide.svs"))
        handler.send_header("Content-Length", str(last - first + 1))
        handler.end_headers()
        handler.send_part(server.folder / "slide.svs", first, first + (last - first) // 2)
        handler.close_connection = True
        return True
    server.misbehaviour = first_time(short)
    assert patches_of(server.url("slide.svs"), tmp_path)[0] == local


def test_a_storm_of_503_passes(server, tmp_path, local):
    server.misbehaviour = first_time(lambda handler: handler.refuse(503) or True)
    found, told = patches_of(server.url("slide.svs"), tmp_path)
    assert found == local
    assert told[0] >= 6


def test_a_storm_that_does_not_pass_is_an_error(server):
    server.misbehaviour = lambda handler: handler.refuse(
        503, [("Retry-After", "0")], b"<Error><Code>SlowDown</Code></Error>") or True
    said = refusal(server)
    assert "6 attempts" in said and "503 (SlowDown)" in said
    assert len(server.requests) == 6


@pytest.mark.parametrize("header", ["bytes 1-99/1000", "bytes 0-", "items 0-9/10", ""])
def test_a_wrong_content_range_is_an_error(server, header):
    def wrong(handler):
        handler.refuse(206, [("Content-Range", header)] if header else [], b"x" * 99)
        return True
    server.misbehaviour = wrong
    assert "Content-Range" in refusal(server)


def test_a_redirect_is_followed_without_the_password(server, folder, tmp_path, local):
    with SlideServer(folder) as first:
        first.misbehaviour = lambda handler: handler.refuse(
            302, [("Location", server.url("slide.svs").replace("127.0.0.1", "localhost"))]) or True
        address = first.url("slide.svs", user="me:secret7@")
        assert patches_of(address, tmp_path)[0] == local
        assert all("Authorization" in headers for _, headers in first.requests)
        assert all("Authorization" not in headers for _, headers in server.requests)


def test_a_slow_drip_does_not_stall_the_rest(server, tmp_path, local):
    def drip(handler):
        size = (server.folder / "slide.svs").stat().st_size
        first, last = handler.span(size)
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        handler.send_header("ETag", server.etag_of(server.folder / "slide.svs"))
        handler.send_header("Content-Length", str(last - first + 1))
        handler.end_headers()
        try:
            for at in range(first, min(last, first + 60)):
                handler.send_part(server.folder / "slide.svs", at, at + 1)
                time.sleep(0.5)
        except OSError:
            pass
        handler.close_connection = True
        return True
    good("plan", "--slide", server.url("slide.svs"), "--size-px", 224, "--level", 0, "--min-tissue",
         0, "--out", tmp_path / "p")
    dripped = []

    def once(handler):
        if dripped or len(server.requests) < 4:
            return False
        dripped.append(handler.headers["Range"])
        return drip(handler)
    server.forget()
    server.misbehaviour = once
    began = time.monotonic()
    found = patches_of(server.url("slide.svs"), tmp_path)[0]
    assert found == local
    assert dripped
    assert time.monotonic() - began < 20


def requests_at_once(server, folder, tmp_path, name, words):
    """The most requests that were waiting for an answer together."""
    lock, now, most = threading.Lock(), 0, 0

    def count(handler):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.1)
        with lock:
            now -= 1
        return False

    plan = tmp_path / f"{len(words)}.plan.h5"
    good("plan", "--slide", server.url(name), "--size-px", 32, "--level", 0, "--tissue", "none", *words,
         "--out", plan)
    server.misbehaviour = count
    good("extract", "--slide", server.url(name), "--plan", plan, "--format", "png", "--out",
         tmp_path / f"{len(words)}")
    server.misbehaviour = None
    return most


def test_scattered_patches_are_asked_for_many_at_once(server, folder, tmp_path):
    """Small ranges wait for latency alone, so that more of them are on their way than large ones."""
    pixels = numpy.random.default_rng(2).integers(0, 256, (3328, 3328, 3), numpy.uint8)
    tifffile.imwrite(folder / "raw.svs", pixels, tile=(128, 128), photometric="rgb", metadata=None,
                     description=DESCRIPTION.format(3328, 3328))
    spots = tmp_path / "spots.txt"
    spots.write_text("".join(f"raw,{64 + 256 * x},{64 + 256 * y}\n" for y in range(13) for x in range(13)))
    scattered = requests_at_once(server, folder, tmp_path, "raw.svs", [
        "--slide-id", "raw", "--centers", f"{spots}:a", "--classes", "a", "b"])
    whole = requests_at_once(server, folder, tmp_path, "raw.svs", ["--stride-px", "128"])
    assert whole <= 20 < scattered <= 52  # 16 and 48, and four that were asked for again


@pytest.mark.parametrize("heeds_if_match", [True, False])
def test_a_slide_that_changes_is_never_mixed(server, folder, tmp_path, heeds_if_match):
    changed = folder / f"changed{heeds_if_match}.svs"
    changed.write_bytes((folder / "slide.svs").read_bytes())
    plan = tmp_path / "grid.plan.h5"
    good("plan", "--slide", server.url(changed.name), "--size-px", 224, "--level", 0, "--min-tissue",
         0, "--out", plan)
    server.forget()

    def swap(handler):
        if len(server.requests) < 4:
            return False
        if not heeds_if_match:
            del handler.headers["If-Match"]
        handler.answer(etag='"another"')
        return True
    server.misbehaviour = swap
    said = bad("extract", "--slide", server.url(changed.name), "--plan", plan, "--format", "png",
               "--out", tmp_path / "patches")
    assert "the slide changed while it was read" in said


def test_without_an_etag_the_time_and_size_are_watched(server, folder, tmp_path):
    server.misbehaviour = lambda handler: handler.answer(etag="") or True
    ran = lamella("plan", "--slide", server.url("slide.svs"), "--size-px", 224, "--level", 0,
                  "--min-tissue", 0, "--out", tmp_path / "p")
    assert ran.code == 0, ran.err
    assert "gives no ETag" in ran.err and "Last-Modified" in ran.err
    assert any("If-Unmodified-Since" in headers for _, headers in server.requests)


def test_what_is_no_slide(server):
    assert "an empty file" in refusal(server, "empty.svs")
    assert "starts with the bytes 6e 6f 20 73" in refusal(server, "text.svs")
    assert "is not there (404)" in refusal(server, "gone.svs")
    server.misbehaviour = lambda handler: handler.refuse(403) or True
    said = refusal(server)
    assert "access was denied (403)" in said and "no credentials were sent" in said


def test_nobody_answers(server):
    address = server.url("slide.svs").replace(str(server.port), "9")
    said = bad("plan", "--slide", address, "--size-px", 224, "--level", 0, "--out", "never")
    assert "6 attempts" in said


def test_a_proxy_of_the_environment_is_used(server, folder, tmp_path, local):
    with SlideServer(folder) as proxy:  # a GET of an absolute address is a proxy's
        env = {"http_proxy": f"http://127.0.0.1:{proxy.port}", "no_proxy": ""}
        assert patches_of("http://slides.invalid/slide.svs", tmp_path, env=env)[0] == local
        assert not server.requests
        assert proxy.requests[0][0] == "http://slides.invalid/slide.svs"


def test_ctrl_c_ends_at_once(server):
    server.misbehaviour = lambda handler: time.sleep(30) or True
    run = subprocess.Popen([PROGRAM, "plan", "--slide", server.url("slide.svs"), "--size-px", "224",
                            "--level", "0", "--out", "never"], stderr=subprocess.PIPE, text=True,
                           env=dict(os.environ))
    while not server.requests:
        time.sleep(0.02)
    time.sleep(0.2)
    began = time.monotonic()
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=20)
    assert time.monotonic() - began < 1.0
    assert run.returncode == 130 and "interrupted" in said


def test_outputs_are_local(server, folder, tmp_path):
    said = bad("plan", "--slide", folder / "slide.svs", "--size-px", 224, "--level", 0, "--out",
               "s3://bucket/a.plan.h5")
    assert "outputs are local files" in said
    said = bad("plan", "--slide", "s3:/bucket/a.svs", "--size-px", 224, "--level", 0, "--out",
               tmp_path / "x")
    assert "lost a '/'" in said


def test_what_openslide_alone_reads_is_refused_or_copied(server, folder, tmp_path):
    words = ("--size-px", 224, "--level", 0, "--min-tissue", 0, "--backend", "openslide")
    said = bad("plan", "--slide", server.url("slide.svs"), *words, "--out", tmp_path / "x.h5")
    assert "reads files alone" in said and "--fetch-to" in said
    copies = tmp_path / "copies"
    server.forget()
    good("plan", "--slide", server.url("slide.svs"), *words, "--fetch-to", copies, "--out",
         tmp_path / "far.plan.h5")
    size = (folder / "slide.svs").stat().st_size
    assert size <= server.bytes_sent < 1.5 * size + (300 << 10)
    assert list(copies.iterdir()) == []
    # It is the slide that was read where it lies, and no other.
    out = tmp_path / "patches"
    good("extract", "--slide", server.url("slide.svs"), "--backend", "openslide", "--fetch-to", copies,
         "--plan", tmp_path / "far.plan.h5", "--format", "png", "--out", out)
    assert len(list(out.rglob("*.png"))) == 14 * 9


def test_a_copy_needs_room_and_a_server_that_sends_it_whole(server, folder, tmp_path, local):
    server.misbehaviour = lambda handler: handler.answer(ranges=False) or True
    plan, out = tmp_path / "grid.plan.h5", tmp_path / "patches"
    copies = ("--fetch-to", tmp_path / "copies")
    good("plan", "--slide", server.url("slide.svs"), "--size-px", 224, "--level", 0, "--stride-px",
         224, "--min-tissue", 0, "--out", plan, *copies)
    good("extract", "--slide", server.url("slide.svs"), "--plan", plan, "--format", "png", "--out",
         out, *copies)
    found = {path.relative_to(out): path.read_bytes() for path in sorted(out.rglob("*.png"))}
    assert found == local
    assert list((tmp_path / "copies").iterdir()) == []


def test_a_study_of_slides_in_a_store(cohort, study, tmp_path):
    local = good("run", study(output=tmp_path / "local"))
    with SlideServer(cohort) as server:
        rows = [row.split(",") for row in (cohort / "slides.csv").read_text().splitlines()]
        for row in rows[1:]:
            row[1] = server.url(row[1], user="me:secret7@") + "?sig=hidden7"
            row[4] = str(cohort / row[4])
        table = tmp_path / "slides.csv"
        table.write_text("".join(",".join(row) + "\n" for row in rows))
        path = study(table=table)
        far = good("run", path)
        assert far["metrics"] == local["metrics"]
        assert [slide["status"] for slide in far["slides"]] == ["done"] * 4
        record = json.loads((Path(far["run_dir"]) / "run.json").read_text())
        assert [each["slide_id"] for each in record["readings"]] == [row[0] for row in rows[1:]]
        for reading in record["readings"]:
            assert reading["requests"] > 0 and reading["bytes_fetched"] > 0
            assert reading["bytes_needed"] > 0 and reading["seconds_waiting"] >= 0
        # All of it is found again.
        again = good("run", path)
        assert all(slide["patches_reused"] == slide["patches"] for slide in again["slides"])
        for written in (tmp_path / "out").rglob("*"):
            if written.is_file():
                data = written.read_bytes()
                assert b"secret7" not in data and b"hidden7" not in data, written
        manifest = tmp_path / "manifest.json"
        good("manifest", "write", path, "--out", manifest)
        assert "secret7" not in manifest.read_text() and server.url("") in manifest.read_text()
    said = bad("run", path, "--set", "output=s3://bucket/out")
    assert "outputs of a study are local files" in said


def test_a_run_of_slides_in_a_store_is_reproduced(cohort, study, tmp_path):
    with SlideServer(cohort) as server:
        rows = [row.split(",") for row in (cohort / "slides.csv").read_text().splitlines()]
        for row in rows[1:]:
            row[1], row[4] = server.url(row[1]), str(cohort / row[4])
        table = tmp_path / "slides.csv"
        table.write_text("".join(",".join(row) + "\n" for row in rows))
        run = good("run", study(table=table))
        same = lamella("runs", "reproduce", run["run_dir"], "--out", tmp_path / "again")
        assert same.code == 0 and "identical" in same.out, same.err
        slide = cohort / rows[1][1].rpartition("/")[2]
        for key in server.etags:
            if key[0] == str(slide):
                server.etags[key] = '"another"'
        told = lamella("runs", "reproduce", run["run_dir"], "--out", tmp_path / "third")
        assert told.code != 0 and slide.name in told.err + told.out
