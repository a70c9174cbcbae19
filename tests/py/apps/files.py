"""wsgi.file_wrapper around files, pipes, and things that are neither."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from apps.probe import Environ, StartResponse, note

SIZE = 3_000_000
DATA = bytes(i * 7 % 251 for i in range(1000)) * (SIZE // 1000)
with tempfile.NamedTemporaryFile(delete=False, prefix="citrate-test-") as _f:
    _f.write(DATA)
PATH = os.environ.setdefault("FILES_PATH", _f.name)
_live = open(PATH, "rb")
os.unlink(PATH)


def reopen() -> io.BufferedReader:
    """A fresh file object on the deleted file."""
    return open(f"/proc/self/fd/{_live.fileno()}", "rb")


class Noted:
    """Passes on to a file and notes close()."""

    def __init__(self, f: Any, *without: str) -> None:
        self._f, self._without = f, without

    def __getattr__(self, name: str) -> Any:
        if name in self._without:
            raise AttributeError(name)
        return getattr(self._f, name)

    def close(self) -> None:
        note(kind="close", name="file")
        self._f.close()


class Raises:
    """A file whose second read fails."""

    reads = 0

    def read(self, n: int = -1) -> bytes:
        self.reads += 1
        if self.reads > 1:
            raise OSError("bad disk")
        return b"x" * 100

    def close(self) -> None:
        note(kind="close", name="file")


class BadFileno(io.BytesIO):
    """fileno() answers nonsense of the given kind."""

    def __init__(self, data: bytes, answer: Any) -> None:
        super().__init__(data)
        self.answer = answer

    def fileno(self) -> Any:
        return self.answer

    def close(self) -> None:
        note(kind="close", name="file")
        super().close()


def pipe(data: bytes) -> io.BufferedReader:
    """The reading end of a pipe that holds data."""
    r, w = os.pipe()
    os.write(w, data)
    os.close(w)
    return os.fdopen(r, "rb")


def at(f: Any, offset: int, read: int = 0) -> Any:
    """The file with its position moved, and a little read of it (so that its buffer is ahead of the fd)."""
    f.seek(offset)
    f.read(read)
    return f


def make(kind: str) -> Any:
    """The file-like object of a kind."""
    return {
        "regular": lambda: Noted(reopen()), "plain": reopen, "raw": lambda: Noted(open(f"/proc/self/fd/{_live.fileno()}", "rb", buffering=0)),
        "offset": lambda: Noted(at(reopen(), 1_000_000)), "offset_read": lambda: Noted(at(reopen(), 1_000_000, 10)),
        "near_end": lambda: Noted(at(reopen(), SIZE - 5)), "at_end": lambda: Noted(at(reopen(), SIZE)),
        "past_end": lambda: Noted(at(reopen(), SIZE + 10)), "bytesio": lambda: Noted(io.BytesIO(b"in memory")),
        "bytesio_offset": lambda: Noted(at(io.BytesIO(b"in memory"), 3)), "pipe": lambda: Noted(pipe(b"through a pipe")),
        "no_fileno": lambda: Noted(reopen(), "fileno"), "no_seek": lambda: Noted(reopen(), "seek", "tell"),
        "no_close": ReadOnly,
        "raises": Raises, "fileno_minus": lambda: BadFileno(b"still here", -1), "fileno_text": lambda: BadFileno(b"still here", "x"),
        "fileno_none": lambda: BadFileno(b"still here", None), "fileno_closed": lambda: BadFileno(b"still here", 1_000_000),
        "empty": lambda: Noted(io.BytesIO(b"")), "directory_fd": lambda: BadFileno(b"still here", os.open("/", os.O_RDONLY)),
        "spooled": lambda: Noted(spooled()),
    }[kind]()  # fmt: skip


class ReadOnly:
    """Has read() and nothing else."""

    def __init__(self) -> None:
        self._f = io.BytesIO(b"read only")

    def read(self, n: int = -1) -> bytes:
        return self._f.read(n)


def spooled() -> Any:
    """A temporary file still in memory: fileno() would roll it over."""
    f = tempfile.SpooledTemporaryFile(max_size=1 << 20)
    f.write(b"spooled")
    f.seek(0)
    return f


def app(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    """/KIND?length=&block=&status=&use=: `use` is how the wrapper is used."""
    q = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    kind = environ["PATH_INFO"].strip("/") or "hello"
    if kind in ("hello", "ready"):
        start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
        return [b"hello"]
    headers = [("Content-Type", "application/octet-stream")]
    if "length" in q:
        headers.append(("Content-Length", q["length"]))
    f = make(kind)
    wrapper = environ["wsgi.file_wrapper"]
    wrapped = wrapper(f, int(q["block"])) if "block" in q else wrapper(f)
    use = q.get("use", "return")
    if use == "iterated":
        start(q.get("status", "200 OK"), headers)
        return list(wrapped)
    if use == "middleware":
        start(q.get("status", "200 OK"), headers)
        return Middleware(wrapped)
    if use == "written_first":
        write = start(q.get("status", "200 OK"), headers)
        write(b"head of it ")
        return wrapped
    if use == "not_started":
        return wrapped
    if use == "raise":
        start("200 OK", headers)
        raise RuntimeError("with an open file")
    start(q.get("status", "200 OK"), headers)
    return wrapped


class Middleware:
    """Passes the pieces of a wrapper on, as middleware does."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __iter__(self) -> Any:
        yield from self.inner

    def close(self) -> None:
        if hasattr(self.inner, "close"):
            self.inner.close()
