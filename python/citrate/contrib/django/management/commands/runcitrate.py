"""``manage.py runcitrate [ADDRESS] [options]``: serve this project with Citrate.

The options are those of the command ``citrate``.  While DEBUG is on, static files of
installed apps are served as ``runserver`` serves them (not with --nostatic).
"""

from __future__ import annotations

import sys

from django.conf import settings
from django.core.management.base import BaseCommand
from django.core.servers.basehttp import get_internal_wsgi_application

from citrate import cli, kinds, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, _ArgumentGroup
    from typing import Any

    from citrate.wsgiapp import WSGIApp

# Django's commands have these already, or they make no sense inside one.
NOT_HERE = frozenset(("app", "pythonpath", "chdir", "version", "help", "preload"))


class Command(BaseCommand):  # type: ignore[misc]  # Django has no types
    help = "Serve this project with Citrate."
    requires_system_checks = "__all__"
    stealth_options = ("citrate_options",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("addrport", nargs="?", help="PORT, HOST:PORT or unix:PATH; default 127.0.0.1:8000")
        parser.add_argument(
            "--nostatic", action="store_true", help="Do not serve static files, even while DEBUG is on."
        )
        for group, members in options.TABLE.items():
            section = parser.add_argument_group(group)
            for option in members:
                if group and option.name not in NOT_HERE:
                    _add(section, option)

    def handle(self, *args: object, **given: Any) -> None:
        if given["addrport"]:
            given["citrate_bind"] = [*(given.get("citrate_bind") or []), _address(str(given["addrport"]))]
        layer = {
            name: (given["citrate_" + name], option.flag)
            for name, option in options.OPTIONS.items()
            if given.get("citrate_" + name) is not None
        }
        status = cli.guarded(cli.serve_layer, layer, self.application(bool(given["nostatic"])))
        if status != 0:
            sys.exit(status)

    def application(self, nostatic: bool) -> WSGIApp:
        """WSGI_APPLICATION or Django's default, with static files while DEBUG is on."""
        from django.db import connections

        app: WSGIApp = get_internal_wsgi_application()
        if settings.DEBUG and not nostatic and "django.contrib.staticfiles" in settings.INSTALLED_APPS:
            from django.contrib.staticfiles.handlers import StaticFilesHandler

            app = StaticFilesHandler(app)
        connections.close_all()  # what the checks opened must not be shared with the workers
        return app


def _add(section: _ArgumentGroup, option: options.Option) -> None:
    """One option of Citrate as an argument; its value stays text for Citrate to read."""
    flags = [option.flag, *("--" + alias.replace("_", "-") for alias in option.aliases)]
    if "_" in option.name:
        flags.append("--" + option.name)
    if option.short and option.short not in "vh":
        flags.append("-" + option.short)
    how: dict[str, Any] = {"dest": "citrate_" + option.name, "default": None, "help": option.help.replace("%", "%%")}
    if not isinstance(option.kind, kinds.Flag):
        how |= {"metavar": option.meta, "action": "append" if option.kind.repeats else "store"}
        section.add_argument(*flags, **how)
        return
    section.add_argument(*flags, action="store_true", **how)
    if not option.action:
        section.add_argument("--no-" + option.flag[2:], action="store_false", **how)


def _address(text: str) -> str:
    """runserver's ways to write an address: 8000, 0:8000, HOST:PORT, [IPV6]:PORT."""
    if text.isdecimal():
        return "127.0.0.1:" + text
    return "0.0.0.0:" + text[2:] if text.startswith("0:") else text
