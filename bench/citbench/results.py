"""What a run has found out: one record a cell, and the questions tables ask of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, TextIO

from .servers import SERVERS
from .stats import interval

Record = dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """A median with its 95 % interval over rounds."""

    value: float
    low: float
    high: float

    @staticmethod
    def of(values: list[float]) -> Figure | None:
        return Figure(median(values), *interval(values)) if values else None


def number(value: float) -> str:
    """Three digits, or all of them where there are more before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def with_interval(figure: Figure, unit: str = "") -> str:
    return f"{number(figure.value)}{unit} ({number(figure.low)} to {number(figure.high)})"


@dataclass
class Results:
    """Records by set-up, work and server; `out` gets each as a line of JSON."""

    records: list[Record] = field(default_factory=list)
    out: TextIO | None = None

    def add(self, record: Record) -> None:
        self.records.append(record)
        if self.out is not None:
            self.out.write(json.dumps(record) + "\n")
            self.out.flush()

    @staticmethod
    def load(path: Path) -> Results:
        with path.open() as lines:
            return Results([json.loads(line) for line in lines if line.strip()])

    def machine(self) -> Record:
        return next((r for r in self.records if r.get("kind") == "machine"), {})

    def of(self, setup: str, work: str, server: str) -> list[Record]:
        """The cells of one row, good and bad."""
        return [
            r
            for r in self.records
            if r.get("kind") == "cell" and (r["setup"], r["work"], r["server"]) == (setup, work, server)
        ]

    def names(self, setup: str, work: str) -> list[str]:
        """The servers that were tried, in the order of the list of servers."""
        tried = {
            r["server"] for r in self.records if r.get("kind") == "cell" and (r["setup"], r["work"]) == (setup, work)
        }
        return [name for name in (*SERVERS, "bare call") if name in tried]

    def fault(self, setup: str, work: str, server: str) -> str | None:
        """Why this row counts for nothing: one wrong answer or one death in any round."""
        for record in self.of(setup, work, server):
            if "failed" in record:
                return str(record["failed"])
        return None

    def values(self, setup: str, work: str, server: str, key: str) -> dict[int, float]:
        """A figure by round; nothing if the row is wrong."""
        if self.fault(setup, work, server) is not None:
            return {}
        found = {r["round"]: r.get(key) for r in self.of(setup, work, server)}
        return {n: float(v) for n, v in found.items() if v is not None}

    def figure(self, setup: str, work: str, server: str, key: str) -> Figure | None:
        return Figure.of(list(self.values(setup, work, server, key).values()))

    def rivals(self, setup: str, work: str) -> list[str]:
        """The rivals that answered rightly."""
        return [
            name
            for name in self.names(setup, work)
            if name in SERVERS and SERVERS[name].kind == "rival" and self.fault(setup, work, name) is None
        ]

    def best(self, setup: str, work: str, key: str, choose: Callable[..., Any] = min) -> str | None:
        """The best rival by the median of a figure."""
        medians = {
            name: figure.value
            for name in self.rivals(setup, work)
            if (figure := self.figure(setup, work, name, key)) is not None
        }
        return choose(medians, key=lambda name: medians[name]) if medians else None

    def ratio(self, setup: str, work: str, key: str, ours: str, theirs: str) -> Figure | None:
        """Ours by theirs, round by round: what both met in one round cancels out."""
        return self.paired(setup, work, key, (ours, theirs), lambda pair: pair[0] / pair[1])

    def paired(
        self,
        setup: str,
        work: str,
        key: str,
        servers: Iterable[str],
        combine: Callable[[list[float]], float],
    ) -> Figure | None:
        """A figure combined from several servers of the same round."""
        columns = [self.values(setup, work, server, key) for server in servers]
        rounds = set.intersection(*(set(column) for column in columns))
        try:
            return Figure.of([combine([c[n] for c in columns]) for n in sorted(rounds)])
        except ZeroDivisionError:
            return None
