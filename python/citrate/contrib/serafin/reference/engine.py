"""The page-flow engine in plain Python: nodes trigger, edges are tested, sub-sessions stack.

    engine = Engine(user=user, context={"session": 7, "node": 0}, is_interactive=True)
    page = engine.run()             # the current page, or None
    page = engine.run(next=True)    # where the edges lead from there

A node that needs nobody's attention is passed at once, by recursion: a graph that goes round in
circles ends with Python's RecursionError.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from citrate.contrib.serafin.reference.parser import Parser

if TYPE_CHECKING:
    from citrate.contrib.serafin.host import Host

__all__ = ["Engine", "EngineException"]


class EngineException(Exception):
    """Importable where applications expect it; this engine never raises it."""


class Engine:
    """One user's walk through the graphs of sessions.

    Attributes: `user`, whose `data` the walk reads and changes; `session`, its `nodes` (by id) and
    `edges` (as stored); `node_id`, where the engine was placed when the session was entered.
    """

    # Where models, tasks and the clock come from, and the lineage: "A", "B" or "B+refresh".
    host: ClassVar[Host | None] = None
    lineage: ClassVar[str] = "B"
    parser_class: ClassVar[type[Parser]] = Parser

    session: Any
    nodes: dict[Any, dict[str, Any]]
    edges: list[dict[str, Any]]
    node_id: Any

    def __init__(
        self,
        user: Any = None,
        user_id: Any = None,
        context: dict[str, Any] | None = None,
        push: bool = False,
        is_interactive: bool = False,
    ) -> None:
        context = context or {}
        self.logger = logging.getLogger("debug")
        self.is_interactive = is_interactive
        self.now = self._host.now()
        self.user = user or self._host.load_user(user_id)
        if user:
            self.refresh_user()

        data = self.user.data
        if push and data.get("session") and data.get("node") is not None:
            self._push(data["session"], data["node"])
        for key, value in context.items():
            if key not in ("session", "node"):
                self._set_context(key, value)
        if push or context:
            self._save()
        self.init_session(context.get("session"), context.get("node"), is_interactive)

    @property
    def _host(self) -> Host:
        if self.host is None:
            from citrate.contrib.serafin.host import default_host

            return default_host()
        return self.host

    @property
    def _is_b(self) -> bool:
        return self.lineage != "A"

    # ---- the user and what is kept of them ----

    def refresh_user(self) -> None:
        """B+refresh: reads the user again; their data is another object afterwards."""
        if self.lineage == "B+refresh":
            self._host.refresh_user(self.user)

    def _save(self) -> None:
        self._host.save_user(self.user)

    def _stand_at(self, session_id: Any, node_id: Any) -> None:
        self.user.data["session"] = session_id
        self.user.data["node"] = node_id
        self._save()

    def _push(self, session_id: Any, node_id: Any) -> None:
        if self.user.data.get("stack") is None:
            self.user.data["stack"] = []
        self.user.data["stack"].append((session_id, node_id))

    def _set(self, name: str, value: Any) -> None:
        if self._is_b:
            self.user.set_variable_value(name, value)
        else:
            self.user.data[name] = value

    def _set_context(self, key: str, value: Any) -> None:
        if "expression_" in key:
            try:
                value = self._evaluate(value)
            except Exception as error:
                self.logger.debug("context %s: %s", key, error)
            self.user.data["".join(key.split("_")[1:])] = value
        elif key and value is not None:
            self._set(key, value)

    def _evaluate(self, expression: Any) -> Any:
        return self.parser_class(self.user).parse(expression)

    def _emit(self, domain: str, variable: str, pre: str, post: str) -> None:
        self._host.emit(self, domain, variable, pre, post, self.user)

    # ---- sessions and their graphs ----

    def init_session(self, session_id: Any, node_id: Any, should_save: bool = True) -> None:
        """Enters a session (default: the user's own) at a node; raises what loading it raises."""
        session_id = session_id or self.user.data.get("session")
        node_id = self.user.data.get("node") if node_id is None else node_id
        if should_save:
            self._stand_at(session_id, node_id)
        self.session = self._host.load_session(session_id)
        self.nodes = {node["id"]: node for node in self.session.data.get("nodes")}
        self.edges = self.session.data.get("edges")
        self.node_id = node_id

    def get_node_edges(self, source_id: Any) -> list[dict[str, Any]]:
        """All edges that leave a node, in list order."""
        return [edge for edge in self.edges if edge.get("source") == source_id]

    def get_normal_edges(self, edges: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those of type "normal"."""
        return [edge for edge in edges if edge.get("type") == "normal"]

    def get_special_edges(self, edges: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those of type "special"."""
        return [edge for edge in edges if edge.get("type") == "special"]

    def is_dead_end(self, node_id: Any) -> bool:
        """No normal edge leaves the node, whatever their conditions."""
        return not self.get_normal_edges(self.get_node_edges(node_id))

    def is_stacked(self) -> bool:
        """A session waits for this one to end."""
        return bool(self.user.data.get("stack"))

    def is_end_session(self, node_id: Any) -> bool:
        """B: a page whose only way on is one special edge, to a node of type "end"."""
        node = self.nodes.get(node_id) or {}
        if node.get("type") != "page" or not self.is_dead_end(node_id):
            return False
        special = self.get_special_edges(self.get_node_edges(node_id))
        if len(special) != 1:
            return False
        target = self.nodes.get(special[0].get("target")) or {}
        return target.get("type") == "end"

    def is_node_chaptered_page(self, node_id: Any) -> bool:
        """B: the node shows a page that belongs to a chapter."""
        node = self.nodes.get(node_id) or {}
        if node.get("type") != "page":
            return False
        return bool(getattr(self._host.load_page(self._ref(node)), "chapter", None))

    # ---- walking ----

    def run(self, next: Any = False, pop: Any = False, chapter: Any = None, back: Any = None) -> Any:
        """The current page; with `next` the one after it, with `pop` that of the session below.

        None where the walk stops without a page.  `next` wins over `pop`; any truthy value will do.
        B: `chapter` (an id) and `back` (a page's id, with any sign) show a page seen before, to be
        read only; the current node is triggered all the same.
        """
        self.refresh_user()
        node_id = self.user.data.get("node") if self.node_id is None else self.node_id
        if node_id is None:
            self.user.data["node"] = 0
            self._save()
        if self._is_b and (chapter or back):
            page = self.show_chapter(chapter, back)
            if page is not None:
                self.trigger_node(self.nodes.get(node_id))
                return page
        if next:
            return self.transition(node_id)
        if pop:
            return self._pop()
        if self._is_b and self.is_end_session(node_id):
            return None
        return self.trigger_node(self.nodes.get(node_id))

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

    def _pop(self) -> Any:
        stack: Any = self.user.data.get("stack")
        session_id, node_id = stack.pop()
        while stack and session_id == self.user.data.get("session"):
            session_id, node_id = stack.pop()
        self.init_session(session_id, node_id)
        node: Any = self.nodes.get(node_id)
        if node.get("type") in ("session", "background_session"):
            return self.transition(node_id)
        return self.trigger_node(node)

    def traverse(self, edges: list[dict[str, Any]], source_id: Any = None) -> dict[str, Any] | None:
        """The first edge that has no condition or one that is true; what fails is not true."""
        for edge in edges:
            if not edge.get("expression"):
                return edge
            try:
                if self._evaluate(edge["expression"]):
                    return edge
            except Exception as error:
                self.logger.debug("edge from %s: %s", source_id, error)
        return None

    def transition(self, source_id: Any) -> Any:
        """Follows all special edges that pass, and unless they gave a page one normal edge."""
        nodes = self.nodes
        edges = self.get_node_edges(source_id)
        special = self.get_special_edges(edges)
        normal = self.get_normal_edges(edges)
        result = None
        while (edge := self.traverse(special, source_id)) is not None:
            special.remove(edge)
            result = self.trigger_node(nodes.get(edge.get("target"))) or result
        if result:
            return result
        edge = self.traverse(normal, source_id)
        if edge is None:
            return self.handle_dead_end(source_id)
        return self.trigger_node(nodes.get(edge.get("target")))

    def handle_dead_end(self, node_id: Any) -> Any:
        """Returns to the session below from where nobody has to be shown anything."""
        if self.is_dead_end(node_id) and self.is_stacked():
            node: Any = self.nodes.get(node_id)
            if node.get("type") in ("start", "session", "expression"):
                return self.run(pop=True)
        return None

    def trigger_node(self, node: Any, clear_array_variable: bool = True) -> Any:
        """Does what a node is for; the page it shows, what follows it, or None where the walk stops."""
        kind = node.get("type")
        if kind != "start":
            self.refresh_user()
        trigger = self._TRIGGERS.get(kind)
        if trigger is None or (kind in self._ONLY_B and not self._is_b):
            return None
        if kind == "page" and not clear_array_variable:
            return self._page(node, clear_array_variable=False)
        return trigger(self, node)

    # ---- what the types of nodes do ----

    @staticmethod
    def _ref(node: dict[str, Any]) -> Any:
        """The id of what a node refers to; older graphs have it only in a URL."""
        ref = node.get("ref_id")
        digits = re.search(r"\d+", node.get("ref_url") or "")
        return ref if ref or digits is None else digits.group()

    def _pass(self, node: dict[str, Any]) -> Any:
        return self.transition(node["id"])

    def _page(self, node: dict[str, Any], clear_array_variable: bool = True) -> Any:
        page = self._host.load_page(self._ref(node))
        page.update_html(self.user)
        page.dead_end = self.is_dead_end(node["id"])
        page.stacked = self.is_stacked()
        if self._is_b:
            self._show_b(page, clear_array_variable)
        data = self.user.data
        if "node" in data and data["node"] in self.nodes:
            before = self.nodes[data["node"]]
            title = before.get("title", "") if self._is_b else before["title"]
            self._emit("session", "transition", title, page.title)
        self._stand_at(self.session.id, node["id"])
        return page

    def _show_b(self, page: Any, clear_array_variable: bool) -> None:
        if clear_array_variable and hasattr(page, "clear_html_from_array_variable"):
            page.clear_html_from_array_variable()
        if getattr(page, "chapter", None) and not self._host.is_anonymous(self.user):
            self.user.register_chapter_to_page(page)

    def _wait(self, node: dict[str, Any]) -> Any:
        if self.is_interactive:
            return self._pass(node)
        self._stand_at(self.session.id, node["id"])
        self._emit("session", "wait", "Start Wait", "")
        return None

    def _session(self, node: dict[str, Any]) -> Any:
        if self.get_node_edges(node["id"]):
            self._push(self.session.id, node["id"])
            self._save()
        self.init_session(self._ref(node), 0)
        return self.transition(0)

    def _background_session(self, node: dict[str, Any]) -> Any:
        session_id, interactive = self.session.id, self.is_interactive
        self.is_interactive = False
        self.init_session(self._ref(node), 0, should_save=False)
        self.transition(0)
        self.is_interactive = interactive
        self.init_session(session_id, node["id"], should_save=False)
        return self._pass(node)

    def _expression(self, node: dict[str, Any]) -> Any:
        expression, name = node.get("expression"), node.get("variable_name")
        if expression:
            try:
                value = self._evaluate(expression)
            except Exception as error:
                self.logger.debug("node %s: %s", node["id"], error)
                value = None
            if name:
                self._store(name, value)
        return self._pass(node)

    def _store(self, name: str, value: Any) -> None:
        before = self.user.get_pre_variable_value_for_log(name) if self._is_b else None
        self._set(name, value)
        self._save()
        if self._is_b:
            self._emit("expression", name, str(before), str(value))

    def _email(self, node: dict[str, Any]) -> Any:
        email = self._host.load_email(self._ref(node))
        try:
            email.send(self.user)
        except TimeoutError as error:
            if not self._is_b:
                raise
            self.logger.debug("email %s: %s", email.title, error)
        self._emit("session", "email", "", email.title)
        return self._pass(node)

    def _sms(self, node: dict[str, Any]) -> Any:
        sms = self._host.load_sms(self._ref(node))
        asks = "reply:" in sms.data[0]["content"]
        if asks and self.is_interactive:
            return None
        sms.send(self.user, self.session.id, node["id"])
        self._emit("session", "sms", "", sms.title)
        return self._host.empty_page() if asks else self._pass(node)

    def _register(self, node: dict[str, Any]) -> Any:
        self.user, registered = self.user.register()
        if registered:
            self._emit("user", "registered", "", "")
        return self._pass(node)

    def _enroll(self, node: dict[str, Any]) -> Any:
        program = self.session.program
        program.enroll(self.user, self._start_time(node.get("start_time")))
        self._emit("program", "enrolled", "", program.title)
        return self._pass(node)

    def _start_time(self, text: Any) -> datetime:
        """Today at "H:M" of the active time zone; now when the text is no time."""
        now = self._host.now()
        try:
            hour, minute = (int(part) for part in text.split(":"))
            return now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        except (AttributeError, ValueError):
            return now

    def _leave(self, node: dict[str, Any]) -> Any:
        program = self.session.program
        program.leave(self.user)
        self._emit("program", "left", "", program.title)
        return self._pass(node)

    def _delay(self, node: dict[str, Any]) -> Any:
        for access in self._host.accesses(self.session.program, self.user)[:1]:
            delay = node["delay"]
            length = float(self._delay_number(delay) * access.time_factor)
            self._host.create_task(
                sender=self.session,
                domain="delay",
                time=self._host.now_utc() + timedelta(**{delay["unit"]: length}),
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

    def _tool(self, node: dict[str, Any]) -> Any:
        tool = {key: node["tool"].get(key) for key in ("url", "type", "title")}
        self.user.data.setdefault("tools", []).append(tool)
        self._save()

    def _notify(self, node: dict[str, Any]) -> Any:
        self._host.notify(self.user, node.get("message", ""))

    _ONLY_B = ("tool", "therapist_notification")
    _TRIGGERS = {
        "start": _pass,
        "page": _page,
        "wait": _wait,
        "session": _session,
        "background_session": _background_session,
        "expression": _expression,
        "email": _email,
        "sms": _sms,
        "register": _register,
        "enroll": _enroll,
        "leave": _leave,
        "delay": _delay,
        "tool": _tool,
        "therapist_notification": _notify,
    }
