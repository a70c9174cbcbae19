"""Cells of bench/load: a fresh target, fresh generators, and what they cost."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import proc
from .live import Ports
from .load import NEIGHBOUR_SHARE, STARVED_SHARE
from .load_prepare import environment
from .load_site import Target
from .load_tools import CITRATE, CONNECTIONS, FAST, LOCUSTFILE, TOOLS, Job
from .load_works import LONG_REQUESTS
from .servers import Paths

Figures = dict[str, Any]
START_S = 30.0  # until a generator must have begun
SLACK_S = 2.0  # of its time, behind what is measured
CLAIM_SHARE = 0.01  # by which a claim may differ from what the server has seen


class Wrong(Exception):
    """A row that counts for nothing; the text says why."""


@dataclass
class Context:
    """What all cells of a run share."""

    paths: Paths
    generator: str
    ports: Ports
    seconds: float
    warm: float

    @property
    def cpus(self) -> tuple[int | None, int | None]:
        """For the target and for the generators, when there are two."""
        known = sorted(os.sched_getaffinity(0))
        return (known[0], known[1]) if len(known) > 1 else (None, None)

    def folder(self) -> Path:
        """A fresh one for the files of a cell."""
        folder = self.paths.scratch / "load-cell"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def target(self) -> Target:
        return Target(self.paths.scratch, self.ports, self.cpus[0])


class Running:
    """A command with all it starts, its output in a file, on a CPU of its own."""

    def __init__(
        self, context: Context, command: list[str], folder: Path, name: str, env: dict[str, str] | None = None
    ):
        self.log = folder / f"{name}.log"
        cpu = context.cpus[1]
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**environment(context.paths), **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=None if cpu is None else lambda: os.sched_setaffinity(0, {cpu}),
            )
        self.pid = self.process.pid

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def finish(self, seconds: float, good: tuple[int, ...] = (0,)) -> str:
        """Waits for its end; what it wrote.  Wrong when it does not end well."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Wrong(f"no end within {seconds:.0f} s") from None
        text = self.text()
        if status not in good:
            raise Wrong(f"ended with status {status}: {' '.join(text.split())[-300:]}")
        return text


def measure(context: Context, work: str, case: str, row: str) -> Figures:
    """The figures of one cell, or why it has failed."""
    try:
        return {
            "cost": _cost,
            "worker": _worker,
            "stall": _stall,
            "rate": _rate,
            "users": _users,
            "long": _long,
        }[work](context, case, row)
    except (Wrong, OSError, ValueError, KeyError, RuntimeError) as error:
        return {"failed": f"{type(error).__name__.lower()}: {error}"[:400]}


# ---- cost ----


def _cost(context: Context, case: str, row: str) -> Figures:
    tool = TOOLS[row]
    seconds = int(context.warm + context.seconds + SLACK_S + 1)
    with context.target() as target:
        job = Job(context.paths, context.generator, target.url, context.folder(), seconds, case)
        with Running(context, tool.command(job), job.folder, row, tool.environment(job)) as running:
            figures = _window(context, target, running.pid)
            text = running.finish(seconds + START_S)
        _verify(target, tool.claimed(job, text))
    return figures


def _window(context: Context, target: Target, pid: int) -> Figures:
    """CPU time of a process tree by the requests the target has had meanwhile."""
    _wait_for_requests(target)
    time.sleep(context.warm)
    before = _state(target, pid)
    time.sleep(context.seconds)
    after = _state(target, pid)
    requests, elapsed_ns = after["requests"] - before["requests"], after["at"] - before["at"]
    ours, theirs = after["cpu"] - before["cpu"], after["site"] - before["site"]
    if requests <= 0:
        raise Wrong("the target had no request")
    machine, began = after["machine"], before["machine"]
    neighbours = max(0.0, (machine.busy_ns - began.busy_ns - ours - theirs) / elapsed_ns)
    steal = (machine.steal_ns - began.steal_ns) / elapsed_ns
    return {
        "cpu_us": round(ours / 1e3 / requests, 3),
        "rps": round(requests / elapsed_ns * 1e9, 1),
        "requests": requests,
        "site_cpu_us": round(theirs / 1e3 / requests, 3),
        "rss_mb": round(_rss_kb(pid) / 1024, 1),
        "neighbours": round(neighbours, 3),
        "steal": round(steal, 3),
        "disturbed": neighbours > NEIGHBOUR_SHARE or steal > STARVED_SHARE,
    }


def _state(target: Target, pid: int) -> dict[str, Any]:
    state = {"at": time.monotonic_ns(), "requests": target.requests(), "site": target.cpu_ns()}
    return {**state, "cpu": proc.cpu_ns(pid), "machine": proc.Machine.now()}


def _wait_for_requests(target: Target) -> None:
    end = time.monotonic() + START_S
    while target.requests() < CONNECTIONS:
        if time.monotonic() > end:
            raise Wrong(f"it has not begun within {START_S:.0f} s")
        time.sleep(0.05)


def _rss_kb(pid: int) -> int:
    total = 0
    for each in proc.tree(pid):
        with contextlib.suppress(OSError):
            found = re.search(r"^VmRSS:\s+(\d+)", Path(f"/proc/{each}/status").read_text(), re.M)
            total += int(found[1]) if found else 0
    return total


def _verify(target: Target, claimed: int) -> None:
    """All requests were right ones, and as many were had as are claimed (those that were under way aside)."""
    if wrong := target.wrong():
        raise Wrong(f"a wrong request: {wrong}")
    seen = target.requests()
    if abs(seen - claimed) > CLAIM_SHARE * seen + 2 * CONNECTIONS:
        raise Wrong(f"claims {claimed} requests, the server has seen {seen}")


# ---- as a worker ----


def _worker(context: Context, case: str, row: str) -> Figures:
    seconds = int(context.warm + context.seconds + SLACK_S + 1)
    python, folder = context.paths.python, context.folder()
    port = context.ports.take()
    with context.target() as target:
        (folder / "plan.toml").write_text(f'target = "{target.url}"\njourneys = ["plain.hurl"]\n')
        (folder / "plain.hurl").write_text("GET {{base}}/\n")
        master = [python, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--host", target.url, "--master"]
        master += ["--master-bind-host", "127.0.0.1", "--master-bind-port", str(port), "--expect-workers", "1"]
        master += ["-u", str(CONNECTIONS), "-r", str(CONNECTIONS), "-t", f"{seconds}s", "--json"]
        if row == CITRATE:
            command = [context.paths.citrate_python, "-m", "citrate", "load", "--locust-worker", f"127.0.0.1:{port}"]
            command += ["plan.toml"]
        else:
            command = [python, "-m", "locust", "-f", str(LOCUSTFILE), "--worker", "--master-host", "127.0.0.1"]
            command += ["--master-port", str(port)]
        env = {"BENCH_USER": "" if row == CITRATE else "fast-plain"}
        with (
            Running(context, master, folder, "master", env) as lead,
            Running(context, command, folder, "worker", {**env, "CITRATE_LOAD": context.generator}) as worker,
        ):
            figures = _window(context, target, worker.pid)
            text = lead.finish(seconds + START_S)
            worker.finish(START_S)
        job = Job(context.paths, context.generator, target.url, folder, seconds, case)
        _verify(target, TOOLS[FAST].claimed(job, text))
    return figures


# ---- alone ----


def _alone(context: Context, target: Target, *options: str, plan: Figures | None = None, path: str = "/") -> Running:
    folder = context.folder()
    what = target.url + path
    if plan is not None:
        (folder / "plan.json").write_text(json.dumps({"target": target.url, **plan}))
        what = "plan.json"
    return Running(context, [context.generator, "--live", "off", *options, what], folder, "citrate")


def _summary(running: Running, target: Target, seconds: float) -> Figures:
    running.finish(seconds)
    folder = running.log.parent / "report"
    found: Figures = json.loads((folder / "summary.json").read_text())
    _verify(target, int(found["requests"]))
    # The highest of all seconds: what the kernel calls the highest may be that of the process it was forked from.
    lines = (folder / "seconds.jsonl").read_text().splitlines()
    return {**found, "rss": max(json.loads(line)["rss"] for line in lines)}


def _latency(found: Figures) -> Figures:
    latency = found["latency_ms"]
    return {"p50_ms": latency["p50"], "p99_ms": latency["p99"], "mean_ms": latency["mean"]}


def _stall(context: Context, case: str, row: str) -> Figures:
    """The target is stopped for a second, five seconds after the first request."""
    with context.target() as target, _alone(context, target, "--rate", case, "--time", "10s") as running:
        _wait_for_requests(target)
        time.sleep(4.5)
        os.kill(target.pid, signal.SIGSTOP)
        began = time.monotonic()
        time.sleep(1.0)
        os.kill(target.pid, signal.SIGCONT)
        stopped = time.monotonic() - began
        found = _summary(running, target, 30)
    return {**_latency(found), "requests": found["requests"], "errors": found["errors"], "stopped_s": round(stopped, 4)}


def _rate(context: Context, case: str, row: str) -> Figures:
    seconds = max(context.seconds, 2.0)
    with context.target() as target, _alone(context, target, "--rate", case, "--time", f"{seconds}s") as running:
        found = _summary(running, target, seconds + 30)
    return {
        "off": round(100 * abs(found["requests"] / seconds / int(case) - 1), 4),
        "rps": round(found["rate"], 1),
        **_latency(found),
        "cpu_us": found["generator"]["cpu_us_per_request"],
        "errors": found["errors"],
    }


def _users(context: Context, case: str, row: str) -> Figures:
    """Memory of many users beside that of a few; each has its connection and has been answered."""
    few, many = 100, int(case)
    plan = {"url": "/", "think": "1s..3s", "time": "12s"}
    found = {}
    for users in (few, many):
        with context.target() as target, _alone(context, target, plan={**plan, "users": users}) as running:
            found[users] = _summary(running, target, 60)
    grown = found[many]["rss"] - found[few]["rss"]
    if found[many]["connects"] < many:
        raise Wrong(f"only {found[many]['connects']} of {many} users have asked")
    return {
        "bytes_each": round(grown / (many - few)),
        "rss_mb": round(found[many]["rss"] / 2**20, 1),
        "rps": round(found[many]["rate"], 1),
        "errors": found[many]["errors"],
    }


def _long(context: Context, case: str, row: str) -> Figures:
    requests = LONG_REQUESTS[case]
    options = ("--requests", str(requests), "--users", str(CONNECTIONS), "--time", "1h")
    with context.target() as target, _alone(context, target, *options) as running:
        found = _summary(running, target, 3600)
        folder = running.log.parent / "report"
        began = time.monotonic()
        command = [context.paths.citrate_python, "-m", "citrate", "load", "report", str(folder)]
        made = subprocess.run(command, capture_output=True, text=True, env=environment(context.paths), timeout=120)
        took = time.monotonic() - began
    if made.returncode != 0 or not (folder / "index.html").exists():
        raise Wrong(f"no report: {made.stderr[-300:]}")
    return {
        "report_s": round(took, 3),
        "rss_mb": round(found["rss"] / 2**20, 1),
        "requests": found["requests"],
        "seconds": round(found["seconds"], 1),
        "errors": found["errors"],
    }
