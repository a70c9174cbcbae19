"""The generators bench/load compares: their commands for each work, and what they claim to have done."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .servers import BENCH, Paths

CONNECTIONS = 64
LOCUSTFILE = BENCH / "load_locustfile.py"
JOURNEY = """\
# @once
GET {{base}}/page
HTTP 200
[Captures]
token: xpath "string(//input[@name='csrfmiddlewaretoken']/@value)"

GET {{base}}/next
X-CSRFToken: {{token}}
HTTP 200
[Captures]
token: xpath "string(//input[@name='csrfmiddlewaretoken']/@value)"
"""


@dataclass(frozen=True)
class Job:
    """One run of a tool."""

    paths: Paths
    generator: str
    """Path of citrate-load."""
    url: str
    """Of the target, without a path."""
    folder: Path
    """For files of this run; fresh."""
    seconds: int
    work: str
    """plain or page"""


@dataclass(frozen=True)
class Tool:
    name: str
    settings: str
    command: Callable[[Job], list[str]]
    claimed: Callable[[Job, str], int]
    """How many requests it says it has had answered; of its output."""
    works: tuple[str, ...] = ("plain", "page")
    user: str = ""
    """Of Locust: which client."""
    distribution: str = ""
    """Whose version is told."""

    def environment(self, job: Job) -> dict[str, str]:
        return {"BENCH_USER": f"{self.user}-{job.work}"} if self.user else {}


def _citrate(job: Job) -> list[str]:
    options = ["--report", str(job.folder / "report"), "--live", "off", "--threads", "1"]
    options += ["--users", str(CONNECTIONS), "--time", f"{job.seconds}s"]
    if job.work == "plain":
        return [job.generator, *options, job.url + "/"]
    (job.folder / "page.hurl").write_text(JOURNEY)
    plan = job.folder / "plan.json"
    plan.write_text(json.dumps({"target": job.url, "journeys": ["page.hurl"]}))
    return [job.generator, *options, str(plan)]


def _wrk(job: Job) -> list[str]:
    # Its thread keeps one token for all connections, which is less work than one for each.
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{job.seconds}s"]
    if job.work == "page":
        return [*command, "-s", str(BENCH / "load_wrk.lua"), job.url + "/page"]
    return [*command, job.url + "/"]


def _h2load(job: Job) -> list[str]:
    return ["h2load", "--h1", "-t1", f"-c{CONNECTIONS}", "-D", str(job.seconds), job.url + "/"]


def _ab(job: Job) -> list[str]:
    # -t sets -n to 50,000, unless that comes behind it.
    return ["ab", "-q", "-k", f"-c{CONNECTIONS}", "-t", str(job.seconds), "-n", "100000000", job.url + "/"]


def _locust(job: Job) -> list[str]:
    command = [job.paths.python, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--host", job.url]
    command += ["-u", str(CONNECTIONS), "-r", str(CONNECTIONS), "-t", f"{job.seconds}s"]
    return [*command, "--json", "--loglevel", "WARNING"]


def _of_summary(job: Job, text: str) -> int:
    return int(json.loads((job.folder / "report/summary.json").read_text())["requests"])


def _of_text(pattern: str) -> Callable[[Job, str], int]:
    def claimed(job: Job, text: str) -> int:
        found = re.search(pattern, text)
        if found is None:
            raise ValueError(f"it says nothing of requests: {' '.join(text.split())[-200:]}")
        return int(found[1])

    return claimed


def of_locust(job: Job, text: str) -> int:
    """Of what --json prints: a list of entries, behind and before what is logged."""
    found = re.search(r"^\[\n.*?^\]$", text, re.M | re.S)
    if found is None:
        raise ValueError(f"it says nothing of requests: {' '.join(text.split())[-200:]}")
    return sum(int(entry["num_requests"]) for entry in json.loads(found[0]))


CITRATE, WRK, FAST = "citrate", "wrk", "FastHttpUser"
TOOLS = {
    tool.name: tool
    for tool in (
        Tool(CITRATE, "1 thread; with files and all checks", _citrate, _of_summary, distribution="citrate"),
        Tool(WRK, "1 thread; page: a Lua script", _wrk, _of_text(r"(\d+) requests in"), distribution="wrk"),
        Tool("h2load", "HTTP/1.1, 1 thread", _h2load, _of_text(r"(\d+) succeeded"), ("plain",), distribution="h2load"),
        Tool("ab", "kept-alive HTTP/1.0", _ab, _of_text(r"Complete requests:\s+(\d+)"), ("plain",), distribution="ab"),
        Tool(FAST, "Locust, one process", _locust, of_locust, user="fast", distribution="locust"),
        Tool("HttpUser", "Locust, one process", _locust, of_locust, user="http", distribution="locust"),
    )
}
