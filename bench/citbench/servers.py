"""The servers, each with the settings it is run with, which the tables state.

Two set-ups: in "tuned" everyone is as fast as it can be set, in "threads" everyone runs
with threads, so that one slow request does not stop the rest.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).parent.parent
LAUNCH = str(BENCH / "launch.py")
BODY_LIMIT = str(1 << 30)


@dataclass(frozen=True)
class Paths:
    """Where things are: the environment of the rivals, Citrate's Python, a place for files."""

    venv: Path
    citrate_python: str
    scratch: Path

    def tool(self, name: str) -> str:
        return str(self.venv / "bin" / name)

    @property
    def python(self) -> str:
        return self.tool("python")

    @property
    def file_1m(self) -> Path:
        return self.scratch / "file1m.bin"


@dataclass(frozen=True)
class Start:
    """How a server is to be started; threads is None for its fastest setting."""

    app: str
    port: int
    workers: int = 1
    threads: int | None = None
    recycle: int = 0
    """Replace a worker after this many requests; 0 never."""
    idle: bool = False
    """Thousands of idle connections will be held open."""
    close: bool = False
    """Every request will say Connection: close."""
    work: str = ""


@dataclass(frozen=True)
class Server:
    name: str
    settings: str
    command: Callable[[Start, Paths], list[str]]
    kind: str = "rival"
    """rival, reference (no WSGI) or citrate."""
    threaded: bool = True
    """Can it run requests in threads?"""
    inline: bool = True
    """Belongs into the tuned set-up?"""
    field: bool = False
    """Far behind the best in CPU per request: fewer rounds are enough."""
    workers: bool = True
    """Can it run several workers on one port?"""
    reload: bool = False
    """Does HUP replace its workers?"""
    recycles: bool = False
    """Does it replace workers after a number of requests?"""
    supervised: bool = True
    """Has it a supervisor that replaces dead workers?"""
    extra: bool = False
    """Only run when asked for by name."""


def _citrate(start: Start, paths: Paths) -> list[str]:
    command = [paths.citrate_python, "-m", "citrate", start.app]
    command += ["--bind", f"127.0.0.1:{start.port}"]
    if start.workers > 1:
        command += ["--workers", str(start.workers)]
    if start.threads is not None:
        command += ["--threads", str(start.threads)]
    if start.recycle:
        command += ["--max-requests", str(start.recycle)]
    if start.idle:
        command += ["--keep-alive", "120"]
    return command


def _citrate_inline(start: Start, paths: Paths) -> list[str]:
    return [*_citrate(Start(**{**start.__dict__, "threads": None}), paths), "--threads", "1"]


def _floor(start: Start, paths: Paths) -> list[str]:
    return [str(paths.scratch / "floor"), str(start.port), *(["close"] if start.close else [])]


_NGINX = """
daemon off; pid {scratch}/nginx-{port}.pid; error_log {scratch}/nginx-error.log crit;
worker_processes {workers}; worker_rlimit_nofile 20000; {user}
events {{ worker_connections 16384; }}
http {{
  access_log off; tcp_nodelay on; tcp_nopush on; sendfile on; sendfile_max_chunk 2m;
  keepalive_requests 1000000000; keepalive_timeout 120; default_type text/plain;
  client_body_temp_path {scratch}/nginx-body; proxy_temp_path {scratch}/nginx-proxy;
  fastcgi_temp_path {scratch}/nginx-fcgi; uwsgi_temp_path {scratch}/nginx-uwsgi;
  scgi_temp_path {scratch}/nginx-scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = / {{ return 200 "Hello, world\\n"; }}
    location = /file {{ alias {file_1m}; default_type application/octet-stream; }}
  }}
}}
"""


def _nginx(start: Start, paths: Paths) -> list[str]:
    conf = paths.scratch / f"nginx-{start.port}.conf"
    conf.write_text(
        _NGINX.format(
            scratch=paths.scratch,
            port=start.port,
            workers=start.workers,
            user="user root;" if os.geteuid() == 0 else "",
            file_1m=paths.file_1m,
        )
    )
    return ["nginx", "-c", str(conf), "-p", str(paths.scratch)]


def _launched(name: str, tuned_threads: int = 1) -> Callable[[Start, Paths], list[str]]:
    def command(start: Start, paths: Paths) -> list[str]:
        threads = start.threads or tuned_threads
        args = [LAUNCH, name, start.app, str(start.port), str(start.workers), str(threads)]
        return [paths.python, *args]

    return command


def _peregrine(start: Start, paths: Paths) -> list[str]:
    command = [paths.tool("peregrine"), "--port", str(start.port), "--protocol", "wsgi"]
    command += ["--workers", str(start.workers), "--wsgi-threads", str(start.threads or 1)]
    command += ["--max-body", BODY_LIMIT, "--max-connections", "16384", "--keep-alive", "120000"]
    return [*command, "--log-level", "error", "--venv", str(paths.venv), start.app]


def _granian(start: Start, paths: Paths) -> list[str]:
    command = [paths.tool("granian"), "--interface", "wsgi", "--http", "1", "--no-ws", "--no-log"]
    command += ["--port", str(start.port), "--workers", str(start.workers)]
    command += ["--blocking-threads", str(start.threads or 1)]
    if start.idle:
        command += ["--backlog", "16384", "--backpressure", "16384"]
        command += ["--http1-header-read-timeout", "60000"]
    return [*command, start.app]


def _uwsgi(flag: str, *more: str, threads: int = 16) -> Callable[[Start, Paths], list[str]]:
    def command(start: Start, paths: Paths) -> list[str]:
        args = [paths.tool("uwsgi"), flag, f"127.0.0.1:{start.port}", *more]
        args += ["--module", start.app, "--master", "--lazy-apps"]
        args += ["--processes", str(start.workers), "--threads", str(start.threads or threads)]
        args += ["--disable-logging", "--listen", "4096", "--buffer-size", "32768", "--need-app"]
        args += ["--virtualenv", str(paths.venv), "--single-interpreter", "--so-keepalive"]
        if start.recycle:
            args += ["--max-requests", str(start.recycle)]
        return args

    return command


def _gunicorn(kind: str) -> Callable[[Start, Paths], list[str]]:
    def command(start: Start, paths: Paths) -> list[str]:
        args = [paths.tool("gunicorn"), "-b", f"127.0.0.1:{start.port}", "-k", kind]
        args += ["-w", str(start.workers), "--backlog", "4096", "--log-level", "critical"]
        if kind == "gthread":
            args += ["--threads", str(start.threads or 1), "--http-parser", "fast"]
            args += ["--keep-alive", "120", "--worker-connections", "16384"]
        if start.recycle:
            args += ["--max-requests", str(start.recycle)]
        return [*args, start.app]

    return command


def _waitress(start: Start, paths: Paths) -> list[str]:
    command = [paths.tool("waitress-serve"), f"--listen=127.0.0.1:{start.port}"]
    command += [f"--threads={start.threads or 4}", "--connection-limit=16384", "--backlog=4096"]
    return [*command, "--asyncore-use-poll", "--channel-timeout=300", start.app]


def _cheroot(start: Start, paths: Paths) -> list[str]:
    command = [paths.tool("cheroot"), "--bind", f"127.0.0.1:{start.port}"]
    command += ["--threads", str(start.threads or 10), "--request-queue-size", "4096"]
    return [*command, "--timeout", "120", start.app]


SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        Server(
            "citrate",
            "default settings: lanes and threads on (--threads 16 where a row names 16)",
            _citrate,
            kind="citrate",
            reload=True,
            recycles=True,
        ),
        Server("citrate-1t", "--threads 1", _citrate_inline, kind="citrate", extra=True),
        Server(
            "floor",
            "bench/floor.c: parses nothing, one fixed answer",
            _floor,
            kind="reference",
            workers=False,
            supervised=False,
        ),
        Server(
            "nginx",
            "one worker, no access log; `return 200`, or sendfile with tcp_nopush",
            _nginx,
            kind="reference",
        ),
        Server(
            "fastpysgi",
            "tcp_nodelay=1, max_content_length=1 GB",
            _launched("fastpysgi"),
            threaded=False,
            supervised=False,
        ),
        Server(
            "peregrine",
            "--wsgi-threads 1 (or N), --protocol wsgi, --log-level error",
            _peregrine,
            reload=True,
        ),
        Server(
            "bjoern",
            "TCP_NODELAY on its listener",
            _launched("bjoern"),
            threaded=False,
            supervised=False,
        ),
        Server(
            "granian",
            "--interface wsgi --http 1 --no-ws --no-log --blocking-threads 1 (or N)",
            _granian,
            reload=True,
        ),
        Server(
            "pyruvate",
            "2 worker threads (or N), chunked_transfer=True, max_reuse_count=255",
            _launched("pyruvate", 2),
            field=True,
            workers=False,
            supervised=False,
        ),
        Server(
            "uwsgi",
            "--http-socket --threads 16 (or N), closes after every answer and says so",
            _uwsgi("--http-socket", "--add-header", "Connection: close"),
            field=True,
            reload=True,
            recycles=True,
        ),
        Server(
            "uwsgi-http11",
            "--http11-socket --threads 64: keeps connections, a thread each",
            _uwsgi("--http11-socket", threads=64),
            threaded=False,
            field=True,
        ),
        Server(
            "uwsgi-http",
            "--http --http-keepalive --http-auto-chunked --threads 16 (or N): through its router",
            _uwsgi("--http", "--http-keepalive", "--http-auto-chunked"),
            field=True,
        ),
        Server(
            "gunicorn",
            "gthread, gunicorn_h1c parser, --threads 1 (or N), --keep-alive 120",
            _gunicorn("gthread"),
            field=True,
            reload=True,
            recycles=True,
        ),
        Server(
            "gunicorn-sync",
            "sync worker: closes after every answer",
            _gunicorn("sync"),
            threaded=False,
            field=True,
            reload=True,
            recycles=True,
        ),
        Server(
            "waitress",
            "--threads 4 (or N), --asyncore-use-poll, --connection-limit 16384",
            _waitress,
            field=True,
            workers=False,
            supervised=False,
        ),
        Server(
            "cheroot",
            "--threads 10 (or N)",
            _cheroot,
            field=True,
            workers=False,
            supervised=False,
        ),
    )
}
