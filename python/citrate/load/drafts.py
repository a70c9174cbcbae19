"""An imported plan: its steps, what could not be taken over, and both as text.

An importer fills a `Draft`; `write` makes plan.toml and a .hurl file for each journey of it.
Texts in a draft may hold {{variables}}; everything that TOML or Hurl would take for syntax is
escaped here.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from urllib.parse import quote

from citrate.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Pairs = list[tuple[str, str]]
_URL_SAFE = "%/:?[]@!$&'()*+,;=~{}|"  # and what quote() itself leaves; a # would begin a comment
BASE = "{{base}}"  # what stands before paths, so that stock hurl can run the file with --variable base=URL


def contents(path: str, most: int) -> bytes:
    """The bytes of a file that is imported.  ConfigError if it can't be read or has more than ``most``."""
    try:
        with open(path, "rb") as file:
            data = file.read(most + 1)
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from None
    if len(data) > most:
        raise ConfigError(f"{path}: is longer than {most >> 20} MB")
    return data


@dataclass
class Note:
    """Something that is not in the plan as it was in the source.

    ``place`` names it as its own tool does; ``text`` says what became of it.
    """

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@dataclass
class Part:
    """One of a multipart form: a text, or a file with its type."""

    name: str
    value: str
    is_file: bool = False
    type: str = ""


@dataclass
class Step:
    """One request and what is expected of its answer."""

    name: str
    method: str
    url: str
    headers: Pairs = field(default_factory=list)
    query: Pairs = field(default_factory=list)
    form: Pairs = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    body: str = ""
    follow: bool = False
    status: str = ""
    """What stands behind HTTP; empty for the default."""
    captures: list[str] = field(default_factory=list)
    """Lines of [Captures] as they are."""
    css: list[str] = field(default_factory=list)
    """Captures by CSS selectors, which the Hurl format has not: they stand in comments."""
    asserts: list[str] = field(default_factory=list)
    is_once: bool = False
    think: str = ""
    """Waited after it."""
    repeat: int = 1


@dataclass
class Journey:
    name: str
    steps: list[Step]
    think: str = ""
    weight: int = 1


@dataclass
class Draft:
    """A whole plan.  ``members`` are those of plan.toml in their order, tables last."""

    source: str
    journeys: list[Journey] = field(default_factory=list)
    members: dict[str, object] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    """Further files to be written beside the plan, by name."""

    def note(self, place: str, text: str) -> None:
        self.notes.append(Note(place, text))


def write(draft: Draft, folder: str) -> list[str]:
    """Writes the plan into a folder, which is made; the names of the files.  ConfigError if one is there already."""
    files = {f"{file_name(j.name)}.hurl": journey_text(j).encode() for j in draft.journeys}
    if len(files) < len(draft.journeys):
        raise ConfigError("two journeys have the same name")
    files = {"plan.toml": plan_text(draft).encode(), **files, **draft.files}
    try:
        os.makedirs(folder, exist_ok=True)
        for name, data in files.items():
            with open(os.path.join(folder, name), "xb") as file:
                file.write(data)
    except FileExistsError as exc:
        raise ConfigError(f"{exc.filename} is there already; name another folder with -o") from None
    except OSError as exc:
        raise ConfigError(f"{exc.filename or folder}: {exc.strerror}") from None
    return list(files)


def file_name(name: str) -> str:
    """A name for a file, made of what a journey is called."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "journey"


def variable_name(name: str) -> str:
    """The name with what Hurl does not have in names of variables replaced."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return name if name[:1].isalpha() else f"v{name}"


# ---- plan.toml ----


def plan_text(draft: Draft) -> str:
    lines = [f"# Made from {os.path.basename(draft.source)} by `citrate load import`."]
    if draft.notes:
        lines += ["#", "# Not as it was there:"]
        lines += [f"# * {_comment(str(note))}" for note in draft.notes]
    lines.append("")
    tables = []
    for name, value in draft.members.items():
        if isinstance(value, dict):
            tables += ["", f"[{name}]", *_members(value)]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for entry in value:
                tables += ["", f"[[{name}]]", *_members(entry)]
        else:
            lines.append(f"{name} = {toml(value)}")
    for journey in draft.journeys:
        tables += ["", "[[journeys]]", f"file = {toml(file_name(journey.name) + '.hurl')}"]
    return "\n".join([*lines, *tables]) + "\n"


def _members(table: dict[str, object]) -> Iterator[str]:
    for name, value in table.items():
        key = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml(name)
        yield f"{key} = {toml(value)}"


def toml(value: object) -> str:
    """A value as TOML has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    # JSON's strings are TOML's, but for DEL
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


# ---- .hurl ----


def journey_text(journey: Journey) -> str:
    head = [f"# @journey {_comment(journey.name)}"]
    if journey.weight != 1:
        head.append(f"# @weight {journey.weight}")
    if journey.think:
        head.append(f"# @think {journey.think}")
    return "\n\n".join("\n".join(lines) for lines in [head, *map(_step, journey.steps)]) + "\n"


def _step(step: Step) -> list[str]:
    lines = [f"# @name {_comment(step.name)}"]
    lines += ["# @once"] if step.is_once else []
    lines += [f"# @repeat {step.repeat}"] if step.repeat > 1 else []
    lines += [f"# @think {step.think}"] if step.think else []
    base = "" if step.url.startswith(("http://", "https://")) else BASE
    lines.append(f"{step.method} {base}{quote(step.url, safe=_URL_SAFE)}")
    lines += _pairs(step.headers)
    lines += _section("Query", _pairs(step.query))
    lines += _section("Form", _pairs(step.form))
    lines += _section("Multipart", [f"{key(p.name)}: {_part(p)}" for p in step.parts])
    lines += _section("Options", ["location: true"] if step.follow else [])
    lines += body(step.body) if step.body else []
    asserts = step.asserts
    if step.status or step.captures or step.css or asserts:
        lines.append(f"HTTP {step.status or '*'}")
        if not step.status and not any(line.startswith("status ") for line in asserts):
            asserts = ["status < 400", *asserts]  # what a step without HTTP line expects
        lines += [f"# @capture {capture}" for capture in step.css]
    lines += _section("Captures", step.captures)
    lines += _section("Asserts", asserts)
    return lines


def _section(name: str, lines: Iterable[str]) -> list[str]:
    lines = list(lines)
    return [f"[{name}]", *lines] if lines else []


def _pairs(pairs: Pairs) -> list[str]:
    return [f"{key(name)}: {_value(value)}".rstrip(" ") for name, value in pairs]


def _part(part: Part) -> str:
    if not part.is_file:
        return _value(part.value)
    return f"file,{_escaped(part.value, '#;')};" + (f" {part.type}" if part.type else "")


def _comment(text: str) -> str:
    return " ".join(text.split())


def key(text: str) -> str:
    """The name of a header, a parameter, a member of a form."""
    return re.sub(
        r"\{\{[\w-]+\}\}|^\[|[^\w.\[\]@$-]",
        lambda found: found[0] if len(found[0]) > 1 else _point(found[0]),  # a [ in front would be a section
        text,
        flags=re.ASCII,
    )


def _value(text: str) -> str:
    """What stands behind "name: "."""
    shown = _escaped(text, "#")
    # Blanks at the ends are the line's, not the value's.
    shown = re.sub(r"^ +", lambda blanks: "\\u{20}" * len(blanks[0]), shown)
    return re.sub(r" +$", lambda blanks: "\\u{20}" * len(blanks[0]), shown)


def _escaped(text: str, special: str) -> str:
    return "".join(_char(c, special) for c in text)


def _char(c: str, special: str) -> str:
    if c == "\\" or c in special:
        return "\\" + c
    names = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return names.get(c) or (_point(c) if ord(c) < 32 or ord(c) == 127 else c)


def _point(c: str) -> str:
    return f"\\u{{{ord(c):x}}}"


def quoted(text: str) -> str:
    """A string in quotes, as captures and asserts have it."""
    return '"' + _escaped(text, '"') + '"'


def body(text: str) -> list[str]:
    """The lines of a body that is sent as it is."""
    if "\n" in text and is_json(text) and "```" not in text and "\\" not in text:
        return ["```", *text.rstrip("\n").split("\n"), "```"]
    return ["`" + _escaped(text, "`#") + "`"]


def is_json(text: str) -> bool:
    """Whether it is JSON, {{variables}} taken for numbers: a line break behind it changes nothing then."""
    try:
        json.loads(re.sub(r"\{\{[\w-]+\}\}", "0", text))
    except ValueError:
        return False
    return True
