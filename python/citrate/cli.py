"""The command ``citrate``.

Exit status: 0 stopped as asked, 1 sockets, files or workers failed, 2 an option is
wrong, 4 the application could not be loaded.  ``citrate load …`` is the load generator's command
and has its own (citrate.load.command).
"""

from __future__ import annotations

import sys

from citrate import config as configuration
from citrate import server
from citrate.errors import ConfigError, LoadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from citrate.config import Config
    from citrate.wsgiapp import WSGIApp

STATUS_OPTION, STATUS_APP = 2, 4
WORKER_CLASS_NOTE = (
    "worker_class {} is not needed: every worker has an event loop and up to {} threads (--threads); leave it out"
)


def main(argv: list[str] | None = None) -> int:
    """Run the command with ``argv`` (default: the process's); the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["load"]:
        from citrate.load import command

        return guarded(command.main, argv[1:])
    return guarded(_run, argv)


def guarded(run: Callable[..., int], *args: object) -> int:
    """``run(*args)``, errors for people printed and turned into an exit status."""
    try:
        return run(*args)
    except LoadError as exc:
        return complain(str(exc), STATUS_APP)
    except ConfigError as exc:
        return complain(str(exc), STATUS_OPTION)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # citrate --help | head
        sys.stderr.close()
        return 0


def complain(text: str, status: int) -> int:
    print(f"citrate: {text}", file=sys.stderr)
    return status


def _run(argv: list[str]) -> int:
    layer = configuration.from_argv(argv)
    if "help" in layer:
        from citrate import manual

        print(manual.help_text(), end="", flush=True)
        return 0
    if "version" in layer:
        from citrate import __version__

        print(f"citrate {__version__}", flush=True)
        return 0
    return serve_layer(layer)


def serve_layer(layer: configuration.Layer, app: WSGIApp | str | None = None) -> int:
    """Serve (or check, or print) what ``layer`` and the weaker sources say."""

    def read() -> Config:
        return server.read_layers(layer)

    config = read()
    note(config)
    if config["print_config"]:
        from citrate import manual

        print(manual.config_text(config), end="", flush=True)
    if config["check_config"]:
        return check(config, app)
    return 0 if config["print_config"] else server.run(read, app)


def note(config: Config) -> None:
    if config.is_given("worker_class"):
        text = WORKER_CLASS_NOTE.format(config["worker_class"], config["threads"])
        print(f"citrate: note: {text}", file=sys.stderr)


def check(config: Config, app: WSGIApp | str | None = None) -> int:
    """--check-config: load the application too.  ConfigError, LoadError."""
    server.prepare(config)
    target = app if app is not None else config["app"]
    if target is None:
        raise ConfigError("the options are fine, but no application is named")
    server.configure_logging(config["log_config"])
    if isinstance(target, str):
        from citrate.wsgiapp import load

        load(target)
    print("citrate: the configuration is fine")
    return 0
