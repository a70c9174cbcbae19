"""Delayed calls through Celery.

    scheduler = CeleryScheduler()
    scheduler.schedule(transition, (session, node, user, stack), eta, key=Key("delay", session, node, user))

Celery has no store of its own for keys: give `keys` a mapping all processes share (a table, Redis),
or use keys within one process only.  Taking a call back tells the workers that run now; a worker
that starts later has not heard of it (https://docs.celeryq.dev, "Revoking tasks": --statedb).
"""

from __future__ import annotations

from datetime import timezone
from typing import Any

from citrate.contrib.scheduler import Call, Key, Scheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence
    from datetime import datetime

__all__ = ["Call", "CeleryScheduler", "Key"]


class CeleryScheduler(Scheduler):
    """Schedules tasks made by `@app.task` or `@shared_task`.

    `app` is the Celery application, needed for taking calls back; default: the one that is
    current then.  `options` go to every `apply_async` (queue, expires, priority...).
    """

    def __init__(
        self,
        app: Any = None,
        *,
        keys: MutableMapping[str, str] | None = None,
        using: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(keys=keys, using=using)
        self._app = app
        self._options = options

    def send(self, task: Any, args: Sequence[Any], eta: datetime, task_id: str) -> None:
        task.apply_async(args=tuple(args), eta=eta.astimezone(timezone.utc), task_id=task_id, **self._options)

    def cancel(self, task_id: str) -> None:
        self._application().control.revoke(task_id)

    def _application(self) -> Any:
        if self._app is None:
            from celery import current_app

            return current_app
        return self._app
