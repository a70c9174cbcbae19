"""The signal engines and views send: domain, actor, variable, pre_value, post_value."""

from django.dispatch import Signal

log_event = Signal()
