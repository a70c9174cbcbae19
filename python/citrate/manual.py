"""The option table for people: ``--help``, ``--print-config`` and docs/options.md."""

from __future__ import annotations

import textwrap

from citrate import kinds, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from citrate.config import Config
    from citrate.options import Option

USAGE = "usage: citrate [options] [APP]"
WIDTH = 100
COLUMN = 32

INTRO = """\
# Options

Every option has one name. On the command line it is written with dashes
(`--keep-alive 5`), in the environment as `CITRATE_KEEP_ALIVE=5`, in a TOML file and
as keyword of `citrate.serve()` as `keep_alive = 5` (dashes are read too).

Which source wins, first to last:

1. the command line, keywords of `citrate.serve()`, or the lines of an ini file's `[server:main]`;
2. `CITRATE_*` variables;
3. `PORT` (binds to `0.0.0.0:$PORT`) and `WEB_CONCURRENCY` (workers), as hosting platforms set them;
4. the TOML file named by `--config` or `CITRATE_CONFIG`: a flat table, or a table `[citrate]`;
5. the default.

`citrate --print-config` shows the value of each option and where it comes from;
`citrate --check-config APP` checks them all and loads the application. A switch is
turned off with `--no-` in front of its name. Times are in seconds, decimals allowed.

```toml
# citrate.toml
app = "mysite.wsgi:application"
bind = ["127.0.0.1:8000", "unix:/run/mysite.sock"]
workers = "auto"
threads = 16
limit_request_body = "100m"
access_logfile = "-"

[env]
DJANGO_SETTINGS_MODULE = "mysite.settings"
```

*This page is made from the option table: `python -m citrate.options --markdown`.*
"""


def default_text(option: Option) -> str:
    """The default as a user would write it; "" for none."""
    value = option.default()
    if value is None or option.action:
        return ""
    return option.kind.show(option, value)


def help_text() -> str:
    """The whole of ``--help``."""
    lines = [
        USAGE,
        "",
        "Serves a WSGI application, e.g.  citrate mysite.wsgi:application --bind 0.0.0.0:8000 --workers 2",
    ]
    for group, members in options.TABLE.items():
        if not group:
            continue
        lines += ["", group + ":"]
        for option in members:
            lines += _entry(option)
    lines += [
        "",
        "Switches are turned off with --no-NAME. Any option can also be set as CITRATE_NAME in the",
        "environment or as name = value in the file of --config; the command line wins, then the environment.",
        "",
        "citrate load puts a server under load and measures it: citrate load --help.",
    ]
    return "\n".join(lines) + "\n"


def _entry(option: Option) -> list[str]:
    if option.name == "app":
        head = "  APP"
    else:
        short = f"-{option.short}, " if option.short else "    "
        no = "[no-]" if isinstance(option.kind, kinds.Flag) and not option.action else ""
        head = f"  {short}--{no}{option.flag[2:]} {option.meta}".rstrip()
    default = default_text(option)
    text = option.help + (f" [{default}]" if default and len(default) < 40 else "")
    body = textwrap.wrap(text, WIDTH - COLUMN, break_on_hyphens=False)
    if len(head) < COLUMN - 1:
        head, body = head.ljust(COLUMN) + body[0], body[1:]
    return [head, *(" " * COLUMN + line for line in body)]


def config_text(config: Config) -> str:
    """The whole of ``--print-config``: readable as TOML, origins as comments."""
    rows = []
    for option in options.OPTIONS.values():
        if option.group and not option.action and option.name != "config":
            rows.append((f"{option.name} = {_toml(option, config[option.name])}", config.origins[option.name]))
    width = min(60, max(len(left) for left, _ in rows))
    return "".join(f"{left.ljust(width)}  # {origin}\n" for left, origin in rows)


def _toml(option: Option, value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_quoted(part) for part in value) + "]"
    shown = "" if value is None else option.kind.show(option, value)
    if isinstance(option.kind, kinds.Flag) or (shown.isdecimal() and not isinstance(option.kind, kinds.Octal)):
        return shown
    return shown if isinstance(option.kind, kinds.Seconds) else _quoted(shown)


def _quoted(text: str) -> str:
    """A TOML basic string."""
    plain = "".join(c if c.isprintable() and c not in '"\\' else _escaped(c) for c in text)
    return f'"{plain}"'


def _escaped(c: str) -> str:
    return "\\" + c if c in '"\\' else f"\\U{ord(c):08x}"


def markdown() -> str:
    """The whole of docs/options.md."""
    parts = [INTRO]
    for group, members in options.TABLE.items():
        if not group:
            continue
        parts.append(f"\n## {group}\n")
        parts += [_section(option) for option in members]
    return "".join(parts)


def _section(option: Option) -> str:
    if option.name == "app":
        title = "`APP`"
    else:
        title = f"`{option.flag}{' ' + option.meta if option.meta else ''}`"
        title += f", `-{option.short}`" if option.short else ""
    lines = [f"\n### {title}\n", *textwrap.wrap(option.help, 88, break_on_hyphens=False)]
    if not option.action:
        default = default_text(option)
        lines += [
            "",
            f"* default: {f'`{default}`' if default else 'none'}",
            f"* allowed: {option.allowed().replace('|', '/')}",
            f"* also: `{option.variable}`, `{option.name}`" + "".join(f", `{alias}`" for alias in option.aliases),
        ]
    return "\n".join(lines) + "\n"
