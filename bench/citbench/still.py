"""Measures of what a server costs when it does little: idle connections, start, memory, workers."""

from __future__ import annotations

import subprocess
import time

from . import proc
from .cell import Cell
from .live import Live, Metrics, environment
from .mixed import errors_of
from .servers import BENCH
from .strict import Bad, Client
from .verify import Wrong, check

IDLE = 10_000
OPEN_S = 60.0  # then no more are opened: some servers take seconds for each
SERVED_S = 30.0  # then those that have not answered are not served
_START_ROUNDS = 3


def idle10k(cell: Cell) -> Metrics:
    """Ten thousand keep-alive connections that have asked once: memory, service, p99."""
    seconds = cell.context.seconds
    with cell.live(idle=True) as live:
        live.warm("/", 64, cell.context.warm, "get", 0)
        alone = live.load("/", 64, seconds)
        before = proc.pss_kb(live.root)
        clients = _open_idle(live)
        try:
            opened = len(clients)
            grown = proc.pss_kb(live.root) - before
            sample = live.load("/", 64, seconds)
            served = _served(clients)
        finally:
            for client in clients:
                client.close()
        errors_of(sample)
        return {
            **sample.row(),
            "opened": opened,
            "served": served,
            "bytes_each": round(grown * 1024 / max(1, opened)),
            "alone_p99_ms": alone.p99_ms,
            "p99_moved_ms": round((sample.p99_ms or 0.0) - (alone.p99_ms or 0.0), 3),
            "disturbed": sample.disturbed or alone.disturbed,
            "pss_mb": live.pss_mb(),
        }


def _open_idle(live: Live) -> list[Client]:
    """As many as the server takes in time; each has had one answer, so each is really idle."""
    until = time.monotonic() + OPEN_S
    clients: list[Client] = []
    for i in range(IDLE):
        if time.monotonic() > until:
            break
        try:
            client = Client(live.port, 5.0, f"127.0.1.{i % 50 + 1}")
            clients.append(client)
            if client.ask("/").status != 200:
                break
        except (OSError, Bad):
            break
    return clients


def _served(clients: list[Client]) -> int:
    """How many answer a second request within the time all of them have together."""
    until = time.monotonic() + SERVED_S
    served = 0
    for client in clients:
        client.sock.settimeout(max(0.001, min(5.0, until - time.monotonic())))
        try:
            served += client.ask("/").status == 200
        except (OSError, Bad):
            continue
    return served


def start(cell: Cell) -> Metrics:
    """From the command to the first answer, beside the interpreter that only imports."""
    answers, imports = [], []
    for _ in range(_START_ROUNDS):
        with cell.live() as live:
            answers.append(live.first_answer_s * 1e3)
        imports.append(_import_ms(cell))
    first, bare = sorted(answers)[1], sorted(imports)[1]
    return {"first_ms": round(first, 1), "import_ms": round(bare, 1)}


def _import_ms(cell: Cell) -> float:
    module = cell.start.app.partition(":")[0]
    paths = cell.context.paths
    python = paths.citrate_python if cell.server.kind == "citrate" else paths.python
    begin = time.monotonic()
    subprocess.run(
        [python, "-c", f"import {module}"],
        check=True,
        env=environment(cell.server, paths),
        cwd=BENCH / "apps",
    )
    return (time.monotonic() - begin) * 1e3


def memory(cell: Cell) -> Metrics:
    """PSS of supervisor and one worker that has answered once and rests."""
    with cell.live() as live:
        check(cell, live)
        time.sleep(1.0)
        return {"pss_mb": live.pss_mb(), "processes": len(proc.tree(live.root))}


def workers2(cell: Cell) -> Metrics:
    """Two workers beside one: what a request costs then is what two can do then."""
    samples = []
    for workers in (1, 2):
        with cell.live(workers=workers) as live:
            live.warm("/", cell.connections, cell.context.warm, "get", 0)
            samples.append(live.load("/", cell.connections, cell.context.seconds))
            errors_of(samples[-1])
    one, two = samples
    if not one.cpu_us or not two.cpu_us:
        raise Wrong("no requests answered")
    return {
        **two.row(),
        "one_cpu_us": one.cpu_us,
        "one_rps": round(one.rps, 1),
        "gain": round(2 * one.cpu_us / two.cpu_us, 3),
        "disturbed": one.disturbed or two.disturbed,
    }
