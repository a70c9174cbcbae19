"""From signals to rows."""

from citrate.contrib.django.steps import collect
from users.jsontext import plain

from events.models import VALUE_MAX, Event

# Posted to an engine, but nobody's business afterwards.
PRIVATE = {"email", "phone", "password"}


def write(sender, domain, actor, variable, pre_value="", post_value="", **_):
    """Receiver of log_event.  Visitors without an account leave no events."""
    if getattr(actor, "pk", None) is not None:
        collect(
            Event(
                domain=domain[:32],
                actor_id=actor.pk,
                variable=_fitting(variable, 100),
                pre_value=_fitting(pre_value, VALUE_MAX),
                post_value=_fitting(post_value, VALUE_MAX),
            )
        )


def write_answers(user, answers, timer=None):
    """What somebody entered on a page, an event for each variable, and how long it took them (ms)."""
    if timer is not None:
        write(None, "userdata", user, "timer", "", timer)
    for name, value in answers.items():
        if name not in PRIVATE:
            write(None, "userdata", user, name, user.data.get(name, ""), value)


def _fitting(value, most):
    return plain(str(value))[:most]
