"""What Serafin's Engine has beside the measured walks: bounds, saves at the end, steps, hosts, memory."""

from __future__ import annotations

import contextlib
import gc
import logging
import subprocess
import sys
import types
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flow_stub
import pytest
from citrate.contrib import serafin
from citrate.contrib.serafin import Engine, EngineException, host
from citrate.contrib.serafin.engine import FOLLOW
from flow_stub import World

NODE_TYPES = {
    "start": {"title": "Start"},
    "page": {"ref_id": "1", "title": "P1"},
    "email": {"ref_id": "1"},
    "sms": {"ref_id": "1"},
}


def graph(nodes: dict[Any, Any], *edges: str) -> dict[str, Any]:
    """nodes: id -> type or fields; edges: "0-1", "0=1" (special), "0-1 expression"."""
    found = []
    for edge in edges:
        ends, _, expression = edge.partition(" ")
        source, target = ends.replace("=", "-").split("-")
        kind = "special" if "=" in ends else "normal"
        found.append({"source": int(source), "target": int(target), "type": kind, "expression": expression})
    return {
        "nodes": [
            {"id": key, **(node if isinstance(node, dict) else {"type": node, **NODE_TYPES.get(node, {})})}
            for key, node in nodes.items()
        ],
        "edges": found,
    }


def setting(name: str, text: str) -> dict[str, str]:
    return {"type": "expression", "variable_name": name, "expression": text}


def world(nodes: dict[Any, Any], *edges: str, lineage: str = "B", sessions: Any = None, **data: Any) -> World:
    return World({1: graph(nodes, *edges), **(sessions or {})}, {"session": 1, "node": 0, **data}, lineage)


def engine_class(where: World, **attributes: Any) -> Any:
    bound = flow_stub.bind(Engine, where)
    for name, value in attributes.items():
        setattr(bound, name, value)
    return bound


def enter(where: World, **attributes: Any) -> Any:
    return engine_class(where, **attributes)(user=where.user, is_interactive=True)


PAGES = {0: "start", 1: "page", 2: {"type": "page", "ref_id": "2", "title": "P2"}}


# ---- bounds ----


def test_a_circle_ends_with_an_engine_exception_that_is_a_recursion_error() -> None:
    where = world({0: "start", 1: setting("c", "$c + 1")}, "0-1", "1-1", c=0, lineage="A")
    engine = enter(where)
    with pytest.raises(RecursionError, match="10000 steps") as raised:
        engine.run()
    assert type(raised.value) is EngineException
    assert issubclass(EngineException, Exception)
    assert where.user.data["c"] == 9999.0
    assert len(where.saved) == 1 + 9999


def test_the_limit_can_be_set() -> None:
    where = world({0: "start", 1: setting("c", "$c + 1")}, "0-1", "1-1", c=0)
    engine = enter(where)
    engine.step_limit = 4
    with pytest.raises(EngineException, match="4 steps"):
        engine.run()
    assert where.user.data["c"] == 3.0
    serafin.configure(step_limit=7)
    try:
        assert enter(where).step_limit == 7
    finally:
        serafin.configure(step_limit=None)
    assert enter(where).step_limit == 10_000


def test_a_chain_longer_than_the_stack_of_python_is_walked() -> None:
    count = 5_000
    nodes = {n: setting("x", "$x + 1") for n in range(1, count)}
    where = world({0: "start", **nodes, count: "page"}, *(f"{n}-{n + 1}" for n in range(count)), x=0)
    assert enter(where).run().title == "P1"
    assert where.user.data["x"] == count - 1.0


def test_sessions_that_enter_each_other_for_ever_end_sooner() -> None:
    into_two = {"type": "session", "ref_id": "2"}
    into_one = {"type": "background_session", "ref_id": "1"}
    where = world({0: "start", 1: into_two}, "0=1", "1-1", sessions={2: graph({0: "start", 1: into_one}, "0-1", "1-1")})
    engine = enter(where)
    engine.step_limit = 2_000
    with pytest.raises(EngineException, match="200 sessions"):
        engine.run()
    assert len(where.user.data["stack"]) == 100


def test_a_hub_of_many_special_edges_ends_too() -> None:
    nodes: dict[int, Any] = {0: "start", **{n: setting("x", "1") for n in range(1, 3_000)}}
    where = world(nodes, *(f"0=0 False{n}" for n in range(2_000)), *(f"0={n}" for n in range(1, 3_000)), lineage="A")
    with pytest.raises(EngineException, match="edges"):
        enter(where, saves="coalesce").run()


# ---- saves ----

SENDING = {0: "start", 1: setting("a", "1"), 2: "email", 3: setting("b", "2"), 4: "page"}
ALONG = ("0-1", "1-2", "2-3", "3-4")


def kinds(where: World) -> list[str]:
    return [entry[0] for entry in where.trace]


def test_coalesced_saves_are_one_for_a_constructor_and_one_for_a_run() -> None:
    where = world({0: "start", 1: setting("a", "$q"), 2: setting("b", "2"), 3: "page"}, "0-1", "1-2", "2-3")
    bound = engine_class(where, saves="coalesce")
    engine = bound(user=where.user, context={"q": 5}, is_interactive=True)
    assert [(saved.get("q"), saved["node"]) for saved in where.saved] == [(5, 0)]
    engine.run()
    assert len(where.saved) == 2
    assert where.saved[-1] == where.user.data == {"session": 1, "node": 3, "q": 5, "a": 5.0, "b": 2.0}


def test_coalesced_saves_come_before_anything_others_may_see() -> None:
    where = world(SENDING, *ALONG)
    engine = enter(where, saves="coalesce")
    del where.trace[:]
    engine.run()
    assert [kind for kind in kinds(where) if kind in ("save", "email.send", "get_page")] == [
        "save",
        "email.send",
        "get_page",
        "save",
    ]


@pytest.mark.parametrize("node", ["email", "sms", "register", "enroll", "leave"])
def test_each_effect_outside_finds_a_saved_user(node: str) -> None:
    where = world({0: "start", 1: setting("a", "1"), 2: node, 3: "page"}, "0-1", "1-2", "2-3")
    engine = enter(where, saves="coalesce")
    del where.trace[:]
    engine.run()
    outside = {"email": "email.send", "sms": "sms.send"}.get(node, node)
    assert kinds(where).index("save") < kinds(where).index(outside)


def test_a_delay_finds_a_saved_user() -> None:
    where = world(
        {0: "start", 1: setting("a", "1"), 2: {"type": "delay", "delay": {"number": 1, "unit": "days"}}}, "0-1", "1-2"
    )
    where.accesses = [flow_stub.ProgramUserAccess(1.0)]
    engine = enter(where, saves="coalesce")
    del where.trace[:]
    assert engine.run() is None
    assert [kind for kind in kinds(where) if kind in ("save", "create_task")] == ["save", "create_task"]


def test_after_an_error_what_was_done_is_saved_once() -> None:
    where = world({0: "start", 1: setting("a", "1"), 2: {"type": "page", "ref_id": "99"}}, "0-1", "1-2")
    engine = enter(where, saves="coalesce")
    with pytest.raises(flow_stub.DoesNotExist):
        engine.run()
    assert [saved.get("a") for saved in where.saved] == [None, 1.0]
    where = world(PAGES, "0-1")
    bound = engine_class(where, saves="coalesce")
    with pytest.raises(flow_stub.DoesNotExist):
        bound(user=where.user, context={"session": 7, "node": 3}, is_interactive=True)
    assert [(saved["session"], saved["node"]) for saved in where.saved] == [(7, 3)]


def test_a_registration_that_fails_saves_nothing_of_it() -> None:
    where = world({0: "start", 1: setting("a", "1"), 2: "register"}, "0-1", "1-2", email="t@x.no", password="p")
    where.user.is_anonymous = True
    where.user.pk = None
    with pytest.raises(KeyError):
        enter(where, saves="coalesce").run()
    assert where.saved[-1]["email"] == "t@x.no"
    assert where.saved[-1]["password"] == "p"
    assert "password" not in where.user.data


def test_coalesced_saves_come_before_a_refresh() -> None:
    where = world(
        {0: "start", 1: setting("a", "1"), 2: setting("b", "$a + 1"), 3: "page"},
        "0-1",
        "1-2",
        "2-3",
        lineage="B+refresh",
    )
    engine = enter(where, saves="coalesce")
    assert engine.run().title == "P1"
    assert where.user.data["b"] == 2.0


def test_saves_are_each_or_coalesce() -> None:
    with pytest.raises(ValueError, match="each, coalesce"):
        enter(world(PAGES), saves="never")
    serafin.configure(saves="coalesce")
    try:
        where = world({0: "start", 1: setting("a", "1"), 2: "page"}, "0-1", "1-2")
        enter(where).run()
        assert len(where.saved) == 2
    finally:
        serafin.configure(saves=None)


# ---- a step around it ----


def test_a_hosts_step_surrounds_constructions_and_runs_and_may_give_another_user() -> None:
    where = world(PAGES, "0-1", "1-2")
    fresh = flow_stub.User(where, {"session": 1, "node": 1})
    entered: list[Any] = []

    @contextlib.contextmanager
    def step(user: Any) -> Iterator[Any]:
        entered.append(user)
        yield fresh
        entered.append("out")

    where.host.step = step  # type: ignore[attr-defined]
    for saves in ("each", "coalesce"):
        del entered[:]
        fresh.data["node"] = 1
        engine = enter(where, saves=saves)
        assert engine.user is fresh
        assert engine.run(next=1).title == "P2"
        assert entered == [where.user, "out", fresh, "out"]
        assert engine.transition(0).title == "P1"
        assert len(entered) == 6


def test_no_step_is_opened_within_a_step() -> None:
    where = world(PAGES, "0-1")
    entered: list[Any] = []

    @contextlib.contextmanager
    def step(user: Any) -> Iterator[Any]:
        entered.append(user)
        yield user

    where.host.step = step  # type: ignore[attr-defined]

    def on_page(self: Any, node: Any) -> Any:
        if len(entered) < 9:
            entered.append("page")
            self.transition(0)
        return Engine.on_page(self, node)

    enter(where, on_page=on_page).run()
    assert [entry for entry in entered if entry != "page"] == [where.user, where.user]


# ---- names ----


def test_reserved_names_hide_the_users_data() -> None:
    where = world(PAGES, "0-1 $registered", "0-2", registered=False, group="x")
    assert enter(where).run().title == "P1"
    where = world(PAGES, "0-1 $group == ''", group="x")
    assert enter(where).run().title == "P1"
    where = world(PAGES, "0-1 ($current_day == 5) & ($current_date == '2015-05-01') & ($current_time == '12:34:56')")
    assert enter(where).run().title == "P1"


def test_a_variable_without_a_value_is_read_from_the_declared_ones() -> None:
    where = world(PAGES, "0-1 $declared == 5", "0-2")
    where.variables = {"declared": "5"}
    assert enter(where).transition(0).title == "P1"
    where.variables = {}
    assert enter(where).transition(0).title == "P2"


def test_the_last_element_of_an_array_variable_counts_in_b() -> None:
    for lineage, title in (("B", "P1"), ("A", "P2")):
        where = world(PAGES, "0-1 $arr == 3", "0-2", lineage=lineage, arr=[1, 3])
        where.arrays = {"arr"}
        assert enter(where).run().title == title


def test_data_is_read_by_its_own_methods() -> None:
    class Data(OrderedDict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            return 7 if key == "x" else super().__getitem__(key)

    where = world(PAGES, "0-1 $x == 7", "0-2")
    where.user.data = Data(where.user.data, x=1)
    assert enter(where).run().title == "P1"


def test_data_may_be_replaced_on_the_way() -> None:
    where = world({0: "start", 1: "email", 2: "page"}, "0-1", "1-2 $later == 1")

    def on_email(self: Any, node: Any) -> Any:
        self.user.data = {**self.user.data, "later": 1}
        return FOLLOW

    assert enter(where, on_email=on_email).run().title == "P1"


# ---- the class ----


def test_a_subclass_may_add_a_type_of_node() -> None:
    where = world({0: "start", 1: "code", 2: "quiz", 3: "page"}, "0-1", "1-2", "2-3")

    def on_code(self: Any, node: Any) -> Any:
        self.user.data["code"] = node["id"]
        return FOLLOW

    def on_other(self: Any, node: Any) -> Any:
        return FOLLOW if node["type"] == "quiz" else None

    assert enter(where, on_code=on_code, on_other=on_other).run().title == "P1"
    assert where.user.data["code"] == 1


def test_questions_about_edges_have_the_answers_of_the_lists() -> None:
    where = world(PAGES, "0=1 $x == 1", "0-2", "0-1", x=1)
    engine = enter(where)
    edges = engine.get_node_edges(0)
    assert edges == engine.edges
    assert engine.get_special_edges(edges) == edges[:1]
    assert engine.get_normal_edges(edges) == edges[1:]
    assert engine.traverse(edges) is edges[0]
    assert engine.traverse(edges[:0], 0) is None
    assert [engine.is_dead_end(n) for n in (0, 0.0, False, 1, "0", None, [])] == [False] * 3 + [True] * 4
    assert engine.handle_dead_end(0) is None


def test_an_edge_list_that_is_replaced_counts_at_once() -> None:
    engine = enter(world(PAGES, "0-1"))
    assert engine.transition(0).title == "P1"
    engine.edges = graph({}, "0-2")["edges"]
    assert engine.transition(0).title == "P2"
    engine.nodes = {**engine.nodes, 2: {"id": 2, "type": "page", "ref_id": "3"}}
    assert engine.transition(0).title == "P3"


def test_a_node_from_elsewhere_can_be_triggered() -> None:
    engine = enter(world(PAGES, "0-1", "7-2"))
    assert engine.trigger_node({"id": 7, "type": "page", "ref_id": "5"}).title == "P5"
    assert engine.trigger_node({"id": 7, "type": "expression"}).title == "P2"
    assert engine.trigger_node({"id": "x", "type": "page", "ref_id": "5"}, clear_array_variable=False).title == "P5"
    with pytest.raises(AttributeError):
        engine.trigger_node(None)


@pytest.mark.parametrize("one", [0, 0.0, False, "0", None, "ä", 1.5, 2**70, float(2**70), (1, 2), -(2**63), 2**62])
def test_ids_are_equal_when_python_says_so(one: Any) -> None:
    for other in (0, 0.0, False, "0", None, "ä", 1.5, 2**70, float(2**70), (1, 2), -(2**63), 2**62):
        where = world(PAGES)
        where.sessions[1] = {
            "nodes": [{"id": one, "type": "start"}, {"id": "page", "type": "page", "ref_id": 1}],
            "edges": [{"source": other, "target": "page", "type": "normal"}],
        }
        where.user.data["node"] = "page"
        page = enter(where).transition(one)
        assert (page is not None) == (one == other)


def test_stored_graphs_may_hold_anything() -> None:
    where = world(PAGES)
    where.sessions[1] = {
        "nodes": [
            {"id": 0, "type": 7, "title": "Start"},
            {"id": 1, "type": ["page"]},
            OrderedDict(id=2, type="page", ref_id=2),
            {"id": 3},
        ],
        "edges": [
            {},
            {"source": [], "target": {}, "type": None},
            {"source": 0, "target": 2, "type": "normal", "expression": 5},
            {"source": 0, "target": 2, "type": "normal", "expression": ["$x"]},
            OrderedDict(source=0, target=2, type="normal", expression=None),
        ],
    }
    engine = enter(where)
    assert engine.run() is None
    assert engine.transition(0).title == "P2"
    assert engine.trigger_node(engine.nodes[1]) is None
    engine.edges = [{"source": 0, "target": {}, "type": "normal"}]
    with pytest.raises(TypeError, match="unhashable"):
        engine.transition(0)
    engine.edges = ["no edge"]
    with pytest.raises(AttributeError):
        engine.transition(0)


def test_an_exception_that_is_no_error_goes_through_a_condition() -> None:
    where = world(PAGES, "0-1 $x == 1")

    class Interrupted(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            if key == "x":
                raise KeyboardInterrupt
            return super().__getitem__(key)

    where.user.data = Interrupted(where.user.data, x=1)
    engine = enter(where)
    with pytest.raises(KeyboardInterrupt):
        engine.run()


def test_failed_expressions_are_in_the_debug_log_and_cost_nothing_otherwise(caplog: pytest.LogCaptureFixture) -> None:
    where = world(PAGES, "0-2 'a' < 1", "0-1")
    with caplog.at_level(logging.INFO, "debug"):
        enter(where).transition(0)
    assert caplog.records == []
    with caplog.at_level(logging.DEBUG, "debug"):
        enter(where).transition(0)
    assert ["'a' < 1" in record.getMessage() for record in caplog.records] == [True]


def test_evaluations_are_counted() -> None:
    where = world({0: "start", 1: setting("a", "1"), 2: "page"}, "0-2 False", "0-1", "1-2 $a == 1")
    engine = engine_class(where)(user=where.user, context={"expression_q": "1 + 1"})
    assert engine.evaluations == 1
    engine.run()
    assert engine.evaluations == 4
    assert engine.evaluate("$a + 1") == 2.0
    assert engine.evaluations == 5


def test_an_engine_goes_with_its_last_reference() -> None:
    where = world({0: "start", 1: setting("a", "$declared"), 2: "page"}, "0=1 $x == 1", "0-2", x=1)
    gc.disable()
    try:
        engine = enter(where)
        engine.run()
        ref = weakref.ref(engine)
        del engine
        assert ref() is None
    finally:
        gc.enable()


def test_b_shows_a_remembered_page_to_be_read_and_triggers_the_current_node() -> None:
    where = world({0: "start", 1: "page"}, "0-1")
    where.user.get_page_id_by_chapter = {5: 3}.get  # type: ignore[attr-defined]
    engine = enter(where)
    page = engine.run(chapter=5)
    assert (page.title, page.read_only, page.is_back) == ("P3", True, False)
    assert where.user.data["node"] == 1
    assert (engine.run(back="-4").title, engine.run(back="4").is_back) == ("P4", True)
    assert engine.run(chapter=6).title == "P1"
    assert not engine.is_node_chaptered_page(1)
    where.lineage = "A"
    assert enter(where).run(chapter=5).title == "P1"


def test_a_graph_whose_version_is_known_is_read_once() -> None:
    where = world(PAGES, "0-1", "1-2")
    reads: list[Any] = []

    class Counted(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            reads.append(key)
            return super().get(key, default)

    where.sessions[1] = Counted(where.sessions[1])
    version: Any = object()
    where.host.graph_version = lambda session: version  # type: ignore[attr-defined]
    first, second = enter(where), enter(where)
    assert (first.run().title, second.run(next=True).title) == ("P1", "P1")
    assert second.transition(1).title == "P2"
    assert reads == ["nodes", "edges"]
    assert first.nodes is second.nodes
    second.edges = graph({}, "0-2")["edges"]  # one's own again
    assert second.transition(0).title == "P2"
    assert first.transition(0).title == "P1"
    version = object()
    where.sessions[1] = Counted(graph(PAGES, "0-2"))
    assert enter(where).transition(0).title == "P2"
    version = None
    where.sessions[1] = Counted(graph(PAGES, "0-1"))
    assert enter(where).transition(0).title == "P1"


def test_a_broken_graph_is_not_kept_and_raises_where_it_is_needed() -> None:
    where = world(PAGES)
    where.sessions[1] = {"nodes": [{"id": 0, "type": "start"}]}
    where.host.graph_version = lambda session: where  # type: ignore[attr-defined]
    engine = enter(where)
    with pytest.raises(TypeError, match="not iterable"):
        engine.run()


# ---- the host of Django's models ----


def test_importing_the_engine_imports_no_django() -> None:
    code = "import sys, citrate.contrib.serafin; sys.exit(any(name.split('.')[0] == 'django' for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True)


class Rows:
    """A manager whose rows have an id."""

    def __init__(self, *rows: Any) -> None:
        self.rows = rows

    def get(self, **by: Any) -> Any:
        (found,) = [row for row in self.rows if all(getattr(row, key) == value for key, value in by.items())]
        return found

    def all(self) -> Any:
        return self.rows

    def filter(self, **by: Any) -> Any:
        if "name__in" in by:
            return [row for row in self.rows if row.name in by["name__in"]]
        return [row for row in self.rows if all(getattr(row, key) == value for key, value in by.items())]


def row(**fields: Any) -> Any:
    return types.SimpleNamespace(**fields)


def test_the_default_host_finds_the_models_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    user = row(pk=1, id=1, is_anonymous=False, saved=0)
    variable = types.SimpleNamespace(
        objects=Rows(row(name="v", get_value=lambda: "5"), row(name="w", get_value=lambda: "6")),
        is_array_variable=lambda name: name == "w",
    )
    models: Any = types.ModuleType("system.models")
    content: Any = types.ModuleType("content.models")
    models.Session = row(objects=Rows(row(id=3, title="S")))
    models.Variable = variable
    models.ProgramUserAccess = row(objects=Rows(row(program="p", user=user, time_factor=1)))
    content.Page = row(objects=Rows(row(id=4)))
    signals: Any = types.ModuleType("events.signals")
    sent: list[Any] = []
    signals.log_event = row(send=lambda sender, **values: sent.append((sender, values)))
    tasks: Any = types.ModuleType("system.tasks")
    tasks.transition = object()
    tasker: Any = types.ModuleType("tasker.models")
    tasker.Task = row(objects=row(create_task=lambda **values: sent.append(values)))
    for module in (models, content, signals, tasks, tasker):
        package = module.__name__.split(".")[0]
        monkeypatch.setitem(sys.modules, package, types.ModuleType(package))
        monkeypatch.setitem(sys.modules, module.__name__, module)
    found = host.default_host()
    assert found.load_session(3).title == "S"
    assert found.load_page(4).id == 4
    with pytest.raises(ImportError, match="Email"):
        found.load_email(1)
    assert found.variables() == {"v": "5", "w": "6"}
    assert found.variables(["w", "x"]) == {"w": "6"}
    assert [found.is_array("v"), found.is_array("w")] == [False, True]
    assert found.accesses("p", user)[0].time_factor == 1
    assert found.accesses("p", row(pk=None)) == ()
    assert [found.is_anonymous(user), found.is_anonymous(row(is_anonymous=lambda: True))] == [False, True]
    found.emit("me", "session", "wait", "a", "b", user)
    assert sent.pop() == (
        "me",
        {"domain": "session", "variable": "wait", "pre_value": "a", "post_value": "b", "actor": user},
    )
    found.create_task("s", "delay", "t", "transition", (1, 2), "later", user)  # type: ignore[arg-type]
    assert sent.pop() == {
        "sender": "s", "domain": "delay", "time": "t", "task": tasks.transition, "args": (1, 2), "action": "later", "subject": user,
    }  # fmt: skip
    assert found.now_utc().utcoffset() is not None
    assert found.step(user) is None


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def test_the_settings_count_in_a_django_application(tmp_path: Path, database: str) -> None:
    pytest.importorskip("huey")
    pytest.importorskip("psycopg")
    from therapy_site import checks, postgres

    env = {"THERAPY_ENGINE": "native", "THERAPY_DATA": str(tmp_path), "PORTRAIT": str(tmp_path / "portrait.json")}
    if database == "sqlite":
        checks("check_engine.py", **env)
        return
    with postgres(tmp_path) as conninfo:
        checks("check_engine.py", **env, THERAPY_POSTGRES=conninfo)
