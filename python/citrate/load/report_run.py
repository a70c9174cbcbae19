"""All that is known of a run, from the files in its folder that are there, and what is doubtful about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from citrate.errors import ConfigError
from citrate.load.report_hist import Histograms, mean_ms, percentiles, read_histograms
from citrate.load.report_read import (
    TIMES,
    Bins,
    Samples,
    Totals,
    number,
    read_json,
    read_seconds,
    read_server,
    rows,
    table,
    text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from citrate.load.report_hist import Cells

FILES = ("summary.json", "seconds.jsonl", "histograms.jsonl", "server.jsonl", "plan.json")
LIMIT = 0.8  # of the generator's threads' CPU: above it the times are its own rather than the server's
SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
ENDS = {
    "time": "its time was over",
    "requests": "all its requests were made",
    "users": "the table of users ran out",
    "stopped": "it was stopped by hand",
    "errors": "too many errors",
    "memory": "the generator had no memory to go on",
}


@dataclass
class Run:
    """``summary`` has what is in docs/load-files.md, made up from the seconds where the file does not have it yet."""

    folder: Path
    summary: dict[str, Any]
    plan: dict[str, Any]
    bins: Bins
    histograms: Histograms
    server: Samples
    has_summary: bool
    is_rebuilt: bool  # the figures are sums of the seconds

    @property
    def title(self) -> str:
        return text(self.summary.get("title") or self.plan.get("title") or self.target or self.folder.name)

    @property
    def target(self) -> str:
        return text(self.summary.get("target") or self.plan.get("target") or self.plan.get("url"))

    @property
    def is_open(self) -> bool:
        model = self.summary.get("model")
        return model == "rate" if isinstance(model, str) else "rate" in self.plan or any_rate(self.plan)

    @property
    def threads(self) -> int:
        generator = table(self.summary.get("generator"))
        given = self.summary.get("threads") or generator.get("threads") or self.plan.get("threads")
        return max(int(number(given)), 1)

    @property
    def has_ended(self) -> bool:
        return self.summary.get("state") in ("finished", "stopped", "failed")


def any_rate(plan: dict[str, Any]) -> bool:
    return any("rate" in stage for stage in rows(plan.get("stages")))


def read_run(folder: Path) -> Run:
    """Reads a folder.  ConfigError when none of a run's files is in it."""
    if not any((folder / name).is_file() for name in FILES):
        raise ConfigError(f"{folder}: there is no report of a run here: none of {', '.join(FILES)}")
    bins = read_seconds(folder / "seconds.jsonl")
    histograms = read_histograms(folder / "histograms.jsonl", bins.warm)
    summary = read_json(folder / "summary.json")
    run = Run(
        folder=folder,
        summary=summary or {},
        plan=read_json(folder / "plan.json") or {},
        bins=bins,
        histograms=histograms,
        server=read_server(folder / "server.jsonl"),
        has_summary=summary is not None,
        is_rebuilt=False,
    )
    if not run.has_ended and bins.seconds and (histograms.steps or not summary):
        run.summary = rebuilt(run)
        run.is_rebuilt = True
    return run


def rebuilt(run: Run) -> dict[str, Any]:
    """The summary as it would be now, from seconds and histograms: newer than a file of a run that goes on."""
    bins, cells = run.bins, run.histograms
    together = {kind: cells.together(kind) for kind in ("latency_us", "service_us")}
    seconds = bins.measured.get("seconds", 0.0)
    steps = {name: row_as_json(totals, cells.steps.get(name, {})) for name, totals in bins.totals.items() if name}
    summary = {**run.summary, **row_as_json(bins.totals.get("", Totals()), together)}
    for row in (summary, *steps.values()):
        row["rate"] = row["requests"] / seconds if seconds else 0.0
    summary |= {"seconds": seconds, "steps": steps}
    summary |= {name: bins.measured.get(name, 0.0) for name in ("connects", "rounds", "late")}
    summary["generator"] = generator_of(run, seconds)
    return summary


def row_as_json(totals: Totals, cells: dict[str, Cells]) -> dict[str, Any]:
    row: dict[str, Any] = {**totals.counts, "codes": totals.codes, "errors_by_kind": totals.kinds}
    most = totals.most
    for times in TIMES:
        found = cells.get(times.replace("_ms", "_us"), {})
        if found:
            values = percentiles(found, list(SHARES.values()))
            row[times] = {**dict(zip(SHARES, values, strict=True)), "mean": mean_ms(found), "max": most[times]}
        else:
            row[times] = {"max": most[times]} if most[times] else {}
    return row


def generator_of(run: Run, seconds: float) -> dict[str, float]:
    cpu = run.bins.measured.get("cpu", 0.0)
    requests = run.bins.totals.get("", Totals()).counts["requests"]
    return {
        "cpu_seconds": cpu,
        "share": cpu / (seconds * run.threads) if seconds else 0.0,
        "cpu_us_per_request": cpu / requests * 1e6 if requests else 0.0,
        "threads": float(run.threads),
        "rss": max((one.peaks["rss"] for one in run.bins.bins.values()), default=0.0),
    }


# ---- what is doubtful ----


def warnings(run: Run) -> list[str]:
    """Why the figures may not be the server's, in sentences."""
    found = [generator_was_the_limit(run), nothing_was_measured(run)]
    if run.is_open:
        found += [arrivals_waited(run), arrivals_were_given_up(run), rate_was_not_held(run)]
    return [sentence for sentence in found if sentence]


def generator_was_the_limit(run: Run) -> str:
    share = number(table(run.summary.get("generator")).get("share"))
    of = "a CPU" if run.threads == 1 else f"the CPU of its {run.threads} threads"
    advice = "Give it more threads or a machine of its own, or lower the load."
    if share > LIMIT:
        return f"The generator used {share:.0%} of {of}: it was the limit, and times are its own too. {advice}"
    bins = run.bins.in_order()
    full = sum(one.sums["cpu"] > LIMIT * (one.end - one.start) * run.threads for one in bins if one.end > one.start)
    if full > max(len(bins) // 20, 1):
        part = f"{full / len(bins):.0%} of the time"
        return f"In {part} the generator used more than {LIMIT:.0%} of {of}: then it was the limit. {advice}"
    return ""


def nothing_was_measured(run: Run) -> str:
    if run.has_summary or run.bins.seconds:
        requests, errors = number(run.summary.get("requests")), number(run.summary.get("errors"))
        if requests and errors >= requests:
            return "Every request was an error: nothing was measured."
        return "" if requests else "No request came to its end: nothing was measured."
    return "The files of this run have no second and no summary: nothing was measured."


def arrivals_waited(run: Run) -> str:
    late = number(run.summary.get("late"))
    if not late:
        return ""
    return (
        f"{late:,.0f} journeys began more than 1 ms after they were to begin, as no user was free. "
        "Their wait is part of their latency; max_users bounds the users."
    )


def arrivals_were_given_up(run: Run) -> str:
    given_up = number(run.summary.get("not_begun"))
    if not given_up:
        return ""
    return f"{given_up:,.0f} journeys that were due had not begun when the run ended; they are in no figure."


def rate_was_not_held(run: Run) -> str:
    """Journeys still walked at the end, one for each user, are no lack."""
    seconds = run.bins.measured.get("seconds", 0.0)
    got, wanted = run.bins.measured.get("rounds", 0.0), run.bins.wanted
    users = max((one.peaks["users"] for one in run.bins.bins.values()), default=0.0)
    if not seconds or got + users >= wanted * 0.98:
        return ""
    return (
        f"The wanted rate was not held: {got / seconds:,.4g} journeys a second came to their end, "
        f"{wanted / seconds:,.4g} were wanted."
    )


def notes(run: Run) -> list[str]:
    """What a reader has to know of how the page was made, in sentences."""
    found = [not_ended(run), unread(run), folded(run), left_out(run)]
    return [sentence for sentence in found if sentence]


def not_ended(run: Run) -> str:
    if run.has_ended:
        return ""
    bins = run.bins.in_order()
    until = f" up to second {bins[-1].end:,.0f}" if bins else ""
    why = (
        "The run goes on, or was killed"
        if run.has_summary
        else "There is no summary: the run has just begun, or was killed"
    )
    how = ", summed from its seconds" if run.is_rebuilt else ""
    return f"{why}. This page has what was written{until}{how}; “citrate load report” makes it anew."


def unread(run: Run) -> str:
    count = run.bins.unread + run.histograms.unread + run.server.unread
    if not count:
        return ""
    lines = "1 line was" if count == 1 else f"{count:,} lines were"
    return f"{lines} cut or could not be read, and left out."


def folded(run: Run) -> str:
    if run.bins.width == 1:
        return ""
    return (
        f"The run is long: each point of a plot stands for {run.bins.width} seconds. Counts are sums; percentiles, "
        "users and memory are the greatest of any second in it. Tables and distributions are exact."
    )


def left_out(run: Run) -> str:
    if not run.bins.left_out:
        return ""
    return f"Of {len(run.bins.names) + len(run.bins.left_out)} steps the first {len(run.bins.names)} are in the plots."
