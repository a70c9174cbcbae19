"""`manage.py prepare`: database, superuser admin/admin, a file to download.  Harmless when repeated."""

import os

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

DOWNLOAD_BYTES = 4 << 20


class Command(BaseCommand):
    help = "Set the example site up: database, superuser admin/admin, a file to download."

    def handle(self, *args: object, **options: object) -> None:
        settings.DATA.mkdir(parents=True, exist_ok=True)
        call_command("migrate", interactive=False, verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=WAL")  # readers and a writer at once; stays with the file
        users = get_user_model().objects
        if not users.filter(username="admin").exists():
            users.create_superuser("admin", "admin@example.com", "admin")
        download = settings.DATA / "download.bin"
        if not download.exists() or download.stat().st_size != DOWNLOAD_BYTES:
            download.write_bytes(os.urandom(DOWNLOAD_BYTES))
        self.stdout.write(f"The site is ready in {settings.DATA}")
