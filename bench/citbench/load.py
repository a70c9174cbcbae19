"""Drive a server with wrk and account for what it cost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import proc

_SCRIPT = Path(__file__).parent.parent / "wrk.lua"
# Above these a round says more about the neighbours than about the server.
STARVED_SHARE = 0.10
NEIGHBOUR_SHARE = 0.15


@dataclass
class Sample:
    """One run of wrk against one server.  Latencies as wrk corrects them."""

    requests: int
    seconds: float
    rps: float
    p50_ms: float | None
    p99_ms: float | None
    errors: dict[str, int]
    cpu_us: float | None = None
    wrk_wait: float = 0.0
    neighbours: float = 0.0
    steal: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def disturbed(self) -> bool:
        """Was the machine too busy with other things to believe this?"""
        return self.neighbours > NEIGHBOUR_SHARE or self.steal > STARVED_SHARE

    def row(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
            "rps": round(self.rps, 1),
            "p50_ms": self.p50_ms,
            "p99_ms": self.p99_ms,
            "cpu_us": None if self.cpu_us is None else round(self.cpu_us, 3),
            "errors": {k: v for k, v in self.errors.items() if v},
            "wrk_wait": round(self.wrk_wait, 3),
            "neighbours": round(self.neighbours, 3),
            "steal": round(self.steal, 3),
            "disturbed": self.disturbed,
        }


class Wrk:
    """A running wrk.  `mode` and `number` are those of wrk.lua."""

    def __init__(
        self,
        port: int,
        path: str,
        connections: int,
        seconds: float,
        mode: str = "get",
        number: int = 0,
        cpu: int | None = None,
    ) -> None:
        self.seconds = seconds
        # wrk knows whole seconds only: it is started for longer and stopped by a signal.
        command = ["wrk", "-t1", f"-c{connections}", f"-d{int(seconds) + 5}s", "--timeout", "8s"]
        command += ["-s", str(_SCRIPT), f"http://127.0.0.1:{port}{path}", "--", mode, str(number)]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=None if cpu is None else lambda: os.sched_setaffinity(0, {cpu}),
        )
        self._begin = time.monotonic()
        self.cpu_ns = 0
        self.wait_ns = 0

    def finish(self) -> Sample:
        """Wait for its end and read the result."""
        time.sleep(max(0.0, self._begin + self.seconds - time.monotonic()))
        pid = self._process.pid
        self.cpu_ns = proc.clock_ns(pid)
        self.wait_ns = proc.runnable_wait_ns(pid)
        self._process.send_signal(signal.SIGINT)
        try:
            text, _ = self._process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            text, _ = self._process.communicate()
        return _parse(text)

    def abandon(self) -> None:
        self._process.kill()
        self._process.communicate()


def _parse(text: str) -> Sample:
    for line in text.splitlines():
        if line.startswith("RESULT "):
            data = json.loads(line[7:])
            seconds = data["duration_us"] / 1e6
            p99 = data["p99_us"] / 1e3
            return Sample(
                data["requests"],
                seconds,
                data["requests"] / seconds if seconds else 0.0,
                data["p50_us"] / 1e3,
                # With several answers to one send wrk has no percentiles; it says 0.
                p99 if p99 > 0 else None,
                data["errors"],
            )
    tail = " ".join(text.split())[-200:]
    return Sample(0, 0.0, 0.0, None, None, {"connect": 1}, notes=[f"wrk: {tail}"])


def measure(root: int, start: Callable[[], Wrk]) -> Sample:
    """Run a wrk from start to end and add what the server's tree and the machine did meanwhile."""
    before = proc.cpu_ns(root)
    machine = proc.Machine.now()
    begin = time.monotonic()
    wrk = start()
    sample = wrk.finish()
    elapsed = (time.monotonic() - begin) * 1e9
    after = proc.cpu_ns(root)
    busy = proc.Machine.now()
    if sample.requests:
        sample.cpu_us = (after - before) / 1e3 / sample.requests
    ours = after - before + wrk.cpu_ns
    sample.wrk_wait = wrk.wait_ns / elapsed
    sample.neighbours = max(0.0, (busy.busy_ns - machine.busy_ns - ours) / elapsed)
    sample.steal = (busy.steal_ns - machine.steal_ns) / elapsed
    return sample
