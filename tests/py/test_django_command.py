"""manage.py runcitrate with the example site, and the example site itself."""

from __future__ import annotations

import hashlib
import http.cookiejar
import os
import re
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cit_cli import ROOT, Running, fetch, free_port, run, serving

pytest.importorskip("django")

SITE = ROOT / "examples/site"
MANAGE = [sys.executable, "manage.py"]
SVG = "static/site_example/citrate.svg"
BOUNDARY = "a-boundary-that-is-not-in-the-file"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example site's data, made by its own command."""
    folder = tmp_path_factory.mktemp("site")
    for _ in range(2):  # harmless when repeated
        made = run("prepare", command=MANAGE, cwd=SITE, env={"SITE_DATA": str(folder)}, timeout=60)
        assert made.returncode == 0, made.stderr
    return folder


class Site:
    """A browser of a kind: cookies, and forms with their CSRF token."""

    def __init__(self, base: str, server: Running):
        self.base = base
        self.server = server
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar)

    def get(self, path: str) -> str:
        with self.opener.open(self.base + path, timeout=30) as response:
            return response.read().decode()

    def token(self, path: str) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path))
        assert found
        return found[1]

    def post(self, path: str, **fields: str) -> str:
        fields["csrfmiddlewaretoken"] = self.token(path)
        with self.opener.open(self.base + path, urllib.parse.urlencode(fields).encode(), timeout=30) as response:
            return response.read().decode()


@pytest.fixture(scope="module")
def site(data: Path) -> Iterator[Site]:
    port = free_port()
    base = f"http://127.0.0.1:{port}/"
    args = ["runcitrate", f"127.0.0.1:{port}", "--workers", "2", "--access-logfile", "-"]
    with serving(*args, command=MANAGE, cwd=SITE, env={"SITE_DATA": str(data)}, log=data / "log", url=base) as server:
        yield Site(base, server)
        assert server.stop() == 0, server.output()


def test_every_page_of_the_index_is_there(site: Site) -> None:
    links = re.findall(r'<dt><a href="/([^"]*)">', site.get(""))
    assert len(links) == 9
    for link in set(links) - {"slow/", "slow/database/", "stream/"}:
        assert fetch(site.base + link)[0] == 200, link


def test_the_guest_book_takes_an_entry_with_its_token_and_none_without(site: Site) -> None:
    body = urllib.parse.urlencode({"name": "Ada", "text": "without"}).encode()
    refused = urllib.request.Request(site.base + "book/", body)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(refused, timeout=10)
    assert caught.value.code == 403
    page = site.post("book/", name="Ada <3", text="Line one\nline two")
    assert "Thank you." in page
    assert "Ada &lt;3" in page
    assert "without" not in page


def test_the_admin_is_logged_in_to_and_shows_the_entry(site: Site) -> None:
    site.post("book/", name="Grace", text="In the admin too")
    page = site.post(
        "admin/login/?next=/admin/site_example/entry/",
        username="admin",
        password="admin",
        next="/admin/site_example/entry/",
    )
    assert "In the admin too" in page


def test_an_upload_arrives_whole(site: Site) -> None:
    data = os.urandom(2_500_000)  # more than Django keeps in memory
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{site.token("upload/")}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="x.bin"\r\n\r\n'
    )
    body = head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    with site.opener.open(urllib.request.Request(site.base + "upload/", body, kind), timeout=30) as response:
        page = response.read().decode()
    assert f'<span id="size">{len(data)}</span>' in page
    assert hashlib.sha256(data).hexdigest() in page


def test_a_download_is_the_file(site: Site, data: Path) -> None:
    assert fetch(site.base + "download/")[1] == (data / "download.bin").read_bytes()


def test_a_stream_comes_as_it_is_made(site: Site) -> None:
    began = time.monotonic()
    with urllib.request.urlopen(site.base + "stream/", timeout=30) as response:
        first = response.readline()
        early = time.monotonic() - began
        rest = response.read()
    assert first == b"line 1 of 10\n"
    assert early < 1.5
    assert rest.endswith(b"line 10 of 10\n")


def test_nobody_waits_for_a_slow_page(site: Site) -> None:
    slow = urllib.request.Request(site.base + "slow/?seconds=1")
    import threading

    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: answers.append(urllib.request.urlopen(slow, timeout=30).read()))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    began = time.monotonic()
    assert fetch(site.base + "quick/") == (200, b"quick\n")
    assert time.monotonic() - began < 0.5
    for thread in threads:
        thread.join(20)
    assert answers == [b"slept for 1 seconds\n"] * 6


def test_the_fragments_are_three_hundred(site: Site) -> None:
    assert site.get("fragments/").count("<li>fragment") == 300


def test_a_slow_query_answers(site: Site) -> None:
    assert "SQLite counted to 5000000" in site.get("slow/database/")


def test_requests_are_in_the_access_log(site: Site) -> None:
    site.get("quick/?seen=1")
    site.server.wait_for_output(r'"GET /quick/\?seen=1 HTTP/1.1" 200')


# ---- the command ----


@pytest.mark.parametrize(("options", "debug", "status"), [([], "1", 200), ([], "0", 404), (["--nostatic"], "1", 404)])
def test_static_files_are_served_while_debug_is_on(
    data: Path, tmp_path: Path, options: list[str], debug: str, status: int
) -> None:
    port = free_port()
    (tmp_path / "plain.py").write_text(
        "from site_example.settings import *\nWSGI_APPLICATION = None\nALLOWED_HOSTS = ['*']\n"
    )
    env = {"SITE_DATA": str(data), "SITE_DEBUG": debug, "PYTHONPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "plain"}
    url = f"http://127.0.0.1:{port}/{SVG}"
    with serving("runcitrate", str(port), *options, command=MANAGE, cwd=SITE, env=env, log=tmp_path / "log", url=url):
        assert fetch(url)[0] == status


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--workers", "many"], "citrate: --workers: 'many' is not a number of workers; allowed: 1 to 1024"),
        (["nonsense:x"], "citrate: --bind: 'nonsense:x' is not an address"),
    ],
)
def test_wrong_values_are_told_as_by_the_command_citrate(data: Path, words: list[str], line: str) -> None:
    told = run("runcitrate", *words, command=MANAGE, cwd=SITE, env={"SITE_DATA": str(data)})
    assert told.returncode == 2
    assert told.stderr.startswith(line)


def test_the_options_are_those_of_citrate(data: Path) -> None:
    told = run(
        "runcitrate", "0:18199", "-b", "unix:/x", "--keep-alive=2.5", "--no-server-header", "-e", "A=1",
        "--print-config",
        command=MANAGE, cwd=SITE, env={"SITE_DATA": str(data)},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert 'bind = ["unix:/x", "0.0.0.0:18199"]' in told.stdout
    assert "keep_alive = 2.5 " in told.stdout
    assert "server_header = false" in told.stdout
    assert 'env = ["A=1"]' in told.stdout


def test_check_config_says_that_all_is_fine(data: Path) -> None:
    told = run("runcitrate", "--check-config", command=MANAGE, cwd=SITE, env={"SITE_DATA": str(data)})
    assert (told.returncode, told.stdout) == (0, "citrate: the configuration is fine\n"), told.stderr


def test_help_has_citrate_s_options(data: Path) -> None:
    told = run("runcitrate", "--help", command=MANAGE, cwd=SITE, env={"SITE_DATA": str(data)})
    assert told.returncode == 0, told.stderr
    for flag in ("--workers", "--nostatic", "--limit-request-body", "--no-server-header"):
        assert flag in told.stdout


def test_the_run_script_prepares_and_serves(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    command = [sys.executable, str(ROOT / "examples/run"), sys.executable, "--bind", f"127.0.0.1:{port}"]
    with serving(command=command, env={"SITE_DATA": str(tmp_path)}, log=tmp_path / "log", url=url) as server:
        output = server.output()
        assert "Preparing the site" in output
        assert f"http://127.0.0.1:{port}/admin/" in output
        assert fetch(url + SVG)[0] == 200
