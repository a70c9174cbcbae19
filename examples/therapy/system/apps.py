"""The app's configuration: plans follow sessions and places."""

from django.apps import AppConfig
from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_delete, post_migrate, post_save


def let_readers_read(using, **_):
    """Receiver: in SQLite's WAL mode, which stays with the file, nobody who reads waits for who writes."""
    if connections[using].vendor == "sqlite":
        with connections[using].cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=WAL")


def trust_the_log(connection, **_):
    """Receiver: with WAL a commit need not wait for the disk to stay whole."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")


class SystemConfig(AppConfig):
    name = "system"
    verbose_name = "Programmes"

    def ready(self):
        from system import plans, variables
        from system.models import ProgramUserAccess, Session, Variable

        post_save.connect(plans.on_session, sender=Session)
        post_save.connect(plans.on_access, sender=ProgramUserAccess)
        post_delete.connect(plans.on_leave, sender=ProgramUserAccess)
        connection_created.connect(trust_the_log)
        post_migrate.connect(let_readers_read, sender=self)
        for signal in (post_save, post_delete):
            signal.connect(variables.forget_array_variables, sender=Variable)
