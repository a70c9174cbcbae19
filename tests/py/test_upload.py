"""Bodies that are large, slow, unread or half read."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from rawhttp import Conn, Cut, get, post, post_chunked
from server import KIND, Server, wait_for

SIZES = [
    1,
    1000,
    4095,
    4096,
    4097,
    16_383,
    16_384,
    16_385,
    65_535,
    65_536,
    65_537,
    524_287,
    524_288,
    524_289,
    1_000_000,
    5_000_000,
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("how", ["length", "chunked"])
def test_a_body_of_any_size_comes_back(probe: Server, size: int, how: str) -> None:
    body = random.Random(size).randbytes(size)
    with probe.connect() as c:
        if how == "length":
            data = post("/raw", body)
        else:
            data = post_chunked("/raw", [body[i : i + 10_000] for i in range(0, size, 10_000)])
        sender = threading.Thread(target=c.send, args=(data,))
        sender.start()
        resp = c.read_response("POST")
        sender.join()
        assert hashlib.sha256(resp.body).digest() == hashlib.sha256(body).digest()
        assert c.exchange(get("/plain?id=2")).body == b"hello 2"


def test_a_body_of_40_mb_does_not_stay_in_memory(start: Callable[..., Server]) -> None:
    """It spills to a file: the workers' memory grows by much less than the body."""
    server = start("apps.probe:app")

    def rss() -> int:
        total = 0
        for pid in server.workers():
            with open(f"/proc/{pid}/status") as f:
                total += next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
        return total

    server.fetch("/plain")
    before = rss()
    piece = bytes(range(256)) * 4096
    with server.connect(30.0) as c:
        c.send(get("/early?read=10", f"Content-Length: {40 * len(piece)}", method="POST"))
        peak = 0
        try:
            for _ in range(40):
                c.send(piece)
                peak = max(peak, rss())
        except Cut:
            pass  # refused the rest after the early answer: allowed
        assert c.read_response("POST").body == b"early 10"
    if KIND == "citrate":
        assert peak - before < 20_000, f"{peak - before} kB more"


@pytest.mark.parametrize("size", [1, 100, 5000, 60_000])
@pytest.mark.parametrize("path", ["/plain?id=1", "/early?read=1"])
@pytest.mark.parametrize("how", ["length", "chunked"])
def test_a_small_unread_rest_is_drained_and_the_connection_kept(probe: Server, size: int, path: str, how: str) -> None:
    with probe.connect() as c:
        body = b"u" * size
        for _ in range(3):
            resp = c.exchange(post(path, body) if how == "length" else post_chunked(path, [body]))
            assert resp.status == 200
            if resp.closes:
                assert size > 50_000, "a small body cost the connection"
                c.expect_end()
                return
        assert c.exchange(get("/plain?id=2")).body == b"hello 2"


@pytest.mark.parametrize("how", ["length", "chunked"])
def test_an_early_answer_to_a_large_body_arrives(probe: Server, how: str) -> None:
    """The client still sends; the answer says close or the rest is drained: never a reset before it is read."""
    size = 64 << 20
    with probe.connect(20.0) as c:
        if how == "length":
            c.send(get("/early?s=413+Nope", f"Content-Length: {size}", method="POST"))
            piece = b"x" * 65_536
        else:
            c.send(get("/early?s=413+Nope", "Transfer-Encoding: chunked", method="POST"))
            piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        c.sock.settimeout(5)
        try:
            for _ in range(40):
                c.send(piece)
                time.sleep(0.002)
        except (Cut, TimeoutError):
            pass
        resp = c.read_response("POST")
        assert resp.status == 413
        assert resp.closes, "64 MB will not be drained for a kept connection"


def test_an_early_answer_comes_before_the_body_is_complete(probe: Server) -> None:
    with probe.connect(5.0) as c:
        c.send(get("/early?s=403+No", "Content-Length: 100000000", method="POST") + b"x" * 100)
        resp = c.read_response("POST")
        assert resp.status == 403
        assert resp.closes
        c.expect_end()


def test_a_slow_upload_is_read_as_it_comes(probe: Server) -> None:
    body = b"0123456789" * 10
    with probe.connect() as c:
        c.send_pieces(
            [
                get("/raw", f"Content-Length: {len(body)}", method="POST"),
                *(body[i : i + 10] for i in range(0, 100, 10)),
            ],
            0.03,
        )
        assert c.read_response("POST").body == body


def test_many_uploads_at_once(probe: Server) -> None:
    def one(n: int) -> bool:
        body = random.Random(n).randbytes(200_000 + n)
        with probe.connect(30.0) as c:
            c.send(post("/raw", body))
            return c.read_response("POST").body == body

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(one, range(48)))


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("sent", [0, 10, 100_000, 700_000])
def test_an_upload_broken_off_harms_nobody(probe: Server, how: str, sent: int) -> None:
    before = len(probe.recorded(kind="body", path="/broken"))
    with probe.connect() as c:
        c.send(get("/broken", "Content-Length: 1000000", method="POST") + b"x" * sent)
        time.sleep(0.03)
        if how == "reset":
            c.abort()
    with probe.connect() as c:
        assert c.exchange(post("/raw", b"after")).body == b"after"
    assert len(probe.recorded(kind="body", path="/broken")) == before


def test_64_trickling_uploads_hold_no_thread(start: Callable[..., Server]) -> None:
    """Four threads, 64 clients that send a byte now and then: others are served all the while."""
    server = start("apps.probe:app", "--threads", "4")
    slow = [server.connect(20.0) for _ in range(64)]
    try:
        for c in slow:
            c.send(get("/raw", "Content-Length: 20", method="POST"))
        for step in range(10):
            for c in slow:
                c.send(b"xy")
            began = time.monotonic()
            with server.connect(5.0) as quick:
                assert quick.exchange(get(f"/plain?id={step}")).body == b"hello %d" % step
            assert time.monotonic() - began < 1.0, "a quick request waited for slow uploads"
        for c in slow:
            assert c.read_response("POST").body == b"xy" * 10
    finally:
        for c in slow:
            c.close()


def test_a_client_that_reads_while_it_writes(probe: Server) -> None:
    """An application that answers as it reads: no deadlock between both directions."""
    body = random.Random(7).randbytes(8_000_000)
    with Conn(probe.address, 30.0) as c:
        sender = threading.Thread(target=c.send, args=(post("/raw", body),))
        sender.start()
        assert c.read_response("POST").body == body
        sender.join()


@pytest.mark.parametrize("size", [1, 1000, 100_000])
@pytest.mark.parametrize("how", ["length", "chunked"])
def test_a_body_sent_back_while_it_is_read(probe: Server, size: int, how: str) -> None:
    """Both directions flow; the client writes and reads at once."""
    body = random.Random(size).randbytes(40_000 if size == 1 else 3_000_000)
    pieces = [body[i : i + 50_000] for i in range(0, len(body), 50_000)]
    path = f"/mirror?size={max(size, 16)}"
    with probe.connect(30.0) as c:
        sender = threading.Thread(
            target=c.send, args=(post(path, body) if how == "length" else post_chunked(path, pieces),)
        )
        sender.start()
        resp = c.read_response("POST")
        sender.join()
        assert resp.body == body
        assert c.exchange(get("/plain?id=2")).body == b"hello 2"


def test_pieces_come_back_before_the_body_is_complete(probe: Server) -> None:
    """A client that pauses: its request begins early, and what it sent is answered meanwhile."""
    with probe.connect(10.0) as c:
        c.send(get("/mirror?size=5", "Content-Length: 15", method="POST") + b"first")
        head = c.read_final_head("POST")
        while b"first" not in c.buf:
            assert c._more()
        c.send(b"again")
        while b"again" not in c.buf:
            assert c._more()
        c.send(b"third")
        c.read_body(head, "POST")
        assert head.body == b"firstagainthird"


@pytest.mark.parametrize("how", ["close", "reset", "half_close"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_application_that_waits_for_the_body_learns_that_the_client_left(
    probe: Server, how: str, framing: str
) -> None:
    """read() raises, an OSError as PEP 3333's file interface has it; it never returns a part as if it were all."""
    name = f"{how}-{framing}"
    with probe.connect() as c:
        if framing == "length":
            c.send(get(f"/reader?id={name}", "Content-Length: 100", method="POST") + b"x" * 50)
        else:
            c.send(get(f"/reader?id={name}", "Transfer-Encoding: chunked", method="POST") + b"64\r\n" + b"x" * 50)
        began = wait_for(lambda: probe.recorded(kind="began", id=name), 2.0)
        if how == "reset":
            c.abort()
        elif how == "half_close":
            c.half_close()
            rest = c.drain()
            assert rest == b"" or rest.startswith(b"HTTP/1.1 400 "), rest
    if began:
        assert wait_for(lambda: probe.recorded(kind="failed", id=name), 3.0), "the application waits on"
        assert probe.recorded(kind="failed", id=name)[0]["is_os"]
    assert not probe.recorded(kind="read", id=name)
    assert probe.fetch("/plain").status == 200
