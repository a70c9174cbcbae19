"""A running server: started fresh, waited for, watched, and ended with all it started."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from . import proc
from .load import Sample, Wrk, measure
from .servers import BENCH, Paths, Server, Start
from .strict import Bad, Client

READY_SECONDS = 20.0


class Dead(Exception):
    """The server ended, or never answered; the text says which."""


class Ports:
    """Ports in turn, so that a restart never meets the last one's connections."""

    def __init__(self, first: int, last: int) -> None:
        self._turn = itertools.cycle(range(first, last + 1))

    def take(self) -> int:
        """The next port that nobody holds."""
        while True:
            port = next(self._turn)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return port


class Live:
    """Context manager around one server process and its children."""

    def __init__(self, server: Server, start: Start, paths: Paths, path: str = "/", pin: bool = False) -> None:
        self.server = server
        self.start = start
        self.port = start.port
        self.pin = pin
        self._path = path
        self._log = paths.scratch / "logs" / f"{server.name}-{start.work or 'start'}.log"
        self._command = server.command(start, paths)
        self._env = environment(server, paths)
        self.first_answer_s = 0.0

    def __enter__(self) -> Live:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            begin = time.monotonic()
            self._process = subprocess.Popen(
                self._command,
                cwd=BENCH / "apps",
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=(lambda: os.sched_setaffinity(0, {0})) if self.pin else None,
            )
        self.root = self._process.pid
        try:
            self._wait_ready(begin)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._end()

    def _wait_ready(self, begin: float) -> None:
        problem = "no answer"
        while time.monotonic() < begin + READY_SECONDS:
            if not self.alive():
                raise Dead(f"ended at start: {self.last_words()}")
            try:
                with Client(self.port, 5.0) as client:
                    client.ask(self._path, close=True)
                self.first_answer_s = time.monotonic() - begin
                return
            except ConnectionRefusedError:
                time.sleep(0.001)
            except (OSError, Bad) as e:
                problem = str(e)
                time.sleep(0.02)
        raise Dead(f"not ready after {READY_SECONDS:.0f} s: {problem}; {self.last_words()}")

    def alive(self) -> bool:
        return self._process.poll() is None

    def last_words(self) -> str:
        lines = self._log.read_text(errors="replace").split("\n")
        return " / ".join(line.strip() for line in lines if line.strip())[-160:] or "no message"

    def exit_within(self, seconds: float) -> bool:
        """Did it end by itself within this time?"""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _end(self) -> None:
        """Stop everything first, so that no supervisor replaces a worker just killed."""
        seen: set[int] = set()
        while fresh := {self.root, *proc.tree(self.root)} - seen:
            _signal(fresh, signal.SIGSTOP)
            seen |= fresh
        _signal(seen, signal.SIGKILL)
        self._process.wait()

    def wrk(
        self,
        path: str,
        connections: int,
        seconds: float,
        mode: str = "get",
        number: int = 0,
    ) -> Wrk:
        cpu = 1 if self.pin else None
        return Wrk(self.port, path, connections, seconds, mode, number, cpu)

    def load(self, path: str, connections: int, seconds: float, mode: str = "get", number: int = 0) -> Sample:
        """One measured run of wrk."""
        sample = measure(self.root, lambda: self.wrk(path, connections, seconds, mode, number))
        if not self.alive():
            raise Dead(f"died under load: {self.last_words()}")
        return sample

    def warm(self, path: str, connections: int, seconds: float, mode: str, number: int) -> None:
        self.wrk(path, connections, seconds, mode, number).finish()

    def pss_mb(self) -> float:
        return round(proc.pss_kb(self.root) / 1024, 1)


def _signal(pids: set[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def environment(server: Server, paths: Paths) -> dict[str, str]:
    """The variables a server is started with: nothing of the caller's Python."""
    drop = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
    env = {k: v for k, v in os.environ.items() if k not in drop}
    search = [str(BENCH / "apps")]
    if server.kind == "citrate" and not paths.citrate_python.startswith(str(paths.venv)):
        search += [str(p) for p in Path(paths.venv, "lib").glob("python3*/site-packages")]
    env["PYTHONPATH"] = ":".join(search)
    env["VIRTUAL_ENV"] = str(paths.venv)
    env["PATH"] = f"{paths.venv}/bin:{env.get('PATH', '')}"
    env["BENCH_FILE_1M"] = str(paths.file_1m)
    return env


Metrics = dict[str, Any]
