"""Set up what the comparison needs, saying what is done: packages, environments, files."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from .servers import BENCH, Paths

ROOT = BENCH.parent
_TOOLS = {"wrk": "wrk", "nginx": "nginx", "gcc": "build-essential"}
_FILES = {"libev-dev": ("/usr/include/ev.h",), "python3-dev": ("/usr/include/python3*/Python.h",)}
_NAMED = (
    *("fastpysgi", "peregrine-server", "bjoern", "granian", "pyruvate", "uwsgi", "gunicorn"),
    *("gunicorn_h1c", "waitress", "cheroot", "flask", "django"),
)
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


class Unprepared(Exception):
    """Something needed is missing; the text says what and how to get it."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def prepare(build: Path, citrate_python: str | None, need_citrate: bool, setup: bool) -> Paths:
    """Everything in place: returns where.  With setup false, nothing is installed."""
    build = build.absolute()
    venv = build / "bench-venv"
    scratch = build / "bench-work"
    scratch.mkdir(parents=True, exist_ok=True)
    if setup:
        _packages()
        what = "install the rivals (some are compiled: 1-2 min)"
        make_environment(venv, BENCH / "requirements.txt", what, "-U")
    if not (venv / "bin" / "python").exists():
        raise Unprepared(f"no environment at {venv}: run without --no-setup first")
    # Absolute but not resolved: an environment is known by the path of its interpreter.
    python = Path(citrate_python or venv / "bin" / "python").absolute()
    if need_citrate and not python.exists():
        raise Unprepared(f"no Python at {python}")
    paths = Paths(venv, str(python), scratch)
    if need_citrate and setup and citrate_python is None:
        install_citrate(paths)
    if need_citrate:
        can_serve(paths)
    _floor(scratch)
    if not paths.file_1m.exists():
        paths.file_1m.write_bytes(bytes(range(256)) * 4096)
    return paths


def run_setup(command: list[str], what: str) -> None:
    say(f"bench: {what}")
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        tail = (result.stdout + result.stderr).strip()[-2000:]
        raise Unprepared(f"{' '.join(command)} failed:\n{tail}")


def _packages() -> None:
    missing = [package for tool, package in _TOOLS.items() if shutil.which(tool) is None]
    install_packages(missing + [p for p, files in _FILES.items() if not any(map(_exists, files))])


def install_packages(missing: list[str]) -> None:
    """Debian's packages of these names, as root; Unprepared otherwise."""
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Unprepared(f"please install: sudo apt-get install {' '.join(missing)}")
    run_setup(["apt-get", "update", "-q"], "refresh Debian's package lists")
    install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing]
    run_setup(install, f"install {' '.join(missing)}")


def _exists(pattern: str) -> bool:
    path = Path(pattern)
    return any(Path("/").glob(str(path.relative_to("/"))))


def interpreter() -> str:
    """Debian's own Python where it is new enough: it is built with the optimizations."""
    system = "/usr/bin/python3"
    if Path(system).exists():
        probe = [system, "-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))"]
        if subprocess.run(probe, capture_output=True).returncode == 0:
            return system
    return sys.executable


def make_environment(venv: Path, requirements: Path, what: str, *flags: str) -> None:
    """An environment with what a list of requirements pins, made anew when the list has changed."""
    wanted = requirements.read_text()
    stamp = venv / "requirements.installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not (venv / "bin" / "python").exists():
        run_setup([interpreter(), "-m", "venv", str(venv)], f"make an environment in {venv}")
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "-q", *flags]
    run_setup([*pip, "-r", str(requirements)], what)
    stamp.write_text(wanted)


def installed_paths(venv: Path, scratch: Path, citrate_python: str | None, setup: bool) -> Paths:
    """The places of a bench whose rivals may be missing; Citrate is installed unless a Python has it."""
    # Absolute but not resolved: an environment is known by the path of its interpreter.
    python = Path(citrate_python or venv / "bin" / "python").absolute()
    if not python.exists():
        raise Unprepared(f"no Python at {python}" + ("" if citrate_python else ": run without --no-setup first"))
    paths = Paths(venv, str(python), scratch)
    if setup and citrate_python is None:
        install_citrate(paths)
    return paths


def own_environment(paths: Paths, dropped: tuple[str, ...], **added: str) -> dict[str, str]:
    """The variables of a cell.  A Python from elsewhere keeps its path and finds the rivals besides."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    if not paths.citrate_python.startswith(str(paths.venv)):
        rivals = [str(p) for p in Path(paths.venv, "lib").glob("python3*/site-packages")]
        env["PYTHONPATH"] = ":".join([p for p in [os.environ.get("PYTHONPATH")] if p] + rivals)
    return {**env, "PYTHONDONTWRITEBYTECODE": "1", **added}


def versions_of(paths: Paths, env: dict[str, str], *names: str) -> dict[str, str]:
    """Of Python and of those of the distributions that are there."""
    found = subprocess.run(
        [paths.citrate_python, "-c", _VERSIONS, *names], capture_output=True, text=True, cwd="/", env=env
    )
    if found.returncode != 0:
        raise Unprepared(f"{paths.citrate_python} does not run: {found.stderr.strip()[-300:]}")
    versions: dict[str, str] = json.loads(found.stdout)
    return versions


def _sources_changed_at() -> float:
    """When the newest file of the package's source was written."""
    newest = 0.0
    for name in ("pyproject.toml", "meson.build", "src", "python"):
        path = ROOT / name
        files = [path] if path.is_file() else path.rglob("*")
        newest = max([newest, *(f.stat().st_mtime for f in files if f.suffix != ".pyc")])
    return newest


def install_citrate(paths: Paths) -> None:
    stamp = paths.venv / "citrate.installed"
    changed = str(_sources_changed_at())
    if stamp.exists() and stamp.read_text() == changed:
        return
    if not (ROOT / "pyproject.toml").exists():
        raise Unprepared(f"no pyproject.toml in {ROOT}; use --citrate-python or --servers")
    pip = [paths.python, "-m", "pip", "install", "-q", "--force-reinstall", "--no-deps"]
    run_setup([*pip, str(ROOT)], "install Citrate from this checkout")
    stamp.write_text(changed)


def can_serve(paths: Paths) -> None:
    # From elsewhere, so that the source folder does not stand in for what is installed.
    probe = [paths.citrate_python, "-c", "import citrate"]
    result = subprocess.run(probe, capture_output=True, text=True, cwd="/")
    if result.returncode != 0:
        raise Unprepared(f"{paths.citrate_python} has no citrate: {result.stderr.strip()[-300:]}")


def _floor(scratch: Path) -> None:
    source, target = BENCH / "floor.c", scratch / "floor"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        command = ["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-o", str(target), str(source)]
        run_setup(command, "compile the floor program")


def expected_bodies(paths: Paths, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
    """The right body of each application and path, from a call without any server."""
    return {(app, path): _bare(paths, app, path, "once") for app, path in sorted(wanted)}


def bare_call(paths: Paths, app: str, path: str, seconds: float) -> float:
    """CPU time of one call of the application in a loop, in us."""
    data = json.loads(_bare(paths, app, path, "time", str(seconds)))
    return float(data["cpu_ns"] / 1e3 / data["calls"])


def heavy_rounds(paths: Paths, milliseconds: float) -> str:
    """How many rounds of the heavy work take this long here."""
    return _bare(paths, "mixed:burn", "-", "calibrate", str(milliseconds)).decode().strip()


def _bare(paths: Paths, app: str, path: str, *action: str) -> bytes:
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    result = subprocess.run(
        [paths.python, str(BENCH / "barecall.py"), app, path, *action],
        cwd=BENCH / "apps",
        env={**env, "BENCH_FILE_1M": str(paths.file_1m)},
        capture_output=True,
        timeout=60,
    )
    if result.returncode != 0:
        raise Unprepared(f"{app} does not run by itself: {result.stderr.decode()[-500:]}")
    return result.stdout


def machine(paths: Paths) -> dict[str, Any]:
    """The machine and the versions, for the first line of the results."""
    freeze = [paths.python, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    installed = {p["name"].lower(): p["version"] for p in json.loads(subprocess.check_output(freeze))}
    versions = {n: installed[n.lower()] for n in _NAMED if n.lower() in installed}
    versions["nginx"] = _first_line(["nginx", "-v"]).rpartition("/")[2]
    versions["wrk"] = _first_line(["wrk", "-v"]).split()[1]
    versions["python"] = _first_line([paths.python, "-V"]).split()[1]
    probe = "from importlib.metadata import version; print(version('citrate'))"
    versions["citrate"] = _first_line([paths.citrate_python, "-c", probe])
    return {**facts(), "versions": versions}


def facts() -> dict[str, Any]:
    """What is known of the machine and the checkout."""
    return {
        "kernel": platform.release(),
        "cpu": _cpu_name(),
        "cpus": os.cpu_count(),
        "commit": _first_line(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]),
        "load_before": os.getloadavg()[0],
    }


def _first_line(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, cwd="/")
    lines = (result.stdout + result.stderr).strip().splitlines()
    if not lines or (result.returncode != 0 and command[0] != "wrk"):
        return "unknown unknown"
    return lines[0]


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
