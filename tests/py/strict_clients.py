"""Clients that forgive nothing, many at once, for what happens while a server changes.

Counted, as bench/ counts them: `refused` connections; `cut`: a fresh connection or an answer broken
off; `raced`: a reused connection closed before its answer though no `Connection: close` was said;
`wrong`: another answer than the one asked for.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator

from rawhttp import Conn, Cut, ProtocolError, get


class Clients:
    """`kept` clients with kept connections and `fresh` ones with a new connection per request.

    Every third request takes `slow_ms` in the application.  With `stop_at_refusal` a refused
    connection ends a client instead of counting: the server was told to leave.
    """

    def __init__(self, address: object, kept: int = 16, fresh: int = 16, slow_ms: int = 50, pause: float = 0.0) -> None:
        self.address = address
        self.kinds = [True] * kept + [False] * fresh
        self.slow_ms, self.pause = slow_ms, pause
        self.counts: Counter[str] = Counter()
        self.examples: list[str] = []
        self.pids: Counter[int] = Counter()
        self.stop_at_refusal = False
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def _count(self, kind: str, example: str = "") -> None:
        with self._lock:
            self.counts[kind] += 1
            if example and len(self.examples) < 10:
                self.examples.append(f"{kind}: {example}")

    def _request(self, n: int, close: bool) -> tuple[bytes, bytes]:
        fields = ["Connection: close"] if close else []
        if n % 3 == 0:
            return get(f"/sleep?ms={self.slow_ms}&id={n}", *fields), b"slept %d" % n
        return get(f"/plain?id={n}", *fields), b"hello %d" % n

    def _once(self, c: Conn, n: int, is_kept: bool, reused: bool) -> bool:
        """One exchange; True when the connection may be used again."""
        data, want = self._request(n, not is_kept)
        try:
            resp = c.exchange(data)
        except Cut as e:
            raced = reused and e.got == b""
            self._count("raced" if raced else "cut", str(e))
            return False
        except (ProtocolError, OSError) as e:
            self._count("wrong", repr(e))
            return False
        if resp.status != 200 or resp.body != want:
            self._count("wrong", f"{resp.status} {resp.body[:80]!r} for {want!r}")
        self._count("ok")
        return is_kept and not resp.closes

    def _run(self, me: int, is_kept: bool) -> None:
        n, c, reused = me * 1_000_000, None, False
        while not self._stop.is_set():
            n += 1
            if c is None:
                try:
                    c, reused = Conn(self.address, 10.0), False
                except OSError as e:
                    if self.stop_at_refusal:
                        return
                    self._count("refused", repr(e))
                    time.sleep(0.01)
                    continue
            if self._once(c, n, is_kept, reused):
                reused = True
            else:
                c.close()
                c = None
            if self.pause:
                time.sleep(self.pause)
        if c is not None:
            c.close()

    def start(self) -> None:
        """Starts all clients."""
        for i, kind in enumerate(self.kinds):
            t = threading.Thread(target=self._run, args=(i, kind), daemon=True)
            t.start()
            self._threads.append(t)

    def stop(self) -> None:
        """Lets each client finish its request, and waits for it."""
        self._stop.set()
        for t in self._threads:
            t.join(15.0)
            assert not t.is_alive(), "a client waits for an answer that never comes"

    @property
    def bad(self) -> dict[str, int]:
        """What went wrong, by kind; empty when nothing did."""
        return {k: v for k, v in self.counts.items() if k != "ok"}

    def assert_unharmed(self, log: str = "") -> None:
        """Not one request failed."""
        assert self.counts["ok"] > 20, self.counts
        assert not self.bad, f"{dict(self.counts)}\n" + "\n".join(self.examples) + log


@contextlib.contextmanager
def clients(address: object, **kw: object) -> Iterator[Clients]:
    """Running clients, stopped at the end."""
    c = Clients(address, **kw)  # type: ignore[arg-type]
    c.start()
    try:
        yield c
    finally:
        c.stop()
