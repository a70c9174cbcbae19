"""Expect: 100-continue (RFC 9110 10.1.1): the interim answer comes when the application reads."""

from __future__ import annotations

import json

import pytest
from rawhttp import Conn, get, post
from server import Server


def expecting(path: str, length: int, *fields: str, expect: str = "100-continue", minor: int = 1) -> bytes:
    """A head that waits for the go-ahead."""
    return get(path, f"Content-Length: {length}", f"Expect: {expect}", *fields, method="POST", minor=minor)


def wait_for_100(c: Conn) -> None:
    """Reads one 100 and nothing else."""
    resp = c.read_head()
    assert resp.status == 100, resp.head
    assert resp.get("content-length") is None
    assert resp.get("transfer-encoding") is None


@pytest.mark.parametrize("expect", ["100-continue", "100-Continue", "100-CONTINUE", " 100-continue "])
def test_100_is_sent_when_the_application_reads(probe: Server, expect: str) -> None:
    with probe.connect() as c:
        c.send(expecting("/raw", 5, expect=expect))
        wait_for_100(c)
        c.send(b"hello")
        resp = c.read_response("POST")
        assert (resp.status, resp.body, resp.interim) == (200, b"hello", [])
        assert c.exchange(get("/plain?id=2")).body == b"hello 2"


def test_100_for_a_chunked_body(probe: Server) -> None:
    with probe.connect() as c:
        c.send(get("/raw", "Transfer-Encoding: chunked", "Expect: 100-continue", method="POST"))
        wait_for_100(c)
        c.send(b"5\r\nhello\r\n0\r\n\r\n")
        assert c.read_response("POST").body == b"hello"


def test_100_for_a_large_body(probe: Server) -> None:
    body = bytes(range(256)) * 8000
    with probe.connect() as c:
        c.send(expecting("/raw", len(body)))
        wait_for_100(c)
        c.send(body)
        assert c.read_response("POST").body == body


@pytest.mark.parametrize(
    "path", ["/plain?id=1", "/early?s=413+Too+Large", "/status?s=204+No+Content", "/status?s=417+No"]
)
def test_no_100_when_the_application_does_not_read(probe: Server, path: str) -> None:
    """The final answer comes at once, and the connection is either closed or fit for another request."""
    with probe.connect() as c:
        c.send(expecting(path, 5))
        resp = c.read_response("POST")
        assert resp.interim == [], "100 was sent though nobody read"
        if resp.closes:
            c.expect_end()
        else:
            c.send(b"hello")
            assert c.exchange(get("/plain?id=2")).body == b"hello 2"


def test_no_100_when_part_of_the_body_is_there_already(probe: Server) -> None:
    """It may be left out (RFC 9110 10.1.1), and if sent it comes before the final answer, once."""
    with probe.connect() as c:
        c.send(expecting("/raw", 5) + b"hello")
        resp = c.read_response("POST")
        assert resp.body == b"hello"
        assert len(resp.interim) <= 1
        assert c.exchange(get("/plain?id=2")).body == b"hello 2"


def test_no_100_without_a_body(probe: Server) -> None:
    with probe.connect() as c:
        for data in (get("/raw", "Expect: 100-continue"), expecting("/raw", 0)):
            resp = c.exchange(data)
            assert (resp.status, resp.body) == (200, b"")
            assert len(resp.interim) == 0


def test_no_100_to_http_1_0(probe: Server) -> None:
    """`read_response` refuses 1xx answers to 1.0."""
    with probe.connect() as c:
        c.send(expecting("/raw", 5, minor=0) + b"hello")
        assert c.read_response("POST", 0).body == b"hello"


def test_100_is_sent_once(probe: Server) -> None:
    with probe.connect() as c:
        ops = json.dumps([["read", 2], ["read", 2], ["readline"], ["read"]])
        c.send(expecting("/reads", 10, f"X-Ops: {ops}"))
        wait_for_100(c)
        c.send_pieces([b"ab", b"cd", b"ef\n", b"ghi"], 0.02)
        resp = c.read_response("POST")
        assert resp.interim == []
        assert [bytes.fromhex(r) for r in json.loads(resp.body)] == [b"ab", b"cd", b"ef\n", b"ghi"]


def test_read_zero_does_not_ask_for_the_body(probe: Server) -> None:
    with probe.connect() as c:
        c.send(expecting("/early?read=0", 5))
        resp = c.read_response("POST")
        assert resp.body == b"early 0"
        assert resp.interim == []


@pytest.mark.parametrize(
    "expect",
    ["200-ok", "x", "100-continue, x", "x, 100-continue", "100-continue=1", "100", "continue", "100-continuex"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_expectation_is_417(probe: Server, expect: str, method: str) -> None:
    with probe.connect() as c:
        data = get("/", f"Expect: {expect}") if method == "GET" else post("/", b"hello", f"Expect: {expect}")
        resp = c.exchange(data)
        assert resp.status == 417
        if resp.closes:
            c.expect_end()
        else:
            assert c.exchange(get("/plain?id=2")).body == b"hello 2"


@pytest.mark.parametrize("expect", ["200-ok", "100-continue"])
def test_expectations_of_1_0_are_ignored(probe: Server, expect: str) -> None:
    """RFC 9110 10.1.1: a server MUST ignore 100-continue in HTTP/1.0."""
    with probe.connect() as c:
        resp = c.exchange(get("/plain?id=1", f"Expect: {expect}", minor=0))
        assert resp.status in ((200,) if expect == "100-continue" else (200, 417))


def test_a_pipelined_expectation_keeps_the_order(probe: Server) -> None:
    with probe.connect() as c:
        c.send(get("/sleep?ms=50&id=1") + expecting("/raw", 5))
        assert c.read_response().body == b"slept 1"
        wait_for_100(c)
        c.send(b"hello")
        assert c.read_response("POST").body == b"hello"


def test_a_client_that_gives_up_waiting_sends_anyway(probe: Server) -> None:
    """An application that reads late: the body came before the 100 could."""
    with probe.connect() as c:
        c.send(expecting("/sleep?ms=100&id=1", 5))
        c.send(b"hello")
        resp = c.read_response("POST")
        assert resp.body == b"slept 1"
        if not resp.closes:
            assert c.exchange(get("/plain?id=2")).body == b"hello 2"


def test_a_body_over_the_limit_is_refused_before_it_is_sent(probe: Server) -> None:
    with probe.connect() as c:
        c.send(expecting("/raw", 1 << 40))
        resp = c.read_response("POST")
        assert resp.status == 413
        assert resp.interim == []
        assert resp.closes
        c.expect_end()
