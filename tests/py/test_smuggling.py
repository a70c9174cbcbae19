"""Requests hidden in other requests: none of them is ever run (RFC 9112 11.2)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from rawhttp import Cut, get, post, post_chunked
from refusals import Bystander, new_records
from server import Server

GET = b"GET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n"
TE = b"Transfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def bystander(probe: Server) -> Iterator[Bystander]:
    b = Bystander(probe)
    yield b
    b.close()


def poison(fields: bytes, body: bytes) -> bytes:
    """A POST with these fields (a %d is its body's length) and body."""
    return b"POST /outer HTTP/1.1\r\nHost: t\r\n" + fields.replace(b"%d", b"%d" % len(body)) + b"\r\n" + body


def tecl(smuggled: bytes) -> tuple[bytes, bytes]:
    """A chunked body whose Content-Length ends behind the chunk's size."""
    size = b"%x" % len(smuggled)
    return b"Content-Length: %d\r\n" % (len(size) + 2), size + b"\r\n" + smuggled + b"\r\n0\r\n\r\n"


LONG = b"GET /smuggled HTTP/1.1\r\nHost: t\r\nContent-Length: 7\r\n\r\n"
CL = b"Content-Length: %d\r\n"
CODED = {
    "plain": b"chunked", "capital": b"Chunked", "upper": b"CHUNKED", "trailing_space": b"chunked ", "tab": b"\tchunked",
    "leading_comma": b", chunked", "trailing_comma": b"chunked,", "vertical_tab": b"\x0bchunked", "nul": b"chunked\0",
    "quoted": b'"chunked"', "params": b"chunked;a=b", "xchunked": b"xchunked", "identity": b"identity",
    "chunked_identity": b"chunked, identity", "identity_chunked": b"identity, chunked", "twice": b"chunked, chunked",
    "cow": b"cow", "cow_chunked": b"cow, chunked", "empty": b"", "nbsp": b"\xa0chunked", "form_feed": b"\x0cchunked",
    "cr": b"\rchunked", "lf": b"\nchunked", "folded": b"\r\n chunked", "del": b"chunked\x7f",
}  # fmt: skip

POISONS: dict[str, bytes] = {
    **{f"clte_{n}": poison(CL + b"Transfer-Encoding: " + v + b"\r\n", b"0\r\n\r\n" + GET) for n, v in CODED.items()},
    **{f"tecl_{n}": poison(b"Transfer-Encoding: " + v + b"\r\n" + tecl(LONG)[0], tecl(LONG)[1]) for n, v in CODED.items()},
    **{
        f"clte_length_{n}": poison(b"Content-Length: " + v + b"\r\n" + TE, b"0\r\n\r\n" + GET)
        for n, v in {"plus": b"+%d", "x": b"%dx", "list": b"%d, %d", "minus": b"-%d", "hex": b"0x25", "empty": b"",
                     "space": b"1 2", "zero": b"0", "quoted": b'"%d"'}.items()
    },
    "te_name_space": poison(CL + b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n" + GET),
    "te_name_tab": poison(CL + b"Transfer-Encoding\t: chunked\r\n", b"0\r\n\r\n" + GET),
    "te_name_nul": poison(CL + b"Transfer-Encoding\0: chunked\r\n", b"0\r\n\r\n" + GET),
    "te_name_first_space": poison(CL + b" Transfer-Encoding: chunked\r\n", b"0\r\n\r\n" + GET),
    "te_hidden_by_lf": poison(CL + b"X: y\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + GET),
    "te_hidden_by_cr": poison(CL + b"X: y\rTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + GET),
    "te_hidden_by_empty_lf": poison(CL + b"X:\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + GET),
    "te_in_a_fold": poison(CL + b"X: y\r\n Transfer-Encoding: chunked\r\n", b"0\r\n\r\n" + GET),
    "te_twice": poison(CL + TE + b"Transfer-Encoding: identity\r\n", b"0\r\n\r\n" + GET),
    "te_twice_identity_first": poison(CL + b"Transfer-Encoding: identity\r\n" + TE, b"0\r\n\r\n" + GET),
    "te_in_1_0": poison(TE, b"0\r\n\r\n" + GET).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "te_in_1_0_kept": poison(TE + b"Connection: keep-alive\r\n", b"0\r\n\r\n" + GET).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "clcl": poison(b"Content-Length: 4\r\n" + CL, b"PING" + GET),
    "clcl_other_order": poison(CL + b"Content-Length: 4\r\n", b"PING" + GET),
    "clcl_zero": poison(b"Content-Length: 0\r\n" + CL, GET),
    "cl_list": poison(b"Content-Length: 4, %d\r\n", b"PING" + GET),
    "cl_hidden_by_lf": b"GET /outer HTTP/1.1\r\nHost: t\r\nX: y\nContent-Length: 23\r\n\r\nGET / HTTP/1.1\r\nX: " + GET,
    "cl_spaced": poison(b"Content-Length : 4\r\n", b"PING" + GET),
    "cl_folded": poison(b"Content-Length:\r\n 4\r\n", b"PING" + GET),
    "chunk_ext_lf": poison(TE, b"2;\nxx\r\n%x\r\n" % len(GET) + GET + b"\r\n0\r\n\r\n"),
    "chunk_ext_cr": poison(TE, b"2;a\rxx\r\n4c\r\n0\r\n\r\n" + GET),
    "chunk_ext_cr_lf_mix": poison(TE, b"2;\r\rxx\r\n0\r\n\r\n" + GET),
    "chunk_term_lf": poison(TE, b"5\r\nhello\n0\r\n\r\n" + GET),
    "chunk_term_any_two": poison(TE, b"5\r\nhelloXX0\r\n\r\n" + GET),
    "chunk_spill": poison(TE, b"5\r\nhelloABCDEFGH\r\n0\r\n\r\n" + GET),
    "chunk_size_0x": poison(TE, b"0x5\r\nhello\r\n0\r\n\r\n" + GET),
    "chunk_size_overflow": poison(TE, b"1" + b"0" * 16 + b"\r\n\r\n0\r\n\r\n" + GET),
    "chunk_size_minus": poison(TE, b"-1\r\n" + GET),
    "chunk_size_empty": poison(TE, b"\r\n\r\n" + GET),
    "chunk_last_lf": poison(TE, b"0\n\n" + GET),
    "chunk_last_cr": poison(TE, b"0\r\r" + GET),
    "trailer_is_a_request": poison(TE, b"0\r\n" + GET),
    "trailer_lf": poison(TE, b"0\r\n\n" + GET),
    "obs_fold_in_trailer": poison(TE, b"0\r\nX: y\r\n z\r\n\r\n" + GET),
    "head_end_lf": b"GET /outer HTTP/1.1\r\nHost: t\r\n\n" + GET,
    "head_end_cr": b"GET /outer HTTP/1.1\r\nHost: t\r\n\r" + GET,
    "head_end_cr_junk": b"GET /outer HTTP/1.1\r\nConnection: close\r\nHost: t\r\n\rZ" + GET,
    "http_0_9_then": b"GET /outer\r\n" + GET,
    "http_0_9_with_length": b"GET /outer\nHost: t\r\nContent-Length: 5\r\n\r\nhello" + GET,
    "host_twice": b"GET /outer HTTP/1.1\r\nHost: t\r\nHost: u\r\n\r\n" + GET,
    "version_2": b"GET /outer HTTP/2.0\r\nHost: t\r\n\r\n" + GET,
    "connect_tunnel": b"CONNECT t:80 HTTP/1.1\r\nHost: t\r\n\r\n" + GET,
    "unknown_expectation": b"POST /outer HTTP/1.1\r\nHost: t\r\nExpect: x\r\nContent-Length: 5\r\n\r\n" + GET,
}  # fmt: skip


@pytest.mark.parametrize("data", POISONS.values(), ids=POISONS.keys())
def test_a_smuggled_request_is_not_run(probe: Server, bystander: Bystander, data: bytes) -> None:
    """One answer, a refusal; then the end.  Neither request reaches the application."""
    offset = os.path.getsize(probe.record_file)
    with probe.connect(5.0) as c:
        c.send(data)
        resp = c.read_response()
        assert resp.status in (400, 405, 417, 501, 505), resp.status
        assert resp.closes
        c.expect_end()
    assert new_records(probe, offset) == ""
    assert bystander.is_served()


@pytest.mark.parametrize(
    "name", ["clte_plain", "tecl_plain", "clcl", "te_twice", "host_twice", "chunk_term_lf", "head_end_lf"]
)
def test_a_second_write_after_a_refusal_is_not_run(probe: Server, bystander: Bystander, name: str) -> None:
    """The client goes on writing on the refused connection: nothing of it is served, and no reset comes first."""
    offset = os.path.getsize(probe.record_file)
    with probe.connect(5.0) as c:
        c.send(POISONS[name])
        resp = c.read_response()
        assert resp.status == 400
        for _ in range(3):
            try:
                c.send(get("/smuggled"))
            except Cut:
                break
        assert b"HTTP/1.1 2" not in c.drain()
    assert new_records(probe, offset) == ""
    assert bystander.is_served()


HIDDEN = {
    "post_length": post("/outer", GET),
    "post_chunked": post_chunked("/outer", [GET]),
    "post_chunked_in_two": post_chunked("/outer", [GET[:20], GET[20:]]),
    "get_length": post("/outer", GET, method="GET"),
    "head_length": post("/outer", GET, method="HEAD"),
    "options_length": post("/outer", GET, method="OPTIONS"),
    "delete_length": post("/outer", GET, method="DELETE"),
    "trace_length": post("/outer", GET, method="TRACE"),
    "unread_post": post("/plain/x", GET),
    "unread_chunked": post_chunked("/plain/x", [GET]),
    "unread_get": post("/plain/x", GET, method="GET"),
    "unread_head": post("/plain/x", GET, method="HEAD"),
    "half_read": post("/early/x?read=3", GET),
    "half_read_chunked": post_chunked("/early/x?read=3", [GET]),
    "status_204": post("/status?s=204+No+Content", GET),
    "status_304": post("/status?s=304+Not+Modified", GET),
    "expect": post("/outer", GET, "Expect: 100-continue"),
    "expect_unread": post("/plain/x", GET, "Expect: 100-continue"),
    "upgrade": post("/outer", GET, "Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
    "websocket": post("/outer", GET, "Connection: Upgrade", "Upgrade: websocket"),
    "underscored_coding": post("/outer", GET, "Transfer_Encoding: chunked"),
    "fake_length_in_extension": post_chunked("/outer", [GET], "X-Content-Length: 0"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "data"), HIDDEN.items(), ids=HIDDEN.keys())
def test_a_request_within_a_body_stays_a_body(probe: Server, bystander: Bystander, name: str, data: bytes) -> None:
    """However little of the body the application reads, the next request begins behind it."""
    offset = os.path.getsize(probe.record_file)
    method = data.split(b" ", 1)[0].decode()
    with probe.connect() as c:
        c.send(data)
        resp = c.read_response(method)
        if method == "TRACE":
            assert resp.status in (200, 400, 405, 501)
        else:
            assert resp.status in (200, 204, 304), resp.status
        if not resp.closes:
            after = c.exchange(get("/after"))
            assert json.loads(after.body)["environ"]["PATH_INFO"] == "/after"
        else:
            c.expect_end()
    assert "smuggled" not in new_records(probe, offset)
    assert bystander.is_served()


def test_a_prefix_left_in_a_body_does_not_join_the_next_request(probe: Server) -> None:
    """GET with a body that is an unfinished request; the next write would complete it."""
    prefix = b"GET /smuggled HTTP/1.1\r\nHost: t\r\n"
    offset = os.path.getsize(probe.record_file)
    with probe.connect() as c:
        resp = c.exchange(post("/plain/x", prefix, method="GET"))
        assert resp.status == 200
        if not resp.closes:
            after = c.exchange(b"\r\n" + get("/after"), "GET")
            assert json.loads(after.body)["environ"]["PATH_INFO"] == "/after"
    assert "smuggled" not in new_records(probe, offset)


FORGED = {
    "X_Forwarded_For": "HTTP_X_FORWARDED_FOR",
    "X_Forwarded-Proto": "HTTP_X_FORWARDED_PROTO",
    "Remote_User": "HTTP_REMOTE_USER",
    "Content_Type": "HTTP_CONTENT_TYPE",
    "Content_Length": "HTTP_CONTENT_LENGTH",
    "Transfer_Encoding": "HTTP_TRANSFER_ENCODING",
    "Host_": "HTTP_HOST_",
    "_Host": "HTTP__HOST",
    "User_Agent": "HTTP_USER_AGENT",
}


@pytest.mark.parametrize(("name", "key"), FORGED.items(), ids=FORGED.keys())
def test_a_name_with_an_underscore_reaches_no_one(probe: Server, name: str, key: str) -> None:
    with probe.connect() as c:
        environ = json.loads(c.exchange(get("/", f"{name}: forged")).body)["environ"]
        assert "forged" not in environ.values()
        assert key not in environ
        real = name.replace("_", "-").strip("-")
        if real.lower() not in ("content-length", "transfer-encoding", "host"):
            both = json.loads(c.exchange(get("/", f"{real}: real", f"{name}: forged")).body)["environ"]
            assert "real" in both.values()
            assert not any("forged" in v for v in both.values())


def test_a_proxy_header_does_not_become_http_proxy(probe: Server) -> None:
    """httpoxy: HTTP_PROXY in the environ is the application's matter, but never in os.environ's place."""
    with probe.connect() as c:
        environ = json.loads(c.exchange(get("/", "Proxy: http://evil/")).body)["environ"]
        assert environ.get("HTTP_PROXY") in (None, "http://evil/")
        assert "PATH" not in environ, "the process's environment leaks into the environ"
