"""Folders of results of several runs: made or taken over, files in them replaced as wholes."""

from __future__ import annotations

import os

from citrate.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OURS = ("runs", "logs")


def claim(folder: str, mark: str) -> None:
    """Make it, or empty it of an earlier result, which has the file ``mark``.  ConfigError for one of other things."""
    import shutil

    try:
        there = os.listdir(folder) if os.path.isdir(folder) else []
        if there and mark not in there:
            raise ConfigError(f"--report: {folder} has other things in it, and no {mark}; name another folder")
        for name in _OURS:
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
            os.makedirs(os.path.join(folder, name))
    except OSError as exc:
        raise ConfigError(f"--report: {folder}: {exc.strerror}") from None


def write_json(path: str, value: dict[str, Any]) -> None:
    import json

    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_text(path: str, text: str) -> None:
    """Replaced as a whole: whoever reads it sees the old text or the new one."""
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


def table(rows: list[list[str]]) -> str:
    """Columns under each other, the first to the left, the others to the right."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(w) if at == 0 else cell.rjust(w) for at, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"
