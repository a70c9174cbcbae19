"""Worker processes: started, replaced, counted, and what a crash loop does."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rawhttp import get
from server import Server, is_alive, wait_for


@pytest.mark.parametrize("count", [1, 2, 4])
def test_so_many_workers_as_asked_for(start: Callable[..., Server], count: int) -> None:
    server = start("apps.probe:app", "--workers", str(count))
    pids = server.wait_workers(count)
    assert server.pid not in pids

    def seen() -> bool:
        conns = [server.connect() for _ in range(8 * count)]
        who = {json.loads(c.exchange(get("/whoami")).body)["pid"] for c in conns}
        for c in conns:
            c.close()
        assert who <= set(pids)
        return len(who) >= min(count, 2)

    assert wait_for(seen, 5.0), "one worker took all connections"


def test_multiprocess_is_told_to_the_application(start: Callable[..., Server]) -> None:
    one = start("apps.probe:app", "--workers", "1", "--threads", "1")
    two = start("apps.probe:app", "--workers", "2", "--threads", "8")
    assert json.loads(one.fetch("/whoami").body)["multiprocess"] is False
    facts = json.loads(two.fetch("/whoami").body)
    assert facts["multiprocess"] is True
    assert facts["multithread"] is True
    assert facts["run_once"] is False


def test_auto_is_a_number_of_workers(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--workers", "auto")
    assert 1 <= len(server.workers()) <= (os.cpu_count() or 1)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT], ids=["KILL", "SEGV", "ABRT"])
def test_a_killed_worker_is_replaced_at_once(start: Callable[..., Server], number: int) -> None:
    server = start("apps.probe:app", "--workers", "2")
    before, mark = server.workers(), server.log_mark()
    os.kill(before[0], number)
    began = time.monotonic()
    assert wait_for(lambda: len(server.workers()) == 2 and before[0] not in server.workers())
    assert time.monotonic() - began < 2.0
    assert before[1] in server.workers(), "the other worker was touched"
    server.wait_log(str(before[0]), mark)
    assert server.fetch("/plain").status == 200


def test_the_log_says_what_killed_it_and_what_it_was_doing(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app")
    with server.connect() as c:
        c.send(get("/sleep?ms=5000&id=victim"))
        assert wait_for(lambda: server.recorded(kind="sleeping", id="victim"))
        mark = server.log_mark()
        os.kill(server.workers()[0], signal.SIGKILL)
        text = server.wait_log("/sleep", mark)
        assert "KILL" in text or "signal 9" in text.lower()


def test_a_killed_worker_takes_nothing_but_its_own_requests(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--workers", "2")
    conns = [server.connect() for _ in range(16)]
    owners = [json.loads(c.exchange(get("/whoami")).body)["pid"] for c in conns]
    for i, c in enumerate(conns):
        c.send(get(f"/sleep?ms=500&id={i}"))
    assert wait_for(lambda: len(server.recorded(kind="sleeping")) == 16)
    victim = owners[0]
    os.kill(victim, signal.SIGKILL)
    for i, (c, owner) in enumerate(zip(conns, owners, strict=True)):
        if owner == victim:
            assert c.drain(3.0) == b""
            assert c.eof
        else:
            assert c.read_response().body == b"slept %d" % i
        c.close()


def test_the_supervisor_survives_the_death_of_all(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--workers", "3")
    for _ in range(3):
        for pid in server.workers():
            os.kill(pid, signal.SIGKILL)
        assert wait_for(lambda: len(server.workers()) == 3, 15.0)
    assert wait_for(server.answers, 5.0)
    assert not server.exited()


CRASHING = """
import os, time
if os.path.exists({flag!r}):
    with open({count!r}, "a") as f:
        f.write("x")
    os._exit(5)
def app(environ, start):
    start("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


def test_a_crash_loop_is_slowed_down_and_ends_when_its_cause_does(start: Callable[..., Server], tmp_path: Path) -> None:
    flag, count = tmp_path / "flag", tmp_path / "count"
    (tmp_path / "crashing.py").write_text(CRASHING.format(flag=str(flag), count=str(count)))
    server = start("crashing:app", env={"PYTHONPATH": str(tmp_path)})
    assert server.fetch().body == b"ok"
    flag.touch()
    os.kill(server.workers()[0], signal.SIGKILL)
    time.sleep(3.0)
    assert not server.exited(), "the supervisor gave up"
    tries = len(count.read_text())
    assert 1 <= tries <= 25, f"{tries} tries in three seconds: no back-off"
    flag.unlink()
    assert wait_for(server.answers, 15.0), server.log()[-2000:]
    assert server.fetch().body == b"ok"


def test_preload_loads_once(start: Callable[..., Server], tmp_path: Path) -> None:
    (tmp_path / "counted.py").write_text(
        "import os\nLOADER = os.getpid()\n"
        "def app(environ, start):\n"
        "    body = b'%d %d' % (LOADER, os.getpid())\n"
        "    start('200 OK', [('Content-Length', str(len(body)))])\n    return [body]\n"
    )
    for option, want in (("--preload", True), (None, False)):
        options = ["--workers", "2", *([option] if option else [])]
        server = start("counted:app", *options, env={"PYTHONPATH": str(tmp_path)})
        loader, worker = (int(x) for x in server.fetch().body.split())
        assert worker in server.workers()
        assert (loader != worker) is want


def test_threads_have_names_and_are_bounded(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--threads", "4")
    conns = [server.connect(20.0) for _ in range(24)]
    for i, c in enumerate(conns):
        c.send(get(f"/sleep?ms=60&id={i}"))
    for c in conns:
        assert c.read_response().status == 200
    (pid,) = server.workers()
    threads = len(os.listdir(f"/proc/{pid}/task"))
    assert threads <= 4 + 5, f"{threads} threads"
    for c in conns:
        c.close()


def test_no_more_than_so_many_requests_run_at_once(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--threads", "3")
    conns = [server.connect(20.0) for _ in range(12)]
    for i, c in enumerate(conns):
        c.send(get(f"/sleep?ms=100&id={i}"))
    for c in conns:
        assert c.read_response().status == 200
        c.close()
    running = most = 0
    for r in server.records():
        running += {"sleeping": 1, "slept": -1}.get(r["kind"], 0)
        most = max(most, running)
    assert most <= 3, f"{most} at once"
    assert most >= 2, "threads were not used"


def test_chdir_pythonpath_and_env(start: Callable[..., Server], tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "placed.py").write_text(
        "import os\ndef app(environ, start):\n"
        "    body = (os.getcwd() + '|' + os.environ.get('PLACED', '')).encode()\n"
        "    start('200 OK', [('Content-Length', str(len(body)))])\n    return [body]\n"
    )
    server = start(
        "placed:app", "--chdir", str(tmp_path), "--pythonpath", str(tmp_path / "lib"), "--env", "PLACED=here"
    )
    assert server.fetch().body.decode() == f"{tmp_path}|here"


def test_the_applications_directory_is_on_the_path(start: Callable[..., Server], tmp_path: Path) -> None:
    """As gunicorn: the working directory is importable."""
    (tmp_path / "here.py").write_text(
        "def application(environ, start):\n    start('200 OK', [('Content-Length', '4')])\n    return [b'here']\n"
    )
    server = start("here", cwd=tmp_path)
    assert server.fetch().body == b"here"


def others_can_read(path: str) -> bool:
    """Every directory on the way to the standard library is open to all."""
    return all(os.stat(p).st_mode & 0o5 == 0o5 for p in [Path(path), *Path(path).parents])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.skipif(
    not others_can_read(os.path.realpath(os.__file__ + "/..")), reason="this Python is readable by root alone"
)
def test_workers_give_up_their_privileges(start: Callable[..., Server], tmp_path: Path) -> None:
    (tmp_path / "who.py").write_text(
        "import os\nUMASK = os.umask(0)\nos.umask(UMASK)\ndef app(environ, start):\n"
        "    body = repr((os.getuid(), os.geteuid(), os.getgid(), os.getegid(), UMASK)).encode()\n"
        "    start('200 OK', [('Content-Length', str(len(body)))])\n    return [body]\n"
    )
    os.chmod(tmp_path, 0o755)  # noqa: S103
    for parent in tmp_path.parents:
        if parent == Path("/tmp"):
            break
        os.chmod(parent, 0o755)  # noqa: S103
    server = start(
        "who:app", "--user", "65534", "--group", "65534", "--umask", "027", env={"PYTHONPATH": str(tmp_path)}
    )
    uid, euid, gid, egid, umask = eval(server.fetch().body)
    assert (uid, euid, gid, egid) == (65534,) * 4
    assert umask == 0o27


def test_zombies_are_reaped(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--workers", "2")
    for _ in range(3):
        pid = server.workers()[0]
        os.kill(pid, signal.SIGKILL)
        assert wait_for(lambda p=pid: not os.path.exists(f"/proc/{p}"), 5.0), "a zombie stays"
        server.wait_workers(2)
    assert is_alive(server.pid)
