"""The kinds of work, in the order they are run."""

from __future__ import annotations

from . import faults, mixed, still
from .cell import Work

_BOTH = ("tuned", "threads")
_THREADS = ("threads",)
_KEPT = ("kept", "kept of quick alone")
_ALONE_P99 = ("alone_p99_ms", "p99 alone ms")
_MOVED = ("p99_moved_ms", "p99 moved ms")
_FAULTS = tuple((kind, kind) for kind in ("requests", *faults.KINDS))


def _framework(name: str, title: str, app: str, path: str) -> list[Work]:
    """The same page with 64 and with 8 connections."""
    return [
        Work(
            name if connections == 64 else f"{name}{connections}",
            f"{title}, {connections} connections",
            app,
            mixed.plain,
            path=path,
            connections=connections,
            setups=_BOTH,
            bare=connections == 64,
        )
        for connections in (64, 8)
    ]


def _fault(name: str, title: str, measure: object, needs: str, *more: tuple[str, str]) -> Work:
    return Work(
        f"fault-{name}",
        f"faults: {title}",
        "mixed:app",
        measure,  # type: ignore[arg-type]
        setups=_THREADS,
        needs=needs,
        cost=(9.0, 0.0),
        rounds=1,
        columns=(*_FAULTS, *more),
    )


_ALL = [
    Work(
        "hello",
        "hello, 13 bytes",
        "plain:hello",
        mixed.plain,
        references=("floor", "nginx"),
        setups=_BOTH,
        bare=True,
    ),
    Work(
        "pipelined",
        "hello, 16 requests in one packet",
        "plain:hello",
        mixed.plain,
        mode="pipeline",
        number=16,
        references=("floor", "nginx"),
    ),
    Work(
        "newconn",
        "hello, a new connection per request",
        "plain:hello",
        mixed.plain,
        mode="close",
        references=("floor", "nginx"),
    ),
    Work("json10k", "JSON, 10 KB", "plain:json10k", mixed.plain, bare=True),
    Work("out100k", "100 KB response", "plain:out100k", mixed.plain, bare=True),
    Work(
        "file1m",
        "1 MB by wsgi.file_wrapper (nginx: sendfile)",
        "plain:file1m",
        mixed.plain,
        references=("nginx",),
    ),
    Work("echo1k", "POST echo, 1 KB", "plain:echo", mixed.plain, mode="post", number=1024),
    Work("echo100k", "POST echo, 100 KB", "plain:echo", mixed.plain, mode="post", number=102400),
    *_framework("flask", "Flask", "flasksite:app", "/"),
    *_framework("django", "Django light view", "djangosite:app", "/"),
    *_framework("template", "Django template view", "djangosite:app", "/template"),
    Work(
        "sleepers6",
        "quick beside 6 clients in a 20 ms sleep",
        "mixed:app",
        mixed.sleepers6,
        setups=_THREADS,
        cost=(3.8, 2.0),
        rounds=3,
        columns=(_KEPT, ("slow_rps", "sleepers/s")),
    ),
    Work(
        "sleepers64",
        "quick beside 64 clients in a 20 ms sleep, 16 threads",
        "mixed:app",
        mixed.sleepers64,
        setups=_THREADS,
        named_threads=True,
        cost=(3.8, 2.0),
        rounds=3,
        columns=(_KEPT, ("slow_rps", "sleepers/s")),
    ),
    Work(
        "waits20",
        "quick beside one request of twenty 1 ms waits",
        "mixed:app",
        mixed.waits20,
        setups=_THREADS,
        cost=(5.8, 2.5),
        rounds=3,
        columns=(
            _KEPT,
            ("slow_alone_ms", "waits alone ms"),
            ("slow_p50_ms", "waits beside ms"),
            ("stretch", "stretch"),
        ),
    ),
    Work(
        "heavy2",
        "quick beside two clients of 10 ms pure Python each",
        "mixed:app",
        mixed.heavy2,
        setups=_THREADS,
        cost=(6.5, 3.0),
        rounds=3,
        columns=(
            ("slow_alone_rps", "heavy/s alone"),
            ("slow_rps", "heavy/s beside"),
            ("slow_kept", "heavy kept"),
        ),
    ),
    Work(
        "heavy16",
        "sixteen clients of 10 ms pure Python, alone",
        "mixed:app",
        mixed.heavy16,
        path="/heavy",
        setups=_THREADS,
        cost=(6.0, 0.0),
        rounds=3,
        also=("citrate-1t", "bjoern"),
    ),
    *(
        Work(
            name,
            f"quick beside one {title} of 100 MB/s",
            "mixed:app",
            mixed.big,
            path=path,
            setups=_THREADS,
            cost=(4.0, 2.0),
            rounds=2,
            columns=(_ALONE_P99, _MOVED, ("big_mb_s", "transfer MB/s")),
        )
        for name, title, path in (
            ("bigup", "upload", "/upload"),
            ("bigdown", "download", "/download"),
        )
    ),
    Work(
        "workers2",
        "hello with two workers",
        "plain:hello",
        still.workers2,
        references=("nginx",),
        needs="workers",
        cost=(3.5, 2.0),
        rounds=3,
        columns=(("one_cpu_us", "CPU us, one worker"), ("gain", "two workers can do")),
    ),
    Work(
        "idle10k",
        "hello beside 10,000 idle keep-alive connections",
        "plain:hello",
        still.idle10k,
        references=("nginx",),
        cost=(8.0, 2.0),
        rounds=1,
        columns=(("bytes_each", "bytes each"), ("served", "still served"), _ALONE_P99, _MOVED),
    ),
    Work(
        "start",
        "start to first answer",
        "plain:hello",
        still.start,
        references=("nginx",),
        cost=(4.0, 0.0),
        rounds=2,
        columns=(("first_ms", "first answer ms"), ("import_ms", "import alone ms")),
    ),
    Work(
        "memory",
        "memory at rest, one worker with its supervisor",
        "plain:hello",
        still.memory,
        references=("nginx",),
        cost=(2.0, 0.0),
        rounds=1,
        columns=(("processes", "processes"),),
    ),
    _fault("hup", "three reloads by HUP", faults.hup, "reload"),
    _fault("recycle", "workers recycled after 300 requests", faults.recycle, "recycles"),
    _fault("term", "TERM under load", faults.term, "supervised", ("stop_s", "stopped after s")),
    _fault("kill", "a worker killed by KILL, thrice", faults.kill, "supervised"),
]

WORKS: dict[str, Work] = {work.name: work for work in _ALL}
