"""Sums the histograms of a run; percentiles, spectrum and density of them.

A cell is known by the least time in it, in microseconds: 2048 cells of one, 1024 of two,
1024 of four and so on (src/load/hist.h).
"""

from __future__ import annotations

import math
import re

from citrate.load.report_read import lines, parse, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    Cells = dict[int, int]

KINDS = ("latency_us", "service_us")
MOST_US = 1 << 40
PER_DECADE = 20  # bins of a density
PER_NINE = 16  # points of a spectrum between 90 and 99 %
MOST_POINTS = 12 * PER_NINE

_second = re.compile(rb'\s*\{\s*"second"\s*:\s*(null|\d{1,15})')


def width_us(start: int) -> int:
    return 1 << max(0, start.bit_length() - 11)


def percentiles(cells: Cells, shares: Sequence[float]) -> list[float]:
    """The times in milliseconds that each of ``shares`` (0 to 1, rising) of all do not pass."""
    total = sum(cells.values())
    out: list[float] = []
    passed = 0
    for start in sorted(cells):
        passed += cells[start]
        while len(out) < len(shares) and passed >= min(max(shares[len(out)] * total, 1), total):
            out.append((start + width_us(start) / 2) / 1000)
    return out


def mean_ms(cells: Cells) -> float:
    total = sum(cells.values())
    return sum((start + width_us(start) / 2) * count for start, count in cells.items()) / total / 1000 if total else 0.0


def spectrum(cells: Cells) -> list[float]:
    """Times in milliseconds at the shares 1 - 10 ** (-i / PER_NINE), as far as there are times; the last is the end."""
    total = sum(cells.values())
    if not total:
        return []
    points = min(int(math.log10(total) * PER_NINE), MOST_POINTS)
    return percentiles(cells, [*(1 - 10 ** (-i / PER_NINE) for i in range(points + 1)), 1.0])


def density(cells: Cells) -> tuple[int, list[float]]:
    """The number k of the first bin, and the share of all times in each bin from there on.

    Bin k goes from 10 ** (k / PER_DECADE) microseconds to the next.  A cell that lies in several
    bins is shared between them, or cells of one microsecond would look like a comb.
    """
    bins: dict[int, float] = {}
    for start, count in cells.items():
        low, high = float(max(start, 0.5)), float(start + width_us(start))
        first, last = place(low), place(high)
        for k in range(first, last + 1):
            part = min(high, 10 ** ((k + 1) / PER_DECADE)) - max(low, 10 ** (k / PER_DECADE))
            if part > 0:
                bins[k] = bins.get(k, 0.0) + count * part / (high - low)
    if not bins:
        return 0, []
    total = sum(cells.values())
    return min(bins), [bins.get(k, 0.0) / total for k in range(min(bins), max(bins) + 1)]


def place(us: float) -> int:
    return math.floor(math.log10(us) * PER_DECADE)


class Histograms:
    """``steps[name][kind]``: the cells of each step without the warm-up; ``unread`` lines."""

    def __init__(self) -> None:
        self.steps: dict[str, dict[str, Cells]] = {}
        self.unread = 0

    def add(self, line: bytes) -> None:
        row = parse(line)
        if row is None:
            self.unread += 1
            return
        kinds = self.steps.setdefault(text(row.get("step")), {kind: {} for kind in KINDS})
        for kind in KINDS:
            cells = kinds[kind]
            try:
                for start, count in row.get(kind) or ():
                    cells[start] = cells.get(start, 0) + count
            except (TypeError, ValueError):
                self.unread += 1

    def tidy(self) -> None:
        """Leaves out what can't be a cell."""
        for kinds in self.steps.values():
            for kind, cells in kinds.items():
                kinds[kind] = {start: count for start, count in cells.items() if is_cell(start, count)}

    def together(self, kind: str) -> Cells:
        """The cells of all steps."""
        out: Cells = {}
        for kinds in self.steps.values():
            for start, count in kinds[kind].items():
                out[start] = out.get(start, 0) + count
        return out


def is_cell(start: object, count: object) -> bool:
    return type(start) is int and type(count) is int and 0 <= start < MOST_US and 0 < count < 1 << 62


def read_histograms(path: Path, warm: set[int]) -> Histograms:
    """The totals at the end of histograms.jsonl; of a run that has not come to them, the sum of its seconds."""
    found = Histograms()
    last = b""
    for last in lines(path):
        if second_of(last) == b"null":
            found.add(last)
    if not found.steps or parse(last) is None:  # killed before or amid the totals
        found = sum_seconds(path, warm)
    found.tidy()
    return found


def second_of(line: bytes) -> bytes:
    """The number of a line's second, or null; empty when it does not begin with one."""
    match = _second.match(line)
    return match[1] if match else b""


def sum_seconds(path: Path, warm: set[int]) -> Histograms:
    found = Histograms()
    for line in lines(path):
        second = second_of(line)
        if not second:
            found.unread += 1
        elif second != b"null" and int(second) not in warm:
            found.add(line)
    return found
