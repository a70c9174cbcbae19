"""What an engine or a Parser asks of the application around it; `Host` asks Django's models.

Another application, or a test, gives its own object with the same methods:

    class Engine(citrate.contrib.serafin.Engine):
        host = MyHost()

Nothing is imported before it is asked for, and models are looked up anew each time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime, timezone
from importlib import import_module
from typing import Any

from citrate.contrib.serafin.settings import setting

__all__ = ["Host", "default_host"]

# Where models are looked for, in this order.
MODEL_MODULES = ("system.models", "content.models")


def _model(name: str) -> Any:
    for module in MODEL_MODULES:
        with contextlib.suppress(ModuleNotFoundError):
            found = getattr(import_module(module), name, None)
            if found is not None:
                return found
    raise ImportError(f"no model {name} in {' or '.join(MODEL_MODULES)}")


# ---- versions of graphs ----

VERSION = "citrate_graph_version"  # what a session that was read tells of its row


def _text_version(sessions: Any) -> Any:
    """A digest of the graph as it is stored, made by the database."""
    from django.db.models import TextField
    from django.db.models.functions import MD5, Cast

    return MD5(Cast("data", TextField()))


def _row_version(sessions: Any) -> Any:
    """The transaction that wrote the row, and where it did: another one after any change, also in one transaction."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import connections
    from django.db.models import TextField
    from django.db.models.expressions import RawSQL

    connection = connections[sessions.db]
    if connection.vendor != "postgresql":
        what = f"{connection.vendor} has none; name a column, or 'data'"
        raise ImproperlyConfigured(f"CITRATE_SERAFIN: graph_version is 'xmin', the row version of PostgreSQL: {what}")
    table = connection.ops.quote_name(sessions.model._meta.db_table)
    return RawSQL(f"{table}.xmin::text || {table}.ctid::text", (), output_field=TextField())


_VERSIONS = {"data": _text_version, "xmin": _row_version}


def _with_version(sessions: Any, name: str) -> Any:
    """Sessions without their graphs, and with what tells that those have changed."""
    if name in _VERSIONS:
        sessions = sessions.annotate(**{VERSION: _VERSIONS[name](sessions)})
    return sessions.defer("data")


class Host:
    """The applications of a Serafin: system, content, users, events and tasker."""

    # ---- rows ----

    def load_user(self, user_id: Any) -> Any:
        """The user with a primary key; raises DoesNotExist."""
        from django.contrib.auth import get_user_model

        return get_user_model().objects.get(id=user_id)

    def load_session(self, session_id: Any) -> Any:
        """A session: `id`, `data` (its graph), `program`, `title`, `trigger_login`; raises DoesNotExist.

        With `graph_version` its graph is not decoded unless it is asked for.
        """
        sessions = _model("Session").objects
        name = setting("graph_version")
        return (sessions if name is None else _with_version(sessions, name)).get(id=session_id)

    def graph_version(self, session: Any) -> Any:
        """What changes whenever the session's graph does: it is then indexed once; None: each time.

        With `graph_version` in CITRATE_SERAFIN that, and the session's database.  Nothing may then change
        the nodes and edges of an engine, which are those of others, too.
        """
        name = setting("graph_version")
        if name is None:
            return None
        version = getattr(session, VERSION, None) if name in _VERSIONS else getattr(session, name)
        return None if version is None else (session._state.db, version)

    def load_page(self, ref: Any) -> Any:
        """A page, on which `dead_end` and `stacked` can be set; raises DoesNotExist."""
        return _model("Page").objects.get(id=ref)

    def empty_page(self) -> Any:
        """A page that is no row: where a question by SMS ends."""
        return _model("Page")()

    def load_email(self, ref: Any) -> Any:
        """A mail: `title`, `send(user)`; raises DoesNotExist."""
        return _model("Email").objects.get(id=ref)

    def load_sms(self, ref: Any) -> Any:
        """A short message: `title`, `data`, `send(user, session_id, node_id)`; raises DoesNotExist."""
        return _model("SMS").objects.get(id=ref)

    def variables(self, names: Iterable[str] | None = None) -> dict[str, Any]:
        """The values of declared Variables, of all or of those names; random ones are drawn each time."""
        rows = _model("Variable").objects
        rows = rows.all() if names is None else rows.filter(name__in=list(names))
        return {row.name: row.get_value() for row in rows}

    def is_array(self, name: str) -> bool:
        """It is a declared array variable (lineage B)."""
        return bool(_model("Variable").is_array_variable(name))

    def accesses(self, program: Any, user: Any) -> Any:
        """The user's places in a programme, in order; each has a `time_factor`.  Nobody without a row has one."""
        if getattr(user, "pk", None) is None:
            return ()
        return _model("ProgramUserAccess").objects.filter(program=program, user=user)

    # ---- the user ----

    def is_anonymous(self, user: Any) -> bool:
        """They have no account."""
        anonymous = user.is_anonymous
        return bool(anonymous() if callable(anonymous) else anonymous)

    def save_user(self, user: Any) -> None:
        """Writes the user, `data` included."""
        user.save()

    def refresh_user(self, user: Any) -> None:
        """Reads a user with a primary key again; `data` is then another object."""
        if user.pk is not None:
            user.refresh_from_db()

    def step(self, user: Any) -> contextlib.AbstractContextManager[Any] | None:
        """What is to surround each construction and each run of an engine: it yields the user to go on with.

        None: nothing.  With `CITRATE_SERAFIN = {"step": {...}}` it is `citrate.contrib.django.steps.step`
        with those options: one transaction, one writer for each user.
        """
        options = setting("step")
        if options is None:
            return None
        from citrate.contrib.django.steps import step

        return step(user, **options)

    # ---- effects ----

    def emit(self, sender: Any, domain: str, variable: str, pre: Any, post: Any, actor: Any) -> None:
        """Tells the receivers of events.signals.log_event."""
        signals: Any = import_module("events.signals")
        signals.log_event.send(sender, domain=domain, actor=actor, variable=variable, pre_value=pre, post_value=post)

    def create_task(
        self, sender: Any, domain: str, time: datetime, task: str, args: tuple[Any, ...], action: str, subject: Any
    ) -> None:
        """Has `system.tasks.<task>(*args)` called at a time (aware, UTC)."""
        tasks: Any = import_module("system.tasks")
        tasker: Any = import_module("tasker.models")
        tasker.Task.objects.create_task(
            sender=sender,
            domain=domain,
            time=time,
            task=getattr(tasks, task),
            args=args,
            action=action,
            subject=subject,
        )

    def notify(self, user: Any, message: str) -> None:
        """Leaves a therapist a notification about the user (lineage B)."""
        _model("TherapistNotification").objects.create(user=user, message=message)

    # ---- time and settings ----

    def now(self) -> datetime:
        """The time in the active time zone."""
        from django.utils import timezone as clock

        now: datetime = clock.now()
        return clock.localtime(now) if clock.is_aware(now) else now

    def now_utc(self) -> datetime:
        """The same in UTC, from the system's clock."""
        return datetime.now(timezone.utc)

    def reserved_variables(self) -> list[dict[str, Any]]:
        """Names the application works out itself: {"name": ..., "domains": [...]}."""
        from django.conf import settings

        reserved: list[dict[str, Any]] = getattr(settings, "RESERVED_VARIABLES", [])
        return reserved


_default = Host()


def default_host() -> Host:
    """The host of engines and Parsers that were given none."""
    return _default
