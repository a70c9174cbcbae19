"""Load: whole user journeys driven against a server, and what came of it.

From the shell ``citrate load http://127.0.0.1:8000/ --users 64 --time 10s`` (docs/load.md), from code::

    from citrate import load

    summary = load.run("http://127.0.0.1:8000/", users=64, time="10s")
    assert summary["latency_ms"]["p99"] < 20 and not summary["errors"]
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Any

    Summary = dict[str, Any]
    """What summary.json holds (docs/load-files.md): requests, errors, seconds, rate, latency_ms, steps …"""

__all__ = ["run"]


def run(what: str | os.PathLike[str] | Mapping[str, Any], **options: Any) -> Summary:
    """Run a plan or load an address, wait for the end, return the summary.

    ``what`` is an address ("http://…", "unix:…"), the name of a plan file (.toml, .json), or a plan
    as a mapping (docs/plans.md), whose relative file names begin in the current folder.  ``options``
    are those of the command line with ``_`` for ``-``: users, time, requests, rate, header (a list),
    …; switches are true or false.  Files, index.html among them, are kept when ``report`` names a
    folder.

    Returns what summary.json holds: latencies and service times in ms, ``rate`` in requests a
    second, ``seconds``; "state" and "thresholds" tell whether all went well.  Raises ConfigError for
    options, plans and journeys that are wrong, RuntimeError when nothing was left to be read.
    """
    from citrate.load import runs

    target = what if isinstance(what, str) or hasattr(what, "__fspath__") else dict(what)
    return runs.run(target, options)
