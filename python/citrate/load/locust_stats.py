"""What Locust's master wants to hear of requests, made from the generator's seconds.

A report has an entry for each (name, method) with what came since the last report: counts, sums,
and response times in milliseconds, rounded as Locust rounds them (two digits from 100 ms up), with
the number of requests at each.  Its shape is that of ``locust.stats`` from 2.20 on; the master adds
the reports of all its workers up.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field

from citrate.load.faults import KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    Json = dict[str, Any]


def rounded(ms: float) -> int:
    """Milliseconds as Locust keeps them: 98, 99, 100, 110, … 990, 1000, 1100, …"""
    digits = 0 if ms < 100 else -1 if ms < 1000 else -2 if ms < 10_000 else -3
    return int(round(ms, digits))


@dataclass
class Entry:
    """Requests of one name and method since the last report."""

    name: str
    method: str
    start_time: float
    last: float | None = None
    requests: int = 0
    unanswered: int = 0
    failures: int = 0
    total_ms: float = 0.0
    least_ms: float | None = None
    most_ms: float = 0.0
    bytes: int = 0
    times: dict[int, int] = field(default_factory=dict)
    per_second: dict[int, int] = field(default_factory=dict)
    failures_per_second: dict[int, int] = field(default_factory=dict)

    def add(self, row: Json, histogram: list[list[int]], start: float, end: float) -> None:
        """One second: a row of its figures and the counts of its latencies in us; from start to end, in Unix time."""
        if not row["requests"]:
            return
        answered = 0
        for from_us, count in histogram:
            key = rounded(from_us / 1000)
            self.times[key] = self.times.get(key, 0) + count
            answered += count
        if histogram:
            least = histogram[0][0] / 1000
            self.least_ms = least if self.least_ms is None else min(self.least_ms, least)
            self.most_ms = max(self.most_ms, row["latency_ms"]["max"])
            self.total_ms += row["latency_ms"]["mean"] * answered
        self.requests += row["requests"]
        self.unanswered += row["requests"] - answered
        self.failures += row["errors"]
        self.bytes += row["bytes_in"]
        self.last = end
        second = int(start)
        self.per_second[second] = self.per_second.get(second, 0) + row["requests"]
        if row["errors"]:
            self.failures_per_second[second] = self.failures_per_second.get(second, 0) + row["errors"]

    def report(self) -> Json:
        return {
            "name": self.name,
            "method": self.method,
            "last_request_timestamp": self.last,
            "start_time": self.start_time,
            "num_requests": self.requests,
            "num_none_requests": self.unanswered,
            "num_failures": self.failures,
            "total_response_time": self.total_ms,
            "max_response_time": self.most_ms,
            "min_response_time": self.least_ms,
            "total_content_length": self.bytes,
            "response_times": self.times,
            "num_reqs_per_sec": self.per_second,
            "num_fail_per_sec": self.failures_per_second,
        }


_NAME = re.compile(r"#\s*@name\s+(.*?)\s*$")
_REQUEST = re.compile(r"([A-Z]+)\s+(\S.*?)\s*$")


def step_methods(plan: Json, folder: str) -> dict[str, str]:
    """Methods of the steps with names of their own, of a plan's journeys; a file that is not there has none.

    Only requests and ``# @name`` are looked for: the generator parses the files, and tells what is
    wrong in them.  Of steps of one name the first decides.
    """
    methods: dict[str, str] = {}
    journeys = plan.get("journeys")
    for journey in journeys if isinstance(journeys, list) else []:
        file = journey.get("file") if isinstance(journey, dict) else journey
        try:
            with open(os.path.join(folder, str(file)), encoding="utf-8", errors="replace") as lines:
                for name, method in _steps(lines):
                    methods.setdefault(name, method)
        except OSError:
            continue
    return methods


def _steps(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    name, is_text = "", False
    for line in lines:
        if line.startswith("```"):
            is_text = not is_text
        elif is_text:
            continue
        elif found := _NAME.match(line):
            name = found[1]
        elif (found := _REQUEST.match(line)) and found[1] != "HTTP":
            if name:
                yield name, found[1]
            name = ""


class Statistics:
    """Gathers seconds between reports.

    ``methods`` has the methods of the steps that have names.
    """

    def __init__(self, methods: dict[str, str], now: float) -> None:
        self.methods = methods
        self._clear(now)

    def _clear(self, now: float) -> None:
        self._since = now
        self._entries: dict[str, Entry] = {}
        self._total = Entry("Aggregated", "", now)
        self._errors: dict[str, Json] = {}

    def add(self, second: Json, began: float) -> None:
        """One line of the stream with type "second", of a run that began at Unix time ``began``."""
        start, end = began + second["start"], began + second["end"]
        for step, row in second["steps"].items():
            if not row["requests"]:
                continue
            histogram = second["histograms"].get(step, {}).get("latency_us", [])
            self._entry(step).add(row, histogram, start, end)
            self._total.add(row, histogram, start, end)
            for kind, count in row["errors_by_kind"].items():
                self._error(step, kind, count, end)

    def _entry(self, step: str) -> Entry:
        if step not in self._entries:
            self._entries[step] = Entry(*self._shown(step), self._since)
        return self._entries[step]

    def _shown(self, step: str) -> tuple[str, str]:
        """Name and method."""
        if step not in self.methods and (found := _REQUEST.match(step)):
            # one without a name of its own, "GET {{base}}/path"
            return found[2].removeprefix("{{base}}"), found[1]
        return step, self.methods.get(step, "")

    def _error(self, step: str, kind: str, count: int, when: float) -> None:
        name, method = self._shown(step)
        text = f"{kind}: {KINDS[kind]}" if kind in KINDS else kind
        key = hashlib.sha256(f"{method}.{name}.{text!r}".encode()).hexdigest()
        error = self._errors.setdefault(
            key, {"name": name, "method": method, "error": text, "occurrences": 0, "first_seen": when}
        )
        error["occurrences"] += count
        error["last_seen"] = when

    def report(self, now: float) -> Json:
        """What came since the last report (its members "stats", "stats_total" and "errors"), and begins anew."""
        found: Json = {
            "stats": [entry.report() for entry in self._entries.values()],
            "stats_total": self._total.report(),
            "errors": self._errors,
        }
        self._clear(now)
        return found
