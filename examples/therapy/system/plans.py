"""When sessions begin by themselves, for all who take part; kept right by a few statements."""

from citrate.contrib.django.planner import Planner, plan_sessions
from tasker.models import Task
from tasker.scheduling import get_scheduler

from system.models import ProgramUserAccess, Session

USERS_AT_ONCE = 1000


def planner():
    from system.tasks import init_session

    def columns(plan):
        return {
            "domain": plan.key.domain,
            "session_id": plan.key.session,
            "subject_id": plan.key.user,
            "action": "Begin session",
            "function": "system.tasks.init_session",
            "args": list(plan.args),
        }

    return Planner(Task, get_scheduler(), init_session, extra=columns)


def plan_session(session):
    """After a session has changed: for everybody in its programme."""
    accesses = ProgramUserAccess.objects.filter(program_id=session.program_id)
    scope = Task.objects.filter(domain="init", session_id=session.pk, ran=None)
    return planner().replace(scope, plan_sessions([session], accesses))


def plan_accesses(accesses):
    """After users got a place: each session of their programmes, session by session."""
    accesses = list(accesses)
    sessions = list(Session.objects.filter(program_id__in={access.program_id for access in accesses}).defer("data"))
    for start in range(0, len(accesses), USERS_AT_ONCE):
        some = accesses[start : start + USERS_AT_ONCE]
        users = [access.user_id for access in some]
        for session in sessions:
            scope = Task.objects.filter(domain="init", session=session, subject_id__in=users, ran=None)
            planner().replace(scope, plan_sessions([session], some))


def on_session(sender, instance, raw=False, **_):
    """Receiver: a session was saved."""
    if not raw and instance.program_id:
        plan_session(instance)


def on_access(sender, instance, raw=False, **_):
    """Receiver: somebody got a place, or it was moved."""
    if not raw:
        plan_accesses([instance])


def on_leave(sender, instance, **_):
    """Receiver: somebody lost their place."""
    for task in Task.objects.filter(session__program=instance.program_id, subject=instance.user_id, ran=None):
        task.delete()
