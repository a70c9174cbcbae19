"""Slow clients: each phase of a connection has its time, its answer and its line in the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from rawhttp import Conn, Cut, get
from refusals import Bystander
from server import Server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(start_for_module: Callable[..., Server]) -> Server:
    return start_for_module(
        "apps.probe:app", "--header-timeout", "0.5", "--body-timeout", "0.5", "--send-timeout", "0.5", "--keep-alive", "0.5", "--threads", "4",
    )  # fmt: skip


@pytest.fixture(scope="module")
def bystander(server: Server) -> Iterator[Bystander]:
    b = Bystander(server)
    yield b
    b.close()


def check_408(server: Server, c: Conn, mark: int, began: float) -> None:
    """A whole 408 within sensible time, the end, and a log line."""
    resp = c.read_response()
    assert resp.status == 408
    assert resp.closes
    c.expect_end()
    assert 0.35 < time.monotonic() - began < 3.0
    server.wait_log("time|408", mark)


HEADS = {
    "one_byte": b"G",
    "in_the_line": b"GET /slo",
    "in_a_field": b"GET /slow HTTP/1.1\r\nHost: t\r\nX: ",
    "before_the_end": get("/slow")[:-2],
}


@pytest.mark.parametrize("part", HEADS.values(), ids=HEADS.keys())
def test_a_head_that_stops_is_408(server: Server, bystander: Bystander, part: bytes) -> None:
    mark, began = server.log_mark(), time.monotonic()
    with server.connect() as c:
        c.send(part)
        check_408(server, c, mark, began)
    assert not server.recorded(kind="request", path="/slow")
    assert bystander.is_served()


def test_a_head_that_trickles_is_408(server: Server, bystander: Bystander) -> None:
    """A byte now and then does not begin the time anew."""
    began = time.monotonic()
    with server.connect() as c:
        data = get("/slow", *(f"X-{i}: y" for i in range(50)))
        try:
            for b in data:
                c.send(bytes([b]))
                time.sleep(0.05)
                if time.monotonic() - began > 4:
                    pytest.fail("a trickling head has all the time in the world")
        except Cut:
            pass
        assert b" 408 " in c.drain() or c.was_reset
    assert not server.recorded(kind="request", path="/slow")
    assert bystander.is_served()


def test_a_second_head_that_stops_is_408(server: Server) -> None:
    with server.connect() as c:
        assert c.exchange(get("/plain?id=1")).body == b"hello 1"
        mark, began = server.log_mark(), time.monotonic()
        c.send(b"GET /slow HT")
        check_408(server, c, mark, began)


def test_a_connection_that_says_nothing_is_closed(server: Server) -> None:
    """Silently or with a 408; in time either way."""
    began = time.monotonic()
    with server.connect() as c:
        rest = c.drain(5.0)
        assert rest == b"" or rest.startswith(b"HTTP/1.1 408 ")
        assert c.eof
        assert time.monotonic() - began < 4.0


BODIES = {
    "length": get("/slow-body", "Content-Length: 10", method="POST") + b"hello",
    "length_no_byte": get("/slow-body", "Content-Length: 10", method="POST"),
    "chunked": get("/slow-body", "Transfer-Encoding: chunked", method="POST") + b"5\r\nhel",
    "chunked_in_size": get("/slow-body", "Transfer-Encoding: chunked", method="POST") + b"5",
    "chunked_before_last": get("/slow-body", "Transfer-Encoding: chunked", method="POST") + b"5\r\nhello\r\n",
    "chunked_in_trailers": get("/slow-body", "Transfer-Encoding: chunked", method="POST") + b"0\r\nX: y",
    "large": get("/slow-body", "Content-Length: 3000000", method="POST") + b"x" * 1_000_000,
    "expect": get("/slow-body", "Content-Length: 10", "Expect: 100-continue", method="POST"),
}


@pytest.mark.parametrize("data", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_stops_is_408(server: Server, bystander: Bystander, data: bytes) -> None:
    before = len(server.recorded(kind="body", path="/slow-body"))
    mark, began = server.log_mark(), time.monotonic()
    with server.connect() as c:
        c.send(data)
        check_408(server, c, mark, began)
    assert len(server.recorded(kind="body", path="/slow-body")) == before
    assert bystander.is_served()


def test_a_body_that_goes_on_is_not_cut(server: Server) -> None:
    """Slower in all than the timeout, but never silent for so long."""
    with server.connect() as c:
        c.send_pieces([get("/raw", "Content-Length: 10", method="POST"), *(b"xx" for _ in range(5))], 0.25)
        assert c.read_response("POST").body == b"x" * 10


@pytest.mark.parametrize("path", ["/big?n=20000000", "/stream?n=400&size=50000"])
def test_a_client_that_takes_nothing_is_cut(server: Server, bystander: Bystander, path: str) -> None:
    mark = server.log_mark()
    with server.connect(rcvbuf=4096) as c:
        c.send(get(path))
        time.sleep(1.8)
        with pytest.raises((Cut, ConnectionError)):
            c.read_response()
    server.wait_log("send|time", mark)
    assert bystander.is_served()


def test_a_client_that_takes_a_little_is_not_cut(server: Server) -> None:
    """send-timeout is for those who take nothing.

    The kernel reports a socket writable again only when a third of its send buffer, up to megabytes,
    is free: a slow but steady reader takes longer than that.
    """
    with server.connect(rcvbuf=65_536) as c:
        c.send(get("/big?n=8000000"))
        end = time.monotonic() + 2.0
        while time.monotonic() < end:
            c.buf += c.sock.recv(16_384)
            time.sleep(0.03)
        assert len(c.read_response().body) == 8_000_000


def test_an_application_may_take_longer_than_the_clients_times(server: Server) -> None:
    with server.connect() as c:
        assert c.exchange(get("/sleep?ms=1200&id=long")).body == b"slept long"
        assert c.exchange(get("/plain?id=2")).body == b"hello 2"


def test_a_hundred_slow_heads_do_not_hold_the_others(server: Server) -> None:
    conns = [server.connect() for _ in range(100)]
    try:
        for c in conns:
            c.send(b"GET / HTT")
        for i in range(20):
            began = time.monotonic()
            assert server.fetch(f"/plain?id={i}").body == b"hello %d" % i
            assert time.monotonic() - began < 1.0
        for c in conns:
            assert b" 408 " in c.drain(4.0)
            assert c.eof
    finally:
        for c in conns:
            c.close()


def test_a_pipelined_head_that_stops_behind_a_slow_request(server: Server) -> None:
    """The time of the second head does not cut the first answer."""
    with server.connect() as c:
        c.send(get("/sleep?ms=900&id=1") + b"GET /slow HT")
        assert c.read_response().body == b"slept 1"
        assert c.read_response().status == 408
        c.expect_end()


def test_lingering_ends_though_the_client_sends_on_and_on(server: Server) -> None:
    """After a refusal the server reads a while, not for ever."""
    began = time.monotonic()
    with server.connect() as c:
        c.send(b"BAD\r\n\r\n")
        try:
            while time.monotonic() - began < 15:
                c.send(b"x" * 1000)
                time.sleep(0.02)
        except (Cut, TimeoutError, OSError):
            pass
        assert time.monotonic() - began < 12, "the server lingers for ever"
