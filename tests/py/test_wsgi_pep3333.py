"""PEP 3333 to the letter, from the client's side of the socket."""

from __future__ import annotations

import io
import json
import random
import socket
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from apps.probe import run_ops
from rawhttp import Cut, ProtocolError, Response, get, post, post_chunked
from server import KIND, Server, wait_for


@pytest.fixture(scope="module")
def server(start_for_module: Callable[..., Server]) -> Server:
    return start_for_module("apps.pep3333:app", "--threads", "4")


def ask(server: Server, path: str, method: str = "GET", minor: int = 1) -> Response:
    """One request on a connection of its own, after which another one is served."""
    with server.connect() as c:
        resp = c.exchange(get(path, method=method, minor=minor))
    assert server.fetch("/hello").body == b"hello"
    return resp


def closed(server: Server, name: str, before: int) -> None:
    """close() of that body was called once since `before` calls."""
    wait_for(lambda: len(server.recorded(kind="close", name=name)) > before, 5.0)
    time.sleep(0.02)
    assert len(server.recorded(kind="close", name=name)) == before + 1, (
        "close() was not called just once" + server.log()[-2000:]
    )


def count(server: Server, name: str) -> int:
    """Calls of close() so far."""
    return len(server.recorded(kind="close", name=name))


# ---- answers that are right as they are ----

RIGHT = {
    "write_only": b"one two", "write_then_return": b"written returned twice", "write_with_length": b"hello world",
    "write_empty": b"x", "write_from_the_iterator": b"abc", "started_with_exc_info_none": b"x", "started_with_keywords": b"x",
    "started_in_the_generator": b"generated", "exact": b"hello", "closes": b"ab",
    "write_leaves_at_once": b"firstsecond", "pieces_leave_at_once": b"firstsecond", "closes_empty": b"", "list_with_close": b"one",
    "returns_sized": b"sized", "bytes_subclass": b"sub", "write_much": b"".join(bytes([i]) * 10_000 for i in range(200)),
    "returns_wrongly_sized": b"onetwo",
    **{f"returns_an_iterable?t={t}": b"012" for t in
       ("list", "tuple", "iterator", "old", "again", "generator", "map", "dict", "empties")},
    **{f"returns_empty?t={t}": b"" for t in ("list", "tuple", "generator", "empty_items", "one_empty")},
}  # fmt: skip


@pytest.mark.parametrize("path", RIGHT)
@pytest.mark.parametrize("minor", [1, 0], ids=["1.1", "1.0"])
def test_the_body_is_what_was_written_and_returned(server: Server, path: str, minor: int) -> None:
    resp = ask(server, "/" + path, minor=minor)
    assert (resp.status, resp.body) == (200, RIGHT[path])


@pytest.mark.parametrize("path", RIGHT)
def test_head_runs_the_application_and_sends_no_body(server: Server, path: str) -> None:
    with server.connect() as c:
        assert c.exchange(get("/" + path, method="HEAD")).status == 200
        assert c.exchange(get("/hello")).body == b"hello"


def test_a_whole_answer_keeps_the_connection(server: Server) -> None:
    with server.connect() as c:
        for path, body in RIGHT.items():
            assert c.exchange(get("/" + path)).body == body, path


# ---- applications that fail before anything is sent: 500 ----

FAILING = [
    "never_started", "never_started_empty", "started_twice", "started_without_headers", "started_with_four", "write_text",
    "headers_are_not_sent_early", "raises_before", "raises_base", "raises_with_bad_str", "returns_nothing",
    "started_after_the_first_item", "closes_after_first_error", "closes_after_bad_first_item", "closes_when_not_started",
    *(f"returns_another_type?t={t}" for t in ("none", "int", "str", "of_str", "of_int", "of_none", "true", "object", "of_list",
                                              "float", "dict_of_int", "type", "bytes")),
]  # fmt: skip


@pytest.mark.parametrize("path", FAILING)
def test_a_failure_before_the_body_is_a_500(server: Server, path: str) -> None:
    mark = server.log_mark()
    resp = ask(server, "/" + path)
    assert resp.status == 500
    assert resp.get("x-app") is None, "a header of the failed answer went out"
    assert b"Traceback" not in resp.body
    if KIND == "citrate":
        server.wait_log(path.split("?")[0], mark)


def test_a_500_keeps_or_closes_the_connection_as_it_says(server: Server) -> None:
    with server.connect() as c:
        resp = c.exchange(get("/raises_before"))
        assert resp.status == 500
        if resp.closes:
            c.expect_end()
        else:
            assert c.exchange(get("/hello")).body == b"hello"


def test_a_500_to_head_has_no_body(server: Server) -> None:
    with server.connect() as c:
        resp = c.exchange(get("/raises_before", method="HEAD"))
        assert resp.status == 500
        if resp.closes:
            c.expect_end()
        else:
            assert c.exchange(get("/hello")).body == b"hello"


def test_a_500_with_an_unread_body_does_not_lose_the_thread(server: Server) -> None:
    with server.connect() as c:
        resp = c.exchange(post("/raises_before", b"GET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n"))
        assert resp.status == 500
        if not resp.closes:
            assert c.exchange(get("/hello")).body == b"hello"
        else:
            c.expect_end()


def test_the_traceback_is_in_the_log(server: Server) -> None:
    mark = server.log_mark()
    ask(server, "/raises_before")
    text = server.wait_log("RuntimeError: before start_response", mark)
    assert "Traceback" in text


# ---- failures after the first byte: the client can tell ----

BROKEN = [
    "write_then_raise", "exc_info_after", "exc_info_after_first_item", "closes_after_error", "closes_after_error_with_length",
    "closes_after_bad_item", "too_short", "too_short_list", "too_short_write", "too_short_empty",
]  # fmt: skip


@pytest.mark.parametrize("path", BROKEN)
def test_a_failure_in_the_body_cuts_the_connection(server: Server, path: str) -> None:
    with server.connect() as c:
        c.send(get("/" + path))
        try:
            resp = c.read_response()
        except Cut as e:
            assert not e.reset or e.got == b"" or KIND != "citrate"
        else:
            assert resp.status == 500, "the client takes a broken answer for a whole one"
    assert server.fetch("/hello").body == b"hello"


@pytest.mark.parametrize("path", [b for b in BROKEN if b != "too_short_empty"])
def test_what_was_made_before_the_failure_arrives(server: Server, path: str) -> None:
    """begun / hello, then the end without the last chunk or the missing bytes."""
    with server.connect() as c:
        c.send(get("/" + path))
        head = c.read_final_head()
        if head.status == 500:
            return
        rest = c.drain()
        assert b"begun" in rest or b"hello" in rest
        assert not rest.endswith(b"0\r\n\r\n")
        assert c.eof


def test_a_failure_in_the_body_to_1_0_is_seen_too(server: Server) -> None:
    """Without chunks only a reset tells a 1.0 client; with a length the missing bytes do."""
    with server.connect() as c:
        c.send(get("/closes_after_error_with_length", minor=0))
        with pytest.raises(Cut):
            c.read_response(request_minor=0)


def test_exc_info_after_the_head_raises_the_original(server: Server) -> None:
    before = len(server.recorded(kind="reraised", text="the original"))
    with server.connect() as c:
        c.send(get("/exc_info_after"))
        with pytest.raises(Cut):
            c.read_response()
    assert len(server.recorded(kind="reraised", text="the original")) == before + 1


# ---- start_response ----


def test_started_late_behind_empty_items(server: Server) -> None:
    """Before the first non-empty bytestring is soon enough for the answer; wsgiref refuses it, so both."""
    resp = ask(server, "/started_late_in_the_generator")
    assert (resp.status, resp.body) == (200, b"late") or resp.status == 500


def test_started_twice_keeps_the_first_when_caught(server: Server) -> None:
    resp = ask(server, "/started_twice_caught")
    assert resp.body == b"refused"
    assert (resp.status, resp.reason) == (200, b"First")


def test_exc_info_replaces_what_was_not_sent(server: Server) -> None:
    resp = ask(server, "/exc_info_before")
    assert (resp.status, resp.reason, resp.body) == (500, b"Sorry", b"error page")
    assert resp.get("x-first") is None
    assert resp.get("x-second") == "2"


@pytest.mark.parametrize(
    ("path", "reason"),
    [("exc_info_first", b"Sorry"), ("exc_info_twice", b"Two"), ("exc_info_after_empty_items", b"Late")],
)
def test_exc_info_before_the_first_byte(server: Server, path: str, reason: bytes) -> None:
    resp = ask(server, "/" + path)
    assert (resp.status, resp.reason, resp.body) == (500, reason, b"error page")


def test_headers_changed_after_start_response_do_not_tear_the_answer(server: Server) -> None:
    """The list is the server's to read now or later, but the answer is well formed."""
    resp = ask(server, "/headers_changed_later")
    assert resp.body == b"x"
    assert resp.get("x-a") in ("1", "changed")


def test_text_for_write_is_an_error(server: Server) -> None:
    resp = ask(server, "/write_text_caught")
    assert resp.body in (b"AssertionError", b"TypeError", b"ValueError")


STATUSES_GOOD = [
    "200 OK",
    "200 Two Words",
    "299 x",
    "404 Not Found",
    "200 OK!",
    "999 Odd",
    "600 Over",
    "200 \xe9",
    "200 a\tb",
    "200 200",
]


@pytest.mark.parametrize("status", STATUSES_GOOD)
def test_a_good_status_goes_out_whole(server: Server, status: str) -> None:
    resp = ask(server, "/status_of_the_query?s=" + quote(status, encoding="latin-1"))
    assert f"{resp.status} {resp.reason.decode('latin-1')}" == status


STATUSES_BAD = [
    "", " ", "OK", "20", "2 OK", "20 OK", "2000 OK", "2x0 OK", "abc OK", "-200 OK", "+200 OK", " 200 OK", "200OK", "200.0 OK", "0x200 OK",
    "000 No", "099 No", "042 No", "200 O\rK", "200 O\nK", "200 OK\r\n", "200 OK\r\nX-Evil: 1", "200 OK\n\nbody", "200 O\0K", "200 O\x7fK",
    "200 O\x01K", "\r\n200 OK", "HTTP/1.1 200 OK", "\xb2\xb2\xb2 OK", "100 Continue", "101 Switching Protocols", "102 Processing",
    "103 Early Hints", "199 x", "1 000", "1e2 OK", "200\n OK",
]  # fmt: skip


@pytest.mark.parametrize("status", STATUSES_BAD, ids=ascii)
def test_a_bad_status_is_a_500(server: Server, status: str) -> None:
    resp = ask(server, "/status_of_the_query?s=" + quote(status, encoding="latin-1"))
    assert resp.status == 500
    assert resp.get("x-evil") is None
    assert b"body" not in resp.body or b"<body" in resp.body


@pytest.mark.parametrize("status", ["200", "200 "])
def test_a_status_without_reason_is_sent_or_refused(server: Server, status: str) -> None:
    resp = ask(server, "/status_of_the_query?s=" + quote(status))
    assert resp.status in (200, 500)


@pytest.mark.parametrize("kind", ["bytes", "int", "none", "list", "tuple", "float", "wide", "surrogate"])
def test_a_status_of_another_type_is_a_500(server: Server, kind: str) -> None:
    assert ask(server, f"/status_of_another_type?t={kind}").status == 500


NAMES_BAD = ["", " ", "X Y", "X:", ":X", "X\r\nY", "X\n", "\rX", "X\0", "X\tY", "X(", "X)", "X<", "X>", "X@", "X,", "X;", "X\\", 'X"', "X/",
             "X[", "X]", "X?", "X=", "X{", "X}", "X\x7f", "X\x01", "\xe9", "X\xff", "X ", " X"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES_BAD, ids=ascii)
def test_a_bad_header_name_is_a_500(server: Server, name: str) -> None:
    resp = ask(server, f"/header_of_the_query?n={quote(name, '', encoding='latin-1')}&v=v")
    assert resp.status == 500


VALUES_BAD = ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\r\n b", "a\n b", "a\0b", "\0", "\r", "\n", "a\r\n", "\r\na", "a\r\n\r\nbody",
              *(f"a{chr(b)}b" for b in [*range(1, 9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])]  # fmt: skip


@pytest.mark.parametrize("value", VALUES_BAD, ids=ascii)
def test_a_bad_header_value_is_a_500(server: Server, value: str) -> None:
    resp = ask(server, f"/header_of_the_query?n=X-A&v={quote(value, '', encoding='latin-1')}")
    assert resp.status == 500
    assert resp.get("x-evil") is None


VALUES_GOOD = ["", "a", "a b", "a\tb", "\xe9\xff\x80", 'a"b', "a;b,c", "\xa0", "a" * 4000]


@pytest.mark.parametrize("value", VALUES_GOOD, ids=lambda v: ascii(v)[:12])
def test_a_good_header_value_goes_out_whole(server: Server, value: str) -> None:
    resp = ask(server, f"/header_of_the_query?n=X-A&v={quote(value, '', encoding='latin-1')}")
    assert (resp.status, resp.get("x-a")) == (200, value)


@pytest.mark.parametrize("value", [" a", "a ", "\ta", "a\t", " "])
def test_blanks_around_a_header_value_are_sent_or_trimmed(server: Server, value: str) -> None:
    resp = ask(server, f"/header_of_the_query?n=X-A&v={quote(value)}")
    assert resp.status == 500 or resp.get("x-a") == value.strip()


NAMES_GOOD = [
    "X",
    "x-y",
    "X_Y",
    "1",
    "!#$%&'*+-.^_`|~",
    "Content-Typ",
    "Connectionx",
    "Set-Cookie",
    "ETag",
    "Location",
    "WWW-Authenticate",
]


@pytest.mark.parametrize("name", NAMES_GOOD)
def test_a_good_header_name_goes_out_whole(server: Server, name: str) -> None:
    resp = ask(server, f"/header_of_the_query?n={quote(name, '')}&v=v")
    assert resp.status == 200
    assert (name, "v") in resp.headers


HOP_BY_HOP = [
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "TE",
    "Trailer",
    "Trailers",
    "Transfer-Encoding",
    "Upgrade",
]


@pytest.mark.parametrize("name", HOP_BY_HOP)
@pytest.mark.parametrize("change", [str, str.lower, str.upper], ids=["as_is", "lower", "upper"])
def test_a_hop_by_hop_header_is_refused(server: Server, name: str, change: Callable[[str], str]) -> None:
    """PEP 3333: applications are forbidden from using them; the server says so."""
    mark = server.log_mark()
    value = {"Connection": "close", "Transfer-Encoding": "chunked", "Upgrade": "websocket"}.get(name, "x")
    resp = ask(server, f"/header_of_the_query?n={change(name)}&v={value}")
    assert resp.status == 500
    if KIND == "citrate":
        server.wait_log(name, mark)


@pytest.mark.parametrize("kind", ["none", "dict", "str", "int", "of_str", "of_none", "of_one", "of_three", "name_bytes", "value_bytes",
                                  "value_int", "value_none", "name_none", "name_int", "of_int", "value_wide", "name_wide",
                                  "value_surrogate", "value_list"])  # fmt: skip
def test_headers_of_another_type_are_a_500(server: Server, kind: str) -> None:
    assert ask(server, f"/headers_of_another_type?t={kind}").status == 500


@pytest.mark.parametrize("kind", ["tuple", "lists", "iterator", "text"])
def test_headers_nearly_right_are_sent_whole_or_refused(server: Server, kind: str) -> None:
    resp = ask(server, f"/headers_nearly_right?t={kind}")
    assert resp.status == 500 or resp.get("x-a") == "b"


@pytest.mark.parametrize("value", ["abc", "-1", "+5", "5, 5", "", " ", "5 5", "0x5", "5.0", "1e1", "5|6", "5|x", "99999999999999999999999", "\xb2"],
                         ids=ascii)  # fmt: skip
def test_a_bad_content_length_of_the_application_is_a_500(server: Server, value: str) -> None:
    assert ask(server, "/lengths_of_the_query?v=" + quote(value, encoding="latin-1")).status == 500


def test_the_same_content_length_twice_goes_out_once_or_not_at_all(server: Server) -> None:
    resp = ask(server, "/lengths_of_the_query?v=5|5")
    assert resp.status == 500 or (resp.get("content-length"), resp.body) == ("5", b"hello")


# ---- lengths ----


@pytest.mark.parametrize("path", ["too_long", "too_long_in_pieces", "too_long_list", "write_too_much"])
def test_a_body_that_is_too_long_is_cut_to_its_length(server: Server, path: str) -> None:
    before = count(server, path)
    with server.connect() as c:
        resp = c.exchange(get("/" + path))
        assert (resp.status, resp.body) == (200, b"hello")
        if resp.closes:
            c.expect_end()
        elif c.is_open(0.05):
            assert c.exchange(get("/hello")).body == b"hello"
        else:
            c.expect_end()
    if path in ("too_long", "too_long_in_pieces"):
        closed(server, path, before)


def test_an_endless_body_with_a_length_ends_there(server: Server) -> None:
    before = count(server, "too_long_endless")
    resp = ask(server, "/too_long_endless")
    assert resp.body == b"x" * 5000
    closed(server, "too_long_endless", before)


def test_a_body_with_length_zero_is_dropped(server: Server) -> None:
    before = count(server, "length_zero_and_body")
    resp = ask(server, "/length_zero_and_body")
    assert (resp.status, resp.body) == (200, b"")
    closed(server, "length_zero_and_body", before)


@pytest.mark.parametrize("path", ["too_short", "too_long"])
def test_a_wrong_length_is_said_in_the_log(server: Server, path: str) -> None:
    mark = server.log_mark()
    with server.connect() as c:
        c.send(get("/" + path))
        c.drain(0.5)
    if KIND == "citrate":
        server.wait_log("content-length", mark)


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_too_short_for_head_is_no_error(server: Server, method: str) -> None:
    """HEAD's body may be left out, as frameworks do: the length stands, the connection too."""
    if method == "HEAD":
        with server.connect() as c:
            assert c.exchange(get("/too_short_empty", method="HEAD")).get("content-length") == "50"
            assert c.exchange(get("/hello")).body == b"hello"
    else:
        with server.connect() as c, pytest.raises(Cut):
            c.exchange(get("/too_short"))


# ---- close() ----


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["closes", "closes_204", "closes_304", "closes_empty", "closes_after_error", "closes_after_first_error",
                                  "closes_after_bad_item", "closes_after_bad_first_item", "closes_when_not_started", "closes_badly",
                                  "closes_badly_chunked", "too_short", "exact", "list_with_close", "returns_sized",
                                  "closes_after_error_with_length", "exc_info_after_first_item"])  # fmt: skip
def test_close_is_called_once_whatever_happens(server: Server, path: str, method: str) -> None:
    before = count(server, path)
    with server.connect() as c:
        c.send(get("/" + path, "Connection: close", method=method))
        c.drain()
    closed(server, path, before)


@pytest.mark.parametrize("path", ["closes_slow", "generator_is_closed"])
@pytest.mark.parametrize("how", ["close", "reset", "vanish"])
def test_close_is_called_when_the_client_leaves(server: Server, path: str, how: str) -> None:
    before = count(server, path)
    with server.connect() as c:
        c.send(get("/" + path))
        c.read_final_head()
        if how == "reset":
            c.abort()
        elif how == "vanish":
            c.sock.shutdown(socket.SHUT_RDWR)
    closed(server, path, before)
    assert server.fetch("/hello").body == b"hello"


def test_write_fails_when_the_client_has_gone(server: Server) -> None:
    before = len(server.recorded(kind="write_failed"))
    with server.connect() as c:
        c.send(get("/closes_write_gone"))
        c.read_final_head()
        c.abort()
    assert wait_for(lambda: len(server.recorded(kind="write_failed")) > before), server.log()[-2000:]


@pytest.mark.parametrize("path", ["closes_badly", "closes_badly_chunked"])
def test_a_failing_close_does_not_spoil_the_answer(server: Server, path: str) -> None:
    mark = server.log_mark()
    resp = ask(server, "/" + path)
    assert (resp.status, resp.body) == (200, b"ok")
    server.wait_log("close failed on purpose", mark)


@pytest.mark.parametrize("path", ["closes_204", "closes_304"])
def test_bodies_that_must_not_be_are_dropped(server: Server, path: str) -> None:
    with server.connect() as c:
        assert c.exchange(get("/" + path)).status == int(path[-3:])
        assert c.exchange(get("/hello")).body == b"hello"


# ---- streaming ----


@pytest.mark.parametrize("path", ["write_leaves_at_once", "pieces_leave_at_once", "pieces_with_length_leave_at_once"])
def test_each_piece_leaves_before_the_next_is_made(server: Server, path: str) -> None:
    """PEP 3333: a server must not delay the transmission of any block."""
    with server.connect() as c:
        began = time.monotonic()
        c.send(get("/" + path))
        c.read_final_head()
        while b"first" not in c.buf:
            assert c._more()
        assert time.monotonic() - began < 0.35, "the first piece waited for the second"
        assert b"second" not in c.buf
        rest = c.buf
        while b"second" not in rest:
            assert c._more()
            rest = c.buf
        assert time.monotonic() - began > 0.35


# ---- the environ ----


def test_the_environ_is_as_pep_3333_says(server: Server) -> None:
    for _ in range(3):
        facts = json.loads(ask(server, "/environ_facts?q").body)
        assert facts["type"] == "dict"
        assert (
            facts["missing"]
            == facts["not_str"]
            == facts["values_not_str"]
            == facts["not_latin_1"]
            == facts["from_os"]
            == []
        )
        assert (facts["version"], facts["scheme"]) == ([1, 0], "http")
        assert facts["flags"] == ["bool"] * 3
        assert facts["run_once"] is False
        assert all(facts["input"])
        assert all(facts["errors"])
        assert facts["file_wrapper"]
        assert facts["left"] is None, "the environ of one request came back in another"
        assert facts["left_http"] is None


def test_a_kept_environ_does_not_change(server: Server) -> None:
    for n in range(1, 6):
        seen = json.loads(server.fetch(f"/environ_is_kept?n{n}").body)
        assert seen == [f"n{i}" for i in range(1, n + 1)]


def test_a_kept_input_never_reads_anothers_body(server: Server) -> None:
    for i in range(4):
        with server.connect() as c:
            out = json.loads(c.exchange(post("/input_is_kept", b"secret %d" % i)).body)
            assert len(out) == i
            for n, text in enumerate(out):
                assert b"secret %d" % i not in bytes.fromhex(text) if set(text) <= set("0123456789abcdef") else n >= 0


def test_a_kept_start_response_answers_nobody_else(server: Server) -> None:
    with server.connect() as c:
        assert json.loads(c.exchange(get("/start_response_is_kept")).body) == []
        for _ in range(2):
            resp = c.exchange(get("/start_response_is_kept"))
            assert (resp.status, resp.reason) == (200, b"OK")
            assert "accepted" not in json.loads(resp.body)
        assert c.is_open(0.05)


# ---- wsgi.input against io.BytesIO ----


def random_body(rng: random.Random) -> bytes:
    """Bytes with line ends of all kinds in them."""
    n = rng.choice([0, 1, 2, 10, 100, 1000, 9000, 70_000])
    return bytes(rng.choice(b"ab\n\r\0\xff ") for _ in range(n))


def random_ops(rng: random.Random) -> list[list]:
    """Calls with every kind of size."""
    sizes = [0, 1, 2, 3, 7, 100, 1000, 8192, 100_000, -1, -5, None]
    ops: list[list] = []
    for _ in range(rng.randint(1, 12)):
        name = rng.choice(["read", "read", "readline", "readline", "next"])
        ops.append(
            [name] if name == "next" or (rng.random() < 0.15 and name == "readline") else [name, rng.choice(sizes)]
        )
    ops.append(rng.choice([["read"], ["readlines"], ["iter"], ["read", -1], ["read", None]]))
    return [*ops, ["read"], ["read", 5], ["readline"], ["readlines"], ["iter"], ["next"]]


def send_body(c, path: str, body: bytes, ops: list[list], how: str, rng: random.Random) -> Response:
    """Sends the body framed and cut as `how` says and reads the answer."""
    field = "X-Ops: " + json.dumps(ops)
    cuts = sorted(rng.randrange(len(body) + 1) for _ in range(rng.randint(1, 5)))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    if how == "length":
        c.send(post(path, body, field))
    elif how == "length_slow":
        c.send_pieces([get(path, f"Content-Length: {len(body)}", field, method="POST"), *pieces], 0.01)
    elif how == "chunked":
        c.send(post_chunked(path, pieces, field))
    else:
        chunks = [b"%x;e=f\r\n%s\r\n" % (len(p), p) for p in pieces if p]
        c.send_pieces(
            [get(path, "Transfer-Encoding: chunked", field, method="POST"), *chunks, b"0\r\nX: y\r\n", b"\r\n"], 0.01
        )
    return c.read_response("POST")


@pytest.mark.parametrize("how", ["length", "length_slow", "chunked", "chunked_slow"])
@pytest.mark.parametrize("seed", range(20))
def test_wsgi_input_reads_like_bytesio(server: Server, how: str, seed: int) -> None:
    rng = random.Random(f"{how}{seed}")
    with server.connect() as c:
        for _ in range(3):
            body, ops = random_body(rng), random_ops(rng)
            resp = send_body(c, "/input_ops", body, ops, how, rng)
            assert resp.status == 200, (ops, server.log()[-2000:])
            want = run_ops(io.BytesIO(body), ops)
            assert json.loads(resp.body) == want, ops
        assert c.exchange(get("/hello")).body == b"hello"


@pytest.mark.parametrize("hint", [0, 1, 3, 5, 1000, -1, None])
def test_readlines_hint_bounds_or_is_ignored(server: Server, hint: int | None) -> None:
    body = b"one\ntwo\nthree\nfour"
    with server.connect() as c:
        resp = c.exchange(post("/input_ops", body, "X-Ops: " + json.dumps([["readlines", hint], ["read"]])))
        lines, rest = json.loads(resp.body)
        lines = [bytes.fromhex(line) for line in lines]
        assert lines == body.splitlines(True)[: len(lines)]
        assert b"".join(lines) + bytes.fromhex(rest) == body
        if hint and hint > 0:
            assert len(b"".join(lines)) >= min(hint, len(body))


def test_wrong_arguments_to_the_input_are_errors_that_take_nothing(server: Server) -> None:
    with server.connect() as c:
        out = json.loads(c.exchange(post("/input_bad_calls", b"hello")).body)
        assert out[:3] == ["TypeError"] * 3
        assert out[3] in ("TypeError", "[b'hello']"), "a hint may be ignored, whatever it is"
        assert out[4] in ("TypeError", "b'h'", "b''")
        took = b"hello" if out[3] != "TypeError" else b"h" if out[4] == "b'h'" else b""
        assert took + bytes.fromhex(out[5]) == b"hello"


def test_a_line_longer_than_any_buffer_is_one_line(server: Server) -> None:
    body = b"x" * 1_500_000 + b"\n" + b"y" * 10
    with server.connect() as c:
        resp = c.exchange(post("/input_ops", body, 'X-Ops: [["readline"], ["readline"], ["readline"]]'))
        assert [len(r) // 2 for r in json.loads(resp.body)] == [1_500_001, 10, 0]


def test_an_answer_that_is_no_http_would_be_seen(server: Server) -> None:
    """A check of these tests: the client does refuse bytes behind an answer."""
    with server.connect() as c:
        c.send(get("/hello") + get("/hello", "Connection: close"))
        c.read_response()
        with pytest.raises(ProtocolError):
            c.expect_end()
