"""What the plots of a report draw, as JSON: columns over time, spectrum and density of each step."""

from __future__ import annotations

import json
import math

from citrate.load.report_hist import PER_DECADE, PER_NINE, density, spectrum
from citrate.load.report_read import COUNTS, MOST_ROWS, QUANTILES, TIMES
from citrate.load.report_run import LIMIT, Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable

    from citrate.load.report_hist import Cells
    from citrate.load.report_read import Bin

MOST_LINES = 8  # statuses or kinds in a plot


def figure(value: float | None) -> str:
    """A number as JSON with four digits, or null."""
    if value is None or not math.isfinite(value):
        return "null"
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"


def column(values: Iterable[float | None]) -> str:
    return f"[{','.join(map(figure, values))}]"


def word(value: str) -> str:
    """A text as JSON that can stand in a page."""
    return json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def members(pairs: Iterable[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{word(name)}:{value}" for name, value in pairs) + "}"


def plots_json(run: Run) -> str:
    """The whole; arrays have one number for each bin of seconds, null where there is none."""
    bins = run.bins.in_order()
    names = list(run.bins.names)
    rows = [row_json(run, "", [one.all for one in bins])]
    rows += [row_json(run, name, [one.steps.get(name) for one in bins]) for name in names]
    steps = [name for name in run.histograms.steps if name not in run.bins.names][: MOST_ROWS - len(names)]
    rows += [row_json(run, name, [None] * len(bins)) for name in steps]
    return members(
        [
            ("width", str(run.bins.width)),
            ("open", "true" if run.is_open else "false"),
            ("threads", str(run.threads)),
            ("limit", str(LIMIT)),
            ("perDecade", str(PER_DECADE)),
            ("perNine", str(PER_NINE)),
            ("time", time_json(bins)),
            ("codes", groups_json([one.codes for one in bins], is_code=True)),
            ("unanswered", column(max(one.all[0] - sum(one.codes.values()), 0.0) for one in bins)),
            ("kinds", groups_json([one.kinds for one in bins])),
            ("rows", f"[{','.join(rows)}]"),
            ("server", server_json(run, bins)),
        ]
    )


def time_json(bins: list[Bin]) -> str:
    found = [("start", column(one.start for one in bins)), ("end", column(one.end for one in bins))]
    found.append(("warm", column(float(one.warm) for one in bins)))
    found += [(name, column(one.peaks[name] for one in bins)) for name in ("wanted", "users", "waiting", "rss")]
    found += [(name, column(one.sums[name] for one in bins)) for name in ("connects", "rounds", "late", "cpu")]
    return members(found)


def groups_json(found: list[dict[str, float]], is_code: bool = False) -> str:
    """A column for each name; the names past MOST_LINES are one, or one for each class of status."""
    sums: dict[str, float] = {}
    for one in found:
        for name, value in one.items():
            sums[name] = sums.get(name, 0.0) + value
    lines = {name: name for name in sums}
    if len(sums) > MOST_LINES:
        kept = sorted(sums, key=lambda name: -sums[name])[: MOST_LINES - 1]
        lines = {name: name if name in kept else "other" for name in sums}
        if is_code:
            lines = {name: f"{name[:1]}xx" for name in sums}
    columns = {line: [0.0] * len(found) for line in sorted(set(lines.values()))}
    for i, one in enumerate(found):
        for name, value in one.items():
            columns[lines[name]][i] += value
    return members((line, column(values)) for line, values in columns.items())


def row_json(run: Run, name: str, found: list[array[float] | None]) -> str:
    parts = [("name", word(name))]
    for i, count in enumerate(COUNTS):
        parts.append((count, column(row[i] if row is not None else 0.0 for row in found)))
    for t, times in enumerate(TIMES):
        first = len(COUNTS) + t * len(QUANTILES)
        columns = ((quantile, column(time_of(row, first + i) for row in found)) for i, quantile in enumerate(QUANTILES))
        parts.append((times[:-3], members(columns)))
    kinds = run.histograms.steps.get(name, {}) if name else {}
    for kind in ("latency_us", "service_us"):
        cells = kinds.get(kind, {}) if name else run.histograms.together(kind)
        parts.append((f"{kind[:-3]}_all", distribution_json(cells)))
    return members(parts)


def time_of(row: array[float] | None, i: int) -> float | None:
    """No time of 0: where nothing was answered there is none."""
    return row[i] if row is not None and row[i] > 0 else None


def distribution_json(cells: Cells) -> str:
    first, shares = density(cells)
    return members(
        [
            ("count", str(sum(cells.values()))),
            ("spectrum", column(spectrum(cells))),
            ("first", str(first)),
            ("density", column(shares)),
        ]
    )


def server_json(run: Run, bins: list[Bin]) -> str:
    """null when nobody looked at the server's processes."""
    server = run.server
    if len(server.at) < 2:
        return "null"
    used = [cpu_between(server.cpu_at(one.start), server.cpu_at(one.end)) for one in bins]
    each = [
        cpu / one.all[0] * 1e6 if cpu is not None and one.all[0] else None for cpu, one in zip(used, bins, strict=True)
    ]
    cpus = [
        cpu / (one.end - one.start) if cpu is not None and one.end > one.start else None
        for cpu, one in zip(used, bins, strict=True)
    ]
    parts = [("name", word(server.name)), ("citrate", "true" if server.citrate else "false")]
    parts += [("us", column(each)), ("cpus", column(cpus))]
    parts += [(name, column(server.greatest(name, one.start, one.end) for one in bins)) for name in server.values]
    return members(parts)


def cpu_between(start: float, end: float) -> float | None:
    """None outside of the samples, and when a process took its count with it as it ended."""
    return None if math.isnan(start) or math.isnan(end) or end < start else end - start
