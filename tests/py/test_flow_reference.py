"""The plain Python Parser and Engine do what was measured: every case file, in both dialects."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors" / "flow"
sys.path.insert(0, str(ROOT / "tools"))

import flow_stub  # noqa: E402
import spec_cases  # noqa: E402
from citrate.contrib.serafin.reference import Engine, EngineException, ParseException, Parser  # noqa: E402
from citrate.contrib.serafin.reference.parser import RawList  # noqa: E402

CLASSES = spec_cases.Classes("reference")
# Python's own texts change between versions; the cases were measured on this one.
MESSAGES = sys.version_info[:2] == (3, 11)


def read(name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The meta line of a case file, and its cases."""
    lines = [json.loads(line) for line in (VECTORS / name).read_text(encoding="utf-8").splitlines() if line]
    return lines[0], lines[1:]


def failures(name: str, dialect: str, part: slice = slice(None), only: str = "A") -> list[str]:
    """What is wrong with the cases of a file in a dialect; with part of them, with those that have a field."""
    meta, cases = read(name)
    cases = [case for case in cases[part] if only in case]
    assert len(cases) > 80
    runner = spec_cases.Runner(CLASSES, (dialect,), messages=MESSAGES)
    runner.begin(meta)
    wrong = []
    for case in cases:
        outcomes = [check() for _, check in runner.checks_of(case)]
        assert len(outcomes) == 1
        wrong += [f"{spec_cases.describe_case(case)}: {outcome}" for outcome in outcomes if outcome]
    return wrong


@pytest.mark.parametrize("dialect", ["A", "B"])
def test_written_expressions_have_their_measured_values_stacks_and_errors(dialect: str) -> None:
    assert failures("expr_cases.jsonl", dialect) == []


@pytest.mark.slow  # 2,000 grammars, and pure Python: nothing for a sanitizer
@pytest.mark.parametrize("start", [0, 500, 1000, 1500])
def test_generated_expressions_have_their_measured_values_and_stacks(start: int) -> None:
    assert failures("expr_fuzz.jsonl", "A", slice(start, start + 500)) == []


@pytest.mark.parametrize("only", ["B", "sB"])
def test_generated_expressions_that_differ_in_b_have_its_values_and_stacks(only: str) -> None:
    assert failures("expr_fuzz.jsonl", "B", only=only) == []


@pytest.mark.parametrize("dialect", ["A", "B"])
def test_walks_have_their_measured_pages_data_saves_and_effects(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # pyparsing's finalizers fail for what the recursion limit has cut short, too deep for pytest to tell of it.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    assert failures("engine_cases.jsonl", dialect) == []


# ---- what the files do not say ----


def world(data: dict[str, Any], lineage: str = "B", **options: Any) -> flow_stub.World:
    return flow_stub.World(options.pop("sessions", {}), data, lineage, **options)


def value(text: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
    w = world(data or {}, **options)
    return flow_stub.bind_parser(Parser, w)(w.user).parse(text)


def test_a_parser_needs_a_user() -> None:
    parser = flow_stub.bind_parser(Parser, world({}))
    with pytest.raises(AttributeError):
        parser()


def test_a_parser_keeps_the_values_of_when_it_was_made() -> None:
    w = world({"a": 1})
    parser = flow_stub.bind_parser(Parser, w)(w.user)
    w.user.data["a"] = 2
    assert parser.parse("$a") == 1.0


def test_what_is_no_text_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        value(5)  # type: ignore[arg-type]


def test_the_text_of_a_parse_exception_says_something() -> None:
    with pytest.raises(ParseException) as caught:
        value("-$a")
    assert str(caught.value)


def test_a_declared_variable_is_empty_and_an_undeclared_one_is_none() -> None:
    assert value("$x", variables={"x": ""}) == ""
    assert value("$y", variables={"x": ""}) is None
    with pytest.raises(IndexError):
        value("$x[0]", variables={"x": ""}, arrays=["x"])


def test_a_raw_list_equals_nothing_but_itself_and_has_no_order() -> None:
    raw = value("[1, 'a']")
    assert type(raw) is RawList
    assert raw == raw
    assert raw != ["1", "a"]
    assert str(raw) == "['1', 'a']"
    assert list(raw) == ["1", "a"]
    with pytest.raises(TypeError):
        sorted([raw, value("[2]")])


@pytest.mark.parametrize(
    "text",
    [
        "trunc(9)^trunc(9)^trunc(7)",
        "'%999999999d' % 5",
        "'%.999999999f' % 5",
        "'ab' * trunc(1e9)",
        "$l * trunc(1e9)",
    ],
)
def test_what_would_be_too_large_is_refused(text: str) -> None:
    with pytest.raises(OverflowError):
        value(text, {"l": [1, 2]})


def test_enrolled_asks_the_programme_of_the_session() -> None:
    sessions = {7: {"nodes": [], "edges": []}}
    assert value("$enrolled", {"session": "7"}, sessions=sessions, accesses=[1.0]) is True
    assert value("$enrolled", {"session": "7"}, sessions=sessions) is False
    assert value("$enrolled", {}, accesses=[1.0]) is False
    with pytest.raises(flow_stub.DoesNotExist):
        value("$enrolled", {"session": 8}, sessions=sessions)


def graph(nodes: str, edges: list[dict[str, Any]]) -> dict[str, Any]:
    """Nodes by their types, with ids from 0 and page 1."""
    made = [{"id": n, "type": kind, "ref_id": "1", "title": kind} for n, kind in enumerate(nodes.split())]
    return {"nodes": made, "edges": edges}


def edge(source: int, target: int, kind: str = "normal", **more: Any) -> dict[str, Any]:
    return {"source": source, "target": target, "type": kind, **more}


def engine(w: flow_stub.World, **options: Any) -> Any:
    return flow_stub.bind(Engine, w)(user=w.user, **options)


def test_b_shows_no_page_where_the_session_ends() -> None:
    sessions = {1: graph("start page end", [edge(0, 1), edge(1, 2, "special")])}
    for lineage, is_shown in (("A", True), ("B", False)):
        w = world({"session": 1, "node": 1}, lineage, sessions=sessions)
        assert (engine(w).run() is not None) is is_shown


def test_refreshing_forgets_what_was_not_saved() -> None:
    context = {"plain": 1, "expression_p": "$plain + 1", "expression_q": "5"}
    kept = {}
    for lineage in ("B", "B+refresh"):
        w = world({"session": 1, "node": 0}, lineage, sessions={1: graph("start", [])})
        engine(w, context=context)
        kept[lineage] = {name: v for name, v in w.user.data.items() if name not in ("session", "node")}
    assert kept == {"B": {"plain": 1, "p": 2.0, "q": 5.0}, "B+refresh": {"q": 5.0}}


def test_refreshing_replaces_the_data_before_every_node_but_the_start() -> None:
    w = world({"session": 1, "node": 0}, "B+refresh", sessions={1: graph("start wait page", [edge(0, 1), edge(1, 2)])})
    e = engine(w, is_interactive=True)
    before = w.refreshes
    assert e.run().id == 1
    assert w.refreshes - before == 3  # run, wait, page


def test_array_variables_grow_and_forget_from_the_front() -> None:
    w = world({"session": 1, "node": 0}, sessions={1: graph("start", [])}, arrays=["x"], max_entries={"x": 2})
    for n in range(3):
        engine(w, context={"x": n})
    assert w.user.data["x"] == [1, 2]


def test_an_endless_graph_is_a_recursion_error() -> None:
    w = world({"session": 1, "node": 0}, sessions={1: graph("start", [edge(0, 0)])})
    with pytest.raises(RecursionError):
        engine(w).run()


def test_the_engine_exception_is_an_exception_of_its_own() -> None:
    assert issubclass(EngineException, Exception)
    assert not issubclass(EngineException, ParseException)
