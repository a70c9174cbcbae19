"""Recordings of a browser (.har, HTTP Archive 1.2, as Chrome and Firefox save them) as a journey.

Requests to the recorded site in their order, think times from the gaps between them, form bodies as
forms.  Cookies are left to the jar of each user.  A form's member or a header whose value an earlier
answer has brought (a hidden field, a cookie) is captured from there, which is what tokens against
request forgery need.
"""

from __future__ import annotations

import datetime
import email.parser
import email.policy
import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from citrate.errors import ConfigError
from citrate.load.drafts import Draft, Journey, Part, Step, contents, quoted, variable_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

FILE_MAX = 512 << 20
THINK_LEAST_S = 0.2
TOKEN_LEAST = 8  # characters: shorter values are the same by chance
_FORM = "application/x-www-form-urlencoded"
_STATIC_TYPES = {"stylesheet", "script", "image", "font", "media", "manifest", "texttrack"}
_STATIC_MIME = re.compile(r"image/|font/|audio/|video/|text/css|(text|application)/(x-)?javascript|application/font")
_STATIC_PATH = re.compile(
    r"\.(css|m?js|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|eot|mp[34]|webm|webmanifest)$", re.I
)
# Headers that say something of the page and not of the browser; others are the generator's.
_KEPT = re.compile(r"accept|authorization|content-type|origin|referer|x-(?!client-data).+|hx-.+", re.I)


@dataclass
class Entry:
    """One request of the recording, with its answer."""

    request: Json
    response: Json
    kind: str
    """Chrome's _resourceType; empty in others."""
    start: float
    """Unix time in seconds."""
    end: float

    @property
    def url(self) -> str:
        return str(self.request["url"])

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def path(self) -> str:
        return self.url.partition("#")[0][len(self.origin) :] or "/"

    @property
    def is_static(self) -> bool:
        mime = str(self.response.get("content", {}).get("mimeType") or "")
        is_file = bool(_STATIC_MIME.match(mime) or _STATIC_PATH.search(urlsplit(self.url).path))
        return self.kind in _STATIC_TYPES or (is_file and self.request["method"] == "GET")

    @property
    def text(self) -> str:
        """The answer's body, when the recording has it as text."""
        content = self.response.get("content", {})
        return str(content.get("text") or "") if content.get("encoding") != "base64" else ""

    def cookies_set(self) -> dict[str, str]:
        return {c["name"]: c["value"] for c in self.response.get("cookies", ())}


def read(path: str, with_static: bool = True, all_hosts: bool = False) -> Draft:
    """The draft of a plan.  ConfigError when the file is no recording, or nothing of it is left."""
    draft = Draft(path)
    entries = _entries(_log(path), path)
    try:
        _read(draft, entries, with_static, all_hosts)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise ConfigError(f"{path}: the recording is not as HAR 1.2 has it: {type(exc).__name__}: {exc}") from None
    return draft


def _read(draft: Draft, entries: list[Entry], with_static: bool, all_hosts: bool) -> None:
    entries = _chosen(draft, entries, with_static, all_hosts)
    if not entries:
        raise ConfigError(f"{draft.source}: no request that can be walked")
    origin = entries[0].origin
    steps = [_step(draft, entry, origin) for entry in entries]
    answered = list(zip(steps, entries, strict=True))
    for number, step in enumerate(steps):
        _capture(step, answered[:number])
    _think(steps, entries)
    _tell_cookies(draft, entries)
    name = os.path.splitext(os.path.basename(draft.source))[0]
    draft.members = {"title": name, "target": origin, "stages": [{"users": 1, "for": "60s"}]}
    draft.journeys = [Journey(name, steps)]


def _log(path: str) -> Json:
    data = contents(path, FILE_MAX)
    try:
        log = json.loads(data.decode("utf-8-sig")).get("log")
    except json.JSONDecodeError as exc:
        raise ConfigError(f"{path}:{exc.lineno}:{exc.colno}: {exc.msg}") from None
    except (UnicodeDecodeError, AttributeError, RecursionError):
        log = None
    if not isinstance(log, dict) or not isinstance(log.get("entries"), list):
        raise ConfigError(f"{path}: this is no HTTP Archive: it has no log with entries")
    return log


def _entries(log: Json, path: str) -> list[Entry]:
    found = []
    for number, raw in enumerate(log["entries"]):
        try:
            start = _time(raw["startedDateTime"])
            took = max(float(raw.get("time") or 0), 0.0) / 1000
            raw["request"]["method"].upper(), raw["request"]["url"].lower(), raw["response"].get("status")
            found.append(Entry(raw["request"], raw["response"], raw.get("_resourceType", ""), start, start + took))
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise ConfigError(f"{path}: log.entries[{number}]: {type(exc).__name__}: {exc}") from None
    return sorted(found, key=lambda entry: entry.start)


def _time(text: str) -> float:
    """Unix time of "2026-11-21T10:00:07.5425Z"; tools differ in digits, and fromisoformat wants six."""
    whole, _, rest = text.replace("Z", "+00:00").partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    fraction = f".{digits[:6]:0<6}" if digits else ""
    return datetime.datetime.fromisoformat(f"{whole}{fraction}{rest[len(digits) :]}").timestamp()


def _chosen(draft: Draft, entries: list[Entry], with_static: bool, all_hosts: bool) -> list[Entry]:
    """What is walked; the rest is noted, counted where there is much of it."""
    kept, foreign, static = [], Counter[str](), 0
    origin = ""
    for entry in entries:
        place = f"{entry.request['method']} {entry.url[:120]}"
        if not entry.url.startswith(("http://", "https://")):
            draft.note(place, "left out: it is not HTTP")
        elif entry.request["method"] == "OPTIONS":
            draft.note(place, "left out: a browser's own question (CORS)")
        elif not entry.response.get("status"):
            draft.note(place, "left out: it had no answer")
        elif entry.is_static and not with_static:
            static += 1
        else:
            origin = origin or entry.origin
            if entry.origin != origin and not all_hosts:
                foreign[entry.origin] += 1
            else:
                kept.append(entry)
    for host, count in foreign.items():
        draft.note(host, f"left out: {count} requests to another host (--all-hosts takes them)")
    if static:
        draft.note(os.path.basename(draft.source), f"left out: {static} static files (--no-static)")
    return kept


# ---- one request ----


def _step(draft: Draft, entry: Entry, origin: str) -> Step:
    request, path = entry.request, entry.path
    place = f"{request['method']} {path[:120]}"
    step = Step(f"{request['method']} {urlsplit(path).path}", request["method"].upper(), path)
    if entry.origin != origin:
        step.url = entry.origin + path
    _content(draft, step, request, place)
    step.headers = _headers(draft, step, request, origin, place)
    status = int(entry.response["status"])
    if status != 304:  # the browser had it; a user without its cache gets it whole
        step.status = str(status)
    if status >= 400:
        draft.note(place, f"the recording has an error here, status {status}, which is now what is expected")
    if "{{" in step.url + step.body:
        draft.note(place, "has '{{' in it: here that begins a variable")
    return step


def _headers(draft: Draft, step: Step, request: Json, origin: str, place: str) -> list[tuple[str, str]]:
    found = []
    for header in request.get("headers", ()):
        name, value = header["name"], header["value"]
        if not _KEPT.fullmatch(name) or (name.lower() == "content-type" and not step.body):
            continue
        if name.lower() == "authorization":
            draft.note(place, "has the header Authorization, with what was secret in it")
        if value.startswith(origin):
            value = "{{base}}" + value[len(origin) :]
        found.append((name, value))
    return found


def _content(draft: Draft, step: Step, request: Json, place: str) -> None:
    data = request.get("postData")
    if not data:
        return
    mime, text = str(data.get("mimeType") or ""), str(data.get("text") or "")
    params = [(str(p.get("name", "")), str(p.get("value") or "")) for p in data.get("params") or ()]
    if mime.startswith(_FORM):
        # The text is the same in all browsers; some have decoded the parameters, some have not.
        step.form = parse_qsl(text, keep_blank_values=True) if text else params
    elif mime.startswith("multipart/form-data"):
        step.parts = _parts(mime, text) if text else [Part(name, value) for name, value in params]
        for part in step.parts:
            if part.is_file:
                draft.note(place, f"sends the file {part.value}: put it beside the plan")
        if not step.parts:
            draft.note(place, "not understood: a form of several parts, which the recording has not kept")
    else:
        step.body = text


def _parts(mime: str, text: str) -> list[Part]:
    message = email.parser.Parser(policy=email.policy.HTTP).parsestr(f"Content-Type: {mime}\r\n\r\n{text}")
    found = []
    for part in message.iter_parts() if message.is_multipart() else ():
        name = str(part.get_param("name", "", "content-disposition"))
        file = part.get_filename()
        if file is not None:
            found.append(Part(name, file or "file", True, part.get_content_type()))
        else:
            found.append(Part(name, str(part.get_payload()).rstrip("\r\n")))
    return found


# ---- what one answer brings for a later request ----


def _capture(step: Step, before: list[tuple[Step, Entry]]) -> None:
    """Replaces values that came with an earlier answer."""
    step.form = [(name, _traced(name, value, before)) for name, value in step.form]
    step.headers = [(name, _traced("", value, before)) for name, value in step.headers]
    for part in step.parts:
        part.value = part.value if part.is_file else _traced(part.name, part.value, before)


def _traced(member: str, value: str, before: list[tuple[Step, Entry]]) -> str:
    """The value, or the variable that the last answer which brought it is captured into."""
    if len(value) < TOKEN_LEAST:
        return value
    for step, entry in reversed(before):
        line = _hidden(member, value, entry.text) or _of_cookie(value, entry)
        if line:
            if line not in step.captures:
                step.captures.append(line)
            return "{{" + line.partition(":")[0] + "}}"
    return value


def _hidden(member: str, value: str, page: str) -> str:
    """The capture of an <input> of that name with that value."""
    if not member or value not in page or "'" in member:
        return ""
    for tag in re.findall(r"<input\b[^<>]*>", page, re.I):
        attributes = {k.lower(): a or b for k, a, b in re.findall(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""", tag)}
        if attributes.get("name") == member and attributes.get("value") == value:
            path = f"string(//input[@name='{member}']/@value)"
            return f"{variable_name(member)}: xpath {quoted(path)}"
    return ""


def _of_cookie(value: str, entry: Entry) -> str:
    for name, known in entry.cookies_set().items():
        if known == value:
            return f"{variable_name(name)}: cookie {quoted(name)}"
    return ""


def _think(steps: list[Step], entries: list[Entry]) -> None:
    """The time from an answer to the next request; requests that a browser sent side by side have none."""
    end = 0.0
    for number in range(len(steps) - 1):
        end = max(end, entries[number].end)
        gap = entries[number + 1].start - end
        if gap >= THINK_LEAST_S:
            steps[number].think = f"{round(gap, 1):g}s"


def _tell_cookies(draft: Draft, entries: list[Entry]) -> None:
    known: set[str] = set()
    for entry in entries:
        for cookie in entry.request.get("cookies", ()):
            if cookie["name"] not in known:
                known.add(cookie["name"])
                draft.note(
                    f"{entry.request['method']} {entry.path[:120]}",
                    f"left out: the cookie {cookie['name']}, which the recording began with; users begin without",
                )
        known |= set(entry.cookies_set())
