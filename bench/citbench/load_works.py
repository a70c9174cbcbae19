"""The kinds of work bench/load measures: cases, rows, and what a cell of each gives."""

from __future__ import annotations

from .cases import CaseWork
from .load_tools import CITRATE, FAST, TOOLS

_ONLY = (CITRATE,)
_COST = (
    *(("cpu_us", "CPU us per request"), ("rps", "requests/s"), ("site_cpu_us", "nginx CPU us per request")),
    *(("rss_mb", "MB"), ("requests", "requests")),
)

WORKS = {
    work.name: work
    for work in (
        CaseWork(
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
        CaseWork(
            "worker",
            "As a worker of a Locust master",
            {"plain": "GET, 13 bytes, 64 users"},
            (CITRATE, FAST),
            "cpu_us",
            _COST,
        ),
        CaseWork(
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
        CaseWork(
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
        CaseWork(
            "users",
            "Ten thousand users who think",
            {"10000": "beside a hundred, in one process"},
            _ONLY,
            "bytes_each",
            (("bytes_each", "bytes each"), ("rss_mb", "MB"), ("rps", "requests/s"), ("errors", "errors")),
            rounds=3,
        ),
        CaseWork(
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


def rows_of(work: CaseWork, case: str) -> tuple[str, ...]:
    """Those that can do it."""
    return tuple(row for row in work.rows if work.name != "cost" or case in TOOLS[row].works)
