"""Log lines to Python's ``logging``, when the application configured it for them.

* Error lines go to the logger ``citrate.error`` if any handler would get them: its own,
  one of ``citrate``, or one of the root logger.
* Access lines go to ``citrate.access`` only if that logger, or ``citrate``, has handlers
  of its own.  The root logger alone is not enough: a root handler meant for errors would
  drown in one line for each request.

Otherwise the server writes the lines itself, which costs no Python at all.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    Sink = Callable[[int, str], None]

ERROR, ACCESS = "citrate.error", "citrate.access"

# The server's levels (debug, verbose, info, warning, error, critical) as numbers of logging.
LEVELS = (10, 15, 20, 30, 40, 50)


def sinks() -> tuple[Sink | None, Sink | None]:
    """Where error lines and access lines go: callables of (level, line), or None for "the server
    writes them".  Called once in each worker, when the application has been loaded."""
    logging = sys.modules.get("logging")
    if logging is None:
        return None, None
    errors, access = logging.getLogger(ERROR), logging.getLogger(ACCESS)
    return (
        _sink(errors) if errors.hasHandlers() else None,
        _sink(access) if _has_own_handlers(access) else None,
    )


def _has_own_handlers(logger: logging.Logger) -> bool:
    """Handlers below the root logger that lines of ``logger`` reach."""
    current: logging.Logger | None = logger
    while current is not None and current.parent is not None:
        if current.handlers:
            return True
        current = current.parent if current.propagate else None
    return False


def _sink(logger: logging.Logger) -> Sink:
    def emit(level: int, line: str) -> None:
        number = LEVELS[level] if 0 <= level < len(LEVELS) else 20
        if logger.isEnabledFor(number):
            logger.handle(logger.makeRecord(logger.name, number, "(citrate)", 0, line, (), None))

    return emit
