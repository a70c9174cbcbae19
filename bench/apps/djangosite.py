"""A Django site of two pages: a light view, and a template with inheritance, a loop and filters."""

from django.conf import settings

_BASE = """<!doctype html>
<title>{% block title %}Site{% endblock %}</title>
<nav>{% for link in links %}<a href="/{{ link }}">{{ link|title }}</a> {% endfor %}</nav>
<main>{% block main %}{% endblock %}</main>
"""
_LIST = """{% extends "base.html" %}
{% block title %}{{ heading }} - {{ block.super }}{% endblock %}
{% block main %}<h1>{{ heading|upper }}</h1>
<table>{% for row in rows %}
<tr class="{% cycle 'odd' 'even' %}"><td>{{ forloop.counter }}</td><td>{{ row.name }}</td>
<td>{{ row.price|floatformat:2 }}</td><td>{% if row.sold %}sold{% else %}free{% endif %}</td></tr>
{% endfor %}</table>{% endblock %}
"""

settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    LOGGING_CONFIG=None,
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": [
                    (
                        "django.template.loaders.cached.Loader",
                        [
                            (
                                "django.template.loaders.locmem.Loader",
                                {"base.html": _BASE, "list.html": _LIST},
                            )
                        ],
                    )
                ]
            },
        }
    ],
)

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.shortcuts import render  # noqa: E402
from django.urls import path  # noqa: E402

ROWS = [{"name": f"<item {i}>", "price": i * 1.25, "sold": i % 3 == 0} for i in range(15)]


def light(request):
    return HttpResponse("Hello from Django\n", content_type="text/plain")


def template(request):
    links = ["home", "shop", "about", "contact"]
    return render(request, "list.html", {"heading": "Shop", "rows": ROWS, "links": links})


urlpatterns = [path("", light), path("template", template)]
app = get_wsgi_application()
