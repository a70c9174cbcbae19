"""Zope from PyPI, served by egg:citrate#main: log in, add an object, upload and download a file."""

from __future__ import annotations

import base64
import http.client
import os
import re
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from cit_cli import free_port, run, serving

pytest.importorskip("Zope2")

BIN = Path(sys.executable).parent
LOGIN = {"Authorization": "Basic " + base64.b64encode(b"admin:secret").decode()}
BOUNDARY = "a-boundary-that-is-not-in-the-file"


def make_instance(folder: Path, port: int, workers: int) -> list[str]:
    """A fresh Zope instance with Citrate as its server; the command that runs it."""
    made = run("-d", str(folder), "-u", "admin:secret", command=[str(BIN / "mkwsgiinstance")], timeout=60)
    assert made.returncode == 0, made.stderr
    ini = folder / "etc/zope.ini"
    section = f"[server:main]\nuse = egg:citrate#main\nsocket = 127.0.0.1:{port}\nworkers = {workers}\nthreads = 4\n"
    text, count = re.subn(r"\[server:main\]\n(?:[^\[\n].*\n|\n)*", section, ini.read_text())
    assert count == 1
    # Its access log needs another package (Paste), and Citrate has one.
    ini.write_text(text.replace("    translogger\n", ""))
    return [str(BIN / "runwsgi"), str(ini)]


@pytest.fixture(scope="module")
def zope(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A fresh Zope instance behind Citrate; its port."""
    instance = tmp_path_factory.mktemp("zope") / "instance"
    port = free_port()
    command = make_instance(instance, port, workers=1)
    url = f"http://127.0.0.1:{port}/"
    with serving(command=command, cwd=instance, log=instance / "log", url=url) as server:
        yield port
        assert server.stop() == 0, server.output()


def ask(
    port: int, method: str, path: str, body: bytes | None = None, login: bool = True, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    client.request(method, path, body, {**(LOGIN if login else {}), **fields})
    response = client.getresponse()
    result = response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    client.close()
    return result


def post(port: int, path: str, **fields: str) -> tuple[int, dict[str, str], bytes]:
    body = urllib.parse.urlencode(fields).encode()
    return ask(port, "POST", path, body, Content_Type="application/x-www-form-urlencoded")


def test_the_management_pages_want_a_login_and_take_one(zope: int) -> None:
    status, headers, _ = ask(zope, "GET", "/manage_main", login=False)
    assert status == 401
    assert headers["www-authenticate"].lower().startswith("basic")
    status, headers, body = ask(zope, "GET", "/manage_main")
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    assert b"Root Folder" in body or b"acl_users" in body


def test_an_object_is_added_and_found(zope: int) -> None:
    status, _, body = post(zope, "/manage_addProduct/OFSP/manage_addFolder", id="added", title="By a form")
    assert status in (200, 302), body
    status, _, body = ask(zope, "GET", "/added/manage_main")
    assert status == 200
    assert b"By a form" in body


def test_a_file_is_uploaded_and_downloaded(zope: int) -> None:
    data = os.urandom(3_000_000)
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="id"\r\n\r\nblob.bin\r\n'.encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="blob.bin"\r\n'.encode(),
        b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n",
        f"--{BOUNDARY}--\r\n".encode(),
    ]
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    status, _, body = ask(zope, "POST", "/manage_addProduct/OFSP/manage_addFile", b"".join(parts), Content_Type=kind)
    assert status in (200, 302), body
    status, headers, body = ask(zope, "GET", "/blob.bin", login=False)
    assert status == 200
    assert int(headers["content-length"]) == len(data)
    assert body == data
    status, headers, body = ask(zope, "GET", "/blob.bin", Range="bytes=1000-1999")
    assert (status, body) == (206, data[1000:2000])


def test_what_is_not_there_is_not_found(zope: int) -> None:
    assert ask(zope, "GET", "/nothing-here")[0] == 404


def test_several_processes_on_one_file_storage_are_refused(tmp_path: Path) -> None:
    command = make_instance(tmp_path / "instance", free_port(), workers=2)
    told = run(command=command, cwd=tmp_path, timeout=60)
    assert "Listening at" not in told.stderr
    assert "[server:main]: workers: the application has a ZODB FileStorage open" in told.stderr


def test_the_command_serves_an_instance_that_each_worker_loads(tmp_path: Path) -> None:
    port = free_port()
    make_instance(tmp_path / "instance", port, workers=1)
    url = f"http://127.0.0.1:{port}/"
    args = ["config:instance/etc/zope.ini", "--bind", f"127.0.0.1:{port}"]
    with serving(*args, cwd=tmp_path, log=tmp_path / "log", url=url) as server:
        assert ask(port, "GET", "/manage_main")[0] == 200
        assert server.stop() == 0
