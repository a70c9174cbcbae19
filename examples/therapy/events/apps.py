"""The app's configuration: it listens to log_event."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "events"

    def ready(self):
        from events import log
        from events.signals import log_event

        log_event.connect(log.write, dispatch_uid="events.log")
