"""The plans that ship (examples/load), each against the application it is for: a few seconds, no error."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cit_cli import ROOT, free_port, run, serving
from load_tool import load, site, summary

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytest.importorskip("django")

PLANS = ROOT / "examples/load"
MANAGE = [sys.executable, "manage.py"]
VECTORS = ROOT / "tests/vectors/load"


def aimed(folder: Path, plan: Path, url: str, **members: Any) -> Path:
    """The plan with another target, shorter, its users elsewhere; the journeys are the shipped ones."""
    found = {**tomllib.loads(plan.read_text()), **members}
    for journey in found.get("journeys", ()):
        if isinstance(journey, dict):
            journey["file"] = str(plan.parent / journey["file"])
    found["journeys"] = [str(plan.parent / j) if isinstance(j, str) else j for j in found.get("journeys", ())]
    if "url" in found:
        del found["journeys"]
        found["url"] = url + "/"
    else:
        found["target"] = url
    path = folder / f"{plan.stem}.json"
    path.write_text(json.dumps(found))
    return path


def walk(folder: Path, plan: Path, *options: str) -> dict[str, Any]:
    """Runs a plan; its summary.  No threshold that ships may be passed by errors."""
    ran = load(str(plan), "--report", str(folder / "report"), "--live", "off", *options, timeout=100)
    assert ran.returncode in (0, 99), ran.stdout + ran.stderr
    found = summary(folder / "report")
    assert found["examples"] == []
    assert found["errors"] == 0
    return found


# ---- one page ----


def test_hello_asks_for_one_page(tmp_path: Path) -> None:
    with site(tmp_path) as (url, _):
        found = walk(tmp_path, aimed(tmp_path, PLANS / "hello.toml", url, time="2s", warm="0s"))
    assert found["requests"] > 100
    assert found["codes"] == {"200": found["requests"]}


# ---- readers and editors on the example site ----


@pytest.fixture(scope="module")
def django_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("django")
    env = {"SITE_DATA": str(folder)}
    made = run("prepare", command=MANAGE, cwd=ROOT / "examples/site", env=env, timeout=60)
    assert made.returncode == 0, made.stderr
    url = f"http://127.0.0.1:{free_port()}"
    words = ["site_example.wsgi:application", "--bind", url.removeprefix("http://")]
    with serving(*words, log=folder / "log", url=url, cwd=ROOT / "examples/site", env=env) as running:
        yield url
        assert "Traceback" not in running.output()


READER = {"front page", "read a long page", "guest book"}
EDITOR = {"log-in page", "log in", "list of entries", "new entry", "save", "change", "delete", "deleted"}


@pytest.mark.slow
def test_readers_read_while_editors_edit(django_site: str, tmp_path: Path) -> None:
    plan = tomllib.loads((PLANS / "reader-editor/plan.toml").read_text())
    journeys = [{**j, "think": "1ms..5ms", "weight": 1} for j in plan["journeys"]]
    stages, path = [{"users": 3, "for": "60s"}], PLANS / "reader-editor/plan.toml"
    found = walk(tmp_path, aimed(tmp_path, path, django_site, journeys=journeys, stages=stages, requests=150))
    steps = found["steps"]
    assert set(steps) == READER | EDITOR
    # Each user once, whatever came before.
    assert 1 <= steps["log in"]["requests"] == steps["log-in page"]["requests"] <= 3
    assert steps["list of entries"]["requests"] > 3
    assert steps["deleted"]["requests"] > 0
    assert steps["save"]["codes"] == {"302": steps["save"]["requests"]}


def test_a_dry_run_walks_every_journey_once(django_site: str, tmp_path: Path) -> None:
    plan = aimed(tmp_path, PLANS / "reader-editor/plan.toml", django_site)
    told = load(str(plan), "--dry-run", "--report", "none")
    assert told.returncode == 0, told.stdout + told.stderr
    text = told.stdout + told.stderr
    for name in READER | EDITOR:
        assert name in text, text


@pytest.mark.slow
def test_a_recording_of_firefox_can_be_walked_after_its_import(django_site: str, tmp_path: Path) -> None:
    made = load("import", str(VECTORS / "book-firefox.har"), "--no-static", "-o", str(tmp_path / "book"))
    assert made.returncode == 0, made.stderr
    (page,) = (tmp_path / "book").glob("*.hurl")
    page.write_text(re.sub(r"# @think .*\n", "", page.read_text()))
    plan = aimed(tmp_path, tmp_path / "book/plan.toml", django_site, stages=[{"users": 2, "for": "2s"}])
    found = walk(tmp_path, plan)
    assert found["steps"]["POST /book/"]["codes"] == {"302": found["steps"]["POST /book/"]["requests"]}
    assert found["steps"]["POST /book/"]["requests"] > 2


# ---- the therapy application ----


@pytest.fixture(scope="module")
def therapy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The application with SQLite and tasks in the same process, as its page shows it."""
    import therapy_site

    folder = tmp_path_factory.mktemp("therapy")
    env = {"THERAPY_DATA": str(folder)}
    therapy_site.manage("migrate", "--verbosity", "0", **env)
    therapy_site.manage("load_programmes", **env)
    therapy_site.manage("seed_users", "10", **env)
    url = f"http://127.0.0.1:{free_port()}"
    words = ["runcitrate", url.removeprefix("http://")]
    with serving(*words, command=MANAGE, cwd=therapy_site.SITE, env=env, log=folder / "log", url=url + "/home") as up:
        yield url, folder / "users.csv"
        assert "Traceback" not in up.output()


STEPS = {"login page", "log-in", *(f"step {number}" for number in range(11))}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("incremental", {"stages": [{"users": 4, "step": 1, "every": "1s"}, {"users": 4, "for": "1s"}]}),
        ("constant", {"time": "5s", "warm": "0s"}),
    ],
)
def test_users_walk_through_the_therapy_application(
    therapy: tuple[str, Path], tmp_path: Path, name: str, members: dict[str, Any]
) -> None:
    url, users = therapy
    data = {"csv": str(users), "when_out": "again"}
    found = walk(tmp_path, aimed(tmp_path, PLANS / f"therapy/{name}.toml", url, data=data, **members))
    steps = found["steps"]
    assert set(steps) == STEPS
    walkers = 4 if name == "incremental" else 2
    assert steps["log-in"]["requests"] == steps["login page"]["requests"] == walkers
    assert steps["step 10"]["requests"] >= walkers
    assert steps["log-in"]["codes"] == {"302": walkers}
    assert found["rounds"] >= walkers


def test_the_plan_walks_as_the_applications_own_driver_does() -> None:
    pytest.importorskip("huey")
    import therapy_site

    text = (PLANS / "therapy/therapy.hurl").read_text()
    blocks = text.split("# @name ")[1:]
    assert [block.partition("\n")[0] for block in blocks] == therapy_site.journey.NAMES
    for block, (answers, title) in zip(blocks[3:], therapy_site.journey.STEPS, strict=True):
        body = re.search(r"^\{\n.*?^\}\n", block, re.M | re.S)
        assert body is not None and json.loads(body[0]) == answers
        assert f'jsonpath "$.title" == "{title}"' in block


# ---- as they ship ----


@pytest.mark.parametrize("plan", sorted(PLANS.rglob("*.toml")), ids=lambda path: path.stem)
def test_every_plan_that_ships_goes_to_this_machine_and_names_files_that_are_there(plan: Path) -> None:
    found = tomllib.loads(plan.read_text())
    assert re.match(r"http://127\.0\.0\.1:8000\b", found.get("target", found.get("url")))
    for journey in found.get("journeys", ()):
        file = journey if isinstance(journey, str) else journey["file"]
        assert (plan.parent / file).is_file()
    assert f"citrate load {plan.relative_to(ROOT)}" in plan.read_text()
    assert plan.name in (PLANS / "README.md").read_text() or plan.parent.name in (PLANS / "README.md").read_text()


def test_the_therapy_plans_last_as_long_as_they_say() -> None:
    plan = tomllib.loads((PLANS / "therapy/incremental.toml").read_text())
    rising, holding = plan["stages"]
    assert (rising, holding) == ({"users": 10, "step": 1, "every": "30s"}, {"users": 10, "for": "1m"})
    assert 10 * 30 + 60 == 6 * 60
    constant = tomllib.loads((PLANS / "therapy/constant.toml").read_text())
    assert (constant["users"], constant["time"]) == (2, "3m")


@pytest.mark.parametrize("journey", sorted(PLANS.rglob("*.hurl")), ids=lambda path: path.stem)
def test_journeys_keep_what_only_the_generator_knows_in_comments(journey: Path) -> None:
    sections = set(re.findall(r"^\[(\w+)\]$", journey.read_text(), re.M))
    known = {"Query", "Form", "Multipart", "Cookies", "Options", "Captures", "Asserts", "BasicAuth"}
    assert sections <= known
    assert not re.search(r"^[^#\n]*\b(css|@name|@once)\b", journey.read_text(), re.M)
