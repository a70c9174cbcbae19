"""What Citrate raises for people: every message says what is wrong and what is allowed."""

from __future__ import annotations


class ConfigError(Exception):
    """An option, a configuration file or a combination of them that can't be used.

    ``str()`` is a complete message for people: where the value was found, what is
    wrong with it and what is allowed.
    """


class LoadError(ConfigError):
    """The application could not be loaded.

    ``str()`` is a complete message: one line when the name leads nowhere, with the
    application's own traceback below it when the application's code raised.
    """
