"""Answers by short message to questions a programme has sent."""

from citrate.contrib.django.steps import step
from events.signals import log_event
from system.engine import Engine

from users.models import User

TEXT_MAX = 1600  # characters of ten joined messages


def receive(phone, text):
    """Goes on where somebody was asked; False when they are unknown or nothing was asked."""
    found = User.objects.filter(phone=phone, is_active=True).values_list("pk", flat=True).first() if phone else None
    if found is None:
        return False
    with step(found) as user:
        asked = [user.data.get(name) for name in ("reply_session", "reply_node", "reply_variable")]
        if not all(asked):
            return False
        session, node, variable = asked
        before, text = user.data.get(variable, ""), text[:TEXT_MAX]
        log_event.send(None, domain="userdata", actor=user, variable=variable, pre_value=str(before), post_value=text)
        engine = Engine(user=user, context={"session": session, "node": node, variable: text})
        for name in ("reply_session", "reply_node", "reply_variable"):
            engine.user.data.pop(name, None)
        engine.user.save()
        engine.transition(node)
    return True
