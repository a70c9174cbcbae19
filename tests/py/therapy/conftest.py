"""Checks within the therapy application's own process; ../test_therapy.py and ../test_planner.py run them.

Which engine and which database they check is in the environment (therapy/settings.py), and a
process has one of each: so these are no modules of pytest's usual run.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import pytest

SITE = Path(__file__).resolve().parents[3] / "examples/therapy"
if os.environ.get("THERAPY_DATA"):
    sys.path.insert(0, str(SITE))
    os.environ["DJANGO_SETTINGS_MODULE"] = "therapy.settings"
    import django

    django.setup()

_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def programmes() -> None:
    """Tables and programmes, in a database of this run."""
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.PASSWORD_HASHERS = settings.PASSWORD_HASHERS[1:]  # the one with few rounds
    call_command("migrate", verbosity=0, interactive=False)
    call_command("load_programmes", stdout=open(os.devnull, "w"))


@pytest.fixture
def user():
    """Somebody new who takes part in the sleep programme and stands before its first page."""
    from system.models import Program, Session
    from users.models import User

    number = next(_numbers)
    session = Session.objects.get(route_slug="sleep")
    somebody = User.objects.create(
        email=f"somebody{number}@example.net", phone=f"+{number}", data={"session": session.pk, "node": 0}
    )
    Program.objects.get(title="Sleep well in six weeks").enroll(somebody)
    return somebody
