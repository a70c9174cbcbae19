"""The kinds of values an option can have: how each is read, shown and described.

A kind reads text (command line, environment) and typed values (TOML, keywords) alike.
For a value it can't use it raises ``OverflowError`` (a number out of its bounds), else
``ValueError`` or ``LookupError``; the caller words the message, because only the caller
knows where the value was found.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from citrate.options import Option

HUGE = 1 << 62  # a bound this large is no bound to people
SIZES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
LEVELS = {"debug": 0, "verbose": 1, "info": 2, "warning": 3, "error": 4, "critical": 5}
ATOMS, NUMBERS = "hlutrmUqHsBbfaTMDLp", "sBTMD"  # src/serve/access.c
TRUTHS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class Kind:
    """A whole number within the bounds of its setting; the other kinds build on it."""

    what = "a whole number"
    meta = "N"
    takes_value = True
    repeats = False

    def read(self, option: Option, value: object) -> Any:
        """The value in the unit of the setting."""
        return self.bounded(option, self.whole(value))

    def show(self, option: Option, value: Any) -> str:
        """The value as a user would write it."""
        return "" if value is None else str(value)

    def allowed(self, option: Option) -> str:
        """What can be written, for messages and the manual."""
        least, most = option.bounds()
        text = self.show(option, least)
        return f"{text} or more" if most >= HUGE else f"{text} to {self.show(option, most)}"

    def bounded(self, option: Option, value: int) -> int:
        least, most = option.bounds()
        if not least <= value <= most:
            raise OverflowError
        return value

    def whole(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise ValueError
        return int(value)


class Count(Kind):
    pass


class Workers(Kind):
    what = "a number of workers"
    meta = "N|auto"

    def read(self, option: Option, value: object) -> Any:
        if value == "auto":
            from citrate.cpus import available

            return min(available(), option.bounds()[1])
        return super().read(option, value)

    def allowed(self, option: Option) -> str:
        return super().allowed(option) + ", or auto (one for each processor)"


class Seconds(Kind):
    """Seconds, decimals allowed; the setting is in milliseconds."""

    what = "a time in seconds"
    meta = "SECONDS"

    def read(self, option: Option, value: object) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError
        ms = float(value) * 1000
        if not -HUGE < ms < HUGE:  # also refuses nan
            raise ValueError
        # What is more than nothing stays so: 0 would switch the limit off.
        return self.bounded(option, 1 if 0 < ms < 1 else round(ms))

    def show(self, option: Option, value: Any) -> str:
        return f"{value / 1000:g}" if value % 1000 else str(value // 1000)


class Size(Kind):
    """Bytes, or with k, m, g (powers of 1024)."""

    what = "a size in bytes"
    meta = "BYTES"

    def read(self, option: Option, value: object) -> Any:
        factor = 1
        if isinstance(value, str):
            value = value.strip().lower().removesuffix("b").removesuffix("i")
            if value[-1:] in SIZES:
                factor = SIZES[value[-1]]
                value = value[:-1]
        return self.bounded(option, self.whole(value) * factor)

    def show(self, option: Option, value: Any) -> str:
        for letter in "gmk":
            if value and value % SIZES[letter] == 0:
                return f"{value // SIZES[letter]}{letter}"
        return str(value)

    def allowed(self, option: Option) -> str:
        return super().allowed(option) + ", with k, m or g for powers of 1024"


class Octal(Kind):
    """File mode bits: text is octal, as chmod(1) takes it; a number is taken as it is."""

    what = "an octal mode"
    meta = "MODE"

    def read(self, option: Option, value: object) -> Any:
        if value == "":
            return -1
        return self.bounded(option, int(value, 8) if isinstance(value, str) else self.whole(value))

    def show(self, option: Option, value: Any) -> str:
        return "" if value == -1 else f"{value:03o}"

    def allowed(self, option: Option) -> str:
        return "000 to 777"


class Flag(Kind):
    what = "yes or no"
    meta = ""
    takes_value = False

    def read(self, option: Option, value: object) -> Any:
        if isinstance(value, str):
            value = TRUTHS.get(value.strip().lower())
        elif isinstance(value, int) and value in (0, 1):
            value = bool(value)
        if not isinstance(value, bool):
            raise ValueError
        return int(value)

    def show(self, option: Option, value: Any) -> str:
        return "true" if value else "false"

    def allowed(self, option: Option) -> str:
        return "true or false (also yes, no, on, off, 1, 0)"


class Text(Kind):
    """Text without NUL bytes; empty text is "none"."""

    what = "text"
    meta = "TEXT"

    def read(self, option: Option, value: object) -> Any:
        if value is not None and (not isinstance(value, str) or "\0" in value):
            raise ValueError
        return value or None

    def allowed(self, option: Option) -> str:
        return "text"


class Format(Text):
    """An access log's format: literal text, %%, %(atom)s, and %(atom)d for numbers."""

    what = "a format of access lines"
    meta = "FORMAT"

    def read(self, option: Option, value: object) -> Any:
        text = super().read(option, value)
        rest = text or ""
        while "%" in rest:
            rest = rest[rest.index("%") + 1 :]
            if rest.startswith("%"):
                rest = rest[1:]
                continue
            atom, closing, rest = rest.partition(")")
            if not atom.startswith("(") or not closing or not self.is_atom(atom[1:], rest[:1]):
                raise ValueError
            rest = rest[1:]
        return text

    def is_atom(self, atom: str, conversion: str) -> bool:
        if atom[:1] == "{":
            return conversion == "s" and len(atom) > 3 and atom[-2] == "}" and atom[-1] in "ioe"
        return len(atom) == 1 and ((conversion == "s" and atom in ATOMS) or (conversion == "d" and atom in NUMBERS))

    def allowed(self, option: Option) -> str:
        letters = " ".join(ATOMS)
        return f"text with %%, %({{NAME}}i)s, %({{NAME}}o)s, %({{NAME}}e)s or %(X)s, X one of {letters}"


class Path(Text):
    what = "a path"
    meta = "PATH"

    def read(self, option: Option, value: object) -> Any:
        if hasattr(value, "__fspath__"):
            value = value.__fspath__()
        return super().read(option, value)

    def allowed(self, option: Option) -> str:
        return "the path of a file or directory"


class LogFile(Path):
    meta = "FILE"

    def allowed(self, option: Option) -> str:
        return "a path, or - for standard output (access) or standard error (errors)"


class Level(Kind):
    what = "a log level"
    meta = "LEVEL"

    def read(self, option: Option, value: object) -> Any:
        if not isinstance(value, str):
            raise ValueError
        level = value.strip().lower()
        return self.bounded(option, LEVELS["warning" if level == "warn" else level])

    def show(self, option: Option, value: Any) -> str:
        return next(name for name, number in LEVELS.items() if number == value)

    def allowed(self, option: Option) -> str:
        return ", ".join(LEVELS)


class Items(Kind):
    """Several texts: repeated, separated by commas, or in a list."""

    what = "a list"
    meta = "ITEM"
    repeats = True

    def read(self, option: Option, value: object) -> Any:
        items = [value] if isinstance(value, str) else self.listed(value)
        return [self.item(part) for item in items for part in self.split(item) if part != ""]

    def split(self, item: object) -> list[object]:
        return list(item.split(",")) if isinstance(item, str) else [item]

    def listed(self, value: object) -> list[object]:
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise ValueError
        return list(value)

    def item(self, part: object) -> str:
        if not isinstance(part, str) or "\0" in part:
            raise ValueError
        return part.strip()

    def show(self, option: Option, value: Any) -> str:
        return ",".join(value)

    def allowed(self, option: Option) -> str:
        return "texts, separated by commas"


class Binds(Items):
    what = "an address"
    meta = "ADDRESS"

    def read(self, option: Option, value: object) -> Any:
        binds = super().read(option, value)
        if not binds:
            raise ValueError
        return binds

    def item(self, part: object) -> str:
        """Only the form: whether the address can be had is known when it is opened."""
        part = super().item(part)
        if part == "systemd" or (part.startswith("unix:") and part[5:].strip("/@")):
            return part
        if part.startswith("fd://"):
            port, most = part[5:], 1 << 31
        else:
            host, colon, port = part.rpartition(":")
            most = 1 << 16
            if ("[" in part) != ("]" in part) or (":" in host and not host.startswith("[")):
                raise ValueError
            if "]" in port or (not colon and not part.isdecimal()):
                port = "0"  # a host alone; the port is then the default
        if not port.isdecimal() or int(port) >= most:
            raise ValueError
        return part

    def allowed(self, option: Option) -> str:
        return "HOST:PORT, [IPV6]:PORT, :PORT (PORT up to 65535), unix:PATH, unix:@NAME, fd://N, systemd"

    def listed(self, value: object) -> list[object]:
        is_port = isinstance(value, int) and not isinstance(value, bool)
        return [str(value)] if is_port else super().listed(value)


class Paths(Items):
    meta = "PATH,..."

    def allowed(self, option: Option) -> str:
        return "directories, separated by commas"


class Peers(Items):
    """Addresses whose word is trusted; one text with commas for the server."""

    meta = "IP,..."

    def item(self, part: object) -> str:
        import _socket  # socket(7) without the Python module around it

        part = super().item(part)
        if part == "*":
            return part
        address, slash, bits = part.partition("/")
        family = _socket.AF_INET6 if ":" in address else _socket.AF_INET
        try:
            packed = _socket.inet_pton(family, address)
        except OSError:
            raise ValueError from None
        if slash and not (bits.isdecimal() and int(bits) <= len(packed) * 8):
            raise ValueError
        return part

    def read(self, option: Option, value: object) -> Any:
        return ",".join(super().read(option, value))

    def show(self, option: Option, value: Any) -> str:
        return value or ""

    def allowed(self, option: Option) -> str:
        return "IP addresses and networks (10.0.0.0/8), separated by commas, or * for all"


class Pairs(Items):
    """NAME=VALUE texts; in TOML and code also a table.  A text alone is one pair."""

    what = "a list of NAME=VALUE"
    meta = "NAME=VALUE"

    def listed(self, value: object) -> list[object]:
        if isinstance(value, dict):
            return [f"{name}={text}" for name, text in value.items()]
        return super().listed(value)

    def split(self, item: object) -> list[object]:
        return [item]  # a value may well have commas in it

    def item(self, part: object) -> str:
        if not isinstance(part, str) or "\0" in part or part.find("=") < 1:
            raise ValueError
        return part

    def allowed(self, option: Option) -> str:
        return "NAME=VALUE"


class User(Kind):
    """A user's name or number; the setting is the number."""

    what = "a user of this system"
    meta = "USER"

    def read(self, option: Option, value: object) -> Any:
        if value == "":
            return -1
        if isinstance(value, str) and not value.isdecimal():
            return self.look_up(value)
        return self.bounded(option, self.whole(value))

    def look_up(self, name: str) -> int:
        import pwd

        return pwd.getpwnam(name).pw_uid

    def show(self, option: Option, value: Any) -> str:
        return "" if value == -1 else str(value)

    def allowed(self, option: Option) -> str:
        return "the name or number of a user"


class Group(User):
    what = "a group of this system"
    meta = "GROUP"

    def look_up(self, name: str) -> int:
        import grp

        return grp.getgrnam(name).gr_gid

    def allowed(self, option: Option) -> str:
        return "the name or number of a group"


class WorkerClass(Text):
    """gunicorn's, taken if it names what Citrate does anyway."""

    what = "a kind of worker Citrate has"

    def read(self, option: Option, value: object) -> Any:
        if value not in ("sync", "gthread"):
            raise ValueError
        return value

    def allowed(self, option: Option) -> str:
        return "sync or gthread, and neither is needed: every worker has threads and an event loop (see --threads)"
