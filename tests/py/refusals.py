"""What must hold whenever a server refuses a request, in one place for all tables of bad input."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass

from rawhttp import Conn, Cut, Response, get
from server import KIND, Server, log_of, wait_for

FOLLOW_UP = get("/smuggled", "X-Smuggled: yes")
BAD = frozenset({400})


@dataclass(frozen=True)
class Case:
    """One bad request: its bytes, the statuses that are right, and whether a good request follows it."""

    id: str
    data: bytes
    statuses: frozenset[int] = BAD
    follow: bool = True
    method: str | None = None


def cases(*rows: tuple) -> list[Case]:
    """Cases from (id, bytes[, statuses]) tuples; ids must be unique."""
    made = [Case(r[0], r[1], frozenset(r[2]) if len(r) > 2 else BAD, *r[3:]) for r in rows]
    ids = [c.id for c in made]
    assert len(ids) == len(set(ids)), [i for i in ids if ids.count(i) > 1]
    return made


def params(table: Iterable[Case]) -> dict:
    """For pytest.mark.parametrize(**params(TABLE))."""
    table = list(table)
    return {"argnames": "case", "argvalues": table, "ids": [c.id for c in table]}


class Bystander:
    """Another client with a kept connection, who must not notice anything."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.conn: Conn | None = None

    def is_served(self) -> bool:
        """One more request on the kept connection; a connection closed for its age is made anew."""
        for fresh in (False, True):
            try:
                if self.conn is None or fresh:
                    self.conn = self.server.connect()
                return self.conn.exchange(get("/plain?id=bystander")).body == b"hello bystander"
            except (Cut, OSError):
                if fresh:
                    return False
        return False

    def close(self) -> None:
        """Ends the connection."""
        if self.conn is not None:
            self.conn.close()


def new_records(server: Server, offset: int) -> str:
    """What applications wrote down since the offset, the bystander's requests left out."""
    with open(server.record_file, encoding="utf-8") as f:
        f.seek(offset)
        return "".join(line for line in f if "id=bystander" not in line)


def check_refused(server: Server, bystander: Bystander, case: Case, pause: float = 0.0) -> Response:
    """Sends the case and holds the server to the whole contract of a refusal.

    One complete answer with the right status and `Connection: close`; then the end of input, not a
    reset; the application not called, neither for this request nor for the one behind it; a log
    line with the reason; and others served as before.
    """
    offset, mark = os.path.getsize(server.record_file), server.log_mark()
    with server.connect(5.0) as c:
        try:
            c.send(case.data + (FOLLOW_UP if case.follow else b""))
            time.sleep(pause)
            resp = c.read_response(case.method or "GET")
        except Cut as e:
            raise AssertionError(f"no complete answer: {e}{log_of(server)}") from e
        except TimeoutError as e:
            raise AssertionError(f"no answer at all{log_of(server)}") from e
        assert resp.status in case.statuses, (
            f"{resp.status} {resp.reason!r}, not {sorted(case.statuses)}: {resp.body!r}"
        )
        assert resp.closes, f"no Connection: close in {resp.head!r}"
        assert resp.framing in ("length", "chunked", "none"), "the answer does not say where it ends"
        c.expect_end()
    assert new_records(server, offset) == "", "the application was called"
    assert bystander.is_served(), "another client was disturbed" + log_of(server)
    if KIND == "citrate":
        found = wait_for(lambda: re.search("refused", server.log_since(mark)), 2.0)
        assert found, f"no line with the reason in the log: {server.log_since(mark)!r}"
    return resp
