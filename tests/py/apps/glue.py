"""Applications that look at the border between Python and C: what is kept, changed, shared.

An application named `x_y` answers on /x_y.
"""

from __future__ import annotations

import gc
import gzip
import io
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

from citrate import _native

from apps.probe import Environ, StartResponse, note

APPS: dict[str, Callable[[Environ, StartResponse], Any]] = {}
KEPT: dict[str, Any] = {}
TEXT = [("Content-Type", "text/plain")]


def case(f: Callable[[Environ, StartResponse], Any]) -> Callable[[Environ, StartResponse], Any]:
    """Puts an application on its path."""
    APPS[f.__name__] = f
    return f


def reply(start: StartResponse, value: object) -> list[bytes]:
    """A value as JSON."""
    start("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(value).encode()]


@case
def ready(environ, start):
    return reply(start, "ready")


# ---- environ ----


@case
def environ(environ, start):
    return reply(start, {k: v if isinstance(v, (str, bool, tuple)) else type(v).__name__ for k, v in environ.items()})


@case
def spoil_environ(environ, start):
    """Changes, adds and deletes keys; the next request must not see it."""
    environ["PATH_INFO"] = environ["SERVER_NAME"] = "spoilt"
    environ["spoilt"] = "yes"
    del environ["wsgi.errors"], environ["QUERY_STRING"]
    return reply(start, "spoilt")


@case
def swap_environ(environ, start):
    """As many keys as before, in another order."""
    environ["HTTP_HOST"] = environ.pop("HTTP_HOST") + "x"
    return reply(start, "swapped")


@case
def clear_environ(environ, start):
    environ.clear()
    return reply(start, "cleared")


@case
def keep_all(environ, start):
    KEPT.update(environ=environ, input=environ["wsgi.input"], start=start)
    KEPT["write"] = start("200 OK", TEXT)
    return [b"kept"]


@case
def kept(environ, start):
    """What became of what /keep_all kept."""
    found = {"environ is": KEPT["environ"] is environ, "path": KEPT["environ"]["PATH_INFO"],
             "input is": KEPT["input"] is environ["wsgi.input"], "start is": KEPT["start"] is start,
             "closed": KEPT["input"].closed}  # fmt: skip
    calls = {"read": lambda: KEPT["input"].read(), "next": lambda: next(KEPT["input"]),
             "readline": lambda: KEPT["input"].readline(), "readinto": lambda: KEPT["input"].readinto(bytearray(4)),
             "write": lambda: KEPT["write"](b"x"), "start": lambda: KEPT["start"]("200 OK", TEXT)}  # fmt: skip
    for name, call in calls.items():
        try:
            found[name] = repr(call())
        except Exception as e:
            found[name] = f"{type(e).__name__}: {e}"
    return reply(start, found)


# ---- input ----


@case
def read_in_steps(environ, start):
    """`s` in the query: r5 read(5), r read(), l readline(), l3 readline(3), L readlines(), L4, i next(), b4 readinto."""
    body, out = environ["wsgi.input"], []
    for step in environ["QUERY_STRING"].split(","):
        kind, n = step[0], int(step[1:] or -1)
        if kind == "r":
            out.append(body.read(n).decode() if n >= 0 else body.read().decode())
        elif kind == "l":
            out.append(body.readline(n).decode())
        elif kind == "L":
            out.append([line.decode() for line in body.readlines(n)])
        elif kind == "i":
            out.append(next(body, b"(end)").decode())
        elif kind == "n":
            out.append(body.read(None).decode())
        else:
            room = bytearray(n)
            out.append([body.readinto(room), bytes(room).decode("latin-1")])
    return reply(start, out)


@case
def read_wrapped(environ, start):
    """The standard library's readers around the input."""
    text = io.TextIOWrapper(io.BufferedReader(environ["wsgi.input"]), "utf-8")
    return reply(start, list(text))


@case
def read_wrongly(environ, start):
    found = []
    for call in (lambda f: f.read("5"), lambda f: f.read(1, 2), lambda f: f.readline(1.5), lambda f: f.readinto(b"x")):
        try:
            found.append(repr(call(environ["wsgi.input"])))
        except Exception as e:
            found.append(type(e).__name__)
    return reply(start, found)


@case
def read_in_thread(environ, start):
    """Another thread reads while this one waits for it (asgiref does so)."""
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(environ["wsgi.input"].read()))
    thread.start()
    thread.join()
    return reply(start, got[0].decode())


# ---- results ----


@case
def file_of_gzip(environ, start):
    """fileno() is the compressed file's, read() gives the text."""
    with tempfile.NamedTemporaryFile(delete=False) as f, gzip.open(f, "wb") as z:
        z.write(b"plain text " * 1000)
    start("200 OK", TEXT)
    unpacked = gzip.open(f.name)
    os.unlink(f.name)
    return environ["wsgi.file_wrapper"](unpacked)


class Upper(io.FileIO):
    """A file whose read() is its own."""

    def read(self, n=-1):
        return super().read(n).upper()


FILES = {
    "raw": lambda name: open(name, "rb", buffering=0),
    "buffered": lambda name: open(name, "rb"),
    "random": lambda name: open(name, "r+b"),
    "upper": lambda name: Upper(name),
    "upper_buffered": lambda name: io.BufferedReader(Upper(name)),
    "memory": lambda name: io.BytesIO(open(name, "rb").read()),
}


@case
def file_from_offset(environ, start):
    kind, offset, length = environ["QUERY_STRING"].split(",")
    with tempfile.NamedTemporaryFile(delete=False) as f:
        f.write(bytes(range(97, 123)) * 4000)
    file = FILES[kind](f.name)
    os.unlink(f.name)
    file.read(1)
    file.seek(int(offset))
    start("200 OK", TEXT + ([("Content-Length", length)] if length else []))
    return environ["wsgi.file_wrapper"](file, 1000)


class NotedFile(io.BytesIO):
    def close(self):
        note(kind="close", name="file", thread=threading.get_ident() == KEPT["thread"])
        super().close()


@case
def file_closed_on_its_thread(environ, start):
    KEPT["thread"] = threading.get_ident()
    start("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](NotedFile(b"noted"))


@case
def file_wrapper_alone(environ, start):
    wrap = environ["wsgi.file_wrapper"]
    w = wrap(io.BytesIO(b"abcdef"), 4)
    found = [w.blksize, type(w.filelike).__name__, [b.decode() for b in w]]
    w.close()
    found += [w.filelike.closed, wrap(object()).close()]
    for call in (lambda: wrap(), lambda: wrap(1, 0), lambda: wrap(1, 2, 3)):
        try:
            call()
        except Exception as e:
            found.append(type(e).__name__)
    return reply(start, found)


class Container:
    """As Django's HttpResponse: the iterator of a list."""

    def __iter__(self):
        return iter([b"a" * 5000, b"", b"b" * 5000])

    def close(self):
        note(kind="close", name="container")


@case
def container(environ, start):
    start("200 OK", TEXT)
    return Container()


@case
def long_list(environ, start):
    start("200 OK", TEXT)
    return [b"x" * 1_000_000] * 20


# ---- going wrong ----


@case
def fork_and_return(environ, start):
    pid = os.fork()
    if pid:
        _, status = os.waitpid(pid, 0)
        return reply(start, os.waitstatus_to_exitcode(status))
    return reply(start, "child")


@case
def fork_in_generator(environ, start):
    start("200 OK", TEXT)
    yield b"parent"
    pid = os.fork()
    if pid:
        _, status = os.waitpid(pid, 0)
        yield f" {os.waitstatus_to_exitcode(status)}".encode()
    else:
        yield b" child"


@case
def fork_properly(environ, start):
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    return reply(start, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


@case
def run_a_program(environ, start):
    import subprocess

    return reply(start, subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, text=True).stdout)


@case
def leave(environ, start):
    raise {"exit": SystemExit(3), "keyboard": KeyboardInterrupt(), "timeout": _native.RequestTimeout()}[
        environ["QUERY_STRING"]
    ]


@case
def too_slow(environ, start):
    """Pure Python for ten seconds; an `except Exception` must not hold the interruption up."""
    end = time.monotonic() + 10
    try:
        while time.monotonic() < end:
            try:
                sum(range(1000))
            except Exception:
                note(kind="swallowed")
    except BaseException as e:
        note(kind="interrupted", type=type(e).__name__, exception=isinstance(e, Exception))
        raise
    finally:
        note(kind="finally")
    return reply(start, "done")


# ---- errors ----


@case
def say(environ, start):
    errors = environ["wsgi.errors"]
    print("one", 1, file=errors)
    errors.write("two ")
    errors.write("pieces\nand ")
    errors.writelines(["three\n", "four\n"])
    errors.write("wide \u20ac \udc80\n")
    errors.write("y" * 20_000 + "\n")
    errors.write("flushed")
    errors.flush()
    errors.write("unfinished")
    return reply(start, [errors.write("abc\n"), errors.isatty()])


@case
def say_wrongly(environ, start):
    try:
        environ["wsgi.errors"].write(b"bytes")
    except TypeError as e:
        return reply(start, str(e))
    return reply(start, "accepted")


# ---- measures ----


@case
def counters(environ, start):
    return reply(start, _native.counters())


@case
def memory(environ, start):
    gc.collect()
    gc.collect()
    names = ("StartResponse", "Write", "Input", "FileWrapper", "Errors", "File")
    types = {t.__name__: sys.getrefcount(t) for t in object.__subclasses__() if t.__module__ == "citrate._native"}
    return reply(start, {"blocks": sys.getallocatedblocks(), "types": {n: types.get(n) for n in names}})


def app(environ: Environ, start: StartResponse) -> Any:
    """The application named by the path."""
    return APPS.get(environ.get("PATH_INFO", "")[1:], globals()["environ"])(environ, start)
