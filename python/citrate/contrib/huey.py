"""Delayed calls through Huey 1.x, 2.x and 3.x.

    from huey.contrib.djhuey import HUEY
    scheduler = HueyScheduler(HUEY)
    scheduler.schedule(transition, (session, node, user, stack), eta, key=Key("delay", session, node, user))

Source of the two ways to give an id: `TaskWrapper.schedule` of Huey 1.11.0 (`task_id=`) and of
2.0.0, 2.5.3 and 3.5.4 (`id=`).
"""

from __future__ import annotations

import inspect
from collections.abc import MutableMapping
from typing import Any

from citrate.contrib.scheduler import Call, Key, Scheduler, local_naive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

__all__ = ["Call", "HueyKeys", "HueyScheduler", "Key"]


class HueyScheduler(Scheduler):
    """Schedules tasks made by `huey.task()` (or djhuey's `task`, `db_task`).

    `huey` is the Huey object, needed for taking calls back.  Keys are remembered in its result
    store, so for all processes that share it.  Within the hour that a change to winter time
    repeats, a call may be made an hour off: Huey is given local time without a zone, the only
    form all its versions understand.
    """

    def __init__(self, huey: Any, *, keys: MutableMapping[str, str] | None = None, using: str | None = None) -> None:
        super().__init__(keys=HueyKeys(huey) if keys is None else keys, using=using)
        self.huey = huey

    def send(self, task: Any, args: Sequence[Any], eta: datetime, task_id: str) -> None:
        task.schedule(args=tuple(args), eta=local_naive(eta), **{_id_argument(task.schedule): task_id})

    def cancel(self, task_id: str) -> None:
        self.huey.revoke_by_id(task_id, revoke_once=True)


class HueyKeys(MutableMapping[str, str]):
    """Keys of calls in Huey's own key-value store; cannot be listed."""

    def __init__(self, huey: Any, prefix: str = "citrate.key.") -> None:
        self._huey = huey
        self._prefix = prefix

    def __getitem__(self, key: str) -> str:
        found = self._huey.get(self._prefix + key, peek=True)
        if found is None:
            raise KeyError(key)
        return str(found)

    def __setitem__(self, key: str, task_id: str) -> None:
        self._huey.put(self._prefix + key, task_id)

    def __delitem__(self, key: str) -> None:
        self._huey.get(self._prefix + key)  # without peek: reads and removes

    def __iter__(self) -> Iterator[str]:
        raise TypeError("the keys in Huey's store cannot be listed")

    def __len__(self) -> int:
        raise TypeError("the keys in Huey's store cannot be counted")


def _id_argument(schedule: Any) -> str:
    """What this version of Huey calls the id."""
    return "task_id" if "task_id" in inspect.signature(schedule).parameters else "id"
