"""What the load generator is to reach, and whether it did."""

from __future__ import annotations

from collections.abc import Iterator

from .load_tools import CITRATE, FAST, WRK
from .load_works import LONG_REQUESTS, WORKS
from .results import Figure, Results, number, with_interval
from .targets import Verdict, _judge

MB_MOST = 64


def verdicts(results: Results) -> list[Verdict]:
    """All that can be judged of what was run, in the order of the kinds of work."""
    found: list[Verdict] = []
    for judge in (_cost, _worker, _stall, _rate, _users, _long):
        found += judge(results)
    return [v for v in found if v.met is not None]


def _cost(results: Results) -> Iterator[Verdict]:
    figure = results.ratio("cost", "plain", "cpu_us", CITRATE, WRK)
    yield _judge("cost/plain", "CPU per request by wrk's", 1.0, figure, unit=" x")
    page, plain = results.values("cost", "page", CITRATE, "cpu_us"), results.values("cost", "plain", WRK, "cpu_us")
    ratios = [page[n] / plain[n] for n in sorted(set(page) & set(plain)) if plain[n] > 0]
    yield _judge("cost/page", "CPU per request by wrk's of a plain GET", 1.9, Figure.of(ratios), unit=" x")


def _worker(results: Results) -> Iterator[Verdict]:
    figure = results.ratio("worker", "plain", "cpu_us", FAST, CITRATE)
    yield _judge("worker/plain", f"CPU per request of {FAST} by Citrate's", 8.0, figure, at_most=False, unit=" x")


def _about(results: Results, work: str, what: str, key: str, middle: float, spread: float, unit: str) -> Verdict:
    """A figure that has to lie on both sides of a limit."""
    figure = results.figure(*work.split("/"), CITRATE, key)  # type: ignore[call-arg]
    target = f"{number(middle)} +- {number(spread)}{unit}"
    if figure is None:
        return Verdict(work, what, target, "not measured", None)
    inside = [abs(value - middle) <= spread for value in (figure.value, figure.low, figure.high)]
    return Verdict(work, what, target, with_interval(figure, unit), inside[0], len(set(inside)) == 1)


def _most(results: Results, work: str, what: str, key: str, limit: float, unit: str = "") -> Verdict:
    return _judge(work, what, limit, results.figure(*work.split("/"), CITRATE, key), unit=unit)  # type: ignore[call-arg]


def _stall(results: Results) -> Iterator[Verdict]:
    work = "stall/1000"
    yield _most(results, work, "p50", "p50_ms", 0.1, " ms")
    yield _about(results, work, "p99", "p99_ms", 900, 25, " ms")
    yield _about(results, work, "mean", "mean_ms", 50, 3, " ms")
    yield _about(results, work, "requests accounted for", "requests", 10_000, 0, "")
    yield _most(results, work, "errors", "errors", 0)


def _rate(results: Results) -> Iterator[Verdict]:
    for case in WORKS["rate"].cases:
        yield _most(results, f"rate/{case}", "off the rate", "off", 0.5, " %")
        yield _most(results, f"rate/{case}", "errors", "errors", 0)


def _users(results: Results) -> Iterator[Verdict]:
    yield _most(results, "users/10000", "memory of a user", "bytes_each", 4096, " B")
    yield _most(results, "users/10000", "errors", "errors", 0)


def _long(results: Results) -> Iterator[Verdict]:
    for case in LONG_REQUESTS:
        yield _most(results, f"long/{case}", "report written", "report_s", 2, " s")
        yield _most(results, f"long/{case}", "memory of the generator", "rss_mb", MB_MOST, " MB")
