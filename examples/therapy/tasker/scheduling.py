"""How delayed tasks get to their time: through Huey, or (without Redis) by waiting in their table."""

from functools import cache

from citrate.contrib.huey import HueyScheduler
from citrate.contrib.scheduler import CallbackScheduler


@cache
def get_scheduler():
    """The scheduler of this process."""
    from huey.contrib.djhuey import HUEY

    if HUEY.immediate:
        # Huey would keep them in this process's memory, where no consumer looks: `manage.py run_due`
        # finds them in the table.
        return CallbackScheduler(lambda task, args, eta, task_id: None)
    return HueyScheduler(HUEY, keys={})  # the table knows the keys
