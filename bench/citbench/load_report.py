"""The Markdown `bench/load` ends with."""

from __future__ import annotations

from pathlib import Path

from .load_targets import title, verdicts
from .load_tools import CITRATE, TOOLS, WRK
from .load_works import WORKS, LoadWork
from .results import Record, Results, number, with_interval


class LoadResults(Results):
    """Records by kind of work (`setup`), case (`work`) and row (`server`)."""

    @staticmethod
    def load(path: Path) -> LoadResults:
        return LoadResults(Results.load(path).records)

    def names(self, setup: str, work: str) -> list[str]:
        """The rows that were tried, in the order they are listed."""
        tried = {r["server"] for r in self.cells() if (r["setup"], r["work"]) == (setup, work)}
        return [row for row in WORKS[setup].rows if row in tried]

    def cases(self, work: LoadWork) -> list[str]:
        """The cases of a kind of work that were run."""
        tried = {r["work"] for r in self.cells() if r["setup"] == work.name}
        return [case for case in work.every() if case in tried]

    def cells(self) -> list[Record]:
        return [r for r in self.records if r.get("kind") == "cell"]

    def disturbed(self) -> int:
        return sum(bool(r.get("disturbed")) for r in self.cells())


def markdown(results: LoadResults) -> str:
    """The whole report: machine, targets, a table for each case, settings."""
    parts = [_machine(results), _targets(results, "## Targets\n\n")]
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
    if cases := results.cases(cost):
        lines = ["| CPU us per request | " + " | ".join(cost.cases[case] for case in cases) + " |"]
        lines.append("|---" * (len(cases) + 1) + "|")
        for row in cost.rows:
            cells = [_brief(results, cost, case, row) for case in cases]
            if any(cells):
                lines.append(f"| {row} | " + " | ".join(cells) + " |")
        parts.append("\n".join(lines))
    parts += [_targets(results, ""), f"All tables: [{source}]({source})."]
    return "\n\n".join(part for part in parts if part)


def _machine(results: LoadResults) -> str:
    about = results.machine()
    versions = ", ".join(f"{k} {v}" for k, v in about.get("versions", {}).items())
    lines = [
        "# Citrate's load generator and others",
        f"Command: `{about.get('command', '')}`, {about.get('date', '')}, commit {about.get('commit', '?')}.",
        f"Machine: {about.get('cpu')}, {about.get('cpus')} CPUs, Linux {about.get('kernel')}, "
        f"load before {about.get('load_before', 0):.2f}.",
        f"Versions: {versions}.",
        "All ask one nginx worker that answers at once, on a CPU of its own where there are two. Cost is the CPU time "
        "of all processes of a generator by the requests nginx has counted meanwhile; a row is wrong when nginx has "
        "seen a wrong request, or not as many as are claimed. Medians over interleaved rounds of fresh processes "
        f"({about.get('rounds')}), in brackets the 95 % bootstrap interval. "
        f"{results.disturbed()} cells were disturbed by other processes.",
    ]
    return "\n\n".join(lines)


def _targets(results: LoadResults, heading: str) -> str:
    rows = verdicts(results)
    if not rows:
        return "No target could be judged: Citrate was not run."
    lines = ["| work | what | target | measured | met |", "|---|---|---|---|---|"]
    for v in rows:
        met = ("yes" if v.met else "**no**") + ("" if v.sure else ", within the noise")
        lines.append(f"| {title(v)} | {v.what} | {v.target} | {v.measured} | {met} |")
    return heading + "\n".join(lines)


def _brief(results: LoadResults, work: LoadWork, case: str, row: str) -> str:
    fault = results.fault(work.name, case, row)
    if fault is not None:
        return fault.partition(":")[0]
    figure = results.figure(work.name, case, row, work.key)
    return number(figure.value) if figure else ""


def _table(results: LoadResults, work: LoadWork, case: str) -> str:
    rows = results.names(work.name, case)
    against = WRK if work.name == "cost" and WRK in rows else CITRATE
    has_ratio = len(rows) > 1 and against in rows
    head = ["", *(text for _, text in work.columns), *([f"x {against}"] if has_ratio else [])]
    lines = [f"### {work.every()[case]}", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        fault = results.fault(work.name, case, row)
        if fault is not None:
            lines.append(f"| {row} | {_plain(fault)} |" + " |" * (len(head) - 2))
            continue
        cells = [_figure(results, work, case, row, key) for key, _ in work.columns]
        ratio = results.ratio(work.name, case, work.key, row, against) if has_ratio else None
        cells += [number(ratio.value) if ratio else ""] if has_ratio else []
        lines.append("| " + " | ".join([row, *cells]) + " |")
    return "\n".join(lines)


def _figure(results: LoadResults, work: LoadWork, case: str, row: str, key: str) -> str:
    figure = results.figure(work.name, case, row, key)
    if figure is None:
        return ""
    return with_interval(figure) if key == work.key else number(figure.value)


def _plain(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")[:160]


def _settings(results: LoadResults) -> str:
    versions = results.machine().get("versions", {})
    tried = {r["server"] for r in results.cells()}
    lines = ["## Settings", "", "| row | version | what it is |", "|---|---|---|"]
    for tool in TOOLS.values():
        if tool.name in tried:
            lines.append(f"| {tool.name} | {versions.get(tool.distribution, '')} | {tool.settings} |")
    return "\n".join(lines)
