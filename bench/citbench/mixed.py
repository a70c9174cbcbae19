"""Measures for work where quick and slow requests stand side by side."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from .cell import Cell
from .live import Live, Metrics
from .load import Sample
from .verify import Wrong, check

QUICK_CONNECTIONS = 32
LEARN_SECONDS = 1.5
_BIG = str(Path(__file__).parent / "bigclient.py")


def errors_of(sample: Sample) -> None:
    """Raises Wrong if wrk saw wrong answers, or too many broken connections."""
    if sample.errors.get("status"):
        raise Wrong(f"{sample.errors['status']} answers of {sample.requests} not 2xx")
    broken = sum(sample.errors.get(kind, 0) for kind in ("connect", "read", "write", "timeout"))
    if broken > max(5, sample.requests // 50):
        kinds = ", ".join(f"{v} {k}" for k, v in sample.errors.items() if v)
        raise Wrong(f"errors beside {sample.requests} requests: {kinds} {' '.join(sample.notes)}")


def plain(cell: Cell) -> Metrics:
    """One kind of request, as many as the server can take."""
    work, seconds = cell.work, cell.context.seconds
    with cell.live() as live:
        check(cell, live)
        live.warm(cell.path, cell.connections, cell.context.warm, work.mode, work.number)
        sample = live.load(cell.path, cell.connections, seconds, work.mode, work.number)
        errors_of(sample)
        return {**sample.row(), "pss_mb": live.pss_mb()}


def _beside(live: Live, slow: tuple[str, int], seconds: float, quick: int) -> tuple[Sample, Sample]:
    """Quick and slow load at once; the quick one is the measured one."""
    background = live.wrk(slow[0], slow[1], seconds)
    try:
        sample = live.load("/", quick, seconds)
    except BaseException:
        background.abandon()
        raise
    return sample, background.finish()


def _with_slow(cell: Cell, path: str, connections: int, quick: int = QUICK_CONNECTIONS) -> Metrics:
    """Quick load alone, then beside slow clients once the server has had time to learn them."""
    seconds = cell.context.seconds
    with cell.live() as live:
        check(cell, live)
        live.warm("/", quick, cell.context.warm, "get", 0)
        alone = live.load("/", quick, seconds)
        _beside(live, (path, connections), LEARN_SECONDS, quick)
        sample, slow = _beside(live, (path, connections), seconds, quick)
        for each in (alone, sample, slow):
            errors_of(each)
        return {
            **sample.row(),
            "alone_rps": round(alone.rps, 1),
            "alone_cpu_us": alone.cpu_us,
            "alone_p99_ms": alone.p99_ms,
            "kept": round(sample.rps / alone.rps, 4) if alone.rps else 0.0,
            "slow_rps": round(slow.rps, 1),
            "slow_p50_ms": slow.p50_ms,
            "disturbed": sample.disturbed or alone.disturbed,
            "pss_mb": live.pss_mb(),
        }


def sleepers6(cell: Cell) -> Metrics:
    return _with_slow(cell, "/sleep", 6)


def sleepers64(cell: Cell) -> Metrics:
    return _with_slow(cell, "/sleep", 64)


def waits20(cell: Cell) -> Metrics:
    """One client of a page with twenty waits: its time alone, and beside a saturating load."""
    seconds = cell.context.seconds
    with cell.live() as live:
        live.warm("/waits", 1, 0.5, "get", 0)
        alone = live.wrk("/waits", 1, max(1.0, seconds / 2)).finish()
    row = _with_slow(cell, "/waits", 1, 64)
    row["slow_alone_ms"] = alone.p50_ms
    row["stretch"] = row["slow_p50_ms"] / alone.p50_ms if alone.p50_ms else None
    return row


def heavy2(cell: Cell) -> Metrics:
    """Two clients of pure Python: their rate alone, and beside quick requests."""
    seconds = cell.context.seconds
    with cell.live() as live:
        live.warm("/heavy", 2, LEARN_SECONDS, "get", 0)
        alone = live.wrk("/heavy", 2, seconds).finish()
        errors_of(alone)
    row = _with_slow(cell, "/heavy", 2)
    row["slow_alone_rps"] = round(alone.rps, 1)
    row["slow_kept"] = round(row["slow_rps"] / alone.rps, 4) if alone.rps else 0.0
    return row


def heavy16(cell: Cell) -> Metrics:
    """Sixteen clients of pure Python and nothing else: threads must not make it slower."""
    with cell.live() as live:
        live.warm("/heavy", 16, LEARN_SECONDS, "get", 0)
        sample = live.load("/heavy", 16, max(3.0, cell.context.seconds))
        errors_of(sample)
        return {**sample.row(), "pss_mb": live.pss_mb()}


def big(cell: Cell) -> Metrics:
    """Quick load alone and beside one transfer of 100 MB/s; `path` says which way it goes."""
    seconds = cell.context.seconds
    way = cell.work.path
    with cell.live() as live:
        live.warm("/", QUICK_CONNECTIONS, cell.context.warm, "get", 0)
        alone = live.load("/", QUICK_CONNECTIONS, seconds)
        command = [sys.executable, _BIG, str(live.port), way, str(seconds + 2.0)]
        transfer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(1.0)
            sample = live.load("/", QUICK_CONNECTIONS, seconds)
            text, _ = transfer.communicate(timeout=30)
        finally:
            transfer.kill()
            transfer.wait()
        errors_of(sample)
        if not text.startswith("ok "):
            raise Wrong(f"transfer: {text.strip() or 'no result'}")
        return {
            **sample.row(),
            "alone_rps": round(alone.rps, 1),
            "alone_p99_ms": alone.p99_ms,
            "p99_moved_ms": round((sample.p99_ms or 0.0) - (alone.p99_ms or 0.0), 3),
            "big_mb_s": float(text.split()[1]),
            "disturbed": sample.disturbed or alone.disturbed,
            "pss_mb": live.pss_mb(),
        }
