"""What an application says about its Serafin: a dict in Django's settings, or a call.

    CITRATE_SERAFIN = {"lineage": "B+refresh"}      # settings.py
    configure(lineage="B+refresh")                  # anywhere; None takes it back

Lineages (docs/serafin.md): "A" is the language and engine of the master branch, "B" that of the
Python-3 branches, "B+refresh" is B and reads the user again from the database before each step.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["LINEAGES", "configure", "lineage", "setting"]

LINEAGES = ("A", "B", "B+refresh")
NAME = "CITRATE_SERAFIN"

_configured: dict[str, Any] = {}


def configure(**values: Any) -> None:
    """Sets what the application's settings would; a value of None goes back to them.

    Raises ValueError for a lineage that does not exist.
    """
    if values.get("lineage") is not None:
        _checked(values["lineage"])
    for name, value in values.items():
        if value is None:
            _configured.pop(name, None)
        else:
            _configured[name] = value


def setting(name: str, default: Any = None) -> Any:
    """What configure() or else CITRATE_SERAFIN says; Django's settings are read each time."""
    if name in _configured:
        return _configured[name]
    return _of_django().get(name, default)


def lineage() -> str:
    """The lineage of this application.  Raises ValueError for one that does not exist."""
    return _checked(setting("lineage", "B"))


def _checked(value: Any) -> str:
    if value not in LINEAGES:
        raise ValueError(f"lineage is one of {', '.join(LINEAGES)}, not {value!r}")
    return str(value)


def _of_django() -> dict[str, Any]:
    """{} without Django, and where its settings are not there; what was not imported says nothing."""
    conf: Any = sys.modules.get("django.conf")
    if conf is None:
        return {}
    from django.core.exceptions import ImproperlyConfigured

    try:
        found: dict[str, Any] = getattr(conf.settings, NAME, {})
    except ImproperlyConfigured:
        return {}
    return found
