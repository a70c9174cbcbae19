"""The app's configuration."""

from django.apps import AppConfig


class TaskerConfig(AppConfig):
    name = "tasker"
