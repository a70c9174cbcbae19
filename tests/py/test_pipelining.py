"""Several requests on a connection before the first answer (RFC 9112 9.3.2)."""

from __future__ import annotations

import json
import random

import pytest
from rawhttp import get, post, post_chunked
from server import Server


@pytest.mark.parametrize("depth", [2, 3, 16, 64, 200])
def test_answers_come_in_order(probe: Server, depth: int) -> None:
    with probe.connect() as c:
        c.send(b"".join(get(f"/plain?id={i}") for i in range(depth)))
        assert [c.read_response().body for _ in range(depth)] == [b"hello %d" % i for i in range(depth)]
        assert c.is_open(0.02)


@pytest.mark.parametrize("slow", [0, 7, 15])
def test_a_slow_one_holds_the_order_and_nothing_else(probe: Server, slow: int) -> None:
    paths = [f"/sleep?ms=150&id={i}" if i == slow else f"/plain?id={i}" for i in range(16)]
    with probe.connect() as c, probe.connect() as other:
        c.send(b"".join(get(p) for p in paths))
        for _ in range(5):
            assert other.exchange(get("/plain?id=other")).body == b"hello other"
        want = [b"slept %d" % i if i == slow else b"hello %d" % i for i in range(16)]
        assert [c.read_response().body for _ in range(16)] == want


def test_every_kind_of_request_in_one_write(probe: Server) -> None:
    """GET, HEAD, POST with either framing, empty lines, unread bodies, 204, streams."""
    kinds = [
        (get("/plain?id=0"), "GET", b"hello 0"),
        (post("/raw", b"one"), "POST", b"one"),
        (get("/plain?id=2", method="HEAD"), "HEAD", b""),
        (post_chunked("/raw", [b"th", b"ree"]), "POST", b"three"),
        (b"\r\n" + get("/stream?n=2&size=2"), "GET", b"aabb"),
        (post("/plain?id=5", b"never read"), "POST", b"hello 5"),
        (get("/status?s=204+No+Content"), "GET", b""),
        (post_chunked("/plain?id=7", [b"never", b"read"], trailer=b"X: y\r\n"), "POST", b"hello 7"),
        (get("/status?s=304+Not+Modified&n=3"), "GET", b""),
        (post("/early?read=2", b"half read"), "POST", b"early 2"),
        (get("/stream?n=3&size=1", method="HEAD"), "HEAD", b""),
        (get("/sleep?ms=30&id=11"), "GET", b"slept 11"),
        (post("/raw", b""), "POST", b""),
        (post_chunked("/raw", []), "POST", b""),
        (get("/big?n=200000", method="HEAD"), "HEAD", b""),
        (get("/plain?id=15"), "GET", b"hello 15"),
    ]
    rng = random.Random(1)
    with probe.connect() as c:
        for round_ in range(5):
            if round_:
                rng.shuffle(kinds)
            c.send(b"".join(k[0] for k in kinds))
            for _, method, body in kinds:
                assert c.read_response(method).body == body


@pytest.mark.parametrize("seed", range(8))
def test_however_the_bytes_are_cut(probe: Server, seed: int) -> None:
    rng = random.Random(seed)
    bodies = [rng.randbytes(rng.choice([0, 1, 5, 100, 5000])) for _ in range(16)]
    data = b"".join(post("/raw", b) if rng.random() < 0.5 else post_chunked("/raw", [b[:7], b[7:]]) for b in bodies)
    cuts = sorted(rng.sample(range(1, len(data)), min(40, len(data) - 1)))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    with probe.connect() as c:
        c.send_pieces(pieces, 0.001)
        assert [c.read_response("POST").body for _ in bodies] == bodies


def test_a_bad_one_ends_the_row_after_the_good_answers(probe: Server) -> None:
    with probe.connect() as c:
        c.send(get("/plain?id=1") + get("/plain?id=2") + b"BAD\r\n\r\n" + get("/smuggled-behind-bad"))
        assert c.read_response().body == b"hello 1"
        assert c.read_response().body == b"hello 2"
        resp = c.read_response()
        assert resp.status == 400
        assert resp.closes
        c.expect_end()
    assert not probe.recorded(path="/smuggled-behind-bad")


def test_a_bad_one_behind_a_slow_one_waits_its_turn(probe: Server) -> None:
    with probe.connect() as c:
        c.send(get("/sleep?ms=100&id=1") + b"GET / HTTP/1.1\r\n\r\n")
        assert c.read_response().body == b"slept 1"
        assert c.read_response().status == 400
        c.expect_end()


def test_an_answer_of_unknown_length_in_1_0_ends_the_row(probe: Server) -> None:
    with probe.connect() as c:
        c.send(get("/stream?n=2", "Connection: keep-alive", minor=0) + get("/smuggled-behind-stream"))
        assert c.read_response(request_minor=0).body == b"aaaaabbbbb"
        assert c.eof
    assert not probe.recorded(path="/smuggled-behind-stream")


def test_large_answers_in_a_row(probe: Server) -> None:
    sizes = [100_000, 1, 3_000_000, 0, 500_000, 65_536, 65_535, 65_537]
    with probe.connect() as c:
        c.send(b"".join(get(f"/big?n={n}") for n in sizes))
        for n in sizes:
            body = c.read_response().body
            assert len(body) == n
            assert body == (bytes(range(256)) * (n // 256 + 1))[:n]


def test_a_row_that_is_never_read_is_not_kept_in_memory(probe: Server) -> None:
    """The server stops reading requests while their answers are not taken; later all arrive."""
    with probe.connect(30.0, rcvbuf=4096) as c:
        count = 40
        c.send(b"".join(get("/big?n=200000") for _ in range(count)))
        with probe.connect() as other:
            assert other.exchange(get("/plain?id=x")).body == b"hello x"
        started = len(probe.recorded(path="/big", query="n=200000"))
        assert started < count, "every answer was made though none was taken"
        for _ in range(count):
            assert len(c.read_response().body) == 200_000


def test_the_environs_of_a_row_do_not_mix(probe: Server) -> None:
    with probe.connect() as c:
        c.send(b"".join(get(f"/e{i}?q{i}", f"X-{i}: {i}", *(["Cookie: c"] if i % 2 else [])) for i in range(32)))
        for i in range(32):
            environ = json.loads(c.read_response().body)["environ"]
            assert environ["PATH_INFO"] == f"/e{i}"
            assert environ["QUERY_STRING"] == f"q{i}"
            assert {k for k in environ if k.startswith("HTTP_X_")} == {f"HTTP_X_{i}"}
            assert ("HTTP_COOKIE" in environ) == bool(i % 2)
