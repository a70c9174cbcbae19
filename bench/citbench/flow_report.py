"""The Markdown `bench/flow` ends with."""

from __future__ import annotations

from pathlib import Path

from .cases import CaseResults, heading, last, matrix, plain, table, targets
from .flow_targets import verdicts
from .flow_works import CITRATE, WORKS, FlowWork, is_rival, settings
from .results import Results

# Rows of which the library's version is told.
_DISTRIBUTIONS = {
    "pyparsing reused": "pyparsing",
    "pyparsing new": "pyparsing",
    "pyparsing engine": "pyparsing",
    "eval()": "python",
}


class FlowResults(CaseResults[FlowWork]):
    """What bench/flow has found out."""

    works = WORKS

    @staticmethod
    def load(path: Path) -> FlowResults:
        return FlowResults(Results.load(path).records)

    def rivals(self, setup: str, work: str) -> list[str]:
        """The rivals that answered rightly."""
        return [row for row in self.names(setup, work) if is_rival(row) and self.fault(setup, work, row) is None]

    def rows(self) -> list[str]:
        """All rows that were tried, each once."""
        return list(
            dict.fromkeys(r for w in WORKS.values() for case in self.cases(w) for r in self.names(w.name, case))
        )


def markdown(results: FlowResults) -> str:
    """The whole report: machine, targets, a table for each case, settings."""
    parts = [heading(results, "Citrate's flow part and its rivals", _how(results)), _targets(results, "## Targets\n\n")]
    for work in WORKS.values():
        cases = results.cases(work)
        if cases:
            parts += [f"## {work.title}", *(_table(results, work, case) for case in cases)]
    parts.append(_settings(results))
    return "\n\n".join(part for part in parts if part) + "\n"


def _how(results: FlowResults) -> str:
    return (
        "CPU time of the process for one operation, the empty loop taken off; medians over rounds of fresh processes "
        f"({results.machine().get('rounds')}), in brackets the 95 % bootstrap interval."
    )


def _targets(results: FlowResults, heading: str) -> str:
    return targets(verdicts(results), WORKS, heading)


def summary(results: FlowResults, source: str) -> str:
    """What the README quotes: evaluation of everyone, and the targets."""
    about = results.machine()
    # Without the options: the README's pages name those of the server only.
    form = "The short form of `bench/flow`" if "--quick" in str(about.get("command")) else "`bench/flow`"
    parts = [
        f"{form} on {about.get('cpu')}, {about.get('cpus')} CPUs, Linux {about.get('kernel')}, "
        f"Python {about.get('versions', {}).get('python')}, {about.get('date', '')}."
    ]
    if results.cases(WORKS["eval"]):
        parts += ["Evaluating an expression seen before, CPU us:", matrix(results, WORKS["eval"], "")]
    parts += [_targets(results, ""), f"All tables: [{source}]({source})."]
    return "\n\n".join(part for part in parts if part)


def _table(results: FlowResults, work: FlowWork, case: str) -> str:
    rows = results.names(work.name, case)
    columns = [c for c in work.columns if any(last(results, work, case, row, c[0]) is not None for row in rows)]
    has_ratio = CITRATE in rows and len(rows) > 1 and work.key == "us"
    return table(results, work, case, columns, CITRATE if has_ratio else None)


def _settings(results: FlowResults) -> str:
    versions = results.machine().get("versions", {})
    lines = ["## Settings", "", "| row | version | what it is |", "|---|---|---|"]
    for row in results.rows():
        name = "citrate" if not is_rival(row) else _DISTRIBUTIONS.get(row, row)
        lines.append(f"| {row} | {versions.get(name, '')} | {plain(settings(row))} |")
    return "\n".join(lines)
