"""Set up what `bench/flow` needs: an environment with the pinned rivals and Citrate, versions, places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .prepare import can_serve, facts, installed_paths, make_environment, own_environment, versions_of
from .servers import BENCH, Paths

_NAMED = ("citrate", "pyparsing", "cel-python", "simpleeval", "django", "psycopg")


def prepare(build: Path, citrate_python: str | None, setup: bool) -> Paths:
    """Everything in place: returns where.  With setup false nothing is installed, and rows lack what is missing."""
    venv = build.absolute() / "bench-flow-venv"
    scratch = build.absolute() / "bench-flow-work"
    scratch.mkdir(parents=True, exist_ok=True)
    if setup:
        make_environment(venv, BENCH / "requirements-flow.txt", "install the rivals")
    paths = installed_paths(venv, scratch, citrate_python, setup)
    if citrate_python is None:
        can_serve(paths)
    return paths


def environment(paths: Paths) -> dict[str, str]:
    """The variables of a cell."""
    return own_environment(paths, ("PYTHON",), PYTHONHASHSEED="0")


def machine(paths: Paths) -> dict[str, Any]:
    """The machine and the versions, for the first line of the results."""
    return {**facts(), "versions": versions_of(paths, environment(paths), *_NAMED)}
