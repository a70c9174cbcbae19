"""Reports of runs: what one page says of a folder, whole or cut, small or huge, friendly or not."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import time
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from citrate.errors import ConfigError
from citrate.load import faults, report, report_hist, report_read, report_run
from load_runs import Made, Tally, cell_of, line

ROOT = Path(__file__).resolve().parents[2]


class Page(HTMLParser):
    """What a browser would make of a page: its elements, the texts of tables, the data."""

    def __init__(self, path: Path):
        super().__init__(convert_charrefs=True)
        self.html = path.read_text(encoding="utf-8")
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.cells: list[list[str]] = []
        self._raw = ""
        self._in_cell = False
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs
        if tag in self.raw:
            self._raw = tag
            self.raw[tag].append("")
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self._in_cell = True
            self.cells[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._raw:
            self._raw = ""
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._raw:
            self.raw[self._raw][-1] += data
            return
        self.words.append(data)
        if self._in_cell:
            self.cells[-1][-1] += data

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))

    @property
    def data(self) -> Any:
        return json.loads(self.raw["script"][0], parse_constant=pytest.fail)

    def row(self, name: str) -> list[str]:
        """That row of the table of steps."""
        return next(cells for cells in self.cells if len(cells) == 14 and cells[0] == name)


def page_of(folder: Path) -> Page:
    return Page(report.write(folder))


def small(folder: Path, **more: Any) -> Made:
    made = Made(**{"steps": ["one", "two"], "seconds": 8, "users": 2, **more})
    made.write(folder)
    return made


def change(path: Path, **members: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **members}))


# ---- what stands on it ----


def test_the_tables_say_what_the_summary_says(tmp_path: Path) -> None:
    made = small(tmp_path)
    page = page_of(tmp_path)
    step = made.summary["steps"]["one"]
    cells = page.row("one")
    assert cells[1] == f"{step['requests']:,}"
    assert cells[2] == f"{step['errors']:,}"
    shown = [float(cell.replace(",", "")) for cell in cells[4:11]]
    for value, name in zip(shown, ("mean", "p50", "p90", "p95", "p99", "p999", "max"), strict=True):
        assert value == pytest.approx(step["latency_ms"][name], rel=0.06, abs=0.06)
    assert float(cells[11]) == pytest.approx(step["rate"], rel=0.01)
    assert page.row("All requests")[1] == f"{made.summary['requests']:,}"
    assert page.text.count(made.title) == 2


def test_latency_and_service_time_have_a_table_each(tmp_path: Path) -> None:
    made = small(tmp_path)
    for name, step in made.summary["steps"].items():
        step["service_ms"] = {**step["service_ms"], "p50": 777.0}
        assert name
    change(tmp_path / "summary.json", steps=made.summary["steps"])
    rows = [cells for cells in page_of(tmp_path).cells if cells[0] == "two" and len(cells) == 14]
    assert len(rows) == 2
    assert rows[0][5] != "777" and rows[1][5].startswith("777")


def test_the_head_tells_target_time_load_threads_and_seed(tmp_path: Path) -> None:
    small(tmp_path)
    text = page_of(tmp_path).text
    for part in (
        "http://127.0.0.1:8000",
        "2026-11-21 17:57:36 UTC",
        "closed model: 1 user for 30s; to 2 users, 1 more every 30s; think time 1s..3s",
        "therapy.hurl × 3, reader.hurl",
        "2 threads, seed 42",
        "citrate therapy.wsgi:application",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"users": 10, "time": "30s"}, "closed model: 10 users for 30s"),
        ({"users": 1, "time": 30}, "closed model: 1 user for 30 s"),
        ({"rate": 1000, "time": 2.5, "poisson": True}, "open model: 1000 journeys/s for 2.5 s, Poisson arrivals"),
        ({"stages": [{"rate": 5, "over": "1m"}]}, "open model: to 5 journeys/s over 1m"),
        ({}, "closed model: 2 users"),
    ],
)
def test_plans_are_told_in_words(tmp_path: Path, plan: dict[str, Any], words: str) -> None:
    small(tmp_path)
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    summary = json.loads((tmp_path / "summary.json").read_text())
    del summary["model"]
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    assert words in page_of(tmp_path).text


def test_the_verdict_names_state_thresholds_and_errors(tmp_path: Path) -> None:
    small(tmp_path)
    change(tmp_path / "summary.json", errors=3, requests=1000)
    text = page_of(tmp_path).text
    assert "Finished: its time was over" in text
    assert "1 of 4 thresholds does not hold" in text
    assert "0.30 % errors (3 of 1,000)" in text
    change(
        tmp_path / "summary.json", state="failed", end="errors", thresholds=[], errors=0, steps={}, errors_by_kind={}
    )
    text = page_of(tmp_path).text
    assert "Failed: too many errors" in text
    assert "No thresholds were set" in text
    assert "No errors" in text


def test_thresholds_stand_with_limit_and_measure_in_their_units(tmp_path: Path) -> None:
    made = small(tmp_path)
    page = page_of(tmp_path)
    rows = [cells for cells in page.cells if len(cells) == 5 and cells[1] in ("p95", "p99", "errors", "rate")]
    assert rows[1] == ["one", "p99", "≤ 20.0 ms", "31.2 ms", "✘ no"]
    assert rows[2] == ["All requests", "errors", "≤ 1.00 %", "0.45 %", "✔ yes"]
    assert rows[3] == ["All requests", "rate", "≥ 100.0/s", "118.4/s", "✔ yes"]
    assert len(rows) == len(made.summary["thresholds"])


def test_errors_stand_by_step_and_kind_with_their_example(tmp_path: Path) -> None:
    small(tmp_path)
    row = {"requests": 50, "errors": 9, "errors_by_kind": {"timeout": 8, "assert": 1}, "codes": {"200": 42}}
    examples = [{"step": "one", "kind": "timeout", "text": "GET /slow: nothing after 30 s"}]
    change(tmp_path / "summary.json", steps={"one": row}, examples=examples, codes={"200": 42}, requests=50)
    page = page_of(tmp_path)
    rows = [cells for cells in page.cells if len(cells) == 5 and cells[1] in ("timeout", "assert")]
    assert rows[0] == ["one", "timeout", "8", "16.00", "GET /slow: nothing after 30 s"]
    assert rows[1] == ["one", "assert", "1", "2.00", "(an assert did not hold)"]
    assert "200 42 · no answer 8" in page.text


def test_every_kind_of_error_has_its_meaning() -> None:
    header = (ROOT / "src" / "load" / "stats.h").read_text()
    found = re.findall(r'^    X\([A-Z_]+, "(\w+)", "([^"]+)", [01]\)', header, re.MULTILINE)
    assert len(found) > 10
    assert found[0][0] == "none"
    assert dict(found[1:]) == faults.KINDS


# ---- warnings ----


def test_a_generator_that_was_the_limit_is_warned_of(tmp_path: Path) -> None:
    small(tmp_path)
    assert "was the limit" not in page_of(tmp_path).text
    change(tmp_path / "summary.json", generator={"share": 0.91})
    assert "The generator used 91% of the CPU of its 2 threads" in page_of(tmp_path).text


def test_a_generator_that_was_the_limit_for_a_while_is_warned_of(tmp_path: Path) -> None:
    made = small(tmp_path)
    seconds = [json.loads(text) for text in made.seconds_lines]
    for second in seconds[4:]:
        second["cpu"] = 1.9
    (tmp_path / "seconds.jsonl").write_text("".join(map(line, seconds)))
    assert "In 50% of the time the generator used more than 80%" in page_of(tmp_path).text


def test_an_open_run_that_lagged_behind_is_warned_of(tmp_path: Path) -> None:
    made = small(tmp_path)
    text = page_of(tmp_path).text
    assert "no user was free" not in text and "rate was not held" not in text
    change(tmp_path / "summary.json", model="rate", late=12, not_begun=7)
    seconds = [{**json.loads(text), "wanted": 1000, "rounds": 800} for text in made.seconds_lines]
    (tmp_path / "seconds.jsonl").write_text("".join(map(line, seconds)))
    text = page_of(tmp_path).text
    assert "12 journeys began more than 1 ms after they were to begin" in text
    assert "7 journeys that were due had not begun" in text
    assert "The wanted rate was not held: 800 journeys a second came to their end, 1,000 were wanted" in text


def test_an_open_run_that_kept_its_rate_is_not_warned_of(tmp_path: Path) -> None:
    made = small(tmp_path)
    change(tmp_path / "summary.json", model="rate")
    seconds = [{**json.loads(text), "wanted": 1000, "rounds": 999} for text in made.seconds_lines]
    (tmp_path / "seconds.jsonl").write_text("".join(map(line, seconds)))
    assert "Careful" not in page_of(tmp_path).text


def test_a_run_of_errors_only_measured_nothing(tmp_path: Path) -> None:
    small(tmp_path)
    change(tmp_path / "summary.json", requests=10, errors=10)
    assert "Every request was an error" in page_of(tmp_path).text


# ---- plots ----


def test_the_plots_have_the_seconds_as_they_were(tmp_path: Path) -> None:
    made = small(tmp_path, warm=2)
    data = page_of(tmp_path).data
    seconds = [json.loads(text) for text in made.seconds_lines]
    assert data["width"] == 1
    assert data["time"]["warm"] == [1, 1, 0, 0, 0, 0, 0, 0]
    assert [row["name"] for row in data["rows"]] == ["", "one", "two"]
    assert data["rows"][0]["requests"] == [second["all"]["requests"] for second in seconds]
    p99 = [second["steps"]["two"]["latency_ms"]["p99"] for second in seconds]
    assert data["rows"][2]["latency"]["p99"] == pytest.approx(p99, rel=1e-3)
    assert data["codes"]["200"] == [second["all"]["codes"].get("200", 0) for second in seconds]


def test_distributions_leave_the_warm_up_out_and_reach_the_end(tmp_path: Path) -> None:
    made = small(tmp_path, warm=2)
    one = page_of(tmp_path).data["rows"][1]["latency_all"]
    samples = made.totals["one"].latency
    assert one["count"] == len(samples)
    assert one["spectrum"] == sorted(one["spectrum"])
    assert one["spectrum"][-1] == pytest.approx(max(samples) / 1000, rel=2e-3)
    assert one["spectrum"][0] == pytest.approx(min(samples) / 1000, rel=2e-3)
    assert sum(one["density"]) == pytest.approx(1, abs=1e-3)


def test_a_run_without_totals_sums_its_seconds_to_the_same_distributions(tmp_path: Path) -> None:
    made = small(tmp_path, warm=2)
    whole = page_of(tmp_path).data
    lines = [text for text in made.histogram_lines if not text.startswith('{"second":null')]
    assert len(lines) < len(made.histogram_lines)
    (tmp_path / "histograms.jsonl").write_text("".join(lines))
    assert page_of(tmp_path).data["rows"] == whole["rows"]
    (tmp_path / "histograms.jsonl").write_text("".join(made.histogram_lines)[:-9])  # amid the totals
    assert page_of(tmp_path).data["rows"] == whole["rows"]


def test_percentiles_of_cells_are_those_of_the_samples() -> None:
    samples = sorted(int(1.02**i) for i in range(1, 900))
    cells = Counter(map(cell_of, samples))
    shares = [0.0, 0.1, 0.5, 0.9, 0.99, 1.0]
    got = report_hist.percentiles(dict(cells), shares)
    for value, share in zip(got, shares, strict=True):
        exact = samples[min(max(int(share * len(samples) + 0.999999) - 1, 0), len(samples) - 1)]
        assert value * 1000 == pytest.approx(exact, rel=2e-3, abs=0.51)


@pytest.mark.parametrize("us", [0, 1, 7, 900, 2047, 2048, 5000, 123456, 3_600_000_000])
def test_a_density_shares_a_cell_between_the_bins_it_lies_in(us: int) -> None:
    first, shares = report_hist.density({cell_of(us): 5})
    assert sum(shares) == pytest.approx(1)
    low = 10 ** (first / report_hist.PER_DECADE)
    high = 10 ** ((first + len(shares)) / report_hist.PER_DECADE)
    assert low <= max(us, 1) <= high * 1.001


def test_cpu_per_request_is_the_difference_of_cpu_over_the_requests_of_that_time(tmp_path: Path) -> None:
    made = small(tmp_path)
    requests = [json.loads(text)["all"]["requests"] for text in made.seconds_lines]
    samples, cpu = [{"second": 0, "at": 0.0, "cpu": 1.0, "rss": 5, "queue": 0}], 1.0
    for second, count in enumerate(requests):
        cpu += count * 250e-6
        samples.append({"second": second + 1, "at": second + 1.0, "cpu": cpu, "rss": 6, "queue": second})
    (tmp_path / "server.jsonl").write_text("".join(map(line, samples)))
    server = page_of(tmp_path).data["server"]
    assert server["us"] == pytest.approx([250] * len(requests), rel=1e-3)
    assert server["rss"] == [6] * len(requests)
    assert server["queue"][3] == 3
    assert "250 µs a request" in page_of(tmp_path).text


def test_a_server_process_that_ended_with_its_cpu_leaves_a_gap(tmp_path: Path) -> None:
    small(tmp_path)
    samples = [{"at": float(at), "cpu": 0.5 if at > 3 else 1.0 + at} for at in range(9)]
    (tmp_path / "server.jsonl").write_text("".join(map(line, samples)))
    server = page_of(tmp_path).data["server"]
    assert server["us"][3] is None
    assert server["cpus"][2] == 1


def test_without_samples_of_a_server_there_are_none_of_its_plots(tmp_path: Path) -> None:
    small(tmp_path)
    (tmp_path / "server.jsonl").unlink()
    assert page_of(tmp_path).data["server"] is None


# ---- runs that go on, were killed, or left nothing ----


def test_a_killed_run_without_a_summary_is_summed_from_its_seconds(tmp_path: Path) -> None:
    made = small(tmp_path, warm=2)
    (tmp_path / "summary.json").unlink()
    page = page_of(tmp_path)
    step = made.summary["steps"]["one"]
    cells = page.row("one")
    assert cells[1] == f"{step['requests']:,}"
    assert float(cells[5].replace(",", "")) == pytest.approx(step["latency_ms"]["p50"], rel=0.1, abs=0.06)
    assert float(cells[11]) == pytest.approx(step["rate"], rel=0.01)
    assert "There is no summary" in page.text
    assert "Not ended" in page.text


def test_a_run_that_goes_on_has_newer_figures_than_its_last_summary(tmp_path: Path) -> None:
    made = small(tmp_path)
    change(tmp_path / "summary.json", state="running", requests=1, steps={})
    page = page_of(tmp_path)
    assert "The run goes on, or was killed" in page.text
    assert page.row("two")[1] == f"{made.summary['steps']['two']['requests']:,}"


def test_a_stale_summary_is_used_when_there_are_no_histograms(tmp_path: Path) -> None:
    small(tmp_path)
    change(tmp_path / "summary.json", state="running", title="so far")
    (tmp_path / "histograms.jsonl").unlink()
    page = page_of(tmp_path)
    assert "so far" in page.text
    assert page.data["rows"][1]["latency_all"]["spectrum"] == []


@pytest.mark.parametrize("name", ["seconds.jsonl", "histograms.jsonl", "server.jsonl"])
def test_a_cut_last_line_is_left_out_and_told(tmp_path: Path, name: str) -> None:
    small(tmp_path)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[:-20])
    page = page_of(tmp_path)
    assert page.data["time"]["start"] == [*range(7 if name == "seconds.jsonl" else 8)]
    if name != "histograms.jsonl":  # there the seconds are summed instead
        assert "1 line was cut or could not be read" in page.text


@pytest.mark.parametrize("name", report_run.FILES)
def test_one_file_alone_is_enough_for_a_page(tmp_path: Path, name: str) -> None:
    small(tmp_path / "made")
    (tmp_path / name).write_bytes((tmp_path / "made" / name).read_bytes())
    assert page_of(tmp_path).tags["h1"] == 1


@pytest.mark.parametrize("name", report_run.FILES)
def test_an_empty_file_is_a_run_in_which_nothing_was_measured(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert "nothing was measured" in page_of(tmp_path).text


def test_a_run_without_a_request_says_so(tmp_path: Path) -> None:
    made = Made(steps=[], seconds=3)
    made.write(tmp_path)
    page = page_of(tmp_path)
    assert "No request came to its end" in page.text
    assert page.data["time"]["start"] == [0, 1, 2]


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"there is no report of a run here: none of summary\.json"):
        report.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


# ---- hostile content ----

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]><img src=x onerror=alert(1)>",
    "\"'><b>&amp;",
    "`${alert(1)}`",
    "$title $$ ${data}",
    "\u202eesrever \u2028\u2029",
    "\x00\x1b[31m",
    "\ud800 half a pair",
    "__proto__",
    "",
]


def hostile_run(folder: Path) -> Page:
    made = Made(steps=HOSTILE, seconds=4, users=2)
    made.title = HOSTILE[0]
    made.write(folder)
    kinds = dict.fromkeys(HOSTILE, 3)
    row = {"requests": 99, "errors": 33, "errors_by_kind": kinds, "codes": kinds}
    examples = [{"step": name, "kind": kind, "text": kind} for name in HOSTILE for kind in HOSTILE]
    change(
        folder / "summary.json",
        target=HOSTILE[2],
        started=HOSTILE[3],
        citrate=HOSTILE[1],
        seed=HOSTILE[0],
        end=HOSTILE[0],
        errors_by_kind=kinds,
        codes=kinds,
        examples=examples,
        steps=dict.fromkeys(HOSTILE, row),
        thresholds=[{"step": name, "measure": name, "limit": name, "actual": None, "holds": name} for name in HOSTILE],
    )
    change(folder / "plan.json", journeys=HOSTILE, think=HOSTILE[0], stages=[{"users": HOSTILE[0], "over": HOSTILE[2]}])
    (folder / "server.jsonl").write_text("".join(line({"at": i, "cpu": i, "name": HOSTILE[0]}) for i in range(4)))
    return page_of(folder)


def test_names_errors_and_titles_stay_texts(tmp_path: Path) -> None:
    page = hostile_run(tmp_path)
    assert page.tags["script"] == 2 and page.tags["img"] == 0 and page.tags["b"] < 60
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "style"]
    assert [row["name"] for row in page.data["rows"][1:]] == HOSTILE
    shown = {cells[0] for cells in page.cells if cells}
    assert shown >= {"</script><script>alert(1)</script>", "\"'><b>&amp;", "$title $$ ${data}", "`${alert(1)}`"}
    assert "onerror=alert" in page.text  # as a text
    assert "\x00" not in page.raw["script"][0]


def test_the_policy_allows_the_page_its_own_parts_only(tmp_path: Path) -> None:
    page = hostile_run(tmp_path)
    policy = next(value for _, value in page.attributes if value and value.startswith("default-src"))
    for raw, directive in ((page.raw["style"][0], "style-src"), (page.raw["script"][1], "script-src")):
        digest = base64.b64encode(hashlib.sha256(raw.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert not [name for name, _ in page.attributes if name in ("src", "href", "srcset", "action", "data")]
    for raw in (page.raw["style"][0], page.raw["script"][1]):
        assert not re.search(
            r"url\((?!#)|@import|https?://(?!www\.w3\.org/2000/svg)|fetch|XMLHttp|innerHTML|eval\(", raw
        )


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        "text",
        -1,
        1e308,
        True,
        [[[]]],
        {"requests": {"a": 1}},
        {"one": []},
        {"latency_ms": "fast"},
        [{"step": {}}],
        10**30,
    ],
)
def test_members_of_wrong_kinds_never_stop_a_report(tmp_path: Path, value: object) -> None:
    made = small(tmp_path, seconds=2)
    second = json.loads(made.seconds_lines[0])
    lines = [line({**second, name: value}) for name in second]
    lines += [line({**second, "steps": {"one": value}}), line({**second, "all": {**second["all"], "codes": value}})]
    (tmp_path / "seconds.jsonl").write_text("".join(lines))
    for member in ("latency_us", "service_us", "step", "second"):
        row = json.loads(made.histogram_lines[-1])
        with (tmp_path / "histograms.jsonl").open("a") as file:
            file.write(line({**row, member: value}))
            file.write(line({**row, member: [[value, value], [3, value], [value, 3]]}))
    sample = json.loads(made.server_lines[0])
    (tmp_path / "server.jsonl").write_text(
        "".join(line({**sample, "at": i, name: value}) for i, name in enumerate(sample))
    )
    assert page_of(tmp_path).data["rows"]
    for name in ("summary.json", "plan.json"):
        whole = json.loads((tmp_path / name).read_text())
        for member in whole:
            (tmp_path / name).write_text(json.dumps({**whole, member: value}))
            assert page_of(tmp_path).tags["table"] >= 2
        (tmp_path / name).write_text(json.dumps(whole))


def test_lines_that_are_no_json_are_counted_and_left_out(tmp_path: Path) -> None:
    made = small(tmp_path)
    junk = [
        "\n",
        "[]\n",
        "null\n",
        "{\n",
        "\x00\xff\n",
        "[" * 100_000 + "\n",
        '{"second": NaN}\n',
        "{" + "9" * 5000 + "}\n",
    ]
    (tmp_path / "seconds.jsonl").write_text("".join([*junk, *made.seconds_lines]))
    page = page_of(tmp_path)
    assert "7 lines were cut or could not be read" in page.text
    assert page.data["time"]["start"][-1] == 7


def test_more_steps_than_plots_can_show_are_told(tmp_path: Path) -> None:
    made = small(tmp_path, seconds=2)
    second = json.loads(made.seconds_lines[0])
    row = second["steps"]["one"]
    second["steps"] = {f"step {i}": row for i in range(500)}
    (tmp_path / "seconds.jsonl").write_text(line(second))
    page = page_of(tmp_path)
    assert "Of 500 steps the first 150 are in the plots" in page.text
    assert page.html.encode().__len__() < 3_000_000


# ---- long runs ----


def long_run(folder: Path, seconds: int, steps: int, cells: int) -> None:
    """Every second the same, but for its number: what counts is how much there is."""
    tally = Tally()
    for i in range(cells):
        us = 80 + i * 7 + (i % 100) ** 2
        tally.latency += [us] * (1 + i % 3)
        tally.service += [us - 10] * (1 + i % 3)
    tally.requests = len(tally.latency)
    tally.codes["200"] = tally.requests
    row = json.dumps(tally.row(), separators=(",", ":"))
    histogram = json.dumps(tally.cells(), separators=(",", ":"))[1:]
    names = [f"step {i} of the journey" for i in range(steps)]
    every = ",".join(f'"{name}":{row}' for name in names)
    made = Made(steps=names, seconds=0)
    made.write(folder)
    with (folder / "seconds.jsonl").open("w") as file, (folder / "histograms.jsonl").open("w") as histograms:
        for second in range(seconds):
            head = {"second": second, "warm": False, "start": second, "end": second + 1, "wanted": 9, "users": 9}
            head |= {"waiting": 0, "connects": 1, "rounds": 100, "late": 0, "cpu": 0.2, "rss": 9000000}
            peak = row.replace('"p99":', '"p99":9') if second == seconds // 2 else row
            file.write(f'{json.dumps(head)[:-1]},"all":{peak},"steps":{{{every}}}}}\n')
            for name in names:
                histograms.write(f'{{"second":{second},"step":"{name}",{histogram}\n')
        for name in names:
            histograms.write(f'{{"second":null,"step":"{name}",{histogram}\n')


MEASURE = """
import re, sys, time
from pathlib import Path
from citrate.load import report
began = time.process_time()
report.write(Path(sys.argv[1]))
seconds = time.process_time() - began
status = Path("/proc/self/status").read_text()  # getrusage has the greatest of the process before it was this one
print(seconds, re.search(r"VmHWM:\\s+(\\d+)", status)[1])
"""


def cost_of(folder: Path) -> tuple[float, float]:
    """CPU seconds and MB of memory that a report takes, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", MEASURE, str(folder)], capture_output=True, text=True, check=True)
    seconds, kilobytes = done.stdout.split()
    return float(seconds), int(kilobytes) / 1000


@pytest.mark.slow
@pytest.mark.parametrize("ended", [True, False])
def test_ten_minutes_of_millions_of_requests_take_little_time_and_memory(tmp_path: Path, ended: bool) -> None:
    long_run(tmp_path, seconds=600, steps=10, cells=300)
    assert (tmp_path / "histograms.jsonl").stat().st_size > 20_000_000
    if not ended:
        (tmp_path / "summary.json").unlink()
        text = (tmp_path / "histograms.jsonl").read_text()
        (tmp_path / "histograms.jsonl").write_text(text[: text.index('{"second":null')])
    seconds, megabytes = cost_of(tmp_path)
    assert seconds < (2 if ended else 5)
    assert megabytes < 64
    assert (tmp_path / "index.html").stat().st_size < 3_000_000
    assert page_of(tmp_path).data["width"] == 1


@pytest.mark.slow
def test_an_hour_is_folded_to_a_page_of_bounded_size(tmp_path: Path) -> None:
    long_run(tmp_path, seconds=3600, steps=30, cells=3)
    seconds, megabytes = cost_of(tmp_path)
    assert seconds < 10
    assert megabytes < 64
    page = Page(tmp_path / "index.html")
    assert len(page.html.encode()) < 3_000_000
    data = page.data
    assert data["width"] == 8
    assert "each point of a plot stands for 8 seconds" in page.text
    one = json.loads((tmp_path / "seconds.jsonl").open().readline())["all"]
    assert data["rows"][0]["requests"] == [one["requests"] * 8] * 450
    p99 = data["rows"][0]["latency"]["p99"]
    assert sorted(set(p99))[-1] == pytest.approx(float(f"9{one['latency_ms']['p99']}"), rel=1e-3)
    assert p99.count(max(p99)) == 1
    assert data["time"]["rounds"] == [800] * 450
    assert data["time"]["users"] == [9] * 450


def test_ten_minutes_of_thirty_steps_are_a_page_of_bounded_size(tmp_path: Path) -> None:
    long_run(tmp_path, seconds=600, steps=30, cells=3)
    page = page_of(tmp_path)
    assert page.data["width"] == 1
    assert len(page.html.encode()) < 3_000_000


def test_folding_sums_counts_and_keeps_the_greatest_of_all_else() -> None:
    bins = report_read.Bins()
    for second in range(5000):
        bins.add(
            {
                "second": second,
                "start": second,
                "end": second + 1,
                "users": second % 7,
                "all": {"requests": 3, "codes": {"200": 3}, "latency_ms": {"p50": 1 + second % 4}},
            }
        )
    assert bins.width == 4
    found = bins.in_order()
    assert len(found) == 1250
    assert [one.all[0] for one in found] == [12.0] * 1250
    assert {one.all[4] for one in found} == {4.0}
    assert sum(one.codes["200"] for one in found) == 15000
    assert (found[1].start, found[1].end) == (4, 8)
    assert bins.totals[""].counts["requests"] == 15000


def test_seconds_far_apart_are_few_bins() -> None:
    bins = report_read.Bins()
    for i in range(4000):
        bins.add({"second": i * 10**9, "all": {"requests": 1}})
    assert len(bins.bins) <= report_read.MOST_BINS
    assert sum(one.all[0] for one in bins.in_order()) == 4000


# ---- the command ----


def test_the_command_writes_the_page_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small(tmp_path)
    assert report.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "index.html")
    assert (tmp_path / "index.html").read_text().startswith("<!DOCTYPE html>")
    assert not list(tmp_path.glob(".index*"))


@pytest.mark.parametrize("argv", [[], ["a", "b"], ["--force"]])
def test_the_command_wants_one_folder(argv: list[str]) -> None:
    with pytest.raises(ConfigError, match="usage: citrate load report DIR"):
        report.main(argv)


def test_the_command_refuses_a_folder_without_a_run(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "citrate", "load", "report"]
    done = subprocess.run([*command, str(tmp_path / "nowhere")], capture_output=True, text=True)
    assert done.returncode == 2
    assert f"citrate: {tmp_path}/nowhere: there is no report of a run here" in done.stderr
    assert done.stdout == ""
    assert (
        "usage: citrate load report DIR" in subprocess.run([*command, "--help"], capture_output=True, text=True).stdout
    )


def test_a_page_that_can_not_be_written_is_an_error_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small(tmp_path)
    (tmp_path / "index.html").mkdir()
    assert report.main([str(tmp_path)]) == 1
    assert "index.html" in capsys.readouterr().err
    assert not list(tmp_path.glob(".index*"))


def test_a_report_is_replaced_as_a_whole(tmp_path: Path) -> None:
    small(tmp_path)
    before = time.time()
    first = report.write(tmp_path)
    inode = first.stat().st_ino
    report.write(tmp_path)
    assert first.stat().st_ino != inode
    assert first.stat().st_mtime >= before - 2
