"""The therapy application under Citrate with a PostgreSQL of its own, and users who walk through it.

The database is made and seeded once a run; each cell starts a server of its own and takes users
nobody has been yet, for what a user has walked stays in their data.  Both engines meet the same
database, one after the other.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from . import proc
from .flow_prepare import environment
from .live import Ports
from .prepare import ROOT, Unprepared, say
from .servers import Paths

EXAMPLE = ROOT / "examples" / "therapy"
ENGINE_OF = {"citrate serafin": "native", "pyparsing engine": "python"}
# As many declared variables as the largest site known has.
VARIABLES = 715
WALKERS = 4
MANY = 10
_READY_SECONDS = 30.0

Figures = dict[str, Any]


class Site:
    """What all cells of a run share; close() ends it.  `short` is the short form."""

    def __init__(self, paths: Paths, short: bool, rounds: int, ports: Ports) -> None:
        self.paths = paths
        self.ports = ports
        self.loops = 4 if short else 12
        self.ramp_s = 2.0 if short else 5.0
        self.visitors = 200 if short else 5000
        # Two kinds of journey with two engines, some to warm up; some more for the ramp.
        self.takers = rounds * 2 * len(ENGINE_OF) * 2 * WALKERS + 2 * MANY
        self._stack = contextlib.ExitStack()
        self._variables = 0
        self.folder = paths.scratch / "therapy"
        self.journey = _module("journey")
        self._env: dict[str, str] = {}

    def open(self) -> None:
        """The database with programmes and users.  Unprepared if something needed is not there."""
        shutil.rmtree(self.folder, ignore_errors=True)
        data = self.folder / "site"
        data.mkdir(parents=True)
        services = _module("services")
        try:
            postgres = self._stack.enter_context(services.postgres(self.folder))
        except services.Missing as e:
            raise Unprepared(str(e)) from e
        self.postgres = _child_named("postgres")
        self._env = {
            **{k: v for k, v in environment(self.paths).items() if not k.startswith("THERAPY_")},
            "THERAPY_DATA": str(data),
            "THERAPY_POSTGRES": postgres,
        }
        users = self.visitors + self.takers
        say(f"bench: therapy: a database with {users} users in {self.folder}")
        self.manage("migrate", "--verbosity", "0")
        self.manage("load_programmes")
        self.manage("seed_users", str(users))
        self.users = self.journey.read_users(data / "users.csv", users)

    def close(self) -> None:
        self._stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def manage(self, *words: str) -> None:
        command = [self.paths.citrate_python, "manage.py", *words]
        ended = subprocess.run(command, cwd=EXAMPLE, env=self._env, capture_output=True, text=True)
        if ended.returncode != 0:
            raise Unprepared(f"manage.py {' '.join(words)} failed:\n{ended.stderr.strip()[-1000:]}")

    def declare(self, variables: int) -> None:
        """At least so many declared variables, used or not."""
        if variables > self._variables:
            self.manage("load_programmes", "--variables", str(variables))
            self._variables = variables

    def take(self, count: int) -> list[tuple[str, str]]:
        """Names and passwords of users nobody has been yet."""
        taken, self.users = self.users[-count:], self.users[:-count]
        assert len(taken) == count
        return taken

    @contextlib.contextmanager
    def server(self, row: str) -> Iterator[tuple[str, int]]:
        """A fresh server with the row's engine: its URL and its process."""
        port = self.ports.take()
        url = f"http://127.0.0.1:{port}"
        command = [
            self.paths.citrate_python,
            "-m",
            "citrate",
            "therapy.wsgi:application",
            "--bind",
            f"127.0.0.1:{port}",
        ]
        env = {**self._env, "THERAPY_ENGINE": ENGINE_OF[row]}
        services = _module("services")
        log = self.folder / "server.log"
        with services.running(command, log, cwd=EXAMPLE, env=env) as process:
            end = time.monotonic() + _READY_SECONDS
            while not self._answers(url):
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"no server: {log.read_text(errors='replace').strip()[-300:]}")
                time.sleep(0.05)
            yield url, process.pid

    def _answers(self, url: str) -> bool:
        result = self.journey.Result()
        walker = self.journey.Walker(url, "", "", result, timeout=5.0)
        try:
            walker.request("login page", "GET", "/login/", 200)
        except (OSError, self.journey.Refused):
            return False
        finally:
            walker.close()
        return True


def measure(site: Site, case: str, row: str) -> Figures:
    """The figures of one cell."""
    try:
        return CASES[case](site, row)
    except (RuntimeError, OSError, subprocess.SubprocessError) as e:
        return {"failed": f"died: {e}"}


def _journey(site: Site, row: str, variables: int = 0) -> Figures:
    """A few users, several journeys each; one journey of theirs before the clock starts."""
    site.declare(variables)
    with site.server(row) as (url, pid):
        warm = site.journey.run(url, site.take(WALKERS), loops=1)
        users = site.take(WALKERS)
        server, postgres = proc.cpu_ns(pid), proc.cpu_ns(site.postgres)
        result = site.journey.run(url, users, loops=site.loops)
        server, postgres = proc.cpu_ns(pid) - server, proc.cpu_ns(site.postgres) - postgres
    errors = warm.errors + result.errors
    if errors:
        return {"failed": f"wrong: {len(errors)} errors, the first: {errors[0]}"}
    return {
        "per_cpu_s": round(result.requests / (server / 1e9), 2),
        "cpu_ms": round(server / 1e6 / result.requests, 4),
        "postgres_ms": round(postgres / 1e6 / result.requests, 4),
        "per_s": round(result.requests / result.seconds, 1),
        "requests": result.requests,
    }


def _journey_declared(site: Site, row: str) -> Figures:
    return _journey(site, row, VARIABLES)


def _ramp(site: Site, row: str) -> Figures:
    """One user more every few seconds."""
    with site.server(row) as (url, _):
        users = site.take(MANY)
        result = site.journey.run(url, users, seconds=site.ramp_s * (MANY + 1), ramp=site.ramp_s)
    return _counted(result)


def _visitors(site: Site, row: str) -> Figures:
    """Everybody once, a few at a time."""
    total = site.journey.Result()
    with site.server(row) as (url, _):
        users = site.users[: site.visitors]
        for start in range(0, len(users), WALKERS):
            result = site.journey.run(url, users[start : start + WALKERS], loops=1)
            total.seconds += result.seconds
            total.errors += result.errors
            for name, times in result.times.items():
                total.times[name] += times
    return {**_counted(total), "users": len(users)}


def _counted(result: Any) -> Figures:
    figures = {"errors": len(result.errors), "requests": result.requests}
    if result.errors:
        figures["first_error"] = result.errors[0][:200]
    ordered = sorted(ms for times in result.times.values() for ms in times)
    if ordered:
        figures["p99_ms"] = round(ordered[len(ordered) * 99 // 100], 2)
        figures["per_s"] = round(result.requests / result.seconds, 1)
    return figures


CASES: dict[str, Callable[[Site, str], Figures]] = {
    "journey": _journey,
    "journey715": _journey_declared,
    "ramp": _ramp,
    "users": _visitors,
}


def _module(name: str) -> ModuleType:
    """A module of the example, which is no package."""
    if str(EXAMPLE) not in sys.path:
        sys.path.insert(0, str(EXAMPLE))
    return __import__(name)


def _child_named(name: str) -> int:
    """The process we started whose program has this name."""
    for pid in proc.tree(os.getpid()):
        stat = Path(f"/proc/{pid}/stat").read_text()
        command, _, rest = stat.partition("(")[2].rpartition(")")
        if command == name and int(rest.split()[1]) == os.getpid():
            return pid
    raise Unprepared(f"{name} was started, but is no child of this process")
