"""`manage.py seed_users 5000`: users who take part, and a CSV of their names and passwords."""

import csv
import secrets
import time
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import get_hasher
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from system.models import ProgramUserAccess, Session
from system.plans import plan_accesses

from users.models import User

ADMIN = "admin@example.net"
SLUG = "sleep"


class Command(BaseCommand):
    help = "Make users user1@example.net, user2@… until there are COUNT, and admin@example.net (password admin)."

    def add_arguments(self, parser):
        parser.add_argument("count", type=int)
        parser.add_argument("--csv", type=Path, help="where the credentials go; default users.csv in THERAPY_DATA")
        parser.add_argument("--variables", type=int, default=50, help="variables each has from earlier sessions")
        parser.add_argument("--plan", action="store_true", help="plan the sessions that begin by themselves, too")
        parser.add_argument("--chunk", type=int, default=500, help="users of one statement")

    def handle(self, *args, **options):
        session = Session.objects.filter(route_slug=SLUG).first()
        if session is None:
            raise CommandError("there are no programmes yet: manage.py load_programmes")
        if not User.objects.filter(email=ADMIN).exists():
            User.objects.create_superuser(ADMIN, "admin")
        began = time.monotonic()
        path = options["csv"] or settings.DATA / "users.csv"
        known = set(User.objects.filter(email__startswith="user").values_list("email", flat=True))
        numbers = [n for n in range(1, options["count"] + 1) if f"user{n}@example.net" not in known]
        made = []
        for start in range(0, len(numbers), options["chunk"]):
            made += self._make(numbers[start : start + options["chunk"]], session, options["variables"])
            self._progress(len(made), len(numbers), began)
        self._write(path, made)
        if options["plan"]:
            plan_accesses(ProgramUserAccess.objects.filter(program=session.program))
        self.stdout.write(
            f"{len(made)} users made in {time.monotonic() - began:.1f} s, {len(known)} were there: {path}"
        )

    def _make(self, numbers, session, variables):
        """Rows of one statement each; returns (id, name, password)."""
        hasher = get_hasher("pbkdf2_seed")
        passwords = [secrets.token_urlsafe(9) for _ in numbers]
        past = {f"past_{n}": n * 7 % 100 / 4 for n in range(variables)}
        users = [
            User(
                email=f"user{number}@example.net",
                phone=f"+4700{number:06}",
                password=hasher.encode(password, secrets.token_hex(8)),
                data={**past, "session": session.pk, "node": 0, "nickname": f"User {number}"},
            )
            for number, password in zip(numbers, passwords, strict=True)
        ]
        with transaction.atomic():
            User.objects.bulk_create(users)
            ProgramUserAccess.objects.bulk_create(
                ProgramUserAccess(program=session.program, user=user) for user in users
            )
        return [(user.pk, user.email, password) for user, password in zip(users, passwords, strict=True)]

    def _progress(self, done, total, began):
        rate = done / max(time.monotonic() - began, 1e-6)
        self.stderr.write(f"\r{done} of {total} users, {rate:.0f} a second", ending="" if done < total else "\n")
        self.stderr.flush()

    def _write(self, path, made):
        """Adds to the file; it begins anew when none of its users were there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = not path.exists() or User.objects.filter(email__startswith="user").count() == len(made)
        with path.open("w" if fresh else "a", newline="") as file:
            path.chmod(0o600)
            writer = csv.writer(file)
            if fresh:
                writer.writerow(["id", "username", "password"])
            writer.writerows(made)
