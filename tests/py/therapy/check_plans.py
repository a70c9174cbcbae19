"""citrate.contrib.django.planner with the therapy application's tasks."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace

import pytest
from citrate.contrib.django.planner import Plan, Planner, plan_sessions
from citrate.contrib.scheduler import CallbackScheduler, Key
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from system.models import Program, ProgramUserAccess, Session
from tasker.models import Task
from users.models import User

UTC = timezone.utc
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


class Queue:
    """What a scheduler was told."""

    def __init__(self):
        self.sent: dict[str, tuple] = {}
        self.cancelled: list[str] = []

    def scheduler(self):
        def send(task, args, eta, task_id):
            self.sent[task_id] = (task, tuple(args), eta)

        return CallbackScheduler(send, self.cancelled.append)


@pytest.fixture
def queue():
    return Queue()


@pytest.fixture
def session():
    made = Session.objects.create(title=f"planned {Session.objects.count()}")
    yield made
    made.delete()


@pytest.fixture
def planner(queue, session):
    def columns(plan):
        return {"domain": plan.key.domain, "session": session, "args": list(plan.args), "function": "x.y"}

    return Planner(Task, queue.scheduler(), "the task", extra=columns, chunk=1000)


def plans(session, users, eta=NOW):
    return [Plan(Key("test", session.pk, 0, user), eta, (session.pk, user)) for user in users]


def scope(session):
    return Task.objects.filter(domain="test", session=session)


def test_rows_and_calls_are_made_together(planner, queue, session):
    assert planner.replace(scope(session), plans(session, [1, 2, 3])) == (3, 0, 0)
    rows = {task.task_id: task for task in scope(session)}
    assert set(rows) == set(queue.sent)
    for task_id, (task, args, eta) in queue.sent.items():
        assert (task, list(args), eta) == ("the task", rows[task_id].args, rows[task_id].eta)
    assert sorted(task.key for task in rows.values()) == [f"test:{session.pk}:0:{user}" for user in (1, 2, 3)]


def test_only_the_difference_is_written(planner, queue, session):
    planner.replace(scope(session), plans(session, [1, 2, 3]))
    before = {task.key: task.task_id for task in scope(session)}
    moved = plans(session, [3], NOW + timedelta(hours=1))
    assert planner.replace(scope(session), plans(session, [2]) + moved + plans(session, [4])) == (2, 1, 2)
    after = {task.key: task.task_id for task in scope(session)}
    first, second, third = (f"test:{session.pk}:0:{user}" for user in (1, 2, 3))
    assert after[second] == before[second]
    assert sorted(queue.cancelled) == sorted([before[first], before[third]])
    assert queue.sent[after[third]][2] == NOW + timedelta(hours=1)
    assert planner.replace(scope(session), plans(session, [2]) + moved + plans(session, [4])) == (0, 3, 0)


def test_of_two_plans_with_one_key_the_last_counts(planner, session):
    planner.replace(scope(session), plans(session, [1]) + plans(session, [1], NOW + timedelta(days=2)))
    assert [task.eta for task in scope(session)] == [NOW + timedelta(days=2)]


def test_everything_in_a_scope_is_taken_back(planner, queue, session):
    planner.replace(scope(session), plans(session, range(10)))
    assert planner.remove(scope(session)) == (0, 0, 10)
    assert sorted(queue.cancelled) == sorted(queue.sent)
    assert not scope(session).exists()


def test_the_queue_hears_nothing_of_what_is_rolled_back(planner, queue, session):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        planner.replace(scope(session), plans(session, [1]))
        raise ZeroDivisionError
    with pytest.raises(IntegrityError):
        planner.replace(Task.objects.none(), [*plans(session, [1]), Plan(Key("other", 1, 1, 1), None)])
    assert queue.sent == {}
    assert not scope(session).exists()


def test_five_thousand_users_are_a_few_statements(planner, queue, session):
    with CaptureQueriesContext(connection) as captured:
        planner.replace(scope(session), plans(session, range(5000)))
    inserts = [query for query in captured.captured_queries if query["sql"].startswith("INSERT")]
    most = 5 if connection.vendor == "postgresql" else 60  # SQLite takes 999 parameters
    assert len(inserts) <= most
    with CaptureQueriesContext(connection) as captured:
        planner.replace(scope(session), plans(session, range(5000), NOW + timedelta(days=1)))
    deletes = [query for query in captured.captured_queries if query["sql"].startswith("DELETE")]
    assert len(deletes) <= 10
    assert scope(session).count() == 5000
    assert len(queue.sent) == 10000
    assert len(queue.cancelled) == 5000


def test_when_sessions_begin():
    weekly = SimpleNamespace(
        id=7, program_id=1, scheduled=True, start_time_delta=7, start_time_unit="days", title="weekly"
    )
    hourly = SimpleNamespace(id=8, program_id=1, scheduled=True, start_time_delta=3, start_time_unit="hours")
    by_hand = SimpleNamespace(id=9, program_id=1, scheduled=False, start_time_delta=1, start_time_unit="days")
    elsewhere = SimpleNamespace(id=10, program_id=2, scheduled=True, start_time_delta=1, start_time_unit="days")
    slow = SimpleNamespace(program_id=1, user_id=5, start_time=NOW, time_factor=Decimal("1"))
    quick = SimpleNamespace(program_id=1, user_id=6, start_time=NOW, time_factor=Decimal("0.01"))
    late = SimpleNamespace(program_id=1, user_id=7, start_time=NOW - timedelta(days=7, seconds=1), time_factor=1)
    found = list(plan_sessions([weekly, hourly, by_hand, elsewhere], [slow, quick, late], now=NOW))
    assert found == [
        Plan(Key("init", 7, 0, 5), NOW + timedelta(days=7), (7, 5)),
        Plan(Key("init", 7, 0, 6), NOW + timedelta(days=0.07), (7, 6)),
        Plan(Key("init", 8, 0, 5), NOW + timedelta(hours=3), (8, 5)),
        Plan(Key("init", 8, 0, 6), NOW + timedelta(hours=0.03), (8, 6)),
    ]


# ---- within the application ----


def begins(user):
    """Titles of the sessions that are planned for a user, and in how many days."""
    rows = Task.objects.filter(subject=user, domain="init", ran=None).select_related("session").order_by("eta")
    start = ProgramUserAccess.objects.get(user=user).start_time
    return [(row.session.title, (row.eta - start).days) for row in rows]


WEEKS = [(f"Sleep, week {n}", (n - 1) * 7) for n in range(2, 7)]


def test_a_place_in_a_programme_plans_its_sessions(user):
    assert begins(user) == WEEKS


def test_a_session_that_moves_moves_for_everybody(user):
    session = Session.objects.get(title="Sleep, week 3")
    session.start_time_delta = 15
    session.save()
    try:
        assert ("Sleep, week 3", 15) in begins(user)
        session.scheduled = False
        session.save()
        assert "Sleep, week 3" not in dict(begins(user))
    finally:
        session.scheduled, session.start_time_delta = True, 14
        session.save()
    assert begins(user) == WEEKS


def test_a_start_that_moves_moves_all_sessions_and_leaving_takes_them_back(user):
    program = Program.objects.get(title="Sleep well in six weeks")
    program.enroll(user, datetime.now(UTC) + timedelta(days=30))
    assert begins(user) == WEEKS
    assert Task.objects.filter(subject=user).count() == len(WEEKS)
    program.leave(user)
    assert not Task.objects.filter(subject=user).exists()


def test_saving_a_session_costs_as_many_statements_for_hundreds_as_for_one(user):
    session = Session.objects.get(title="Sleep, week 4")

    def statements():
        session.start_time_delta += 1
        with CaptureQueriesContext(connection) as captured:
            session.save()
        return len(captured)

    few = statements()
    users = User.objects.bulk_create(User(email=f"crowd{n}@example.net") for n in range(300))
    ProgramUserAccess.objects.bulk_create(
        ProgramUserAccess(program=session.program, user=somebody) for somebody in users
    )
    try:
        statements()
        assert statements() <= few + 8  # SQLite's chunks
        assert Task.objects.filter(session=session, ran=None).count() >= 300
    finally:
        session.start_time_delta = 21
        User.objects.filter(email__startswith="crowd").delete()
        session.save()
