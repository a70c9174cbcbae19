"""Where options come from, and which source wins.

    command line or keywords  >  CITRATE_* variables  >  PORT, WEB_CONCURRENCY
                              >  TOML file            >  defaults

Each source is read to a layer: option name -> (raw value, where it was found).  A
``Config`` is what remains of all layers once the values are read and checked.
"""

from __future__ import annotations

from citrate import options
from citrate.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from citrate.options import Option

    Layer = dict[str, tuple[Any, str]]

PREFIX = "CITRATE_"
NOT_OPTIONS = {"CITRATE_LOAD"}  # where the load generator is (citrate.load.native)


class Config:
    """Checked values of all options, in the units of the server's settings.

    ``values[name]`` is the value, ``origins[name]`` says where it was found.
    """

    __slots__ = ("origins", "values")

    def __init__(self, values: dict[str, Any], origins: dict[str, str]):
        self.values = values
        self.origins = origins

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def is_given(self, name: str) -> bool:
        """Whether the value is somebody's choice and no default."""
        return self.origins[name] != "default"

    def native(self) -> dict[str, int | str | None]:
        """The server's settings, by its names and in its units."""
        return {o.setting: self.values[o.name] for o in options.OPTIONS.values() if o.setting}

    def binds(self, environ: Mapping[str, str], pid: int) -> list[str]:
        """Addresses to listen on: the given ones, else systemd's, else the default."""
        activated = environ.get("LISTEN_FDS", "") not in ("", "0") and environ.get("LISTEN_PID") == str(pid)
        if activated and not self.is_given("bind"):
            return ["systemd"]
        binds: list[str] = self.values["bind"]
        return binds


def merge(layers: Iterable[Layer]) -> Config:
    """The options of all layers, the first layer that names one deciding.  ConfigError."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    given: Layer = {}
    for layer in layers:
        given = {**layer, **given}
    for option in options.OPTIONS.values():
        if option.name in given:
            raw, where = given[option.name]
            values[option.name] = read(option, raw, where)
            origins[option.name] = where
        else:
            values[option.name] = option.default()
            origins[option.name] = "default"
    return Config(values, origins)


def read(option: Option, raw: object, where: str) -> Any:
    """One value, checked.  ConfigError says where it was found and what is allowed."""
    try:
        return option.kind.read(option, raw)
    except OverflowError:
        problem = "is out of bounds"
    except (ValueError, LookupError):
        problem = f"is not {option.kind.what}"
    shown = raw[0] if isinstance(raw, list) and len(raw) == 1 else raw
    raise ConfigError(f"{where}: {shown!r} {problem}; allowed: {option.allowed()}")


# ---- the command line ----


def from_argv(argv: list[str]) -> Layer:
    """``argv`` without the program's name.  ConfigError for unknown flags and missing values."""
    layer: Layer = {}
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            for operand in rest:
                _put_app(layer, operand)
            break
        if word.startswith("--"):
            _long(layer, word, rest)
        elif word.startswith("-") and word != "-":
            _short(layer, word, rest)
        else:
            _put_app(layer, word)
    return layer


def _put_app(layer: Layer, word: str) -> None:
    if "app" in layer and layer["app"][1] == "command line":
        raise ConfigError(f"command line: one application can be served, not {layer['app'][0]!r} and {word!r}")
    layer["app"] = (word, "command line")


def _long(layer: Layer, word: str, rest: list[str]) -> None:
    name, given, value = word[2:].partition("=")
    flag = "--" + name
    option, negated = options.find(name)
    if option is None:
        raise unknown(name, flag, flag, options_as="--")
    if option.kind.takes_value:
        _put(layer, option, value if given else _next(flag, rest), flag)
    else:
        _put(layer, option, _truth(option, value if given else True, negated, flag), flag)


def _short(layer: Layer, word: str, rest: list[str]) -> None:
    """-w 4, -w4, and flags in one word (-hv)."""
    letters = word[1:]
    while letters:
        flag, letters = "-" + letters[0], letters[1:]
        option = next((o for o in options.OPTIONS.values() if o.short == flag[1]), None)
        if option is None:
            raise unknown(flag[1], flag, flag, options_as="--")
        if option.kind.takes_value:
            _put(layer, option, letters.removeprefix("=") if letters else _next(flag, rest), flag)
            return
        _put(layer, option, True, flag)


def _next(flag: str, rest: list[str]) -> str:
    if not rest or (rest[0].startswith("--") and len(rest[0]) > 2):
        raise ConfigError(f"{flag}: needs a value")
    return rest.pop(0)


def _put(layer: Layer, option: Option, value: object, flag: str) -> None:
    """The last value of a flag counts; those of a list add up."""
    if option.kind.repeats:
        value = [*layer[option.name][0], value] if option.name in layer else [value]
    layer[option.name] = (value, flag)


def _truth(option: Option, value: object, negated: bool, where: str) -> object:
    """A truth value, turned round for a name that begins with "no-"."""
    return not read(option, value, where) if negated else value


# ---- environment, file, keywords ----


def from_environ(environ: Mapping[str, str]) -> Layer:
    """CITRATE_* variables.  ConfigError for names that are no option."""
    layer: Layer = {}
    for variable, text in environ.items():
        if variable.startswith(PREFIX) and variable not in NOT_OPTIONS:
            _named(layer, variable[len(PREFIX) :].lower(), text, variable, options_as=PREFIX)
    return layer


def from_platform(environ: Mapping[str, str]) -> Layer:
    """The variables hosting platforms set, as gunicorn reads them."""
    layer: Layer = {}
    if environ.get("PORT"):
        layer["bind"] = ("0.0.0.0:" + environ["PORT"], "PORT")
    if environ.get("WEB_CONCURRENCY"):
        layer["workers"] = (environ["WEB_CONCURRENCY"], "WEB_CONCURRENCY")
    return layer


def from_toml(path: str) -> Layer:
    """A TOML file: a flat table, or its table [citrate].  ConfigError if it can't be read."""
    table = _toml(path)
    own = table.get("citrate")
    if isinstance(own, dict):
        loose = [name for name, value in table.items() if not isinstance(value, dict)]
        if loose:
            raise ConfigError(f"{path}: {loose[0]}: stands outside of the table [citrate]; move it there")
        table = own
    layer: Layer = {}
    for name, value in table.items():
        if name == "config":
            raise ConfigError(f"{path}: config: a file can't name another one")
        _named(layer, name, value, f"{path}: {name}", options_as="")
    return layer


def from_keywords(keywords: Mapping[str, object], where: str) -> Layer:
    """Keyword arguments, or the lines of an ini section; ``where`` leads their messages."""
    layer: Layer = {}
    for name, value in keywords.items():
        _named(layer, name, value, f"{where}: {name}", options_as="")
    return layer


def _named(layer: Layer, name: str, value: object, where: str, options_as: str) -> None:
    option, negated = options.find(name)
    if option is None or option.action:
        raise unknown(name, where.removesuffix(": " + name), name if not options_as else where, options_as)
    if option.name in layer:
        raise ConfigError(f"{where}: given twice, also as {layer[option.name][1]}")
    layer[option.name] = (_truth(option, value, negated, where), where)


def _toml(path: str) -> dict[str, Any]:
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    if path.endswith(".py"):
        raise ConfigError(f"--config: {path} is a Python file; Citrate reads TOML (docs/moving-from-gunicorn.md)")
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as exc:
        raise ConfigError(f"--config: {path}: {exc.strerror}") from None
    except ValueError as exc:  # not UTF-8, or not TOML
        raise ConfigError(f"--config: {path} is no TOML: {exc}") from None


# ---- names that are no option ----


def unknown(name: str, place: str, shown: str, options_as: str) -> ConfigError:
    """What to say about a name that is no option: gunicorn's get advice, others the nearest."""
    import difflib

    from citrate import gunicorn

    prefix = "" if place == shown else f"{place}: "
    advice = gunicorn.advice(name)
    if advice is not None:
        return ConfigError(f"{prefix}{shown}: {advice}")
    known = [n for n, o in options.NAMES.items() if o.group and (options_as == "--" or not o.action)]
    near = difflib.get_close_matches(name.lower().replace("-", "_"), known, 1)
    if not near:
        return ConfigError(f"{prefix}{shown}: no such option; citrate --help lists them")
    spelled = near[0].replace("_", "-") if options_as == "--" else near[0]
    spelled = spelled.upper() if options_as == PREFIX else spelled
    return ConfigError(f"{prefix}{shown}: no such option; did you mean {options_as}{spelled}?")
