"""The app's configuration; its label leaves "django" to nobody else."""

from django.apps import AppConfig


class CitrateConfig(AppConfig):  # type: ignore[misc]  # Django has no types
    name = "citrate.contrib.django"
    label = "citrate"
    verbose_name = "Citrate"
