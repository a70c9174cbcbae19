"""One page for each thing a server has to cope with."""

import hashlib
import time
from collections.abc import Iterator

from django.conf import settings
from django.contrib import messages
from django.db import connection
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from site_example.forms import EntryForm, UploadForm
from site_example.models import Entry

PAGES = [
    ("quick", "a short text: what the server costs without much of Django around it"),
    ("book", "a guest book: a form with CSRF, a database behind it"),
    ("upload", "send a file, get its size and SHA-256"),
    ("download", "a file of 4 MB, sent by the kernel (wsgi.file_wrapper)"),
    ("slow", "sleeps for two seconds (?seconds=0.5); the other pages notice nothing"),
    ("slow_database", "keeps SQLite busy for about a second"),
    ("stream", "ten lines, one every 0.3 seconds, as they come"),
    ("fragments", "three hundred template fragments"),
    ("admin:index", "Django's admin (admin / admin)"),
]
FRAGMENTS = 300
SLEEP_MAX = 30.0
COUNT_SLOWLY = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %s) SELECT count(*) FROM c"


def index(request: HttpRequest) -> HttpResponse:
    pages = [(reverse(name), text) for name, text in PAGES]
    return render(request, "site_example/index.html", {"pages": pages})


def quick(request: HttpRequest) -> HttpResponse:
    return HttpResponse("quick\n", content_type="text/plain")


def book(request: HttpRequest) -> HttpResponse:
    form = EntryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Thank you.")
        return redirect("book")
    return render(request, "site_example/book.html", {"form": form, "entries": Entry.objects.all()[:20]})


def upload(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST or None, request.FILES or None)
    result = None
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        digest = hashlib.sha256()
        for chunk in file.chunks():
            digest.update(chunk)
        result = {"name": file.name, "size": file.size, "sha256": digest.hexdigest()}
    return render(request, "site_example/upload.html", {"form": form, "result": result})


def download(request: HttpRequest) -> FileResponse:
    path = settings.DATA / "download.bin"
    return FileResponse(path.open("rb"), as_attachment=True, filename="download.bin")


def slow(request: HttpRequest) -> HttpResponse:
    try:
        seconds = min(max(0.0, float(request.GET.get("seconds", "2"))), SLEEP_MAX)
    except ValueError:
        return HttpResponse("seconds must be a number\n", status=400, content_type="text/plain")
    time.sleep(seconds)
    return HttpResponse(f"slept for {seconds:g} seconds\n", content_type="text/plain")


def slow_database(request: HttpRequest) -> HttpResponse:
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(COUNT_SLOWLY, [5_000_000])
        (count,) = cursor.fetchone()
    took = time.monotonic() - began
    return HttpResponse(f"SQLite counted to {count} in {took:.2f} seconds\n", content_type="text/plain")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def lines() -> Iterator[str]:
        for number in range(1, 11):
            yield f"line {number} of 10\n"
            time.sleep(0.3)

    return StreamingHttpResponse(lines(), content_type="text/plain")


def fragments(request: HttpRequest) -> HttpResponse:
    return render(request, "site_example/fragments.html", {"numbers": range(1, FRAGMENTS + 1)})
