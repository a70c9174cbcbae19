"""`citrate load --locust-worker`: a real Locust master, Citrate's server, and the same numbers on both sides."""

from __future__ import annotations

import csv
import importlib.util
import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cit_cli import ROOT, Running, environment, free_port, serving
from citrate.errors import ConfigError
from citrate.load import faults, locust, locust_stats
from load_tool import load, load_process, site, summary
from server import children_of, is_alive, wait_for

needs_locust = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("locust", "zmq", "msgpack")),
    reason="needs locust, pyzmq and msgpack (tests/requirements.txt)",
)

LOCUSTFILE = re.search(r"```python\n(from locust import User.*?)```", (ROOT / "docs/moving-from-locust.md").read_text(), re.S)[1]  # type: ignore[index]  # fmt: skip
JOURNEY = """
# @name front page
GET {{base}}/

# @name wait
# @think 1ms..5ms
GET {{base}}/wait
HTTP 200
[Captures]
who: regex "(\\\\w+) says"

POST {{base}}/send?a=1
[Form]
name: {{who}}

# @name broken
GET {{base}}/broken
"""
PLAN = """
target = "{url}"
journeys = ["walk.hurl"]
seed = 5
{more}
[[stages]]
users = 1000
for = "1h"
[[thresholds]]
p99 = "0.001ms"
"""


class Master:
    """A Locust master with its web page."""

    def __init__(self, running: Running, port: int, web: str) -> None:
        self.running, self.port, self.web = running, port, web

    def get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.web}{path}", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def post(self, path: str, **form: object) -> None:
        data = urllib.parse.urlencode(form).encode()
        urllib.request.urlopen(f"{self.web}{path}", data, timeout=10).close()

    def stop(self) -> None:
        """What the page's button does: a POST, before Locust 2.47 a GET."""
        try:
            self.post("/stop")
        except urllib.error.HTTPError as error:
            if error.code != 405:
                raise
            self.get("/stop")

    def figures(self) -> dict[str, Any]:
        # Locust keeps an answer for two seconds; a question that differs is answered anew.
        return self.get(f"/stats/requests?{time.monotonic()}")

    def waits_for(self, what: Callable[[dict[str, Any]], object], timeout: float = 30) -> dict[str, Any]:
        """The figures, once they are like that."""
        last: dict[str, Any] = {}

        def is_so() -> object:
            last.update(self.figures())
            return what(last)

        assert wait_for(is_so, timeout, 0.25), (last, self.running.output())
        return last


def started_master(folder: Path, *options: str) -> Any:
    (folder / "locustfile.py").write_text(LOCUSTFILE)
    command = [sys.executable, "-m", "locust", "--master", "-f", "locustfile.py", "--master-bind-host", "127.0.0.1"]
    return serving(*options, command=command, cwd=folder, log=folder / "master.log", env={"GEVENT_SUPPORT": "True"})


@pytest.fixture
def master(tmp_path: Path) -> Iterator[Master]:
    port, web = free_port(), free_port()
    options = ["--master-bind-port", str(port), "--web-host", "127.0.0.1", "--web-port", str(web)]
    with started_master(tmp_path, *options) as running:
        running.wait_for_output("Starting web interface", 30)
        found = Master(running, port, f"http://127.0.0.1:{web}")

        def answers() -> bool:
            try:
                return bool(found.figures())
            except OSError:
                return False

        assert wait_for(answers, 20), running.output()
        yield found


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with site(tmp_path_factory.mktemp("site")) as (address, _):
        yield address


def write_plan(folder: Path, url: str, journey: str = JOURNEY, more: str = "") -> str:
    (folder / "walk.hurl").write_text(journey)
    (folder / "plan.toml").write_text(PLAN.format(url=url, more=more))
    return str(folder / "plan.toml")


def start_worker(folder: Path, port: int, *options: str) -> subprocess.Popen[bytes]:
    log = (folder / "worker.log").open("wb")
    words = ["--locust-worker", f"127.0.0.1:{port}", *options]
    return load_process(*words, cwd=folder, stdout=log, stderr=log)


def rows(figures: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["method"], row["name"]): row for row in figures["stats"]}


STEPS = {
    ("GET", "front page"): "front page",
    ("GET", "wait"): "wait",
    ("POST", "/send"): "POST {{base}}/send",
    ("GET", "broken"): "broken",
}


def assert_same(figures: dict[str, Any], own: dict[str, Any]) -> None:
    """What the master says of each step is what the generator says of it."""
    found = rows(figures)
    assert set(found) == {*STEPS, ("", "Aggregated")}
    pairs = [(found[key], own["steps"][step]) for key, step in STEPS.items()]
    for theirs, ours in [*pairs, (found["", "Aggregated"], own)]:
        assert theirs["num_requests"] == ours["requests"]
        assert theirs["num_failures"] == ours["errors"]
        latency = ours["latency_ms"]
        assert theirs["avg_response_time"] == pytest.approx(latency["mean"], rel=1e-3, abs=1e-3)
        assert theirs["max_response_time"] == pytest.approx(latency["max"], abs=0.51)  # whole ms
        assert theirs["median_response_time"] == pytest.approx(latency["p50"], rel=0.05, abs=1)
        assert theirs["avg_content_length"] == pytest.approx(ours["bytes_in"] / ours["requests"])


@needs_locust
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_masters_figures_are_those_of_our_summary(master: Master, url: str, tmp_path: Path) -> None:
    worker = start_worker(tmp_path, master.port, "--report", "kept", write_plan(tmp_path, url))
    try:
        master.waits_for(lambda f: f["worker_count"] == 1)
        master.post("/swarm", user_count=4, spawn_rate=100)
        master.waits_for(lambda f: f["state"] == "running" and f["user_count"] == 4)
        master.waits_for(lambda f: len(f["stats"]) == 1 + len(STEPS) and f["total_rps"] > 0)
        master.post("/swarm", user_count=9, spawn_rate=100)
        master.waits_for(lambda f: f["user_count"] == 9 and f["workers"][0]["user_count"] == 9)
        time.sleep(3)
        master.stop()
        figures = master.waits_for(lambda f: f["state"] == "stopped")
        own = summary(tmp_path / "kept")
        assert own["end"] == "stopped"
        assert own["requests"] > 100
        assert_same(figures, own)
        errors = [(e["method"], e["name"], e["error"], e["occurrences"]) for e in figures["errors"]]
        text = f"status: {faults.KINDS['status']}"
        assert errors == [("GET", "broken", text, own["steps"]["broken"]["errors"])]
        seconds = (tmp_path / "kept/seconds.jsonl").read_text().splitlines()
        assert {json.loads(line)["users"] for line in seconds[:-1]} >= {4, 9}
        assert figures["workers"][0]["state"] == "ready"
        # A second test begins anew.
        master.post("/swarm", user_count=1, spawn_rate=1)
        again = master.waits_for(lambda f: f["user_count"] == 1 and len(f["stats"]) > 1)
        assert rows(again)["", "Aggregated"]["num_requests"] < own["requests"]
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 130
    master.running.wait_for_output(r"Worker .* quit")
    assert "Traceback" not in (tmp_path / "worker.log").read_text() + master.running.output()


@needs_locust
@pytest.mark.slow
def test_a_master_without_a_web_page_ends_the_worker_and_writes_its_tables(url: str, tmp_path: Path) -> None:
    port = free_port()
    options = ["--headless", "-u", "3", "-r", "3", "-t", "4s", "--expect-workers", "1", "--csv", "table", "--json"]
    with started_master(tmp_path, *options, "--master-bind-port", str(port)) as running:
        worker = start_worker(tmp_path, port, "--report", "kept", write_plan(tmp_path, url))
        assert worker.wait(60) == 0, (tmp_path / "worker.log").read_text()
        running.process.wait(30)
    own = summary(tmp_path / "kept")
    # What it prints at its end; its tables are written once a second.
    printed = re.search(r"^\[\n.*?^\]$", running.output(), re.M | re.S)
    assert printed is not None, running.output()
    told = {(e["method"], e["name"]): (e["num_requests"], e["num_failures"]) for e in json.loads(printed[0])}
    assert told == {key: (own["steps"][s]["requests"], own["steps"][s]["errors"]) for key, s in STEPS.items()}
    assert own["requests"] > 0
    with (tmp_path / "table_stats.csv").open(newline="") as file:
        assert {(row["Type"], row["Name"]) for row in csv.DictReader(file)} == {*STEPS, ("", "Aggregated")}


@needs_locust
@pytest.mark.slow
def test_a_generator_that_ends_by_itself_is_told_to_the_master(master: Master, url: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path, url, "# @once\nGET {{base}}/\n")
    worker = start_worker(tmp_path, master.port, plan)
    try:
        master.waits_for(lambda f: f["worker_count"] == 1)
        master.post("/swarm", user_count=2, spawn_rate=10)
        assert wait_for(lambda: master.get("/exceptions")["exceptions"], 20), (tmp_path / "worker.log").read_text()
        assert "citrate-load ended by itself with status 0" in master.get("/exceptions")["exceptions"][0]["msg"]
        figures = master.waits_for(lambda f: len(f["stats"]) > 1)
        assert rows(figures)["GET", "/"]["num_requests"] == 2
        assert worker.poll() is None
    finally:
        worker.kill()
        worker.wait()


@needs_locust
@pytest.mark.slow
def test_a_generator_does_not_outlive_a_worker_that_was_killed(master: Master, url: str, tmp_path: Path) -> None:
    worker = start_worker(tmp_path, master.port, write_plan(tmp_path, url))
    master.waits_for(lambda f: f["worker_count"] == 1)
    master.post("/swarm", user_count=1, spawn_rate=1)
    assert wait_for(lambda: len(children_of(worker.pid)) == 2, 20)
    children = children_of(worker.pid)
    worker.kill()
    worker.wait()
    assert wait_for(lambda: not any(map(is_alive, children)), 20)


@needs_locust
@pytest.mark.slow
def test_a_host_of_the_masters_takes_the_place_of_the_plans_target(master: Master, url: str, tmp_path: Path) -> None:
    plan = write_plan(tmp_path, "http://127.0.0.1:1", "GET {{base}}/\n")
    worker = start_worker(tmp_path, master.port, plan)
    try:
        master.waits_for(lambda f: f["worker_count"] == 1)
        master.post("/swarm", user_count=1, spawn_rate=1, host=url)
        figures = master.waits_for(lambda f: len(f["stats"]) > 1)
        assert rows(figures)["GET", "/"]["num_failures"] == 0
    finally:
        worker.kill()
        worker.wait()


@needs_locust
def test_a_worker_without_a_master_waits_and_can_be_stopped(tmp_path: Path) -> None:
    worker = start_worker(tmp_path, free_port(), write_plan(tmp_path, "http://127.0.0.1:1"))
    log = tmp_path / "worker.log"
    assert wait_for(lambda: "asking the Locust master" in log.read_text(), 20)
    assert worker.poll() is None
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 130
    assert "Traceback" not in log.read_text()


def test_missing_libraries_are_told_with_the_command_that_brings_them(tmp_path: Path) -> None:
    (tmp_path / "zmq.py").write_text("raise ImportError('no module named zmq here')")
    path = ":".join([str(tmp_path), *filter(None, [environment().get("PYTHONPATH")])])
    told = load("--locust-worker", "127.0.0.1", write_plan(tmp_path, "http://x"), env={"PYTHONPATH": path})
    assert told.returncode == 2
    assert "pip install 'citrate[locust]' (no module named zmq here)" in told.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--locust-worker", "h"], "needs one plan file"),
        (["--locust-worker", "h", "a.toml", "b.toml"], "needs one plan file"),
        (["--locust-worker", "h", "--users", "5", "plan.toml"], "--users: goes not with --locust-worker"),
        (["--locust-worker", "h", "--rate=5", "plan.toml"], "--rate: goes not with --locust-worker"),
    ],
)
def test_words_that_are_the_masters_part_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        locust.main(words)


@pytest.mark.parametrize(
    ("text", "address"),
    [("h", ("h", 5557)), ("h:1", ("h", 1)), ("[::1]:80", ("[::1]", 80)), ("[::1]", ("[::1]", 5557))],
)
def test_a_masters_port_may_be_left_out(text: str, address: tuple[str, int]) -> None:
    assert locust._address(text) == address


@pytest.mark.parametrize("text", ["", ":5557", "h:", "h:0", "h:65536", "h:x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no HOST or HOST:PORT"):
        locust._address(text)


# ---- figures ----


def second(number: int, **steps: tuple[int, int, list[list[int]]]) -> dict[str, Any]:
    """A line of the stream, of steps with requests, errors and latencies."""
    found: dict[str, Any] = {"second": number, "start": float(number), "end": number + 1.0, "steps": {}, "histograms": {}}  # fmt: skip
    for name, (requests, errors, cells) in steps.items():
        answers = sum(count for _, count in cells)
        total = sum(us * count for us, count in cells) / 1000
        latency = {"mean": total / answers if answers else None, "max": cells[-1][0] / 1000 if cells else None}
        kinds = {"timeout": errors} if errors else {}
        found["steps"][name] = {
            "requests": requests,
            "errors": errors,
            "bytes_in": 100 * answers,
            "errors_by_kind": kinds,
            "latency_ms": latency,
        }
        if cells:
            found["histograms"][name] = {"latency_us": cells}
    return found


def test_a_report_has_what_came_since_the_last_one() -> None:
    stats = locust_stats.Statistics({"a": "GET"}, now=1000.0)
    stats.add(second(0, a=(3, 0, [[1499, 2], [147_000, 1]])), began=1000.5)
    stats.add(second(1, a=(2, 1, [[2500, 1]]), b=(1, 1, [])), began=1000.5)
    report = stats.report(now=1003.0)
    a, b = report["stats"]
    assert a == {
        "name": "a",
        "method": "GET",
        "start_time": 1000.0,
        "last_request_timestamp": 1002.5,
        "num_requests": 5,
        "num_none_requests": 1,
        "num_failures": 1,
        "total_content_length": 400,
        "total_response_time": pytest.approx(152.498),
        "min_response_time": 1.499,
        "max_response_time": 147.0,
        "response_times": {1: 2, 150: 1, 2: 1},
        "num_reqs_per_sec": {1000: 3, 1001: 2},
        "num_fail_per_sec": {1001: 1},
    }
    assert (b["method"], b["num_requests"], b["num_none_requests"], b["min_response_time"]) == ("", 1, 1, None)
    assert (report["stats_total"]["name"], report["stats_total"]["num_requests"]) == ("Aggregated", 6)
    assert sorted((e["name"], e["occurrences"]) for e in report["errors"].values()) == [("a", 1), ("b", 1)]
    empty = stats.report(now=1006.0)
    assert (empty["stats"], empty["errors"], empty["stats_total"]["num_requests"]) == ([], {}, 0)
    assert empty["stats_total"]["start_time"] == 1003.0


def test_methods_are_found_by_the_names_of_steps(tmp_path: Path) -> None:
    (tmp_path / "walk.hurl").write_text(JOURNEY + "```\nPUT /no-request\n```\nHTTP 200\n")
    plan = {"journeys": [{"file": "walk.hurl"}, "missing.hurl", 5]}
    named = {step: method for (method, name), step in STEPS.items() if name == step}
    assert locust_stats.step_methods(plan, str(tmp_path)) == named


@needs_locust
def test_times_are_rounded_as_locust_rounds_them() -> None:
    code = """
import json, sys
from locust.stats import StatsEntry, RequestStats
found = []
for ms in json.load(sys.stdin):
    entry = StatsEntry(RequestStats(), "x", "GET")
    entry.log(ms, 0)
    found.append(next(iter(entry.response_times)))
print(json.dumps(found))
"""
    times = [
        0.0,
        0.4,
        0.5,
        1.5,
        98.6,
        99.4,
        99.5,
        100.0,
        104.9,
        105,
        115,
        147,
        994.9,
        995,
        3432,
        9950,
        10_499,
        58_760.4,
    ]
    ran = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(times), capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(ran.stdout.splitlines()[-1]) == [locust_stats.rounded(ms) for ms in times]
