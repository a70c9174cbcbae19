"""The Markdown a run ends with."""

from __future__ import annotations

from .load import STARVED_SHARE
from .results import Results, number, with_interval
from .servers import SERVERS
from .targets import order, verdicts
from .works import WORKS

_SETUPS = {
    "tuned": "Everyone as fast as it can be set",
    "threads": "Everyone with threads on (16)",
}
_STANDARD = (("rps", "requests/s"), ("p50_ms", "p50 ms"), ("p99_ms", "p99 ms"), ("pss_mb", "PSS MB"))


def markdown(results: Results) -> str:
    """The whole report: machine, targets, a table for each work and set-up, settings."""
    parts = [_machine(results), _targets(results)]
    for setup, title in _SETUPS.items():
        tables = [_table(results, setup, work) for work in WORKS]
        if any(tables):
            parts += [f"## {title}", *(table for table in tables if table)]
    parts.append(_settings(results))
    return "\n\n".join(parts) + "\n"


_SUMMARY = {
    "tuned": (
        *("hello", "pipelined", "newconn", "json10k", "out100k", "file1m", "echo1k"),
        *("echo100k", "flask", "django", "template"),
    ),
    "threads": ("hello", "flask", "django", "sleepers6", "sleepers64"),
}


def summary(results: Results, source: str) -> str:
    """The tables the README quotes: CPU time per request of everyone, and the targets."""
    parts = [_command(results)]
    for setup, title in _SETUPS.items():
        works = [w for w in _SUMMARY[setup] if results.names(setup, w)]
        if works:
            parts.append(f"{title}, CPU us per request:")
            parts.append(_matrix(results, setup, works))
    parts += [_targets(results).replace("## Targets\n\n", ""), f"All tables: [{source}]({source})."]
    return "\n\n".join(parts)


def _matrix(results: Results, setup: str, works: list[str]) -> str:
    tried = {name for work in works for name in results.names(setup, work)}
    lines = ["| | " + " | ".join(works) + " |", "|---" * (len(works) + 1) + "|"]
    for name in (*SERVERS, "bare call"):
        if name in tried:
            cells = [_matrix_cell(results, setup, work, name) for work in works]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _matrix_cell(results: Results, setup: str, work: str, name: str) -> str:
    fault = results.fault(setup, work, name)
    if fault is not None:
        return fault.partition(":")[0]
    return _number_text(results, setup, work, name, "cpu_us")


def _command(results: Results) -> str:
    about = results.machine()
    return (
        f"`{about.get('command', '')}` on {about.get('cpu')}, {about.get('cpus')} CPUs, "
        f"Linux {about.get('kernel')}, {about.get('date', '')}."
    )


def _machine(results: Results) -> str:
    about = results.machine()
    versions = ", ".join(f"{k} {v}" for k, v in about.get("versions", {}).items())
    disturbed = [r for r in results.records if r.get("disturbed")]
    cells = [r for r in results.records if r.get("kind") == "cell"]
    lines = [
        "# Citrate and its rivals",
        f"Command: `{about.get('command', '')}`, {about.get('date', '')}, commit {about.get('commit', '?')}.",
        f"Machine: {about.get('cpu')}, {about.get('cpus')} CPUs, Linux {about.get('kernel')}.",
        f"Versions: {versions}.",
        "One worker and 64 connections unless a row says otherwise; medians over rounds, in "
        "brackets the 95 % bootstrap interval; CPU is that of the server's whole process tree.",
    ]
    if disturbed:
        lines.append(f"**{len(disturbed)} of {len(cells)} cells were disturbed by other work on the machine.**")
    return "\n\n".join(lines)


def _targets(results: Results) -> str:
    rows = sorted(verdicts(results), key=order())
    if not rows:
        return "No target could be judged: Citrate was not run."
    lines = [
        "## Targets",
        "",
        "| work | what | target | measured | met |",
        "|---|---|---|---|---|",
    ]
    for v in rows:
        met = "?" if v.met is None else ("yes" if v.met else "**no**")
        met += "" if v.sure or v.met is None else ", within the noise"
        lines.append(f"| {WORKS[v.work].title} | {v.what} | {v.target} | {v.measured} | {met} |")
    return "\n".join(lines)


def _table(results: Results, setup: str, work: str) -> str:
    names = results.names(setup, work)
    if not names:
        return ""
    has_cpu = any(results.figure(setup, work, name, "cpu_us") for name in names)
    columns = [c for c in _STANDARD if any(results.figure(setup, work, n, c[0]) for n in names)]
    columns += WORKS[work].columns
    best = results.best(setup, work, "cpu_us")
    head = ["server", *(["CPU us", "x best rival"] if has_cpu else []), *(t for _, t in columns)]
    lines = [f"### {WORKS[work].title}", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name in names:
        fault = results.fault(setup, work, name)
        if fault is not None:
            lines.append(f"| {name} | {_cell_text(fault)} |" + " |" * (len(head) - 2))
            continue
        cells = [name]
        if has_cpu:
            cells += [_cpu_text(results, setup, work, name)]
            ratio = results.ratio(setup, work, "cpu_us", name, best) if best else None
            cells.append(f"{ratio.value:.2f}" if ratio else "")
        cells += [_number_text(results, setup, work, name, key) for key, _ in columns]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines + _footnotes(results, setup, work, names))


def _footnotes(results: Results, setup: str, work: str, names: list[str]) -> list[str]:
    """What the figures do not say: broken connections, too few to be wrong, and a hungry wrk."""
    notes = []
    for name in names:
        totals: dict[str, int] = {}
        for record in results.of(setup, work, name):
            for kind, count in (record.get("errors") or {}).items():
                totals[kind] = totals.get(kind, 0) + count
        if totals and results.fault(setup, work, name) is None:
            notes.append(f"{name}: " + ", ".join(f"{v} {k} errors" for k, v in totals.items()))
        waited = results.figure(setup, work, name, "wrk_wait")
        if waited is not None and waited.value > STARVED_SHARE:
            notes.append(f"{name}: wrk waited {waited.value:.0%} of the time for a CPU")
    return ["", "; ".join(notes) + "."] if notes else []


def _cell_text(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")[:120]


def _cpu_text(results: Results, setup: str, work: str, name: str) -> str:
    figure = results.figure(setup, work, name, "cpu_us")
    return with_interval(figure) if figure else ""


def _number_text(results: Results, setup: str, work: str, name: str, key: str) -> str:
    figure = results.figure(setup, work, name, key)
    return number(figure.value) if figure else ""


def _settings(results: Results) -> str:
    ran = {r["server"] for r in results.records if r.get("kind") == "cell"}
    lines = ["## Settings", "", "| server | version | settings |", "|---|---|---|"]
    versions = results.machine().get("versions", {})
    for name, server in SERVERS.items():
        if name in ran:
            version = versions.get(_distribution(name), "")
            lines.append(f"| {name} | {version} | {server.settings} |")
    return "\n".join(lines)


def _distribution(name: str) -> str:
    base = name.partition("-")[0]
    return {"peregrine": "peregrine-server"}.get(base, base)
