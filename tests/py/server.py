"""Starts a server process for tests, watches it, and always ends it.

`Server` runs `python -m citrate` with an application of `tests/py/apps` on a free port of its own,
collects what it writes, and kills the whole process group at the end.  The environment variable
CITRATE_TEST_SERVER=gunicorn (with CITRATE_TEST_PYTHON naming an interpreter that has it) runs the
same tests against gunicorn: a check of the tests themselves, not of Citrate.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rawhttp import Conn, Response, get

HERE = Path(__file__).resolve().parent
PYTHON = os.environ.get("CITRATE_TEST_PYTHON", sys.executable)
KIND = os.environ.get("CITRATE_TEST_SERVER", "citrate")
PORTS = range(*(int(p) for p in os.environ.get("CITRATE_TEST_PORTS", "18400-18600").split("-")))
START_TIMEOUT = 20.0

# What gunicorn does not have, or calls the same but treats otherwise.
GUNICORN_LACKS = {
    "--header-timeout", "--body-timeout", "--send-timeout", "--limit-request-body", "--queue-size",
    "--queue-timeout", "--limit-request-head", "--body-memory", "--access-json", "--tmp-dir",
}  # fmt: skip

_next_port = os.getpid() % len(PORTS)


def free_port() -> int:
    """A port of the tests' range that nothing listens on."""
    global _next_port
    for _ in PORTS:
        port = PORTS[_next_port]
        _next_port = (_next_port + 1) % len(PORTS)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port for tests")


def wait_for(what: Callable[[], object], timeout: float = 5.0, step: float = 0.01) -> object:
    """Polls until `what()` is true; returns its last value, true or not.  Seconds."""
    end = time.monotonic() + timeout
    while True:
        value = what()
        if value or time.monotonic() > end:
            return value
        time.sleep(step)


def children_of(pid: int) -> list[int]:
    """The live child processes of a process, oldest first."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        after = text[text.rfind(")") + 2 :].split()
        if int(after[1]) == pid and after[0] != "Z":
            found.append((int(after[19]), int(stat.parent.name)))
    return [child for _, child in sorted(found)]


def is_alive(pid: int) -> bool:
    """The process is there and no zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text[text.rfind(")") + 2] != "Z"


class Server:
    """One server process with its workers.

    `options` are command-line options (gunicorn's names).  `binds` replaces the default bind to a
    free port of 127.0.0.1.  `records` is what the application noted down (see apps/probe.py).
    """

    def __init__(
        self,
        app: str,
        directory: Path,
        *options: str,
        binds: list[str] | None = None,
        env: dict[str, str] | None = None,
        pass_fds: tuple[int, ...] = (),
        cwd: Path | None = None,
    ) -> None:
        self.app = app
        self.directory = directory
        self.options = list(options)
        self.port = free_port() if binds is None else 0
        self.binds = [f"127.0.0.1:{self.port}"] if binds is None else binds
        self.env = env or {}
        self.pass_fds = pass_fds
        self.cwd = cwd
        self.record_file = directory / "records"
        self.stderr_file = directory / "stderr"
        self.stdout_file = directory / "stdout"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where the default bind listens."""
        return ("127.0.0.1", self.port)

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        assert self.process is not None
        return self.process.pid

    def command(self) -> list[str]:
        """The command line."""
        binds = [part for bind in self.binds for part in ("--bind", bind)]
        if KIND == "gunicorn":
            options, skip = [], False
            for option in self.options:
                if skip or option in GUNICORN_LACKS:
                    skip = not skip
                    continue
                options.append(option)
            if "--threads" not in options:
                options += ["--threads", "8"]
            return [PYTHON, "-m", "gunicorn", "-k", "gthread", *binds, *options, self.app]
        return [PYTHON, "-m", "citrate", self.app, *binds, *self.options]

    def spawn(self) -> subprocess.Popen[bytes]:
        """Starts the process without waiting until it answers."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("CITRATE_", "GUNICORN_", "LISTEN_"))}
        env.update(
            PYTHONPATH=os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]),
            PYTHONUNBUFFERED="1",
            PYTHONDONTWRITEBYTECODE="1",
            PROBE_RECORD=str(self.record_file),
        )
        env.update(self.env)
        self.record_file.touch()
        with open(self.stderr_file, "ab") as err, open(self.stdout_file, "ab") as out:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env,
                cwd=self.cwd or self.directory, start_new_session=True, pass_fds=self.pass_fds,
            )  # fmt: skip
        return self.process

    def start(self, ready: Callable[[], object] | None = None) -> Server:
        """Starts the process and waits until it answers a request."""
        self.spawn()
        if not wait_for(ready or self.answers, START_TIMEOUT, 0.02) or self.exited():
            log = self.log()
            self.kill()
            raise RuntimeError(f"the server did not start: {' '.join(self.command())}\n{log}")
        if "--workers" in self.options and self.options[self.options.index("--workers") + 1].isdigit():
            self.wait_workers(int(self.options[self.options.index("--workers") + 1]))
        return self

    def exited(self) -> bool:
        """The supervisor has ended."""
        return self.process is None or self.process.poll() is not None

    def answers(self) -> bool:
        """One request gets an answer (or the process is dead, which ends a wait)."""
        if self.exited():
            return True
        try:
            with self.connect(timeout=2.0) as c:
                return c.exchange(get("/ready", "Connection: close")).status > 0
        except OSError:
            return False

    def connect(self, timeout: float = 10.0, rcvbuf: int | None = None) -> Conn:
        """A connection to the default bind."""
        return Conn(self.address, timeout, rcvbuf)

    def fetch(self, path: str = "/", *fields: str, method: str = "GET", timeout: float = 10.0) -> Response:
        """One GET (or so) on a connection of its own."""
        with self.connect(timeout) as c:
            return c.exchange(get(path, "Connection: close", *fields, method=method))

    def workers(self) -> list[int]:
        """Process ids of the workers, oldest first."""
        return children_of(self.pid)

    def wait_workers(self, count: int, timeout: float = 10.0) -> list[int]:
        """Waits until there are just so many workers."""
        wait_for(lambda: len(self.workers()) == count, timeout)
        found = self.workers()
        assert len(found) == count, f"{len(found)} workers, not {count}\n{self.log()}"
        return found

    def signal(self, number: int) -> None:
        """Sends a signal to the supervisor."""
        os.kill(self.pid, number)

    def wait(self, timeout: float = 10.0) -> int:
        """Waits for the supervisor's end and returns its exit status."""
        assert self.process is not None
        return self.process.wait(timeout)

    def log(self) -> str:
        """All that was written to standard error."""
        with contextlib.suppress(OSError):
            return self.stderr_file.read_text("utf-8", "replace")
        return ""

    def log_mark(self) -> int:
        """The present length of standard error, for `log_since`."""
        with contextlib.suppress(OSError):
            return self.stderr_file.stat().st_size
        return 0

    def log_since(self, mark: int) -> str:
        """What was written to standard error after a mark."""
        with open(self.stderr_file, "rb") as f:
            f.seek(mark)
            return f.read().decode("utf-8", "replace")

    def wait_log(self, pattern: str, mark: int = 0, timeout: float = 5.0) -> str:
        """Waits until the log has a match after the mark; returns the log since then."""
        wait_for(lambda: re.search(pattern, self.log_since(mark), re.I | re.S), timeout)
        text = self.log_since(mark)
        assert re.search(pattern, text, re.I | re.S), f"no {pattern!r} in the log:\n{text[-4000:]}"
        return text

    def records(self) -> list[dict]:
        """What the application wrote down, in order."""
        lines = self.record_file.read_text("utf-8").splitlines() if self.record_file.exists() else []
        return [json.loads(line) for line in lines]

    def recorded(self, **want: object) -> list[dict]:
        """The records with these values."""
        return [r for r in self.records() if all(r.get(k) == v for k, v in want.items())]

    def kill(self) -> None:
        """Ends every process of the server at once."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)

    def stop(self, timeout: float = 10.0) -> int | None:
        """TERM, and after the timeout (seconds) KILL; the exit status, None when it had to be killed."""
        status = None
        if self.process is not None:
            try:
                if self.process.poll() is None:
                    self.process.terminate()
                status = self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                status = None
            self.kill()
        return status


@contextlib.contextmanager
def running(app: str, directory: Path, *options: str, **kw: object) -> Iterator[Server]:
    """A started server, killed at the end whatever happens."""
    server = Server(app, directory, *options, **kw)  # type: ignore[arg-type]
    try:
        yield server.start()
    finally:
        server.kill()


def log_of(server: Server) -> str:
    """The tail of the server's log, for the message of a failed check."""
    return "\n--- server log ---\n" + server.log()[-3000:]
