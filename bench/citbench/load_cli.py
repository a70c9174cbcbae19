"""The command `bench/load`: choose, prepare, run cells in interleaved rounds, report."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from . import command, load_cells, load_prepare
from .cases import CaseWork
from .command import Tables, chosen
from .live import Ports
from .load_report import LoadResults, markdown, summary
from .load_tools import TOOLS
from .load_works import WORKS, rows_of
from .prepare import say

SECONDS, QUICK_SECONDS = 8.0, 3.0
WARM, QUICK_WARM = 2.0, 1.0
ROUNDS, QUICK_ROUNDS = 7, 3

TABLES = Tables(LoadResults.load, markdown, summary, "load", "load-")


def main(argv: list[str] | None = None) -> int:
    args = _arguments(argv)
    return command.run(args, TABLES, _list, lambda: Run(args).run())


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    p = argparse.ArgumentParser(prog="bench/load", description="Compare the load generator with others.")
    p.add_argument("--quick", action="store_true", help="the short form, a few minutes")
    p.add_argument("--list", action="store_true", help="list kinds of work and rows, and end")
    p.add_argument("--work", help="only these, by comma (see --list)")
    p.add_argument("--rows", help="only these rows, by comma (see --list)")
    p.add_argument("--rounds", type=int, help=f"rounds of fresh processes ({ROUNDS}; quick {QUICK_ROUNDS})")
    p.add_argument("--seconds", type=float, help=f"of what is measured in a cell ({SECONDS}; quick {QUICK_SECONDS})")
    command.add_options(p, TABLES, "18500-18599", "; what is missing is not measured")
    return p.parse_args(argv)


def _list() -> None:
    print("Work:")
    for work in WORKS.values():
        print(f"  {work.name:<8} {work.title}: {', '.join(work.every())}")
    print("Rows:")
    for tool in TOOLS.values():
        print(f"  {tool.name:<14} {tool.settings}")


class Run:
    """One comparison, from preparation to tables."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.quick: bool = args.quick
        self.works = [WORKS[n] for n in chosen(args.work, WORKS, "work")]
        self.rows = set(chosen(args.rows, TOOLS, "row"))
        self.rounds: int = args.rounds or (QUICK_ROUNDS if self.quick else ROUNDS)
        self.seconds: float = args.seconds or (QUICK_SECONDS if self.quick else SECONDS)
        self.results = LoadResults()
        self.failed: set[tuple[str, str, str]] = set()
        first, _, last = args.ports.partition("-")
        self.ports = Ports(int(first), int(last))
        self.done = 0

    def run(self) -> int:
        paths = load_prepare.prepare(self.args.build, self.args.citrate_python, not self.args.no_setup)
        warm = QUICK_WARM if self.quick else WARM
        context = load_cells.Context(paths, load_prepare.generator(paths), self.ports, self.seconds, warm)
        output = command.output_of(self.args, TABLES)
        self.total = sum(1 for _ in self.schedule())
        with output.open("w") as out:
            self.results.out = out
            told = command.told("bench/load", self.args, self.rounds, self.seconds)
            self.results.add({**told, **load_prepare.machine(paths)})
            for work, case, number, row in self.schedule():
                self.done += 1
                if (work.name, case, row) not in self.failed:
                    self._cell(context, work, case, number, row)
        command.show(self.args, TABLES, self.results, output)
        return 0

    def schedule(self) -> Iterator[tuple[CaseWork, str, int, str]]:
        """Rounds over the cases and rows of a kind of work, each round beginning with another row."""
        for work in self.works:
            cases = list(work.chosen(self.quick))
            for number in range(min(self.rounds, work.rounds or self.rounds)):
                for case in cases:
                    members = [row for row in rows_of(work, case) if row in self.rows]
                    turn = number % len(members) if members else 0
                    for row in members[turn:] + members[:turn]:
                        yield work, case, number, row

    def _cell(self, context: load_cells.Context, work: CaseWork, case: str, number: int, row: str) -> None:
        lacking = load_prepare.missing(row, context.paths)
        figures = self._measured(context, work, case, row) if not lacking else {"failed": f"not installed: {lacking}"}
        if "failed" in figures:
            self.failed.add((work.name, case, row))
        about = {"kind": "cell", "setup": work.name, "work": case, "server": row, "round": number}
        self.results.add({**about, **figures})
        shown = ", ".join(f"{key} {figures[key]}" for key in ("failed", *dict(work.columns)) if key in figures)
        note = " (disturbed)" if figures.get("disturbed") else ""
        say(f"[{self.done}/{self.total}] {work.name} {case} round {number + 1} {row}: {shown}{note}")

    def _measured(self, context: load_cells.Context, work: CaseWork, case: str, row: str) -> dict[str, Any]:
        """A cell that others have disturbed is measured once more."""
        figures = load_cells.measure(context, work.name, case, row)
        return load_cells.measure(context, work.name, case, row) if figures.get("disturbed") else figures
