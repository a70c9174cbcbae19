"""The page of a report in a real browser: plots, table, readout, zoom, keys, and not one complaint on the console."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, Browser
from citrate.load import report
from load_runs import Made
from test_load_report import HOSTILE, hostile_run

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium here")

TITLES = (
    "[...document.querySelectorAll('figure:not([hidden]) figcaption > span:first-child')].map((s) => s.textContent)"
)
FIRST_COLUMN = (
    "[...document.querySelectorAll('div:not([hidden]) > table.steps tbody:last-child th')].map((t) => t.textContent)"
)
LATENCY = "#time-plots figure:nth-child(2) svg.plot"
RANGE = "document.querySelector('#controls .range span').textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as one:
        yield one


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Path]:
    """A run of two minutes with a warm-up, a stall and errors."""
    run = Made(seconds=120, users=4, warm=5)
    return run, report.write(run.write(tmp_path_factory.mktemp("run")))


@pytest.fixture
def page(browser: Browser, made: tuple[Made, Path]) -> Iterator[Browser]:
    """The report of that run, freshly opened; whatever a test does with it may not make it complain."""
    browser.complaints.clear()
    browser.show(made[1])
    yield browser
    assert browser.complaints == []


def points(browser: Browser, selector: str) -> int:
    """How many corners all lines have in a plot."""
    return int(browser.ask(f"document.querySelector('{selector}').innerHTML.match(/[ML]-?[0-9]/g)?.length ?? 0"))


def test_all_plots_are_there_and_have_lines(page: Browser) -> None:
    assert page.ask(TITLES) == [
        "Throughput",
        "Latency percentiles",
        "Answers by status",
        "Users",
        "Journeys",
        "Transfer",
        "Errors by kind",
        "Steps over time",
        "Percentile spectrum",
        "Density",
        "Each second",
        "CPU for each request",
        "CPU used",
        "Memory",
        "Processes and threads",
        "Accept queue",
        "CPU of the generator",
        "Memory of the generator",
    ]
    assert page.ask("[...document.querySelectorAll('svg.plot')].every((s) => s.querySelector('path[d^=M]'))") is True
    assert page.ask("document.querySelectorAll('.plot .empty').length") == 0
    assert points(page, LATENCY) >= 6 * 115
    assert page.ask("document.querySelectorAll('svg.plot .warm').length") >= 12


def test_no_coordinate_is_not_a_number(page: Browser) -> None:
    assert (
        page.ask("[...document.querySelectorAll('svg *')].every((s) => !/NaN|Infinity|undefined/.test(s.outerHTML))")
        is True
    )


def test_the_table_sorts_by_a_click_and_back(page: Browser, made: tuple[Made, Path]) -> None:
    as_run = page.ask(FIRST_COLUMN)
    assert as_run == made[0].steps
    p95 = {name: step["latency_ms"]["p95"] for name, step in made[0].summary["steps"].items()}
    head = "table[data-times=latency_ms] thead tr:last-child th:nth-child(8) button"
    page.click(head)
    assert page.ask(FIRST_COLUMN) == sorted(as_run, key=lambda name: -p95[name])
    assert page.ask(f"document.querySelector('{head}').parentNode.getAttribute('aria-sort')") == "descending"
    page.ask(f"document.querySelector('{head}').focus()")
    page.press("Enter")
    page.ask(f"document.querySelector('{head}').click()")
    page.click("table[data-times=latency_ms] thead th:first-child button")
    assert page.ask(FIRST_COLUMN) == sorted(as_run, key=str.lower)
    assert page.ask("document.querySelector('table.steps tbody.all th').textContent") == "All requests"


def test_service_time_takes_the_place_of_latency_in_table_and_plots(page: Browser) -> None:
    path = f"document.querySelector('{LATENCY} .line').getAttribute('d')"
    units = "document.querySelector('#time-plots figure:nth-child(2) .unit').textContent"
    assert page.ask("[...document.querySelectorAll('table.steps')].map((t) => t.parentNode.hidden)") == [False, True]
    before = page.ask(path)
    assert page.ask(units) == "latency, ms"
    page.click("#controls input[value=service]")
    assert page.ask("[...document.querySelectorAll('table.steps')].map((t) => t.parentNode.hidden)") == [True, False]
    assert page.ask(units) == "service time, ms"
    assert page.ask(path) != before


def test_the_scale_of_times_can_be_linear(page: Browser) -> None:
    ticks = f"[...document.querySelectorAll('{LATENCY} text[text-anchor=end]')].map((t) => t.textContent)"
    assert "0" not in page.ask(ticks)
    page.click("#controls input[value=linear]")
    assert page.ask(ticks)[0] == "0"


def test_pointing_at_one_plot_reads_all_of_them_at_that_moment(page: Browser) -> None:
    left, top, width, height = page.box(LATENCY)
    page.mouse("mouseMoved", left + width * 0.3, top + height / 2)
    moments = page.ask("[...document.querySelectorAll('#time-plots .at')].map((t) => t.textContent)")
    assert len(moments) == 7 and len(set(moments)) == 1 and "–" in moments[0]
    assert page.ask("document.querySelectorAll('#time-plots .cursor, #server-plots .cursor').length") == 12
    values = page.ask(
        "[...document.querySelectorAll('#time-plots figure:nth-child(2) .legend b')].map((b) => b.textContent)"
    )
    numbers = [float(value.replace(",", "")) for value in values]
    assert numbers == sorted(numbers) and numbers[0] > 0
    page.mouse("mouseMoved", left + width * 0.6, top + height / 2)
    assert page.ask("document.querySelector('#time-plots .at').textContent") != moments[0]
    page.mouse("mouseMoved", 1, 1)
    assert page.ask("document.querySelector('#time-plots .at').textContent") == ""


def test_dragging_zooms_all_plots_over_time_and_a_double_click_shows_all(page: Browser) -> None:
    whole = page.ask(RANGE)
    assert whole == "Plots show 0 s – 2:00"
    corners = points(page, "#server-plots svg.plot")
    left, top, width, height = page.box(LATENCY)
    page.mouse("mouseMoved", left + width * 0.4, top + height / 2)
    page.mouse("mousePressed", left + width * 0.4, top + height / 2, 1)
    page.mouse("mouseMoved", left + width * 0.6, top + height / 2, 1)
    assert page.ask(f"+document.querySelector('{LATENCY} .chosen').getAttribute('width')") > 50
    page.mouse("mouseReleased", left + width * 0.6, top + height / 2, 1)
    assert page.ask(RANGE) != whole
    ticks = (
        "[...document.querySelectorAll('#{} figure:first-child text[text-anchor=middle]')].map((t) => t.textContent)"
    )
    assert "0 s" not in page.ask(ticks.format("time-plots"))
    assert page.ask(ticks.format("time-plots")) == page.ask(ticks.format("server-plots"))
    assert points(page, "#server-plots svg.plot") == corners  # clipped, not thinned
    left, top, width, height = page.box(LATENCY)
    for clicks in (1, 2):
        page.mouse("mousePressed", left + width / 2, top + height / 2, clicks)
        page.mouse("mouseReleased", left + width / 2, top + height / 2, clicks)
    assert page.ask(RANGE) == whole


def test_keys_read_mark_zoom_and_go_back(page: Browser) -> None:
    page.ask("document.querySelector('#time-plots .board').focus()")
    for _ in range(3):
        page.press("ArrowRight")
    assert page.ask("document.querySelector('#time-plots .at').textContent") == "2 s – 3 s (warm-up)"
    assert page.ask("document.getElementById('say').textContent").startswith("2 s – 3 s (warm-up): requests ")
    for _ in range(20):
        page.press("ArrowRight", shift=True)
    page.press("Enter")
    assert page.ask(RANGE) == "Plots show 2.5 s – 22.5 s"
    page.press("Escape")
    assert page.ask(RANGE) == "Plots show 0 s – 2:00"


def test_steps_are_chosen_for_all_plots_by_step(page: Browser) -> None:
    lines = (
        "[...document.querySelectorAll('#step-plots figure')].map((f) => f.querySelectorAll('svg.plot .line').length)"
    )
    assert page.ask(lines) == [10, 10, 10]
    page.click("#chooser .names label:nth-child(3) input")
    assert page.ask(lines) == [9, 9, 9]
    page.ask("[...document.querySelectorAll('#chooser button')].find((b) => b.textContent === 'None').click()")
    assert page.ask(lines) == [0, 1, 1]
    page.ask("[...document.querySelectorAll('#chooser button')].find((b) => b.textContent === 'All steps').click()")
    assert page.ask(lines) == [10, 10, 10]


def test_a_word_of_a_legend_hides_its_line(page: Browser) -> None:
    lines = f"document.querySelectorAll('{LATENCY} .line').length"
    assert page.ask(lines) == 6
    page.click("#time-plots figure:nth-child(2) .legend button:last-child")
    assert page.ask(lines) == 5
    page.click("#controls input[value=service]")  # and stays hidden
    assert page.ask(lines) == 5


@pytest.mark.parametrize("width", [1280, 800, 420])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_overlaps_or_runs_out_of_the_page(
    browser: Browser, made: tuple[Made, Path], width: int, dark: bool
) -> None:
    browser.complaints.clear()
    browser.show(made[1], width=width, dark=dark)
    assert browser.ask("document.documentElement.scrollWidth") <= width
    overlapping = """(() => {
      const out = [], meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
      for (const svg of document.querySelectorAll('svg.plot')) {
        const texts = [...svg.querySelectorAll('text')].map((t) => [t.textContent, t.getBoundingClientRect()]);
        texts.forEach(([a, one], i) => { for (const [b, other] of texts.slice(i + 1)) if (meet(one, other)) out.push([a, b]); });
        for (const [text, box] of texts) if (box.left < 0 || box.right > innerWidth) out.push([text, 'outside']);
      }
      for (const figure of document.querySelectorAll('figure')) {
        const parts = [...figure.children].map((c) => c.getBoundingClientRect());
        parts.forEach((one, i) => { for (const other of parts.slice(i + 1)) if (meet(one, other)) out.push(figure.textContent); });
      }
      return out;
    })()"""
    assert browser.ask(overlapping) == []
    colours = browser.ask("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")
    light = [sum(map(int, colour[4:-1].split(","))) for colour in colours]
    assert (light[0] < light[1]) == dark
    assert browser.complaints == []


def test_a_printed_page_is_light_and_has_no_controls(browser: Browser, made: tuple[Made, Path]) -> None:
    browser.show(made[1], dark=True)
    browser.call(
        "Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}]
    )
    try:
        assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert browser.ask("getComputedStyle(document.querySelector('#controls')).display") == "none"
        assert len(browser.call("Page.printToPDF")["data"]) > 20_000
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")


def test_names_that_look_like_html_are_texts_and_run_nothing(browser: Browser, tmp_path: Path) -> None:
    hostile_run(tmp_path)
    browser.complaints.clear()
    browser.show(tmp_path / "index.html")
    assert browser.complaints == []
    assert browser.ask("document.querySelectorAll('main img, main script').length") == 0
    names = browser.ask("[...document.querySelectorAll('#chooser .names bdi')].map((b) => b.textContent)")
    assert [name for name in names if name.isascii()] == [name for name in HOSTILE if name.isascii()]
    assert browser.ask("document.querySelectorAll('svg.plot').length") > 8


def test_the_policy_refuses_what_is_not_of_the_page(page: Browser) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        image = f"http://127.0.0.1:{server.getsockname()[1]}/x.png"
        script = "Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'})"
        failed = f"new Promise((r) => document.body.append(Object.assign(new Image(), {{onerror: () => r(1), src: '{image}'}})))"
        page.ask(f"document.body.append({script})")
        page.ask(failed)
        assert page.ask("window.ran") is None
        with pytest.raises(BlockingIOError):
            server.accept()
    assert sum("Content Security Policy" in text for text in page.complaints) == 2
    page.complaints.clear()


def without(folder: Path, name: str) -> None:
    (folder / name).unlink()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: without(folder, "seconds.jsonl"),
        lambda folder: without(folder, "histograms.jsonl"),
        lambda folder: without(folder, "server.jsonl"),
        lambda folder: [without(folder, name) for name in ("summary.json", "plan.json")],
        lambda folder: (folder / "seconds.jsonl").write_bytes((folder / "seconds.jsonl").read_bytes().split(b"\n")[0]),
        lambda folder: [
            (folder / name).write_text("") for name in ("seconds.jsonl", "histograms.jsonl", "summary.json")
        ],
    ],
    ids=["no seconds", "no histograms", "no server", "no summary", "one second", "nothing"],
)
def test_pages_of_poorer_runs_do_not_fail(browser: Browser, tmp_path: Path, spoil: Any) -> None:
    Made(steps=["one", "two"], seconds=6, users=2).write(tmp_path)
    spoil(tmp_path)
    browser.complaints.clear()
    browser.show(report.write(tmp_path))
    assert browser.complaints == []
    assert browser.ask("document.getElementById('controls').hidden") is False
    assert browser.ask("/NaN|Infinity|undefined/.test(document.querySelector('main').outerHTML)") is False


def test_an_open_run_shows_wanted_rate_and_the_line_that_waits(browser: Browser, tmp_path: Path) -> None:
    run = Made(steps=["one"], seconds=6, users=2)
    run.model = "rate"
    run.plan = {"rate": 20, "time": 6}
    browser.show(report.write(run.write(tmp_path)))
    legends = browser.ask("[...document.querySelectorAll('#time-plots .legend bdi')].map((b) => b.textContent)")
    assert {"wanted", "begun late", "waiting for a user"} <= set(legends)
    assert browser.ask("document.querySelectorAll('#step-plots figure').length") == 3
