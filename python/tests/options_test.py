# SPDX-License-Identifier: Apache-2.0
"""Options are declared once: study files, commands and functions have the same ones, with the same
defaults and bounds."""

import inspect
import re
import subprocess
from pathlib import Path

import lamella
import pytest
from conftest import PROGRAM, ROOT, program

OPTIONS = lamella.options()
VERBS = sorted(OPTIONS["verbs"])
# What a command or a function takes beside its options: files, names, and where to write.
# --skip-errors is short for --on-damage skip.
SLIDE = {"slide", "slide_id", "slide_mpp", "image", "backend", "fetch_to", "skip_errors"}
INPUTS = {
    "plan": {*SLIDE, "centers", "annotations", "out"},
    "extract": {*SLIDE, "plan", "out"},
    "encode": {*SLIDE, "plan", "encoder", "out"},
    "train": {"features", "groups", "encoder", "out"},
    "finetune": {"study", "set", "overrides"},
    "score": {*SLIDE, "features", "model", "positions", "encoder", "out"},
    "map": {*SLIDE, "scores", "annotations", "out"},
    "encoder import": {"network", "from", "weights", "checkpoint", "pretrained", "out"},
    "encoder quantize": {"encoder", "plans", "out", "name"},
    "convert": {*SLIDE, "source", "out"},
    "features import": {*SLIDE, "features", "centers", "annotations", "out"},
    "lesions detect": {"scores", "class", "out", "slides"},
    "lesions evaluate": {"detections", "reference", "out", "report"},
}
GENERAL = {"help", "threads", "progress", "json", "quiet", "verbose", "version"}


def rows(verb: str) -> list[dict]:
    return OPTIONS["verbs"][verb]


def python_name(name: str) -> str:
    return name + "_" if name in ("class", "from") else name


def help_of(verb: str) -> str:
    return subprocess.run([PROGRAM, *verb.split(), "--help"], capture_output=True, text=True,
                          check=True).stdout


def fails(*words: str) -> str:
    run = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)
    assert run.returncode == 2, run.stderr
    return run.stderr


def outside(option: dict) -> list[float]:
    values = []
    if option["least"] is not None:
        values.append(option["least"] if option["above_least"] else option["least"] - 1)
    if option["most"] is not None:
        values.append(option["most"] + 1)
    whole = option["kind"] == "whole number" or option["whole"]
    values = [int(value) if whole else value for value in values]
    if option["count"]:
        return [[value] * option["count"] for value in values]
    return [[value] for value in values] if option["kind"] == "numbers" else values


def test_the_faces_list_the_same():
    assert program("options") == OPTIONS


@pytest.mark.parametrize("verb", VERBS)
def test_the_command_has_them(verb):
    text = help_of(verb)
    flags = {flag.replace("-", "_") for flag in re.findall(r"^ +(?:-\w,)?--([a-z0-9-]+)", text, re.M)}
    assert flags - INPUTS[verb] - GENERAL == {option["name"] for option in rows(verb)}
    flat = " ".join(text.split())
    for option in rows(verb):
        assert " ".join(option["help"].split()) in flat, option["name"]
        if option["kind"] in ("number", "whole number", "text") and option["default"] not in (None, ""):
            assert f"default {option['default']:g}" in flat if isinstance(
                option["default"], (int, float)) else f"default {option['default']}" in flat
        assert option["bounds"] in flat


FUNCTIONS = {"encoder quantize": "quantize"}  # by another name than the command's


@pytest.mark.parametrize("verb", [verb for verb in VERBS if hasattr(lamella, FUNCTIONS.get(verb, verb))])
def test_the_function_has_them(verb):
    function = getattr(lamella, FUNCTIONS.get(verb, verb))
    parameters = inspect.signature(function).parameters
    named = {python_name(option["name"]) for option in rows(verb)}
    assert set(parameters) - INPUTS[verb] - GENERAL == named
    for option in rows(verb):
        parameter = parameters[python_name(option["name"])]
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert python_name(option["name"]) + ": " + option["help"] in function.__doc__
        if option["required"]:
            assert parameter.default is inspect.Parameter.empty
            continue
        default = parameter.default
        expected = None if option["unset"] else option["default"]
        assert (list(default) if isinstance(default, tuple) else default) == expected, option["name"]


@pytest.mark.parametrize("verb", VERBS)
def test_the_command_refuses_what_is_outside(verb):
    for option in rows(verb):
        flag = "--" + option["name"].replace("_", "-")
        for value in outside(option):
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            message = fails(*verb.split(), f"{flag}={text}")
            assert f"{flag}: found " in message and option["bounds"] in message
        for choice in option["choices"][:1]:
            message = fails(*verb.split(), f"{flag}={choice}x")
            assert f"did you mean '{choice}'?" in message


def call(verb: str, **options):
    """Fails before the files are opened, which are not there."""
    words = {"plan": ("none.tif",), "score": ("none.tif", "none"), "train": (["none.h5"],),
             "map": ("none.tif", None), "encode": ("none.tif", None)}
    if verb == "plan":
        options.setdefault("size_px", 64)
    return getattr(lamella, verb)(*words[verb], **options)


@pytest.mark.parametrize("verb", ["plan", "score", "train"])
def test_the_function_refuses_what_is_outside(verb):
    for option in rows(verb):
        name = python_name(option["name"])
        for value in outside(option):
            with pytest.raises(lamella.Error, match=f"^{name}: found ") as caught:
                call(verb, **{name: value})
            assert option["bounds"] in str(caught.value) and caught.value.option == option["name"]
        with pytest.raises(TypeError, match=f"did you mean '{name}'"):
            call(verb, **{name + "x": 1})
        with pytest.raises(TypeError, match=f"^{name}: found "):
            call(verb, **{name: object()})
    with pytest.raises(TypeError, match="size_px"):
        lamella.plan("none.tif", mpp=1.0)


@pytest.mark.parametrize("section", sorted(OPTIONS["study"]))
def test_the_study_has_them(section, study):
    path = study()
    beside = {"encoder": {"name"}}.get(section, set())
    message = refused(path, f"{section}.zzz=1")
    valid = set(re.split(r", ", message.split("valid here: ")[1].strip()))
    assert valid - beside == {option["name"] for option in OPTIONS["study"][section]}
    for option in OPTIONS["study"][section]:
        for value in outside(option):
            message = refused(path, f"{section}.{option['name']}={value}")
            assert f"{section}.{option['name']}: found " in message and option["bounds"] in message


def refused(path: Path, override: str) -> str:
    run = subprocess.run([PROGRAM, "run", str(path), "--set", override], capture_output=True,
                         text=True, check=False)
    assert run.returncode == 1, run.stderr
    return run.stderr


@pytest.mark.parametrize("verb, section", [
    ("plan", "tissue"), ("plan", "patches"), ("score", "score"), ("score", "tissue"),
    ("train", "train"), ("map", "heatmap"), ("encode", "encoder")])
def test_a_study_and_its_verbs_have_the_same(verb, section):
    """A plan's min_tissue is that of a grid and that of annotations, and has two defaults."""
    of_verb = {option["name"]: option for option in rows(verb)}
    for option in OPTIONS["study"][section]:
        if (verb, option["name"]) != ("plan", "min_tissue"):
            assert of_verb[option["name"]] == option


def test_the_page_lists_them():
    page = subprocess.run([PROGRAM, "options"], capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs" / "options.md").read_text() == page, "run: lamella options > docs/options.md"


def test_errors_name_the_flag_the_key_and_the_argument(slide_path, tmp_path):
    assert "--min-tissue: found 2" in fails("score", "--min-tissue", "2")
    message = fails("plan", "--slide", "a.tif", "--size-px", "64", "--level", "0", "--out", "a.h5",
                    "--min-tisue", "0.5")
    assert "did you mean '--min-tissue'?" in message and "lamella plan --help" in message
    assert "did you mean 'plan'?" in fails("plam")
