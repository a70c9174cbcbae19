"""``[server:main] use = egg:citrate#main`` in an ini file of PasteDeploy.

``socket`` (Pyruvate's name), ``host`` and ``port``, or ``bind`` say where to listen;
every other line is an option of Citrate by its name.  PasteDeploy has loaded the
application by then, so the workers inherit it from the supervisor as with --preload.
"""

from __future__ import annotations

import sys

from citrate import cli
from citrate.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from citrate.wsgiapp import WSGIApp

WHERE = "[server:main]"
DEFAULT_PORT = "8080"


def serve_paste(app: WSGIApp, global_conf: dict[str, str] | None, **local_conf: str) -> None:
    """Entry point ``paste.server_runner``: serve until stopped.  SystemExit if that fails."""
    status = cli.guarded(_serve, app, local_conf)
    if status != 0:
        sys.exit(status)


def server_factory(global_conf: dict[str, str] | None, **local_conf: str) -> Callable[[WSGIApp], None]:
    """Entry point ``paste.server_factory``: a function that serves an application."""

    def serve(app: WSGIApp) -> None:
        serve_paste(app, global_conf, **local_conf)

    return serve


def _serve(app: WSGIApp, local_conf: dict[str, str]) -> int:
    from citrate import config

    layer = config.from_keywords(addresses(local_conf), WHERE)
    _refuse_shared_storage(layer)
    return cli.serve_layer(layer, app)


def addresses(local_conf: dict[str, str]) -> dict[str, str]:
    """The lines of the section with ``socket`` or ``host`` and ``port`` turned to ``bind``.  ConfigError."""
    lines = dict(local_conf)
    socket = lines.pop("socket", None)
    host, port = lines.pop("host", None), lines.pop("port", None)
    given = [
        name for name, value in (("bind", lines.get("bind")), ("socket", socket), ("host/port", host or port)) if value
    ]
    if len(given) > 1:
        raise ConfigError(f"{WHERE}: {given[0]} and {given[1]} both say where to listen; keep one of them")
    if socket:
        lines["bind"] = " ".join(socket.split()).replace(" ", ",")
        if socket.startswith("/"):
            lines["bind"] = "unix:" + socket
    elif host or port:
        lines["bind"] = f"{_bracketed(host or '127.0.0.1')}:{port or DEFAULT_PORT}"
    return lines


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _refuse_shared_storage(layer: dict[str, tuple[object, str]]) -> None:
    """Several processes with one open FileStorage would overwrite each other's data."""
    from citrate import server

    if server.read_layers(layer)["workers"] == 1 or "ZODB.FileStorage.FileStorage" not in sys.modules:
        return
    import gc

    storage = sys.modules["ZODB.FileStorage.FileStorage"].FileStorage
    if any(isinstance(thing, storage) for thing in gc.get_objects()):
        raise ConfigError(
            f"{WHERE}: workers: the application has a ZODB FileStorage open, which only one process may use; "
            "set workers = 1 and threads as you like (Pyruvate's workers are threads), or use ZEO or RelStorage"
        )
