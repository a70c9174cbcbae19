"""Citrate serves WSGI applications.

From the shell ``citrate mysite.wsgi:application --bind 0.0.0.0:8000 --workers 2``,
from code ``citrate.serve(app, bind="127.0.0.1:8000", workers=2)``.
"""

from __future__ import annotations

from citrate.errors import ConfigError, LoadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from citrate._native import RequestTimeout, __version__
    from citrate.wsgiapp import WSGIApp

__all__ = ["ConfigError", "LoadError", "RequestTimeout", "__version__", "serve"]


def serve(
    app: WSGIApp | str,
    bind: str | Iterable[str] | None = None,
    workers: int | str | None = None,
    **options: Any,
) -> None:
    """Serve ``app``, a WSGI application or the name of one ("module:attribute"), until stopped.

    ``options`` are those of the command line, with ``_`` for ``-`` (docs/options.md);
    times in seconds, sizes in bytes or as "64k".  An option not given here is taken from
    ``CITRATE_*`` variables, the file named by ``config``, or its default.

    Must be called in the main thread of a process that has no other threads yet: it forks
    workers and takes over the signals.  Returns when told to stop (TERM, INT).  Raises
    ConfigError for options that can't be used, LoadError if a preloaded application can't
    be loaded, SystemExit if the sockets can't be opened or no worker comes up.
    """
    from citrate import config, server

    if bind is not None:
        options["bind"] = bind
    if workers is not None:
        options["workers"] = workers
    layer = config.from_keywords(options, "citrate.serve()")
    status = server.run(lambda: server.read_layers(layer), app)
    if status != 0:
        raise SystemExit(status)


def __getattr__(name: str) -> Any:
    if name in ("RequestTimeout", "__version__"):
        from citrate import _native  # not before it is needed

        return getattr(_native, name)
    raise AttributeError(f"module 'citrate' has no attribute {name!r}")
