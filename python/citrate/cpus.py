"""How many processors this process may use: the number behind ``--workers auto``.

Three things bound it: the scheduler's affinity mask, the CPU quota of the control
group (containers, ``CPUQuota=`` of systemd), and Python's own ``PYTHON_CPU_COUNT``.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def available(root: str = "/") -> int:
    """Processors this process may use, at least 1; part of one counts as one.

    ``root`` stands for the file system the control groups are looked up in (tests).
    """
    count = _by_affinity()
    quota = _by_quota(root)
    if quota is not None:
        count = min(count, int(-(-quota // 1)))
    return max(1, count)


def _by_affinity() -> int:
    counter = getattr(os, "process_cpu_count", None)  # 3.13: knows PYTHON_CPU_COUNT too
    if counter is not None:
        return counter() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _by_quota(root: str) -> float | None:
    """The smallest quota of the process's control group and all above it, in processors."""
    quotas = []
    for line in _read(os.path.join(root, "proc/self/cgroup")).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":
            quotas += _walk(os.path.join(root, "sys/fs/cgroup"), path, _quota_v2)
        elif "cpu" in controllers.split(","):
            quotas += _walk(os.path.join(root, "sys/fs/cgroup/cpu"), path, _quota_v1)
    return min(quotas, default=None)


def _walk(base: str, path: str, quota_of: Callable[[str], float | None]) -> list[float]:
    """Quotas of a group and its parents.  In a container the path may not exist: its root does."""
    parts = [part for part in path.split("/") if part]
    found = []
    for depth in range(len(parts), -1, -1):
        quota = quota_of(os.path.join(base, *parts[:depth]))
        if quota is not None:
            found.append(quota)
    return found


def _quota_v2(group: str) -> float | None:
    fields = _read(os.path.join(group, "cpu.max")).split()
    if len(fields) != 2 or fields[0] == "max":
        return None
    return _ratio(fields[0], fields[1])


def _quota_v1(group: str) -> float | None:
    quota = _read(os.path.join(group, "cpu.cfs_quota_us")).strip()
    period = _read(os.path.join(group, "cpu.cfs_period_us")).strip()
    return _ratio(quota, period)


def _ratio(quota: str, period: str) -> float | None:
    try:
        used, whole = int(quota), int(period)
    except ValueError:
        return None
    return used / whole if used > 0 and whole > 0 else None


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""
