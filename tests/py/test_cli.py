"""The command: what it says without serving, and serving from a shell and from code."""

from __future__ import annotations

import http.client
import json
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from cit_cli import CITRATE, fetch, free_port, run, serving

SCRIPT = [str(Path(sys.executable).parent / "citrate")]

HELLO = """
import os, sys
greeting = os.environ.get("GREETING", "hello")

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{greeting} {os.getpid()} {os.getcwd()}".encode()]

class Nested:
    class app:
        inner = staticmethod(application)

def factory(word="made", *, times=1):
    def app(environ, start_response):
        start_response("200 OK", [])
        return [word.encode() * times]
    return app

async def asgi(scope, receive, send):
    pass

class Asgi:
    async def __call__(self, scope, receive, send):
        pass

number = 7
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the module `hello`."""
    (tmp_path / "hello.py").write_text(HELLO)
    return tmp_path


# ---- without serving ----


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_is_printed_and_nothing_else_is_done(flag: str) -> None:
    told = run(flag, "no.such.app")
    assert told.returncode == 0
    assert told.stdout.startswith("usage: citrate [options] [APP]")
    assert "Limits and timeouts:" in told.stdout
    assert told.stderr == ""


def test_the_script_and_the_module_are_the_same_command() -> None:
    version = run("--version").stdout
    assert version.startswith("citrate ")
    assert run("-v", command=SCRIPT).stdout == version


def test_the_version_of_the_package_is_that_of_the_server() -> None:
    told = run("-c", "import citrate; print('citrate', citrate.__version__)", command=[sys.executable])
    assert told.stdout == run("--version").stdout


def test_without_an_application_it_says_so() -> None:
    told = run()
    assert told.returncode == 2
    assert told.stderr == "citrate: no application: name one, e.g. citrate mysite.wsgi:application\n"


def test_a_wrong_option_is_status_2_and_one_line() -> None:
    told = run("hello", "--workers", "many")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("citrate: --workers: 'many' is not a number of workers; allowed: 1 to 1024, or auto")
    assert told.stderr.count("\n") == 1


def test_help_into_a_closed_pipe_is_no_traceback() -> None:
    told = run("-c", f"set -o pipefail; {sys.executable} -m citrate --help | true", command=["bash"])
    assert told.stderr == ""


def test_worker_class_gthread_is_taken_with_a_note(site: Path) -> None:
    told = run("--worker-class", "gthread", "--check-config", "hello", cwd=site)
    assert told.returncode == 0
    assert told.stderr.startswith("citrate: note: worker_class gthread is not needed")


@pytest.mark.parametrize(
    "spec",
    ["hello", "hello:application", "hello:Nested.app.inner", "hello:factory()", "hello:factory('x', times=2)"],
)
def test_check_config_loads_the_application(site: Path, spec: str) -> None:
    told = run("--check-config", spec, cwd=site)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == "citrate: the configuration is fine\n"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("helo", "there is no module 'helo' in {site} or elsewhere on sys.path; did you mean hello?"),
        ("zzz", "there is no module 'zzz' in {site} or elsewhere on sys.path (--chdir or --pythonpath say"),
        ("hello.wsgi", "there is no module 'hello.wsgi': 'hello' is no package"),
        ("pack.wsgy", "there is no module 'pack.wsgy' in {site}/pack; did you mean pack.wsgi?"),
        ("hello.py", "there is no module 'hello.py'; did you mean hello?"),
        ("pack/wsgi.py", "'pack/wsgi.py' is no name of a module; did you mean pack.wsgi?"),
        ("./hello.py:application", "'./hello.py' is no name of a module; did you mean hello?"),
        ("hello world", "'hello world' is no name of a module; write MODULE:NAME"),
        (":app", "'' is no name of a module; write MODULE:NAME"),
        ("hello:aplication", "hello has no 'aplication'; did you mean application?"),
        ("hello:zzz", "hello has no 'zzz'; it has Asgi, Nested, application, asgi, factory"),
        ("hello:Nested.zzz", "hello.Nested has no 'zzz'"),
        ("hello:a-b", "hello:a-b: 'a-b' is no name"),
        ("hello:number", "hello:number is of type int, and a WSGI application is something to call"),
        ("hello:number()", "hello:number(): number is of type int and can't be called"),
        ("hello:factory(", "hello:factory(: a call must look like factory()"),
        ("hello:factory(x)", "hello:factory(x): a call must look like factory()"),
        ("hello:factory(**{})", "a call must look like factory()"),
        ("hello:(factory)() + 1", "a call must look like factory()"),
        ("hello:asgi", "hello:asgi is an ASGI application (async def); Citrate serves WSGI ones"),
        ("hello:Asgi()", "hello:Asgi() is an ASGI application (async def)"),
        ("config:none.ini", "config:none.ini: there is no file {site}/none.ini"),
    ],
)
def test_a_name_that_leads_nowhere_gets_one_line(site: Path, spec: str, message: str) -> None:
    (site / "pack").mkdir()
    (site / "pack/__init__.py").touch()
    (site / "pack/wsgi.py").write_text("application = print")
    told = run("--check-config", spec, cwd=site)
    assert told.returncode == 4
    assert message.format(site=site) in told.stderr
    assert told.stderr.startswith("citrate: ")
    assert told.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("code", "spec", "last"),
    [
        ("import no_such_library", "broken", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("def f():\n    1 / 0\nf()", "broken", "ZeroDivisionError: division by zero"),
        ("def x(:", "broken", "SyntaxError: invalid syntax"),
        ("import sys; sys.exit('not today')", "broken", "SystemExit: not today"),
        ("def make():\n    raise RuntimeError('no database')", "broken:make()", "RuntimeError: no database"),
        ("def __getattr__(name):\n    raise RuntimeError('no names')", "broken:app", "RuntimeError: no names"),
    ],
)
def test_code_that_raises_shows_its_own_traceback_and_no_other(site: Path, code: str, spec: str, last: str) -> None:
    (site / "broken.py").write_text(code)
    told = run("--check-config", spec, cwd=site)
    assert told.returncode == 4
    assert told.stderr.splitlines()[-1] == last
    assert "broken.py" in told.stderr
    assert "citrate/wsgiapp.py" not in told.stderr
    assert "importlib" not in told.stderr


def test_a_missing_file_of_options_or_directory_is_named(site: Path) -> None:
    assert "--chdir: /nowhere: No such file or directory" in run("--chdir", "/nowhere", "hello", cwd=site).stderr
    assert "--tmp-dir: /nowhere is no directory" in run("--tmp-dir", "/nowhere", "hello", cwd=site).stderr
    assert "--config: x.toml: No such file or directory" in run("-c", "x.toml", "hello", cwd=site).stderr


def test_check_config_tries_the_logging_configuration(site: Path) -> None:
    (site / "log.json").write_text('{"version": 1, "handlers": {"x": {"class": "no.such.Handler"}}}')
    told = run("--check-config", "--log-config", "log.json", "hello", cwd=site)
    assert told.returncode == 2
    assert "citrate: log_config: log.json: " in told.stderr
    assert "there is no file" in run("--check-config", "--log-config", "no.ini", "hello", cwd=site).stderr


def test_a_log_that_cannot_be_opened_is_named(site: Path) -> None:
    told = run("hello", "--access-logfile", "/nowhere/log", "-b", f":{free_port()}", cwd=site)
    assert (told.returncode, told.stderr.count("\n")) == (2, 1)
    assert "/nowhere/log" in told.stderr
    told = run("hello", "--capture-output", "--error-logfile", "/nowhere/log", cwd=site)
    assert "/nowhere/log: No such file or directory" in told.stderr


def test_check_config_needs_an_application() -> None:
    told = run("--check-config")
    assert told.returncode == 2
    assert "the options are fine, but no application is named" in told.stderr


# ---- serving ----


def test_it_serves_what_it_is_told_where_it_is_told(site: Path) -> None:
    (site / "elsewhere").mkdir()
    (site / "options.toml").write_text('app = "hello"\nchdir = "elsewhere"\n[env]\nGREETING = "salut"\n')
    port = free_port()
    args = [
        "-c",
        "options.toml",
        "-b",
        f"127.0.0.1:{port}",
        "--pythonpath",
        str(site),
        "-w",
        "2",
        "-p",
        "c.pid",
        "-n",
        "citrus",
    ]
    with serving(*args, cwd=site, log=site / "log", url=f"http://127.0.0.1:{port}/") as server:
        status, body = fetch(f"http://127.0.0.1:{port}/")
        greeting, pid, cwd = body.decode().split()
        assert (status, greeting, cwd) == (200, "salut", str(site / "elsewhere"))
        assert int(pid) != server.process.pid
        assert Path(f"/proc/{pid}/comm").read_text() == "citrus\n"
        assert int((site / "elsewhere/c.pid").read_text()) == server.process.pid
        assert server.stop() == 0
    assert not (site / "elsewhere/c.pid").exists()


def test_the_installed_script_serves(site: Path) -> None:
    port = free_port()
    with serving(
        "hello", "-b", f":{port}", command=SCRIPT, cwd=site, log=site / "log", url=f"http://127.0.0.1:{port}/"
    ) as server:
        assert server.stop(signal.SIGINT) == 0


def test_port_and_web_concurrency_are_honoured(site: Path) -> None:
    port = free_port()
    env = {"PORT": str(port), "WEB_CONCURRENCY": "3"}
    with serving("hello", env=env, cwd=site, log=site / "log", url=f"http://127.0.0.1:{port}/") as server:
        workers = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        assert len(workers) == 3


def test_an_application_that_cannot_be_loaded_is_status_4(site: Path) -> None:
    for options in ([], ["--preload"]):
        (site / "broken.py").write_text("import no_such_library")
        told = run("broken", "-b", f"127.0.0.1:{free_port()}", *options, cwd=site)
        assert told.returncode == 4, told.stderr
        assert "No module named 'no_such_library'" in told.stderr
        assert "wsgiapp.py" not in told.stderr


def test_a_missing_module_is_told_without_a_traceback_by_the_worker_too(site: Path) -> None:
    told = run("helo", "-b", f"127.0.0.1:{free_port()}", cwd=site)
    assert told.returncode == 4
    assert "did you mean hello?" in told.stderr
    assert "Traceback" not in told.stderr


def test_preload_loads_once_before_the_workers(site: Path) -> None:
    (site / "counted.py").write_text("print('loaded', flush=True)\nfrom hello import application")
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    with serving("counted", "--preload", "-w3", "-b", f":{port}", cwd=site, log=site / "log", url=url) as server:
        assert server.output().count("loaded") == 1


def test_hup_reads_the_file_again(site: Path) -> None:
    port = free_port()
    (site / "options.toml").write_text("workers = 1\n")
    (site / "sub").mkdir()
    args = ["hello", "-c", "options.toml", "--chdir", "sub", "--pythonpath", "..", "-b", f":{port}"]
    with serving(*args, cwd=site, log=site / "log", url=f"http://127.0.0.1:{port}/") as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        before = set(children.read_text().split())
        (site / "options.toml").write_text("workers = 2\n")
        server.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 10
        while time.monotonic() < end and (
            len(set(children.read_text().split()) - before) != 2 or before & set(children.read_text().split())
        ):
            time.sleep(0.05)
        assert len(children.read_text().split()) == 2
        assert not before & set(children.read_text().split())
        # A file that can't be used is told, and nothing changes.
        after = children.read_text().split()
        (site / "options.toml").write_text("workers = 'many'\n")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_output("'many' is not a number of workers")
        time.sleep(0.3)
        assert children.read_text().split() == after
        assert fetch(f"http://127.0.0.1:{port}/")[0] == 200


def nobody_can_run_python() -> bool:
    if os.geteuid() != 0:
        return False
    command = [sys.executable, "-c", "import citrate, threading"]
    try:
        return subprocess.run(command, user="nobody", cwd="/", capture_output=True).returncode == 0
    except PermissionError:
        return False


@pytest.mark.skipif(not nobody_can_run_python(), reason="needs root, and a Python that others can read")
def test_workers_run_as_the_user_and_in_the_groups_they_are_told() -> None:
    nobody = pwd.getpwnam("nobody")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        site.chmod(0o755)
        (site / "hello.py").write_text(HELLO)
        args = ["hello", "-u", "nobody", "-m", "027", "-b", f":{port}", "-b", f"unix:{site}/s"]
        with serving(*args, cwd=site, log=site / "log", url=f"http://127.0.0.1:{port}/") as server:
            pid = fetch(f"http://127.0.0.1:{port}/")[1].split()[1].decode()
            status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            assert status["Uid"].split() == [str(nobody.pw_uid)] * 4
            assert status["Gid"].split() == [str(nobody.pw_gid)] * 4
            assert status["Groups"].split() == [str(nobody.pw_gid)]
            assert status["Umask"] == "0027"
            assert Path(f"/proc/{server.process.pid}").stat().st_uid == 0
            assert (site / "s").stat().st_uid == nobody.pw_uid
            assert stat.S_IMODE((site / "s").stat().st_mode) == 0o750
            assert server.stop() == 0


def test_output_can_be_captured_to_the_error_log(site: Path) -> None:
    (site / "loud.py").write_text("print('hear, hear', flush=True)\nfrom hello import application")
    port = free_port()
    args = ["loud", "--capture-output", "--error-logfile", "error.log", "-b", f":{port}"]
    with serving(*args, cwd=site, log=site / "log", url=f"http://127.0.0.1:{port}/") as server:
        assert "hear, hear\n" in (site / "error.log").read_text()
        assert "hear" not in server.output()


def test_json_access_lines(site: Path) -> None:
    port = free_port()
    args = ["hello", "--access-logfile", "access.log", "--access-log-json", "-b", f":{port}"]
    with serving(*args, cwd=site, log=site / "log", url=f"http://127.0.0.1:{port}/") as server:
        fetch(f"http://127.0.0.1:{port}/x?y=1")
        server.stop()
    lines = [json.loads(line) for line in (site / "access.log").read_text().splitlines()]
    assert any("/x" in str(line) for line in lines)


def test_log_config_sends_the_lines_to_python_s_logging(site: Path) -> None:
    config = {
        "version": 1,
        "formatters": {"f": {"format": "%(name)s/%(levelname)s/%(message)s"}},
        "handlers": {"file": {"class": "logging.FileHandler", "filename": str(site / "py.log"), "formatter": "f"}},
        "loggers": {"citrate": {"handlers": ["file"], "level": "DEBUG"}},
    }
    (site / "log.json").write_text(json.dumps(config))
    port = free_port()
    args = ["hello", "--log-config", "log.json", "--access-logfile", "-", "-b", f":{port}"]
    with serving(*args, cwd=site, log=site / "log", url=f"http://127.0.0.1:{port}/") as server:
        fetch(f"http://127.0.0.1:{port}/seen")
        server.stop()
    lines = (site / "py.log").read_text().splitlines()
    assert any(line.startswith("citrate.access/INFO/") and "GET /seen HTTP/1.1" in line for line in lines)
    assert "GET /seen" not in (site / "log").read_text()


# ---- from code ----

SERVE = """
import citrate
from hello import application
{call}
print("served")
"""


@pytest.mark.parametrize(
    "call",
    [
        "citrate.serve(application, bind='127.0.0.1:{port}', workers=2)",
        "citrate.serve('hello:application', ['127.0.0.1:{port}'], threads=2, keep_alive=2.5, server_header=False)",
        "citrate.serve('hello', config='options.toml')",
    ],
)
def test_serve_blocks_until_stopped_and_returns(site: Path, call: str) -> None:
    port = free_port()
    (site / "options.toml").write_text(f"bind = '127.0.0.1:{port}'")
    code = SERVE.format(call=call.format(port=port))
    command = [sys.executable, "-c", code]
    with serving(command=command, cwd=site, log=site / "log", url=f"http://127.0.0.1:{port}/") as server:
        assert server.stop() == 0
        assert server.output().count("served") == 1


@pytest.mark.parametrize(
    ("call", "last"),
    [
        (
            "citrate.serve(application, worker=2)",
            "citrate.errors.ConfigError: citrate.serve(): worker: no such option; did you mean workers?",
        ),
        (
            "citrate.serve(application, workers='x')",
            "citrate.errors.ConfigError: citrate.serve(): workers: 'x' is not a number of workers",
        ),
        ("citrate.serve('zzz', preload=True)", "citrate.errors.LoadError: there is no module 'zzz'"),
        (
            "import threading; t = threading.Thread(target=citrate.serve, args=[application]); t.start(); t.join()",
            "citrate.errors.ConfigError: citrate.serve() must be called in the main thread",
        ),
    ],
)
def test_serve_raises_for_what_it_cannot_use(site: Path, call: str, last: str) -> None:
    told = run("-c", SERVE.format(call=call), command=[sys.executable], cwd=site)
    assert told.stderr.splitlines()[-1].startswith(last), told.stderr


def test_serve_leaves_with_a_status_when_the_address_is_taken(site: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = run(
            "-c", SERVE.format(call=f"citrate.serve(application, bind=':{port}')"), command=[sys.executable], cwd=site
        )
    assert told.returncode == 1
    assert str(port) in told.stderr
    assert "served" not in told.stdout


# ---- systemd ----


def activated(site: Path, *args: str, sockets: int = 1) -> tuple[list[str], list[socket.socket]]:
    """A command that runs citrate as systemd's socket activation would, and the sockets it gets."""
    held = []
    for _ in range(sockets):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", free_port()))
        s.listen()
        held.append(s)
    code = (
        "import fcntl, os, sys\n"
        "fds = [int(n) for n in sys.argv[1].split(',')]\n"
        "spare = [fcntl.fcntl(fd, fcntl.F_DUPFD, 50) for fd in fds]\n"
        "for i, fd in enumerate(spare): os.dup2(fd, 3 + i, inheritable=True)\n"
        "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)))\n"
        "os.execv(sys.argv[2], sys.argv[2:])\n"
    )
    fds = ",".join(str(s.fileno()) for s in held)
    return [sys.executable, "-c", code, fds, *CITRATE, *args], held


def test_sockets_of_systemd_are_served_without_a_bind(site: Path) -> None:
    command, held = activated(site, "hello", sockets=2)
    ports = [s.getsockname()[1] for s in held]
    fds = [s.fileno() for s in held]
    url = f"http://127.0.0.1:{ports[0]}/"
    with serving(command=command, cwd=site, log=site / "log", url=url, pass_fds=fds) as server:
        for port in ports:
            assert fetch(f"http://127.0.0.1:{port}/")[0] == 200
        assert server.stop() == 0
    for s in held:
        s.close()


def test_a_request_that_came_before_the_server_is_answered(site: Path) -> None:
    command, (listener,) = activated(site, "hello")
    client = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=20)
    client.request("GET", "/early")
    with serving(command=command, cwd=site, log=site / "log", pass_fds=[listener.fileno()]):
        assert client.getresponse().status == 200
    listener.close()
    client.close()
