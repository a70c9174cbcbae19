"""PostgreSQL and Redis for this application alone: started here, reached by sockets, stopped here.

    with services.postgres(folder) as conninfo, services.redis(folder) as url:
        ...

Used by `run` beside this file and by the tests.  Nothing listens on the network, nothing of the
system's own PostgreSQL or Redis is touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

READY_WITHIN = 60.0  # seconds
STOP_WITHIN = 30.0
NAME = "therapy"  # database and its owner


class Missing(RuntimeError):
    """A program that has to be installed first."""


@contextlib.contextmanager
def postgres(folder: Path, *, durable: bool = True) -> Iterator[str]:
    """A PostgreSQL of one's own with its data in `folder`; yields a connection string.

    As root it runs as the user postgres (it refuses to run as root); where that user may not go
    into the folder, the data is under /var/tmp.  `durable=False` is for tests: it does not wait for
    the disk, and its data is removed at the end.
    """
    programs = _postgres_programs()
    user = "postgres" if os.geteuid() == 0 else None
    place = _place_for(folder, user)
    data = place / "postgres"
    sockets = Path(tempfile.mkdtemp(prefix="therapy-pg-"))
    try:
        if user:
            shutil.chown(sockets, user, user)
        if not (data / "PG_VERSION").exists():
            _run(
                programs / "initdb", "-D", data, "-U", NAME, "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", user=user
            )
        elif (data / "postmaster.pid").exists():
            _run(
                programs / "pg_ctl", "-D", data, "-m", "fast", "stop", user=user, check=False
            )  # of a run that was killed
        options = {"listen_addresses": "", "unix_socket_directories": sockets, "max_connections": 200}
        if not durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with running([programs / "postgres", "-D", data, *given], data.with_suffix(".log"), signal.SIGINT, user=user):
            _until_ready([programs / "pg_isready", "-q", "-h", sockets, "-U", NAME, "-d", "postgres"])
            known = _run(programs / "psql", "-h", sockets, "-U", NAME, "-lqtA", "-d", "postgres")
            if not any(line.startswith(f"{NAME}|") for line in known.splitlines()):
                _run(programs / "createdb", "-h", sockets, "-U", NAME, NAME)
            yield f"host={sockets} dbname={NAME} user={NAME}"
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
        if not durable:
            shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis of one's own that keeps its data in `folder`; yields its URL."""
    program = shutil.which("redis-server")
    if program is None:
        raise Missing("redis-server is not installed (Debian: redis-server)")
    folder.mkdir(parents=True, exist_ok=True)
    sockets = Path(tempfile.mkdtemp(prefix="therapy-redis-"))
    path = sockets / "redis"
    command = [program, "--port", "0", "--unixsocket", path, "--dir", folder, "--save", "60 1", "--appendonly", "no"]
    try:
        with running(command, folder / "redis.log", signal.SIGTERM):
            _until_ready(["test", "-S", path])
            yield f"unix://{path}"
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


@contextlib.contextmanager
def running(
    command: list[Any],
    log: Path | None,
    stop: signal.Signals = signal.SIGTERM,
    *,
    user: str | None = None,
    **options: Any,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with its group, whatever happens; its words go to `log` (None: where ours go)."""
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(log.open("ab")) if log else None
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            **_as_user(user),
            **options,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(stop)
            try:
                process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def _postgres_programs() -> Path:
    """The folder of the newest PostgreSQL; Debian keeps them out of PATH."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if found:
        return max(found, key=lambda path: float(path.parent.name))
    initdb = shutil.which("initdb")
    if initdb is None:
        raise Missing("PostgreSQL is not installed (Debian: postgresql)")
    return Path(initdb).resolve().parent


def _place_for(folder: Path, user: str | None) -> Path:
    """A folder for the data that the user owns: within this one, or one of its own under /var/tmp."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "data"
    if user and subprocess.run(["test", "-x", folder], **_as_user(user)).returncode != 0:
        place = Path("/var/tmp") / f"therapy-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
    place.mkdir(mode=0o700, exist_ok=True)
    if user:
        if place.stat().st_uid not in (0, pwd.getpwnam(user).pw_uid):
            raise RuntimeError(f"{place} belongs to somebody else")
        shutil.chown(place, user, user)
    return place


def _as_user(user: str | None) -> dict[str, Any]:
    return {"user": user, "group": user, "extra_groups": [], "cwd": "/"} if user else {}


def _run(*command: str | Path, user: str | None = None, check: bool = True) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **_as_user(user))
    if check and done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return str(done.stdout)


def _until_ready(command: list[Any]) -> None:
    end = time.monotonic() + READY_WITHIN
    while subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        if time.monotonic() > end:
            raise RuntimeError(f"{command[0]} still fails after {READY_WITHIN:g} s")
        time.sleep(0.05)
