"""Reserved variables: names whose values an application works out itself, for Parser and Engine alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from citrate.contrib.serafin.host import Host

__all__ = ["reserved_names", "reserved_value"]


def reserved_names(rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Those of `RESERVED_VARIABLES` that expressions know: "user" is among their domains."""
    return frozenset(row["name"] for row in rows if "user" in row["domains"])


def reserved_value(host: Host, user: Any, name: str, values: Callable[[], Any]) -> Any:
    """What a reserved name is worth; '' for those nobody knows.

    `values` gives the mapping that may have the user's "session": "enrolled" alone asks for it.
    """
    if name == "registered":
        return not host.is_anonymous(user)
    if name == "enrolled":
        return _is_enrolled(host, user, values())
    if name not in ("current_day", "current_time", "current_date"):
        return ""
    now = host.now()
    if name == "current_day":
        return now.isoweekday()
    return now.strftime("%H:%M:%S" if name == "current_time" else "%Y-%m-%d")


def _is_enrolled(host: Host, user: Any, values: Any) -> bool:
    if "session" not in values:
        return False
    session = host.load_session(values["session"])
    return bool(host.accesses(session.program, user))
