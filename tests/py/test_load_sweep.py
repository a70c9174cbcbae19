"""`citrate load sweep`: workers times clients, each point measured, as a table and in files."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from citrate.errors import ConfigError
from citrate.load import rounds, sweep
from load_tool import load, write_site

SERVER = [sys.executable, "-m", "citrate", "site_under_load"]
SHORT = ["--requests", "40", "--warm", "100ms"]


def result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "sweep.json").read_text())
    return found


def test_each_point_is_measured_and_stands_in_table_and_files(tmp_path: Path) -> None:
    write_site(tmp_path)
    told = load("sweep", "--workers", "1..2", "--clients", "1,3", *SHORT, "--", *SERVER, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("mean time of a request in ms\n\nclients  1 worker  2 workers\n")
    found = result(tmp_path / "sweep")
    assert (found["state"], found["problems"]) == ("finished", [])
    points = found["points"]
    assert [(p["workers"], p["clients"]) for p in points] == [(1, 1), (1, 3), (2, 1), (2, 3)]
    for p in points:
        assert (p["requests"], p["errors"]) == (40, 0)
        assert 0 < p["p50"] <= p["p90"] <= p["p95"] <= p["p99"] <= p["p999"] <= p["max"]
        assert p["rate"] > 0
        assert p["cpu_us"] > 0
        assert f"{p['mean']:.3f}" in told.stdout
    with (tmp_path / "sweep" / "sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(int(r["workers"]), int(r["clients"]), float(r["mean"])) for r in rows] == [
        (p["workers"], p["clients"], pytest.approx(p["mean"])) for p in points
    ]
    for workers in (1, 2):
        log = (tmp_path / "sweep" / "logs" / f"{workers}-workers").read_text()
        assert log.count(" starts\n") == workers


def test_places_in_the_command_are_filled(tmp_path: Path) -> None:
    write_site(tmp_path)
    command = [*SERVER, "-w", "{workers}", "-b", "127.0.0.1:{port}"]
    told = load("sweep", "--workers", "2", "--clients", "1", *SHORT, "--", *command, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert result(tmp_path / "sweep")["command"].count("{workers}") == 1
    assert (tmp_path / "sweep" / "logs" / "2-workers").read_text().count(" starts\n") == 2


def test_several_rounds_are_one_row_and_their_runs_are_kept(tmp_path: Path) -> None:
    write_site(tmp_path)
    argv = ["--clients", "2", "--rounds", "3", *SHORT, "--url", "http://127.0.0.1:{port}/slow"]
    told = load("sweep", *argv, "--", *SERVER, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert len(result(tmp_path / "sweep")["points"]) == 1
    runs = sorted((tmp_path / "sweep" / "runs").glob("*/summary.json"))
    means = sorted(json.loads(p.read_text())["latency_ms"]["mean"] for p in runs)
    assert result(tmp_path / "sweep")["points"][0]["mean"] == means[1]


def test_a_plan_is_walked_with_other_numbers_of_users(tmp_path: Path) -> None:
    write_site(tmp_path)
    (tmp_path / "plan.toml").write_text("url = 'http://127.0.0.1:9/slow'\n[[stages]]\nusers = 9\nfor = '9s'\n")
    argv = ["--clients", "1,2", "--plan", "plan.toml", *SHORT]
    told = load("sweep", *argv, "--", *SERVER, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert [p["requests"] for p in result(tmp_path / "sweep")["points"]] == [40, 40]


def test_points_with_wrong_answers_have_no_speed(tmp_path: Path) -> None:
    write_site(tmp_path)
    argv = ["--clients", "1", "--url", "http://127.0.0.1:{port}/broken", *SHORT]
    told = load("sweep", *argv, "--", *SERVER, cwd=tmp_path)
    assert told.returncode == 1
    assert "1 workers" not in told.stderr
    assert "1 worker, 1 client: 40 of 40 requests were answered wrongly or not at all" in told.stderr
    assert told.stdout.splitlines()[3].split() == ["1", "-"]
    assert result(tmp_path / "sweep")["state"] == "failed"


def test_a_number_of_workers_that_does_not_start_leaves_the_others(tmp_path: Path) -> None:
    write_site(tmp_path)
    code = "import sys; sys.exit('only one, please')"
    shell = (
        f'[ {{workers}} = 1 ] || exec {sys.executable} -c "{code}"; exec {" ".join(SERVER)} --bind 127.0.0.1:{{port}}'
    )
    told = load("sweep", "--workers", "1,2", "--clients", "1", *SHORT, "--", "sh", "-c", shell, cwd=tmp_path)
    assert told.returncode == 1
    assert "only one, please" in told.stderr
    assert [p["workers"] for p in result(tmp_path / "sweep")["points"]] == [1]


@pytest.mark.parametrize(
    "argv, message",
    [
        ([], "sweep: the command that starts the server stands behind --"),
        (["--workers", "few", "--", "x"], "--workers: 'few' is no number or range; allowed: 1..4, or 2,4,5, or both"),
        (["--clients", "0", "--", "x"], "--clients: '0' is no number or range"),
        (["--clients", "3..1", "--", "x"], "--clients: '3..1' is a list of 0 numbers"),
        (["--users", "3", "--", "x"], "sweep: --users has no place here"),
        (["--", "no-such-server"], "no-such-server: No such file or directory"),
    ],
)
def test_what_is_wrong_with_the_words_is_told(tmp_path: Path, argv: list[str], message: str) -> None:
    told = load("sweep", *argv, cwd=tmp_path)
    assert told.returncode == 2
    assert message in told.stderr
    assert "Traceback" not in told.stderr


def test_lists_of_numbers_are_written_as_people_do() -> None:
    assert rounds.whole("1..3,8", "x") == [1, 2, 3, 8]
    assert rounds.whole("5", "x") == [5]
    for text in ("", "1,", "1..", "..3", "-1", "1..2..3"):
        with pytest.raises(ConfigError):
            rounds.whole(text, "x")


def test_places_are_added_when_the_command_has_none() -> None:
    assert sweep._with_places(["s"], True) == ["s", "--workers", "{workers}", "--bind", "127.0.0.1:{port}"]
    assert sweep._with_places(["s", "-b:{port}"], False) == ["s", "-b:{port}"]
