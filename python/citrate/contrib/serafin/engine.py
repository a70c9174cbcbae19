"""Serafin's Engine over native walks: which node comes next is found in C, what nodes do is here.

    engine = Engine(user=user, context={"session": 7, "node": 0}, is_interactive=True)
    page = engine.run()             # the current page, or None
    page = engine.run(next=True)    # where the edges lead from there

Effects, their order, saves and exceptions are those of the original.  Two things differ: a graph that
goes round in circles ends with an EngineException, which is a RecursionError, after `step_limit` nodes,
and a chain of nodes may be that long.

A subclass may replace what a node does (`on_page`, `on_email`, ... and `on_other` for types of its own);
`transition` and `trigger_node` are entries and not called for the steps between.
"""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar

from citrate._native import Walker
from citrate.contrib.serafin.host import Host, default_host
from citrate.contrib.serafin.names import reserved_names, reserved_value
from citrate.contrib.serafin.settings import lineage as configured_lineage
from citrate.contrib.serafin.settings import setting

__all__ = ["Engine", "EngineException"]

FOLLOW = Walker.FOLLOW
SAVES = ("each", "coalesce")

Data = Any  # user.data: a mapping of the host's, with its own methods
Node = dict[str, Any]
Edge = dict[str, Any]


class EngineException(RecursionError):
    """More nodes in one step than are allowed: the graph goes round in circles."""


class _Reserved:
    """The names of an application's reserved variables, as long as its list is the same object."""

    rows: Any = None
    names: frozenset[str] = frozenset()

    def of(self, rows: list[dict[str, Any]]) -> frozenset[str]:
        if rows is not self.rows:
            self.names = reserved_names(rows)
            self.rows = rows
        return self.names


_reserved = _Reserved()


class _Graphs:
    """Nodes, edges and their index of sessions whose version is known, the last ones that were used."""

    SIZE = 1000

    def __init__(self) -> None:
        self._known: OrderedDict[Any, tuple[Any, dict[Any, Node], Any, Any]] = OrderedDict()

    def show(self, engine: Engine, session: Any, version: Any) -> bool:
        """Gives the engine the graph of the session's version; False when it is not known."""
        key = type(session), session.id
        known = self._known.get(key)
        if known is None or known[0] != version:
            return False
        with suppress(KeyError):  # another thread may have put it out
            self._known.move_to_end(key)
        _, engine.nodes, engine.edges, engine.graph = known
        return True

    def keep(self, engine: Engine, session: Any, version: Any) -> None:
        """Keeps the engine's graph, unless it is broken; the one that was not used for longest goes."""
        try:
            engine.graph = engine.index
        except Exception:
            return  # it is raised again when the graph is needed
        while len(self._known) >= self.SIZE:
            self._known.popitem(last=False)
        self._known[type(session), session.id] = version, engine.nodes, engine.edges, engine.graph


_graphs = _Graphs()


class Engine(Walker):
    """One user's walk through the graphs of sessions.

    Attributes: `user`, whose `data` the walk reads and changes; `session`, its `nodes` (by id) and
    `edges` (as stored); `node_id`, where the engine was placed when the session was entered;
    `is_interactive`; `now`, the local time when it was first asked for; `logger`; `evaluations`, how
    many expressions were evaluated; `step_limit`.

    `saves` says when the user is saved: "each" time the original does, or "coalesce": once for a
    constructor and once for a run, and before anything others may see (a message sent, a registration,
    a place in a programme, a task) and at the end also after an error, so that what was done is saved.
    """

    # Where models, tasks and the clock come from (None: Django), the lineage and the saves (None: what
    # the application is configured for).
    host: ClassVar[Host | None] = None
    lineage: ClassVar[str | None] = None
    saves: ClassVar[str | None] = None

    limit_error = EngineException
    logger = logging.getLogger("debug")

    _is_dirty = False  # coalesced saves: something is to be saved
    _is_guarded = False  # within the host's step, or what saves at its end
    _is_popping = False  # run(pop=True) was here before on_pop
    _keeps_arrays = False  # trigger_node(node, clear_array_variable=False)

    session: Any
    node_id: Any

    def __init__(
        self,
        user: Any = None,
        user_id: Any = None,
        context: dict[str, Any] | None = None,
        push: bool = False,
        is_interactive: bool = False,
    ) -> None:
        self._configure()
        self.is_interactive = is_interactive
        self.user = user or self._host.load_user(user_id)
        if user:
            self.refresh_user()
        self._guarded(self._begin, context or {}, push)

    def _configure(self) -> None:
        self._host = self.host or default_host()
        lineage = self.lineage or configured_lineage()
        saves = self.saves or setting("saves", "each")
        if saves not in SAVES:
            raise ValueError(f"saves is one of {', '.join(SAVES)}, not {saves!r}")
        self._is_b = lineage != "A"
        self._coalesces = saves == "coalesce"
        self._step = getattr(self._host, "step", None)
        self._graph_version = getattr(self._host, "graph_version", None)
        self.dialect = "B" if self._is_b else "A"
        self.refreshes = lineage == "B+refresh"
        self.has_scope = True
        self.reserved_names = _reserved.of(self._host.reserved_variables())
        limit = setting("step_limit")
        if limit is not None:
            self.step_limit = limit

    def _begin(self, context: dict[str, Any], push: bool) -> None:
        data: Data = self.user.data
        if push and data.get("session") and data.get("node") is not None:
            self._push(data["session"], data["node"])
        for key, value in context.items():
            if key not in ("session", "node"):
                self._set_context(key, value)
        if push or context:
            self._save()
        self.init_session(context.get("session"), context.get("node"), self.is_interactive)

    @cached_property
    def now(self) -> datetime:
        """The local time when it was first asked for."""
        return self._host.now()

    # ---- the user and what is kept of them ----

    def refresh_user(self) -> None:
        """B+refresh: reads the user again; their data is another object afterwards."""
        if self.refreshes:
            self._flush()
            self._host.refresh_user(self.user)

    def _save(self) -> None:
        if self._coalesces:
            self._is_dirty = True
        else:
            self._host.save_user(self.user)

    def _flush(self) -> None:
        """Coalesced saves: writes what is to be written before somebody else looks."""
        if self._is_dirty:
            self._is_dirty = False
            self._host.save_user(self.user)

    def _guarded(self, work: Callable[..., Any], *args: Any) -> Any:
        """Does the work within what the host puts around a step, and saves what is left to be saved."""
        around = None if self._is_guarded or self._step is None else self._step(self.user)
        if around is None and not (self._coalesces and not self._is_guarded):
            return work(*args)
        self._is_guarded = True
        try:
            if around is None:
                return self._flushed(work, *args)
            with around as self.user:
                return self._flushed(work, *args)
        finally:
            self._is_guarded = False

    def _flushed(self, work: Callable[..., Any], *args: Any) -> Any:
        try:
            return work(*args)
        finally:
            self._flush()

    def _stand_at(self, session_id: Any, node_id: Any) -> None:
        data: Data = self.user.data
        data["session"] = session_id
        data["node"] = node_id
        self._save()

    def _push(self, session_id: Any, node_id: Any) -> None:
        data: Data = self.user.data
        if data.get("stack") is None:
            data["stack"] = []
        data["stack"].append((session_id, node_id))

    def _set(self, name: str, value: Any) -> None:
        if self._is_b:
            self.user.set_variable_value(name, value)
        else:
            self.user.data[name] = value

    def _set_context(self, key: str, value: Any) -> None:
        if "expression_" in key:
            try:
                value = self.evaluate(value)
            except Exception as error:
                self.on_failure(value, error)
            self.user.data["".join(key.split("_")[1:])] = value
        elif key and value is not None:
            self._set(key, value)

    def _emit(self, domain: str, variable: str, pre: str, post: str) -> None:
        self._host.emit(self, domain, variable, pre, post, self.user)

    # ---- names in expressions ----

    def reserved(self, name: str) -> Any:
        """The value of a reserved variable; '' for those the engine does not know."""
        return reserved_value(self._host, self.user, name, self._with_session)

    def _with_session(self) -> Any:
        data: Data = self.user.data
        return data if "session" in data else self._host.variables(["session"])

    def missing(self, name: str) -> Any:
        """The value of a declared Variable the user has no value for; None when it is not declared."""
        return self._host.variables([name]).get(name)

    def is_array(self, name: str) -> bool:
        """B: a declared array variable."""
        return self._host.is_array(name)

    def on_failure(self, expression: Any, error: Exception) -> None:
        """An expression that fails is false, or None; only the log knows."""
        if self.logger.isEnabledFor(logging.DEBUG):
            self.logger.debug("expression %r: %s: %s", expression, type(error).__name__, error)

    # ---- sessions and their graphs ----

    def init_session(self, session_id: Any, node_id: Any, should_save: bool = True) -> None:
        """Enters a session (default: the user's own) at a node; raises what loading it raises."""
        data: Data = self.user.data
        session_id = session_id or data.get("session")
        node_id = data.get("node") if node_id is None else node_id
        if should_save:
            self._stand_at(session_id, node_id)
        self.session = session = self._host.load_session(session_id)
        version = None if self._graph_version is None else self._graph_version(session)
        if version is None or not _graphs.show(self, session, version):
            self.graph = None
            self.nodes = {node["id"]: node for node in session.data.get("nodes")}
            self.edges = session.data.get("edges")
            if version is not None:
                _graphs.keep(self, session, version)
        self.node_id = node_id

    def get_node_edges(self, source_id: Any) -> list[Edge]:
        """All edges that leave a node, in list order."""
        return [edge for edge in self.edges if edge.get("source") == source_id]

    def get_normal_edges(self, edges: list[Edge]) -> list[Edge]:
        """Those of type "normal"."""
        return [edge for edge in edges if edge.get("type") == "normal"]

    def get_special_edges(self, edges: list[Edge]) -> list[Edge]:
        """Those of type "special"."""
        return [edge for edge in edges if edge.get("type") == "special"]

    def traverse(self, edges: list[Edge], source_id: Any = None) -> Edge | None:
        """The first edge that has no condition or one that is true; what fails is not true."""
        return next((edge for edge in edges if self.passes(edge)), None)

    def is_stacked(self) -> bool:
        """A session waits for this one to end."""
        return bool(self.user.data.get("stack"))

    def is_end_session(self, node_id: Any) -> bool:
        """B: a page whose only way on is one special edge, to a node of type "end"."""
        node = self.nodes.get(node_id)
        if node is None or node.get("type") != "page" or not self.is_dead_end(node_id):
            return False
        special = self.get_special_edges(self.get_node_edges(node_id))
        target = self.nodes.get(special[0].get("target")) if len(special) == 1 else None
        return target is not None and target.get("type") == "end"

    def is_node_chaptered_page(self, node_id: Any) -> bool:
        """B: the node shows a page that belongs to a chapter."""
        node = self.nodes.get(node_id)
        if node is None or node.get("type") != "page":
            return False
        return bool(getattr(self._host.load_page(self._ref(node)), "chapter", None))

    # ---- walking ----

    def run(self, next: Any = False, pop: Any = False, chapter: Any = None, back: Any = None) -> Any:
        """The current page; with `next` the one after it, with `pop` that of the session below.

        None where the walk stops without a page.  `next` wins over `pop`; any truthy value will do.
        B: `chapter` (an id) and `back` (a page's id, with any sign) show a page seen before, to be
        read only; the current node is triggered all the same.
        """
        return self._guarded(self._run, next, pop, chapter, back)

    def _run(self, next: Any, pop: Any, chapter: Any, back: Any) -> Any:
        node_id = self._here()
        if self._is_b and (chapter or back):
            page = self.show_chapter(chapter, back)
            if page is not None:
                super().trigger_node(self.nodes.get(node_id))
                return page
        if next:
            return super().transition(node_id)
        if pop:
            self._is_popping = True
            return self.pop_place()
        if self._is_b and self.is_end_session(node_id):
            return None
        return super().trigger_node(self.nodes.get(node_id))

    def _here(self) -> Any:
        """What every run begins with; the node to go on from."""
        self.refresh_user()
        data: Data = self.user.data
        node_id = data.get("node") if self.node_id is None else self.node_id
        if node_id is None:
            data["node"] = 0
            self._save()
        return node_id

    def show_chapter(self, chapter: Any = None, back: Any = None) -> Any:
        """B: the page of a chapter the user saw last, or the page `back` names; None if there is none."""
        page_id = abs(int(back)) if back else self.user.get_page_id_by_chapter(chapter)
        if not page_id:
            return None
        page = self._host.load_page(page_id)
        page.update_html(self.user)
        page.dead_end = False
        page.stacked = self.is_stacked()
        page.read_only = True
        page.is_back = bool(back)
        return page

    def transition(self, source_id: Any) -> Any:
        """Follows all special edges that pass, and unless they gave a page one normal edge."""
        return self._guarded(super().transition, source_id)

    def trigger_node(self, node: Any, clear_array_variable: bool = True) -> Any:
        """Does what a node is for; the page it shows, what follows it, or None where the walk stops."""
        self._keeps_arrays = not clear_array_variable
        try:
            return self._guarded(super().trigger_node, node)
        finally:
            self._keeps_arrays = False

    def handle_dead_end(self, node_id: Any) -> Any:
        """Returns to the session below from where nobody has to be shown anything."""
        if self.is_dead_end(node_id) and self.is_stacked():
            node: Any = self.nodes.get(node_id)
            if node.get("type") in ("start", "session", "expression"):
                return self.run(pop=True)
        return None

    # ---- what nodes do; called by the walk ----

    @staticmethod
    def _ref(node: Node) -> Any:
        """The id of what a node refers to; older graphs have it only in a URL."""
        ref = node.get("ref_id")
        if ref:
            return ref
        digits = re.search(r"\d+", node.get("ref_url") or "")
        return ref if digits is None else digits.group()

    def on_missing(self, edge: Edge | None) -> None:
        """There is no node; what a lookup would have raised."""
        if edge is not None:
            hash(edge.get("target"))
        raise AttributeError("'NoneType' object has no attribute 'get'")

    def on_other(self, node: Node) -> Any:
        """A node of no type the engine knows: the walk stops."""

    on_end = on_code = on_other

    def on_page(self, node: Node) -> Any:
        """Shows a page."""
        page = self._host.load_page(self._ref(node))
        page.update_html(self.user)
        node_id = node["id"]
        page.dead_end = self.is_dead_end(node_id)
        page.stacked = self.is_stacked()
        if self._is_b:
            self._show_b(page)
        data: Data = self.user.data
        nodes = self.nodes
        if "node" in data and data["node"] in nodes:
            before = nodes[data["node"]]
            title = before.get("title", "") if self._is_b else before["title"]
            self._emit("session", "transition", title, page.title)
        self._stand_at(self.session.id, node_id)
        return page

    def _show_b(self, page: Any) -> None:
        if not self._keeps_arrays and hasattr(page, "clear_html_from_array_variable"):
            page.clear_html_from_array_variable()
        if getattr(page, "chapter", None) and not self._host.is_anonymous(self.user):
            self.user.register_chapter_to_page(page)

    def on_wait(self, node: Node) -> Any:
        """Passed when somebody is there; otherwise the walk stops here."""
        if self.is_interactive:
            return FOLLOW
        self._stand_at(self.session.id, node["id"])
        self._emit("session", "wait", "Start Wait", "")
        return None

    def on_session(self, node: Node, leaves: bool) -> None:
        """Enters a session; one comes back to the node if anything leaves it."""
        if leaves:
            self._push(self.session.id, node["id"])
            self._save()
        self.init_session(self._ref(node), 0)

    def on_background_session(self, node: Node) -> tuple[Any, bool]:
        """Enters a session beside the road, for nobody."""
        before = self.session.id, self.is_interactive
        self.is_interactive = False
        self.init_session(self._ref(node), 0, should_save=False)
        return before

    def on_background_end(self, node: Node, before: tuple[Any, bool]) -> None:
        """Back on the road."""
        session_id, self.is_interactive = before
        self.init_session(session_id, node["id"], should_save=False)

    def on_pop(self) -> Any:
        """Takes the uppermost place of another session off the stack, and goes there."""
        if self._is_popping:
            self._is_popping = False
        else:
            self._here()
        data: Data = self.user.data
        stack: Any = data.get("stack")
        session_id, node_id = stack.pop()
        while stack and session_id == data.get("session"):
            session_id, node_id = stack.pop()
        self.init_session(session_id, node_id)
        return node_id

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
                self._store(name, value)
        return FOLLOW

    def _store(self, name: str, value: Any) -> None:
        if not self._is_b:
            self.user.data[name] = value
            self._save()
            return
        before = self.user.get_pre_variable_value_for_log(name)
        self.user.set_variable_value(name, value)
        self._save()
        self._emit("expression", name, str(before), str(value))

    def on_email(self, node: Node) -> Any:
        """Sends a mail; B: a server that does not answer in time is let go."""
        email = self._host.load_email(self._ref(node))
        self._flush()
        try:
            email.send(self.user)
        except TimeoutError as error:
            if not self._is_b:
                raise
            self.logger.debug("email %s: %s", email.title, error)
        self._emit("session", "email", "", email.title)
        return FOLLOW

    def on_sms(self, node: Node) -> Any:
        """Sends a short message; one that asks is not sent to somebody who is there."""
        sms = self._host.load_sms(self._ref(node))
        asks = "reply:" in sms.data[0]["content"]
        if asks and self.is_interactive:
            return None
        self._flush()
        sms.send(self.user, self.session.id, node["id"])
        self._emit("session", "sms", "", sms.title)
        return self._host.empty_page() if asks else FOLLOW

    def on_register(self, node: Node) -> Any:
        """Gives an anonymous user an account: `user` is another object afterwards."""
        self._flush()
        self.user, registered = self.user.register()
        if registered:
            self._emit("user", "registered", "", "")
        return FOLLOW

    def on_enroll(self, node: Node) -> Any:
        """Gives the user a place in the session's programme."""
        program = self.session.program
        self._flush()
        program.enroll(self.user, self._start_time(node.get("start_time")))
        self._emit("program", "enrolled", "", program.title)
        return FOLLOW

    def _start_time(self, text: Any) -> datetime:
        """Today at "H:M" of the active time zone; now when the text is no time."""
        now = self._host.now()
        try:
            hour, minute = (int(part) for part in text.split(":"))
            return now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        except (AttributeError, ValueError):
            return now

    def on_leave(self, node: Node) -> Any:
        """Takes the place away."""
        program = self.session.program
        self._flush()
        program.leave(self.user)
        self._emit("program", "left", "", program.title)
        return FOLLOW

    def on_delay(self, node: Node) -> Any:
        """Has the walk go on later; whoever has no place in the programme stays here."""
        for access in self._host.accesses(self.session.program, self.user)[:1]:
            delay = node["delay"]
            length = float(self._delay_number(delay) * access.time_factor)
            time = self._host.now_utc() + timedelta(**{delay["unit"]: length})
            self._flush()
            self._host.create_task(
                sender=self.session,
                domain="delay",
                time=time,
                task="transition",
                args=(self.session.id, node["id"], self.user.id, self.user.data.get("stack", [])),
                action="Delayed node execution",
                subject=self.user,
            )
        return None

    def _delay_number(self, delay: dict[str, Any]) -> Any:
        name = delay.get("variable") if self._is_b else None
        if not name:
            return delay["number"]
        value = self.user.data.get(name)
        return int(self._host.variables([name])[name] if value is None else value)

    def on_tool(self, node: Node) -> Any:
        """B: gives the user a tool."""
        if self._is_b:
            self.user.data.setdefault("tools", []).append(
                {key: node["tool"].get(key) for key in ("url", "type", "title")}
            )
            self._save()

    def on_therapist_notification(self, node: Node) -> Any:
        """B: leaves a therapist a notification."""
        if self._is_b:
            self._host.notify(self.user, node.get("message", ""))
