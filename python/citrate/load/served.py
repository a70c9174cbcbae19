"""A server started for a measurement: on a free port, waited for, watched, and ended with all it started."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import time

from citrate.errors import ConfigError
from citrate.load import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

READY_SECONDS = 60.0
STOP_SECONDS = 10.0
_CALM_SECONDS, _CALM_SHARE, _CALM_LOOK = 10.0, 0.1, 0.2


class Dead(Exception):
    """The server ended or never answered; the text says which, with the end of its log."""


def words(command: str) -> list[str]:
    """A command line in one text, as a shell would split it.  ConfigError."""
    try:
        found = shlex.split(command)
    except ValueError as exc:
        raise ConfigError(f"{command!r} is no command line: {exc}") from None
    if not found:
        raise ConfigError("a command that starts a server is empty")
    return found


def filled(text: str, values: Mapping[str, object]) -> str:
    """{port} and {workers} replaced; other braces stay."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    return text


def free_port() -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """A context: the server runs and answers inside.

    ``command`` may hold {port}; ``path`` is what is asked to find out whether it answers; ``log``
    gets what it writes.  Dead when it does not come up.
    """

    def __init__(self, command: list[str], values: Mapping[str, object], path: str, log: str):
        self.port = free_port()
        self._command = [filled(word, {"port": self.port, **values}) for word in command]
        self._path = path
        self._log = log

    def __enter__(self) -> Served:
        with open(self._log, "wb") as log:
            try:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            except OSError as exc:
                raise ConfigError(f"{self._command[0]}: {exc.strerror}") from None
        self._group = processes.Group(self._members, search=0.0)
        try:
            self._wait_until_it_answers()
            self._wait_until_calm()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop()

    def url(self, template: str) -> str:
        return filled(template, {"port": self.port})

    def cpu_seconds(self) -> float:
        """CPU time of all its processes so far; 0 where /proc does not tell."""
        return self._group.cpu_ns() / 1e9

    def check(self) -> None:
        """Dead when it has ended."""
        if self._process.poll() is not None:
            raise Dead(f"{shlex.join(self._command)} ended with status {self._process.returncode}{self._last_words()}")

    def _members(self) -> set[int]:
        return processes.with_descendants([self._process.pid])

    def _wait_until_it_answers(self) -> None:
        end = time.monotonic() + READY_SECONDS
        while not self._answers():
            self.check()
            if time.monotonic() > end:
                waited = f"no answer on port {self.port} in {READY_SECONDS:.0f} s"
                raise Dead(f"{shlex.join(self._command)}: {waited}{self._last_words()}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        request = f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n\r\n"
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5.0) as connection:
                connection.sendall(request.encode())
                return connection.recv(5) == b"HTTP/"
        except OSError:
            return False

    def _wait_until_calm(self) -> None:
        """Other workers may still be loading the application when the first one answers."""
        end = time.monotonic() + _CALM_SECONDS
        before = self.cpu_seconds()
        while time.monotonic() < end:
            time.sleep(_CALM_LOOK)
            now = self.cpu_seconds()
            if now - before < _CALM_SHARE * _CALM_LOOK:
                return
            before = now

    def _last_words(self) -> str:
        with open(self._log, "rb") as file:
            lines = file.read().decode(errors="replace").strip().splitlines()
        return "".join("\n    " + line for line in lines[-5:])

    def _stop(self) -> None:
        members = self._members()
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        for pid in members:
            if processes.stat(pid) is not None and _session(pid) == self._process.pid:
                os.kill(pid, signal.SIGKILL)
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0
