"""Clients that leave at the worst moment, and those that only look as if they did."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from rawhttp import Conn, Cut, get, post, post_chunked
from server import Server, wait_for

REQUESTS = {
    "get": get("/plain"),
    "post": post("/raw", b"x" * 5000),
    "chunked": post_chunked("/raw", [b"x" * 100] * 20),
    "stream": get("/stream?n=20&ms=5&size=2000"),
    "sleep": get("/sleep?ms=60"),
    "big": get("/big?n=2000000"),
    "row": get("/plain") * 10 + get("/sleep?ms=30") + get("/big?n=300000") * 5,
}


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("how", ["close", "reset", "vanish"])
@pytest.mark.parametrize("when", ["before_the_end", "after_the_end", "in_the_answer"])
def test_leaving_harms_nobody(probe: Server, name: str, how: str, when: str) -> None:
    data = REQUESTS[name]
    mark = probe.log_mark()
    for _ in range(3):
        with probe.connect(rcvbuf=4096) as c:
            if when == "before_the_end":
                c.send(data[: len(data) * 2 // 3])
            else:
                c.send(data)
            if when == "in_the_answer":
                c.read_final_head("POST" if data.startswith(b"POST") else "GET")
            if how == "reset":
                c.abort()
            elif how == "vanish":
                c.sock.shutdown(socket.SHUT_RDWR)
    with probe.connect() as c:
        assert c.exchange(get("/plain?id=x")).body == b"hello x"
    assert "Traceback" not in probe.log_since(mark)
    assert len(probe.workers()) == 1


def test_the_application_sees_its_client_go(probe: Server) -> None:
    """A stream is closed soon after its client has gone, not when it ends."""
    before = len(probe.recorded(kind="closed", id="gone"))
    with probe.connect() as c:
        c.send(get("/stream?n=100000&ms=2&size=3000&id=gone"))
        c.read_final_head()
    assert wait_for(lambda: len(probe.recorded(kind="closed", id="gone")) > before, 5.0)


def test_a_thousand_short_connections(probe: Server) -> None:
    def one(n: int) -> bool:
        with probe.connect() as c:
            if n % 5 == 1:
                c.abort()
                return True
            if n % 5 == 2:
                return True
            return c.exchange(get(f"/plain?id={n}", "Connection: close")).body == b"hello %d" % n

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(1000)))


@pytest.mark.parametrize("seed", range(4))
def test_random_cuts_of_good_and_bad_bytes(probe: Server, seed: int) -> None:
    """Whatever is sent, and wherever it ends, the answers are well formed and the next client is served."""
    rng = random.Random(seed)
    good = [
        get("/plain"),
        post("/raw", b"abc"),
        post_chunked("/raw", [b"abc", b"de"]),
        get("/stream"),
        get("/x", method="HEAD"),
    ]
    for _ in range(100):
        data = bytearray(b"".join(rng.choices(good, k=rng.randint(1, 4))))
        for _ in range(rng.randint(0, 3)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        data = data[: rng.randint(1, len(data))]
        with probe.connect(5.0) as c:
            try:
                c.send(bytes(data))
                c.half_close()
            except (Cut, OSError):
                continue
            for line in c.drain().split(b"\r\n"):
                if line.startswith(b"HTTP/"):
                    assert int(line[9:12]) in (100, 200, 400, 405, 408, 413, 414, 417, 431, 501, 505), (
                        bytes(data),
                        line,
                    )
            assert c.eof, bytes(data)
    assert probe.fetch("/plain?id=x").body == b"hello x"


def test_connections_and_descriptors_are_given_back(start: Callable[..., Server]) -> None:
    import os

    server = start("apps.probe:app")

    def fds() -> int:
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in server.workers())

    server.fetch("/plain")
    before = fds()
    for round_ in range(3):
        conns = [server.connect() for _ in range(100)]
        for i, c in enumerate(conns):
            c.send(list(REQUESTS.values())[i % len(REQUESTS)][: 30 if i % 2 else None])
        for i, c in enumerate(conns):
            c.abort() if (i + round_) % 3 == 0 else c.close()
    assert wait_for(lambda: fds() <= before + 2, 10.0), (before, fds())


def test_an_answer_is_complete_though_the_client_stopped_reading_for_a_while(probe: Server) -> None:
    with probe.connect(rcvbuf=4096) as c:
        c.send(get("/big?n=1500000"))
        time.sleep(0.5)
        assert len(c.read_response().body) == 1_500_000


def test_slow_readers_do_not_hold_the_others(start: Callable[..., Server]) -> None:
    """64 clients that take nothing of a large answer; four threads; quick ones beside them."""
    server = start("apps.probe:app", "--threads", "4")
    slow = [Conn(server.address, 10.0, rcvbuf=4096) for _ in range(64)]
    try:
        for c in slow:
            c.send(get("/big?n=1000000"))
        for i in range(30):
            began = time.monotonic()
            assert server.fetch(f"/plain?id={i}").body == b"hello %d" % i
            assert time.monotonic() - began < 1.0
        assert len(slow[0].read_response().body) == 1_000_000
    finally:
        for c in slow:
            c.close()


def test_slow_readers_of_streams_do_not_hold_the_others(start: Callable[..., Server]) -> None:
    """A generator whose client does not take it may hold its thread, but not the loop."""
    server = start("apps.probe:app", "--threads", "8")
    slow = [Conn(server.address, 10.0, rcvbuf=4096) for _ in range(6)]
    try:
        for c in slow:
            c.send(get("/stream?n=300&size=50000"))
        time.sleep(0.3)
        for i in range(10):
            began = time.monotonic()
            assert server.fetch(f"/plain?id={i}").body == b"hello %d" % i
            assert time.monotonic() - began < 1.0
    finally:
        for c in slow:
            c.close()
