"""What Citrate is to reach, as ratios within one run, and whether it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .results import Figure, Results, number, with_interval
from .still import IDLE
from .works import WORKS

CITRATE = "citrate"


@dataclass(frozen=True)
class Verdict:
    """One line of the table of targets; met is None if it could not be judged."""

    work: str
    what: str
    target: str
    measured: str
    met: bool | None
    sure: bool = True
    """Does the whole interval lie on this side?"""


def verdicts(results: Results) -> list[Verdict]:
    """All that can be judged of what was run."""
    found: list[Verdict] = []
    for judge in (_plain, _frameworks, _mixed, _still, _faults):
        found += [v for v in judge(results) if _was_run(results, v.work)]
    return found


def _was_run(results: Results, work: str) -> bool:
    return any(results.of(setup, work, CITRATE) for setup in ("tuned", "threads"))


def _judge(work: str, what: str, limit: float, figure: Figure | None, at_most: bool = True, unit: str = "") -> Verdict:
    sign = "<=" if at_most else ">="
    target = f"{sign} {number(limit)}{unit}"
    if figure is None:
        return Verdict(work, what, target, "not measured", None)
    text = with_interval(figure, unit)
    met = figure.value <= limit if at_most else figure.value >= limit
    ends = (figure.low, figure.high)
    sure = all((end <= limit) == met if at_most else (end >= limit) == met for end in ends)
    return Verdict(work, what, target, text, met, sure)


def _against(
    results: Results,
    setup: str,
    work: str,
    limit: float,
    key: str = "cpu_us",
    rival: str | None = None,
    at_most: bool = True,
) -> Verdict:
    """Citrate by a rival, or by the best rival."""
    other = rival or results.best(setup, work, key, min if at_most else max)
    what = {"cpu_us": "CPU per request", "rps": "requests/s"}[key]
    figure = results.ratio(setup, work, key, CITRATE, other) if other else None
    name = f"{what} by {other or 'the best rival'}'s"
    return _judge(work, f"{name}, {setup}", limit, figure, at_most, " x")


def _plain(results: Results) -> Iterator[Verdict]:
    yield _against(results, "tuned", "hello", 0.85)
    best = results.best("tuned", "hello", "cpu_us")
    above = results.paired("tuned", "hello", "cpu_us", (CITRATE, best, "floor"), _above_floor) if best else None
    yield _judge("hello", f"CPU above the floor by {best}'s", 0.5, above, unit=" x")
    yield _against(results, "tuned", "hello", 1.05, rival="nginx")
    yield _against(results, "tuned", "hello", 1.0, key="rps", at_most=False)
    yield _against(results, "tuned", "pipelined", 0.8)
    yield _against(results, "tuned", "newconn", 1.0)
    for work in ("json10k", "out100k", "echo1k"):
        yield _against(results, "tuned", work, 1.0)
    yield _against(results, "tuned", "echo100k", 0.9)
    yield _against(results, "tuned", "file1m", 1.05, rival="nginx")


def _above_floor(values: list[float]) -> float:
    ours, theirs, floor = values
    return (ours - floor) / (theirs - floor)


def _frameworks(results: Results) -> Iterator[Verdict]:
    for work in ("flask", "flask8", "django", "django8", "template", "template8"):
        for setup in ("tuned", "threads"):
            if results.of(setup, work, CITRATE):
                yield _against(results, setup, work, 1.0)


def _own(
    results: Results,
    work: str,
    key: str,
    what: str,
    limit: float,
    at_most: bool = True,
    unit: str = "",
    setup: str = "threads",
) -> Verdict:
    figure = results.figure(setup, work, CITRATE, key)
    return _judge(work, what, limit, figure, at_most, unit)


def _mixed(results: Results) -> Iterator[Verdict]:
    yield _own(results, "sleepers6", "kept", "requests/s by those without sleepers", 0.95, False)
    yield _against(results, "threads", "sleepers6", 0.35, rival="granian")
    yield _own(results, "sleepers6", "p99_ms", "p99", 1.0, unit=" ms")
    yield _own(results, "sleepers64", "kept", "requests/s by those without sleepers", 0.9, False)
    yield _own(results, "sleepers64", "p99_ms", "p99", 2.0, unit=" ms")
    yield _own(results, "sleepers64", "slow_rps", "sleepers (0.9 of 16 / 20 ms)", 720, False, "/s")
    yield _own(results, "waits20", "stretch", "twenty waits by their time alone", 1.05)
    yield _own(results, "waits20", "kept", "requests/s by those alone", 0.95, False)
    yield _against(results, "threads", "heavy2", 3.0, "rps", "granian", at_most=False)
    yield _own(results, "heavy2", "slow_kept", "heavy requests by their rate alone", 0.85, False)
    for inline in ("citrate-1t", "bjoern"):
        figure = results.ratio("threads", "heavy16", "rps", CITRATE, inline)
        yield _judge("heavy16", f"heavy requests/s by {inline} (inline)", 0.97, figure, False, " x")
    for work in ("bigup", "bigdown"):
        yield _own(results, work, "p99_moved_ms", "quick p99 moved", 2.0, unit=" ms")


def _still(results: Results) -> Iterator[Verdict]:
    yield _own(results, "workers2", "gain", "two workers by one, by CPU", 1.9, False, " x", "tuned")
    idle = ("idle10k", "bytes_each", "memory of an idle connection", 512)
    yield _own(results, *idle, unit=" B", setup="tuned")
    yield _own(results, "idle10k", "served", "still served", IDLE, False, setup="tuned")
    yield _own(results, "idle10k", "p99_moved_ms", "quick p99 moved", 0.2, unit=" ms", setup="tuned")
    figure = results.figure("tuned", "start", CITRATE, "first_ms")
    imports = results.figure("tuned", "start", CITRATE, "import_ms")
    limit = round(1.2 * imports.value + 100) if imports else 0
    yield _judge("start", "first answer; 1.2 x import + 100 ms", limit, figure, unit=" ms")
    yield _own(results, "memory", "pss_mb", "PSS at rest", 16, unit=" MB", setup="tuned")


def _faults(results: Results) -> Iterator[Verdict]:
    kinds: tuple[str, ...] = ("refused", "cut", "raced", "wrong")
    for name in ("hup", "recycle", "term"):
        yield _counted(results, f"fault-{name}", kinds, 0, "refused, cut, raced, wrong")
    yield _counted(results, "fault-kill", ("refused", "wrong"), 0, "refused, wrong")
    # Three kills of one worker of two: no more than all clients could have been in it.
    yield _counted(results, "fault-kill", ("cut", "raced"), 3 * 32, "in the killed workers")


def _counted(results: Results, work: str, kinds: tuple[str, ...], limit: int, what: str) -> Verdict:
    rounds = [results.values("threads", work, CITRATE, kind) for kind in kinds]
    totals = [sum(column[n] for column in rounds) for n in rounds[0]]
    return _judge(work, what, limit, Figure.of(totals))


def order() -> Callable[[Verdict], int]:
    """Sorts verdicts as the works are listed."""
    places = {name: i for i, name in enumerate(WORKS)}
    return lambda verdict: places[verdict.work]
