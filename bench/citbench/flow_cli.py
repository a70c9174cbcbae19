"""The command `bench/flow`: choose, prepare, run cells in interleaved rounds, report."""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Iterator
from typing import Any

from . import command, flow_prepare, flow_therapy
from .command import Tables, chosen
from .flow_report import FlowResults, markdown, summary
from .flow_works import WORKS, FlowWork, is_extra, settings
from .live import Ports
from .prepare import Unprepared, say
from .servers import BENCH, Paths

CELL = BENCH / "flow_cell.py"
SECONDS, QUICK_SECONDS = 0.3, 0.1
ROUNDS, QUICK_ROUNDS = 7, 3


TABLES = Tables(FlowResults.load, markdown, summary, "flow", "flow-")


def main(argv: list[str] | None = None) -> int:
    args = _arguments(argv)
    return command.run(args, TABLES, _list, lambda: Run(args).run())


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    p = argparse.ArgumentParser(prog="bench/flow", description="Compare the flow part with its rivals.")
    p.add_argument("--quick", action="store_true", help="the short form, a few minutes")
    p.add_argument("--list", action="store_true", help="list kinds of work and rows, and end")
    p.add_argument("--work", help="only these, by comma (see --list)")
    p.add_argument("--rows", help="only these rows, by comma (see --list)")
    p.add_argument("--rounds", type=int, help=f"rounds of fresh processes ({ROUNDS}; quick {QUICK_ROUNDS})")
    p.add_argument("--seconds", type=float, help=f"CPU seconds of a loop ({SECONDS}; quick {QUICK_SECONDS})")
    command.add_options(p, TABLES, "18400-18499", "; what is missing is not measured")
    return p.parse_args(argv)


def _list() -> None:
    print("Work:")
    for work in WORKS.values():
        print(f"  {work.name:<10} {work.title}: {', '.join(work.cases)}")
    print("Rows:")
    for row in dict.fromkeys(row for work in WORKS.values() for row in work.rows):
        print(f"  {row:<18} {settings(row)}{' (when asked for)' if is_extra(row) else ''}")


class Run:
    """One comparison, from preparation to tables."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.quick: bool = args.quick
        self.works = [WORKS[n] for n in chosen(args.work, WORKS, "work")]
        everyone = list(dict.fromkeys(row for work in WORKS.values() for row in work.rows))
        self.rows = set(chosen(args.rows, everyone, "row"))
        if not args.rows:
            self.rows -= {row for row in everyone if is_extra(row)}
        self.rounds: int = args.rounds or (QUICK_ROUNDS if self.quick else ROUNDS)
        self.seconds: float = args.seconds or (QUICK_SECONDS if self.quick else SECONDS)
        self.results = FlowResults()
        self.failed: set[tuple[str, str, str]] = set()
        first, _, last = args.ports.partition("-")
        self.ports = Ports(int(first), int(last))
        self.site: flow_therapy.Site | None = None
        # Why there is no site; None before it was tried.
        self.missing: str | None = None
        self.done = 0

    def run(self) -> int:
        paths = flow_prepare.prepare(self.args.build, self.args.citrate_python, not self.args.no_setup)
        output = command.output_of(self.args, TABLES)
        self.total = sum(1 for _ in self._schedule())
        with output.open("w") as out:
            self.results.out = out
            told = command.told("bench/flow", self.args, self.rounds, self.seconds)
            self.results.add({**told, **flow_prepare.machine(paths)})
            try:
                self._cells(paths)
            finally:
                if self.site is not None:
                    self.site.close()
        command.show(self.args, TABLES, self.results, output)
        return 0

    def _cells(self, paths: Paths) -> None:
        for work, case, number, row in self._schedule():
            self.done += 1
            if (work.name, case, row) not in self.failed:
                self._cell(paths, work, case, number, row)

    def _schedule(self) -> Iterator[tuple[FlowWork, str, int, str]]:
        """Rounds over the rows of a case, each round beginning with another row."""
        for work in self.works:
            members = [row for row in work.rows if row in self.rows]
            for case in work.chosen(self.quick) if members else ():
                is_alone = case in work.alone
                turning = members[:1] if is_alone else members
                for number in range(1 if is_alone else min(self.rounds, work.rounds or self.rounds)):
                    turn = number % len(turning)
                    for row in turning[turn:] + turning[:turn]:
                        yield work, case, number, row

    def _cell(self, paths: Paths, work: FlowWork, case: str, number: int, row: str) -> None:
        if work.name == "therapy":
            figures = self._therapy(paths, case, row)
        else:
            figures = in_a_process(paths, work, case, row, self.seconds)
        if "failed" in figures:
            self.failed.add((work.name, case, row))
        about = {"kind": "cell", "setup": work.name, "work": case, "server": row, "round": number}
        self.results.add({**about, **figures})
        shown = ", ".join(f"{key} {figures[key]}" for key in ("failed", *dict(work.columns)) if key in figures)
        say(f"[{self.done}/{self.total}] {work.name} {case} round {number + 1} {row}: {shown}")

    def _therapy(self, paths: Paths, case: str, row: str) -> dict[str, Any]:
        """One cell of the therapy application, whose database is made with the first."""
        if self.missing is None:
            self.missing = ""
            self.site = flow_therapy.Site(paths, self.quick, self.rounds, self.ports)
            try:
                self.site.open()
            except (Unprepared, RuntimeError, OSError) as e:
                self.missing = str(e)
        if self.missing or self.site is None:
            return {"failed": f"not installed: {self.missing}"}
        return flow_therapy.measure(self.site, case, row)


def in_a_process(paths: Paths, work: FlowWork, case: str, row: str, seconds: float) -> dict[str, Any]:
    """The figures of one cell, from a fresh process."""
    words = [paths.citrate_python, str(CELL), work.name, case, row, str(seconds)]
    try:
        ended = subprocess.run(
            words,
            capture_output=True,
            text=True,
            cwd=paths.scratch,
            env=flow_prepare.environment(paths),
            timeout=work.timeout,
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"no end within {work.timeout:.0f} s"}
    if ended.returncode != 0:
        last = ended.stderr.strip().splitlines()[-1:] or [ended.returncode]
        return {"failed": f"died: {last[0]}"}
    figures: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return figures
