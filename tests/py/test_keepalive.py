"""How long a connection lives (RFC 9112 9)."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from rawhttp import get, post
from server import Server


def test_a_1_1_connection_is_kept(probe: Server) -> None:
    with probe.connect() as c:
        for i in range(50):
            resp = c.exchange(get(f"/plain?id={i}"))
            assert resp.body == b"hello %d" % i
            assert not resp.closes


def test_a_1_0_connection_is_closed(probe: Server) -> None:
    with probe.connect() as c:
        resp = c.exchange(get("/plain", minor=0))
        assert resp.status == 200
        assert "keep-alive" not in resp.connection
        c.expect_end()


@pytest.mark.parametrize(
    "token", ["keep-alive", "Keep-Alive", "KEEP-ALIVE", "keep-alive, x", "x,keep-alive", " keep-alive\t"]
)
def test_a_1_0_client_that_asks_is_kept_and_told_so(probe: Server, token: str) -> None:
    with probe.connect() as c:
        for i in range(3):
            resp = c.exchange(get(f"/plain?id={i}", f"Connection: {token}", minor=0))
            assert resp.body == b"hello %d" % i
            assert "keep-alive" in resp.connection
        assert c.exchange(get("/plain?id=last", minor=0)).body == b"hello last"
        c.expect_end()


@pytest.mark.parametrize(("minor", "fields"), [
    (1, ["Connection: close"]), (1, ["Connection: Close"]), (1, ["Connection: CLOSE"]), (1, ["Connection: x, close"]),
    (1, ["Connection: close, x"]), (1, ["Connection: keep-alive, close"]), (1, ["Connection: close, keep-alive"]),
    (1, ["Connection: x", "Connection: close"]), (1, ["Connection: close", "Connection: x"]), (1, ["Connection: ,close,"]),
    (1, ["Connection: close, token, upgrade, token, keep-alive"]), (1, ["Connection:\tclose "]),
    (0, ["Connection: close"]), (0, ["Connection: x"]), (0, []), (0, ["Connection: keep-alive, close"]),
    (0, ["Keep-Alive: timeout=5"]), (0, ["Connection: keepalive"]),
])  # fmt: skip
def test_close_is_honoured_and_said(probe: Server, minor: int, fields: list[str]) -> None:
    with probe.connect() as c:
        resp = c.exchange(get("/plain?id=1", *fields, minor=minor))
        assert resp.body == b"hello 1"
        assert resp.closes or (minor == 0 and "keep-alive" not in resp.connection)
        c.expect_end()


@pytest.mark.parametrize("fields", [
    ["Connection: keep-alive"], ["Connection: x"], ["Connection:"], ["Connection: closed"], ["Connection: xclose"],
    ["Connection: not-close"], ["Proxy-Connection: close"], ["X-Connection: close"], ["Connection: te", "TE: trailers"],
    ["Keep-Alive: 0"], ["Connection: clos e"],
], ids=str)  # fmt: skip
def test_anything_else_is_not_close(probe: Server, fields: list[str]) -> None:
    with probe.connect() as c:
        resp = c.exchange(get("/plain?id=1", *fields))
        if resp.status == 400:
            return  # a list element with a blank is no token
        assert not resp.closes
        assert c.exchange(get("/plain?id=2")).body == b"hello 2"


def test_what_follows_a_close_is_not_served(probe: Server) -> None:
    with probe.connect() as c:
        c.send(get("/plain?id=1", "Connection: close") + get("/smuggled-after-close"))
        assert c.read_response().closes
        c.expect_end()
    assert not probe.recorded(path="/smuggled-after-close")


def test_what_follows_a_1_0_request_is_not_served(probe: Server) -> None:
    with probe.connect() as c:
        c.send(get("/plain?id=1", minor=0) + get("/smuggled-after-1-0"))
        assert c.read_response(request_minor=0).body == b"hello 1"
        c.expect_end()
    assert not probe.recorded(path="/smuggled-after-1-0")


@pytest.mark.parametrize("gap", [b"\r\n", b""], ids=["crlf", "none"])
def test_an_empty_line_between_requests_is_skipped(probe: Server, gap: bytes) -> None:
    """RFC 9112 2.2: old clients send CRLF after a POST's body."""
    with probe.connect() as c:
        for _ in range(3):
            assert c.exchange(gap + post("/raw", b"q=42"), "POST").body == b"q=42"
        assert c.exchange(gap + get("/plain?id=1"), "GET").body == b"hello 1"


def test_an_idle_connection_is_closed_in_time_and_silently(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--keep-alive", "1")
    with server.connect() as c:
        assert c.exchange(get("/plain")).status == 200
        began = time.monotonic()
        c.expect_end(4.0)
        assert 0.7 < time.monotonic() - began < 3.0


def test_each_request_begins_the_idle_time_anew(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--keep-alive", "1")
    with server.connect() as c:
        for i in range(4):
            assert c.exchange(get(f"/plain?id={i}")).body == b"hello %d" % i
            time.sleep(0.5)
        assert c.exchange(get("/sleep?ms=1500&id=x")).body == b"slept x", "a running request is not idle"
        assert c.exchange(get("/plain?id=y")).body == b"hello y"


def test_a_keep_alive_of_0_is_one_request_a_connection(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--keep-alive", "0")
    with server.connect() as c:
        assert c.exchange(get("/plain?id=1")).closes
        c.expect_end()
