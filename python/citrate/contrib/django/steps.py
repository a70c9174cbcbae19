"""One step of one user: one transaction, one writer, no update lost.

An engine loads a user, changes `user.data` and saves the whole row several times.  Two steps of
one user at the same time (two browser tabs, a page and a delayed task) then overwrite each other.
Within `step` they come one after the other, all their writes are one transaction, and a save
writes what has changed:

    with step(request.user) as user:
        page = Engine(user=user, context=answers, is_interactive=True).run(next=1)

* `lock="row"` reads the row anew and locks it (SELECT … FOR UPDATE; where the database has no
  such thing, SQLite, a write before the read locks the file).  Other steps of the user wait.
* `lock="version"` reads without a lock and checks an integer column on every write; whoever comes
  second gets StepConflict and can begin again (`run_step` does).
* On PostgreSQL `user.data` is written as `data || {changed keys} - {removed keys}`, elsewhere
  whole; of the other columns only those that changed.
* With `coalesce=True` all saves of a step become one UPDATE at its end.  What is changed after the
  last `save()` is not written, as it would not be without a step.

Rows that only have to be there when the step is over (a log of what happened) can be gathered by
`collect(row)` and are inserted together at its end.

An exception rolls the whole step back.  Nothing here imports models or reads settings before the
first step.
"""

from __future__ import annotations

import contextlib
import copy
import json
from contextvars import ContextVar
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    T = TypeVar("T")

# The steps around the running code: (database, model, primary key) -> what is being stepped.
_current: ContextVar[dict[tuple[Any, ...], _Stepped] | None] = ContextVar("citrate_steps", default=None)
_MISSING = object()


class StepConflict(Exception):
    """Somebody else wrote the row since this step read it; nothing of this step is kept."""


@contextlib.contextmanager
def step(
    user: Any,
    *,
    field: str = "data",
    lock: str = "row",
    version: str = "version",
    coalesce: bool = False,
    using: str | None = None,
) -> Iterator[Any]:
    """A transaction that yields the user as the database has it now; their `save()` writes changes only.

    `user` is a user (may be lazy), or a primary key of the user model.  One without a primary key
    (anonymous, not saved yet) is yielded as it is.  A step within a step of the same user yields
    the same object.  `field` names the JSON object, `version` the column that `lock="version"` counts.

    Raises DoesNotExist, StepConflict, ValueError for another `lock`, and the database's errors.
    """
    from django.db import router, transaction

    if lock not in ("row", "version"):
        raise ValueError(f"lock is 'row' or 'version', not {lock!r}")
    model, key = _identity(user)
    if key is None:
        with transaction.atomic(using=using):
            yield user
        return
    alias = using or router.db_for_write(model)
    place = (alias, model, key)
    running = _current.get() or {}
    if place in running:
        yield running[place].user
        return
    with transaction.atomic(using=alias):
        fresh = _read(model, key, alias, lock == "row")
        stepped = _Stepped(fresh, field, version if lock == "version" else None, coalesce, alias)
        token = _current.set({**running, place: stepped})
        try:
            yield fresh
            stepped.flush()
            stepped.insert()
        finally:
            _current.reset(token)
            stepped.release()


def run_step(user: Any, work: Callable[[Any], T], *, attempts: int = 5, **options: Any) -> T:
    """`work(user)` within a step, again from the start after a StepConflict, `attempts` times in all."""
    for left in range(attempts - 1, -1, -1):
        try:
            with step(user, **options) as fresh:
                return work(fresh)
        except StepConflict:
            if left == 0:
                raise
    raise ValueError("attempts must be at least 1")


def collect(row: Any) -> None:
    """Inserts a new model instance at the end of the step, with all others of its model; outside of steps now.

    Their primary keys are set where the database tells them; save signals are not sent.
    """
    running = _current.get()
    if not running:
        row.save()
        return
    stepped = list(running.values())[-1]
    stepped.rows.setdefault(type(row), []).append(row)


def _identity(user: Any) -> tuple[Any, Any]:
    """Model and primary key; the key is None for users without a row."""
    if hasattr(user, "pk"):
        return (user._meta.model, user.pk) if user.pk is not None else (None, None)
    from django.contrib.auth import get_user_model

    return get_user_model(), user


def _read(model: Any, key: Any, alias: str, is_locked: bool) -> Any:
    from django.db import connections
    from django.db.models import F

    rows = model._base_manager.using(alias)
    features = connections[alias].features
    if is_locked and features.has_select_for_update:
        of = ("self",) if features.has_select_for_update_of else ()
        rows = rows.select_for_update(of=of)
    elif is_locked:
        # SQLite: whoever writes first has the file; reading first and writing later would fail
        # with "database is locked" when two have read.
        primary = model._meta.pk.name
        rows.filter(pk=key).update(**{primary: F(primary)})
    return rows.get(pk=key)


class _Stepped:
    """A user within a step: what the database knows of them, and what is not written yet.

    `known` is the JSON object as it was last saved, in copies, so that a list that was appended
    to in place is seen to have changed.
    """

    def __init__(self, user: Any, field: str, version: str | None, coalesce: bool, alias: str) -> None:
        self.user, self.field, self.version, self.coalesce, self.alias = user, field, version, coalesce, alias
        self.rows: dict[Any, list[Any]] = {}  # collected, by model
        self.pending: dict[str, Any] = {}  # columns
        self.changed: set[str] = set()  # keys of the JSON object
        self.removed: set[str] = set()
        self.whole = False  # the JSON value is no object, or was none: write all of it
        self._remember()
        user.save = self.save
        user.refresh_from_db = self.refresh

    def release(self) -> None:
        """Gives the user their own methods back."""
        for name in ("save", "refresh_from_db"):
            self.user.__dict__.pop(name, None)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Stands in for the model's save()."""
        if args or set(kwargs) - {"update_fields", "using"} or kwargs.get("using") not in (None, self.alias):
            self.flush()
            type(self.user).save(self.user, *args, **kwargs)
            self._remember()
            return
        self._collect(kwargs.get("update_fields"))
        if not self.coalesce:
            self.flush()

    def refresh(self, *args: Any, **kwargs: Any) -> None:
        """Stands in for refresh_from_db(): what was saved is written first, what was not is lost."""
        self.flush()
        type(self.user).refresh_from_db(self.user, *args, **kwargs)
        self._remember()

    def flush(self) -> None:
        """Writes what save() collected."""
        if self.user.pk is None or not (self.pending or self.changed or self.removed or self.whole):
            return
        from django.db import DatabaseError
        from django.db.models.signals import post_save, pre_save

        values = {**self.pending, **self._json_value()}
        names = frozenset(values)
        model = type(self.user)
        about = {"instance": self.user, "raw": False, "using": self.alias, "update_fields": names}
        pre_save.send(sender=model, **about)
        rows = model._base_manager.using(self.alias).filter(pk=self.user.pk)
        if self.version is not None:
            seen = getattr(self.user, self.version)
            values[self.version] = seen + 1
            if rows.filter(**{self.version: seen}).update(**values) == 0:
                raise StepConflict(f"{model.__name__} {self.user.pk} was written by somebody else")
            setattr(self.user, self.version, seen + 1)
        elif rows.update(**values) == 0:
            raise DatabaseError(f"{model.__name__} {self.user.pk} was deleted within its step")
        self.pending, self.changed, self.removed, self.whole = {}, set(), set(), False
        post_save.send(sender=model, created=False, **about)

    def insert(self) -> None:
        """Writes what collect() gathered."""
        for model, rows in self.rows.items():
            model._base_manager.using(self.alias).bulk_create(rows)
        self.rows = {}

    def _remember(self) -> None:
        self.columns = {f.attname: _frozen(self.user.__dict__[f.attname]) for f in self._fields()}
        data = getattr(self.user, self.field)
        self.known = {name: _frozen(value) for name, value in data.items()} if isinstance(data, dict) else None

    def _fields(self) -> Iterator[Any]:
        for field in self.user._meta.concrete_fields:
            apart = field.primary_key or field.name in (self.field, self.version)
            if not apart and field.attname in self.user.__dict__:
                yield field

    def _collect(self, only: Any) -> None:
        """Notes what differs from the last save; `only`: the names of columns that count."""
        for column in self._fields():
            if only is None or column.name in only or column.attname in only:
                value = column.pre_save(self.user, False)
                if _differs(self.columns[column.attname], value):
                    self.columns[column.attname] = _frozen(value)
                    self.pending[column.attname] = value
        if only is None or self.field in only:
            self._collect_keys(getattr(self.user, self.field))

    def _collect_keys(self, data: Any) -> None:
        if self.known is None or not isinstance(data, dict):
            self.known = {name: _frozen(value) for name, value in data.items()} if isinstance(data, dict) else None
            self.whole = True
            self.json = copy.deepcopy(data)
            return
        known = self.known
        for name, value in data.items():
            # What may change in place is known by a copy: the same object is the same value.
            old = known.get(name, _MISSING)
            if old is not value and (old is _MISSING or _differs(old, value)):
                known[name] = _frozen(value)
                self.changed.add(name)
                self.removed.discard(name)
        for name in [name for name in known if name not in data]:
            del known[name]
            self.removed.add(name)
            self.changed.discard(name)

    def _json_value(self) -> dict[str, Any]:
        """The JSON column as a value for update()."""
        if self.known is None:
            return {self.field: self.json} if self.whole else {}
        if not (self.whole or self.changed or self.removed):
            return {}
        from django.db import connections

        if self.whole or connections[self.alias].vendor != "postgresql":
            return {self.field: self.known}
        return {self.field: self._merge(self.known)}

    def _merge(self, known: dict[str, Any]) -> Any:
        """PostgreSQL's `data || changed - removed`."""
        from django.db.models import F, Func, Value

        column = self.user._meta.get_field(self.field)
        merged: Any = F(self.field)
        if self.changed:
            delta = Value({name: known[name] for name in sorted(self.changed)}, output_field=column)
            merged = Func(merged, delta, template="(%(expressions)s)", arg_joiner=" || ", output_field=column)
        if self.removed:
            names = Func(Value(sorted(self.removed)), template="%(expressions)s::text[]")
            merged = Func(merged, names, template="(%(expressions)s)", arg_joiner=" - ", output_field=column)
        return merged


def _frozen(value: Any) -> Any:
    """A copy of what may be changed in place; everything else as it is."""
    return copy.deepcopy(value) if isinstance(value, (dict, list, tuple)) else value


def _differs(old: Any, new: Any) -> bool:
    """Not the same JSON: 1, 1.0 and True are three values, a tuple is a list."""
    if isinstance(new, (dict, list, tuple)) or isinstance(old, (dict, list, tuple)):
        return json.dumps(old, default=repr) != json.dumps(new, default=repr)
    return type(old) is not type(new) or bool(old != new)
