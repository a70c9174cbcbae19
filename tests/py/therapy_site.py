"""Helpers of the tests of examples/therapy: checks within its process, its services, its server."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cit_cli import ROOT, environment

SITE = ROOT / "examples/therapy"
MANAGE = [sys.executable, "manage.py"]
CHECKS_WITHIN = 300  # seconds, on a busy machine
FOLDER = Path(__file__).resolve().parent / "therapy"

for needed in ("django", "huey", "redis", "psycopg", "pyparsing"):
    pytest.importorskip(needed)
sys.path.insert(0, str(SITE))

import journey  # noqa: E402, F401  for the tests
import services  # noqa: E402


def checks(*names: str, options: list[str] | None = None, **env: str) -> str:
    """Runs modules of tests/py/therapy in a process with this environment; all must pass.  Returns what they wrote."""
    command = [sys.executable, "-m", "pytest", "-q", "--no-header"]
    done = subprocess.run(
        [*command, *(options or ()), *(str(FOLDER / name) for name in names)],
        cwd=ROOT,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=CHECKS_WITHIN,
    )
    passed = re.search(r"(\d+) passed", done.stdout)
    assert done.returncode == 0 and passed, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL for a test, or a skip."""
    try:
        manager = services.postgres(folder, durable=False)
        conninfo = manager.__enter__()
    except services.Missing as error:
        pytest.skip(str(error))
    try:
        yield conninfo
    finally:
        manager.__exit__(None, None, None)


def manage(*words: str, **env: str) -> str:
    """`manage.py words`; what it wrote."""
    done = subprocess.run(
        [*MANAGE, *words], cwd=SITE, env=environment(**env), capture_output=True, text=True, timeout=CHECKS_WITHIN
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
