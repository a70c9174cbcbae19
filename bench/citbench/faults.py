"""What clients notice when workers are replaced, recycled, stopped and killed.

Thirty-two strict clients run through each event, half on kept connections, half with a
new one for each request; a third of the requests take 50 ms.  Counted are

  refused   no connection
  cut       a fresh connection, or an answer, broken off
  raced     a kept connection closed without a word under the next request
  wrong     an answer that is not the right one, or none in time
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable

from . import proc
from .cell import Cell
from .live import Live, Metrics
from .strict import Bad, Client, Closed

CLIENTS = 32
KINDS = ("refused", "cut", "raced", "wrong")
_BODIES = {"/": b"Hello, world\n", "/sleep50": b"slept 50 ms\n"}


class Crowd:
    """The clients, each a thread; counts are summed when they have stopped."""

    def __init__(self, port: int, ends_at_refusal: bool = False) -> None:
        self._port = port
        self._ends_at_refusal = ends_at_refusal
        self._stop = threading.Event()
        self._counts = [Counter[str]() for _ in range(CLIENTS)]
        self._threads = [threading.Thread(target=self._client, args=(i,), daemon=True) for i in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> Counter[str]:
        self._stop.set()
        return self.wait(15.0)

    def wait(self, seconds: float) -> Counter[str]:
        """Wait for all clients to end by themselves."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        self._stop.set()
        return sum(self._counts, Counter[str]())

    def _client(self, number: int) -> None:
        counts = self._counts[number]
        keeps = number % 2 == 0
        turn = number
        client: Client | None = None
        while not self._stop.is_set():
            if client is None:
                client = self._connect(counts)
                if client is None:
                    if self._ends_at_refusal:
                        return
                    time.sleep(0.002)
                    continue
            turn += 1
            path = "/sleep50" if turn % 3 == 0 else "/"
            if not _ask(client, path, keeps, counts):
                client.close()
                client = None
        if client is not None:
            client.close()

    def _connect(self, counts: Counter[str]) -> Client | None:
        try:
            return Client(self._port, 5.0)
        except OSError:
            # When the server is meant to go, the first refusal is the end, not a fault.
            if not self._ends_at_refusal:
                counts["refused"] += 1
            return None


def _ask(client: Client, path: str, keeps: bool, counts: Counter[str]) -> bool:
    """One request; true if the connection can be used again."""
    reused = client.answers > 0
    try:
        answer = client.ask(path, close=not keeps)
    except (Bad, TimeoutError):
        counts["wrong"] += 1
        return False
    except OSError as e:
        # A reset or a broken pipe on a kept connection, with nothing of the answer read, is
        # the same race as an orderly close.
        untouched = isinstance(e, Closed) or not client.has_input()
        counts["raced" if reused and untouched else "cut"] += 1
        return False
    counts["requests"] += 1
    if answer.status != 200 or answer.body != _BODIES[path]:
        counts["wrong"] += 1
        return False
    return keeps and not answer.closes


def _worker(root: int) -> int:
    """The busiest process under the supervisor."""
    return max((pid for pid in proc.tree(root) if pid != root), key=proc.clock_ns, default=root)


def _through(live: Live, act: Callable[[Live], None], times: int, pause: float) -> Counter[str]:
    crowd = Crowd(live.port)
    crowd.start()
    time.sleep(1.0)
    for _ in range(times):
        act(live)
        time.sleep(pause)
    return crowd.stop()


def _row(counts: Counter[str]) -> Metrics:
    return {"requests": counts["requests"], **{kind: counts[kind] for kind in KINDS}}


def hup(cell: Cell) -> Metrics:
    """Three reloads."""
    with cell.live(workers=2) as live:
        return _row(_through(live, lambda s: os.kill(s.root, signal.SIGHUP), 3, 2.0))


def recycle(cell: Cell) -> Metrics:
    """Workers replaced after 300 requests, for six seconds."""
    with cell.live(workers=2, recycle=300) as live:
        return _row(_through(live, lambda s: None, 1, 5.0))


def kill(cell: Cell) -> Metrics:
    """The busiest worker killed, thrice."""
    with cell.live(workers=2) as live:
        act: Callable[[Live], None] = lambda s: os.kill(_worker(s.root), signal.SIGKILL)  # noqa: E731
        return _row(_through(live, act, 3, 2.0))


def term(cell: Cell) -> Metrics:
    """A graceful stop: clients go on until the first refusal."""
    with cell.live(workers=2) as live:
        crowd = Crowd(live.port, ends_at_refusal=True)
        crowd.start()
        time.sleep(1.5)
        begin = time.monotonic()
        os.kill(live.root, signal.SIGTERM)
        gone = live.exit_within(15.0)
        row = _row(crowd.wait(10.0))
        row["stop_s"] = round(time.monotonic() - begin, 2) if gone else None
        return row
