"""What stands beside and below JMeter's samplers: timers, extractors, assertions, tables of users."""

from __future__ import annotations

import csv
import io
import os
import re

from citrate.load import queries
from citrate.load.drafts import Draft, Journey, Step, quoted
from citrate.load.jmx_props import Props, Texts
from citrate.load.jmx_sampler import unused

CSV_MAX = 64 << 20
_MATCH, _CONTAINS, _NOT, _EQUALS, _SUBSTRING, _OR = 1, 2, 4, 8, 16, 32
_FIELDS = {"Assertion.response_data": "body", "Assertion.sample_label": "url"}


def unused_defaults(props: Props) -> list[str]:
    return [text for text in unused(props) if "time-out" not in text]


# ---- timers ----


def set_thinks(journey: Journey, waits: list[list[Props]], texts: Texts) -> None:
    """JMeter waits before a sampler, a user here after a step: each gets what its follower has.

    After the last one comes the first that is walked in every round.
    """
    steps = journey.steps
    again = next((number for number, step in enumerate(steps) if not step.is_once), 0)
    befores = [_wait(timers, texts) for timers in waits]
    afters = [befores[n + 1] if n + 1 < len(steps) else befores[again] for n in range(len(steps))]
    if len(set(afters)) == 1:
        journey.think = afters[0]
        return
    for step, think in zip(steps, afters, strict=True):
        step.think = think


def _wait(timers: list[Props], texts: Texts) -> str:
    """All timers before one sampler together, as a think time."""
    base, uniform, deviation = 0, 0, 0
    for timer in timers:
        base += texts.whole(timer, "ConstantTimer.delay", 0)
        spread = texts.whole(timer, "RandomTimer.range", 0)
        if timer.element.tag == "ConstantTimer" or not spread:
            continue
        if uniform or deviation:
            texts.noted(timer.place, ["left out: the random part of a second random timer"])
        elif timer.element.tag == "UniformRandomTimer":
            uniform = spread
        else:
            deviation = spread
    if uniform:
        return f"{time_text(base)}..{time_text(base + uniform)}"
    if deviation:
        return f"normal({time_text(base)}, {time_text(deviation)})"
    return time_text(base) if base else ""


def time_text(ms: int) -> str:
    """Milliseconds as a plan has them: 300ms, 2s."""
    return f"{ms // 1000}s" if ms % 1000 == 0 else f"{ms}ms"


def requests_of(journey: Journey | None, threads: int, loops: int) -> int:
    """How many requests so many threads send in so many rounds."""
    assert journey is not None
    once = sum(step.repeat for step in journey.steps if step.is_once)
    each = sum(step.repeat for step in journey.steps if not step.is_once)
    return threads * (once + loops * each)


# ---- extractors and assertions ----


def post(step: Step, props: Props, texts: Texts) -> None:
    """Adds the captures or asserts an element stands for."""
    if props.text("Sample.scope") == "variable" or props.text("Assertion.scope") == "variable":
        texts.noted(props.place, ["not understood: it looks into a variable"])
        return
    {
        "HtmlExtractor": _html,
        "RegexExtractor": _regex,
        "BoundaryExtractor": _boundary,
        "JSONPostProcessor": _json,
        "ResponseAssertion": _response,
        "DurationAssertion": _duration,
    }[props.element.tag](step, props, texts)


def _capture(step: Step, props: Props, texts: Texts, name: str, query: str, default: str, number: str) -> None:
    variable = texts.variable(props.place, name)
    if default.strip():
        texts.noted(props.place, [f"its default '{default}': here it is an error when nothing is found"])
    if number.strip() not in ("", "1", "0"):
        texts.noted(props.place, [f"match number {number}: here the first is taken"])
    elif number.strip() == "0":
        texts.noted(props.place, ["a match by chance: here the first is taken"])
    line = f"{variable}: {query}"
    (step.css if query.startswith("css ") else step.captures).append(line)


def _html(step: Step, props: Props, texts: Texts) -> None:
    selector = props.text("HtmlExtractor.expr")
    query = queries.of_selector(selector, props.text("HtmlExtractor.attribute"))
    if not query:
        texts.noted(props.place, [f"not understood: the selector {selector}"])
        return
    _capture(
        *(step, props, texts, props.text("HtmlExtractor.refname"), query),
        *(props.text("HtmlExtractor.default"), props.text("HtmlExtractor.match_number")),
    )


def _regex(step: Step, props: Props, texts: Texts) -> None:
    pattern, template = props.text("RegexExtractor.regex"), props.text("RegexExtractor.template")
    where = props.text("RegexExtractor.useHeaders") or "false"
    if template in ("$0$", ""):
        pattern = f"({pattern})"
    elif template != "$1$":
        texts.noted(props.place, [f"not understood: the template {template}"])
        return
    query = f"regex {quoted(pattern)}"
    if where == "true":
        header = re.match(r"\^?([A-Za-z][A-Za-z-]*):\s?\\?s?[*+?]*(.*)$", pattern, re.S)
        query = f"header {quoted(header[1])} regex {quoted(header[2])}" if header else ""
    elif where == "URL":
        query = f"url {query}"
    elif where not in ("false", "unescaped"):
        query = ""
    if not query or "${" in pattern:
        texts.noted(props.place, [f"not understood: the pattern {pattern} in '{where}'"])
        return
    _capture(
        *(step, props, texts, props.text("RegexExtractor.refname"), query),
        *(props.text("RegexExtractor.default"), props.text("RegexExtractor.match_number")),
    )


def _boundary(step: Step, props: Props, texts: Texts) -> None:
    left, right = (texts.filled(props.place, props.text(f"BoundaryExtractor.{side}boundary")) for side in "lr")
    if "{{" in left + right or props.text("BoundaryExtractor.useHeaders") not in ("", "false"):
        texts.noted(props.place, ["not understood: a boundary with a variable, or of something else than the body"])
        return
    pattern = "(?s)" + queries.literal(left) + "(.*?)" + queries.literal(right)
    _capture(
        *(step, props, texts, props.text("BoundaryExtractor.refname"), f"regex {quoted(pattern)}"),
        *(props.text("BoundaryExtractor.default"), props.text("BoundaryExtractor.match_number")),
    )


def _json(step: Step, props: Props, texts: Texts) -> None:
    def listed(name: str) -> list[str]:
        return props.text(f"JSONPostProcessor.{name}").split(";")

    names, paths, defaults, numbers = map(listed, ("referenceNames", "jsonPathExprs", "defaultValues", "match_numbers"))
    for place, (name, path) in enumerate(zip(names, paths, strict=False)):
        default = defaults[place] if place < len(defaults) else ""
        number = numbers[place] if place < len(numbers) else ""
        is_one = not re.search(r"\.\.|\*|\?\(|,|:", path)
        query = f"jsonpath {quoted(path.strip())}" + ("" if is_one else " nth 0")
        _capture(step, props, texts, name.strip(), query, default, "1" if is_one else number or "1")
    if len(names) != len(paths):
        texts.noted(props.place, ["not understood: more names than paths, or fewer"])


def _duration(step: Step, props: Props, texts: Texts) -> None:
    step.asserts.append(f"duration <= {texts.whole(props, 'DurationAssertion.duration', 0)}")


def _response(step: Step, props: Props, texts: Texts) -> None:
    kind = texts.whole(props, "Assertion.test_type", _SUBSTRING)
    field = props.text("Assertion.test_field") or "Assertion.response_data"
    if props.flag("Assertion.assume_success"):
        step.status = "*"
    written = props.strings("Asserion.test_strings") or props.strings("Assertion.test_strings")  # sic, in JMeter
    wanted = [texts.filled(props.place, text) for text in written]
    if field == "Assertion.response_code":
        lines = _status(kind, wanted)
    elif field == "Assertion.response_headers":
        lines = _header(kind, wanted)
    elif field in _FIELDS:
        lines = queries_of(_FIELDS[field], kind, wanted)
    else:
        lines = None
    if lines is None:
        shown = field.rpartition(".")[2].replace("_", " ")
        texts.noted(props.place, [f"not understood: {shown} against {', '.join(map(repr, wanted))}"])
        return
    step.asserts += [line for line in dict.fromkeys(lines) if line not in step.asserts]


def queries_of(query: str, kind: int, wanted: list[str]) -> list[str] | None:
    """An assert for each text; None when there is no way to say it."""
    is_pattern = bool(kind & (_MATCH | _CONTAINS))
    if kind & _OR and len(wanted) > 1:
        if kind & _NOT or any("{{" in text for text in wanted):
            return None
        either = "|".join(text if is_pattern else queries.literal(text) for text in wanted)
        wanted, is_pattern = [f"(?:{either})"], True
        kind = _MATCH if kind & (_MATCH | _EQUALS) else _CONTAINS
    if is_pattern and any("{{" in text for text in wanted):
        return None
    negated = "not " if kind & _NOT else ""
    if kind & _MATCH:
        return [f"{query} {negated}matches {quoted(f'^(?s:{text})$')}" for text in wanted]
    if kind & _CONTAINS:
        return [f"{query} {negated}matches {quoted(text)}" for text in wanted]
    predicate = ("!=" if negated else "==") if kind & _EQUALS else f"{negated}contains"
    return [f"{query} {predicate} {quoted(text)}" for text in wanted]


def _status(kind: int, wanted: list[str]) -> list[str] | None:
    """A status is a number: only whole ones can be compared."""
    if (len(wanted) > 1 and kind & _OR) or not all(re.fullmatch(r"\d{3}", text) for text in wanted):
        return None
    return [f"status {'!=' if kind & _NOT else '=='} {text}" for text in wanted]


def _header(kind: int, wanted: list[str]) -> list[str] | None:
    """JMeter looks at all fields as one text; "Name: value" can be said of one."""
    lines: list[str] = []
    for text in wanted:
        name, colon, value = text.partition(":")
        if not colon or not re.fullmatch(r"[A-Za-z0-9-]+", name) or kind & _OR:
            return None
        lines += queries_of(f"header {quoted(name)}", kind & _NOT | _SUBSTRING, [value.strip()]) or []
    return lines


# ---- users ----


def csv_data(props: Props, texts: Texts, draft: Draft) -> dict[str, object]:
    """The table [data] of the plan; the file itself is copied, with commas and UTF-8."""
    written = texts.filled(props.place, props.text("filename"), is_fixed=True)
    names = [texts.variable(props.place, name) for name in props.text("variableNames").split(",") if name.strip()]
    is_again = props.text("recycle") != "false"
    if not is_again and not props.flag("stopThread"):
        texts.noted(props.place, ["goes on with <EOF> after the last line: here such a user stops"])
    if props.text("shareMode") not in ("", "shareMode.all"):
        texts.noted(props.place, [f"{props.text('shareMode')}: here a line is one user's in the whole plan"])
    texts.noted(props.place, ["a line for each round: here a user keeps the line he began with"])
    name = written.replace("\\", "/").rpartition("/")[2] or "users.csv"
    data: dict[str, object] = {"csv": name, "when_out": "again" if is_again else "stop"}
    text = _read_csv(props, os.path.join(os.path.dirname(draft.source), written), texts)
    if text is None:
        data |= {"columns": names} if names else {}
        return data
    rows = _rows(text, props)
    header = rows.pop(0) if rows and (not names or props.flag("ignoreFirstLine")) else []
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([names or [texts.variable(props.place, n) for n in header], *rows])
    draft.files[name] = out.getvalue().encode()
    return data


def _read_csv(props: Props, path: str, texts: Texts) -> str | None:
    encoding = props.text("fileEncoding") or "utf-8"
    try:
        with open(
            path, encoding="utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding, newline=""
        ) as file:
            text = file.read(CSV_MAX + 1)
    except (OSError, ValueError, LookupError) as exc:
        texts.noted(props.place, [f"the file could not be read ({exc}): put it beside the plan"])
        return None
    if len(text) > CSV_MAX:
        texts.noted(props.place, [f"the file is longer than {CSV_MAX >> 20} MB: put it beside the plan"])
        return None
    return text


def _rows(text: str, props: Props) -> list[list[str]]:
    delimiter = {"\\t": "\t", "": ","}.get(props.text("delimiter"), props.text("delimiter"))
    if props.text("quotedData") == "true":
        return [row for row in csv.reader(io.StringIO(text), delimiter=delimiter[0]) if row]
    return [line.split(delimiter) for line in text.splitlines() if line]
