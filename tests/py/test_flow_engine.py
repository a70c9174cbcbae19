"""citrate.flow.Engine: walks through graphs in an application of its own."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import threading
import weakref
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from citrate.flow import FOLLOW, Busy, Engine, Graph, GraphCache, Host, Locks, Place, StepLimitError

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=timezone.utc)


def graph(nodes: Any, edges: str = "", dialect: str = "strict") -> Graph:
    """nodes: id -> type, or a dict of fields; edges: "0-1 1=2", '=' special, with "?expression" behind it."""
    found = []
    for edge in edges.split():
        ends, _, expression = edge.partition("?")
        kind = "special" if "=" in ends else "normal"
        source, target = (int(end) if end.lstrip("-").isdigit() else end for end in ends.replace("=", "-").split("-"))
        found.append({"source": source, "target": target, "type": kind, "expression": expression.replace("_", " ")})
    return Graph(
        {
            "nodes": [
                {"id": key, **(node if isinstance(node, dict) else {"type": node})} for key, node in nodes.items()
            ],
            "edges": found,
        },
        dialect,
    )


def expression(name: str, text: str) -> dict[str, str]:
    return {"type": "expression", "variable_name": name, "expression": text}


def session(ref: str, kind: str = "session") -> dict[str, str]:
    return {"type": kind, "ref_id": ref}


class Visitor(Host):
    """A user in memory.  `log` is what the engine asked for, `saved` the data at each save."""

    def __init__(self, sessions: Mapping[str, Graph], data: dict[str, Any] | None = None) -> None:
        self.sessions = sessions
        self.row = data if data is not None else {}
        self.log: list[Any] = []
        self.saved: list[dict[str, Any]] = []
        self.fails: str | None = None

    def _note(self, *entry: Any) -> None:
        if self.fails == entry[0]:
            raise OSError(entry[0])
        self.log.append(entry)

    @property
    def data(self) -> dict[str, Any]:
        return self.row

    def load_session(self, ref: Any) -> Graph:
        self._note("load", ref)
        return self.sessions[ref]

    def show(self, node: Mapping[str, Any]) -> Any:
        self._note("show", node["id"])
        return f"page {node['id']}"

    def save(self, changed: frozenset[str]) -> None:
        self._note("save", *sorted(changed))
        self.saved.append(json.loads(json.dumps(self.row)))

    def send(self, node: Mapping[str, Any]) -> None:
        self._note("send", node["id"])

    def schedule(self, place: Place, at: datetime) -> None:
        self._note("schedule", place, at)

    def act(self, node: Mapping[str, Any]) -> Any:
        self._note("act", node["type"])
        return FOLLOW if node["type"] == "leave" else node["type"]

    def now(self) -> datetime:
        return NOW

    def kinds(self) -> list[str]:
        return [entry[0] for entry in self.log if entry[0] != "load"]


def visit(nodes: Any, edges: str = "", **sessions: Graph) -> Visitor:
    return Visitor({"main": graph(nodes, edges), **sessions})


PAGES = {0: "start", 1: "page", 2: "page", 3: "page"}


# ---- steps ----


def test_a_user_without_a_place_begins_at_the_start_and_is_then_somewhere() -> None:
    visitor = visit(PAGES, "0-1 1-2")
    engine = Engine(visitor, session="main")
    assert engine.run() == "page 1"
    assert visitor.row["_place"] == {"session": "main", "node": 1, "stack": []}
    assert engine.run() == "page 1"
    assert engine.run(next=True) == "page 2"
    assert Engine(visitor).run() == "page 2"
    assert engine.run(next=True) is None
    with pytest.raises(LookupError, match="nowhere"):
        Engine(visit(PAGES)).run()


def test_conditions_read_the_data_and_the_time_of_the_host() -> None:
    visitor = visit(PAGES, "0-1?age_>=_18_and_not_(country_in_['no'])")
    visitor.row |= {"age": 20, "country": "se"}
    assert Engine(visitor, "main").run() == "page 1"
    visitor = visit(PAGES, "0-1?age_>=_18")
    visitor.row["age"] = 17
    engine = Engine(visitor, "main")
    assert engine.run() is None
    visitor.row = {"age": 18}  # another mapping: looked up anew
    assert engine.run() == "page 1"


def test_expression_nodes_set_variables_that_later_conditions_see() -> None:
    visitor = visit(
        {**PAGES, 4: expression("level", "level + 1"), 5: expression("twice", "level * 2")}, "0-4 4=5 4-4?level_<_3 4-1"
    )
    visitor.row["level"] = 0
    assert Engine(visitor, "main").run() == "page 1"
    assert (visitor.row["level"], visitor.row["twice"]) == (3, 6)


def test_all_special_edges_that_pass_fire_and_the_last_page_wins() -> None:
    visitor = visit({**PAGES, 4: expression("x", "1")}, "0=1 0=3?x_==_1 0=4 0=2?x_==_2 0-2")
    visitor.row["x"] = 0
    assert Engine(visitor, "main").run() == "page 3"
    assert [entry[1] for entry in visitor.log if entry[0] == "show"] == [1, 3]


def test_ids_may_be_texts_and_graphs_may_be_of_the_older_dialects() -> None:
    visitor = Visitor({"main": graph({0: "start", "first page": "page"}, "")})
    visitor.sessions = {
        "main": Graph(
            {
                "nodes": [{"id": 0, "type": "start"}, {"id": "häst", "type": "page"}],
                "edges": [{"source": 0.0, "target": "häst", "type": "normal", "expression": "$x == 1"}],
            },
            "B",
        )
    }
    visitor.row["x"] = "1"
    assert Engine(visitor, "main").run() == "page häst"
    assert visitor.row["_place"]["node"] == "häst"
    assert Engine(visitor).run() == "page häst"


def test_the_hosts_own_nodes_end_the_walk_or_let_it_go_on() -> None:
    visitor = visit({**PAGES, 4: "leave", 5: "quiz"}, "0-4 4-5 5-1")
    assert Engine(visitor, "main").run() == "quiz"
    assert visitor.kinds() == ["act", "act"]


def test_a_wait_is_passed_only_when_somebody_is_there() -> None:
    visitor = visit({**PAGES, 4: "wait"}, "0-4 4-1")
    assert Engine(visitor, "main").run() == "page 1"
    visitor = visit({**PAGES, 4: "wait"}, "0-4 4-1")
    assert Engine(visitor, "main", is_interactive=False).run() is None
    assert visitor.row["_place"]["node"] == 4
    assert Engine(visitor).run() == "page 1"


# ---- sessions ----


def test_a_session_is_entered_and_come_back_from() -> None:
    inner = graph({0: "start", 1: "page", 2: expression("done", "true")}, "0-1 1-2")
    visitor = visit({**PAGES, 4: session("inner")}, "0-4 4-2", inner=inner)
    engine = Engine(visitor, "main")
    assert engine.run() == "page 1"
    assert visitor.row["_place"] == {"session": "inner", "node": 1, "stack": [["main", 4]]}
    assert json.loads(json.dumps(visitor.row)) == visitor.row
    assert engine.run(next=True) == "page 2"
    assert visitor.row == {"done": True, "_place": {"session": "main", "node": 2, "stack": []}}


def test_one_can_leave_a_session_early() -> None:
    visitor = visit({**PAGES, 4: session("inner")}, "0-4 4-2", inner=graph(PAGES, "0-3"))
    engine = Engine(visitor, "main")
    engine.run()
    assert engine.run(pop=True) == "page 2"
    with pytest.raises(LookupError, match="come back"):
        engine.run(pop=True)


def test_a_background_session_does_not_take_the_user_along() -> None:
    inner = graph({0: "start", 1: expression("seen", "1"), 2: "page", 3: session("deep")}, "0=1 0=3 3-2")
    deep = graph({0: "start", 1: "wait"}, "0-1")
    visitor = visit({**PAGES, 4: session("inner", "background_session")}, "0-4 4-2", inner=inner, deep=deep)
    visitor.row["_place"] = {"session": "main", "node": 0, "stack": [["main", 3]]}
    assert Engine(visitor).run() == "page 2"
    assert visitor.row == {"seen": 1, "_place": {"session": "main", "node": 2, "stack": [["main", 3]]}}
    assert visitor.kinds() == ["show", "save"]


def test_a_dead_end_in_a_background_session_leaves_the_stack_alone() -> None:
    visitor = visit({**PAGES, 4: session("inner", "background_session")}, "0-4 4-2", inner=graph({0: "start"}))
    visitor.row["_place"] = {"session": "main", "node": 0, "stack": [["main", 3]]}
    assert Engine(visitor).run() == "page 2"


# ---- delays ----


def test_a_delay_goes_on_later_where_it_was() -> None:
    visitor = visit({**PAGES, 4: {"type": "delay", "delay": {"number": 2, "unit": "hours"}}}, "0=4 0-1 4-3")
    engine = Engine(visitor, "main")
    assert engine.run() == "page 1"
    (_, place, at) = next(entry for entry in visitor.log if entry[0] == "schedule")
    assert at == NOW + timedelta(hours=2)
    assert place == {"session": "main", "node": 4, "stack": []}
    assert Engine(visitor, is_interactive=False).resume(json.loads(json.dumps(place))) == "page 3"
    assert visitor.row["_place"]["node"] == 3


def test_a_delay_may_be_as_long_as_a_variable_says() -> None:
    visitor = visit({0: {"type": "delay", "delay": {"number": 1, "variable": "days", "unit": "days"}}})
    visitor.row["days"] = 3
    Engine(visitor, "main").run()
    del visitor.row["days"]
    Engine(visitor, "main").run()
    assert [entry[2] - NOW for entry in visitor.log if entry[0] == "schedule"] == [timedelta(days=3), timedelta(days=1)]
    with pytest.raises(ValueError, match="unit"):
        Engine(visit({0: {"type": "delay", "delay": {"number": 1, "unit": "moons"}}}), "main").run()


# ---- saves ----


SENDING = {**PAGES, 4: expression("a", "1"), 5: "email", 6: expression("b", "2")}


def test_changes_are_saved_once_a_step_and_before_others_may_see_them() -> None:
    visitor = visit(SENDING, "0-4 4-5 5-6 6-1")
    Engine(visitor, "main").run()
    assert visitor.kinds() == ["save", "send", "show", "save"]
    assert visitor.log[-1] == ("save", "_place", "b")
    assert visitor.saved[0] == {"a": 1}


def test_each_change_can_be_saved() -> None:
    visitor = visit(SENDING, "0-4 4-5 5-6 6-1")
    Engine(visitor, "main", saves="each").run()
    assert visitor.kinds() == ["save", "send", "save", "show", "save"]
    with pytest.raises(ValueError, match="coalesce"):
        Engine(visitor, saves="never")


def test_a_step_without_changes_saves_nothing() -> None:
    visitor = visit(PAGES)
    assert Engine(visitor, "main").run() is None
    assert visitor.kinds() == []


@pytest.mark.parametrize(
    ("fails", "saved"), [("show", [{"a": 1}, {"a": 1, "b": 2}]), ("send", [{"a": 1}]), ("save", [])]
)
def test_after_a_failure_what_was_done_is_saved_and_nothing_by_halves(fails: str, saved: list[Any]) -> None:
    visitor = visit(SENDING, "0-4 4-5 5-6 6-1")
    visitor.fails = fails
    engine = Engine(visitor, "main")
    with pytest.raises(OSError, match=fails):
        engine.run()
    assert visitor.saved == saved
    visitor.fails = None
    assert engine.run() == "page 1"


# ---- locks ----


def test_the_hosts_lock_is_around_each_step() -> None:
    class Locked(Visitor):
        @contextlib.contextmanager
        def lock(self) -> Iterator[None]:
            self._note("lock")
            self.row = {"x": 1}  # read within the lock
            yield
            self._note("unlock")

    visitor = Locked({"main": graph(PAGES, "0-1?x_==_1")})
    assert Engine(visitor, "main").run() == "page 1"
    assert visitor.kinds() == ["lock", "show", "save", "unlock"]


def test_a_second_step_of_a_user_is_refused_or_waits() -> None:
    locks = Locks()
    with locks("eva"):
        with pytest.raises(Busy, match="eva"), locks("eva"):
            pass
        with locks("adam"):
            pass
    with locks("eva"):
        pass
    assert locks._held == {}
    done: list[int] = []
    waiting = Locks(wait=None)

    def step(number: int) -> None:
        with waiting("eva"):
            before = len(done)
            done.append(number)
            assert len(done) == before + 1

    threads = [threading.Thread(target=step, args=(n,)) for n in range(8)]
    with waiting("eva"):
        for thread in threads:
            thread.start()
        assert done == []
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(8))
    assert waiting._held == {}


def test_a_lock_waits_no_longer_than_it_says() -> None:
    locks = Locks(wait=0.01)
    with locks("eva"), pytest.raises(Busy), locks("eva"):
        pass


def test_a_step_within_a_step_is_refused() -> None:
    class Again(Visitor):
        def show(self, node: Mapping[str, Any]) -> Any:
            return engine.run()

    engine = Engine(Again({"main": graph(PAGES, "0-1")}), "main")
    with pytest.raises(Busy):
        engine.run()


# ---- bounds and faults ----


def test_a_graph_that_goes_round_in_circles_ends() -> None:
    visitor = visit({0: "start", 1: expression("c", "c + 1")}, "0-1 1-1")
    visitor.row["c"] = 0
    with pytest.raises(StepLimitError, match="10000 steps"):
        Engine(visitor, "main").run()
    assert visitor.row["c"] == 9999
    assert issubclass(StepLimitError, RecursionError)
    visitor.row["c"] = 0
    with pytest.raises(StepLimitError, match="5 steps"):
        Engine(visitor, "main", step_limit=5).run()
    assert visitor.row["c"] == 4
    for limit in (0, -1, 1 << 30):
        with pytest.raises(ValueError, match="step_limit"):
            Engine(visitor, step_limit=limit)


def test_circles_of_any_kind_end() -> None:
    loops: list[tuple[Any, str]] = [
        ({0: "start"}, "0=0"),
        ({0: session("main")}, "0-0"),
        ({0: session("main", "background_session")}, "0-0"),
        ({0: session("main", "background_session")}, "0=0 0-0"),
        ({0: "start", 1: session("main")}, "0=1 1=1 1-1"),
    ]
    for nodes, edges in loops:
        visitor = visit(nodes, edges)
        with pytest.raises(StepLimitError):
            Engine(visitor, "main").run()
        assert visitor.row == {}  # and nobody was moved


def test_a_long_chain_is_no_circle() -> None:
    count = 9000
    nodes = {n: {"type": "expression"} for n in range(count)}
    visitor = visit({**nodes, count: "page"}, " ".join(f"{n}{'-='[n % 2]}{n + 1}" for n in range(count)))
    assert Engine(visitor, "main").run() == f"page {count}"


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(LookupError, match="from 0 to 7"):
        Engine(visit({0: "start"}, "0-7"), "main").run()
    visitor = visit({0: "start"})
    visitor.row["_place"] = {"session": "main", "node": 3, "stack": []}
    with pytest.raises(LookupError, match="no node at the user's place"):
        Engine(visitor).run()


def test_a_condition_that_fails_does_not_pass_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    visitor = visit({**PAGES, 4: expression("v", "1 / 0")}, "0-1?1_/_0 0-4 4-2")
    with caplog.at_level(logging.WARNING, "citrate.flow"):
        assert Engine(visitor, "main").run() == "page 2"
    assert visitor.row["v"] is None
    assert [record.getMessage().startswith("session 'main': 1 / 0: ") for record in caplog.records] == [True, True]


def test_a_host_without_schedule_or_send_says_so() -> None:
    class Plain(Host):
        def __init__(self) -> None:
            self.variables: dict[str, Any] = {}

        @property
        def data(self) -> dict[str, Any]:
            return self.variables

        def load_session(self, ref: Any) -> Graph:
            return ref

        def show(self, node: Mapping[str, Any]) -> Any:
            return node["id"]

        def save(self, changed: frozenset[str]) -> None:
            pass

    assert Engine(Plain(), graph(PAGES, "0-1")).run() == 1
    with pytest.raises(NotImplementedError, match="sms"):
        Engine(Plain(), graph({0: "sms"})).run()
    with pytest.raises(NotImplementedError, match="schedules"):
        Engine(Plain(), graph({0: {"type": "delay", "delay": {"number": 1, "unit": "days"}}})).run()


# ---- memory ----


def test_an_engine_goes_with_its_last_reference() -> None:
    visitor = visit({**PAGES, 4: session("inner")}, "0=4?1_==_1 0-1", inner=graph({0: "start"}))
    gc.disable()
    try:
        engine = Engine(visitor, "main")
        engine.run()
        ref = weakref.ref(engine)
        del engine
        assert ref() is None
    finally:
        gc.enable()


def test_graphs_are_compiled_once_for_each_version() -> None:
    cache = GraphCache(size=2)
    asked: list[str] = []

    def source(text: str) -> Any:
        asked.append(text)
        return {"nodes": [{"id": 0, "type": "start", "title": text}], "edges": []}

    first = cache.get("a", 1, lambda: source("a1"))
    assert cache.get("a", 1, lambda: source("a1")) is first
    assert cache.get("a", 2, lambda: source("a2")) is not first
    cache.get("b", 1, lambda: source("b1"))
    cache.get("a", 2, lambda: source("a2"))
    cache.get("c", 1, lambda: source("c1"))  # b goes
    cache.get("a", 2, lambda: source("a2"))
    cache.get("b", 1, lambda: source("b1"))
    assert asked == ["a1", "a2", "b1", "c1", "b1"]
