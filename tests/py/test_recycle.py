"""--max-requests: workers are replaced without anyone noticing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from rawhttp import get
from server import Server, wait_for
from strict_clients import clients


def pid_of(server: Server) -> int:
    """Who answers now."""
    return json.loads(server.fetch("/whoami").body)["pid"]


def test_a_worker_is_replaced_after_its_requests(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--max-requests", "20")
    first = pid_of(server)
    for i in range(60):
        assert server.fetch(f"/plain?id={i}").body == b"hello %d" % i
    assert wait_for(lambda: pid_of(server) != first, 5.0)
    assert wait_for(lambda: first not in server.workers(), 5.0)


def test_a_kept_connection_is_told_before_it_is_closed(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--max-requests", "10")
    closes = 0
    for _ in range(4):
        with server.connect() as c:
            for i in range(200):
                resp = c.exchange(get(f"/plain?id={i}"))
                assert resp.body == b"hello %d" % i
                if resp.closes:
                    closes += 1
                    c.expect_end()
                    break
    assert closes, "no worker was ever replaced"


def test_the_jitter_spreads_the_ends(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--workers", "2", "--max-requests", "30", "--max-requests-jitter", "60")
    before = set(server.workers())
    with clients(server.address, kept=0, fresh=8, slow_ms=5) as c:  # several at once, so that each worker has some
        assert wait_for(lambda: not before & set(server.workers()), 15.0)
    c.assert_unharmed(server.log()[-2000:])
    server.wait_workers(2)


@pytest.mark.slow
@pytest.mark.parametrize("jitter", ["0", "100"])
def test_recycling_harms_no_client(start: Callable[..., Server], jitter: str) -> None:
    server = start("apps.probe:app", "--workers", "2", "--max-requests", "300", "--max-requests-jitter", jitter)
    before = set(server.workers())
    with clients(server.address) as c:
        time.sleep(4.0)
    c.assert_unharmed(server.log()[-2000:])
    assert before != set(server.workers()), "no worker was replaced"


def test_a_long_request_outlives_its_workers_turn(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--max-requests", "5")
    with server.connect() as slow:
        slow.send(get("/sleep?ms=1200&id=x"))
        time.sleep(0.05)
        for _ in range(30):
            assert server.fetch("/plain").status == 200
        assert slow.read_response().body == b"slept x"
