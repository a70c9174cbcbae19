"""The Markdown `bench/load` ends with."""

from __future__ import annotations

from pathlib import Path

from .cases import CaseResults, CaseWork, heading, matrix, table, targets
from .load_targets import verdicts
from .load_tools import CITRATE, TOOLS, WRK
from .load_works import WORKS
from .results import Results


class LoadResults(CaseResults[CaseWork]):
    """What bench/load has found out."""

    works = WORKS

    @staticmethod
    def load(path: Path) -> LoadResults:
        return LoadResults(Results.load(path).records)

    def disturbed(self) -> int:
        return sum(bool(r.get("disturbed")) for r in self.cells())


def markdown(results: LoadResults) -> str:
    """The whole report: machine, targets, a table for each case, settings."""
    parts = [
        heading(results, "Citrate's load generator and others", _how(results)),
        _targets(results, "## Targets\n\n"),
    ]
    for work in WORKS.values():
        cases = results.cases(work)
        if cases:
            parts += [f"## {work.title}", *(_table(results, work, case) for case in cases)]
    parts.append(_settings(results))
    return "\n\n".join(part for part in parts if part) + "\n"


def summary(results: LoadResults, source: str) -> str:
    """What the README quotes: the cost of everyone, and the targets."""
    about = results.machine()
    form = "The short form of `bench/load`" if "--quick" in str(about.get("command")) else "`bench/load`"
    parts = [
        f"{form} on {about.get('cpu')}, {about.get('cpus')} CPUs, Linux {about.get('kernel')}, {about.get('date', '')}."
    ]
    cost = WORKS["cost"]
    if results.cases(cost):
        parts.append(matrix(results, cost, "CPU us per request "))
    parts += [_targets(results, ""), f"All tables: [{source}]({source})."]
    return "\n\n".join(part for part in parts if part)


def _how(results: LoadResults) -> str:
    return (
        "All ask one nginx worker that answers at once, on a CPU of its own where there are two. Cost is the CPU time "
        "of all processes of a generator by the requests nginx has counted meanwhile; a row is wrong when nginx has "
        "seen a wrong request, or not as many as are claimed. Medians over interleaved rounds of fresh processes "
        f"({results.machine().get('rounds')}), in brackets the 95 % bootstrap interval. "
        f"{results.disturbed()} cells were disturbed by other processes."
    )


def _targets(results: LoadResults, heading: str) -> str:
    return targets(verdicts(results), WORKS, heading)


def _table(results: LoadResults, work: CaseWork, case: str) -> str:
    rows = results.names(work.name, case)
    against = WRK if work.name == "cost" and WRK in rows else CITRATE
    return table(results, work, case, work.columns, against if len(rows) > 1 and against in rows else None)


def _settings(results: LoadResults) -> str:
    versions = results.machine().get("versions", {})
    tried = {r["server"] for r in results.cells()}
    lines = ["## Settings", "", "| row | version | what it is |", "|---|---|---|"]
    for tool in TOOLS.values():
        if tool.name in tried:
            lines.append(f"| {tool.name} | {versions.get(tool.distribution, '')} | {tool.settings} |")
    return "\n".join(lines)
