"""The part of a report that is readable without JavaScript: head, verdict, tables.

All texts of a run (titles, names of steps, errors) are untrusted: they come into the page through ``e``.
"""

from __future__ import annotations

import html
import math
from typing import Any

from citrate.load.faults import KINDS
from citrate.load.report_read import TIMES, number, rows, table, text
from citrate.load.report_run import ENDS, Run, notes, warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

COLUMNS = ("mean", "p50", "p90", "p95", "p99", "p999", "max")
HEADINGS = ("mean", "median", "90th", "95th", "99th", "99.9th", "max")
WORDS = {"latency_ms": "Latency", "service_ms": "Service time"}
NO_VALUE = "–"  # noqa: RUF001 - an en dash


def e(value: object) -> str:
    """``value`` as text of a page."""
    return html.escape(text(value))


def name_of(value: object) -> str:
    """A name that can't turn the direction of what stands beside it."""
    return f"<bdi>{e(value)}</bdi>"


# ---- figures ----


def count(value: object) -> str:
    return f"{number(value):,.0f}"


def rate(value: object) -> str:
    real = number(value)
    return f"{real:,.0f}" if real >= 1000 else f"{real:,.1f}" if real >= 10 else f"{real:,.2f}"


def percent(part: float, whole: float) -> str:
    """Never 0 when there is a part, never 100 when something is missing."""
    share = part / whole * 100 if whole else 0.0
    if share and share < 0.01:
        return "&lt; 0.01"
    if share < 100 and share > 99.99:
        return "&gt; 99.99"
    return f"{share:.2f}"


def size(value: object) -> str:
    """Bytes, in powers of 1000."""
    real = number(value)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(real) < 999.5:
            return f"{real:.0f} {unit}" if unit == "B" or real >= 99.95 else f"{real:.1f} {unit}"
        real /= 1000
    return f"{real:,.1f} TB"


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{value} {unit}" for value, unit in parts if value)


def ms(value: object) -> str:
    """A time by itself, three digits."""
    if value is None:
        return NO_VALUE
    real = number(value)
    if real >= 10000:
        return f"{real / 1000:,.1f} s"
    places = 0 if real >= 100 else 1 if real >= 10 else 2 if real >= 1 else 3
    return f"{real:,.{places}f} ms"


def places_of(values: Iterable[float]) -> int:
    """Decimals for a column of times: its least one has three digits, at most three decimals."""
    least = min((value for value in values if value > 0), default=1.0)
    return min(max(2 - math.floor(math.log10(least)), 0), 3)


# ---- the table of steps ----


def all_rows(run: Run) -> list[tuple[str, dict[str, Any]]]:
    """All requests under the name '', then every step."""
    steps = table(run.summary.get("steps"))
    return [("", run.summary), *((name, table(row)) for name, row in steps.items())]


def steps_table(run: Run, times: str) -> str:
    found = all_rows(run)
    places = {}
    for column in COLUMNS:
        places[column] = places_of(number(table(row.get(times)).get(column)) for _, row in found)
    body = [step_row(run, name, row, times, places) for name, row in found]
    return (
        f'<table class="steps sortable" data-times="{times}"><caption>{WORDS[times]} and throughput of each step'
        f"</caption><thead>{group_headings(times)}{step_headings()}</thead>"
        f'<tbody class="all">{body[0]}</tbody><tbody>{"".join(body[1:])}</tbody></table>'
    )


def group_headings(times: str) -> str:
    groups = (("", 2), ("Errors", 2), (f"{WORDS[times]}, ms", len(COLUMNS)), ("Throughput", 1), ("Bytes", 2))
    cells = [
        f'<th colspan="{span}" scope="colgroup">{word}</th>' if word else f'<td colspan="{span}"></td>'
        for word, span in groups
    ]
    return f'<tr class="groups">{"".join(cells)}</tr>'


def step_headings() -> str:
    names = ("Step", "samples", "errors", "%", *HEADINGS, "requests/s", "received", "sent")
    return "<tr>" + "".join(f'<th scope="col">{name}</th>' for name in names) + "</tr>"


def cell(shown: str, value: float, name: str = "") -> str:
    kind = f' class="{name}"' if name else ""
    return f'<td data-v="{value:.9g}"{kind}>{shown}</td>'


def step_row(run: Run, name: str, row: dict[str, Any], times: str, places: Mapping[str, int]) -> str:
    requests, errors = number(row.get("requests")), number(row.get("errors"))
    bad = "bad" if errors else ""
    cells = [
        cell(count(requests), requests),
        cell(count(errors), errors, bad),
        cell(percent(errors, requests), errors / requests if requests else 0.0, bad),
        *time_cells(table(row.get(times)), places),
        cell(rate(rate_of(run, row)), rate_of(run, row)),
        cell(size(row.get("bytes_in")), number(row.get("bytes_in"))),
        cell(size(row.get("bytes_out")), number(row.get("bytes_out"))),
    ]
    shown = name_of(name) if name else "All requests"
    return f'<tr><th scope="row">{shown}</th>{"".join(cells)}</tr>'


def time_cells(found: dict[str, Any], places: Mapping[str, int]) -> list[str]:
    """No time of 0: where nothing was answered there is none."""
    out = []
    for column in COLUMNS:
        value = number(found.get(column))
        out.append(cell(f"{value:,.{places[column]}f}" if value else NO_VALUE, value))
    return out


def rate_of(run: Run, row: dict[str, Any]) -> float:
    seconds = number(run.summary.get("seconds"))
    return number(row["rate"]) if "rate" in row else number(row.get("requests")) / seconds if seconds else 0.0


# ---- errors ----


def errors_section(run: Run) -> str:
    return f"{codes_line(run)}{errors_table(run)}"


def codes_line(run: Run) -> str:
    codes = table(run.summary.get("codes"))
    unanswered = number(run.summary.get("requests")) - sum(map(number, codes.values()))
    parts = [f"<b>{e(code)}</b> {count(codes[code])}" for code in sorted(codes)]
    if unanswered > 0:
        parts.append(f"<b>no answer</b> {count(unanswered)}")
    return f'<p class="codes">Answers by status: {" · ".join(parts) or "none"}</p>'


def errors_table(run: Run) -> str:
    found = [one for name, row in all_rows(run)[1:] for one in errors_of(name, row)]
    found = found or errors_of("", run.summary)
    if not found:
        return "<p>No errors.</p>"
    examples = {
        (text(x.get("step")), text(x.get("kind"))): text(x.get("text")) for x in rows(run.summary.get("examples"))
    }
    lines = []
    for name, kind, errors, requests in sorted(found, key=lambda one: -one[2]):
        lines.append(
            f'<tr><th scope="row">{name_of(name) if name else "All requests"}</th>'
            f'<td class="l" title="{e(KINDS.get(kind, ""))}"><code>{e(kind)}</code></td>'
            f"{cell(count(errors), errors)}{cell(percent(errors, requests), errors / requests if requests else 0.0)}"
            f'<td class="example">{example_of(kind, examples.get((name, kind)))}</td></tr>'
        )
    heads = "".join(
        f'<th scope="col">{name}</th>' for name in ("Step", "kind", "errors", "% of step", "the first of them")
    )
    body = f"<thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody>"
    frame = '<div class="long" tabindex="0" role="region" aria-label="Errors">'
    return f'{frame}<table class="errors sortable">{body}</table></div>'


def errors_of(name: str, row: dict[str, Any]) -> list[tuple[str, str, float, float]]:
    kinds, requests = table(row.get("errors_by_kind")), number(row.get("requests"))
    return [(name, kind, number(errors), requests) for kind, errors in kinds.items() if number(errors)]


def example_of(kind: str, example: str | None) -> str:
    meaning = KINDS.get(kind, "")
    if example:
        return f"<bdi>{e(example)}</bdi>"
    return f"({e(meaning)})" if meaning else ""


# ---- thresholds ----


def thresholds_table(run: Run) -> str:
    found = rows(run.summary.get("thresholds"))
    if not found:
        return ""
    lines = "".join(threshold_row(one) for one in found)
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("Threshold", "measure", "limit", "measured", "holds"))
    return (
        f'<section><h2>Thresholds</h2><div class="wide"><table class="thresholds"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div></section>"
    )


def threshold_row(one: dict[str, Any]) -> str:
    measure = text(one.get("measure"))
    shown = threshold_figure(measure)
    step = one.get("step")
    holds = one.get("holds") is True
    verdict = '<td class="good">✔ yes</td>' if holds else '<td class="bad">✘ no</td>'
    sign = "≥" if "rate" in measure else "≤"
    of = " (service time)" if one.get("of") == "service" else ""
    return (
        f'<tr><th scope="row">{name_of(step) if step else "All requests"}</th><td class="l">{e(measure)}{of}</td>'
        f"<td>{sign} {shown(one.get('limit'))}</td><td>{shown(one.get('actual'))}</td>{verdict}</tr>"
    )


def threshold_figure(measure: str) -> Callable[[object], str]:
    if "errors" in measure:
        return lambda value: f"{percent(number(value), 1.0)} %"
    if "rate" in measure:
        return lambda value: f"{rate(value)}/s"
    return ms


# ---- head ----


def verdict(run: Run) -> str:
    """State, thresholds, errors: a word and a sign each, never a colour alone."""
    return f'<ul class="verdict">{state_item(run)}{thresholds_item(run)}{errors_item(run)}</ul>'


def item(kind: str, sign: str, words: str) -> str:
    return f'<li class="{kind}"><span aria-hidden="true">{sign}</span> {words}</li>'


def state_item(run: Run) -> str:
    state, why = text(run.summary.get("state")), ENDS.get(text(run.summary.get("end")), "")
    because = f": {why}" if why else ""
    if state == "finished":
        return item("good", "✔", f"Finished{because}")
    if state in ("stopped", "failed"):
        return item(
            "bad" if state == "failed" else "doubt", "✘" if state == "failed" else "■", f"{state.title()}{because}"
        )
    return item("doubt", "…", "Not ended")


def thresholds_item(run: Run) -> str:
    found = rows(run.summary.get("thresholds"))
    if not found:
        return item("plain", "·", "No thresholds were set")
    held = sum(one.get("holds") is True for one in found)
    if held == len(found):
        return item("good", "✔", "The threshold holds" if held == 1 else f"All {held} thresholds hold")
    broken = len(found) - held
    return item("bad", "✘", f"{broken} of {len(found)} thresholds {'does' if broken == 1 else 'do'} not hold")


def errors_item(run: Run) -> str:
    errors, requests = number(run.summary.get("errors")), number(run.summary.get("requests"))
    if not errors:
        return item(
            "good" if requests else "doubt", "✔" if requests else "…", "No errors" if requests else "No requests"
        )
    return item("bad", "✘", f"{percent(errors, requests)} % errors ({count(errors)} of {count(requests)})")


def key_figures(run: Run) -> str:
    latency = table(run.summary.get("latency_ms"))
    found = [("requests", count(run.summary.get("requests"))), ("requests/s", rate(rate_of(run, run.summary)))]
    for name, word in (("p50", "median"), ("p95", "95th"), ("p99", "99th"), ("max", "max")):
        found.append((word, ms(latency.get(name) or None)))
    found += [
        ("received", size(run.summary.get("bytes_in"))),
        ("measured", duration(number(run.summary.get("seconds")))),
    ]
    cells = "".join(f"<div><dt>{word}</dt><dd>{value}</dd></div>" for word, value in found)
    return f'<dl class="figures">{cells}</dl>'


def how(run: Run) -> str:
    """What was run, as a list of words and values; those not known are left out."""
    found = {
        "Target": e(run.target),
        "Started": e(text(run.summary.get("started")).replace("T", " ").replace("Z", " UTC")),
        "Load": load_text(run),
        "Journeys": journeys_text(run.plan),
        "Warm-up": f"{len(run.bins.warm)} s, in no figure of the tables" if run.bins.warm else "",
        "Connections": count(run.summary.get("connects")) if run.summary.get("connects") else "",
        "Rounds": rounds_text(run),
        "Generator": generator_text(run),
        "Server": server_text(run),
        "Citrate": e(run.summary.get("citrate")),
    }
    cells = "".join(f"<div><dt>{word}</dt><dd>{value}</dd></div>" for word, value in found.items() if value)
    return f'<dl class="how">{cells}</dl>'


def rounds_text(run: Run) -> str:
    rounds, unfinished = run.summary.get("rounds"), number(run.summary.get("unfinished"))
    if rounds is None:
        return ""
    rest = f"; {count(unfinished)} requests were on their way at the end" if unfinished else ""
    return f"{count(rounds)} journeys walked to their end{rest}"


def load_text(run: Run) -> str:
    model = "open model" if run.is_open else "closed model"
    stages = rows(run.plan.get("stages"))
    if stages:
        described = "; ".join(map(stage_text, stages))
    else:
        level = run.plan.get("rate") if run.is_open else run.plan.get("users")
        level = level if level is not None else greatest_wanted(run)
        length = run.plan.get("time")
        words = f"{e(level)} journeys/s" if run.is_open else level_text(level)
        described = f"{words}{f' for {e(seconds_word(length))}' if length is not None else ''}"
    poisson = ", Poisson arrivals" if run.is_open and run.plan.get("poisson") is True else ""
    think = f"; think time {e(run.plan['think'])}" if run.plan.get("think") is not None else ""
    return f"{model}: {described}{poisson}{think}"


def level_text(users: object) -> str:
    return f"{e(users)} user{'' if text(users) == '1' else 's'}"


def greatest_wanted(run: Run) -> str:
    return f"{max((one.peaks['wanted'] for one in run.bins.bins.values()), default=0.0):g}"


def seconds_word(value: object) -> str:
    """Bare numbers of times are seconds."""
    return f"{value:g} s" if isinstance(value, (int, float)) else text(value)


def stage_text(stage: dict[str, Any]) -> str:
    level = level_text(stage.get("users")) if "rate" not in stage else f"{e(stage['rate'])} journeys/s"
    if "every" in stage:
        return f"to {level}, {e(stage.get('step'))} more every {e(seconds_word(stage['every']))}"
    if "over" in stage:
        return f"to {level} over {e(seconds_word(stage['over']))}"
    return f"{level} for {e(seconds_word(stage.get('for')))}"


def journeys_text(plan: dict[str, Any]) -> str:
    found = plan.get("journeys")
    if not isinstance(found, list):
        return ""
    out = []
    for one in found[:20]:
        name = table(one).get("name") or table(one).get("file") or text(one)
        weight = table(one).get("weight")
        out.append(name_of(name) + (f" × {e(weight)}" if weight is not None else ""))  # noqa: RUF001 - times
    rest = f" and {len(found) - 20} more" if len(found) > 20 else ""
    return ", ".join(out) + rest


def generator_text(run: Run) -> str:
    seed = text(run.summary.get("seed", run.plan.get("seed")))
    parts = [f"{run.threads} thread{'s' if run.threads > 1 else ''}{f', seed {e(seed)}' if seed else ''}"]
    found = table(run.summary.get("generator"))
    if found:
        share, cost = number(found.get("share")), number(found.get("cpu_us_per_request"))
        parts.append(f"{share * 100:.1f} % of {'their' if run.threads > 1 else 'its'} CPU, {cost:,.3g} µs a request")
    if found.get("rss"):
        parts.append(f"{size(found['rss'])} of memory")
    return ", ".join(parts)


def server_text(run: Run) -> str:
    server = run.server
    if len(server.at) < 2:
        return ""
    cpu = server.cpu[-1] - server.cpu[0]
    wall = server.at[-1] - server.at[0]
    requests = sum(one.all[0] for one in run.bins.bins.values())
    each = f", {cpu / requests * 1e6:,.4g} µs a request" if requests and cpu >= 0 else ""
    used = f": {cpu / wall:.2f} CPUs{each}" if wall and cpu >= 0 else ""
    return f"{name_of(server.name or 'processes of the target')}{used}"


def alerts(run: Run) -> str:
    found = "".join(f'<p class="warning"><b>Careful.</b> {e(sentence)}</p>' for sentence in warnings(run))
    return found + "".join(f'<p class="note">{e(sentence)}</p>' for sentence in notes(run))


def both_tables(run: Run) -> str:
    return "".join(f'<div class="wide">{steps_table(run, times)}</div>' for times in TIMES)
