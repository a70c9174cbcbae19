"""Programmes from JSON files: what they show, their sessions, their variables.

A node names what it shows or enters by title ("ref"); here it becomes the row's id, a text, as the
editor of programmes writes it.  Loading a file again changes the rows of the same titles.
"""

import json

from django.db import transaction
from django.urls import reverse

from system.models import Chapter, Content, Program, Session, Variable

KINDS = {"page": "page", "email": "email", "sms": "sms"}


def load(path):
    """Reads a file; returns (programme, contents, sessions) as counts of what it has."""
    with path.open(encoding="utf-8") as file:
        source = json.load(file)
    with transaction.atomic():
        return _load(source)


def _load(source):
    described = dict(source["program"])
    program = Program.objects.update_or_create(title=described.pop("title"), defaults=described)[0]
    for row in source.get("variables", ()):
        fields = dict(row)
        Variable.objects.update_or_create(name=fields.pop("name"), defaults=fields)
    chapters = {
        title: Chapter.objects.update_or_create(program=program, title=title, defaults={"order": order})[0]
        for order, title in enumerate(source.get("chapters", ()))
    }
    contents = {(row["type"], row["title"]): _content(row, chapters) for row in source["contents"]}
    sessions = {row["title"]: _session(row, program) for row in source["sessions"]}
    for row in source["sessions"]:
        session = sessions[row["title"]]
        session.data = _graph(row, contents, sessions)
        session.save()
    return program, len(contents), len(sessions)


def _content(row, chapters):
    fields = {
        "display_title": row.get("display_title", ""),
        "data": row["data"],
        "chapter": chapters.get(row.get("chapter")),
    }
    return Content.objects.update_or_create(content_type=row["type"], title=row["title"], defaults=fields)[0]


def _session(row, program):
    fields = {key: value for key, value in row.items() if key not in ("title", "nodes", "edges")}
    session = Session.objects.filter(title=row["title"]).first() or Session(title=row["title"])
    session.program = program
    for name, value in fields.items():
        setattr(session, name, value)
    if session.pk is None:
        session.save()
    return session


def _graph(row, contents, sessions):
    nodes = [{"id": 0, "type": "start", "title": "Start"}]
    for given in row["nodes"]:
        node = {key: value for key, value in given.items() if key != "ref"}
        target = _target(given, contents, sessions)
        if "ref" in given:
            node.update(ref_id=str(target.pk) if target else "", title=target.title if target else "", ref_url="")
        if target:
            kind = "session" if isinstance(target, Session) else "content"
            node["ref_url"] = reverse(f"admin:system_{kind}_change", args=[target.pk])
        nodes.append(node)
    edges = [{"id": number, "expression": "", **edge} for number, edge in enumerate(row["edges"], start=1)]
    return {"nodes": nodes, "edges": edges}


def _target(node, contents, sessions):
    title = node.get("ref")
    if not title:
        return None
    if node["type"] in KINDS:
        return contents[KINDS[node["type"]], title]
    return sessions[title]
