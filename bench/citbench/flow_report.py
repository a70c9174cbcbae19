"""The Markdown `bench/flow` ends with."""

from __future__ import annotations

from pathlib import Path

from .flow_targets import title, verdicts
from .flow_works import CITRATE, WORKS, FlowWork, is_rival, settings
from .results import Record, Results, number, with_interval

# Rows of which the library's version is told.
_DISTRIBUTIONS = {
    "pyparsing reused": "pyparsing",
    "pyparsing new": "pyparsing",
    "pyparsing engine": "pyparsing",
    "eval()": "python",
}


class FlowResults(Results):
    """Records by kind of work (`setup`), case (`work`) and row (`server`)."""

    @staticmethod
    def load(path: Path) -> FlowResults:
        return FlowResults(Results.load(path).records)

    def names(self, setup: str, work: str) -> list[str]:
        """The rows that were tried, in the order they are listed."""
        tried = {r["server"] for r in self._cells() if (r["setup"], r["work"]) == (setup, work)}
        return [row for row in WORKS[setup].rows if row in tried]

    def rivals(self, setup: str, work: str) -> list[str]:
        """The rivals that answered rightly."""
        return [row for row in self.names(setup, work) if is_rival(row) and self.fault(setup, work, row) is None]

    def cases(self, work: FlowWork) -> list[str]:
        """The cases of a kind of work that were run."""
        tried = {r["work"] for r in self._cells() if r["setup"] == work.name}
        return [case for case in {**work.cases, **work.quick_cases} if case in tried]

    def rows(self) -> list[str]:
        """All rows that were tried, each once."""
        return list(
            dict.fromkeys(r for w in WORKS.values() for case in self.cases(w) for r in self.names(w.name, case))
        )

    def _cells(self) -> list[Record]:
        return [r for r in self.records if r.get("kind") == "cell"]


def markdown(results: FlowResults) -> str:
    """The whole report: machine, targets, a table for each case, settings."""
    parts = [_machine(results), _targets(results, "## Targets\n\n")]
    for work in WORKS.values():
        cases = results.cases(work)
        if cases:
            parts += [f"## {work.title}", *(_table(results, work, case) for case in cases)]
    parts.append(_settings(results))
    return "\n\n".join(part for part in parts if part) + "\n"


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
        parts += ["Evaluating an expression seen before, CPU us:", _matrix(results, WORKS["eval"])]
    parts += [_targets(results, ""), f"All tables: [{source}]({source})."]
    return "\n\n".join(part for part in parts if part)


def _machine(results: FlowResults) -> str:
    about = results.machine()
    versions = ", ".join(f"{k} {v}" for k, v in about.get("versions", {}).items())
    lines = [
        "# Citrate's flow part and its rivals",
        f"Command: `{about.get('command', '')}`, {about.get('date', '')}, commit {about.get('commit', '?')}.",
        f"Machine: {about.get('cpu')}, {about.get('cpus')} CPUs, Linux {about.get('kernel')}, "
        f"load before {about.get('load_before', 0):.2f}.",
        f"Versions: {versions}.",
        "CPU time of the process for one operation, the empty loop taken off; medians over "
        f"rounds of fresh processes ({about.get('rounds')}), in brackets the 95 % bootstrap interval.",
    ]
    return "\n\n".join(lines)


def _targets(results: FlowResults, heading: str) -> str:
    rows = verdicts(results)
    if not rows:
        return "No target could be judged: Citrate was not run."
    lines = ["| work | what | target | measured | met |", "|---|---|---|---|---|"]
    for v in rows:
        met = ("yes" if v.met else "**no**") + ("" if v.sure else ", within the noise")
        lines.append(f"| {title(v)} | {v.what} | {v.target} | {v.measured} | {met} |")
    return heading + "\n".join(lines)


def _matrix(results: FlowResults, work: FlowWork) -> str:
    cases = results.cases(work)
    lines = ["| | " + " | ".join(work.cases[case] for case in cases) + " |", "|---" * (len(cases) + 1) + "|"]
    for row in work.rows:
        cells = [_brief(results, work, case, row) for case in cases]
        if any(cells):
            lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _brief(results: FlowResults, work: FlowWork, case: str, row: str) -> str:
    fault = results.fault(work.name, case, row)
    if fault is not None:
        return fault.partition(":")[0]
    figure = results.figure(work.name, case, row, work.key)
    return number(figure.value) if figure else ""


def _table(results: FlowResults, work: FlowWork, case: str) -> str:
    rows = results.names(work.name, case)
    columns = [c for c in work.columns if any(_last(results, work, case, row, c[0]) is not None for row in rows)]
    has_ratio = CITRATE in rows and len(rows) > 1 and work.key == "us"
    head = ["", *(text for _, text in columns), *(["x citrate"] if has_ratio else [])]
    cases = {**work.cases, **work.quick_cases}
    lines = [f"### {cases[case]}", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        fault = results.fault(work.name, case, row)
        if fault is not None:
            lines.append(f"| {row} | {_plain(fault)} |" + " |" * (len(head) - 2))
            continue
        cells = [_figure(results, work, case, row, key) for key, _ in columns]
        ratio = results.ratio(work.name, case, work.key, row, CITRATE) if has_ratio else None
        cells += [number(ratio.value) if ratio else ""] if has_ratio else []
        lines.append("| " + " | ".join([row, *cells]) + " |")
    return "\n".join(lines)


def _last(results: FlowResults, work: FlowWork, case: str, row: str, key: str) -> object:
    """What the last good cell says under a key."""
    found = [r[key] for r in results.of(work.name, case, row) if key in r]
    return found[-1] if found else None


def _figure(results: FlowResults, work: FlowWork, case: str, row: str, key: str) -> str:
    last = _last(results, work, case, row, key)
    if not isinstance(last, (int, float)):
        return _plain(str(last or ""))
    figure = results.figure(work.name, case, row, key)
    if figure is None:
        return ""
    return with_interval(figure) if key == work.key else number(figure.value)


def _plain(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")[:120]


def _settings(results: FlowResults) -> str:
    versions = results.machine().get("versions", {})
    lines = ["## Settings", "", "| row | version | what it is |", "|---|---|---|"]
    for row in results.rows():
        name = "citrate" if not is_rival(row) else _DISTRIBUTIONS.get(row, row)
        lines.append(f"| {row} | {versions.get(name, '')} | {_plain(settings(row))} |")
    return "\n".join(lines)
