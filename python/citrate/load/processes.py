"""Processes as /proc tells of them: what a group of them uses (Linux; elsewhere: nothing is there).

CPU time comes from the kernel's clock of each process, in nanoseconds, not from the ticks of
/proc/PID/stat.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat counted after the command's name, which may contain blanks.
_STATE, _PARENT, _USER, _SYSTEM, _THREADS, _STARTED, _RSS = 0, 1, 11, 12, 17, 19, 21

SEARCH_SECONDS = 10.0
PSS_SECONDS = 5.0


def stat(pid: int) -> list[str] | None:
    """The fields behind the name; None when the process is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read().decode(errors="replace")
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[_STATE] == "Z" else fields


def everybody() -> list[int]:
    """All processes there are."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return []


def with_descendants(roots: Iterable[int]) -> set[int]:
    """The processes and all below them."""
    parents = {pid: int(fields[_PARENT]) for pid in everybody() if (fields := stat(pid)) is not None}
    found = {pid for pid in roots if pid in parents}
    grown = bool(found)
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found


def cpu_ns(pid: int, fields: list[str]) -> int:
    """CPU time of a process, all its threads."""
    try:
        # The kernel's id of another process's clock: its number, inverted, and CPUCLOCK_SCHED.
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        return (int(fields[_USER]) + int(fields[_SYSTEM])) * _TICK_NS


def pss_bytes(pid: int) -> int | None:
    """Memory with a fair share of what is shared; None when it may not be read."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def command_of(pid: int) -> list[str]:
    """Its command line."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read(4096).decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return []


def is_citrate(pid: int) -> bool:
    """Whether Citrate's extension module is loaded in it, or else, where that may not be read, its command says so."""
    try:
        with open(f"/proc/{pid}/maps", "rb") as file:
            return b"/citrate/_native" in file.read()
    except OSError:
        words = command_of(pid)[:3]
        return any(os.path.basename(word) in ("citrate", "runcitrate") for word in words)


class Group:
    """The processes of a server, which come and go.

    ``find`` gives those there are now; it is asked when one is gone and every ``search`` seconds, since
    it may have to look at all processes of the machine.
    """

    def __init__(self, find: Callable[[], set[int]], search: float = SEARCH_SECONDS):
        self._find = find
        self._search = search
        self._found_at = self._pss_at = float("-inf")
        self._seen: dict[tuple[int, str], int] = {}  # (pid, its start): CPU time
        self._pss: int | None = None
        self.looked_at = 0.0
        """When the CPU time was read, of the monotonic clock; on a busy machine that is not when it was asked for."""
        self.pids: set[int] = set()
        self.name = ""
        self.is_citrate = False

    def cpu_ns(self) -> int:
        """CPU time of all processes that have been seen, also of those that are gone."""
        self._look()
        return sum(self._seen.values())

    def sample(self) -> dict[str, object]:
        """What they use now: "cpu" (seconds so far), "rss", "pss" (bytes), "processes", "threads", "name" …"""
        rows = self._look()
        now = time.monotonic()
        if now - self._pss_at >= PSS_SECONDS:  # the kernel walks all their pages for it
            self._pss_at = now
            parts = [pss_bytes(pid) for pid in rows]
            self._pss = sum(p for p in parts if p is not None) if parts and None not in parts else None
        return {
            "cpu": round(sum(self._seen.values()) / 1e9, 6),
            "rss": sum(int(fields[_RSS]) for fields in rows.values()) * _PAGE,
            "pss": self._pss,
            "processes": len(rows),
            "threads": sum(int(fields[_THREADS]) for fields in rows.values()),
            "name": self.name,
            "citrate": self.is_citrate,
        }

    def _look(self) -> dict[int, list[str]]:
        now = time.monotonic()
        rows = self._rows()
        if len(rows) < len(self.pids) or now - self._found_at >= self._search:
            self._found_at = now
            self.pids = self._find()
            rows = self._rows()
            if not self.name and rows:
                self._name_it(rows)
        for pid, fields in rows.items():
            self._seen[pid, fields[_STARTED]] = cpu_ns(pid, fields)
        self.looked_at = time.monotonic()
        return rows

    def _rows(self) -> dict[int, list[str]]:
        return {pid: fields for pid in self.pids if (fields := stat(pid)) is not None}

    def _name_it(self, rows: dict[int, list[str]]) -> None:
        oldest = min(rows, key=lambda pid: (int(rows[pid][_STARTED]), pid))
        words = command_of(oldest)
        self.name = " ".join([os.path.basename(words[0]), *words[1:]])[:200] if words else ""
        self.is_citrate = any(is_citrate(pid) for pid in rows)
