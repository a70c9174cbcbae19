"""Requests that wait or burn CPU beside quick ones: the quick do not notice (DESIGN.md 2)."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from rawhttp import Conn, get, post
from server import Server


class Background:
    """Clients that ask for the same path over and over on kept connections."""

    def __init__(self, server: Server, path: str, count: int) -> None:
        self.server, self.path, self.count = server, path, count
        self.done, self.errors = 0, []
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def _run(self, n: int) -> None:
        try:
            with self.server.connect(30.0) as c:
                while not self._stop.is_set():
                    resp = c.exchange(get(f"{self.path}&id={n}"))
                    assert resp.status == 200, resp.status
                    self.done += 1
        except Exception as e:
            self.errors.append(repr(e))

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(self.count)]
        for t in self._threads:
            t.start()

    def stop(self) -> None:
        self._stop.set()
        for t in self._threads:
            t.join(20.0)


@contextlib.contextmanager
def background(server: Server, path: str, count: int) -> Iterator[Background]:
    """Running background clients."""
    b = Background(server, path, count)
    b.start()
    try:
        yield b
    finally:
        b.stop()
    assert not b.errors, b.errors[:3]


def times(server: Server, path: str, count: int, each: float = 0.0) -> list[float]:
    """Seconds that so many requests on one connection took, sorted."""
    out = []
    with server.connect(30.0) as c:
        for i in range(count):
            began = time.monotonic()
            assert c.exchange(get(f"{path}?id={i}")).status == 200
            out.append(time.monotonic() - began)
            if each:
                time.sleep(each)
    return sorted(out)


def p(values: list[float], part: float) -> float:
    """A quantile of sorted values."""
    return values[min(int(len(values) * part), len(values) - 1)]


@pytest.mark.parametrize("threads", ["4", "16"])
def test_sleepers_do_not_hold_quick_requests(start: Callable[..., Server], threads: str) -> None:
    """Six clients in a 100 ms sleep; an inline server would make each quick request wait for one."""
    server = start("apps.probe:app", "--threads", threads)
    count = 3 if threads == "4" else 6
    with background(server, "/sleep?ms=100", count):
        time.sleep(0.5)
        quick = times(server, "/plain", 200)
    assert p(quick, 0.5) < 0.02, f"median {p(quick, 0.5) * 1000:.1f} ms"
    assert p(quick, 0.95) < 0.05, f"95 % {p(quick, 0.95) * 1000:.1f} ms"


def test_more_sleepers_than_threads_do_not_hold_quick_requests(start: Callable[..., Server]) -> None:
    """64 clients in a 50 ms sleep and four threads: the queue before the threads is 800 ms long."""
    server = start("apps.probe:app", "--threads", "4")
    with background(server, "/sleep?ms=50", 64) as b:
        time.sleep(1.0)
        began, before = time.monotonic(), b.done
        quick = times(server, "/plain", 300, 0.002)
        rate = (b.done - before) / (time.monotonic() - began)
    assert p(quick, 0.5) < 0.05, f"median {p(quick, 0.5) * 1000:.1f} ms"
    assert p(quick, 0.95) < 0.2, f"95 % {p(quick, 0.95) * 1000:.1f} ms"
    assert rate > 0.5 * 4 / 0.05 * 0.75, f"{rate:.0f} sleepers a second from 4 threads"


def test_sleepers_use_their_threads_at_once(start: Callable[..., Server]) -> None:
    """Eight sleeps of 200 ms with eight threads take far less than eight times as long."""
    server = start("apps.probe:app", "--threads", "9")
    conns = [server.connect() for _ in range(8)]
    for _ in range(2):
        began = time.monotonic()
        for i, c in enumerate(conns):
            c.send(get(f"/sleep?ms=200&id={i}"))
        for c in conns:
            assert c.read_response().status == 200
        took = time.monotonic() - began
    assert took < 0.8, f"{took:.2f} s"
    for c in conns:
        c.close()


def test_a_surprise_stalls_the_others_for_a_moment_only(start: Callable[..., Server]) -> None:
    """The first slow request of its kind: nobody knew; another thread takes over."""
    server = start("apps.probe:app", "--threads", "4")
    with server.connect() as quick:
        for i in range(5):
            with server.connect() as slow:
                slow.send(get(f"/sleep/new{i}x?ms=500"))
                time.sleep(0.02)
                began = time.monotonic()
                assert quick.exchange(get(f"/plain?id={i}")).body == b"hello %d" % i
                assert time.monotonic() - began < 0.25
    assert len(server.workers()) == 1


def test_one_thread_serves_too(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--threads", "1")
    conns = [server.connect(20.0) for _ in range(6)]
    for i, c in enumerate(conns):
        c.send(get(f"/sleep?ms=50&id={i}") if i % 2 else get(f"/plain?id={i}"))
    for i, c in enumerate(conns):
        assert c.read_response().body == (b"slept %d" if i % 2 else b"hello %d") % i
        c.close()
    assert json.loads(server.fetch("/whoami").body)["multithread"] in (True, False)


@pytest.mark.slow
def test_heavy_requests_do_not_starve_quick_ones(start: Callable[..., Server]) -> None:
    """Two clients of 30 ms pure Python each: a quick request waits for slices of them, not for all."""
    server = start("apps.probe:app", "--threads", "8")
    with background(server, "/spin?ms=30", 2) as b:
        time.sleep(1.0)
        quick = times(server, "/plain", 100, 0.005)
        done = b.done
    assert p(quick, 0.5) < 0.03, f"median {p(quick, 0.5) * 1000:.1f} ms"
    assert done >= 10, "the heavy ones starve"


@pytest.mark.slow
def test_sixteen_heavy_clients_are_all_served(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--threads", "16")
    with background(server, "/spin?ms=10", 16) as b:
        time.sleep(2.0)
    assert b.done > 60


def test_streams_beside_quick_requests(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--threads", "8")
    with background(server, "/stream?n=10&ms=20&size=1000", 5):
        time.sleep(0.5)
        quick = times(server, "/plain", 100)
    assert p(quick, 0.5) < 0.03
    assert p(quick, 0.95) < 0.1


def test_order_is_kept_on_each_connection_whatever_the_lane(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--threads", "4")
    conns = [server.connect(30.0) for _ in range(8)]
    for i, c in enumerate(conns):
        c.send(
            b"".join(
                get(f"/sleep?ms={5 * (k % 3)}&id={i}.{k}") if k % 2 else get(f"/plain?id={i}.{k}") for k in range(20)
            )
        )
    for i, c in enumerate(conns):
        for k in range(20):
            want = ("slept" if k % 2 else "hello") + f" {i}.{k}"
            assert c.read_response().body == want.encode()
        c.close()


def test_a_path_that_changes_its_kind_is_learnt_again(start: Callable[..., Server]) -> None:
    """Slow, then quick for a while, then slow: never wrong, and quick ones are quick in the end."""
    server = start("apps.probe:app", "--threads", "4")
    with server.connect() as c:
        for ms in (20, 20, 20, 0, 0, 0, 0, 0, 0, 0, 0, 20, 20):
            assert c.exchange(get(f"/sleep?ms={ms}&id=x")).body == b"slept x"
        for _ in range(200):
            c.exchange(get("/sleep?ms=0&id=x"))
        began = time.monotonic()
        for _ in range(100):
            c.exchange(get("/sleep?ms=0&id=x"))
        assert (time.monotonic() - began) / 100 < 0.01


def test_many_paths_do_not_grow_the_table(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app")
    with server.connect() as c:
        for i in range(5000):
            c.send(get(f"/plain/{i}/{i * 7919 % 10007}?id=1"))
            assert c.read_response().status == 200
    with open(f"/proc/{server.workers()[0]}/status") as f:
        rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
    assert rss < 80_000, f"{rss} kB"


def test_thread_local_state_lives_on(start: Callable[..., Server]) -> None:
    """The same few threads come back: names and idents repeat."""
    server = start("apps.probe:app", "--threads", "4")
    seen = set()
    with server.connect() as c:
        for _ in range(100):
            seen.add(json.loads(c.exchange(get("/whoami")).body)["ident"])
    assert len(seen) <= 4


def test_quick_requests_of_many_clients_beside_a_sleeper(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--threads", "4")
    with background(server, "/sleep?ms=20", 3), background(server, "/plain?x=1", 6) as quick:
        time.sleep(0.5)
        before = quick.done
        time.sleep(1.0)
        rate = quick.done - before
    assert rate > 500, f"{rate} quick requests a second; inline servers get some fifty"


def test_no_connection_is_forgotten_in_a_burst(start: Callable[..., Server]) -> None:
    """A fresh server and 150 new connections at once: while threads are made, quick requests queue.

    Each connection must be heard again afterwards: a second request, and the client's going.
    """
    first = [
        get("/plain?id=x"),
        get("/stream?n=3&ms=5"),
        get("/sleep?ms=30&id=x"),
        post("/raw", b"x" * 5000),
        get("/big?n=200000"),
    ]
    for _ in range(3):
        server = start("apps.probe:app")
        conns: list[Conn] = []
        for i in range(150):
            conns.append(server.connect(5.0))
            conns[-1].send(first[i % 5])
        for c in conns:
            assert c.read_response().status == 200
        for i, c in enumerate(conns):
            assert c.exchange(get(f"/plain?id={i}")).body == b"hello %d" % i
        for c in conns:
            c.close()
        assert server.stop() == 0


def test_a_request_that_arrives_as_an_answer_leaves_is_served(start: Callable[..., Server]) -> None:
    """The next request comes within a millisecond of the answer, on either side of it, whole or in pieces."""
    server = start("apps.probe:app", "--threads", "8")
    failures: list[str] = []
    end = time.monotonic() + 3.0

    def client(n: int) -> None:
        rng, k = random.Random(n), 0
        with server.connect(5.0) as c:
            while time.monotonic() < end:
                k += 1
                ms = rng.choice([0, 1, 2, 3, 5])
                c.send(get(f"/sleep?ms={ms}&id={n}.{k}"))
                time.sleep(max(0.0, ms / 1000 + rng.uniform(-0.001, 0.0015)))
                data = post("/raw", b"%d.%d" % (n, k) * rng.choice([1, 500]))
                cut = rng.randrange(1, len(data))
                c.send(data[:cut])
                time.sleep(rng.choice([0, rng.uniform(0, 0.003)]))
                c.send(data[cut:])
                try:
                    assert c.read_response().body == f"slept {n}.{k}".encode()
                    assert c.read_response("POST").body.startswith(b"%d.%d" % (n, k))
                except Exception as e:
                    failures.append(f"{n}.{k}: {e!r}")
                    return

    threads = [threading.Thread(target=client, args=(n,)) for n in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(20.0)
    assert not failures, failures[:3]


def test_connections_of_both_kinds_end_cleanly(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--threads", "2")
    conns: list[Conn] = [server.connect(30.0) for _ in range(40)]
    for i, c in enumerate(conns):
        c.send(
            get(f"/sleep?ms=20&id={i}", "Connection: close") if i % 2 else get(f"/plain?id={i}", "Connection: close")
        )
    for i, c in enumerate(conns):
        assert c.read_response().body == (b"slept %d" if i % 2 else b"hello %d") % i
        c.expect_end()
        c.close()
