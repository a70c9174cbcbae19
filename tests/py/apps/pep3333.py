"""One small application for each sentence of PEP 3333, chosen by the path.

An application named `x_y` answers on /x_y.  What happens to it is noted down (see apps/probe.py).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from apps.probe import Environ, StartResponse, note, run_ops

APPS: dict[str, Callable[[Environ, StartResponse], Any]] = {}
TEXT = [("Content-Type", "text/plain")]


def case(f: Callable[[Environ, StartResponse], Any]) -> Callable[[Environ, StartResponse], Any]:
    """Puts an application on its path."""
    APPS[f.__name__] = f
    return f


def query(environ: Environ) -> dict[str, str]:
    """The query's fields, percent-decoded to latin-1 text."""
    return dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True, encoding="latin-1"))


class Body:
    """An iterable that notes what is done with it."""

    def __init__(self, name: str, pieces: Iterable[Any], fail_close: bool = False) -> None:
        self.name, self.pieces, self.fail_close = name, iter(pieces), fail_close

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self.pieces)

    def close(self) -> None:
        note(kind="close", name=self.name)
        if self.fail_close:
            raise RuntimeError("close failed on purpose")


def length(n: int) -> list[tuple[str, str]]:
    """Headers with a Content-Length."""
    return [*TEXT, ("Content-Length", str(n))]


# ---- write() ----


@case
def write_only(environ, start):
    write = start("200 OK", TEXT)
    write(b"one ")
    write(b"two")
    return []


@case
def write_then_return(environ, start):
    write = start("200 OK", TEXT)
    write(b"written ")
    return [b"returned ", b"twice"]


@case
def write_with_length(environ, start):
    write = start("200 OK", length(11))
    write(b"hello ")
    return [b"world"]


@case
def write_empty(environ, start):
    write = start("200 OK", TEXT)
    write(b"")
    write(b"x")
    write(b"")
    return [b""]


@case
def write_leaves_at_once(environ, start):
    write = start("200 OK", TEXT)
    write(b"first")
    time.sleep(0.4)
    write(b"second")
    return []


@case
def write_text(environ, start):
    write = start("200 OK", TEXT)
    write("text")
    return []


@case
def write_text_caught(environ, start):
    write = start("200 OK", TEXT)
    try:
        write("text")
    except Exception as e:
        return [type(e).__name__.encode()]
    return [b"accepted"]


@case
def write_too_much(environ, start):
    write = start("200 OK", length(5))
    write(b"hello world")
    write(b"and more")
    return [b"and more"]


@case
def write_then_raise(environ, start):
    write = start("200 OK", TEXT)
    write(b"begun")
    raise RuntimeError("after write")


@case
def write_to_head(environ, start):
    write = start("200 OK", TEXT)
    write(b"hello")
    return [b"world"]


@case
def write_from_the_iterator(environ, start):
    write = start("200 OK", TEXT)

    def pieces():
        yield b"a"
        write(b"b")
        yield b"c"

    return pieces()


@case
def write_much(environ, start):
    write = start("200 OK", TEXT)
    for i in range(200):
        write(bytes([i]) * 10_000)
    return []


# ---- start_response ----


@case
def never_started(environ, start):
    return [b"no start_response"]


@case
def never_started_empty(environ, start):
    return []


@case
def started_twice(environ, start):
    start("200 OK", TEXT)
    start("201 Created", TEXT)
    return [b"twice"]


@case
def started_twice_caught(environ, start):
    start("200 First", TEXT)
    try:
        start("201 Second", TEXT)
    except Exception:
        return [b"refused"]
    return [b"accepted"]


@case
def started_without_headers(environ, start):
    start("200 OK")
    return [b"x"]


@case
def started_with_keywords(environ, start):
    """PEP 3333 has positional arguments; names are not promised, an error is right."""
    try:
        start(status="200 OK", headers=TEXT)
    except TypeError:
        start("200 OK", TEXT)
    return [b"x"]


@case
def started_with_four(environ, start):
    start("200 OK", TEXT, None, None)
    return [b"x"]


@case
def started_with_exc_info_none(environ, start):
    start("200 OK", TEXT, None)
    return [b"x"]


@case
def exc_info_before(environ, start):
    start("200 OK", [*TEXT, ("X-First", "1")])
    try:
        raise ValueError("caught")
    except ValueError:
        start("500 Sorry", [*TEXT, ("X-Second", "2")], sys.exc_info())
    return [b"error page"]


@case
def exc_info_first(environ, start):
    try:
        raise ValueError("caught")
    except ValueError:
        start("500 Sorry", TEXT, sys.exc_info())
    return [b"error page"]


@case
def exc_info_twice(environ, start):
    start("200 OK", TEXT)
    for n in ("500 One", "500 Two"):
        try:
            raise ValueError("caught")
        except ValueError:
            start(n, TEXT, sys.exc_info())
    return [b"error page"]


@case
def exc_info_after(environ, start):
    write = start("200 OK", TEXT)
    write(b"begun")
    try:
        raise ValueError("the original")
    except ValueError:
        try:
            start("500 Sorry", TEXT, sys.exc_info())
        except ValueError as e:
            note(kind="reraised", text=str(e))
            raise
    return [b"never"]


@case
def exc_info_after_empty_items(environ, start):
    """Nothing has been sent by empty bytestrings, so the answer can still be replaced."""

    def pieces():
        start("200 OK", TEXT)
        yield b""
        yield b""
        try:
            raise ValueError("caught")
        except ValueError:
            start("500 Late", TEXT, sys.exc_info())
        yield b"error page"

    return pieces()


@case
def exc_info_after_first_item(environ, start):
    def pieces():
        start("200 OK", TEXT)
        yield b"begun"
        try:
            raise ValueError("the original")
        except ValueError:
            start("500 Sorry", TEXT, sys.exc_info())
        yield b"never"

    return Body("exc_info_after_first_item", pieces())


@case
def started_in_the_generator(environ, start):
    start("200 OK", TEXT)
    yield b"generated"


@case
def started_late_in_the_generator(environ, start):
    yield b""
    yield b""
    start("200 OK", TEXT)
    yield b"late"


@case
def started_after_the_first_item(environ, start):
    yield b"too early"
    start("200 OK", TEXT)


@case
def headers_are_not_sent_early(environ, start):
    """start_response alone sends nothing: an error after it is a clean 500."""
    start("200 OK", [*TEXT, ("X-App", "1")])
    raise RuntimeError("before any body")


@case
def headers_changed_later(environ, start):
    headers = [*TEXT, ("X-A", "1")]
    start("200 OK", headers)
    headers.append(("X-B", "2"))
    headers[1] = ("X-A", "changed")
    return [b"x"]


@case
def status_of_the_query(environ, start):
    start(query(environ)["s"], TEXT)
    return [b"x"]


@case
def status_of_another_type(environ, start):
    start({"bytes": b"200 OK", "int": 200, "none": None, "list": ["200 OK"], "tuple": (200, "OK"), "float": 200.0,
           "wide": "200 \u20ac", "surrogate": "200 \udc80"}[query(environ)["t"]], TEXT)  # fmt: skip
    return [b"x"]


class Text(str):
    """A subclass of str: PEP 3333 wants type str itself; servers may take it."""


@case
def header_of_the_query(environ, start):
    """Name and value percent-decoded to latin-1."""
    parts = dict(p.split("=", 1) for p in environ["QUERY_STRING"].split("&"))
    start("200 OK", [(unquote_to_bytes(parts["n"]).decode("latin-1"), unquote_to_bytes(parts["v"]).decode("latin-1"))])
    return [b"x"]


@case
def headers_of_another_type(environ, start):
    start("200 OK", {
        "none": None, "dict": {"a": "b"}, "str": "a: b", "int": 5, "of_str": ["a: b"], "of_none": [None], "of_one": [("a",)],
        "of_three": [("a", "b", "c")], "name_bytes": [(b"a", "b")], "value_bytes": [("a", b"b")], "value_int": [("a", 5)],
        "value_none": [("a", None)], "name_none": [(None, "b")], "name_int": [(5, "b")], "of_int": [5],
        "value_wide": [("a", "\u20ac")], "name_wide": [("\u20ac", "b")], "value_surrogate": [("a", "\udc80")],
        "value_list": [("a", ["b"])],
    }[query(environ)["t"]])  # fmt: skip
    return [b"x"]


@case
def headers_nearly_right(environ, start):
    """Lists of lists, tuples, subclasses: PEP 3333 forbids them, a server may take them or not."""
    start("200 OK", {"tuple": (("X-A", "b"),), "lists": [["X-A", "b"]], "iterator": iter([("X-A", "b")]),
                     "text": [(Text("X-A"), Text("b"))]}[query(environ)["t"]])  # fmt: skip
    return [b"x"]


@case
def lengths_of_the_query(environ, start):
    start("200 OK", [*TEXT, *(("Content-Length", v) for v in query(environ)["v"].split("|"))])
    return [b"hello"]


# ---- what is returned ----


@case
def returns_another_type(environ, start):
    start("200 OK", TEXT)
    return {
        "none": None, "int": 5, "str": "text", "bytes": b"bytes", "of_str": ["text"], "of_int": [5], "of_none": [None],
        "true": True, "object": object(), "of_list": [[b"x"]], "float": 1.5, "dict_of_int": {1: 2}, "type": list,
    }[query(environ)["t"]]  # fmt: skip


@case
def returns_nothing(environ, start):
    pass


@case
def returns_an_iterable(environ, start):
    class Old:
        def __getitem__(self, i):
            if i == 3:
                raise IndexError
            return b"%d" % i

    class Again:
        def __iter__(self):
            return iter([b"0", b"1", b"2"])

    start("200 OK", TEXT)
    return {
        "list": [b"0", b"1", b"2"], "tuple": (b"0", b"1", b"2"), "iterator": iter([b"0", b"1", b"2"]), "old": Old(), "again": Again(),
        "generator": (b"%d" % i for i in range(3)), "map": map(lambda i: b"%d" % i, range(3)), "dict": {b"0": 1, b"1": 2, b"2": 3},
        "empties": [b"", b"0", b"", b"", b"1", b"2", b""],
    }[query(environ)["t"]]  # fmt: skip


@case
def returns_empty(environ, start):
    start("200 OK", TEXT)
    return {"list": [], "tuple": (), "generator": iter(()), "empty_items": [b"", b""], "one_empty": [b""]}[
        query(environ)["t"]
    ]


class Sized(Body):
    """An iterable with a length of one, as frameworks have."""

    def __len__(self) -> int:
        return 1


@case
def returns_sized(environ, start):
    start("200 OK", TEXT)
    return Sized("returns_sized", [b"sized"])


@case
def returns_wrongly_sized(environ, start):
    """len() says 1, two pieces come."""
    start("200 OK", TEXT)
    return Sized("returns_wrongly_sized", [b"one", b"two"])


class ListWithClose(list):
    """A list that wants to be closed."""

    def close(self) -> None:
        note(kind="close", name="list_with_close")


@case
def list_with_close(environ, start):
    start("200 OK", TEXT)
    return ListWithClose([b"one"])


@case
def bytes_subclass(environ, start):
    class B(bytes):
        pass

    start("200 OK", TEXT)
    return [B(b"sub")]


# ---- lengths ----


@case
def too_long(environ, start):
    start("200 OK", length(5))
    return Body("too_long", [b"hello world"])


@case
def too_long_in_pieces(environ, start):
    start("200 OK", length(5))
    return Body("too_long_in_pieces", [b"he", b"llo w", b"orld", b"!"])


@case
def too_long_list(environ, start):
    start("200 OK", length(5))
    return [b"hello world"]


@case
def too_long_endless(environ, start):
    def pieces():
        while True:
            yield b"x" * 1000

    start("200 OK", length(5000))
    return Body("too_long_endless", pieces())


@case
def too_short(environ, start):
    start("200 OK", length(50))
    return Body("too_short", [b"hello"])


@case
def too_short_list(environ, start):
    start("200 OK", length(50))
    return [b"hello"]


@case
def too_short_empty(environ, start):
    start("200 OK", length(50))
    return []


@case
def too_short_write(environ, start):
    write = start("200 OK", length(50))
    write(b"hello")
    return []


@case
def exact(environ, start):
    start("200 OK", length(5))
    return Body("exact", [b"he", b"llo"])


@case
def length_zero_and_body(environ, start):
    start("200 OK", length(0))
    return Body("length_zero_and_body", [b"hello"])


# ---- close() ----


@case
def closes(environ, start):
    start("200 OK", TEXT)
    return Body("closes", [b"a", b"b"])


@case
def closes_204(environ, start):
    start("204 No Content", [])
    return Body("closes_204", [b"body that must not go out"])


@case
def closes_304(environ, start):
    start("304 Not Modified", [])
    return Body("closes_304", [b"body that must not go out"])


@case
def closes_empty(environ, start):
    start("200 OK", TEXT)
    return Body("closes_empty", [])


@case
def closes_after_error(environ, start):
    def pieces():
        yield b"begun"
        raise RuntimeError("in the iteration")

    start("200 OK", TEXT)
    return Body("closes_after_error", pieces())


@case
def closes_after_first_error(environ, start):
    def pieces():
        raise RuntimeError("at the first item")
        yield b""

    start("200 OK", [*TEXT, ("X-App", "1")])
    return Body("closes_after_first_error", pieces())


@case
def closes_after_error_with_length(environ, start):
    def pieces():
        yield b"begun"
        raise RuntimeError("in the iteration")

    start("200 OK", length(100))
    return Body("closes_after_error_with_length", pieces())


@case
def closes_after_bad_item(environ, start):
    start("200 OK", TEXT)
    return Body("closes_after_bad_item", [b"begun", "text"])


@case
def closes_after_bad_first_item(environ, start):
    start("200 OK", TEXT)
    return Body("closes_after_bad_first_item", ["text"])


@case
def closes_when_not_started(environ, start):
    return Body("closes_when_not_started", [b"x"])


@case
def closes_badly(environ, start):
    start("200 OK", length(2))
    return Body("closes_badly", [b"ok"], fail_close=True)


@case
def closes_badly_chunked(environ, start):
    start("200 OK", TEXT)
    return Body("closes_badly_chunked", [b"o", b"k"], fail_close=True)


@case
def closes_slow(environ, start):
    """An endless stream: only the client's going ends it."""

    def pieces():
        while True:
            yield b"x" * 20_000
            time.sleep(0.005)

    start("200 OK", TEXT)
    return Body("closes_slow", pieces())


@case
def closes_write_gone(environ, start):
    write = start("200 OK", TEXT)
    try:
        for _ in range(2000):
            write(b"x" * 20_000)
            time.sleep(0.002)
    except Exception as e:
        note(kind="write_failed", name=type(e).__name__)
        raise
    return Body("closes_write_gone", [])


@case
def generator_is_closed(environ, start):
    start("200 OK", TEXT)
    try:
        while True:
            yield b"x" * 20_000
            time.sleep(0.005)
    finally:
        note(kind="close", name="generator_is_closed")


# ---- errors ----


@case
def raises_before(environ, start):
    raise RuntimeError("before start_response")


@case
def raises_base(environ, start):
    class Odd(BaseException):
        pass

    raise Odd("not an Exception")


@case
def raises_with_bad_str(environ, start):
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError("no text either")

    raise Odd


# ---- streaming ----


@case
def pieces_leave_at_once(environ, start):
    start("200 OK", TEXT)

    def pieces():
        yield b"first"
        time.sleep(0.4)
        yield b"second"

    return pieces()


@case
def pieces_with_length_leave_at_once(environ, start):
    start("200 OK", length(11))

    def pieces():
        yield b"first"
        time.sleep(0.4)
        yield b"second"

    return pieces()


# ---- the environ ----

REQUIRED = ["REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL"]


@case
def environ_facts(environ, start):
    errors = environ["wsgi.errors"]
    facts = {
        "type": type(environ).__name__,
        "missing": [k for k in REQUIRED if k not in environ],
        "not_str": [k for k in environ if type(k) is not str],
        "values_not_str": [k for k, v in environ.items() if "." not in k and type(v) is not str],
        "not_latin_1": [k for k, v in environ.items() if isinstance(v, str) and any(ord(c) > 255 for c in v)],
        "version": environ["wsgi.version"], "scheme": environ["wsgi.url_scheme"],
        "flags": [type(environ[k]).__name__ for k in ("wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once")],
        "run_once": bool(environ["wsgi.run_once"]),
        "input": [hasattr(environ["wsgi.input"], m) for m in ("read", "readline", "readlines", "__iter__")],
        "errors": [hasattr(errors, m) for m in ("write", "writelines", "flush")],
        "terminated": environ.get("wsgi.input_terminated"),
        "file_wrapper": callable(environ.get("wsgi.file_wrapper", print)),
        "from_os": [k for k in ("PATH", "HOME", "PYTHONPATH") if k in environ],
        "left": environ.get("test.left"),
        "left_http": environ.get("HTTP_X_LEFT"),
    }  # fmt: skip
    environ["test.left"] = "behind"
    environ["HTTP_X_LEFT"] = "behind"
    environ["SERVER_NAME"] = "changed"
    del environ["wsgi.errors"]
    body = json.dumps(facts).encode()
    start("200 OK", length(len(body)))
    return [body]


@case
def environ_is_kept(environ, start):
    """An application may keep its environ: a later request must not change it."""
    kept = APPS.setdefault("_kept", [])  # type: ignore[arg-type]
    kept.append(environ)  # type: ignore[union-attr]
    body = json.dumps([e["QUERY_STRING"] for e in kept]).encode()  # type: ignore[union-attr]
    start("200 OK", length(len(body)))
    return [body]


@case
def input_is_kept(environ, start):
    """Reading another request's wsgi.input after its end gives nothing or an error, never another's bytes."""
    kept = APPS.setdefault("_inputs", [])  # type: ignore[arg-type]
    kept.append(environ["wsgi.input"])  # type: ignore[union-attr]
    out = []
    for stream in kept[:-1]:  # type: ignore[index]
        try:
            out.append(stream.read().hex())
        except Exception as e:
            out.append(type(e).__name__)
    body = json.dumps(out).encode()
    start("200 OK", length(len(body)))
    return [body]


@case
def start_response_is_kept(environ, start):
    """Calling a finished request's start_response or write is an error, not an answer to someone else."""
    kept = APPS.setdefault("_starts", [])  # type: ignore[arg-type]
    out = []
    for old_start, old_write in kept:  # type: ignore[union-attr]
        for f in (lambda s=old_start: s("200 Stale", TEXT), lambda w=old_write: w(b"stale")):
            try:
                f()
                out.append("accepted")
            except Exception as e:
                out.append(type(e).__name__)
    body = json.dumps(out).encode()
    kept.append((start, start("200 OK", length(len(body)))))  # type: ignore[union-attr]
    return [body]


@case
def input_ops(environ, start):
    body = json.dumps(run_ops(environ["wsgi.input"], json.loads(environ["HTTP_X_OPS"]))).encode()
    start("200 OK", length(len(body)))
    return [body]


@case
def input_bad_calls(environ, start):
    """Arguments of wrong types are errors of the caller, and harm nothing."""
    stream, out = environ["wsgi.input"], []
    for call in (lambda: stream.read("5"), lambda: stream.read(1, 2), lambda: stream.readline("x"), lambda: stream.readlines("x"),
                 lambda: stream.read(1.5)):  # fmt: skip
        try:
            out.append(repr(call()))
        except Exception as e:
            out.append(type(e).__name__)
    out.append(stream.read().hex())
    body = json.dumps(out).encode()
    start("200 OK", length(len(body)))
    return [body]


@case
def hello(environ, start):
    start("200 OK", length(5))
    return [b"hello"]


def app(environ: Environ, start_response: StartResponse) -> Any:
    """Calls the application on this path."""
    name = environ["PATH_INFO"].strip("/")
    return APPS.get(name, hello)(environ, start_response)
