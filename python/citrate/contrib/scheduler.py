"""Delayed calls, whoever makes them: what the adapters of Huey and Celery have in common.

A scheduler takes a task, its arguments and a moment, and gives back an id by which the call can
be taken back.  It speaks to its queue after the surrounding Django transaction has committed, so
that a worker never looks for rows that are not there yet and a step that is rolled back leaves
nothing behind; outside of a transaction, and without Django, it speaks at once.

A key (domain, session, node, user) makes a call the only one of its kind: scheduling it again
replaces the one before.
"""

from __future__ import annotations

import sys
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping, Sequence

# A call that should have been made this long ago has been made: taking it back would only leave
# a note in the queue that nobody ever removes.
LATE = timedelta(hours=1)


class Key(NamedTuple):
    """What a delayed call is for; two calls with equal keys are one call."""

    domain: str  # "delay", "init", or whatever the application tells apart
    session: int | str
    node: int | str
    user: int | str

    def __str__(self) -> str:
        return ":".join(str(part) for part in self)


class Call(NamedTuple):
    """One delayed call: of `task` with `args` at `eta`."""

    task: Any
    args: Sequence[Any]
    eta: datetime
    key: Key | str | None = None
    task_id: str | None = None


class Scheduler:
    """Base of the adapters; they supply `send` and `cancel`.

    `keys` is where id and eta of the call with a key are remembered (default: within this object,
    so for one process).  `using` names the Django database whose transaction is waited for.
    """

    def __init__(self, *, keys: MutableMapping[str, str] | None = None, using: str | None = None) -> None:
        self.keys: MutableMapping[str, str] = {} if keys is None else keys
        self.using = using

    def schedule(
        self,
        task: Any,
        args: Sequence[Any] = (),
        eta: datetime | None = None,
        *,
        key: Key | str | None = None,
        task_id: str | None = None,
    ) -> str:
        """Calls `task(*args)` at `eta` (default: at once); returns the call's id.

        A naive eta is local time, as everywhere in Python.  `task_id` chooses the id, for
        applications that write it down before the call is made.
        """
        call = Call(task, args, eta or datetime.now(timezone.utc), key, task_id)
        return self.schedule_many([call])[0]

    def schedule_many(self, calls: Iterable[Call]) -> list[str]:
        """Schedules all of them after one commit; returns their ids in the same order."""
        ready = [call._replace(task_id=call.task_id or uuid.uuid4().hex) for call in calls]
        if ready:
            after_commit(lambda: self._send_all(ready), self.using)
        return [str(call.task_id) for call in ready]

    def revoke(self, *task_ids: str) -> None:
        """Takes calls back that have not begun; unknown ids are let go."""
        if task_ids:
            after_commit(lambda: self._cancel_all(task_ids), self.using)

    def revoke_key(self, key: Key | str) -> None:
        """Takes the call with this key back, if there is one."""
        after_commit(lambda: self._forget(str(key)), self.using)

    def send(self, task: Any, args: Sequence[Any], eta: datetime, task_id: str) -> None:
        """Hands one call to the queue; `eta` is aware."""
        raise NotImplementedError

    def cancel(self, task_id: str) -> None:
        """Tells the queue not to make a call."""
        raise NotImplementedError

    def _send_all(self, calls: Sequence[Call]) -> None:
        for call in calls:
            if call.key is not None:
                self._forget(str(call.key))
            eta = aware(call.eta)
            self.send(call.task, call.args, eta, str(call.task_id))
            if call.key is not None:
                self.keys[str(call.key)] = f"{call.task_id} {eta.timestamp():.0f}"

    def _cancel_all(self, task_ids: Sequence[str]) -> None:
        for task_id in task_ids:
            self.cancel(task_id)

    def _forget(self, key: str) -> None:
        earlier = self.keys.get(key)
        if earlier is None:
            return
        task_id, _, at = earlier.partition(" ")
        if datetime.fromtimestamp(float(at), timezone.utc) > datetime.now(timezone.utc) - LATE:
            self.cancel(task_id)
        del self.keys[key]


class CallbackScheduler(Scheduler):
    """Hands calls to two functions: for queues of one's own, and for tests.

    `send(task, args, eta, task_id)` gets an aware eta; `cancel(task_id)` may be left out.
    """

    def __init__(
        self,
        send: Callable[[Any, Sequence[Any], datetime, str], object],
        cancel: Callable[[str], object] = lambda task_id: None,
        *,
        keys: MutableMapping[str, str] | None = None,
        using: str | None = None,
    ) -> None:
        super().__init__(keys=keys, using=using)
        self._on_send, self._on_cancel = send, cancel

    def send(self, task: Any, args: Sequence[Any], eta: datetime, task_id: str) -> None:
        self._on_send(task, args, eta, task_id)

    def cancel(self, task_id: str) -> None:
        self._on_cancel(task_id)


def aware(moment: datetime) -> datetime:
    """The same moment with a time zone; naive ones are local time."""
    return moment.astimezone() if moment.tzinfo is None else moment


def local_naive(moment: datetime) -> datetime:
    """The same moment as the process's clock on the wall shows it, without a time zone."""
    return aware(moment).astimezone().replace(tzinfo=None)


def after_commit(call: Callable[[], object], using: str | None = None) -> None:
    """Calls when the Django transaction around commits; at once without one, or without Django."""
    if "django.db" in sys.modules:
        from django.conf import settings
        from django.db import transaction

        if settings.configured:
            transaction.on_commit(call, using=using)
            return
    call()
