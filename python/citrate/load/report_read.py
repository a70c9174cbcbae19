"""Reads the files of a run, line by line, into as few seconds as a page can show.

    seconds.jsonl ──> Bins: one for each 1, 2, 4 ... seconds, so that they stay few
    server.jsonl  ──> Samples

Nothing here is trusted: a file may be missing, cut, or of another program.  What can't be
read is left out and counted.
"""

from __future__ import annotations

import json
import math
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMES = ("latency_ms", "service_ms")
QUANTILES = ("p50", "p90", "p95", "p99", "p999", "max")
COUNTS = ("requests", "errors", "bytes_in", "bytes_out")
WIDTH = len(COUNTS) + len(TIMES) * len(QUANTILES)  # numbers of a row

MOST_BINS = 1800  # more than the plots have pixels
MOST_CELLS = 20000  # bins times rows: about 80 bytes of the page each
MOST_ROWS = 150  # steps that are shown over time
MOST_NAMES = 64  # different statuses or kinds of errors in a second
MOST_LINE = 1 << 24  # bytes


def number(value: object) -> float:
    """``value`` as a finite number; 0 when it is none."""
    if isinstance(value, (int, float)):
        try:
            real = float(value)
        except OverflowError:
            return 0.0
        return real if math.isfinite(real) else 0.0
    return 0.0


def table(value: object) -> dict[str, Any]:
    """``value`` as a JSON object; an empty one when it is none."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[dict[str, Any]]:
    """The objects of a JSON array."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    """``value`` for people; '' for null."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def parse(line: bytes | str) -> dict[str, Any] | None:
    """The JSON object in ``line``, or None."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file; None when there is no file, or none in it."""
    try:
        return parse(path.read_bytes())
    except OSError:
        return None


def lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, none longer than MOST_LINE; nothing when it is not there."""
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        while line := file.readline(MOST_LINE):
            yield line


@dataclass
class Bin:
    """What happened in one or more seconds: counts are sums, all else is the greatest of them."""

    start: float
    end: float
    warm: bool
    peaks: dict[str, float]  # wanted, users, waiting, rss
    sums: dict[str, float]  # connects, rounds, late, cpu
    codes: dict[str, float]
    kinds: dict[str, float]
    all: array[float]
    steps: dict[str, array[float]] = field(default_factory=dict)

    def add(self, other: Bin) -> None:
        self.start = min(self.start, other.start)
        self.end = max(self.end, other.end)
        self.warm = self.warm and other.warm
        for name, value in other.peaks.items():
            self.peaks[name] = max(self.peaks.get(name, 0.0), value)
        for mine, more in ((self.sums, other.sums), (self.codes, other.codes), (self.kinds, other.kinds)):
            for name, value in more.items():
                mine[name] = mine.get(name, 0.0) + value
        merge(self.all, other.all)
        for name, row in other.steps.items():
            if name in self.steps:
                merge(self.steps[name], row)
            else:
                self.steps[name] = row


def row_of(value: object) -> array[float]:
    """COUNTS, then QUANTILES of each of TIMES."""
    row = table(value)
    found = [row.get(name, 0) for name in COUNTS]
    for times in TIMES:
        one = table(row.get(times))
        found += [one.get(name, 0) for name in QUANTILES]
    try:
        out = array("d", found)
        if math.isfinite(sum(out)):  # of an hour there are 100,000 rows
            return out
    except (TypeError, OverflowError):
        pass
    return array("d", map(number, found))


def merge(into: array[float], more: array[float]) -> None:
    for i in range(len(COUNTS)):
        into[i] += more[i]
    for i in range(len(COUNTS), WIDTH):
        if more[i] > into[i]:
            into[i] = more[i]


def counts_of(value: object) -> dict[str, float]:
    found = table(value)
    return {name: number(found[name]) for name in list(found)[:MOST_NAMES]}


def bin_of(second: dict[str, Any]) -> Bin:
    at = number(second.get("second"))
    start = number(second.get("start", at))
    everything = table(second.get("all"))
    return Bin(
        start=start,
        end=max(number(second.get("end", at + 1)), start),
        warm=second.get("warm") is True,
        peaks={name: number(second.get(name)) for name in ("wanted", "users", "waiting", "rss")},
        sums={name: number(second.get(name)) for name in ("connects", "rounds", "late", "cpu")},
        codes=counts_of(everything.get("codes")),
        kinds=counts_of(everything.get("errors_by_kind")),
        all=row_of(everything),
    )


@dataclass
class Bins:
    """The seconds of a run; ``width`` of them are one bin, from ``second // width * width`` on."""

    width: int = 1
    bins: dict[int, Bin] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)  # steps shown over time, in the order they came
    left_out: set[str] = field(default_factory=set)  # steps past MOST_ROWS
    unread: int = 0  # lines
    seconds: int = 0
    warm: set[int] = field(default_factory=set)  # numbers of seconds
    totals: dict[str, Totals] = field(default_factory=dict)  # without the warm-up; '' is all requests
    measured: dict[str, float] = field(default_factory=dict)  # the same of seconds and of Bin.sums
    wanted: float = 0.0  # the measured time's wanted level times seconds
    level: float | None = None  # wanted at the end of the second before

    def add(self, second: dict[str, Any]) -> None:
        new = bin_of(second)
        at = int(number(second.get("second")))
        self.seconds += 1
        self._measure(new, at)
        self._count("", table(second.get("all")), new.all, new.warm)
        for name, found in table(second.get("steps")).items():
            row = row_of(found)
            self._count(name, table(found), row, new.warm)
            self._step(name, row, new)
        self._put(at // self.width, new)
        while len(self.bins) > self.most():
            self._double()

    def _measure(self, new: Bin, at: int) -> None:
        level = new.peaks["wanted"]
        before, self.level = level if self.level is None else self.level, level
        if new.warm:
            self.warm.add(at)
            return
        took = new.end - new.start
        self.wanted += (before + level) / 2 * took
        for name, value in {"seconds": took, **new.sums}.items():
            self.measured[name] = self.measured.get(name, 0.0) + value

    def _step(self, name: str, row: array[float], new: Bin) -> None:
        if name in self.names or len(self.names) < MOST_ROWS:
            new.steps[name] = row
            self.names[name] = None
        elif len(self.left_out) < MOST_CELLS:
            self.left_out.add(name)

    def most(self) -> int:
        return max(min(MOST_BINS, MOST_CELLS // (len(self.names) + 1)), 1)

    def _put(self, key: int, new: Bin) -> None:
        if key in self.bins:
            self.bins[key].add(new)
        else:
            self.bins[key] = new

    def _double(self) -> None:
        old, self.bins, self.width = self.bins, {}, self.width * 2
        for key, one in old.items():
            self._put(key // 2, one)

    def _count(self, name: str, found: dict[str, Any], row: array[float], warm: bool) -> None:
        if warm:
            return
        if name not in self.totals and len(self.totals) < MOST_CELLS:
            self.totals[name] = Totals()
        if name in self.totals:
            self.totals[name].add(found, row)

    def in_order(self) -> list[Bin]:
        return [self.bins[key] for key in sorted(self.bins)]


@dataclass
class Totals:
    """One row over the measured seconds: what summary.json would say of it, but for its percentiles."""

    row: array[float] = field(default_factory=lambda: array("d", bytes(8 * WIDTH)))
    codes: dict[str, float] = field(default_factory=dict)
    kinds: dict[str, float] = field(default_factory=dict)

    def add(self, found: dict[str, Any], row: array[float]) -> None:
        merge(self.row, row)
        for mine, more in ((self.codes, found.get("codes")), (self.kinds, found.get("errors_by_kind"))):
            if more:
                for name, count in counts_of(more).items():
                    mine[name] = mine.get(name, 0.0) + count

    @property
    def counts(self) -> dict[str, float]:
        return dict(zip(COUNTS, self.row, strict=False))

    @property
    def most(self) -> dict[str, float]:
        """The greatest of each of TIMES."""
        ends = range(len(COUNTS) + len(QUANTILES) - 1, WIDTH, len(QUANTILES))
        return {times: self.row[end] for times, end in zip(TIMES, ends, strict=True)}


def read_seconds(path: Path) -> Bins:
    """All seconds of seconds.jsonl, as few bins."""
    bins = Bins()
    for line in lines(path):
        second = parse(line)
        if second is None:
            bins.unread += 1
        else:
            bins.add(second)
    return bins


@dataclass
class Samples:
    """What server.jsonl says of the server's processes, by time since the start."""

    name: str = ""
    citrate: bool = False
    unread: int = 0
    at: array[float] = field(default_factory=lambda: array("d"))  # seconds
    cpu: array[float] = field(default_factory=lambda: array("d"))  # CPU seconds so far
    values: dict[str, array[float]] = field(default_factory=dict)  # rss, pss, processes, threads, queue

    def add(self, sample: dict[str, Any]) -> None:
        at = number(sample.get("at", sample.get("second")))
        if self.at and at <= self.at[-1]:
            self.unread += 1
            return
        self.name = text(sample.get("name")) or self.name
        self.citrate = self.citrate or sample.get("citrate") is True
        self.at.append(at)
        self.cpu.append(number(sample.get("cpu")))
        for name in ("rss", "pss", "processes", "threads", "queue"):
            column = self.values.setdefault(name, array("d"))
            column.append(number(sample[name]) if sample.get(name) is not None else math.nan)

    def cpu_at(self, at: float) -> float:
        """CPU seconds used until ``at``, in a line between samples; nan outside of them."""
        i = bisect_left(self.at, at)
        if i < len(self.at) and self.at[i] == at:
            return self.cpu[i]
        if i == 0 or i == len(self.at):
            return math.nan
        part = (at - self.at[i - 1]) / (self.at[i] - self.at[i - 1])
        return self.cpu[i - 1] + part * (self.cpu[i] - self.cpu[i - 1])

    def greatest(self, name: str, start: float, end: float) -> float:
        """The greatest value between two times; nan when there is none."""
        found = self.values[name][bisect_left(self.at, start) : bisect_right(self.at, end)]
        return max((value for value in found if not math.isnan(value)), default=math.nan)


def read_server(path: Path) -> Samples:
    samples = Samples()
    for line in lines(path):
        sample = parse(line)
        if sample is None:
            samples.unread += 1
        else:
            samples.add(sample)
    return samples
