"""What bench/flow and bench/load have in common: kinds of work made of cases and rows, and their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .results import Record, Results, number, with_interval
from .targets import Verdict


@dataclass(frozen=True)
class CaseWork:
    """One kind of work.  Its cells are `cases` by `rows`, each with fresh processes."""

    name: str
    title: str
    cases: dict[str, str]
    """Titles by name."""
    rows: tuple[str, ...]
    key: str
    """The figure that is compared; lower is better unless the columns say so."""
    columns: tuple[tuple[str, str], ...]
    """Figures of the table, the compared one first: key and title."""
    rounds: int = 0
    """At most so many; 0 for no limit."""
    quick_cases: dict[str, str] = field(default_factory=dict)
    """Instead of the cases, in the short form."""

    def chosen(self, quick: bool) -> dict[str, str]:
        return self.quick_cases if quick and self.quick_cases else self.cases

    def every(self) -> dict[str, str]:
        return {**self.cases, **self.quick_cases}


Work = TypeVar("Work", bound=CaseWork)


class CaseResults(Results, Generic[Work]):
    """Records by kind of work (`setup`), case (`work`) and row (`server`)."""

    works: Mapping[str, Work]

    def names(self, setup: str, work: str) -> list[str]:
        """The rows that were tried, in the order they are listed."""
        tried = {r["server"] for r in self.cells() if (r["setup"], r["work"]) == (setup, work)}
        return [row for row in self.works[setup].rows if row in tried]

    def cases(self, work: Work) -> list[str]:
        """The cases of a kind of work that were run."""
        tried = {r["work"] for r in self.cells() if r["setup"] == work.name}
        return [case for case in work.every() if case in tried]

    def cells(self) -> list[Record]:
        return [r for r in self.records if r.get("kind") == "cell"]


def heading(results: Results, title: str, how: str) -> str:
    """The first lines of a report: the command, the machine, the versions, how it was measured."""
    about = results.machine()
    versions = ", ".join(f"{k} {v}" for k, v in about.get("versions", {}).items())
    lines = [
        f"# {title}",
        f"Command: `{about.get('command', '')}`, {about.get('date', '')}, commit {about.get('commit', '?')}.",
        f"Machine: {about.get('cpu')}, {about.get('cpus')} CPUs, Linux {about.get('kernel')}, "
        f"load before {about.get('load_before', 0):.2f}.",
        f"Versions: {versions}.",
        how,
    ]
    return "\n\n".join(lines)


def titled(verdict: Verdict, works: Mapping[str, Work]) -> str:
    """The work a verdict is about, with the title of its case."""
    work, _, case = verdict.work.partition("/")
    return f"{work}: {works[work].every().get(case, case)}" if case else work


def targets(verdicts: Sequence[Verdict], works: Mapping[str, Work], heading: str) -> str:
    if not verdicts:
        return "No target could be judged: Citrate was not run."
    lines = ["| work | what | target | measured | met |", "|---|---|---|---|---|"]
    for v in verdicts:
        met = ("yes" if v.met else "**no**") + ("" if v.sure else ", within the noise")
        lines.append(f"| {titled(v, works)} | {v.what} | {v.target} | {v.measured} | {met} |")
    return heading + "\n".join(lines)


def matrix(results: CaseResults[Work], work: Work, corner: str) -> str:
    """Rows by cases: the compared figure alone."""
    cases = results.cases(work)
    lines = [f"| {corner}| " + " | ".join(work.cases[case] for case in cases) + " |", "|---" * (len(cases) + 1) + "|"]
    for row in work.rows:
        cells = [_brief(results, work, case, row) for case in cases]
        if any(cells):
            lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _brief(results: Results, work: CaseWork, case: str, row: str) -> str:
    fault = results.fault(work.name, case, row)
    if fault is not None:
        return fault.partition(":")[0]
    figure = results.figure(work.name, case, row, work.key)
    return number(figure.value) if figure else ""


def table(results: Results, work: CaseWork, case: str, columns: Sequence[tuple[str, str]], against: str | None) -> str:
    """All rows of a case; with `against` a last column has the compared figure by that row's."""
    head = ["", *(text for _, text in columns), *([f"x {against}"] if against else [])]
    lines = [f"### {work.every()[case]}", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in results.names(work.name, case):
        fault = results.fault(work.name, case, row)
        if fault is not None:
            lines.append(f"| {row} | {plain(fault)} |" + " |" * (len(head) - 2))
            continue
        cells = [_figure(results, work, case, row, key) for key, _ in columns]
        if against:
            ratio = results.ratio(work.name, case, work.key, row, against)
            cells.append(number(ratio.value) if ratio else "")
        lines.append("| " + " | ".join([row, *cells]) + " |")
    return "\n".join(lines)


def last(results: Results, work: CaseWork, case: str, row: str, key: str) -> object:
    """What the last good cell says under a key."""
    found = [r[key] for r in results.of(work.name, case, row) if key in r]
    return found[-1] if found else None


def _figure(results: Results, work: CaseWork, case: str, row: str, key: str) -> str:
    said = last(results, work, case, row, key)
    if not isinstance(said, (int, float)):
        return plain(str(said or ""))
    figure = results.figure(work.name, case, row, key)
    if figure is None:
        return ""
    return with_interval(figure) if key == work.key else number(figure.value)


def plain(text: str) -> str:
    """A text that fits a cell of a table."""
    return text.replace("|", "/").replace("\n", " ")[:160]
