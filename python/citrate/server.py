"""Prepares the process as the options say and hands it to the supervisor.

Runs in the process that becomes the supervisor; only ``loader`` runs in workers.
"""

from __future__ import annotations

import os
import sys

from citrate import config as configuration
from citrate import options
from citrate.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from citrate.config import Config, Layer
    from citrate.wsgiapp import WSGIApp

    Read = Callable[[], Config]


def read_layers(first: Layer, rest: Layer | None = None) -> Config:
    """The options of ``first`` (command line or keywords) over environment, file and
    ``rest`` (weaker than all of them).  ConfigError."""
    environ = configuration.from_environ(os.environ)
    platform = configuration.from_platform(os.environ)
    layers = [first, environ, platform]
    path = first.get("config") or environ.get("config")
    if path is not None:
        text = configuration.read(options.OPTIONS["config"], *path)
        if text is not None:
            layers.append(configuration.from_toml(str(text)))
    return configuration.merge([*layers, rest or {}])


def run(read: Read, app: WSGIApp | str | None = None) -> int:
    """Serve until stopped; the exit status (0: stopped as asked).

    ``read`` gives the options, now and again at each reload.  ``app`` stands over the
    option of that name.  ConfigError, LoadError.
    """
    _main_thread_only()
    config = read()
    again = _from_home(read, config)
    prepare(config)
    target = app if app is not None else config["app"]
    if target is None:
        raise ConfigError("no application: name one, e.g. citrate mysite.wsgi:application")
    if config["preload"] and isinstance(target, str):
        configure_logging(config["log_config"])
        target = _load(target)
    from citrate import _native

    binds = config.binds(os.environ, os.getpid())
    try:
        return _native.supervise(config.native(), binds, _loader(target, config), again)
    except (OSError, ValueError) as exc:  # a log file that can't be opened, a setting that can't be
        raise ConfigError(str(exc)) from None


def _from_home(read: Read, config: Config) -> Callable[[], dict[str, int | str | None]]:
    """``read`` for reloads: again from the directory that relative paths were meant from."""
    home = os.getcwd() if config["chdir"] else None

    def reload() -> dict[str, int | str | None]:
        if home is None:
            return read().native()
        here = os.getcwd()
        os.chdir(home)
        try:
            return read().native()
        finally:
            os.chdir(here)

    return reload


def _main_thread_only() -> None:
    threading = sys.modules.get("threading")
    if threading is not None and threading.current_thread() is not threading.main_thread():
        raise ConfigError("citrate.serve() must be called in the main thread: it takes over the signals")


def prepare(config: Config) -> None:
    """Directory, path, environment, name and output of the process, as the options say."""
    if config["chdir"]:
        try:
            os.chdir(config["chdir"])
        except OSError as exc:
            raise ConfigError(f"{config.origins['chdir']}: {config['chdir']}: {exc.strerror}") from None
    for path in [os.getcwd(), *map(os.path.abspath, reversed(config["pythonpath"]))]:
        if path not in sys.path[:1]:
            sys.path.insert(0, path)
    for pair in config["env"]:
        name, _, value = pair.partition("=")
        os.environ[name] = value
    if config["tmp_dir"] and not os.path.isdir(config["tmp_dir"]):
        raise ConfigError(f"{config.origins['tmp_dir']}: {config['tmp_dir']} is no directory")
    if config["name"]:
        _set_name(config["name"])
    if config["capture_output"]:
        _capture(config["error_logfile"], config["access_logfile"])


def _set_name(name: str) -> None:
    try:
        with open("/proc/self/comm", "w") as file:
            file.write(name[:15])
    except OSError:
        pass  # not Linux: the name is a convenience


def _capture(error_logfile: str | None, access_logfile: str | None) -> None:
    """Points standard output and error at the error log."""
    sys.stdout.flush()
    sys.stderr.flush()
    if error_logfile in (None, "-"):
        if access_logfile != "-":  # that one needs standard output itself
            os.dup2(2, 1)
        return
    try:
        fd = os.open(error_logfile, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as exc:
        raise ConfigError(f"error_logfile: {error_logfile}: {exc.strerror}") from None
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    os.close(fd)


def _loader(target: WSGIApp | str, config: Config) -> Callable[[int], WSGIApp]:
    """What each worker calls for its application, with its index."""
    log_config = None if config["preload"] and not isinstance(target, str) else config["log_config"]

    def load_app(index: int) -> WSGIApp:
        configure_logging(log_config)
        return _load(target) if isinstance(target, str) else target

    return load_app


def _load(spec: str) -> WSGIApp:
    from citrate.wsgiapp import load

    return load(spec)


def configure_logging(path: str | None) -> None:
    """Python's logging as a file of --log-config says.  ConfigError."""
    if path is None:
        return
    import logging.config

    try:
        if path.endswith(".json"):
            import json

            with open(path, encoding="utf-8") as file:
                logging.config.dictConfig(json.load(file))
        else:
            if not os.path.exists(path):
                raise OSError(f"there is no file {path}")
            logging.config.fileConfig(path, disable_existing_loggers=False)
    except Exception as exc:  # whatever a handler's constructor raises
        raise ConfigError(f"log_config: {path}: {exc}") from exc
