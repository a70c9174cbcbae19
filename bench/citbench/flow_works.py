"""The kinds of work `bench/flow` measures: cases, rows, and what a cell of each gives."""

from __future__ import annotations

from dataclasses import dataclass

from flow_rows import ENGINES, GRAPHS, ROWS
from flow_texts import BAD_TITLES, CASES

from .cases import CaseWork

CITRATE, STRICT = "citrate", "citrate strict"
NODES = (10, 100, 1000, 10_000)


@dataclass(frozen=True)
class FlowWork(CaseWork):
    """A kind of work whose cells are each by itself in a process."""

    timeout: float = 60.0
    """Seconds after which a cell has failed."""
    alone: tuple[str, ...] = ()
    """Cases of the first row only, once."""


def _cases() -> dict[str, str]:
    return {case.name: case.title for case in CASES.values()}


_COMPILING = tuple(name for name, row in ROWS.items() if row.compiles or row.distribution == "pyparsing")
_BAD_ROWS = (CITRATE, STRICT, "eval()", "simpleeval", "pyparsing new")

WORKS = {
    work.name: work
    for work in (
        FlowWork("eval", "Evaluating a text seen before", _cases(), tuple(ROWS), "us", (("us", "CPU us"),)),
        FlowWork("compile", "From a new text to a program", _cases(), _COMPILING, "us", (("us", "CPU us"),)),
        FlowWork(
            "step",
            "A step of the engine over one conditional edge",
            {str(n): f"{n:,} nodes" for n in NODES},
            tuple(ENGINES),
            "us",
            (("us", "CPU us beside the host"), ("host_us", "the host's own"), ("step_us", "together")),
            timeout=120.0,
        ),
        FlowWork(
            "memory",
            "Memory of graphs",
            {"1000": "1,000 graphs of 100 nodes"},
            tuple(GRAPHS),
            "mb",
            (("mb", "MB"),),
        ),
        FlowWork(
            "leak",
            "What a process grows by",
            {"10": "10 million evaluations"},
            (CITRATE,),
            "grown_mb",
            (("grown_mb", "MB"), ("evaluations", "evaluations")),
            rounds=1,
            timeout=600.0,
            quick_cases={"1": "a million evaluations"},
        ),
        FlowWork(
            "therapy",
            "The therapy application under Citrate, with PostgreSQL",
            {
                "journey": "the journey of 13 requests",
                "journey715": "the same with 715 declared variables",
                "ramp": "from 1 to 10 users, one more every 5 s (short form: 2 s)",
                "users": "5,000 different users in turn (short form: 200)",
            },
            ("citrate serafin", "pyparsing engine"),
            "per_cpu_s",
            (
                ("per_cpu_s", "requests per CPU second of the server"),
                ("cpu_ms", "CPU ms per request"),
                ("postgres_ms", "of PostgreSQL"),
                ("errors", "errors"),
                ("requests", "requests"),
                ("per_s", "requests/s"),
                ("p99_ms", "p99 ms"),
                ("first_error", "first error"),
            ),
            alone=("ramp", "users"),
        ),
        FlowWork(
            "bad",
            "Until the error",
            BAD_TITLES,
            _BAD_ROWS,
            "worst_ms",
            (("worst_ms", "worst ms"), ("ms", "median ms"), ("outcome", "ends with")),
            timeout=30.0,
        ),
    )
}


def settings(row: str) -> str:
    """How a row is used."""
    return ROWS[row].settings if row in ROWS else {**ENGINES, **GRAPHS}[row]


def is_extra(row: str) -> bool:
    """Only when asked for by name."""
    return row in ROWS and ROWS[row].extra


def is_rival(row: str) -> bool:
    return not row.startswith("citrate")
