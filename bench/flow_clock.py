"""How long one statement takes: process CPU time of a calibrated loop, less the empty loop's.

    Statement("program.evaluate(data)", names).measure(0.3)
        {"us": 0.1, "loop_us": 0.01, "calls": 9000000, "batches": 9}

The garbage collector stays on: what a rival leaves behind is a part of its cost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import repeat
from statistics import median
from typing import Any

BATCHES = 9
_LOOP = """
def loop(turns, clock, {names}):
    begin = clock()
    for text in turns:
        {statement}
    return clock() - begin
"""


class Statement:
    """A statement in a loop whose names are local variables; `text` is what the loop gives it.

    `texts(count)` gives that many texts; without it every turn gets the one `names` has.
    """

    def __init__(self, source: str, names: dict[str, Any], texts: Callable[[int], Iterable[Any]] | None = None) -> None:
        self.source = source
        self.names = {name: value for name, value in names.items() if name != "text"}
        self._text = names.get("text")
        self._texts = texts or self._same
        self._loop = self._define(source)
        self._empty = self._define("pass")

    def value(self) -> Any:
        """What it gives, once."""
        text = next(iter(self._texts(1)))
        return eval(self.source, {**self.names, "text": text})  # its own source

    def _same(self, count: int) -> Iterable[Any]:
        return repeat(self._text, count)

    def _define(self, statement: str) -> Callable[..., int]:
        found: dict[str, Any] = {}
        exec(_LOOP.format(names=", ".join(self.names) or "_", statement=statement), found)  # noqa: S102 - made of a row's statement
        loop: Callable[..., int] = found["loop"]
        return loop

    def _run(self, loop: Callable[..., int], count: int) -> float:
        """Nanoseconds of one turn, over so many."""
        turns = self._texts(count)
        return loop(turns, time.process_time_ns, **self.names) / count

    def _calibrated(self, batch_ns: float) -> int:
        count, spent = 1, 0.0
        while spent < batch_ns / 10:
            count = count * 2 if spent < batch_ns / 100 else count + count // 2 + 1
            spent = self._run(self._loop, count) * count
        return max(1, int(count * batch_ns / spent))

    def measure(self, seconds: float) -> dict[str, Any]:
        """Median over batches that take `seconds` of CPU time together."""
        count = self._calibrated(seconds * 1e9 / BATCHES)
        full, empty = [], []
        for _ in range(BATCHES):
            full.append(self._run(self._loop, count))
            empty.append(self._run(self._empty, count))
        us = (median(full) - median(empty)) / 1e3
        return {"us": round(us, 5), "loop_us": round(median(empty) / 1e3, 5), "calls": count * BATCHES}
