"""The files of examples/systemd and examples/nginx do what docs/deploying.md says they do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cit_cli import CITRATE, ROOT, environment, fetch, free_port, serving

SYSTEMD = ROOT / "examples/systemd"
UNITS = sorted(SYSTEMD.iterdir())
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

# A sanitizer that is preloaded into Python has no business in other programs.
PLAIN = {"LD_PRELOAD": ""}

APP = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    names = ("wsgi.url_scheme", "HTTP_HOST", "HTTP_X_FORWARDED_FOR", "SERVER_PROTOCOL")
    body = environ["wsgi.input"].read()
    return [" ".join(str(environ.get(n)) for n in names).encode() + b" %d" % len(body)]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "shown.py").write_text(APP)
    return tmp_path


def directives(unit: str) -> dict[str, str]:
    lines = (SYSTEMD / unit).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_there_are_units_to_check() -> None:
    assert {unit.suffix for unit in UNITS} == {".service", ".socket"}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for unit in UNITS:  # with a command that is there
        (tmp_path / unit.name).write_text(unit.read_text().replace("/srv/mysite/venv/bin/citrate", sys.executable))
    names = [str(tmp_path / unit.name) for unit in UNITS]
    told = subprocess.run(
        ["systemd-analyze", "verify", *names], env=environment(**PLAIN), capture_output=True, text=True, timeout=60
    )
    about_ours = [line for line in told.stderr.splitlines() if "mysite" in line]
    assert (told.returncode, about_ours) == (0, []), told.stderr


@pytest.mark.parametrize("unit", ["mysite.service", "mysite-tcp.service"])
def test_the_command_of_a_unit_is_one_citrate_understands(unit: str) -> None:
    words = directives(unit)["ExecStart"].split()[1:]
    told = subprocess.run(
        [*CITRATE, *words, "--print-config"], env=environment(), capture_output=True, text=True, timeout=30
    )
    assert told.returncode == 0, told.stderr
    graceful = next(line for line in told.stdout.splitlines() if line.startswith("graceful_timeout"))
    assert int(directives(unit)["TimeoutStopSec"]) > float(graceful.split()[2])


@pytest.mark.skipif(shutil.which("systemd-socket-activate") is None, reason="no systemd-socket-activate")
def test_the_first_connection_to_an_activated_socket_starts_the_server(site: Path) -> None:
    port = free_port()
    env = [
        f"--setenv={name}={value}"
        for name, value in environment().items()
        if name in ("PYTHONPATH", "PATH", "LD_PRELOAD")
    ]
    command = ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", *env, *CITRATE, "shown"]
    with serving(command=command, cwd=site, log=site / "log", url=f"http://127.0.0.1:{port}/") as server:
        assert fetch(f"http://127.0.0.1:{port}/")[0] == 200
        server.wait_for_output(f"127.0.0.1:{port}")
        assert server.stop() == 0


def nginx_config(site: Path, port: int, upstream: str) -> Path:
    """The example's server in a complete configuration, on a port of the tests."""
    text = (ROOT / "examples/nginx/mysite.conf").read_text()
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};")
    text = text.replace("unix:/run/mysite.sock", upstream).replace("/srv/mysite/var/static/", f"{site}/static/")
    (site / "static").mkdir()
    (site / "static/a.css").write_text("a { }")
    (site / "nginx").mkdir()
    user = "user root;\n" if os.geteuid() == 0 else ""
    paths = "".join(
        f"{name}_temp_path {site}/nginx/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = site / "nginx.conf"
    config.write_text(
        f"{user}worker_processes 1;\nerror_log {site}/nginx/error.log;\npid {site}/nginx/pid;\ndaemon off;\n"
        f"events {{ }}\nhttp {{\naccess_log off;\n{paths}{text}\n}}\n"
    )
    return config


@pytest.mark.skipif(NGINX is None, reason="no nginx")
@pytest.mark.parametrize("bind", ["unix:{site}/s", "127.0.0.1:{port}"])
def test_nginx_passes_on_what_the_application_needs_to_know(site: Path, bind: str) -> None:
    front, back = free_port(), free_port()
    bind = bind.format(site=site, port=back)
    config = nginx_config(site, front, bind)
    url = f"http://127.0.0.1:{front}/"
    proxy = [str(NGINX), "-p", str(site), "-c", str(config), "-e", str(site / "nginx/error.log")]
    with (
        serving("shown", "-b", bind, "--threads", "4", cwd=site, log=site / "log") as server,
        serving(command=proxy, env=PLAIN, cwd=site, log=site / "proxy", url=url + "static/a.css"),
    ):
        server.wait_for_output("Listening at")
        end = time.monotonic() + 10
        while fetch(url)[0] != 200 and time.monotonic() < end:
            time.sleep(0.05)
        assert fetch(url) == (200, f"http 127.0.0.1:{front} 127.0.0.1 HTTP/1.1 0".encode())
        assert fetch(url + "static/a.css") == (200, b"a { }")
        # What nginx says of the scheme is believed, from the client's own mouth it is not passed on.
        assert fetch(url, X_Forwarded_Proto="https")[1].startswith(b"http ")
        # Kept-alive connections to the server: many requests, none lost.
        assert {fetch(url)[0] for _ in range(50)} == {200}


@pytest.mark.skipif(NGINX is None, reason="no nginx")
def test_the_scheme_nginx_names_is_the_application_s(site: Path) -> None:
    front = free_port()
    config = nginx_config(site, front, f"unix:{site}/s")
    config.write_text(config.read_text().replace("X-Forwarded-Proto $scheme", "X-Forwarded-Proto https"))
    url = f"http://127.0.0.1:{front}/"
    proxy = [str(NGINX), "-p", str(site), "-c", str(config), "-e", str(site / "nginx/error.log")]
    with (
        serving("shown", "-b", f"unix:{site}/s", cwd=site, log=site / "log") as server,
        serving(command=proxy, env=PLAIN, cwd=site, log=site / "proxy", url=url + "static/a.css"),
    ):
        server.wait_for_output("Listening at")
        end = time.monotonic() + 10
        while fetch(url)[0] != 200 and time.monotonic() < end:
            time.sleep(0.05)
        assert fetch(url)[1].startswith(b"https ")
