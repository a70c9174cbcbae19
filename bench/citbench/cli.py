"""The command: choose, prepare, run in interleaved rounds, report."""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from . import command, prepare
from .cell import Cell, Context, Work
from .command import Tables, chosen
from .live import Dead, Ports
from .prepare import say
from .report import markdown, summary
from .results import Results
from .servers import SERVERS, Server
from .verify import Wrong
from .works import WORKS

QUICK_WORKS = "hello,pipelined,out100k,echo1k,flask,django,sleepers6,memory"
QUICK_SERVERS = "citrate,floor,nginx,fastpysgi,peregrine,bjoern,granian"
BUDGET_MINUTES = 57.0
HEAVY_MS = 10.0
_RETRIES = 1
# How far behind the estimate a run may be and still repeat disturbed cells, in minutes.
_SLACK_MINUTES = 0.5


TABLES = Tables(Results.load, markdown, summary, "bench")


def main(argv: list[str] | None = None) -> int:
    args = _arguments(argv)
    return command.run(args, TABLES, _list, lambda: Run(args).run())


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    p = argparse.ArgumentParser(prog="bench/run", description="Compare Citrate with its rivals.")
    p.add_argument("--quick", action="store_true", help="the short form, under five minutes")
    p.add_argument("--list", action="store_true", help="list kinds of work and servers, and end")
    p.add_argument("--work", help="only these, by comma (see --list)")
    p.add_argument("--servers", help="only these, by comma (see --list)")
    p.add_argument("--setups", default="tuned,threads", help="tuned, threads or both (default)")
    p.add_argument("--rounds", type=int, help="rounds, each with fresh processes (5; quick 2)")
    p.add_argument("--seconds", type=float, help="seconds measured in a round (1.5; quick 1)")
    p.add_argument("--warm", type=float, default=0.5, help="seconds of load before (%(default)s)")
    p.add_argument("--connections", type=int, help="connections of plain work (64 or as named)")
    p.add_argument("--pin", action="store_true", help="server on CPU 0, wrk on CPU 1")
    command.add_options(p, TABLES, "18200-18399")
    return p.parse_args(argv)


def _list() -> None:
    print("Work:")
    for work in WORKS.values():
        print(f"  {work.name:<14} {work.title} [{', '.join(work.setups)}]")
    print("Servers:")
    for server in SERVERS.values():
        print(f"  {server.name:<14} {server.settings}{' (when asked for)' if server.extra else ''}")


class Run:
    """One comparison, from preparation to tables."""

    def __init__(self, args: argparse.Namespace) -> None:
        quick = args.quick
        works = args.work or (QUICK_WORKS if quick else None)
        servers = args.servers or (QUICK_SERVERS if quick else None)
        self.args = args
        self.works = [WORKS[n] for n in chosen(works, WORKS, "work")]
        self.servers = [SERVERS[n] for n in chosen(servers, SERVERS, "server")]
        self.short = quick and not args.work
        """Each work in its first set-up only."""
        self.by_name = args.servers is not None
        setups = {"tuned": None, "threads": None}
        self.setups = chosen(args.setups, setups, "set-up")
        self.rounds = args.rounds or (2 if quick else 5)
        self.seconds = args.seconds or (1.0 if quick else 1.5)
        self.results = Results()
        self.done = 0
        self.began = 0.0

    def run(self) -> int:
        _raise_descriptors()
        self._fit()
        citrate = any(s.kind == "citrate" for s in self.servers)
        setup = not self.args.no_setup
        paths = prepare.prepare(self.args.build, self.args.citrate_python, citrate, setup)
        first, _, last = self.args.ports.partition("-")
        os.environ["BENCH_HEAVY"] = prepare.heavy_rounds(paths, HEAVY_MS)
        wanted = {(w.app, w.path) for w in self.works if w.mode != "post"}
        self.context = Context(
            paths,
            Ports(int(first), int(last)),
            self.seconds,
            self.args.warm,
            self.args.pin,
            prepare.expected_bodies(paths, wanted - {("mixed:app", "/upload")}),
            self.args.connections,
        )
        output = command.output_of(self.args, TABLES)
        with output.open("w") as out:
            self.results.out = out
            self.began = time.monotonic()
            self.results.add(self._about())
            self._bare_calls()
            for work, name in self._pairs():
                self._compare(work, name)
        command.show(self.args, TABLES, self.results, output)
        return 0

    def _about(self) -> dict[str, Any]:
        shown = [a for a in sys.argv[1:] if not a.startswith("--citrate-python")]
        return {
            "kind": "machine",
            "date": f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
            "command": shlex.join(["bench/run", *shown]),
            "rounds": self.rounds,
            "seconds": self.seconds,
            **prepare.machine(self.context.paths),
        }

    def _members(self, work: Work, setup: str) -> list[Server]:
        """Who takes part in this work, in this set-up."""
        return [server for server in self.servers if self._takes_part(server, work, setup)] + [
            SERVERS[name]
            for name in work.also
            if SERVERS[name] not in self.servers and any(s.kind == "citrate" for s in self.servers) and not self.by_name
        ]

    def _takes_part(self, server: Server, work: Work, setup: str) -> bool:
        if server.kind == "reference":
            return server.name in work.references
        if server.name in work.also:
            return True
        if server.extra and not self.by_name:
            return False
        if work.needs and not getattr(server, work.needs):
            return False
        return setup == "tuned" or server.threaded

    def _rounds_of(self, server: Server, work: Work) -> int:
        rounds = min(self.rounds, work.rounds or self.rounds)
        return min(rounds, 1) if server.field and not self.by_name else rounds

    def _schedule(self, work: Work, setup: str) -> Iterator[tuple[int, Server]]:
        """Rounds over the servers, each round beginning with another one."""
        members = self._members(work, setup)
        for number in range(self.rounds):
            turn = number % max(1, len(members))
            for server in members[turn:] + members[:turn]:
                if number < self._rounds_of(server, work):
                    yield number, server

    def _cells(self) -> int:
        return sum(1 for work, setup in self._pairs() for _ in self._schedule(work, setup))

    def _pairs(self) -> Iterator[tuple[Work, str]]:
        for work in self.works:
            for setup in self.setups:
                if setup in work.setups and not (self.short and setup != work.setups[0]):
                    yield work, setup

    def _estimate(self) -> float:
        """Minutes, from what a cell of each work takes."""
        total = 0.0
        for work, setup in self._pairs():
            cell = self.args.warm + work.cost[0] + work.cost[1] * self.seconds
            total += cell * sum(1 for _ in self._schedule(work, setup))
        return total / 60 + 0.3

    def _fit(self) -> None:
        """Fewer rounds if the usual ones would take longer than the comparison may."""
        while not self.args.rounds and self._estimate() > BUDGET_MINUTES and self.rounds > 2:
            self.rounds -= 1
        self.total = self._cells()
        say(f"bench: {self.total} cells, about {self._estimate():.0f} minutes")

    def _bare_calls(self) -> None:
        for work in self.works:
            if work.bare and not self.by_name:
                cost = prepare.bare_call(self.context.paths, work.app, work.path, 0.5)
                say(f"bench: {work.name}: bare call {cost:.3g} us")
                row = {"kind": "cell", "work": work.name, "server": "bare call", "round": 0}
                self.results.add({**row, "setup": "tuned", "cpu_us": round(cost, 3)})

    def _compare(self, work: Work, setup: str) -> None:
        failed: set[str] = set()
        for number, server in self._schedule(work, setup):
            self.done += 1
            if server.name in failed:
                continue
            cell = Cell(work, server, setup, number, self.context)
            row = self._measure(cell)
            if "failed" in row:
                failed.add(server.name)
            about = {"kind": "cell", "setup": setup, "work": work.name, "server": server.name}
            self.results.add({**about, "round": number, **row})
            self._progress(cell, row)

    def _measure(self, cell: Cell) -> dict[str, Any]:
        """One cell; again if other work on the machine disturbed it, and the calmer one counts."""
        best: dict[str, Any] = {}
        for _ in range(1 + _RETRIES):
            try:
                row = cell.work.measure(cell)
            except Wrong as e:
                return {"failed": f"wrong: {e}"}
            except Dead as e:
                return {"failed": f"died: {e}"}
            except (OSError, ValueError, subprocess.SubprocessError) as e:
                return {"failed": f"died: {type(e).__name__}: {e}"}
            if not best or row.get("neighbours", 0) < best.get("neighbours", 0):
                best = row
            if not row.get("disturbed") or self._is_late():
                break
        return best

    def _is_late(self) -> bool:
        planned = self._estimate() * self.done / max(1, self.total) + _SLACK_MINUTES
        return (time.monotonic() - self.began) / 60 > planned

    def _progress(self, cell: Cell, row: dict[str, Any]) -> None:
        shown = ("failed", "cpu_us", "rps", "p99_ms", "kept", "slow_rps", "pss_mb")
        keys = [key for key in shown if row.get(key) is not None]
        keys += [key for key, _ in cell.work.columns if key in row and key not in keys]
        text = ", ".join(f"{key} {row[key]}" for key in keys)
        flag = " (disturbed)" if row.get("disturbed") else ""
        where = f"{cell.work.name} {cell.setup} round {cell.round + 1}"
        say(f"[{self.done}/{self.total}] {where} {cell.server.name}: {text}{flag}")


def _raise_descriptors() -> None:
    """Ten thousand connections at once need as many descriptors."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < 12000:
        say(f"bench: only {hard} descriptors allowed; idle10k will be short (ulimit -n)")
