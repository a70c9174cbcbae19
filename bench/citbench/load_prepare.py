"""Set up what `bench/load` needs: Debian's generators, an environment with Locust and Citrate, versions."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .prepare import Unprepared, facts, install_citrate, interpreter, run_setup, say
from .servers import BENCH, Paths

REQUIREMENTS = BENCH / "requirements-load.txt"
_TOOLS = {"wrk": "wrk", "h2load": "nghttp2-client", "ab": "apache2-utils", "nginx": "nginx"}
_NAMED = ("citrate", "locust", "pyzmq", "msgpack", "gevent")
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
    venv = build / "bench-load-venv"
    scratch = build / "bench-load-work"
    scratch.mkdir(parents=True, exist_ok=True)
    if setup:
        _packages()
        _environment(venv)
    python = Path(citrate_python or venv / "bin" / "python").absolute()
    if not python.exists():
        raise Unprepared(f"no Python at {python}" + ("" if citrate_python else ": run without --no-setup first"))
    paths = Paths(venv, str(python), scratch)
    if setup and citrate_python is None:
        install_citrate(paths)
    if shutil.which("nginx") is None:
        raise Unprepared("there is no nginx, which all of them ask (Debian: nginx)")
    return paths


def _packages() -> None:
    missing = [package for tool, package in _TOOLS.items() if shutil.which(tool) is None]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Unprepared(f"please install: sudo apt-get install {' '.join(missing)}")
    install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing]
    run_setup(["apt-get", "update", "-q"], "refresh Debian's package lists")
    run_setup(install, f"install {' '.join(missing)}")


def _environment(venv: Path) -> None:
    wanted = REQUIREMENTS.read_text()
    stamp = venv / "requirements.installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not (venv / "bin" / "python").exists():
        run_setup([interpreter(), "-m", "venv", str(venv)], f"make an environment in {venv}")
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "-q"]
    run_setup([*pip, "-r", str(REQUIREMENTS)], "install Locust")
    stamp.write_text(wanted)


def environment(paths: Paths) -> dict[str, str]:
    """The variables of a generator.  A Python from elsewhere keeps its path and finds Locust's libraries besides."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LOCUST_"))}
    if not paths.citrate_python.startswith(str(paths.venv)):
        libraries = [str(p) for p in Path(paths.venv, "lib").glob("python3*/site-packages")]
        env["PYTHONPATH"] = ":".join([p for p in [os.environ.get("PYTHONPATH")] if p] + libraries)
    return {**env, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


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
    command = [paths.citrate_python, "-c", _VERSIONS, *_NAMED]
    found = subprocess.run(command, capture_output=True, text=True, cwd="/", env=environment(paths))
    if found.returncode != 0:
        raise Unprepared(f"{paths.citrate_python} does not run: {found.stderr.strip()[-300:]}")
    versions = json.loads(found.stdout)
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
