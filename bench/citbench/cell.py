"""One cell of the comparison: a server, a kind of work, a set-up, a round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .live import Live, Metrics, Ports
from .servers import Paths, Server, Start

THREADS = 16


@dataclass(frozen=True)
class Context:
    """What all cells of a run share.  Times in seconds."""

    paths: Paths
    ports: Ports
    seconds: float
    warm: float
    pin: bool
    expected: dict[tuple[str, str], bytes]
    """The right body by application and path."""
    connections: int | None = None
    """Overrides the number of connections of plain work."""


@dataclass(frozen=True)
class Work:
    """A kind of work.  `app`, `path`, `mode` and `number` say what is asked of which application."""

    name: str
    title: str
    app: str
    measure: Callable[[Cell], Metrics]
    path: str = "/"
    mode: str = "get"
    number: int = 0
    connections: int = 64
    references: tuple[str, ...] = ()
    """The servers without WSGI that can do this work."""
    setups: tuple[str, ...] = ("tuned",)
    named_threads: bool = False
    """The row names 16 threads: Citrate is started with that number too."""
    bare: bool = False
    """The application can be called in a loop beside it."""
    cost: tuple[float, float] = (1.3, 1.0)
    """How long one cell takes: seconds, and multiples of the measured time."""
    rounds: int = 0
    """Fewer rounds than asked for; 0 for no limit."""
    needs: str = ""
    """Only servers of which this attribute is true."""
    also: tuple[str, ...] = ()
    """Servers beside the usual ones of the set-up."""
    columns: tuple[tuple[str, str], ...] = ()
    """Further columns of the table: key and title."""


@dataclass(frozen=True)
class Cell:
    work: Work
    server: Server
    setup: str
    round: int
    context: Context
    start: Start = field(init=False)

    def __post_init__(self) -> None:
        threads = THREADS if self.setup == "threads" else None
        if self.server.kind == "citrate" and not self.work.named_threads:
            threads = None
        start = Start(self.work.app, 0, threads=threads, work=self.work.name)
        object.__setattr__(self, "start", replace(start, close=self.work.mode == "close"))

    def live(self, **changes: Any) -> Live:
        """A fresh server for this cell; changes are fields of Start."""
        start = replace(self.start, port=self.context.ports.take(), **changes)
        path = self.path
        return Live(self.server, start, self.context.paths, path, self.context.pin)

    @property
    def path(self) -> str:
        """Where the work is: a server without WSGI has the file under a path of its own."""
        reference = self.server.kind == "reference" and self.work.name == "file1m"
        return "/file" if reference else self.work.path

    @property
    def connections(self) -> int:
        return self.context.connections or self.work.connections
