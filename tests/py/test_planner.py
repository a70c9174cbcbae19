"""Steps and plans, in a process of the therapy application; with PostgreSQL too."""

from __future__ import annotations

from pathlib import Path

import pytest
from therapy_site import checks, postgres

pytestmark = pytest.mark.timeout(600)

CHECKS = ["check_steps.py", "check_plans.py"]


@pytest.mark.parametrize("name", CHECKS)
def test_checks_on_sqlite(name: str, tmp_path: Path) -> None:
    checks(name, THERAPY_ENGINE="python", THERAPY_DATA=str(tmp_path))


@pytest.mark.slow
def test_checks_on_postgresql(tmp_path: Path) -> None:
    with postgres(tmp_path) as conninfo:
        checks(*CHECKS, THERAPY_ENGINE="python", THERAPY_DATA=str(tmp_path), THERAPY_POSTGRES=conninfo)
