"""Helpers of the tests of `citrate load`: the command itself, and a small site of its own to be loaded."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cit_cli import Running, environment, free_port, run, serving

# What stands where the generator is not beside the package's modules.
GENERATOR = {"CITRATE_LOAD": os.environ["CITRATE_LOAD"]} if "CITRATE_LOAD" in os.environ else {}

SITE = """
import os, time

def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/slow":
        sum(range(30000))
    if path == "/wait":
        time.sleep(0.02)
    status = "500 Broken" if path == "/broken" or os.environ.get("BROKEN") else "200 OK"
    body = b"%s says hello\\n" % environ.get("HTTP_X_NAME", "somebody").encode()
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    if os.environ.get("SLOW"):
        sum(range(30000))
    return [body]
"""


def load(
    *args: str, cwd: Path | str = ".", timeout: float = 60, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`citrate load *args` to its end."""
    return run("load", *args, cwd=cwd, timeout=timeout, env={**GENERATOR, **(env or {})})


def load_process(*args: str, cwd: Path, **popen: Any) -> subprocess.Popen[bytes]:
    """`citrate load *args`, started."""
    command = [sys.executable, "-m", "citrate", "load", *args]
    return subprocess.Popen(command, cwd=cwd, env=environment(**GENERATOR), **popen)


def write_site(folder: Path) -> None:
    (folder / "site_under_load.py").write_text(SITE)


@contextlib.contextmanager
def site(folder: Path, *options: str) -> Iterator[tuple[str, Running]]:
    """The small site, served; its address without a path, and the server."""
    write_site(folder)
    url = f"http://127.0.0.1:{free_port()}"
    bind = url.removeprefix("http://")
    with serving(
        "site_under_load", "--bind", bind, *options, log=folder / "server.log", url=url + "/", cwd=folder
    ) as running:
        yield url, running


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
