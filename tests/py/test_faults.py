"""32 strict clients through every event in a server's life: not one request is lost that need not be.

What is counted: strict_clients.py.  The same with rivals beside it is part of bench/.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest
from server import Server, wait_for
from strict_clients import Clients, clients

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("workers", ["1", "2"])
def test_three_hups_harm_no_client(start: Callable[..., Server], workers: str) -> None:
    server = start("apps.probe:app", "--workers", workers)
    seen = set(server.workers())
    with clients(server.address) as c:
        for _ in range(3):
            time.sleep(1.0)
            before = set(server.workers())
            server.signal(signal.SIGHUP)
            assert wait_for(lambda b=before: set(server.workers()) - b and not set(server.workers()) & b, 15.0), (
                server.log()[-2000:]
            )
            seen |= set(server.workers())
        time.sleep(0.5)
    c.assert_unharmed(server.log()[-2000:])
    assert len(seen) >= 4 * int(workers)


def test_hup_harms_no_idle_client(start: Callable[..., Server]) -> None:
    """Kept connections that pause between requests: none is closed under a request."""
    server = start("apps.probe:app", "--workers", "2")
    with clients(server.address, kept=24, fresh=0, pause=0.03, slow_ms=5) as c:
        for _ in range(2):
            time.sleep(0.7)
            before = set(server.workers())
            server.signal(signal.SIGHUP)
            assert wait_for(lambda b=before: not set(server.workers()) & b, 20.0), server.log()[-2000:]
        time.sleep(0.5)
    c.assert_unharmed(server.log()[-2000:])


def test_term_harms_no_client_that_was_let_in(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--workers", "2")
    c = Clients(server.address)
    c.start()
    time.sleep(1.0)
    c.stop_at_refusal = True
    server.signal(signal.SIGTERM)
    assert server.wait(10.0) == 0
    c.stop()
    c.assert_unharmed(server.log()[-2000:])


def test_ttin_and_ttou_harm_no_client(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--workers", "2")
    with clients(server.address) as c:
        for number in (signal.SIGTTIN, signal.SIGTTOU, signal.SIGTTOU):
            time.sleep(0.6)
            server.signal(number)
        time.sleep(1.0)
    c.assert_unharmed(server.log()[-2000:])


def test_kill_9_costs_nothing_but_what_was_with_the_worker(start: Callable[..., Server]) -> None:
    """At most one request for each connection the victim held; nobody refused, nothing wrong."""
    server = start("apps.probe:app", "--workers", "2")
    with clients(server.address) as c:
        for _ in range(3):
            time.sleep(0.8)
            victim = server.workers()[0]
            os.kill(victim, signal.SIGKILL)
            assert wait_for(lambda v=victim: v not in server.workers() and len(server.workers()) == 2, 10.0)
        time.sleep(0.5)
    bad = c.bad
    assert set(bad) <= {"cut", "raced"}, (bad, c.examples)
    assert sum(bad.values()) <= 3 * 32, bad
    assert c.counts["ok"] > 100


def test_usr1_harms_no_client(start: Callable[..., Server], tmp_path) -> None:
    server = start("apps.probe:app", "--workers", "2", "--access-logfile", str(tmp_path / "access.log"))
    with clients(server.address, kept=8, fresh=8) as c:
        for i in range(10):
            time.sleep(0.1)
            (tmp_path / "access.log").rename(tmp_path / f"access.{i}")
            server.signal(signal.SIGUSR1)
            assert wait_for(lambda: (tmp_path / "access.log").exists())
    c.assert_unharmed(server.log()[-2000:])
    time.sleep(0.5)
    lines = sum(p.read_text().count("\n") for p in tmp_path.glob("access.*"))
    assert lines >= c.counts["ok"], "lines were lost while the file changed"


def test_everything_at_once(start: Callable[..., Server]) -> None:
    """Recycling, reloads and a changing number of workers under load."""
    server = start("apps.probe:app", "--workers", "2", "--max-requests", "200", "--max-requests-jitter", "100")
    with clients(server.address) as c:
        for number in (signal.SIGHUP, signal.SIGTTIN, signal.SIGHUP, signal.SIGTTOU, signal.SIGUSR1, signal.SIGHUP):
            time.sleep(0.5)
            server.signal(number)
        time.sleep(1.0)
    c.assert_unharmed(server.log()[-2000:])
    assert wait_for(lambda: len(server.workers()) == 2, 10.0)
