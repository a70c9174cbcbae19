"""What JMeter's elements are made of: typed properties, and texts with ${variables} and ${__functions()}."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from citrate.errors import ConfigError
from citrate.load.drafts import contents, variable_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from citrate.load.drafts import Draft

FILE_MAX = 64 << 20


class _Closed(ET.TreeBuilder):
    """Refuses a document type: nothing in it is of use here, and entities can be bombs or read files."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ConfigError(f"a document type (<!DOCTYPE {name}>) is not read: entities are not allowed")


def parse(path: str) -> ET.Element:
    """The root of an XML file.  ConfigError with the place of what is wrong."""
    data = contents(path, FILE_MAX)
    try:
        return ET.fromstring(data, ET.XMLParser(target=_Closed()))
    except ET.ParseError as exc:
        line, column = exc.position
        raise ConfigError(f"{path}:{line}:{column + 1}: {str(exc).partition(':')[0]}") from None
    except ConfigError as exc:
        raise ConfigError(f"{path}: {exc}") from None


class Props:
    """An element's properties by name; `place` is its name behind the names of those it stands in."""

    def __init__(self, element: ET.Element, outer: str) -> None:
        self.element = element
        self.name = element.get("testname") or element.get("name") or element.tag
        self.place = f"{outer} > {self.name}" if outer else self.name
        self._by_name = {child.get("name", ""): child for child in element}

    def text(self, name: str) -> str:
        found = self._by_name.get(name)
        return "" if found is None else found.text or ""

    def flag(self, name: str) -> bool:
        return self.text(name).strip().lower() == "true"

    def has(self, name: str) -> bool:
        return name in self._by_name

    def below(self, name: str) -> Props | None:
        found = self._by_name.get(name)
        return None if found is None else Props(found, self.place)

    def entries(self, name: str) -> Iterator[Props]:
        """The elements of a collection."""
        found = self._by_name.get(name)
        for child in found if found is not None else ():
            yield Props(child, self.place)

    def strings(self, name: str) -> list[str]:
        """A collection of texts."""
        found = self._by_name.get(name)
        return [child.text or "" for child in found] if found is not None else []


_REFERENCE = re.compile(r"\$\{(?P<call>__\w+)(?:\((?P<args>(?:[^()\\]|\\.|\([^()]*\))*)\))?\}|\$\{(?P<name>[^${}]+)\}")


class Texts:
    """Turns ${name} into {{name}}; what can't be turned is noted once for each place."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.fixed: dict[str, str] = {}
        """User defined variables, for places that need a number."""
        self._told: set[tuple[str, str]] = set()

    def noted(self, place: str, texts: Iterable[str]) -> None:
        for text in texts:
            if (place, text) not in self._told:
                self._told.add((place, text))
                self.draft.note(place, text)

    def variable(self, place: str, name: str) -> str:
        """A variable's name here."""
        name = name.strip()
        made = variable_name(name)
        if made != name:
            self.noted(place, [f"the variable '{name}' is called '{made}'"])
        return made

    def filled(self, place: str, text: str, is_fixed: bool = False) -> str:
        """The text with {{variables}}.  ``is_fixed``: known variables are put in, for other texts do not hold any."""
        if "{{" in text:
            self.noted(place, ["a text with '{{' in it: here that begins a variable"])

        def one(found: re.Match[str]) -> str:
            if found["call"]:
                return self._called(place, found[0], found["call"], found["args"] or "")
            if is_fixed and found["name"] in self.fixed:
                return self.fixed[found["name"]]
            return "{{" + self.variable(place, found["name"]) + "}}"

        return _REFERENCE.sub(one, text)

    def _called(self, place: str, whole: str, call: str, args: str) -> str:
        values = [value.strip() for value in args.replace("\\,", "\0").split(",")]
        if call in ("__P", "__property"):
            default = values[1] if call == "__P" and len(values) > 1 else values[2] if len(values) > 2 else ""
            self.noted(place, [f"the property {values[0]} has its default, '{default}'"])
            return default.replace("\0", ",")
        same = {"__UUID": "{{newUuid}}", "__threadNum": "{{userNumber}}"}
        if call in same:
            return same[call]
        self.noted(place, [f"not understood: the function {whole}, which stands as it is"])
        return whole

    def whole(self, props: Props, name: str, default: int) -> int:
        """A whole number; the default, noted, when it is none."""
        written = props.text(name).strip()
        if not written:
            return default
        value = self.filled(props.place, written, is_fixed=True)
        try:
            return int(float(value))
        except (ValueError, OverflowError):
            self.noted(props.place, [f"{name.rpartition('.')[2]} '{written}' is no number: {default} is taken"])
            return default
