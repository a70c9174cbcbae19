"""The application most tests talk to: notes every request down, and answers as the path says.

Notes go to the file named by PROBE_RECORD, one JSON object a line, written before the answer, so a
client that has its answer (or the end of the connection) can rely on them.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]

_fd = os.open(os.environ["PROBE_RECORD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT) if "PROBE_RECORD" in os.environ else 2


def note(**what: object) -> None:
    """Writes one record; the write is one call, so lines of several workers do not mix."""
    os.write(_fd, (json.dumps({**what, "pid": os.getpid()}) + "\n").encode())


def text_environ(environ: Environ) -> dict[str, str]:
    """The CGI and HTTP part of an environ."""
    return {k: v for k, v in environ.items() if isinstance(v, str)}


def reply(start: StartResponse, body: bytes, status: str = "200 OK", *headers: tuple[str, str]) -> list[bytes]:
    """A whole answer with its length."""
    start(status, [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(body))), *headers])
    return [body]


def echo(environ: Environ, start: StartResponse, q: dict[str, str]) -> Iterable[bytes]:
    """Environ and body as JSON."""
    body = environ["wsgi.input"].read()
    note(kind="body", path=environ["PATH_INFO"], n=len(body))
    out = {"environ": text_environ(environ), "body": body.hex(), "n": len(body), "pid": os.getpid()}
    return reply(start, json.dumps(out).encode())


def raw(environ: Environ, start: StartResponse, q: dict[str, str]) -> Iterable[bytes]:
    """The request's body, as it is."""
    return reply(start, environ["wsgi.input"].read())


def plain(environ: Environ, start: StartResponse, q: dict[str, str]) -> Iterable[bytes]:
    """A short fixed answer; the input is not touched."""
    return reply(start, b"hello " + q.get("id", "").encode())


def status(environ: Environ, start: StartResponse, q: dict[str, str]) -> Iterable[bytes]:
    """Status `s`, body of `n` bytes, Content-Length said or not (`cl`)."""
    n = int(q.get("n", 0))
    headers = [("Content-Type", "text/plain")] if n else []
    if "cl" in q:
        headers.append(("Content-Length", q["cl"]))
    start(q.get("s", "200 OK"), headers)
    return [b"x" * n] if n else []


def stream(environ: Environ, start: StartResponse, q: dict[str, str]) -> Iterable[bytes]:
    """`n` pieces of `size` bytes with `ms` between them, length unknown."""
    n, size, ms = int(q.get("n", 3)), int(q.get("size", 5)), int(q.get("ms", 0))
    start("200 OK", [("Content-Type", "text/plain")])

    def pieces() -> Iterator[bytes]:
        try:
            for i in range(n):
                if i and ms:
                    time.sleep(ms / 1000)
                yield bytes([97 + i % 26]) * size
        finally:
            note(kind="closed", path=environ["PATH_INFO"], id=q.get("id"))

    return pieces()


def big(environ: Environ, start: StartResponse, q: dict[str, str]) -> Iterable[bytes]:
    """One body of `n` bytes."""
    n = int(q.get("n", 1 << 20))
    return reply(start, (bytes(range(256)) * (n // 256 + 1))[:n])


def sleep(environ: Environ, start: StartResponse, q: dict[str, str]) -> Iterable[bytes]:
    """Sleeps `ms`, then answers with `id`."""
    note(kind="sleeping", id=q.get("id"))
    time.sleep(int(q.get("ms", 100)) / 1000)
    note(kind="slept", id=q.get("id"))
    return reply(start, b"slept " + q.get("id", "").encode())


def spin(environ: Environ, start: StartResponse, q: dict[str, str]) -> Iterable[bytes]:
    """Burns `ms` of CPU in Python."""
    end = time.thread_time() + int(q.get("ms", 10)) / 1000
    while time.thread_time() < end:
        sum(range(100))
    return reply(start, b"spun")


def early(environ: Environ, start: StartResponse, q: dict[str, str]) -> Iterable[bytes]:
    """Answers without a look at the body, or after `read` bytes of it."""
    got = environ["wsgi.input"].read(int(q["read"])) if "read" in q else b""
    return reply(start, b"early %d" % len(got), q.get("s", "200 OK"))


def reads(environ: Environ, start: StartResponse, q: dict[str, str]) -> Iterable[bytes]:
    """Runs the calls of the X-Ops header on wsgi.input and answers their results (hex)."""
    return reply(start, json.dumps(run_ops(environ["wsgi.input"], json.loads(environ["HTTP_X_OPS"]))).encode())


def run_ops(stream: Any, ops: list[list[Any]]) -> list[Any]:
    """Results of calls on a binary stream; the test runs the same on io.BytesIO."""
    out: list[Any] = []
    for name, *args in ops:
        if name == "next":
            out.append(next(iter(stream), b"").hex())
        elif name == "iter":
            out.append([line.hex() for line in stream])
        elif name == "readlines":
            out.append([line.hex() for line in stream.readlines(*args)])
        else:
            out.append(getattr(stream, name)(*args).hex())
    return out


def mirror(environ: Environ, start: StartResponse, q: dict[str, str]) -> Iterable[bytes]:
    """Sends the body back piece by piece while it is read."""
    start("200 OK", [("Content-Type", "application/octet-stream")])
    return iter(lambda: environ["wsgi.input"].read(int(q.get("size", 10_000))), b"")


def reader(environ: Environ, start: StartResponse, q: dict[str, str]) -> Iterable[bytes]:
    """Reads a byte and then the rest, and notes how that ended."""
    stream = environ["wsgi.input"]
    try:
        stream.read(1)
        note(kind="began", id=q.get("id"))
        n = 1 + len(stream.read())
    except Exception as e:
        note(kind="failed", id=q.get("id"), name=type(e).__name__, is_os=isinstance(e, OSError))
        raise
    note(kind="read", id=q.get("id"), n=n)
    return reply(start, b"%d" % n)


def whoami(environ: Environ, start: StartResponse, q: dict[str, str]) -> Iterable[bytes]:
    """Process, thread and what the server says of itself."""
    facts = {
        "pid": os.getpid(), "thread": threading.current_thread().name, "ident": threading.get_ident(),
        "multithread": environ["wsgi.multithread"], "multiprocess": environ["wsgi.multiprocess"],
        "run_once": environ["wsgi.run_once"],
    }  # fmt: skip
    return reply(start, json.dumps(facts).encode())


def errors(environ: Environ, start: StartResponse, q: dict[str, str]) -> Iterable[bytes]:
    """Writes to wsgi.errors."""
    stream = environ["wsgi.errors"]
    stream.write(q.get("text", "a line") + "\n")
    stream.writelines(["two ", "three\n"])
    stream.flush()
    print("by print", q.get("text", ""), file=sys.stderr, flush=True)
    return reply(start, b"written")


def header(environ: Environ, start: StartResponse, q: dict[str, str]) -> Iterable[bytes]:
    """Answers with the headers of the query."""
    return reply(start, b"headers", "200 OK", *((k, v) for k, v in q.items()))


ROUTES = {
    f.__name__: f
    for f in (echo, raw, plain, status, stream, big, sleep, spin, early, reads, mirror, reader, whoami, errors, header)
}


def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Notes the request down and calls the route named by the path's first part; echo by default."""
    note(
        kind="request", method=environ["REQUEST_METHOD"], path=environ["PATH_INFO"],
        query=environ.get("QUERY_STRING", ""), host=environ.get("HTTP_HOST"),
    )  # fmt: skip
    route = ROUTES.get(environ["PATH_INFO"].split("/")[1] if "/" in environ["PATH_INFO"] else "", echo)
    return route(environ, start_response, dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)))
