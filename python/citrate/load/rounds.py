"""One measured run of compare and sweep: a warm-up, the run, and what the server used for it."""

from __future__ import annotations

import os

from citrate.errors import ConfigError
from citrate.load import plan as plans
from citrate.load import runs, target
from citrate.load.served import Served

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from citrate.load.options import Given
    from citrate.load.plan import Plan

URL = "http://127.0.0.1:{port}/"
WRONG_SHARE = 0.01
"""A run with more errors than this is no measurement of speed."""
_LENGTH = ("--time", "--requests", "--warm")
_NOT_WARM = ("stages", "time", "requests", "warm", "thresholds", "rate")


class What:
    """What is asked of the server: an address (which may hold {port}) or a plan."""

    __slots__ = ("folder", "name", "plan", "url", "warm")

    def __init__(self, text: str, warm: str):
        """``warm``: the length of the warm-up, unless the plan has another one."""
        self.name = text
        self.folder = "."
        self.warm = warm
        self.plan: Plan | None = None
        self.url = text
        if runs.is_plan(text):
            self.plan = plans.read(text)
            self.warm = str(self.plan.pop("warm", warm))
            self.folder = os.path.dirname(text) or "."
            self.url = plans.target_of(self.plan)

    def at(self, served: Served | None) -> str | Plan:
        """The same at a server that has been started."""
        if served is None:
            return self.url if self.plan is None else self.plan
        if self.plan is None:
            return served.url(self.url)
        return plans.aimed(self.plan, f"http://127.0.0.1:{served.port}")

    @property
    def path(self) -> str:
        """What to ask a server for to see whether it answers."""
        return "/" + self.url.partition("://")[2].partition("/")[2]

    @property
    def is_open(self) -> bool:
        plan = self.plan or {}
        return "rate" in plan or any("rate" in stage for stage in plan.get("stages", []) if isinstance(stage, dict))


class Point:
    """One run's figures: the summary, and the server's CPU time for each request in µs (None: not known)."""

    __slots__ = ("cpu_us", "summary")

    def __init__(self, summary: dict[str, Any], cpu_seconds: float):
        self.summary = summary
        self.cpu_us = cpu_seconds * 1e6 / summary["requests"] if cpu_seconds and summary["requests"] else None

    @property
    def wrong(self) -> str:
        """Why this is no measurement of speed; "" when it is one."""
        requests, errors = self.summary["requests"], self.summary["errors"]
        if requests == 0:
            return "no request came to its end" + self._example()
        if errors > WRONG_SHARE * requests or self.summary["state"] == "failed":
            return f"{errors:,} of {requests:,} requests were answered wrongly or not at all" + self._example()
        return ""

    def _example(self) -> str:
        examples = self.summary.get("examples") or []
        return f", e.g. {examples[0]['text']}" if examples else ""

    def row(self) -> dict[str, Any]:
        """For the files: times in ms."""
        names = ("mean", "p50", "p90", "p95", "p99", "p999", "max")
        latency = {name: self.summary["latency_ms"].get(name) for name in names}
        rest = {name: self.summary[name] for name in ("requests", "errors", "seconds", "rate")}
        return {**rest, **latency, "cpu_us": self.cpu_us, "share": self.summary["generator"]["share"]}


def measure(what: What, given: Given, warm: float, folder: str, served: Served | None = None) -> Point:
    """Warm the server up, then measure.  ConfigError, RuntimeError, Dead."""
    asked = what.at(served)
    if warm > 0:
        _warm_up(what, asked, given, warm, folder)
    cpu = _clock(what, served)
    before = cpu()
    summary = runs.measure(given, asked, folder, watch=False, relative_to=what.folder)
    used = cpu() - before
    if served is not None:
        served.check()
    return Point(summary, used)


def _warm_up(what: What, asked: str | Plan, given: Given, seconds: float, folder: str) -> None:
    import tempfile

    given = given.plus(("--time", f"{seconds:g}s"), without=[*_LENGTH, "--rate"])
    if isinstance(asked, dict):
        users = [stage.get("users", 0) for stage in asked.get("stages", []) if isinstance(stage, dict)]
        asked = {name: value for name, value in asked.items() if name not in _NOT_WARM}
        asked.setdefault("users", max([u for u in users if isinstance(u, int)], default=10))
    with tempfile.TemporaryDirectory(prefix="citrate-load-") as scratch:
        runs.measure(given, asked, os.path.join(scratch, "run"), watch=False, relative_to=what.folder)


def _clock(what: What, served: Served | None) -> Callable[[], float]:
    """The CPU time of the server so far, in seconds; always 0 for one that is not on this machine."""
    if served is not None:
        return served.cpu_seconds
    group = target.Target(what.url, search=0.0).group
    return lambda: group.cpu_ns() / 1e9


def whole(text: str, name: str) -> list[int]:
    """Numbers as people list them: 1..4, or 2,4,5, or both.  ConfigError."""
    found: list[int] = []
    for part in text.split(","):
        first, dots, last = part.partition("..")
        if not first.isdecimal() or (dots and not last.isdecimal()) or int(first) < 1:
            raise ConfigError(f"{name}: {part!r} is no number or range; allowed: 1..4, or 2,4,5, or both")
        found += range(int(first), int(last or first) + 1)
    if not found or len(found) > 1000:
        raise ConfigError(f"{name}: {text!r} is a list of {len(found)} numbers; allowed: 1 to 1000")
    return found
