"""bench/load: its plumbing, its honesty about wrong rows, its targets."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cit_cli import ROOT, environment
from load_tool import GENERATOR

sys.path.insert(0, str(ROOT / "bench"))

from citbench import load_cells, load_cli
from citbench.command import quote
from citbench.live import Ports
from citbench.load_report import LoadResults, markdown, summary
from citbench.load_site import PAGE_BYTES, TOKEN, Target, page
from citbench.load_targets import verdicts
from citbench.load_tools import TOOLS, Job
from citbench.load_works import WORKS, rows_of
from citbench.servers import Paths

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")
PORTS = "18700-18799"


def cell(work: str, case: str, row: str, number: int = 0, **figures: Any) -> dict[str, Any]:
    return {"kind": "cell", "setup": work, "work": case, "server": row, "round": number, **figures}


# ---- the command ----


@pytest.fixture(scope="module")
def short_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[dict[str, Any]]]:
    """The tables and the records of a short run, of Citrate and of what is here of Debian's."""
    folder = tmp_path_factory.mktemp("bench")
    command = [sys.executable, str(ROOT / "bench/load"), "--quick", "--work=cost,stall", "--rounds=1", "--seconds=0.5"]
    command += ["--rows=citrate,wrk,FastHttpUser", f"--citrate-python={sys.executable}", "--no-setup"]
    command += [f"--build={folder}", f"--output={folder / 'load.jsonl'}", f"--ports={PORTS}"]
    env = environment(**GENERATOR)
    ran = subprocess.run(command, capture_output=True, text=True, env=env, timeout=110, check=False)
    assert ran.returncode == 0, ran.stderr
    assert (folder / "load.md").read_text() + "\n" == ran.stdout
    return ran.stdout, [json.loads(line) for line in (folder / "load.jsonl").read_text().splitlines()]


@needs_nginx
@pytest.mark.slow
def test_a_short_run_has_what_a_request_costs_and_the_targets(short_run: tuple[str, list[dict[str, Any]]]) -> None:
    tables, (machine, *cells) = short_run
    assert machine["kind"] == "machine"
    assert re.search(r"^\| citrate \| [\d.]+ \(", tables, re.M)
    assert re.search(r"^\| stall: .* \| requests accounted for \| 10,000 .* \| 10,000 ", tables, re.M)
    costs = [c for c in cells if c["setup"] == "cost" and c["server"] == "citrate"]
    assert {c["work"] for c in costs} == {"plain", "page"}
    for found in costs:
        assert "failed" not in found
        assert found["requests"] > 50
        assert 0 < found["cpu_us"] < 1e4
        assert found["site_cpu_us"] > 0


@needs_nginx
@pytest.mark.slow
def test_a_row_that_is_not_here_is_told_and_has_no_figure(short_run: tuple[str, list[dict[str, Any]]]) -> None:
    tables, cells = short_run
    missing = [c for c in cells if c.get("server") == "FastHttpUser"]
    assert missing
    assert all(c["failed"].startswith("not installed: no environment at ") for c in missing)
    assert "| FastHttpUser | not installed: " in tables


@pytest.mark.parametrize(
    ("option", "known"), [("--work=walk", "cost, worker, stall"), ("--rows=oha", "citrate, wrk, h2load, ab")]
)
def test_names_that_are_unknown_end_the_command_with_the_known_ones(
    option: str, known: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load_cli.main([option, "--no-setup"]) == 2
    assert known in capsys.readouterr().err


def test_the_list_names_all_works_and_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert load_cli.main(["--list"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in (*WORKS, *TOOLS))


def test_locust_is_pinned_as_in_the_tests() -> None:
    lines = (ROOT / "bench/requirements-load.txt").read_text().splitlines()
    names = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.\[\]-]+==[\w.]+", name) for name in names), names
    locust = next(name for name in names if name.startswith("locust=="))
    pinned = (ROOT / "tests/requirements.txt").read_text().splitlines()
    assert locust in [line.partition(";")[0] for line in pinned]


def test_every_round_begins_with_another_row_and_nobody_is_asked_what_he_cannot_do() -> None:
    run = load_cli.Run(load_cli._arguments(["--work=cost", "--rounds=2", "--rows=citrate,wrk,h2load"]))
    found = [(case, number, row) for _, case, number, row in run.schedule()]
    assert found == [
        *(("plain", 0, row) for row in ("citrate", "wrk", "h2load")),
        *(("page", 0, row) for row in ("citrate", "wrk")),
        *(("plain", 1, row) for row in ("wrk", "h2load", "citrate")),
        *(("page", 1, row) for row in ("wrk", "citrate")),
    ]
    assert rows_of(WORKS["rate"], "1000") == ("citrate",)


def test_a_long_run_is_short_in_the_short_form() -> None:
    run = load_cli.Run(load_cli._arguments(["--work=long", "--quick"]))
    assert [case for _, case, _, _ in run.schedule()] == ["20"]


# ---- what is asked, and whether it was ----


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    first, _, last = PORTS.partition("-")
    with Target(tmp_path, Ports(int(first), int(last))) as found:
        yield found


def ask(target: Target, path: str, **headers: str) -> tuple[int, bytes, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=5)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.read(), answer.getheader("Set-Cookie")
    connection.close()
    return found


def test_the_page_is_as_long_as_it_is_said_and_has_one_token() -> None:
    assert abs(len(page()) - PAGE_BYTES) < 300
    assert page().count(TOKEN) == 1


@needs_nginx
def test_the_target_counts_and_refuses_a_token_or_a_cookie_that_did_not_come_back(target: Target) -> None:
    assert target.requests() == 0
    assert ask(target, "/")[:2] == (200, b"hello, world\n")
    status, body, cookie = ask(target, "/page")
    assert (status, body.decode(), cookie) == (200, page(), f"csrftoken={TOKEN}; Path=/")
    good = {"X-CSRFToken": TOKEN, "Cookie": f"csrftoken={TOKEN}"}
    assert ask(target, "/next", **good)[0] == 200
    assert target.requests() == 3
    assert target.wrong() == ""
    assert [ask(target, "/next", **{name: good[name]})[0] for name in good] == [403, 403]
    assert '"GET /next HTTP/1.1" 403' in target.wrong()
    assert target.requests() == 5


@needs_nginx
def test_a_claim_that_the_server_has_not_seen_is_wrong(target: Target) -> None:
    for _ in range(3):
        ask(target, "/")
    load_cells._verify(target, 3)
    with pytest.raises(load_cells.Wrong, match="claims 1000 requests, the server has seen 3"):
        load_cells._verify(target, 1000)
    ask(target, "/missing")
    with pytest.raises(load_cells.Wrong, match=r"a wrong request: .*GET /missing"):
        load_cells._verify(target, 4)


JOB = Job(Paths(Path("/v"), "python", Path("/s")), "citrate-load", "http://127.0.0.1:1", Path("/f"), 3, "plain")


@pytest.mark.parametrize(
    ("row", "text", "requests"),
    [
        ("wrk", "  1234 requests in 3.00s, 0.29MB read\n", 1234),
        ("h2load", "requests: 41 total, 41 started, 41 done, 40 succeeded, 1 failed, 1 errored, 0 timeout", 40),
        ("ab", "Complete requests:      512\nFailed requests:        0\n", 512),
        ("HttpUser", 'a warning\n[\n {"num_requests": 3},\n {"num_requests": 4}\n]\nbye\n', 7),
    ],
)
def test_what_a_tool_claims_is_read_from_what_it_says(row: str, text: str, requests: int) -> None:
    assert TOOLS[row].claimed(JOB, text) == requests
    with pytest.raises(ValueError, match="it says nothing of requests: Segmentation fault"):
        TOOLS[row].claimed(JOB, "Segmentation fault")


def test_a_command_that_fails_is_a_row_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise load_cells.Wrong("no end within 3 s")

    monkeypatch.setattr(load_cells, "_cost", breaks)
    context: Any = None
    assert load_cells.measure(context, "cost", "plain", "wrk") == {"failed": "wrong: no end within 3 s"}


# ---- targets and tables ----


def judged(*cells: dict[str, Any]) -> dict[str, bool | None]:
    return {f"{v.work} {v.what}": v.met for v in verdicts(LoadResults(list(cells)))}


def test_cost_is_judged_by_wrks_within_each_round() -> None:
    cells = [cell("cost", "plain", "wrk", n, cpu_us=us) for n, us in enumerate((10.0, 20.0, 10.0))]
    cells += [cell("cost", "plain", "citrate", n, cpu_us=us) for n, us in enumerate((9.0, 19.0, 11.0))]
    cells += [cell("cost", "page", "citrate", n, cpu_us=us) for n, us in enumerate((18.0, 39.0, 25.0))]
    assert judged(*cells) == {
        "cost/plain CPU per request by wrk's": True,
        "cost/page CPU per request by wrk's of a plain GET": False,
    }


def test_a_worker_has_to_be_eight_times_cheaper() -> None:
    cells = [cell("worker", "plain", "FastHttpUser", cpu_us=79.0), cell("worker", "plain", "citrate", cpu_us=10.0)]
    assert list(judged(*cells).values()) == [False]


@pytest.mark.parametrize(("p99", "met"), [(874.0, False), (876.0, True), (924.0, True), (926.0, False)])
def test_a_standing_server_has_to_be_seen_as_long_as_it_stood(p99: float, met: bool) -> None:
    found = judged(cell("stall", "1000", "citrate", p99_ms=p99, p50_ms=0.1, mean_ms=50.0, requests=10_000, errors=0))
    assert found["stall/1000 p99"] is met
    assert {name for name, is_met in found.items() if not is_met} == (set() if met else {"stall/1000 p99"})


def test_rates_users_and_long_runs_have_bounds() -> None:
    found = judged(
        cell("rate", "1000", "citrate", off=0.4, errors=0),
        cell("rate", "20000", "citrate", off=0.6, errors=1),
        cell("users", "10000", "citrate", bytes_each=4097, errors=0),
        cell("long", "600", "citrate", report_s=1.9, rss_mb=65.0),
    )
    assert [name for name, met in found.items() if not met] == [
        "rate/20000 off the rate",
        "rate/20000 errors",
        "users/10000 memory of a user",
        "long/600 memory of the generator",
    ]


def test_a_row_that_failed_is_not_judged() -> None:
    cells = [cell("cost", "plain", "wrk", cpu_us=10.0), cell("cost", "plain", "citrate", failed="wrong: x")]
    assert judged(*cells) == {}


def test_the_tables_go_between_the_marks_of_the_readme() -> None:
    results = LoadResults(
        [cell("cost", "plain", "citrate", cpu_us=6.1), cell("cost", "plain", "ab", failed="wrong: x")]
    )
    text = summary(results, "bench/published/load-x.md")
    assert "| citrate | 6.1 |" in text
    assert "| ab | wrong |" in text
    assert text in quote((ROOT / "README.md").read_text(), text, "load")


def test_a_report_can_be_made_of_what_an_older_run_has_left(tmp_path: Path) -> None:
    kept = tmp_path / "old.jsonl"
    kept.write_text(json.dumps(cell("long", "20", "citrate", report_s=0.5, rss_mb=20.0)) + "\n")
    tables = markdown(LoadResults.load(kept))
    assert "| long: 500,000 requests | report written | <= 2 s | 0.5 s (0.5 to 0.5) | yes |" in tables
