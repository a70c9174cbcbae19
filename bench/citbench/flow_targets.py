"""What the flow part is to reach, and whether it did."""

from __future__ import annotations

from collections.abc import Iterator

from .flow_works import CITRATE, NODES, STRICT, WORKS
from .results import Figure, Results
from .targets import Verdict, _judge

MOST_US = {"flag": 0.3, "number": 0.3, "three": 0.8}
PYPARSING = ("pyparsing reused", "pyparsing new")


def verdicts(results: Results) -> list[Verdict]:
    """All that can be judged of what was run, in the order of the kinds of work."""
    found: list[Verdict] = []
    for judge in (_eval, _compile, _step, _still, _therapy, _bad):
        found += judge(results)
    return [v for v in found if v.met is not None]


def _own(results: Results, work: str, case: str, row: str, limit: float, unit: str) -> Verdict:
    figure = results.figure(work, case, row, WORKS[work].key)
    return _judge(f"{work}/{case}", row, limit, figure, unit=f" {unit}")


def _times(results: Results, case: str, rival: str, least: float) -> Verdict:
    figure = results.ratio("eval", case, "us", rival, CITRATE)
    return _judge(f"eval/{case}", f"{rival} by {CITRATE}", least, figure, at_most=False, unit=" x")


def _eval(results: Results) -> Iterator[Verdict]:
    for case in WORKS["eval"].cases:
        if case in MOST_US:
            yield _own(results, "eval", case, CITRATE, MOST_US[case], "us")
            yield _own(results, "eval", case, STRICT, MOST_US[case], "us")
        for rival in PYPARSING:
            yield _times(results, case, rival, 500)
        yield _times(results, case, "closures", 10)


def _compile(results: Results) -> Iterator[Verdict]:
    for case in WORKS["compile"].cases:
        for row in (CITRATE, STRICT):
            yield _own(results, "compile", case, row, 5, "us")


def _step(results: Results) -> Iterator[Verdict]:
    for row in ("citrate Engine", "citrate Engine kept", "citrate serafin"):
        for nodes in NODES:
            yield _own(results, "step", str(nodes), row, 5, "us")
        few, many = (results.values("step", str(n), row, "us") for n in (NODES[0], NODES[-1]))
        ratios = [many[n] / few[n] for n in sorted(set(few) & set(many)) if few[n] > 0]
        what = f"{row}, {NODES[-1]:,} nodes by {NODES[0]}"
        yield _judge("step", what, 1.5, Figure.of(ratios), unit=" x")


def _still(results: Results) -> Iterator[Verdict]:
    yield _own(results, "memory", "1000", "citrate Graph", 20, "MB")
    for case in (*WORKS["leak"].cases, *WORKS["leak"].quick_cases):
        yield _own(results, "leak", case, CITRATE, 1, "MB")


def _therapy(results: Results) -> Iterator[Verdict]:
    for case in ("journey", "journey715"):
        figure = results.ratio("therapy", case, "per_cpu_s", "citrate serafin", "pyparsing engine")
        what = "requests per CPU second by those of the engine in Python"
        yield _judge(f"therapy/{case}", what, 3, figure, at_most=False, unit=" x")
    for case in WORKS["therapy"].alone:
        yield _judge(f"therapy/{case}", "errors", 0, results.figure("therapy", case, "citrate serafin", "errors"))


def _bad(results: Results) -> Iterator[Verdict]:
    for case in WORKS["bad"].cases:
        for row in (CITRATE, STRICT):
            yield _own(results, "bad", case, row, 1, "ms")
