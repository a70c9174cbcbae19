"""Helpers of the tests of command line, configuration and adapters.

`run` runs a command to its end; `serving` keeps one running on a port of 18100-18199 and always
ends it.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PORTS = range(18100, 18200)
CITRATE = [sys.executable, "-m", "citrate"]
DEADLINE = 30.0  # seconds until a server must answer

_next = os.getpid() % len(PORTS)


def free_port() -> int:
    """A port of the range that nobody listens on."""
    global _next
    for _ in PORTS:
        _next = (_next + 1) % len(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", PORTS[_next]))
            except OSError:
                continue
            return PORTS[_next]
    raise RuntimeError("no free port for a test")


def environment(**extra: str) -> dict[str, str]:
    """The process's environment without what would steer a server, with `extra` on top."""
    foreign = ("CITRATE_", "LISTEN_", "DJANGO_", "PORT", "WEB_CONCURRENCY")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", **extra}


def run(
    *args: str,
    cwd: Path | str = ".",
    env: dict[str, str] | None = None,
    timeout: float = 30,
    command: list[str] = CITRATE,
) -> subprocess.CompletedProcess[str]:
    """`citrate *args` (or another command) to its end."""
    return subprocess.run(
        [*command, *args], cwd=cwd, env=environment(**(env or {})), capture_output=True, text=True, timeout=timeout
    )


class Running:
    """A server that answers; `output()` is what it has written so far, both streams."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path):
        self.process = process
        self.log = log

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for_output(self, pattern: str, timeout: float = 10) -> re.Match[str]:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if found := re.search(pattern, self.output()):
                return found
            time.sleep(0.02)
        raise AssertionError(f"{pattern!r} not in:\n{self.output()}")

    def stop(self, signum: int = signal.SIGTERM, timeout: float = 20) -> int:
        """Signals the supervisor and gives its exit status."""
        self.process.send_signal(signum)
        return self.process.wait(timeout)


@contextlib.contextmanager
def serving(
    *args: str,
    log: Path,
    url: str | None = None,
    cwd: Path | str = ".",
    env: dict[str, str] | None = None,
    command: list[str] = CITRATE,
    **popen: object,
) -> Iterator[Running]:
    """Runs `citrate *args`; with `url`, not before it answers.  Ends the whole process group."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [*command, *args],
            cwd=cwd,
            env=environment(**(env or {})),
            stdout=out,
            stderr=out,
            start_new_session=True,
            **popen,
        )  # type: ignore[call-overload]
    running = Running(process, log)
    try:
        if url is not None:
            wait_until_answers(url, running)
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def wait_until_answers(url: str, running: Running) -> None:
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if running.process.poll() is not None:
            raise AssertionError(f"the server left with {running.process.returncode}:\n{running.output()}")
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing answers on {url}:\n{running.output()}")


def fetch(url: str, timeout: float = 10, **headers: str) -> tuple[int, bytes]:
    """Status and body of a GET; an error status is no exception."""
    request = urllib.request.Request(url, headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
