"""The app's configuration: plans follow sessions and places."""

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save


class SystemConfig(AppConfig):
    name = "system"
    verbose_name = "Programmes"

    def ready(self):
        from system import plans, variables
        from system.models import ProgramUserAccess, Session, Variable

        post_save.connect(plans.on_session, sender=Session)
        post_save.connect(plans.on_access, sender=ProgramUserAccess)
        post_delete.connect(plans.on_leave, sender=ProgramUserAccess)
        for signal in (post_save, post_delete):
            signal.connect(variables.forget_array_variables, sender=Variable)
