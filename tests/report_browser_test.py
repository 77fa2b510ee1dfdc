# SPDX-License-Identifier: Apache-2.0
"""Reports in a browser. Needs playwright, axe-core and Chromium (make test-all installs them)."""

import json
import os
import shutil
from pathlib import Path

import pytest
from conftest import good, small_study

playwright = pytest.importorskip("playwright.sync_api",
                                 reason="playwright is not installed (make test-all)")
axe = pytest.importorskip("axe_playwright_python.sync_playwright",
                          reason="axe-core is not installed (make test-all)")

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def reports(tmp_path_factory, cohort) -> dict[str, Path]:
    """Of a run, of an evaluation, and of a run that failed."""
    folder = tmp_path_factory.mktemp("reports")
    (folder / "study.toml").write_text(
        small_study(folder / "out", cohort / "slides.csv").replace("l2 = 0.1", 'l2 = "cv"'))
    run = Path(good("run", folder / "study.toml")["report"])
    # What would be found on a worse model: errors, of a slide with a name that is markup.
    record = json.loads((run.parent / "run.json").read_text())
    evil = "<script>window.evil = 1</script>"
    record["warnings"] = [evil]
    record["slides"][0].update(status="failed", error=evil)
    wrong = [{"slide_id": slide["slide_id"], "x_px": 448.0 * k, "y_px": 672.0, "is": "normal",
              "called": "tumor", "score": 0.99 - 0.01 * k}
             for slide in record["slides"] if slide["role"] == "test" for k in range(3)]
    wrong.append({**wrong[0], "slide_id": evil})
    record["details"]["test"]["wrong"] = wrong
    hard = folder / "out" / "runs" / "hard"
    hard.mkdir()
    (hard / "run.json").write_text(json.dumps(record))
    good("report", hard)
    return {"run": run, "hard": hard / "report.html"}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with playwright.sync_playwright() as driver:
        context = driver.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield context
        context.close()


class Opened:
    """A page, what it complained of, and what it tried to fetch."""

    def __init__(self, browser, path: Path, **options):
        self.page = browser.new_page(**options)
        self.complaints, self.fetched = [], []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.fetched.append(request.url))
        self.page.goto(path.resolve().as_uri())

    def shoot(self, name: str) -> None:
        folder = os.environ.get("LAMELLA_SHOTS")
        if folder:
            self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


LOOKS = {"light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
         "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
         "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2,
                   "is_mobile": True, "has_touch": True}}


@pytest.mark.parametrize("name", ["run", "hard"])
@pytest.mark.parametrize("look", list(LOOKS))
def test_every_plot_is_drawn_and_nothing_complains(browser, reports, name, look):
    opened = Opened(browser, reports[name], **LOOKS[look])
    page = opened.page
    opened.shoot(f"{name}-{look}")
    sizes = page.eval_on_selector_all("section figure.plot", """figures => figures
        .filter(figure => !figure.closest('details:not([open])'))
        .map(figure => {
          const box = figure.querySelector('svg[role=img]').getBoundingClientRect();
          const shapes = figure.querySelectorAll('.line, .mark, .bar').length;
          return [figure.querySelector('svg[role=img]').id, box.width, box.height, shapes];
        })""")
    # ROC, precision-recall, reliability, scores, decision, reliability by patient; the penalty path.
    assert len(sizes) == 7
    for plot, width, height, shapes in sizes:
        assert width > 200 and height > 150 and shapes > 0, plot
    # Nothing sticks out sideways, on a phone either.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("window.evil === undefined")
    pictures = page.eval_on_selector_all("main img", "all => all.map(i => i.naturalWidth)")
    assert pictures and all(width > 50 for width in pictures)
    assert opened.complaints == []
    assert opened.fetched == [reports[name].resolve().as_uri()] or all(
        url.startswith("data:") for url in opened.fetched[1:])
    page.close()


@pytest.mark.parametrize("look", list(LOOKS))
def test_axe_finds_nothing_serious(browser, reports, look):
    opened = Opened(browser, reports["hard"], **LOOKS[look])
    opened.page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    found = axe.Axe().run(opened.page).response["violations"]
    serious = [(fault["id"], node["html"][:200], node["failureSummary"])
               for fault in found if fault["impact"] in ("serious", "critical")
               for node in fault["nodes"]]
    assert serious == []
    opened.page.close()


def test_heads_sort_and_heat_maps_open(browser, reports):
    opened = Opened(browser, reports["run"], **LOOKS["light"])
    page = opened.page
    table = page.locator("#slides table")

    def column(k: int) -> list[str]:
        return page.eval_on_selector_all("#slides tbody tr",
                                         "(rows, k) => rows.map(r => r.cells[k].textContent)", k)

    names = column(0)
    table.get_by_role("button", name="slide", exact=True).click()
    assert column(0) == sorted(names)
    table.get_by_role("button", name="slide", exact=True).click()
    assert column(0) == sorted(names, reverse=True)
    assert table.locator("th").first.get_attribute("aria-sort") == "descending"
    table.get_by_role("button", name="seconds").focus()
    page.keyboard.press("Enter")  # by keyboard, too
    seconds = [float(text) for text in column(len(page.query_selector_all("#slides thead th")) - 1)]
    assert seconds == sorted(seconds)
    page.locator("#slides button.zoom").first.click()
    dialog = page.locator("dialog")
    assert dialog.is_visible()
    assert dialog.locator("img").bounding_box()["width"] > 300
    opened.shoot("zoomed")
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert opened.complaints == []
    page.close()


def test_a_page_of_paper_holds_it(browser, reports, tmp_path):
    opened = Opened(browser, reports["hard"], color_scheme="dark")
    folder = Path(os.environ.get("LAMELLA_SHOTS", tmp_path))
    opened.page.pdf(path=folder / "print.pdf", format="A4")
    assert (folder / "print.pdf").stat().st_size > 20_000
    opened.page.emulate_media(media="print")
    assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert opened.page.locator("nav").is_hidden()
    opened.page.close()
