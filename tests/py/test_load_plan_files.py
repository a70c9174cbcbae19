"""Wrong plans and journeys, through the executable: status 2 and the message; the examples of docs/plans.md."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cit_cli import free_port
from citrate.load import native, plan

ROOT = Path(__file__).resolve().parents[2]
URL = "http://127.0.0.1:1/"
TARGET = {"target": "http://127.0.0.1:1", "journeys": ["walk.hurl"]}


def generator(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """citrate-load, without a report."""
    words = [native.find(), "--report", "none", "--live", "off", *map(str, args)]
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=60)


def refused(folder: Path, wrong: dict[str, Any] | str, *options: str, name: str = "plan.json") -> str:
    """The message of a plan that is refused, without the executable's name."""
    (folder / name).write_text(wrong if isinstance(wrong, str) else json.dumps(wrong))
    done = generator(*options, name, cwd=folder)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("citrate-load: ")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("citrate-load: ").rstrip("\n")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "nothing is to be done: journeys or url is missing"),
        ({"url": URL, "user": 5}, "user: there is no such member; did you mean 'users'?"),
        ({"url": URL, "stages": [{"users": 1, "for": "1s"}, {"users": "ten", "for": "1s"}]}, "stages[1].users: 'ten'"),
        ({"url": URL, "stages": [{"rate": 1, "for": "1s"}, {"users": 2, "for": "1s"}]}, "stages[1]: has users, and"),
        (
            {"url": URL, "thresholds": [{"step": "GET/", "p95": "1s"}]},
            "thresholds[0].step: no step is called 'GET/'; did",
        ),
        ({"url": "127.0.0.1:1"}, "url: '127.0.0.1:1' is no address; did you mean http://127.0.0.1:1?"),
        ({"url": "http://ann:secret@127.0.0.1/"}, "url: a user and password do not belong into the URL"),
        ({"url": URL, "data": {"csv": "users.csv"}}, "data.csv: 'users.csv': No such file or directory"),
        ({"url": URL, "cacert": "ca.pem"}, "cacert: ca.pem: No such file or directory"),
        (TARGET, "journeys[0]: walk.hurl: there is no such file"),
        ("{", "line 1, column 2: "),
        ("[1]", "a plan is a table of members"),
    ],
)
def test_a_wrong_plan_ends_with_its_name_and_the_members(
    tmp_path: Path, wrong: dict[str, Any] | str, message: str
) -> None:
    told = refused(tmp_path, wrong)
    assert told.startswith(f"plan.json: {message}")
    assert "secret" not in told


@pytest.mark.parametrize(
    ("journey", "message"),
    [
        ("GET /\nHTTP 200\n[Asserts]\nstatuss == 200\n", "walk.hurl:4:1: "),
        ("# @name log in\nPOST /in\n[Form]\nuser: {{user}}\n", "walk.hurl:4: nothing sets the variable 'user'"),
        ('GET /{{id}}\nHTTP 200\n[Captures]\nid2: jsonpath "$.id"\n', "walk.hurl:1: nothing sets the variable 'id'"),
        ('GET /\nHTTP 200\n[Captures]\nid: regex "("\n', "walk.hurl:4:"),
    ],
)
def test_a_wrong_journey_ends_with_its_file_and_line(tmp_path: Path, journey: str, message: str) -> None:
    (tmp_path / "walk.hurl").write_text(journey)
    assert refused(tmp_path, TARGET).startswith(f"plan.json: {message}")


def test_a_wrong_table_ends_with_its_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text('user,password\nann,x\nben,"y\n')
    told = refused(tmp_path, {"url": URL, "data": {"csv": "users.csv"}})
    assert told == "plan.json: users.csv:3: a quoted field begins here and never ends"


def test_options_over_a_plan_are_checked_like_its_members(tmp_path: Path) -> None:
    assert refused(tmp_path, {"url": URL}, "--users", "ten") == "plan.json: users: 'ten' is not a whole number"
    assert refused(tmp_path, {"url": URL}, "--time", "a while").startswith("plan.json: time: 'a while' is not a time")
    assert refused(tmp_path, {"url": URL}, "--poisson").startswith("plan.json: poisson: is for rates")


def test_names_of_files_begin_at_the_plans_folder(tmp_path: Path) -> None:
    inner = tmp_path / "plans"
    inner.mkdir()
    (inner / "walk.hurl").write_text("GET /\n")
    (inner / "plan.json").write_text(json.dumps(TARGET))
    done = generator("--dry-run", "plans/plan.json", cwd=tmp_path)
    assert done.returncode == 1  # nobody listens there
    (inner / "walk.hurl").unlink()
    done = generator("--dry-run", "plans/plan.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "plans/walk.hurl: there is no such file" in done.stderr


def examples() -> list[tuple[str, str]]:
    """The plans of docs/plans.md: name and TOML."""
    text = (ROOT / "docs" / "plans.md").read_text()
    return re.findall(r"```toml\n# (\w+\.toml).*?\n(.*?)```", text, re.S)


@pytest.mark.parametrize(("name", "toml"), examples())
def test_the_plans_of_the_manual_are_understood(tmp_path: Path, name: str, toml: str) -> None:
    """They are walked where nobody listens: status 1, and not 2."""
    here = f"http://127.0.0.1:{free_port()}"
    (tmp_path / name).write_text(re.sub(r"https?://[\w.:]+", here, toml))
    for journey in ("look-around.hurl", "buy.hurl"):
        (tmp_path / journey).write_text("# @name pay\nGET /\n")
    (tmp_path / "users.csv").write_text("user\nann\n")
    (tmp_path / "plan.json").write_bytes(plan.json_of(plan.read(str(tmp_path / name))))
    done = generator("--dry-run", "plan.json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")


def test_the_manual_names_every_member() -> None:
    """Each name in the reader's tables stands in the manual as code."""
    sources = "".join(path.read_text() for path in (ROOT / "src" / "load").glob("plan*.c"))
    manual = (ROOT / "docs" / "plans.md").read_text()
    told = {word for span in re.findall(r"`([^`\n]+)`", manual) for word in re.findall(r"\w+", span)}
    assert set(re.findall(r'\.name = "(\w+)"', sources)) - told == set()
