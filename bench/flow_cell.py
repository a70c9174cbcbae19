"""One cell of the comparison of the flow part, in a process of its own.

flow_cell.py WORK CASE ROW SECONDS    JSON on stdout: the figures of the cell, or {"failed": why}
"""

from __future__ import annotations

import functools
import gc
import itertools
import json
import resource
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

from flow_clock import Statement
from flow_host import Stepping, as_statement, host_calls
from flow_rows import ROWS, Row
from flow_texts import BAD, CASES, Case, data

Figures = dict[str, Any]

GRAPHS = 1000
GRAPH_NODES = 100
# Distinct expressions of the graphs, as many as a real programme has.
GRAPH_EXPRESSIONS = 809
_BAD_TURNS = 20
_BAD_SLOW_NS = 100_000_000
_BAD_MEMORY = 2 << 30
_MB = 1 << 20


class Wrong(Exception):
    """The row does not give what it must; the text says what it gives."""


# ---- eval and compile ----


def check(value: Any, expected: Any) -> None:
    """Equal as Python has it: 30 and 30.0 are one value.  Raises Wrong."""
    if isinstance(value, BaseException):
        raise Wrong(f"{type(value).__name__}: {value}")
    if not value == expected:
        raise Wrong(f"gives {value!r:.60}, not {expected!r}")


def _first_value(row: Row, case: Case) -> tuple[dict[str, Any], Any]:
    """What the row's statements name, and the value the text has in it, an exception included."""
    try:
        names = row.asked(data(), case.text(row.language))
        return names, Statement(row.evaluates, names).value()
    except ImportError:
        raise
    except Exception as e:  # whatever a rival raises for a text is what it answers
        return {}, e


def measure_eval(case_name: str, row_name: str, seconds: float) -> Figures:
    row, case = ROWS[row_name], CASES[case_name]
    names, value = _first_value(row, case)
    check(value, case.expected)
    return Statement(row.evaluates, names).measure(seconds)


def fresh_texts(case: Case, language: str) -> Callable[[int], Iterable[str]]:
    """Makes lists of texts that nobody has seen."""
    numbers = itertools.count(1_000_000)

    def texts(count: int) -> list[str]:
        return [case.text(language, str(next(numbers))) for _ in range(count)]

    return texts


def measure_compile(case_name: str, row_name: str, seconds: float) -> Figures:
    """A row without a statement that compiles is measured from the text to the value."""
    row, case = ROWS[row_name], CASES[case_name]
    names, value = _first_value(row, case)
    check(value, case.expected)
    statement = Statement(row.compiles or row.evaluates, names, fresh_texts(case, row.language))
    return statement.measure(seconds)


# ---- step ----


def measure_step(case_name: str, row_name: str, seconds: float) -> Figures:
    """A step less what the application's own calls in it cost."""
    stepping = Stepping(row_name, int(case_name), data())
    problem = stepping.problem()
    if problem is not None:
        raise Wrong(problem)
    calls = host_calls(row_name, int(case_name), data())
    step = Statement(stepping.source, stepping.names).measure(seconds)
    host = Statement(*as_statement(calls)).measure(seconds / 3)
    own = round(step["us"] - host["us"], 5)
    return {**step, "us": own, "step_us": step["us"], "host_us": host["us"], "host_calls": len(calls)}


# ---- memory and leak ----


def resident_mb() -> float:
    """What of this process is in memory, in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("no VmRSS in /proc/self/status")


def graph_text(number: int) -> str:
    """The JSON of one graph of 100 nodes in a ring; two edges of five have a condition."""
    nodes: list[Figures] = [{"id": 0, "type": "start", "title": "Start"}]
    nodes += [
        {"id": i, "type": "page", "title": f"Page {number}.{i}", "ref_id": str(number * GRAPH_NODES + i)}
        for i in range(1, GRAPH_NODES)
    ]
    edges = []
    for i in range(GRAPH_NODES):
        edge: Figures = {"id": i, "type": "normal", "source": i, "target": (i + 1) % GRAPH_NODES}
        if i % 5 < 2:
            edge["expression"] = f"$answer_{(number * GRAPH_NODES + i) % GRAPH_EXPRESSIONS} >= 3"
        edges.append(edge)
    return json.dumps({"nodes": nodes, "edges": edges})


def measure_memory(case_name: str, row_name: str, seconds: float) -> Figures:
    made = _graph_maker(row_name)
    # What the first ones need once, code and tables, is not what a graph takes.
    for i in range(20):
        made(graph_text(GRAPHS + i))
    gc.collect()
    before = resident_mb()
    graphs = [made(graph_text(i)) for i in range(GRAPHS)]
    gc.collect()
    return {"mb": round(resident_mb() - before, 2), "graphs": len(graphs)}


def _graph_maker(row_name: str) -> Callable[[str], Any]:
    if row_name == "dicts":
        return json.loads
    from citrate.flow import Graph

    def walked(text: str) -> Any:
        graph = Graph(text, dialect="B")
        assert len(graph.nodes) == GRAPH_NODES  # asking for them makes them
        return graph

    return functools.partial(Graph, dialect="B") if row_name == "citrate Graph" else walked


def _turns_of_everything() -> list[Callable[[], Any]]:
    """One evaluation each: all cases in all of Citrate's forms, and some that raise."""
    turns: list[Callable[[], Any]] = []
    for row, case in itertools.product((r for r in ROWS.values() if r.is_citrate), CASES.values()):
        names = row.asked(data(), case.text(row.language))
        turns.append(_turn(row.evaluates, names))
    for text in ("1 / 0", "$s - 1", "(", "10 ^ 400"):
        names = {**ROWS["citrate evaluate()"].names(data(), text), "text": text}
        turns.append(_swallowing(_turn("evaluate(text, data, 'B')", names)))
    return turns


def _turn(source: str, names: dict[str, Any]) -> Callable[[], Any]:
    turn: Callable[[], Any] = eval(f"lambda: {source}", names)  # a row's statement
    return turn


def _swallowing(turn: Callable[[], Any]) -> Callable[[], Any]:
    def swallow() -> None:
        try:
            turn()
        except Exception:
            return
        raise Wrong("an expression that must fail has a value")

    return swallow


def measure_leak(case_name: str, row_name: str, seconds: float) -> Figures:
    """`case_name` is how many million evaluations."""
    turns = _turns_of_everything()
    wanted = int(float(case_name) * 1e6)

    def evaluate(count: int) -> int:
        rounds = count // len(turns) + 1
        for _ in range(rounds):
            for turn in turns:
                turn()
        return rounds * len(turns)

    evaluate(wanted // 20)
    gc.collect()
    before = resident_mb()
    done = evaluate(wanted)
    gc.collect()
    return {"grown_mb": round(resident_mb() - before, 3), "evaluations": done}


# ---- bad ----


def measure_bad(case_name: str, row_name: str, seconds: float) -> Figures:
    """How long until the error, over fresh texts; rivals may end otherwise, and get a limit of memory."""
    row = ROWS[row_name]
    text = BAD[case_name][1 if row.language == "python" else 0]
    names = row.names(data(), "")
    if not row.is_citrate:
        resource.setrlimit(resource.RLIMIT_AS, (_BAD_MEMORY, _BAD_MEMORY))
    outcome, spent = "", []
    for turn in range(_BAD_TURNS):
        outcome, ns = _until_the_end(row, {**names, "text": text + " " * turn})
        spent.append(ns / 1e6)
        if ns > _BAD_SLOW_NS:
            break
    if row.is_citrate and not outcome.startswith("error"):
        raise Wrong(f"has {outcome}")
    return {"ms": round(median(spent), 4), "worst_ms": round(max(spent), 4), "outcome": outcome}


def _until_the_end(row: Row, names: dict[str, Any]) -> tuple[str, int]:
    """How compiling and evaluating a text once ends, and its CPU time in ns."""
    begin = time.process_time_ns()
    try:
        if row.compiles:
            names["program"] = eval(row.compiles, names)  # the row's own statement
        value = eval(row.evaluates, names)
    except Exception as e:
        return f"error: {type(e).__name__}", time.process_time_ns() - begin
    spent = time.process_time_ns() - begin
    size = f", {value.bit_length():,} bits" if type(value) is int else ""
    return f"a value: {type(value).__name__}{size}", spent


MEASURES: dict[str, Callable[[str, str, float], Figures]] = {
    "eval": measure_eval,
    "compile": measure_compile,
    "step": measure_step,
    "memory": measure_memory,
    "leak": measure_leak,
    "bad": measure_bad,
}


def main() -> int:
    work, case, row, seconds = sys.argv[1:]
    try:
        figures = MEASURES[work](case, row, float(seconds))
    except Wrong as e:
        figures = {"failed": f"wrong: {e}"}
    except ImportError as e:
        figures = {"failed": f"not installed: {e}"}
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
