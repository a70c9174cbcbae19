"""Set up what `bench/load` needs: Debian's generators, an environment with Locust and Citrate, versions."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .prepare import (
    Unprepared,
    facts,
    install_packages,
    installed_paths,
    make_environment,
    own_environment,
    say,
    versions_of,
)
from .servers import BENCH, Paths

_TOOLS = {"wrk": "wrk", "h2load": "nghttp2-client", "ab": "apache2-utils", "nginx": "nginx"}
_NAMED = ("citrate", "locust", "pyzmq", "msgpack", "gevent")


def prepare(build: Path, citrate_python: str | None, setup: bool) -> Paths:
    """Everything in place: returns where.  With setup false nothing is installed, and rows lack what is missing."""
    venv = build.absolute() / "bench-load-venv"
    scratch = build.absolute() / "bench-load-work"
    scratch.mkdir(parents=True, exist_ok=True)
    if setup:
        install_packages([package for tool, package in _TOOLS.items() if shutil.which(tool) is None])
        make_environment(venv, BENCH / "requirements-load.txt", "install Locust")
    paths = installed_paths(venv, scratch, citrate_python, setup)
    if shutil.which("nginx") is None:
        raise Unprepared("there is no nginx, which all of them ask (Debian: nginx)")
    return paths


def environment(paths: Paths) -> dict[str, str]:
    """The variables of a generator."""
    return own_environment(paths, ("PYTHON", "LOCUST_"), PYTHONUNBUFFERED="1")


def generator(paths: Paths) -> str:
    """The path of citrate-load."""
    code = "from citrate.load import native; print(native.find())"
    found = subprocess.run(
        [paths.citrate_python, "-c", code], capture_output=True, text=True, cwd="/", env=environment(paths)
    )
    if found.returncode != 0:
        raise Unprepared(f"{paths.citrate_python} has no load generator: {found.stderr.strip()[-300:]}")
    return found.stdout.strip()


def missing(row: str, paths: Paths) -> str:
    """Why a row can't be measured; empty when it can."""
    if row in _TOOLS and shutil.which(row) is None:
        return f"there is no {row} (Debian: {_TOOLS[row]})"
    if row.endswith("User") and not Path(paths.python).exists():
        return f"no environment at {paths.venv}"
    return ""


def machine(paths: Paths) -> dict[str, Any]:
    """The machine and the versions, for the first line of the results."""
    versions = versions_of(paths, environment(paths), *_NAMED)
    for tool, flag, pattern in (
        ("wrk", "-v", r"wrk (?:debian/)?(\S+)"),
        ("h2load", "--version", r"nghttp2/(\S+)"),
        ("ab", "-V", r"Version (\S+)"),
        ("nginx", "-v", r"nginx/(\S+)"),
    ):
        if shutil.which(tool):
            ran = subprocess.run([tool, flag], capture_output=True, text=True)
            said = re.search(pattern, ran.stdout + ran.stderr)
            versions[tool] = said[1] if said else "unknown"
        else:
            say(f"bench: there is no {tool}")
    return {**facts(), "versions": versions}
