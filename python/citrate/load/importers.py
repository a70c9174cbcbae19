"""``citrate load import FILE``: a plan and journeys from what other tools have written.

    citrate load import site.jmx [-o DIR]
    citrate load import recording.har [-o DIR] [--no-static] [--all-hosts]

Everything of the file that is not in the plan as it was there is told, with its name and where it
stood, and stands at the top of plan.toml as well.  Exit status: 0, also with such notes; 2 when the
file can't be read or a file of the plan is there already.
"""

from __future__ import annotations

import os
import sys

from citrate.errors import ConfigError
from citrate.load import drafts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from citrate.load.drafts import Draft

KINDS = ("jmx", "har")
HELP = """\
usage: citrate load import [jmx|har] FILE [-o DIR] [--no-static] [--all-hosts]

Makes DIR/plan.toml and a .hurl file for each journey of JMeter's test plan (.jmx) or of a browser's
recording (.har).  What could not be taken over is told, and stands at the top of plan.toml.

  -o, --output DIR   where they go (default: the file's name without its ending)
      --no-static    leave out images, styles, scripts and fonts of a recording
      --all-hosts    take requests to other hosts than the first one's, too
"""


def main(argv: list[str]) -> int:
    """The command; its exit status.  ConfigError for what is wrong."""
    if not argv or "-h" in argv or "--help" in argv:
        print(HELP, end="", flush=True)
        return 0 if argv else 2
    kind, path, folder, flags = _words(argv)
    draft = _read(kind, path, flags)
    names = drafts.write(draft, folder)
    for note in draft.notes:
        print(f"{path}: {note}", file=sys.stderr)
    print(f"{len(draft.notes)} notes; {', '.join(os.path.join(folder, name) for name in names)}", flush=True)
    print(f"next: citrate load --dry-run {os.path.join(folder, 'plan.toml')}", flush=True)
    return 0


def _words(argv: list[str]) -> tuple[str, str, str, set[str]]:
    """Kind, file, folder, and the switches that are set."""
    folder, flags, operands = "", set(), []
    words = iter(argv)
    for word in words:
        name, has_value, value = word.partition("=")
        if name in ("-o", "--output"):
            folder = value if has_value else _value(name, words)
        elif word in ("--no-static", "--all-hosts"):
            flags.add(word)
        elif word.startswith("-") and word != "-":
            raise ConfigError(f"{word}: no such option of citrate load import")
        else:
            operands.append(word)
    kind = operands.pop(0) if len(operands) > 1 and operands[0] in KINDS else ""
    if len(operands) != 1:
        raise ConfigError(f"import: name one file, not {len(operands)}")
    path = operands[0]
    kind = kind or os.path.splitext(path)[1][1:].lower()
    if kind not in KINDS:
        raise ConfigError(f"{path}: its name ends neither in .jmx nor in .har")
    return kind, path, folder or os.path.splitext(os.path.basename(path))[0], flags


def _value(name: str, words: Iterator[str]) -> str:
    try:
        return next(words)
    except StopIteration:
        raise ConfigError(f"{name}: needs a value") from None


def _read(kind: str, path: str, flags: set[str]) -> Draft:
    if kind == "jmx":
        from citrate.load import jmx

        if flags:
            raise ConfigError(f"{min(flags)}: is for recordings (.har)")
        return jmx.read(path)
    from citrate.load import har

    return har.read(path, with_static="--no-static" not in flags, all_hosts="--all-hosts" in flags)
