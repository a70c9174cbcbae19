"""citrate.contrib.django.steps with the therapy application's users."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest
from citrate.contrib.django.steps import StepConflict, collect, run_step, step
from django.db import connection, connections, transaction
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext
from django.utils.functional import SimpleLazyObject
from events.models import Event
from users.models import StatefulAnonymousUser, User

IS_POSTGRES = connection.vendor == "postgresql"


@contextmanager
def updates():
    """The UPDATEs of users that change something."""
    found: list[str] = []
    with CaptureQueriesContext(
        connection,
    ) as captured:
        yield found
    found += [
        query["sql"]
        for query in captured.captured_queries
        if query["sql"].startswith('UPDATE "users_user"') and 'SET "id"' not in query["sql"]
    ]


def test_what_is_saved_within_a_step_is_there_after_it(user):
    with step(user) as fresh:
        assert fresh is not user
        fresh.data["a"] = 1
        fresh.data["b"] = [1, {"c": None}]
        del fresh.data["node"]
        fresh.save()
    user.refresh_from_db()
    assert user.data["a"] == 1
    assert user.data["b"] == [1, {"c": None}]
    assert "node" not in user.data
    assert "session" in user.data


def test_every_save_is_an_update_of_what_changed(user):
    with updates() as found, step(user) as fresh:
        fresh.data["a"] = 1
        fresh.save()
        fresh.save()
        fresh.data["b"] = "long " * 100
        fresh.save()
    assert len(found) == 2
    if IS_POSTGRES:
        assert all("||" in sql for sql in found)
        assert '"b"' not in found[0]
        assert '"session"' not in found[0] + found[1]
    assert all('"password"' not in sql.split("WHERE")[0] for sql in found)


def test_coalesced_saves_are_one_update(user):
    with updates() as found, step(user, coalesce=True) as fresh:
        for number in range(5):
            fresh.data[f"v{number}"] = number
            fresh.save()
        fresh.data.pop("v3")
        fresh.save()
        fresh.is_staff = True
        fresh.save()
    assert len(found) == 1
    user.refresh_from_db()
    assert [user.data.get(f"v{number}") for number in range(5)] == [0, 1, 2, None, 4]
    assert user.is_staff


@pytest.mark.parametrize("coalesce", [False, True])
def test_what_is_changed_after_the_last_save_is_not_written(user, coalesce):
    with step(user, coalesce=coalesce) as fresh:
        fresh.data["kept"] = [1]
        fresh.save()
        fresh.data["kept"].append(2)
        fresh.data["lost"] = True
    user.refresh_from_db()
    assert user.data["kept"] == [1]
    assert "lost" not in user.data


def test_a_list_that_grew_in_place_is_seen_to_have_changed(user):
    with step(user) as fresh:
        fresh.data["stack"] = [(1, 2)]
        fresh.save()
        fresh.data["stack"].append((3, 4))
        fresh.save()
        fresh.data["stack"].pop(0)
        fresh.save()
    user.refresh_from_db()
    assert user.data["stack"] == [[3, 4]]


def test_one_and_true_and_one_point_nought_are_three_values(user):
    for value in (1, True, 1.0, "1", None):
        with step(user) as fresh:
            fresh.data["v"] = value
            fresh.save()
        user.refresh_from_db()
        assert user.data["v"] == value
        assert type(user.data["v"]) is type(value)


def test_reading_the_user_again_keeps_what_was_saved_and_drops_the_rest(user):
    with step(user, coalesce=True) as fresh:
        fresh.data["saved"] = 1
        fresh.save()
        fresh.data["unsaved"] = 1
        fresh.refresh_from_db()
        assert fresh.data["saved"] == 1
        assert "unsaved" not in fresh.data
        fresh.data["later"] = 1
        fresh.save()
    user.refresh_from_db()
    assert user.data["later"] == 1


def test_an_exception_leaves_nothing_of_the_step(user):
    with pytest.raises(ZeroDivisionError), step(user) as fresh:
        fresh.data["a"] = 1
        fresh.save()
        collect(Event(domain="test", actor=fresh, variable="gone"))
        raise ZeroDivisionError
    user.refresh_from_db()
    assert "a" not in user.data
    assert not Event.objects.filter(actor=user).exists()
    assert fresh.save.__func__ is User.save, "outside of its step a user saves as always"


def test_a_step_within_a_step_is_the_same_step(user):
    with step(user) as outer, step(user.pk) as inner:
        assert inner is outer
    with step(user) as one:
        assert one is not outer


def test_lazy_users_and_primary_keys_and_anonymous_visitors_are_taken(user):
    with step(SimpleLazyObject(lambda: user)) as fresh:
        assert type(fresh) is User
    with step(user.pk) as fresh:
        assert fresh == user
    visitor = StatefulAnonymousUser({})
    with step(visitor) as same:
        assert same is visitor
    with pytest.raises(User.DoesNotExist), step(10**9):
        pass
    with pytest.raises(ValueError), step(user, lock="none"):
        pass


def test_receivers_hear_of_saves_as_they_would(user):
    heard = []

    def hear(instance, created, update_fields, **_):
        heard.append((instance.pk, created, update_fields))

    post_save.connect(hear, sender=User)
    try:
        with step(user) as fresh:
            fresh.data["a"] = 1
            fresh.phone = "+999" + str(user.pk)
            fresh.save()
            fresh.save()
    finally:
        post_save.disconnect(hear, sender=User)
    assert heard == [(user.pk, False, frozenset({"data", "phone"}))]


def test_update_fields_are_kept_to(user):
    with step(user) as fresh:
        fresh.data["a"] = 1
        fresh.is_staff = True
        fresh.save(update_fields=["is_staff"])
    user.refresh_from_db()
    assert user.is_staff
    assert "a" not in user.data


def test_data_that_is_no_object_is_written_whole(user):
    for value in ([1, 2], {"a": 1}, "text", {"b": 2}):
        with step(user) as fresh:
            fresh.data = value
            fresh.save()
        user.refresh_from_db()
        assert user.data == value


def test_a_user_who_is_deleted_within_their_step_is_gone(user):
    with step(user, coalesce=True) as fresh:
        fresh.data["a"] = 1
        fresh.save()
        fresh.delete()
    assert not User.objects.filter(pk=user.pk).exists()


def test_collected_rows_are_inserted_together_at_the_end(user):
    with CaptureQueriesContext(connection) as captured, step(user) as fresh:
        for number in range(4):
            collect(Event(domain="test", actor=fresh, variable=f"v{number}"))
        assert not Event.objects.filter(actor=user).exists()
    assert sum('INSERT INTO "events_event"' in query["sql"] for query in captured.captured_queries) == 1
    names = Event.objects.filter(actor=user).order_by("pk").values_list("variable", flat=True)
    assert list(names) == ["v0", "v1", "v2", "v3"]
    collect(Event(domain="test", actor=user, variable="alone"))
    assert Event.objects.filter(actor=user, variable="alone").exists()


def together(count, work):
    """Runs work(number) in so many threads at once; what they raise is raised here."""
    failed: list[BaseException] = []
    begin = threading.Barrier(count)

    def run(number):
        try:
            begin.wait(20)
            work(number)
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    if failed:
        raise failed[0]


@pytest.mark.parametrize("coalesce", [False, True])
def test_steps_of_one_user_come_one_after_the_other(user, coalesce):
    def work(number):
        for _ in range(10):
            with step(user.pk, coalesce=coalesce) as fresh:
                fresh.data["count"] = fresh.data.get("count", 0) + 1
                fresh.data.setdefault("who", []).append(number)
                fresh.save()

    together(4, work)
    user.refresh_from_db()
    assert user.data["count"] == 40
    assert sorted(user.data["who"]) == sorted(list(range(4)) * 10)


def test_a_version_that_has_moved_is_a_conflict(user):
    with pytest.raises(StepConflict), step(user, lock="version") as fresh:
        User.objects.filter(pk=user.pk).update(version=fresh.version + 1)
        fresh.data["a"] = 1
        fresh.save()
    with step(user, lock="version") as fresh:
        fresh.data["a"] = 2
        fresh.save()
        fresh.data["b"] = 3
        fresh.save()
    user.refresh_from_db()
    assert (user.data["a"], user.data["b"]) == (2, 3)
    assert user.version == 2, "the conflict's own write was rolled back with it"


@pytest.mark.skipif(not IS_POSTGRES, reason="SQLite refuses to write what another connection wrote since it was read")
def test_after_a_conflict_a_step_is_begun_again(user):
    def work(fresh):
        fresh.data["count"] = fresh.data.get("count", 0) + 1
        fresh.save()
        return fresh.data["count"]

    def walk(_):
        for _ in range(10):
            run_step(user.pk, work, lock="version", attempts=100)

    together(4, walk)
    user.refresh_from_db()
    assert user.data["count"] == 40


def test_conflicts_without_end_are_raised(user):
    def meddled(fresh):
        User.objects.filter(pk=user.pk).update(version=fresh.version + 1)
        fresh.data["a"] = 1
        fresh.save()

    with pytest.raises(StepConflict):
        run_step(user, meddled, lock="version", attempts=3)
    with pytest.raises(ValueError):
        run_step(user, meddled, attempts=0)


def test_a_step_within_a_transaction_is_part_of_it(user):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        with step(user) as fresh:
            fresh.data["a"] = 1
            fresh.save()
        raise ZeroDivisionError
    user.refresh_from_db()
    assert "a" not in user.data
