"""Set up what `bench/flow` needs: an environment with the pinned rivals and Citrate, versions, places."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from .prepare import Unprepared, can_serve, facts, install_citrate, interpreter, run_setup
from .servers import BENCH, Paths

REQUIREMENTS = BENCH / "requirements-flow.txt"
_NAMED = ("citrate", "pyparsing", "cel-python", "simpleeval", "django", "psycopg")
_VERSIONS = """
import importlib.metadata as m, json, platform, sys
found = {"python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        found[name] = m.version(name)
    except m.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def prepare(build: Path, citrate_python: str | None, setup: bool) -> Paths:
    """Everything in place: returns where.  With setup false nothing is installed, and rows lack what is missing."""
    build = build.absolute()
    venv = build / "bench-flow-venv"
    scratch = build / "bench-flow-work"
    scratch.mkdir(parents=True, exist_ok=True)
    if setup:
        _environment(venv)
    # Absolute but not resolved: an environment is known by the path of its interpreter.
    python = Path(citrate_python or venv / "bin" / "python").absolute()
    if not python.exists():
        raise Unprepared(f"no Python at {python}" + ("" if citrate_python else ": run without --no-setup first"))
    paths = Paths(venv, str(python), scratch)
    if setup and citrate_python is None:
        install_citrate(paths)
    if citrate_python is None:
        can_serve(paths)
    return paths


def _environment(venv: Path) -> None:
    wanted = REQUIREMENTS.read_text()
    stamp = venv / "requirements.installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not (venv / "bin" / "python").exists():
        run_setup([interpreter(), "-m", "venv", str(venv)], f"make an environment in {venv}")
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "-q"]
    run_setup([*pip, "-r", str(REQUIREMENTS)], "install the rivals")
    stamp.write_text(wanted)


def environment(paths: Paths) -> dict[str, str]:
    """The variables of a cell.  A Python from elsewhere keeps its path and finds the rivals besides."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    if not paths.citrate_python.startswith(str(paths.venv)):
        rivals = [str(p) for p in Path(paths.venv, "lib").glob("python3*/site-packages")]
        env["PYTHONPATH"] = ":".join([p for p in [os.environ.get("PYTHONPATH")] if p] + rivals)
    return {**env, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}


def machine(paths: Paths) -> dict[str, Any]:
    """The machine and the versions, for the first line of the results."""
    command = [paths.citrate_python, "-c", _VERSIONS, *_NAMED]
    found = subprocess.run(command, capture_output=True, text=True, cwd="/", env=environment(paths))
    if found.returncode != 0:
        raise Unprepared(f"{paths.citrate_python} does not run: {found.stderr.strip()[-300:]}")
    return {**facts(), "versions": json.loads(found.stdout)}
