#!/usr/bin/env python3
"""Users who walk through the first week of the sleep programme, again and again, and a report.

    examples/therapy/journey.py --csv examples/therapy/var/users.csv --users 10 --seconds 60

A journey is 13 requests: the log-in page, the log-in, the page load that starts the session anew
(step 0), and ten POSTs of answers (steps 1 to 10).  Each user logs in once and then repeats the
last eleven.  Every answer is checked: its status, and the title of the page it brings.  Times are
in milliseconds, from the first byte sent to the last byte read; nothing is paced, so they say how
long one user waits while so many others do the same.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import json
import re
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
SHELL_TOKEN = re.compile(r'csrf_token = "(\w+)"')
HEADS = {"Accept-Encoding": "identity", "User-Agent": "journey"}
SLUG = "/sleep/"

# Steps 1 to 10: what is entered on a page, and the title of the page after it.
STEPS: list[tuple[dict[str, object], str]] = [
    (
        {
            "nickname": "Ada",
            "age": 67,
            "bed_hour": 22.5,
            "up_hour": 7.5,
            "latency": 60,
            "awake": 60,
            "bad_nights": 5,
            "coffee": 5,
            "alcohol": 8,
            "screens": ["phone", "book"],
            "timer": 41234,
        },
        "Less bed, more sleep",
    ),
    ({"agree": "yes", "timer": 9120}, "Why it works"),
    ({"quiz_pressure": "takes", "timer": 15300}, "The evening before"),
    ({"evening": "coffee", "timer": 8800}, "Your bedroom"),
    ({"room": "warm", "timer": 6400}, "An hour to get up"),
    ({"fixed_hour": 6.5, "timer": 7100}, "A diary of nights"),
    ({"diary": "Awake at three, asleep again at four.", "timer": 22400}, "How the day goes"),
    ({"mood": 6, "expression_progress": "$progress + 10", "timer": 5200}, "What could get in the way"),
    ({"obstacles": ["worry", "work"], "timer": 9900}, "Putting worries aside"),
    ({"worry_hour": 17, "worry": "The letter from the bank", "timer": 31000}, "Until tomorrow"),
]
NAMES = ["login page", "log-in", *(f"step {n}" for n in range(len(STEPS) + 1))]


@dataclass
class Result:
    """What was measured: milliseconds by name of the request, errors as texts, CPU seconds of the server."""

    times: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in NAMES})
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float | None = None

    @property
    def requests(self) -> int:
        return sum(map(len, self.times.values()))

    def summary(self) -> dict[str, object]:
        """The numbers of the report, for programs."""
        steps = [ms for name, times in self.times.items() if name.startswith("step") for ms in times]
        return {
            "requests": self.requests,
            "errors": len(self.errors),
            "seconds": round(self.seconds, 3),
            "per_second": round(self.requests / self.seconds, 2) if self.seconds else None,
            "cpu_ms_per_request": round(self.cpu * 1000 / self.requests, 3) if self.cpu and self.requests else None,
            "steps": describe(steps),
            "by_request": {name: describe(times) for name, times in self.times.items()},
        }


def describe(times: list[float]) -> dict[str, float]:
    """Count, mean and percentiles of milliseconds."""
    if not times:
        return {"count": 0}
    ordered = sorted(times)
    points = {f"p{p}": ordered[min(len(ordered) - 1, len(ordered) * p // 100)] for p in (50, 90, 95, 99)}
    every = {"mean": sum(ordered) / len(ordered), **points, "max": ordered[-1]}
    return {"count": len(ordered), **{name: round(value, 2) for name, value in every.items()}}


class Refused(Exception):
    """An answer that is not the expected one."""


class Walker:
    """One user with one connection and cookies."""

    def __init__(self, url: str, username: str, password: str, result: Result, timeout: float = 30.0) -> None:
        parts = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=timeout)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.username, self.password, self.result = username, password, result
        self.cookies: dict[str, str] = {}
        self.token = ""

    def log_in(self) -> None:
        """The first two requests."""
        page = self.request("login page", "GET", "/login/", 200)
        self.token = self.found(TOKEN, page)
        form = {"username": self.username, "password": self.password, "csrfmiddlewaretoken": self.token}
        kind = "application/x-www-form-urlencoded"
        self.request("log-in", "POST", "/login/", 302, urllib.parse.urlencode(form), kind)

    def walk(self, steps: Iterable[tuple[dict[str, object], str]] = STEPS) -> list[dict[str, object]]:
        """The other eleven; returns the pages of the ten."""
        self.token = self.found(SHELL_TOKEN, self.request("step 0", "GET", SLUG, 200))
        pages = []
        for number, (answers, title) in enumerate(steps, start=1):
            body = json.dumps(answers)
            page = json.loads(self.request(f"step {number}", "POST", "/api/?next=1", 200, body, "application/json"))
            if page["title"] != title:
                raise Refused(f"step {number}: {page['title']!r} instead of {title!r}")
            pages.append(page)
        return pages

    def request(self, name: str, method: str, path: str, status: int, body: str = "", kind: str = "") -> str:
        heads = {**HEADS, "Cookie": "; ".join(f"{key}={value}" for key, value in self.cookies.items())}
        if body:
            heads |= {"Content-Type": kind, "X-CSRFToken": self.token, "Referer": self.origin + path}
            heads["X-Requested-With"] = "XMLHttpRequest"
        began = time.perf_counter()
        self.connection.request(method, path, body or None, heads)
        response = self.connection.getresponse()
        text = response.read().decode()
        self.result.times[name].append((time.perf_counter() - began) * 1000)
        for line in response.headers.get_all("Set-Cookie") or ():
            key, _, value = line.partition(";")[0].partition("=")
            self.cookies[key] = value
        if response.status != status:
            raise Refused(f"{name}: status {response.status} instead of {status}: {text[:200]!r}")
        return text

    def found(self, pattern: re.Pattern[str], text: str) -> str:
        match = pattern.search(text)
        if match is None:
            raise Refused(f"no {pattern.pattern!r} in {text[:200]!r}")
        return match[1]

    def close(self) -> None:
        self.connection.close()


def read_users(path: Path, count: int) -> list[tuple[str, str]]:
    """Names and passwords of the first users of a CSV that seed_users wrote."""
    with path.open(newline="") as file:
        users = [(row["username"], row["password"]) for row, _ in zip(csv.DictReader(file), range(count), strict=False)]
    if len(users) < count:
        raise ValueError(f"{path} has {len(users)} users, not {count}: manage.py seed_users {count}")
    return users


def run(
    url: str,
    users: list[tuple[str, str]],
    *,
    loops: int | None = None,
    seconds: float | None = None,
    ramp: float = 0.0,
    pid: int | None = None,
) -> Result:
    """Walks with all users at once, each in a thread, so many loops or seconds.

    `ramp` seconds pass between one user's start and the next one's.  `pid` is the server's; its
    CPU time and that of its children is counted.  A user whose answer is wrong logs in again.
    """
    result = Result()
    began, cpu = time.monotonic(), cpu_seconds(pid) if pid else None

    def goes_on(walked: int) -> bool:
        if loops is not None:
            return walked < loops
        return time.monotonic() - began < (seconds or 0)

    threads = [threading.Thread(target=_live, args=(url, *user, result, goes_on), daemon=True) for user in users]
    for thread in threads:
        thread.start()
        if ramp and goes_on(0):
            time.sleep(ramp)
    for thread in threads:
        thread.join()
    result.seconds = time.monotonic() - began
    if pid and cpu is not None:
        result.cpu = cpu_seconds(pid) - cpu
    return result


def _live(url: str, username: str, password: str, result: Result, goes_on: Callable[[int], bool]) -> None:
    walked, walker = 0, None
    while goes_on(walked):
        walked += 1
        try:
            if walker is None:
                walker = Walker(url, username, password, result)
                walker.log_in()
            walker.walk()
        except (Refused, OSError, http.client.HTTPException, ValueError) as error:
            result.errors.append(f"{username}: {type(error).__name__}: {error}")
            if walker is not None:
                walker.close()
            walker = None
            time.sleep(0.05)
    if walker is not None:
        walker.close()


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and all below it, those that have ended included."""
    tick = 100.0  # USER_HZ, the same on every Linux
    total, children = 0.0, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        fields = text[text.rfind(")") + 2 :].split()
        children.setdefault(int(fields[1]), []).append((int(stat.parent.name), fields))
        if int(stat.parent.name) == pid:
            total += sum(map(int, fields[11:15])) / tick
    waiting = [pid]
    while waiting:
        for child, fields in children.get(waiting.pop(), ()):
            total += sum(map(int, fields[11:15])) / tick
            waiting.append(child)
    return total


def report(result: Result) -> str:
    """The table people read."""
    lines = [f"{'request':<12}{'count':>8}{'mean':>9}{'p50':>9}{'p90':>9}{'p95':>9}{'p99':>9}{'max':>9}   ms"]
    summary = result.summary()
    rows = {**summary["by_request"], "all steps": summary["steps"]}  # type: ignore[dict-item]
    for name, row in rows.items():
        if row["count"]:
            cells = "".join(f"{row[key]:>9.1f}" for key in ("mean", "p50", "p90", "p95", "p99", "max"))
            lines.append(f"{name:<12}{row['count']:>8}{cells}")
    cpu = summary["cpu_ms_per_request"]
    lines.append(
        f"{summary['requests']} requests in {result.seconds:.1f} s, {summary['per_second']} a second, "
        f"{len(result.errors)} errors" + (f", {cpu} ms of the server's CPU each" if cpu is not None else "")
    )
    return "\n".join([*lines, *result.errors[:10]])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--csv", type=Path, default=Path(__file__).resolve().parent / "var/users.csv")
    parser.add_argument("--users", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--loops", type=int, help="so many rounds of each user, instead of --seconds")
    parser.add_argument("--ramp", type=float, default=0.0, metavar="SECONDS", help="between one user and the next")
    parser.add_argument("--pid", type=int, help="the server's process: its CPU time is counted")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of a table")
    args = parser.parse_args()
    users = read_users(args.csv, args.users)
    result = run(args.url, users, loops=args.loops, seconds=args.seconds, ramp=args.ramp, pid=args.pid)
    print(json.dumps(result.summary()) if args.json else report(result))
    return 1 if result.errors else 0


if __name__ == "__main__":
    sys.exit(main())
