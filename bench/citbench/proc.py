"""Processes: trees, exact CPU time, memory, waiting for a CPU.

CPU time is read from the kernel's per-process clocks (nanoseconds), not from the ticks
of /proc/PID/stat; only children that were already reaped are counted in ticks.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat counted after the command name, which may contain blanks.
_PPID, _SESSION, _CUTIME, _CSTIME = 1, 3, 13, 14


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()


def tree(root: int) -> list[int]:
    """The live processes of the session that root leads, and its descendants elsewhere."""
    rows: dict[int, list[str]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = _stat(int(name))
            if stat is not None and stat[0] != "Z":
                rows[int(name)] = stat
    members = {pid for pid, stat in rows.items() if pid == root or int(stat[_SESSION]) == root}
    grown = True
    while grown:
        grown = False
        for pid, stat in rows.items():
            if pid not in members and int(stat[_PPID]) in members:
                members.add(pid)
                grown = True
    return sorted(members)


def clock_ns(pid: int) -> int:
    """CPU time of one process, all its threads, in ns; 0 if it is gone."""
    try:
        # The kernel's clock id of another process: its number, inverted, and CPUCLOCK_SCHED.
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        return 0


def cpu_ns(root: int) -> int:
    """CPU time of the whole tree under root, reaped children included, in ns."""
    total = 0
    for pid in tree(root):
        total += clock_ns(pid)
        stat = _stat(pid)
        if stat is not None:
            total += (int(stat[_CUTIME]) + int(stat[_CSTIME])) * _TICK_NS
    return total


def pss_kb(root: int) -> int:
    """Proportional memory of the whole tree under root, in KiB."""
    total = 0
    for pid in tree(root):
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        for line in text.splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


def runnable_wait_ns(pid: int) -> int:
    """How long the threads of a process have waited for a CPU while they could run, in ns."""
    total = 0
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            total += int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        pass
    return total


@dataclass(frozen=True)
class Machine:
    """What all CPUs have done so far: process time and stolen time, in ns.

    Interrupt time is left out: on loopback it belongs to the work measured, and is
    already in the clocks of the processes or in nobody's.
    """

    busy_ns: int
    steal_ns: int

    @staticmethod
    def now() -> Machine:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
        user, nice, system = (int(x) for x in fields[:3])
        return Machine((user + nice + system) * _TICK_NS, int(fields[7]) * _TICK_NS)
