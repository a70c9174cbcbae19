"""Plans: TOML read, and turned into the JSON that the generator reads.

The members are the same in both and are checked by the generator (src/load/plan.c), which knows
their meaning; here is only what TOML has and JSON has not.
"""

from __future__ import annotations

from citrate.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Plan = dict[str, Any]


def read(path: str) -> Plan:
    """The plan in a file: TOML, or JSON when its name ends so.  ConfigError with file, line and column."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from None
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise ConfigError(f"{path}:{line}: this is no UTF-8 text") from None
    return _json(path, text) if path.endswith(".json") else _toml(path, text)


def _json(path: str, text: str) -> Plan:
    import json

    try:
        plan = json.loads(text)
    except json.JSONDecodeError as exc:
        raise ConfigError(f"{path}:{exc.lineno}:{exc.colno}: {_lower(exc.msg)}") from None
    except RecursionError:
        raise ConfigError(f"{path}: is nested too deep") from None
    if not isinstance(plan, dict):
        raise ConfigError(f"{path}: a plan is an object, {{…}}, not {plan!r:.40}")
    return plan


def _toml(path: str, text: str) -> Plan:
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        plan = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(_located(path, text, str(exc))) from None
    except RecursionError:
        raise ConfigError(f"{path}: is nested too deep") from None
    _check(path, "", plan)
    return plan


def _located(path: str, text: str, message: str) -> str:
    """tomllib says "… (at line 3, column 5)" or "… (at end of document)"."""
    what, _, place = message.removesuffix(")").rpartition(" (at ")
    numbers = [int(word) for word in place.replace(",", "").split() if word.isdecimal()]
    if len(numbers) != 2:
        numbers = [text.count("\n") + 1, len(text) - text.rfind("\n")]
    return f"{path}:{numbers[0]}:{numbers[1]}: {_lower(what or message)}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _check(path: str, member: str, value: object) -> None:
    """ConfigError for what JSON can't have, with the member's name: stages[1].for."""
    if isinstance(value, dict):
        for name, part in value.items():
            _check(path, f"{member}.{name}" if member else name, part)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            _check(path, f"{member}[{number}]", part)
    elif isinstance(value, float) and value - value != 0:
        raise ConfigError(f"{path}: {member}: {value} is no number of a plan")
    elif not isinstance(value, (str, int, float)):
        raise ConfigError(
            f"{path}: {member}: {value} is a date or a time of day; a plan has none (in quotes it is text)"
        )


def json_of(plan: Plan) -> bytes:
    """The plan for the generator."""
    import json

    return json.dumps(plan).encode()


def target_of(plan: Plan) -> str:
    """Where it goes: its target, or its URL; "" when it names none."""
    for name in ("target", "url"):
        value = plan.get(name)
        if isinstance(value, str) and value and not value.startswith("/"):
            return value
    return ""


def aimed(plan: Plan, base: str) -> Plan:
    """The plan against another server; ``base`` is "http://127.0.0.1:8000".  The path of a ``url`` stays."""
    aimed_plan = {**plan, "target": base}
    url = plan.get("url")
    if isinstance(url, str) and "://" in url:
        path = "/" + url.partition("://")[2].partition("/")[2]
        aimed_plan["url"] = base + path
        del aimed_plan["target"]
    return aimed_plan
