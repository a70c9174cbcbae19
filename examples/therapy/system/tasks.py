"""What runs later: a step after a delay, and the beginning of a session."""

from functools import wraps

from citrate.contrib.django.steps import step
from huey.contrib.djhuey import HUEY, close_db

from system.engine import Engine


def task(function):
    """A Huey task that runs once, and not at all when its row has been taken back."""

    @wraps(function)
    def claimed(*args, task=None):
        from tasker.models import Task

        if task is None or Task.claim(task.id):
            function(*args)

    wrapper = HUEY.task(context=True, name=function.__name__)(close_db(claimed))
    wrapper.call_local = function
    return wrapper


@task
def transition(session_id, node_id, user_id, stack=None):
    """Goes on behind a delay node."""
    with step(user_id) as user:
        engine = Engine(user=user, context={"session": session_id, "node": node_id, "stack": stack or []})
        if user.is_active:
            engine.transition(node_id)


@task
def init_session(session_id, user_id, push=False):
    """Begins a session, and invites the user to it."""
    with step(user_id) as user:
        if not user.is_active:
            return
        context = {"session": session_id, "node": 0}
        if not push:
            context["stack"] = []
        engine = Engine(user=user, context=context, push=push)
        engine.run()
        if engine.session.trigger_login:
            engine.user.send_login_link()
