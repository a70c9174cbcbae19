"""The therapy application: within its process with either engine, over Citrate, and as `make therapy` runs it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cit_cli import ROOT, environment, free_port, serving
from therapy_site import MANAGE, SITE, checks, journey, manage, postgres, services

pytestmark = pytest.mark.timeout(600)

ENGINES = ["native", "python"]


# ---- within its process ----


def portrait(engine: str, folder: Path, options: list[str] | None = None, **env: str) -> dict[str, object]:
    """Runs checks of the application with an engine; what its journey showed, kept and told."""
    out = folder / f"{engine}.json"
    env |= {"THERAPY_ENGINE": engine, "THERAPY_DATA": str(folder / engine), "PORTRAIT": str(out)}
    checks("check_app.py", options=options, **env)
    return dict(json.loads(out.read_text()))


FEW = ["-k", "journey or events_tell or visitor_walks or delayed"]


def test_both_engines_give_the_same_pages_data_and_events(tmp_path: Path) -> None:
    native, python = portrait("native", tmp_path), portrait("python", tmp_path, FEW)
    assert native == python
    assert len(native["pages"]) == 11  # type: ignore[arg-type]
    assert len(native["events"]) > 50  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_all_of_it_on_postgresql(engine: str, tmp_path: Path) -> None:
    with postgres(tmp_path) as conninfo:
        portrait(engine, tmp_path, THERAPY_POSTGRES=conninfo)


@pytest.mark.slow
@pytest.mark.parametrize("lineage", ["A", "B+refresh"])
def test_the_other_lineages_agree_with_their_reference(lineage: str, tmp_path: Path) -> None:
    native, python = (portrait(engine, tmp_path, FEW, THERAPY_LINEAGE=lineage) for engine in ENGINES)
    assert native == python


# ---- over Citrate ----


@pytest.fixture(scope="module", params=ENGINES)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, int]]:
    """The application with SQLite under `manage.py runcitrate`: its URL, its users' CSV, its process."""
    folder = tmp_path_factory.mktemp("site")
    env = {"THERAPY_ENGINE": request.param, "THERAPY_DATA": str(folder)}
    manage("migrate", "--verbosity", "0", **env)
    manage("load_programmes", **env)
    manage("seed_users", "10", **env)
    url = f"http://127.0.0.1:{free_port()}"
    arguments = ["runcitrate", url.removeprefix("http://"), "--workers", "2", "--threads", "4"]
    with serving(*arguments, command=MANAGE, cwd=SITE, env=env, log=folder / "log", url=url + "/home") as server:
        yield url, folder / "users.csv", server.process.pid
        assert server.stop() == 0, server.output()
        assert "Traceback" not in server.output()


def test_ten_users_walk_without_an_error(site: tuple[str, Path, int]) -> None:
    url, csv, pid = site
    result = journey.run(url, journey.read_users(csv, 10), loops=2, pid=pid)
    assert result.errors == []
    assert {name: len(times) for name, times in result.times.items()} == {
        name: 10 if name in ("login page", "log-in") else 20 for name in journey.NAMES
    }
    summary = result.summary()
    assert summary["requests"] == 10 * (2 + 2 * 11)
    assert result.cpu is not None and result.cpu > 0
    table = journey.report(result)
    assert "0 errors" in table
    assert all(name in table for name in journey.NAMES)


def test_the_driver_notices_what_is_wrong(site: tuple[str, Path, int]) -> None:
    url, csv, _ = site
    (name, password), other = journey.read_users(csv, 2)
    result = journey.run(url, [(name, password + "x")], loops=1)
    assert re.search("log-in: status 200 instead of 302", result.errors[0])
    walker = journey.Walker(url, *other, journey.Result())
    walker.log_in()
    with pytest.raises(journey.Refused, match="'Whenever you like' instead of 'Why it works'"):
        walker.walk([journey.STEPS[0], ({"agree": "later"}, "Why it works")])
    walker.close()


def test_the_scripts_and_styles_of_the_pages_are_served(site: tuple[str, Path, int]) -> None:
    url, _, _ = site
    walker = journey.Walker(url, "", "", journey.Result())
    page = walker.request("step 0", "GET", "/sleep/", 200)
    links = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(links) >= 3
    for link in links:
        assert walker.request("step 0", "GET", link, 200)
    walker.close()


# ---- as make therapy runs it ----


@pytest.mark.slow
def test_the_whole_site_with_its_services(tmp_path: Path) -> None:
    """PostgreSQL, Redis, Huey's consumer and Citrate from one command; a delayed step comes through the queue."""
    try:
        with services.redis(tmp_path / "try"), services.postgres(tmp_path / "try", durable=False):
            pass
    except services.Missing as error:
        pytest.skip(str(error))
    port = free_port()
    command = [sys.executable, str(SITE / "run"), "--python", sys.executable, "--folder", str(tmp_path)]
    command += ["--users", "10", "--throw-away", "--bind", f"127.0.0.1:{port}"]
    log = tmp_path / "run.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=out, stderr=out, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: process.poll() is not None or "Ctrl-C stops it all" in log.read_text(), 120)
        until(lambda: process.poll() is not None or "worker" in log.read_text().split("Ctrl-C")[-1], 30)
        assert process.poll() is None, log.read_text()
        env = dict(re.findall(r"^(\w+)='(.*)'$", (tmp_path / "env").read_text(), re.M))
        # A day of the delay becomes two seconds.
        query = "from system.models import *; ProgramUserAccess.objects.update(time_factor=2 / 86400)"
        manage("shell", "-c", query, **env)
        users = journey.read_users(tmp_path / "site/users.csv", 10)
        # Once: a delayed step that comes while its user walks on moves them, as it should.
        result = journey.run(url, users, loops=1)
        assert result.errors == [], log.read_text()
        ask = "from system.models import *; print('asked', Outbox.objects.filter(kind='sms').count())"
        asked = until(lambda: int(re.findall(r"asked (\d+)", manage("shell", "-c", ask, **env))[0]) == 10, 90)
        assert asked, (tmp_path / "worker.log").read_text()
        phone = re.findall(
            r"phone (\+\d+)",
            manage("shell", "-c", "from users.models import *; print('phone', User.objects.get(pk=2).phone)", **env),
        )[0]
        manage("answer_sms", phone, "good", **env)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log.read_text()
    assert "Stopped." in log.read_text()
    assert "Traceback" not in log.read_text(), log.read_text()
    assert "ERROR" not in (tmp_path / "worker.log").read_text(), (tmp_path / "worker.log").read_text()


def until(what: object, seconds: float) -> object:
    """Waits until what() is true; its last value."""
    end = time.monotonic() + seconds
    while not (value := what()) and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.1)
    return value
