"""An application in memory that does next to nothing, so that what is measured is the engine.

    stepping = Stepping("citrate serafin", 100, {"x": 5})
    stepping.step()     # one step around the ring

The graph is a ring of pages, each with one conditional edge to the next: a step of a user who has
answered is to make an engine, test that edge and come to the page behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

NOW = datetime(2015, 5, 1, 12, 34, 56, tzinfo=timezone(timedelta(hours=2)))
CONDITION = "$x >= 3"
_RESERVED = [
    {"name": name, "domains": ["user"]}
    for name in ("registered", "enrolled", "group", "current_day", "current_time", "current_date")
]


class User:
    """A user whose row nobody writes."""

    is_anonymous = False
    is_active = True
    id = pk = 1

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def save(self) -> None:
        pass


class Page:
    """The page all nodes show; an engine sets dead_end and stacked on it."""

    id = 1
    title = display_title = "Page"

    def update_html(self, user: User) -> None:
        pass


class Session:
    """The session all users are in."""

    id = 1
    title = "Session"
    program = None

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data


class Host:
    """What an engine of citrate.contrib.serafin asks of its application in a step."""

    def __init__(self, graph: dict[str, Any]) -> None:
        self.session = Session(graph)
        self.page = Page()

    def load_session(self, session_id: Any) -> Session:
        return self.session

    def load_page(self, ref: Any) -> Page:
        return self.page

    def save_user(self, user: User) -> None:
        pass

    def refresh_user(self, user: User) -> None:
        pass

    def emit(self, sender: Any, domain: str, variable: str, pre: Any, post: Any, actor: Any) -> None:
        pass

    def variables(self, names: Any = None) -> dict[str, Any]:
        return {}

    def is_array(self, name: str) -> bool:
        return False

    def is_anonymous(self, user: User) -> bool:
        return False

    def now(self) -> datetime:
        return NOW

    def now_utc(self) -> datetime:
        return NOW

    def reserved_variables(self) -> list[dict[str, Any]]:
        return _RESERVED


def ring(nodes: int) -> dict[str, Any]:
    """A graph of a start and pages in a ring, as an editor stores it: `nodes` of them in all."""
    pages = [
        {"id": i, "type": "page", "title": f"Page {i}", "ref_id": "1", "ref_url": "/admin/content/page/1/"}
        for i in range(1, nodes)
    ]
    edges = [
        {"id": i, "type": "normal", "source": i, "target": i % (nodes - 1) + 1, "expression": CONDITION}
        for i in range(nodes)
    ]
    return {"nodes": [{"id": 0, "type": "start", "title": "Start"}, *pages], "edges": edges}


def parser_in_memory(parser_class: Any, data: dict[str, Any]) -> dict[str, Any]:
    """The class of parsers that live here, and a user with this data."""
    bound = type("Parser", (parser_class,), {"host": Host(ring(2)), "lineage": "B"})
    return {"Parser": bound, "user": User(data)}


Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def _record(thing: Any, calls: list[Call]) -> None:
    """Notes from now on what is called on a thing, in order."""

    def recording(method: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(*args: Any, **named: Any) -> Any:
            calls.append((method, args, named))
            return method(*args, **named)

        return recorded

    for name in dir(thing):
        if not name.startswith("_") and callable(getattr(thing, name)):
            setattr(thing, name, recording(getattr(thing, name)))


class Stepping:
    """One engine class over a graph of so many nodes: what a step is, as a statement, and its user."""

    def __init__(self, row: str, nodes: int, data: dict[str, Any], calls: list[Call] | None = None) -> None:
        self.host = Host(ring(nodes))
        if calls is not None:
            _record(self.host, calls)
            _record(self.host.page, calls)
        self.data = {**data, "session": 1, "node": 1}
        self.calls = calls
        self.nodes = nodes
        self.source, self.names = ENGINES[row](self)

    def step(self) -> Any:
        """One step; the page it came to."""
        return eval(self.source, dict(self.names))  # the statement of one of the engines

    def node(self) -> Any:
        """The id of the node the user is at."""
        return self.data["_place"]["node"] if "_place" in self.data else self.data["node"]

    def problem(self) -> str | None:
        """What a step does wrong, None if nothing: it must come to the next page, unless the condition is false."""
        self.data["x"] = 2
        if self.step() is not None or self.node() != 1:
            return f"passes an edge whose condition is false, to {self.node()}"
        self.data["x"] = 5
        for expected in (2, 3, 4):
            page = self.step()
            if page is not self.host.page or self.node() != expected:
                return f"is at {self.node()} after a step, not at {expected}"
        return None


def host_calls(row: str, nodes: int, data: dict[str, Any]) -> list[Call]:
    """What one step asks of the host and its page, in order."""
    calls: list[Call] = []
    stepping = Stepping(row, nodes, data, calls)
    stepping.step()
    calls.clear()
    stepping.step()
    return calls


def _serafin(stepping: Stepping, engine_class: Any) -> tuple[str, dict[str, Any]]:
    bound: dict[str, Any] = {"host": stepping.host, "lineage": "B"}
    parser_class = getattr(engine_class, "parser_class", None)
    if parser_class is not None:
        bound["parser_class"] = type("Parser", (parser_class,), dict(bound))
    engine = type("Engine", (engine_class,), bound)
    source = "Engine(user=user, is_interactive=True).run(next=True)"
    return source, {"Engine": engine, "user": User(stepping.data)}


def _drop_in(stepping: Stepping) -> tuple[str, dict[str, Any]]:
    from citrate.contrib.serafin import Engine, configure

    # There are no settings of Django here that would be asked in vain.
    configure(lineage="B", saves="each", step_limit=10_000)
    return _serafin(stepping, Engine)


def _reference(stepping: Stepping) -> tuple[str, dict[str, Any]]:
    from citrate.contrib.serafin.reference import Engine

    return _serafin(stepping, Engine)


def _flow_host(stepping: Stepping) -> Any:
    """The user as citrate.flow.Engine sees them, on the first page of a graph that is kept."""
    from citrate.flow import Graph
    from citrate.flow.engine import Host as FlowHost

    graph, page = Graph(stepping.host.session.data), stepping.host.page
    stepping.data["_place"] = {"session": 1, "node": 1, "stack": []}

    class Visitor(FlowHost):
        data = stepping.data

        def load_session(self, ref: Any) -> Any:
            return graph

        def show(self, node: Any) -> Any:
            return page

        def save(self, changed: frozenset[str]) -> None:
            pass

        def now(self) -> datetime:
            return NOW

    visitor = Visitor()
    if stepping.calls is not None:
        _record(visitor, stepping.calls)
    return visitor


def _flow(stepping: Stepping) -> tuple[str, dict[str, Any]]:
    from citrate.flow import Engine

    return "Engine(host).run(next=True)", {"Engine": Engine, "host": _flow_host(stepping)}


def _flow_kept(stepping: Stepping) -> tuple[str, dict[str, Any]]:
    from citrate.flow import Engine

    return "engine.run(next=True)", {"engine": Engine(_flow_host(stepping))}


ENGINES: dict[str, Callable[[Stepping], tuple[str, dict[str, Any]]]] = {
    "citrate Engine": _flow,
    "citrate Engine kept": _flow_kept,
    "citrate serafin": _drop_in,
    "pyparsing engine": _reference,
}


def as_statement(calls: list[Call]) -> tuple[str, dict[str, Any]]:
    """The same calls as one expression and what it names: what they cost by themselves."""
    names: dict[str, Any] = {}

    def named(value: Any) -> str:
        names[f"v{len(names)}"] = value
        return f"v{len(names) - 1}"

    texts = []
    for method, args, keywords in calls:
        arguments = [named(a) for a in args] + [f"{key}={named(value)}" for key, value in keywords.items()]
        texts.append(f"{named(method)}({', '.join(arguments)})")
    return f"({', '.join(texts)},)", names
