"""Serafin's Engine over Django's models, with the settings of CITRATE_SERAFIN."""

from __future__ import annotations

import pytest
from citrate.contrib import serafin
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.functional import SimpleLazyObject
from system.engine import Engine
from system.models import Session
from users.models import StatefulAnonymousUser, User


@pytest.fixture(autouse=True)
def _settings():
    yield
    serafin.configure(step=None, saves=None, graph_version=None)


def writes(captured) -> list[str]:
    return [
        query["sql"]
        for query in captured.captured_queries
        if query["sql"].startswith('UPDATE "users_user"') and 'SET "id"' not in query["sql"]
    ]


def walk(user, *nexts):
    for answers in ({}, *nexts):
        engine = Engine(user=user, context=answers, is_interactive=True)
        page = engine.run(next=bool(answers))
    return engine, page


def test_the_native_engine_is_the_applications():
    assert issubclass(Engine, serafin.Engine)
    assert Engine.__name__ == "Engine"


def test_coalesced_saves_are_two_a_request_at_most(user):
    with CaptureQueriesContext(connection) as each:
        walk(user)
    user.data = {"session": user.data["session"], "node": 0}
    serafin.configure(saves="coalesce")
    with CaptureQueriesContext(connection) as coalesced:
        _, page = walk(user)
    assert page is not None
    assert len(writes(coalesced)) <= 2 <= len(writes(each))


def test_a_step_is_one_transaction_around_a_row_read_anew(user):
    serafin.configure(step={"lock": "row"})
    User.objects.filter(pk=user.pk).update(data={**user.data, "elsewhere": 1})
    lazy = SimpleLazyObject(lambda: user)
    engine, page = walk(lazy)
    assert page is not None
    assert engine.user is not user
    assert engine.user.data["elsewhere"] == 1
    assert User.objects.get(pk=user.pk).data == engine.user.data


def test_a_step_that_fails_leaves_nothing(user, monkeypatch):
    serafin.configure(step={"lock": "row"})
    engine = Engine(user=user, is_interactive=True)
    before = User.objects.get(pk=user.pk).data

    def on_page(self, node):
        self.user.data["half"] = 1
        self._save()
        raise OSError("half-way")

    monkeypatch.setattr(Engine, "on_page", on_page)
    with pytest.raises(OSError, match="half-way"):
        engine.run()
    assert User.objects.get(pk=user.pk).data == before
    assert not connection.in_atomic_block


def test_a_user_without_a_row_needs_no_lock(user):
    serafin.configure(step={"lock": "row"})
    visitor = StatefulAnonymousUser({})
    visitor.data = {"session": user.data["session"], "node": 0}
    with transaction.atomic():
        engine, page = walk(visitor)
    assert engine.user is visitor
    assert page is not None


def graphs_read(captured) -> list[bool]:
    """Of each query for sessions whether it read their graphs."""
    found = [query["sql"] for query in captured.captured_queries if 'FROM "system_session"' in query["sql"]]
    return ['"system_session"."data",' in sql or '"system_session"."data" FROM' in sql for sql in found]


@pytest.mark.parametrize("name", ["updated", "data", "xmin"])
def test_a_graph_is_decoded_once_for_each_version(user, name):
    if name == "xmin" and connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL has it")
    serafin.configure(graph_version=name)
    first, page = walk(user, {"a": 1})
    with CaptureQueriesContext(connection) as captured:
        second, other = walk(user, {"a": 1})
    assert (page is None) == (other is None)
    assert second.nodes is first.nodes
    assert graphs_read(captured)
    assert not any(graphs_read(captured))
    if name == "updated":
        second.session.save()
    else:  # what no signal and no auto_now sees
        sessions = type(second.session).objects.filter(pk=second.session.pk)
        sessions.update(data={**second.session.data, "note": 1})
    third, _ = walk(user)
    assert third.nodes is not first.nodes
    assert third.nodes == first.nodes
    assert first.nodes is second.nodes


@pytest.mark.parametrize("name", ["data", "xmin"])
def test_two_changes_in_one_transaction_are_two_versions(user, name):
    if name == "xmin" and connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL has it")
    serafin.configure(graph_version=name)
    sessions = Session.objects.filter(pk=user.data["session"])
    graph = sessions.get().data
    with transaction.atomic():
        for title in ("one", "two"):
            nodes = [{**node, "title": title} for node in graph["nodes"]]
            sessions.update(data={**graph, "nodes": nodes})
            engine = Engine(user=user, is_interactive=True)
            assert {node["title"] for node in engine.nodes.values()} == {title}


def test_a_row_version_that_the_database_lacks_is_said(user):
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL has it")
    serafin.configure(graph_version="xmin")
    with pytest.raises(ImproperlyConfigured, match="sqlite has none; name a column, or 'data'"):
        Engine(user=user, is_interactive=True)
