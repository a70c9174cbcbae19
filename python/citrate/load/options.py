"""The options of ``citrate load``: which there are, which take a value, and a command line taken apart.

The generator (src/bin/citrate_load.c) reads and checks the values; here only the words are told
apart, so that the plan or address can be found among them and the rest be passed on.
"""

from __future__ import annotations

from citrate.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VALUES = {
    "--users": "-c",
    "--time": "-d",
    "--requests": "-n",
    "--rate": "-R",
    "--threads": "-t",
    "--header": "-H",
    "--method": "-X",
    "--data": "-b",
    "--timeout": "",
    "--connect-timeout": "",
    "--cacert": "",
    "--seed": "",
    "--warm": "",
    "--grace": "",
    "--max-body": "",
    "--report": "",
    "--live": "",
    "--stream": "",
    "--control": "",
    "--folder": "",
    "--plan-name": "",
}
"""Options of the generator with a value: long name -> short one."""

SWITCHES = {
    "--poisson": "",
    "--follow": "-L",
    "--no-keepalive": "",
    "--insecure": "-k",
    "--dry-run": "",
    "--help": "-h",
    "--version": "-V",
}
"""Options of the generator without."""


class Given:
    """A command line, taken apart.

    ``pairs`` are the options in their order, long names, value None for a switch; ``operands``
    what is no option; ``rest`` what stood behind ``--``, None without one.
    """

    __slots__ = ("operands", "own", "pairs", "rest")

    def __init__(self, own: Mapping[str, bool]):
        self.own = own
        self.pairs: list[tuple[str, str | None]] = []
        self.operands: list[str] = []
        self.rest: list[str] | None = None

    def __contains__(self, name: str) -> bool:
        return any(n == name for n, _ in self.pairs)

    def all(self, name: str) -> list[str]:
        """Every value given for an option."""
        return [v for n, v in self.pairs if n == name and v is not None]

    def last(self, name: str, default: str) -> str:
        """The value that counts."""
        return (self.all(name) or [default])[-1]

    def plus(self, *pairs: tuple[str, str], without: Iterable[str] = ()) -> Given:
        """A copy with other options."""
        copy = Given(self.own)
        copy.pairs = [pair for pair in self.pairs if pair[0] not in without] + list(pairs)
        return copy

    def native(self, without: Iterable[str] = ()) -> list[str]:
        """What is the generator's, to be passed on."""
        words = []
        for name, value in self.pairs:
            if name not in self.own and name not in without:
                words += [name] if value is None else [name, value]
        return words


def split(argv: list[str], own: Mapping[str, bool]) -> Given:
    """Take ``argv`` apart.  ``own``: further options, name -> whether it takes a value.

    ConfigError for unknown options and missing values.
    """
    given = Given(own)
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            given.rest = rest
            break
        if word.startswith("--"):
            _long(given, word, rest)
        elif word.startswith("-") and word != "-":
            _short(given, word, rest)
        else:
            given.operands.append(word)
    return given


def _long(given: Given, word: str, rest: list[str]) -> None:
    name, has_value, value = word.partition("=")
    takes_value = _takes_value(name, given.own)
    if takes_value is None:
        raise _unknown(name, given.own)
    if has_value and not takes_value:
        raise ConfigError(f"{name}: takes no value")
    given.pairs.append((name, (value if has_value else _next(name, rest)) if takes_value else None))


def _short(given: Given, word: str, rest: list[str]) -> None:
    """-c 10, -c10, and switches in one word (-Lk)."""
    letters = word[1:]
    while letters:
        flag, letters = "-" + letters[0], letters[1:]
        name = next((n for table in (VALUES, SWITCHES) for n, s in table.items() if s == flag), None)
        if name is None:
            raise _unknown(flag, given.own)
        if name in VALUES:
            given.pairs.append((name, letters or _next(flag, rest)))
            return
        given.pairs.append((name, None))


def _takes_value(name: str, own: Mapping[str, bool]) -> bool | None:
    """None: no such option."""
    return own.get(name, True if name in VALUES else False if name in SWITCHES else None)


def _next(flag: str, rest: list[str]) -> str:
    if not rest:
        raise ConfigError(f"{flag}: needs a value")
    return rest.pop(0)


def _unknown(flag: str, own: Mapping[str, bool]) -> ConfigError:
    import difflib

    near = difflib.get_close_matches(flag, [*VALUES, *SWITCHES, *own], 1)
    advice = f"did you mean {near[0]}?" if near else "citrate load --help lists them"
    return ConfigError(f"{flag}: no such option of citrate load; {advice}")


def from_keywords(keywords: Mapping[str, object]) -> Given:
    """Options of a call from code: ``users=10, follow=True, header=["A: b"]``.  ConfigError for unknown ones."""
    argv = []
    for keyword, value in keywords.items():
        name = "--" + keyword.replace("_", "-")
        takes_value = _takes_value(name, {})
        if takes_value is None:
            raise _unknown(name, {})
        if not takes_value:
            argv += [name] if value else []
        elif value is not None:
            for one in value if isinstance(value, (list, tuple)) else [value]:
                argv += [name, str(one)]
    return split(argv, {})


def count(text: str, name: str, least: int = 1) -> int:
    """A whole number of an own option.  ConfigError."""
    if not text.isdecimal() or int(text) < least:
        raise ConfigError(f"{name}: {text!r} is not a whole number from {least} on")
    return int(text)


def seconds(text: str, name: str) -> float:
    """A time as people write it: 500ms, 3, 3s, 2m.  ConfigError."""
    units = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = text[len(number) :]
    try:
        if unit in units and number[:1].isdecimal():
            return float(number) * units[unit]
    except ValueError:
        pass
    raise ConfigError(f"{name}: {text!r} is not a time; allowed: 500ms, 3s, 2m and the like")
