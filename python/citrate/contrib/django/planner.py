"""Delayed calls for many users at once: a handful of statements instead of one for each.

An application that keeps a row for every delayed call (so that it can be seen, and taken back)
tends to write them one by one: 5,000 users and one changed session are 5,000 DELETEs and 5,000
INSERTs within somebody's request.  The planner compares what there is with what should be and
writes the difference:

    planner = Planner(Task, scheduler, init_session)
    planner.replace(Task.objects.filter(domain="init", session_id=7), plans)

The model of the rows has a unique text `key`, an aware `eta` and a text `task_id`; `extra` gives
the other columns of a row.  One SELECT, one DELETE and one INSERT for each `chunk` of rows; the
queue hears of it after the commit.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from citrate.contrib.scheduler import Call, Key, Scheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

UNITS = {
    "seconds": timedelta(seconds=1),
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
}


class Plan(NamedTuple):
    """A delayed call that should be: what for, when (aware), with which arguments."""

    key: Key
    eta: datetime
    args: Sequence[Any] = ()


class Outcome(NamedTuple):
    """What a planning did, in rows."""

    created: int
    kept: int
    removed: int


class Planner:
    """Keeps the rows of `model` and the queue behind `scheduler` as they should be.

    `task` is what the queue calls.  `extra(plan)` gives a dict of further columns.  `chunk` bounds
    the rows of one statement.
    """

    def __init__(
        self,
        model: Any,
        scheduler: Scheduler,
        task: Any,
        *,
        extra: Callable[[Plan], dict[str, Any]] = lambda plan: {},
        chunk: int = 1000,
        using: str | None = None,
    ) -> None:
        self.model, self.scheduler, self.task = model, scheduler, task
        self.extra, self.chunk, self.using = extra, chunk, using

    def replace(self, scope: Any, plans: Iterable[Plan]) -> Outcome:
        """Makes the rows within `scope` (a queryset) be exactly the plans.

        Rows whose eta stays the same are left alone, and so is their call.  Of two plans with one
        key the last counts.  All plans must belong to the scope.  In one transaction; raises what
        the database raises (IntegrityError when somebody plans the same keys meanwhile).
        """
        from django.db import transaction

        wanted = {str(plan.key): plan for plan in plans}
        with transaction.atomic(using=self.using):
            stale: dict[Any, str] = {}
            kept = 0
            for pk, key, eta, task_id in scope.values_list("pk", "key", "eta", "task_id").iterator(self.chunk):
                if key in wanted and wanted[key].eta == eta:
                    del wanted[key]
                    kept += 1
                else:
                    stale[pk] = task_id
            self._delete(stale)
            self._create(list(wanted.values()))
        return Outcome(len(wanted), kept, len(stale))

    def remove(self, scope: Any) -> Outcome:
        """Takes back all calls within a scope."""
        return self.replace(scope, ())

    def _delete(self, stale: dict[Any, str]) -> None:
        for keys in _chunks(list(stale), self.chunk):
            self._rows().filter(pk__in=keys).delete()
        self.scheduler.revoke(*stale.values())

    def _create(self, plans: list[Plan]) -> None:
        ids = [uuid.uuid4().hex for _ in plans]
        rows = [
            self.model(key=str(plan.key), eta=plan.eta, task_id=task_id, **self.extra(plan))
            for plan, task_id in zip(plans, ids, strict=True)
        ]
        self._rows().bulk_create(rows, batch_size=self.chunk)
        self.scheduler.schedule_many(
            Call(self.task, plan.args, plan.eta, None, task_id) for plan, task_id in zip(plans, ids, strict=True)
        )

    def _rows(self) -> Any:
        manager = self.model._default_manager
        return manager.using(self.using) if self.using else manager.all()


def plan_sessions(
    sessions: Iterable[Any], accesses: Iterable[Any], *, now: datetime | None = None, domain: str = "init"
) -> Iterator[Plan]:
    """When each enrolled user begins each session of their programme.

    A session has `id`, `program_id`, `scheduled`, `start_time_delta` (a number) and
    `start_time_unit` (a key of UNITS); an access has `program_id`, `user_id`, `start_time` (aware)
    and `time_factor`, by which all spans of time are multiplied.  Moments before `now` are left
    out: they are not made up for.  The arguments of the call are (session, user).
    """
    now = now or datetime.now(timezone.utc)
    by_program: dict[Any, list[Any]] = {}
    for access in accesses:
        by_program.setdefault(access.program_id, []).append(access)
    for session in sessions:
        if not session.scheduled:
            continue
        span = UNITS[session.start_time_unit] * session.start_time_delta
        for access in by_program.get(session.program_id, ()):
            eta = access.start_time + span * float(access.time_factor)
            if eta >= now:
                key = Key(domain, session.id, 0, access.user_id)
                yield Plan(key, eta, (session.id, access.user_id))


def _chunks(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
