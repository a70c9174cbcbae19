"""The kinds of work bench/load measures: cases, rows, and what a cell of each gives."""

from __future__ import annotations

from dataclasses import dataclass, field

from .load_tools import CITRATE, FAST, TOOLS


@dataclass(frozen=True)
class LoadWork:
    """One kind of work.  Its cells are `cases` by `rows`, each with fresh processes."""

    name: str
    title: str
    cases: dict[str, str]
    """Titles by name."""
    rows: tuple[str, ...]
    key: str
    """The figure that is compared; lower is better unless the columns say so."""
    columns: tuple[tuple[str, str], ...]
    """Figures of the table, the compared one first: key and title."""
    rounds: int = 0
    """At most so many; 0 for no limit."""
    quick_cases: dict[str, str] = field(default_factory=dict)
    """Instead of the cases, in the short form."""

    def chosen(self, quick: bool) -> dict[str, str]:
        return self.quick_cases if quick and self.quick_cases else self.cases

    def every(self) -> dict[str, str]:
        return {**self.cases, **self.quick_cases}


_ONLY = (CITRATE,)
_COST = (
    *(("cpu_us", "CPU us per request"), ("rps", "requests/s"), ("site_cpu_us", "nginx CPU us per request")),
    *(("rss_mb", "MB"), ("requests", "requests")),
)

WORKS = {
    work.name: work
    for work in (
        LoadWork(
            "cost",
            "What a request costs the generator",
            {
                "plain": "GET, 13 bytes, 64 connections",
                "page": "GET of 15 kB, the cookie and the token in it sent with the next",
            },
            tuple(TOOLS),
            "cpu_us",
            _COST,
        ),
        LoadWork(
            "worker",
            "As a worker of a Locust master",
            {"plain": "GET, 13 bytes, 64 users"},
            (CITRATE, FAST),
            "cpu_us",
            _COST,
        ),
        LoadWork(
            "stall",
            "A server that stands still for 1 s in 10 s, at 1,000 requests/s",
            {"1000": "from the intended start"},
            _ONLY,
            "p99_ms",
            (
                ("p99_ms", "p99 ms"),
                ("p50_ms", "p50 ms"),
                ("mean_ms", "mean ms"),
                ("requests", "requests"),
                ("errors", "errors"),
            ),
            rounds=5,
        ),
        LoadWork(
            "rate",
            "An open rate, held",
            {"1000": "1,000 requests/s", "20000": "20,000 requests/s"},
            _ONLY,
            "off",
            (
                ("off", "off, %"),
                ("rps", "requests/s"),
                ("p50_ms", "p50 ms"),
                ("p99_ms", "p99 ms"),
                ("cpu_us", "CPU us per request"),
                ("errors", "errors"),
            ),
            rounds=5,
        ),
        LoadWork(
            "users",
            "Ten thousand users who think",
            {"10000": "beside a hundred, in one process"},
            _ONLY,
            "bytes_each",
            (("bytes_each", "bytes each"), ("rss_mb", "MB"), ("rps", "requests/s"), ("errors", "errors")),
            rounds=3,
        ),
        LoadWork(
            "long",
            "A long run",
            {"600": "20,000,000 requests, ten minutes or so"},
            _ONLY,
            "report_s",
            (
                ("report_s", "report written in s"),
                ("rss_mb", "generator MB"),
                ("requests", "requests"),
                ("errors", "errors"),
            ),
            rounds=1,
            quick_cases={"20": "500,000 requests"},
        ),
    )
}

LONG_REQUESTS = {"600": 20_000_000, "20": 500_000}


def rows_of(work: LoadWork, case: str) -> tuple[str, ...]:
    """Those that can do it."""
    return tuple(row for row in work.rows if work.name != "cost" or case in TOOLS[row].works)
