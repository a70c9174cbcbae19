"""A stub host application for page-flow engines, and the form of tests/vectors/flow/engine_cases.jsonl.

`World` is one application: users, sessions, pages, a frozen clock.  It records what an engine does
to it in the vocabulary of the case files.  `run_case` runs a case against an engine class and gives
its steps in the case's own form; `compare` names the first difference.

The engine gets its world through a host object, the class attribute `host` of Engine and Parser;
`lineage` beside it is "A", "B" or "B+refresh".  `bind` is the one place that ties them.  The whole
interface, as citrate.contrib.serafin.host.Host defines it and `StubHost` implements it:

    load_user(user_id) -> user                  get by primary key; DoesNotExist of their own
    load_session(session_id) -> session         id, title, data (dict), program
    load_page(ref) -> page                      id, title; update_html(user); dead_end, stacked are set on it
    empty_page() -> page                        Page(): what a question by SMS returns, truthy
    load_email(ref) -> email                    title; send(user)
    load_sms(ref) -> sms                        title, data ([{"content": text}]); send(user, session_id, node_id)
    variables(names=None) -> dict               name -> get_value() of declared Variables (of those names; all)
    is_array(name) -> bool                      a declared array variable
    accesses(program, user) -> sequence         ProgramUserAccess rows in order: time_factor
    is_anonymous(user) -> bool
    create_task(sender=, domain=, time=, task=, args=, action=, subject=)   time: aware, UTC; task: "transition"
    emit(sender, domain, variable, pre, post, actor)                        log_event
    notify(user, message)                       therapist_notification (B)
    save_user(user)                             user.save()
    refresh_user(user)                          user.refresh_from_db() when it has a primary key (B+refresh)
    now() -> datetime                           aware, in the active time zone
    now_utc() -> datetime                       aware, real UTC
    reserved_variables() -> list of dicts       {"name": ..., "domains": [...]}; reserved iff "user" in domains

Where `host` is None, citrate.contrib.serafin.host.default_host() gives the host: that of Django's models.

Methods called on the objects themselves, with positional arguments: program.enroll(user, start_time),
program.leave(user), user.register() -> (user, registered), and in B user.set_variable_value(name, value),
user.get_pre_variable_value_for_log(name).

The number of Parsers an engine makes is compared where it can be seen: through the class attribute
`parser_class` of the engine, or through an int attribute `evaluations` of the engine that counts the
expressions it evaluated (edges, expression nodes, context keys).
"""

from __future__ import annotations

import copy
import json
import re
from collections import OrderedDict
from datetime import datetime, timedelta, timezone
from typing import Any

ZONE = timezone(timedelta(hours=2))
NOW = datetime(2015, 5, 1, 12, 34, 56, 123456, ZONE)
NOW_UTC = datetime(2015, 5, 1, 10, 34, 56, tzinfo=timezone.utc)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?(?:Z|[+-]\d\d:\d\d)")
USER_ID = 42
PAGES = {n: f"P{n}" for n in range(1, 8)}
EMAILS = {1: "E1"}
SMS_CONTENT = {1: "hello", 2: "reply:answer how are you"}
UNBOUNDED = "(unbounded)"
# What an engine may say about a graph that never ends.
LIMIT_ERRORS = ("RecursionError", "EngineException")

RESERVED_VARIABLES = [
    {"name": name, "domains": ["user"]}
    for name in ("registered", "enrolled", "group", "current_day", "current_time", "current_date")
] + [
    {"name": name, "domains": []}
    for name in (
        "email", "phone", "password", "session", "node", "stack", "login_link",
        "reply_session", "reply_node", "reply_variable", "timer",
    )
]  # fmt: skip


class Enough(Exception):
    """The world stops an engine that does too much; see World.trace_max."""


class DoesNotExist(Exception):
    """What models raise for an id they lack."""


def plain(value: Any) -> Any:
    """A value as the case files write it: tuples are lists, what JSON lacks is its text."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _number(given: Any) -> Any:
    """An id as get(id=...) of a model takes it: an int, or the digits of one."""
    if isinstance(given, str) and given.strip().isdigit():
        return int(given)
    return given


def _rows(given: Any, default: dict[int, str]) -> dict[int, str]:
    return default if given is None else {_number(number): row for number, row in given.items()}


def clocks(text: str | None) -> tuple[datetime, datetime]:
    """The local clock a meta line names first and, if it names that too, datetime.now(utc)."""
    moments = [datetime.fromisoformat(m.replace("Z", "+00:00")) for m in MOMENT.findall(text or "")]
    if not moments:
        return NOW, NOW_UTC
    return moments[0], moments[1] if len(moments) > 1 else moments[0].astimezone(timezone.utc)


class User:
    """A user; `save` and `register` are recorded.  Anonymous ones have no primary key."""

    def __init__(self, world: World, data: dict[str, Any], anonymous: bool = False) -> None:
        self.world = world
        self.data: dict[str, Any] = data
        self.is_anonymous = anonymous
        self.is_active = True
        self.id = self.pk = None if anonymous else USER_ID
        self._row = copy.deepcopy(data)

    def save(self) -> None:
        data = self.data
        self.world.record(["save", *(plain(data.get(key)) for key in ("session", "node", "stack"))])
        self.world.saved.append(plain(data))
        self._row = copy.deepcopy(data)

    def refresh_from_db(self) -> None:
        """Replaces data by a new OrderedDict of what was saved, as reading JSON gives it."""
        self.world.refreshes += 1
        self.data = json.loads(json.dumps(plain(self._row)), object_pairs_hook=OrderedDict)

    def register(self) -> tuple[User, bool]:
        self.world.record(["register"])
        if not self.is_anonymous:
            return self, False
        for key in ("password", "email", "phone"):
            self.data.pop(key)
        return User(self.world, self.data), True

    def set_variable_value(self, name: str, value: Any) -> None:
        """Array variables grow at their end."""
        if name not in self.world.arrays:
            self.data[name] = value
            return
        values = self.data.get(name)
        values = list(values) if isinstance(values, list) else []
        most = self.world.max_entries.get(name)
        self.data[name] = [*values, value][-most if most else 0 :]

    def get_pre_variable_value_for_log(self, name: str) -> Any:
        return self.data.get(name, "")

    def register_chapter_to_page(self, page: Page) -> None:
        assert not self.is_anonymous
        self.world.record(["register_chapter", page.chapter, page.id])
        self.data[f"chapter_{page.chapter}"] = page.id

    def get_page_id_by_chapter(self, chapter: Any) -> Any:
        return self.data.get(f"chapter_{chapter}")


class Program:
    """A programme one can enroll in and leave."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.id = 1
        self.title = "Prog"

    def enroll(self, user: User, start_time: datetime) -> None:
        self.world.record(["enroll", start_time.isoformat()])
        self.world.accesses.append(ProgramUserAccess(1.0))

    def leave(self, user: User) -> None:
        self.world.record(["leave"])
        self.world.accesses.clear()
        if self.world.lineage != "A":
            user.is_active = False
            user.save()


class ProgramUserAccess:
    """A user's place in the programme."""

    def __init__(self, time_factor: float) -> None:
        self.time_factor = time_factor


class Session:
    """A page-flow graph of the application."""

    def __init__(self, world: World, number: Any, data: Any) -> None:
        self.id = self.pk = number
        self.title = f"Session {number}"
        self.data = data
        self.program = world.program
        self.trigger_login = False


class Page:
    """A page; Page() is what a question by SMS returns."""

    def __init__(self, world: World | None = None, number: int | None = None, title: str = "") -> None:
        self.world = world
        self.id = self.pk = number
        self.title = self.display_title = title
        self.data: list[Any] = []
        self.chapter: Any = world.chapters.get(number) if world is not None else None

    def update_html(self, user: User) -> None:
        assert self.world is not None
        self.world.record(["page.update_html", self.id])

    def clear_html_from_array_variable(self, *_: Any) -> None:
        """B: shows array variables without what was entered before."""
        assert self.world is not None
        self.world.cleared.append(self.id)


class Email:
    """A mail."""

    def __init__(self, world: World, number: int, title: str) -> None:
        self.world = world
        self.id = number
        self.title = title

    def send(self, user: User) -> None:
        self.world.record(["email.send", self.id])


class Sms:
    """A short message; "reply:name" in its text asks a question."""

    def __init__(self, world: World, number: int, content: str) -> None:
        self.world = world
        self.id = number
        self.title = f"SMS{number}"
        self.data = [{"content": content}]

    def send(self, user: User, session_id: Any = None, node_id: Any = None) -> None:
        self.world.record(["sms.send", self.id, plain(session_id), plain(node_id)])
        _, asks, rest = self.data[0]["content"].partition("reply:")
        if asks:
            name = rest.split()[0] if rest.split() else ""
            user.data.update(reply_session=session_id, reply_node=node_id, reply_variable=name)
            user.save()


class World:
    """One application.  `trace` is what the engine did, `saved` the whole user data at each save."""

    def __init__(
        self,
        sessions: dict[Any, Any],
        user_data: dict[str, Any],
        lineage: str = "A",
        anonymous: bool = False,
        accesses: Any = (),
        arrays: Any = (),
        variables: dict[str, Any] | None = None,
        max_entries: dict[str, int] | None = None,
        chapters: dict[int, Any] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        meta = meta or {}
        self.lineage = lineage
        self.now, self.now_utc = clocks(meta.get("now"))
        self.pages = _rows(meta.get("pages"), PAGES)
        self.emails = _rows(meta.get("emails"), EMAILS)
        self.sms = _rows(meta.get("sms_content"), SMS_CONTENT)
        self.reserved_variables = RESERVED_VARIABLES
        if "reserved_names" in meta:
            self.reserved_variables = [{"name": name, "domains": ["user"]} for name in meta["reserved_names"]]
        self.trace: list[list[Any]] = []
        self.saved: list[Any] = []
        self.chapters = chapters or {}  # page -> chapter
        self.cleared: list[Any] = []  # pages that were asked to clear_html_from_array_variable
        self.trace_max: int | None = None
        self.refreshes = 0
        self.arrays = set(arrays)
        self.max_entries = max_entries or {}
        self.variables = variables or {}
        self.accesses = [ProgramUserAccess(factor) for factor in accesses]
        self.program = Program(self)
        self.sessions = {_number(number): data for number, data in sessions.items()}
        self.user = User(self, user_data, anonymous)
        self.parsers = 0
        self.host = StubHost(self)

    def record(self, effect: list[Any]) -> None:
        self.trace.append(effect)
        if self.trace_max is not None and len(self.trace) > self.trace_max:
            raise Enough(f"more than {self.trace_max} effects")

    def get(self, kind: str, table: dict[Any, Any], given: Any) -> Any:
        """The id of a row that is there; asking is recorded with the id as it was given."""
        self.record([f"get_{kind.lower()}", plain(given)])
        number = _number(given)
        if isinstance(number, (dict, list)) or number not in table:
            raise DoesNotExist(f"{kind} {given}")
        return number


class StubHost:
    """The host interface over a World; see the module's description."""

    def __init__(self, world: World) -> None:
        self.world = world

    def load_user(self, user_id: Any) -> User:
        self.world.get("User", {USER_ID: 1}, user_id)
        return self.world.user

    def load_session(self, session_id: Any) -> Session:
        number = self.world.get("Session", self.world.sessions, session_id)
        return Session(self.world, number, self.world.sessions[number])

    def load_page(self, ref: Any) -> Page:
        number = self.world.get("Page", self.world.pages, ref)
        return Page(self.world, number, self.world.pages[number])

    def empty_page(self) -> Page:
        return Page()

    def load_email(self, ref: Any) -> Email:
        number = self.world.get("Email", self.world.emails, ref)
        return Email(self.world, number, self.world.emails[number])

    def load_sms(self, ref: Any) -> Sms:
        number = self.world.get("SMS", self.world.sms, ref)
        return Sms(self.world, number, self.world.sms[number])

    def variables(self, names: Any = None) -> dict[str, Any]:
        rows = self.world.variables
        return dict(rows) if names is None else {name: rows[name] for name in names if name in rows}

    def is_array(self, name: str) -> bool:
        return name in self.world.arrays

    def accesses(self, program: Program, user: User) -> list[ProgramUserAccess]:
        return list(self.world.accesses)

    def is_anonymous(self, user: User) -> bool:
        return user.is_anonymous

    def create_task(
        self, sender: Any, domain: str, time: datetime, task: Any, args: Any, action: str, subject: Any
    ) -> None:
        eta = (time - self.now_utc()).total_seconds()
        self.world.record(["create_task", domain, eta, plain(args)])

    def emit(self, sender: Any, domain: str, variable: str, pre: Any, post: Any, actor: Any) -> None:
        assert type(sender).__name__ == "Engine"
        self.world.record(["event", domain, variable, plain(pre), plain(post)])

    def notify(self, user: User, message: str) -> None:
        self.world.record(["therapist_notification", message])

    def save_user(self, user: User) -> None:
        user.save()

    def refresh_user(self, user: User) -> None:
        if user.pk is not None:
            user.refresh_from_db()

    def now(self) -> datetime:
        return self.world.now

    def now_utc(self) -> datetime:
        return self.world.now_utc

    def reserved_variables(self) -> list[dict[str, Any]]:
        return self.world.reserved_variables


def bind(engine_class: Any, world: World) -> Any:
    """A subclass of an engine class that lives in a world; Parsers it makes are counted."""
    bound: dict[str, Any] = {"host": world.host, "lineage": world.lineage, "__module__": __name__}
    parser_class = getattr(engine_class, "parser_class", None)
    if parser_class is not None:
        bound["parser_class"] = bind_parser(parser_class, world)
    return type("Engine", (engine_class,), bound)


def bind_parser(parser_class: Any, world: World) -> Any:
    """A subclass of a parser class that lives in a world and counts its instances there."""

    def count(self: Any, *args: Any, **kw: Any) -> None:
        world.parsers += 1
        parser_class.__init__(self, *args, **kw)

    bound = {"host": world.host, "lineage": world.lineage, "__init__": count, "__module__": __name__}
    return type("Parser", (parser_class,), bound)


# ---- running a case ----


def describe_page(page: Any) -> Any:
    """What an engine returned, as the case files write it."""
    if page is None:
        return None
    if not hasattr(page, "update_html"):
        return {"value": repr(page)}
    flags = {name: getattr(page, name, None) for name in ("dead_end", "stacked")}
    remembered = {name: getattr(page, name) for name in ("read_only", "is_back") if hasattr(page, name)}
    return {"page": page.id, "title": page.title, **flags, **remembered}


class Run:
    """A user's way through a world: one engine after the other over the same user."""

    def __init__(self, engine_class: Any, world: World) -> None:
        self.world = world
        self.engine_class = bind(engine_class, world)
        self.counts_parsers = hasattr(engine_class, "parser_class")
        self.engine: Any = None

    def step(self, op: dict[str, Any]) -> dict[str, Any]:
        """Runs one operation; what it did, in the case's own form."""
        world = self.world
        saves, parsers, start = len(world.saved), world.parsers, len(world.trace)
        before = 0 if op["op"] == "new" else getattr(self.engine, "evaluations", 0)
        try:
            returned = describe_page(self._call(op))
            raised = []
        except Exception as error:
            returned = {"exc": type(error).__name__, "msg": str(error)}
            raised = [kind.__name__ for kind in type(error).__mro__]
        world.user = getattr(self.engine, "user", None) or world.user
        step = {
            "op": op,
            "returned": returned,
            "raised": raised,  # the exception's class and its bases
            "user_data": copy.deepcopy(plain(world.user.data)),
            "saves": len(world.saved) - saves,
            "trace": copy.deepcopy(world.trace[start:]),
        }
        if self.counts_parsers:
            step["parser_constructions"] = world.parsers - parsers
        elif self.engine is not None and hasattr(self.engine, "evaluations"):
            step["parser_constructions"] = self.engine.evaluations - before
        if self.engine is not None:
            step["engine_after"] = {
                "session": self.engine.session.id,
                "node_id": self.engine.node_id,
                "anonymous": bool(self.engine.user.is_anonymous),
            }
        return step

    def _call(self, op: dict[str, Any]) -> Any:
        kind = op["op"]
        arguments = {key: value for key, value in op.items() if key != "op"}
        if kind == "new":
            self.engine = None
            if arguments.get("user_id") is None:
                arguments["user"] = self.world.user
            self.engine = self.engine_class(**arguments)
            return None
        if self.engine is None:
            raise AssertionError(f"{kind}: the engine could not be made")
        return getattr(self.engine, kind)(**arguments)


def case_world(case: dict[str, Any], lineage: str, meta: dict[str, Any] | None = None) -> World:
    """The world a case begins in; `meta` is the first line of its file."""
    return World(
        copy.deepcopy(case["sessions"]),
        copy.deepcopy(case["user_data"]),
        lineage,
        anonymous=bool(case.get("anonymous")),
        accesses=case.get("accesses") or (),
        arrays=case.get("array_variables") or (),
        variables=case.get("variables") or case.get("Variable_rows"),
        max_entries=case.get("max_entries"),
        meta=meta,
    )


def expected_steps(case: dict[str, Any], dialect: str) -> list[dict[str, Any]]:
    """What a case expects: B's steps stand there only where they differ from A's."""
    steps: list[dict[str, Any]] = case[dialect] if dialect in case else case["A"]
    return steps


def run_case(
    case: dict[str, Any], dialect: str, engine_class: Any, meta: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Runs the operations of a case; the steps in the case's own form."""
    run = Run(engine_class, case_world(case, dialect, meta))
    return [run.step(dict(step["op"])) for step in expected_steps(case, dialect)]


# ---- comparing ----


def same(expected: Any, got: Any) -> bool:
    """Equal, and of the same types all the way down: 1, 1.0 and True are three values."""
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(same(value, got[key]) for key, value in expected.items())
    if isinstance(expected, (list, tuple)) and isinstance(got, (list, tuple)):
        return len(expected) == len(got) and all(map(same, expected, got))
    if isinstance(expected, float) and expected != expected:
        return isinstance(got, float) and got != got
    return type(expected) is type(got) and bool(expected == got)


def _same_returned(step: dict[str, Any], expected: Any, messages: bool) -> bool:
    got = step["returned"]
    if isinstance(expected, dict) and "exc" in expected:
        if expected["exc"] not in step["raised"]:
            return False
        return not messages or expected.get("msg") == got["msg"]
    if isinstance(expected, dict) and expected.get("page", 0) is None:
        return isinstance(got, dict) and got.get("page", 0) is None  # Page(): its fields are the host's
    return same(expected, got)


def _compare_endless(expected: dict[str, Any], got: dict[str, Any]) -> str | None:
    """A loop without an end stops with an error of the limit's kind after the same beginning."""
    if not set(LIMIT_ERRORS) & set(got["raised"]):
        return f"returned: expected {' or '.join(LIMIT_ERRORS)}, got {got['returned']!r}"
    beginning = expected.get("trace") or []
    if not same(beginning, got["trace"][: len(beginning)]):
        return f"trace: expected to begin with {beginning!r}, got {got['trace'][: len(beginning)]!r}"
    return None


def compare_step(expected: dict[str, Any], got: dict[str, Any], messages: bool = False) -> str | None:
    """The first difference between two steps, None when there is none.

    Texts of exceptions are compared only with `messages`: they are Python's own and change with it.
    """
    if expected.get("saves") == UNBOUNDED:
        return _compare_endless(expected, got)
    if not _same_returned(got, expected["returned"], messages):
        return f"returned: expected {expected['returned']!r}, got {got['returned']!r}"
    for key in ("trace", "user_data", "saves", "parser_constructions", "engine_after"):
        if key in expected and key in got and not same(expected[key], got[key]):
            return f"{key}: expected {expected[key]!r}, got {got[key]!r}"
    return None


def compare(expected: list[dict[str, Any]], got: list[dict[str, Any]], messages: bool = False) -> str | None:
    """The first difference between the steps of two runs, None when there is none."""
    for number, (one, other) in enumerate(zip(expected, got, strict=False), 1):
        difference = compare_step(one, other, messages)
        if difference is not None:
            return f"step {number} ({one['op']['op']}): {difference}"
    if len(expected) != len(got):
        return f"expected {len(expected)} steps, got {len(got)}"
    return None
