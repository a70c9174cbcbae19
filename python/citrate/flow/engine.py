"""Walks users through graphs, in any application: which node comes next is found natively.

    class Visitor(Host):                        # one user, as the application knows them
        def __init__(self, row): self.row = row
        data = property(lambda self: self.row.data)
        def load_session(self, ref): return GRAPHS[ref]
        def show(self, node): return PAGES[node["ref_id"]]
        def save(self, changed): self.row.save()

    engine = Engine(Visitor(row), session="welcome")
    engine.run()                                # what `show` made of the current page, or None
    engine.run(next=True)                       # of the one the edges lead to from there

A graph is entered at its node 0.  A node of type page is shown and the walk stops; expression sets a
variable, delay goes on later, session enters another graph and comes back when that one ends,
background_session runs one on the way, wait stops when nobody is there; email and sms are sent.  What
any other node does is the host's to say.  docs/internals/flow.md has the rules.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Protocol, TypedDict, TypeVar

from citrate._native import Walker
from citrate.flow.graph import Graph

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["FOLLOW", "Busy", "Engine", "GraphCache", "Host", "Locks", "Place", "StepLimitError"]

FOLLOW: Final = Walker.FOLLOW
"""What `Host.act` returns for a node whose edges are to be followed."""

P = ParamSpec("P")
T = TypeVar("T")

SAVES = ("coalesce", "each")
UNITS = ("seconds", "minutes", "hours", "days", "weeks")

Node = Mapping[str, Any]


class StepLimitError(RecursionError):
    """A walk came past more nodes than it may: the graph goes round in circles."""


class Busy(RuntimeError):
    """Another step of the same user is going on."""


class Place(TypedDict):
    """Where a user is: a session, a node of its graph, and the places to come back to, uppermost last."""

    session: Any
    node: Any
    stack: list[list[Any]]


class Host(Protocol):
    """One user of an application, as an engine sees them.

    Subclass it for the methods that have a default, or write a class of its own with all of them.
    """

    @property
    def data(self) -> MutableMapping[str, Any]:
        """The user's variables; the engine keeps their place there, too.  Asked for anew each time."""
        ...

    def load_session(self, ref: Any) -> Graph:
        """The graph a session node refers to (its `ref_id`).  Keep graphs: making one takes longer than a step."""
        ...

    def show(self, node: Node) -> Any:
        """What a page node shows; the result of the step."""
        ...

    def save(self, changed: frozenset[str]) -> None:
        """Writes `data`; `changed` are the keys the engine changed since the last time."""
        ...

    def send(self, node: Node) -> None:
        """Sends the message of an email or sms node."""
        raise NotImplementedError(f"the host sends no {node.get('type')}")

    def schedule(self, place: Place, at: datetime) -> None:
        """Has `Engine(...).resume(place)` called at a time."""
        raise NotImplementedError("the host schedules nothing")

    def act(self, node: Node) -> Any:
        """Does what a node of any other type is for: FOLLOW to go on along its edges, else the step's result."""
        return None

    def emit(self, event: str, node: Node, **details: Any) -> None:
        """Is told of everything: page, wait, set (variable, before, after), enter (session), failure (error)..."""

    def now(self) -> datetime:
        """The time conditions see and delays begin at."""
        return datetime.now(timezone.utc)

    def lock(self) -> contextlib.AbstractContextManager[Any]:
        """Is around each step: lets one step of this user in at a time, or raises (see Locks)."""
        return contextlib.nullcontext()


def _own(method: Callable[P, T], default: Callable[..., T]) -> Callable[P, T] | None:
    """A method of a host; None for the one that does nothing, which is not called."""
    return None if getattr(method, "__func__", None) is default else method


class Engine(Walker):
    """One user's walk.

    `session` is where a user begins who has no place yet.  `is_interactive` says that somebody is
    there: wait nodes are passed.  `saves` is "coalesce" (what changed is saved once a step, and before
    anything others may see) or "each" (at every change).  `step_limit` is how many nodes a step may
    come past.  A step that fails has set the variables it had set by then, saved, and moved nobody.

    The user's place is `data["_place"]`, a Place; `place_key` names another key.
    """

    limit_error = StepLimitError
    place_key = "_place"
    logger = logging.getLogger("citrate.flow")

    _session: Any = None
    _changed: frozenset[str] = frozenset()
    # Of the step that is going on:
    _is_stepping = False
    _stack: list[list[Any]] | None = None
    _moved: tuple[Any, Any] | None = None  # where the user will be if the step succeeds
    _floor: int | None = None  # in a background session: as much of the stack is not its own

    def __init__(
        self,
        host: Host,
        session: Any = None,
        *,
        is_interactive: bool = True,
        saves: str = "coalesce",
        step_limit: int | None = None,
    ) -> None:
        if saves not in SAVES:
            raise ValueError(f"saves is one of {', '.join(SAVES)}, not {saves!r}")
        self.host = host
        self.user = host  # conditions read its data
        self.is_interactive = is_interactive
        self._start = session
        self._saves_each = saves == "each"
        self._lock = _own(host.lock, Host.lock)
        self._tell = _own(host.emit, Host.emit)
        if step_limit is not None:
            self.step_limit = step_limit

    # ---- steps ----

    def run(self, *, next: Any = False, pop: Any = False) -> Any:
        """The current page; with `next` the one after it, with `pop` that of the session below.

        What `show` or `act` returned last, None where the walk stops without.  Raises LookupError where
        there is no place, no node, or nothing to come back to; StepLimitError; what the host raises.
        """
        return self._step(self._run, next, pop)

    def resume(self, place: Place) -> Any:
        """Goes on behind the node of a place: after a delay, or wherever an application left off."""
        return self._step(self._resume, place)

    def _run(self, next: Any, pop: Any) -> Any:
        place = self._get_place()
        self._stack = [list(entry) for entry in place["stack"]]
        self._enter(place["session"])
        if next:
            return self.transition(place["node"])
        return self.pop_place() if pop else self.trigger(place["node"])

    def _resume(self, place: Place) -> Any:
        self._stack = [list(entry) for entry in place["stack"]]
        self._enter(place["session"])
        return self.transition(place["node"])

    def _step(self, work: Callable[..., Any], *args: Any) -> Any:
        if self._is_stepping:
            raise Busy("a step of this engine is going on")
        self._is_stepping = True
        try:
            if self._lock is None:
                return self._saved(work, args)
            with self._lock():
                return self._saved(work, args)
        finally:
            self._stack = self._moved = self._floor = None
            self._is_stepping = False

    def _saved(self, work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Does the work; a step that fails leaves the user where they were."""
        try:
            self.moment = self.host.now()
            result = work(*args)
            if self._moved is not None:
                self._settle(*self._moved)
            return result
        finally:
            if self._changed:
                self._flush()

    # ---- the place and what is saved ----

    def _get_place(self) -> Place:
        place: Place | None = self.host.data.get(self.place_key)
        if place is None:
            if self._start is None:
                raise LookupError("the user is nowhere, and the engine was given no session to begin with")
            place = {"session": self._start, "node": 0, "stack": []}
        return place

    def _move(self, node_id: Any) -> None:
        if self._floor is None:  # a background session does not take the user along
            self._moved = self._session, node_id

    def _settle(self, session: Any, node_id: Any) -> None:
        self.host.data[self.place_key] = {"session": session, "node": node_id, "stack": self._get_stack()}
        self._has_changed(self.place_key)

    def _get_stack(self) -> list[list[Any]]:
        """The places to come back to, as this step has them."""
        if self._stack is None:  # a question from outside of a step
            return [list(entry) for entry in self._get_place()["stack"]]
        return self._stack

    def _has_changed(self, key: str) -> None:
        self._changed |= {key}
        if self._saves_each:
            self._flush()

    def _flush(self) -> None:
        if self._changed:
            changed, self._changed = self._changed, frozenset()
            self.host.save(changed)

    def _emit(self, event: str, node: Node, **details: Any) -> None:
        if self._tell is not None:
            self._tell(event, node, **details)

    def _enter(self, ref: Any) -> None:
        graph = self.host.load_session(ref)
        if graph is not self.graph:
            self.graph = graph
        self._session = ref

    # ---- what nodes do; called by the walk ----

    def is_stacked(self) -> bool:
        """There is a place to come back to."""
        return len(self._get_stack()) > (self._floor or 0)

    def on_page(self, node: Node) -> Any:
        """Shows a page; the user is now there.  In a background session nobody is, and the walk stops."""
        if self._floor is not None:
            return None
        page = self.host.show(node)
        self._moved = self._session, node["id"]
        if self._tell is not None:
            self._tell("page", node)
        return page

    def on_wait(self, node: Node) -> Any:
        """Passed when somebody is there; otherwise the walk stops here."""
        if self.is_interactive and self._floor is None:
            return FOLLOW
        self._move(node["id"])
        self._emit("wait", node)
        return None

    def on_expression(self, node: Node) -> Any:
        """Sets a variable; to None when the expression fails."""
        expression, name = node.get("expression"), node.get("variable_name")
        if expression:
            try:
                value = self.evaluate(expression)
            except Exception as error:
                self.on_failure(expression, error)
                value = None
            if name:
                data = self.host.data
                before = data.get(name)
                data[name] = value
                self._has_changed(name)
                self._emit("set", node, variable=name, before=before, after=value)
        return FOLLOW

    def on_email(self, node: Node) -> Any:
        """Has a message sent."""
        self._flush()
        self.host.send(node)
        self._emit("send", node)
        return FOLLOW

    on_sms = on_email

    def on_delay(self, node: Node) -> None:
        """Has the walk go on later; `delay` is {"number": 2, "unit": "hours"}, or {"variable": ..., "unit": ...}."""
        delay = node.get("delay") or {}
        number, unit = delay.get("number"), delay.get("unit")
        if delay.get("variable"):
            number = self.host.data.get(delay["variable"], number)
        if unit not in UNITS:
            raise ValueError(f"the unit of a delay is one of {', '.join(UNITS)}, not {unit!r}")
        at = self.host.now() + timedelta(**{unit: float(number if number is not None else 0)})
        stack = [list(entry) for entry in self._get_stack()]
        self._flush()
        self.host.schedule({"session": self._session, "node": node["id"], "stack": stack}, at)
        self._emit("delay", node, at=at)

    def on_other(self, node: Node) -> Any:
        """The host's own."""
        self._flush()
        return self.host.act(node)

    on_register = on_enroll = on_leave = on_tool = on_other
    on_therapist_notification = on_code = on_other

    def on_end(self, node: Node) -> None:
        """The walk stops."""
        self._emit("end", node)

    # ---- sessions ----

    def on_session(self, node: Node, leaves: bool) -> None:
        """Enters a session; one comes back to the node if anything leaves it."""
        if leaves:
            self._get_stack().append([self._session, node["id"]])
        self._enter(node.get("ref_id"))
        self._move(0)
        self._emit("enter", node, session=self._session)

    def on_background_session(self, node: Node) -> tuple[Any, int | None]:
        """Enters a session beside the road, for nobody."""
        before = self._session, self._floor
        self._floor = len(self._get_stack())
        self._enter(node.get("ref_id"))
        return before

    def on_background_end(self, node: Node, before: tuple[Any, int | None]) -> None:
        """Back on the road."""
        del self._get_stack()[self._floor :]
        session, self._floor = before
        self._enter(session)

    def on_pop(self) -> Any:
        """Takes the uppermost place off the stack, and goes there."""
        if not self.is_stacked():
            raise LookupError("there is no place to come back to")
        session, node_id = self._get_stack().pop()
        self._enter(session)
        self._move(node_id)
        return node_id

    # ---- what goes wrong ----

    def on_missing(self, edge: Mapping[str, Any] | None) -> None:
        """There is no node at the end of an edge, or at the user's place."""
        if edge is None:
            raise LookupError(f"session {self._session!r} has no node at the user's place")
        raise LookupError(f"an edge leads from {edge.get('source')!r} to {edge.get('target')!r}: there is no such node")

    def on_failure(self, expression: str, error: Exception) -> None:
        """An expression failed: as a condition it does not pass, as a value it is None."""
        self.logger.warning("session %r: %s: %s", self._session, expression, error)


class Locks:
    """Lets one step of each user in at a time, within this process.

        locks = Locks(wait=5.0)
        def lock(self): return locks(self.row.pk)       # of a Host

    `wait` is how many seconds a step waits for the one before it: Busy is raised then; 0 refuses at
    once, None waits for ever.  Over several processes a database does this (SELECT ... FOR UPDATE).
    """

    def __init__(self, wait: float | None = 0) -> None:
        self._wait = -1.0 if wait is None else wait
        self._guard = threading.Lock()
        self._held: dict[Hashable, tuple[threading.Lock, int]] = {}

    @contextlib.contextmanager
    def __call__(self, key: Hashable) -> Iterator[None]:
        lock = self._join(key)
        try:
            if not (lock.acquire(timeout=self._wait) if self._wait else lock.acquire(blocking=False)):
                raise Busy(f"another step of {key!r} is going on")
            try:
                yield
            finally:
                lock.release()
        finally:
            self._part(key)

    def _join(self, key: Hashable) -> threading.Lock:
        with self._guard:
            lock, users = self._held.get(key) or (threading.Lock(), 0)
            self._held[key] = lock, users + 1
            return lock

    def _part(self, key: Hashable) -> None:
        with self._guard:
            lock, users = self._held[key]
            if users == 1:
                del self._held[key]
            else:
                self._held[key] = lock, users - 1


class GraphCache:
    """Graphs by what they are made of: compiled once for each version of their content.

    graphs = GraphCache(dialect="B", size=1000)
    graphs.get(row.pk, row.updated, lambda: row.source)

    The oldest go when there are more than `size`.  For any number of threads.
    """

    def __init__(self, dialect: str = "strict", size: int = 1000) -> None:
        self._dialect = dialect
        self._size = size
        self._guard = threading.Lock()
        self._graphs: OrderedDict[Hashable, tuple[Any, Graph]] = OrderedDict()

    def get(self, key: Hashable, version: Any, source: Callable[[], str | bytes | Mapping[str, Any]]) -> Graph:
        """The graph of a key; `source()` gives JSON or a mapping, and is asked when the version is another one."""
        with self._guard:
            known = self._graphs.get(key)
            if known is not None and known[0] == version:
                self._graphs.move_to_end(key)
                return known[1]
        graph = Graph(source(), self._dialect)
        with self._guard:
            self._graphs[key] = version, graph
            self._graphs.move_to_end(key)
            while len(self._graphs) > self._size:
                self._graphs.popitem(last=False)
        return graph
