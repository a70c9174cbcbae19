"""Pages of a programme: the shell, what its script asks for, and what it posts."""

import json
import logging

from citrate.contrib.django.steps import step
from django.conf import settings
from django.contrib import auth
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods
from events.log import write_answers
from system.engine import Engine, EngineException
from system.models import Program, Session
from users.jsontext import plain

logger = logging.getLogger(__name__)

# What an engine keeps for itself among a user's variables; nobody sets these from outside.
ENGINES_OWN = {"session", "node", "stack", "reply_session", "reply_node", "reply_variable", "tools", "login_link", ""}
ANSWERS_MAX = 200
STACK_MAX = 50


class BadAnswers(ValueError):
    """What was posted is not a set of answers."""


@never_cache
@ensure_csrf_cookie
def main(request):
    """Where everybody is who is somewhere; others are shown the entrance."""
    if not request.user.data.get("session"):
        return redirect("home")
    if request.headers.get("X-Requested-With") == "XMLHttpRequest":
        return api(request)
    return _shell(request)


def home(request):
    """The entrance."""
    programs = Program.objects.prefetch_related("session_set")
    doors = [(program, [s for s in program.session_set.all() if s.route_slug and s.is_open]) for program in programs]
    return render(request, "content/home.html", {"doors": doors})


@never_cache
@ensure_csrf_cookie
def enter(request, slug):
    """The beginning of a session; where one was is where one comes back to."""
    session = get_object_or_404(Session.objects.defer("data"), route_slug=slug)
    if not session.is_open and not request.user.is_authenticated:
        return redirect("login")
    with _step(request.user) as user:
        here = str(user.data.get("session")) == str(session.pk)
        push = not here and len(user.data.get("stack") or ()) < STACK_MAX
        engine = Engine(user=user, push=push, context={"session": session.pk, "node": 0})
        engine.run()
    return _shell(request)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def api(request):
    """GET: the current page, or ?chapter=ID: the page of a chapter that was seen last, to be read again.

    POST ?next=1 with answers: the page after the current one; ?pop=1: back from a session.
    """
    try:
        answers, timer = _answers(request) if request.method == "POST" else ({}, None)
        where = _where(request)
    except BadAnswers as error:
        return JsonResponse({"detail": str(error)}, status=400)
    if not request.user.data.get("session"):
        return JsonResponse({"detail": "You are in no session."}, status=404)
    try:
        with _step(request.user) as user:
            if request.method == "POST":
                write_answers(user, answers, timer)
            engine = Engine(user=user, context=answers, is_interactive=True)
            page = engine.run(**where)
    except EngineException as error:
        logger.error("user %s: %s", request.user.pk, error)
        return JsonResponse({"detail": "This programme goes in circles here."}, status=500)
    if engine.user is not user:  # somebody has registered on the way
        _log_in(request, engine.user)
    if page is None:
        return JsonResponse({"detail": "There is nothing to see here now."}, status=404)
    return JsonResponse(describe(page))


def describe(page):
    """A page as the script in the browser gets it."""
    return {
        "title": page.display_title or page.title,
        "data": page.data,
        "dead_end": page.dead_end,
        "stacked": page.stacked,
        "is_chapter": page.is_chapter,
        "chapters": list(page.chapters),
        "read_only": page.read_only,
        "is_back": page.is_back,
        "page_id": page.id,
    }


def _step(user):
    return step(user, coalesce=settings.THERAPY_COALESCE)


def _shell(request):
    return render(request, "content/shell.html")


def _log_in(request, user):
    auth.login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])


def _where(request):
    """Where the engine is to go: what the query says, as arguments of run()."""
    if request.method == "POST":
        return {name: request.GET[name] for name in ("next", "pop") if request.GET.get(name)}
    chapter = request.GET.get("chapter")
    if not chapter:
        return {}
    if not chapter.isascii() or not chapter.isdigit():
        raise BadAnswers("A chapter is a number.")
    return {"chapter": chapter}


def _answers(request):
    """(answers, milliseconds on the page or None) of a body {"variable": value, …, "timer": ms}."""
    if len(request.body) == 0:
        return {}, None
    try:
        answers = plain(json.loads(request.body))
    except ValueError:
        raise BadAnswers("The body is not JSON.") from None
    if not isinstance(answers, dict) or len(answers) > ANSWERS_MAX:
        raise BadAnswers(f"The body is not a JSON object of at most {ANSWERS_MAX} answers.")
    timer = answers.pop("timer", None)
    if timer is not None and not isinstance(timer, (int, float)):
        raise BadAnswers("The timer is not a number.")
    for name in answers:
        # The engine stores expression_a_b as ab.
        stored = "".join(name.split("_")[1:]) if "expression_" in name else name
        if stored in ENGINES_OWN or stored.startswith(("chapter_", "module_")):
            raise BadAnswers(f"{name[:100]!r} is no name of an answer.")
    return answers, timer
