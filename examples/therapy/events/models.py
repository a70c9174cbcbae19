"""What happened: transitions, mails, answers."""

from django.conf import settings
from django.db import models

VALUE_MAX = 1024


class Event(models.Model):
    """One happening.  `actor` is whoever it happened to."""

    time = models.DateTimeField(auto_now_add=True)
    domain = models.CharField(max_length=32)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True)
    variable = models.CharField(max_length=100)
    pre_value = models.CharField(max_length=VALUE_MAX, blank=True)
    post_value = models.CharField(max_length=VALUE_MAX, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return f"{self.domain}/{self.variable}: {self.pre_value} → {self.post_value}"
