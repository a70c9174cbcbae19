"""PasteDeploy: egg:citrate#main in an ini file, loaded and served by PasteDeploy itself."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from cit_cli import fetch, free_port, run, serving
from citrate import paste
from citrate.errors import ConfigError

pytest.importorskip("paste.deploy")

APP = """
import os

def factory(global_conf, **local_conf):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        words = [local_conf["greeting"], str(environ["wsgi.multiprocess"]), os.getcwd()]
        return [" ".join(words).encode()]
    return app
"""
INI = """
[app:main]
paste.app_factory = pasted:factory
greeting = salut

[app:other]
paste.app_factory = pasted:factory
greeting = hello

[server:main]
use = egg:citrate#main
{lines}
"""
SERVE = (
    "import sys\n"
    "from paste.deploy import loadapp, loadserver\n"
    "sys.path.insert(0, '.')\n"
    "uri = 'config:' + sys.argv[1]\n"
    "loadserver(uri)(loadapp(uri))\n"
)


@pytest.fixture
def ini(tmp_path: Path):
    (tmp_path / "pasted.py").write_text(APP)

    def write(lines: str) -> list[str]:
        (tmp_path / "site.ini").write_text(INI.format(lines=lines))
        return [sys.executable, "-c", SERVE, str(tmp_path / "site.ini")]

    return write


@pytest.mark.parametrize(
    ("lines", "multiprocess"),
    [
        ("socket = 127.0.0.1:{port}\nworkers = 2\nthreads = 4", "True"),
        ("host = 127.0.0.1\nport = {port}", "False"),
        ("bind = 127.0.0.1:{port}\nkeep-alive = 2.5\nworkers = 1", "False"),
    ],
)
def test_a_section_of_an_ini_file_serves_its_application(ini, tmp_path: Path, lines: str, multiprocess: str) -> None:
    port = free_port()
    command = ini(lines.format(port=port))
    url = f"http://127.0.0.1:{port}/"
    with serving(command=command, cwd=tmp_path, log=tmp_path / "log", url=url) as server:
        assert fetch(url) == (200, f"salut {multiprocess} {tmp_path}".encode())
        assert server.stop() == 0


def test_the_server_factory_serves_too(ini, tmp_path: Path) -> None:
    (entry,) = (e for e in entry_points(group="paste.server_factory") if e.value.startswith("citrate"))
    assert entry.load() is paste.server_factory
    port = free_port()
    code = (
        "from citrate.paste import server_factory\n"
        "from pasted import factory\n"
        f"server_factory({{}}, socket='127.0.0.1:{port}')(factory({{}}, greeting='made'))\n"
    )
    ini("")
    url = f"http://127.0.0.1:{port}/"
    with serving(command=[sys.executable, "-c", code], cwd=tmp_path, log=tmp_path / "log", url=url):
        assert fetch(url)[1].startswith(b"made")


def test_the_command_serves_an_application_of_an_ini_file_without_its_server(ini, tmp_path: Path) -> None:
    ini("socket = 127.0.0.1:1")
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    args = ["config:site.ini#other", "-b", f"127.0.0.1:{port}"]
    with serving(*args, cwd=tmp_path, log=tmp_path / "log", url=url):
        assert fetch(url)[1].startswith(b"hello")


def test_an_application_an_ini_file_does_not_have_is_told(ini, tmp_path: Path) -> None:
    ini("")
    told = run("--check-config", "config:site.ini#none", cwd=tmp_path)
    assert told.returncode == 4
    assert told.stderr.startswith("citrate: loading config:site.ini#none raised LookupError")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("worker = 2", "citrate: [server:main]: worker: no such option; did you mean workers?"),
        ("workers = many", "citrate: [server:main]: workers: 'many' is not a number of workers"),
        ("socket = 1\nport = 2", "citrate: [server:main]: socket and host/port both say where to listen"),
        ("certfile = x", "citrate: [server:main]: certfile: let nginx"),
    ],
)
def test_wrong_lines_are_named_with_their_section(ini, tmp_path: Path, lines: str, message: str) -> None:
    command = ini(lines)
    told = run(*command[1:], command=command[:1], cwd=tmp_path)
    assert told.returncode == 2
    assert told.stderr.startswith(message)


@pytest.mark.parametrize(
    ("lines", "bind"),
    [
        ({"socket": "/run/x.sock"}, "unix:/run/x.sock"),
        ({"socket": "localhost:80 unix:/x"}, "localhost:80,unix:/x"),
        ({"host": "::1", "port": "80"}, "[::1]:80"),
        ({"host": "[::1]"}, "[::1]:8080"),
        ({"port": "80"}, "127.0.0.1:80"),
        ({"bind": ":80"}, ":80"),
    ],
)
def test_the_ways_to_say_where_to_listen(lines: dict[str, str], bind: str) -> None:
    assert paste.addresses(lines) == {"bind": bind}


def test_without_an_address_the_default_stands() -> None:
    assert paste.addresses({"workers": "2"}) == {"workers": "2"}


def test_a_file_storage_is_not_shared_by_several_processes(tmp_path: Path) -> None:
    storage = pytest.importorskip("ZODB.FileStorage").FileStorage(str(tmp_path / "Data.fs"))
    try:
        with pytest.raises(ConfigError, match="workers: the application has a ZODB FileStorage open"):
            paste._refuse_shared_storage({"workers": ("2", "[server:main]: workers")})
        paste._refuse_shared_storage({"workers": ("1", "[server:main]: workers")})
    finally:
        storage.close()
