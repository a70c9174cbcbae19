"""What each signal does to a server (see src/serve/super.h)."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rawhttp import Cut, get, post
from server import KIND, Server, is_alive, wait_for


def gone(pids: list[int], timeout: float = 5.0) -> bool:
    """All these processes have ended."""
    return bool(wait_for(lambda: not any(is_alive(p) for p in pids), timeout))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_term_finishes_what_runs(start: Callable[..., Server], workers: str) -> None:
    server = start("apps.probe:app", "--workers", workers)
    pids = server.workers()
    with server.connect() as slow, server.connect() as stream, server.connect() as upload, server.connect() as row:
        slow.send(get("/sleep?ms=600&id=x"))
        stream.send(get("/stream?n=5&ms=100&size=3"))
        upload.send(get("/raw", "Content-Length: 10", method="POST") + b"12345")
        row.send(get("/plain?id=1") + get("/sleep?ms=300&id=2") + get("/plain?id=3"))
        time.sleep(0.15)
        server.signal(signal.SIGTERM)
        time.sleep(0.15)
        upload.send(b"67890")
        assert slow.read_response().body == b"slept x"
        assert stream.read_response().body == b"aaabbbcccdddeee"
        assert upload.read_response("POST").body == b"1234567890"
        answers = [row.read_response() for _ in range(3)]
        assert [a.body for a in answers] == [b"hello 1", b"slept 2", b"hello 3"], "what was received is answered"
        assert [a.closes for a in answers[1:]] == [False, True], "the last one, and no other, says close"
        for c in (slow, stream, upload, row):
            c.expect_end()
    assert server.wait(5.0) == 0
    assert gone(pids)


def test_the_last_answer_says_close(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app")
    with server.connect() as c:
        assert not c.exchange(get("/plain?id=1")).closes
        c.send(get("/sleep?ms=400&id=x"))
        time.sleep(0.1)
        server.signal(signal.SIGTERM)
        resp = c.read_response()
        assert resp.body == b"slept x"
        assert resp.closes, "a draining worker kept a client"
        c.expect_end()
    assert server.wait(5.0) == 0


def test_term_is_quick_when_nothing_runs(start: Callable[..., Server]) -> None:
    """Idle kept connections do not hold it for the whole graceful timeout."""
    server = start("apps.probe:app", "--graceful-timeout", "20", "--keep-alive", "2")
    conns = [server.connect() for _ in range(10)]
    for c in conns:
        c.exchange(get("/plain"))
    began = time.monotonic()
    server.signal(signal.SIGTERM)
    assert server.wait(8.0) == 0
    assert time.monotonic() - began < 5.0
    for c in conns:
        c.expect_end()
        c.close()


def test_term_closes_the_door(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app")
    with server.connect() as c:
        c.send(get("/sleep?ms=1000&id=x"))
        time.sleep(0.1)
        server.signal(signal.SIGTERM)

        def refused() -> bool:
            try:
                server.connect(1.0).close()
            except OSError:
                return True
            return False

        assert wait_for(refused, 0.8), "new connections are still taken"
        assert c.read_response().body == b"slept x"


def test_the_graceful_timeout_bounds_term(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--graceful-timeout", "1")
    pids = server.workers()
    with server.connect() as c:
        c.send(get("/sleep?ms=20000&id=x"))
        time.sleep(0.2)
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        server.wait(6.0)
        assert 0.7 < time.monotonic() - began < 5.0
        with pytest.raises((Cut, AssertionError)):
            assert c.read_response().status >= 500
            raise AssertionError
    assert gone(pids)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["INT", "QUIT"])
def test_int_and_quit_end_at_once(start: Callable[..., Server], number: int) -> None:
    server = start("apps.probe:app", "--workers", "2")
    pids = server.workers()
    with server.connect() as c:
        c.send(get("/sleep?ms=20000&id=x"))
        time.sleep(0.2)
        began = time.monotonic()
        server.signal(number)
        server.wait(5.0)
        assert time.monotonic() - began < 3.0
    assert gone(pids)


def test_a_second_term_is_no_harm(start: Callable[..., Server]) -> None:
    """As with gunicorn: what runs is finished all the same; INT and QUIT are for those in a hurry."""
    server = start("apps.probe:app")
    with server.connect() as c:
        c.send(get("/sleep?ms=500&id=x"))
        time.sleep(0.1)
        server.signal(signal.SIGTERM)
        time.sleep(0.05)
        if is_alive(server.pid):
            server.signal(signal.SIGTERM)
        assert c.read_response().body == b"slept x"
    assert server.wait(5.0) == 0


def test_int_after_term_ends_at_once(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app")
    pids = server.workers()
    with server.connect() as c:
        c.send(get("/sleep?ms=15000&id=x"))
        time.sleep(0.1)
        server.signal(signal.SIGTERM)
        time.sleep(0.2)
        assert is_alive(server.pid), "the first TERM did not wait"
        server.signal(signal.SIGINT)
        server.wait(4.0)
    assert gone(pids)


def test_a_signal_storm_leaves_a_server_that_serves(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--workers", "2", "--graceful-timeout", "2")
    for i in range(40):
        server.signal(
            [signal.SIGHUP, signal.SIGUSR1, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCHLD, signal.SIGWINCH][i % 6]
        )
        time.sleep(0.01)
    assert wait_for(lambda: server.answers() and not server.exited(), 10.0)
    assert wait_for(lambda: len(server.workers()) in (2, 3), 15.0), server.workers()
    assert server.fetch("/plain").status == 200
    server.signal(signal.SIGTERM)
    assert server.wait(10.0) == 0


def test_hup_brings_new_workers_and_finishes_the_old_requests(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--workers", "2")
    before = server.workers()
    with server.connect() as slow:
        slow.send(get("/sleep?ms=800&id=x"))
        time.sleep(0.1)
        server.signal(signal.SIGHUP)
        assert wait_for(lambda: len(set(server.workers()) - set(before)) == 2, 10.0), server.log()[-2000:]
        assert server.fetch("/plain").status == 200
        assert slow.read_response().body == b"slept x"
    assert gone(before)
    assert len(server.wait_workers(2)) == 2


def test_hup_loads_the_application_anew(start: Callable[..., Server], tmp_path: Path) -> None:
    source = "def app(environ, start):\n    start('200 OK', [('Content-Length', '1')])\n    return [b'%s']\n"
    (tmp_path / "changing.py").write_text(source % "1")
    server = start("changing:app", env={"PYTHONPATH": str(tmp_path)})
    assert server.fetch().body == b"1"
    (tmp_path / "changing.py").write_text(source % "2")
    os.utime(tmp_path / "changing.py", (1, 1))
    server.signal(signal.SIGHUP)
    assert wait_for(lambda: server.fetch().body == b"2", 10.0)


def test_hup_with_a_broken_application_keeps_the_old_workers(start: Callable[..., Server], tmp_path: Path) -> None:
    good = "def app(environ, start):\n    start('200 OK', [('Content-Length', '1')])\n    return [b'1']\n"
    (tmp_path / "changing.py").write_text(good)
    server = start("changing:app", env={"PYTHONPATH": str(tmp_path)})
    mark = server.log_mark()
    (tmp_path / "changing.py").write_text("raise RuntimeError('broken by the new version')\n")
    os.utime(tmp_path / "changing.py", (1, 1))
    server.signal(signal.SIGHUP)
    server.wait_log("broken by the new version", mark, 10.0)
    for _ in range(10):
        assert server.fetch().body == b"1", "a broken reload took the service down"
        time.sleep(0.1)
    (tmp_path / "changing.py").write_text(good.replace("b'1'", "b'3'"))
    os.utime(tmp_path / "changing.py", (2, 2))
    server.signal(signal.SIGHUP)
    assert wait_for(lambda: server.fetch().body == b"3", 10.0)


def test_ttin_and_ttou_change_the_number_of_workers(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--workers", "1")
    server.signal(signal.SIGTTIN)
    server.wait_workers(2)
    server.signal(signal.SIGTTIN)
    server.wait_workers(3)
    server.signal(signal.SIGTTOU)
    server.wait_workers(2)
    server.signal(signal.SIGTTOU)
    server.wait_workers(1)
    server.signal(signal.SIGTTOU)
    time.sleep(0.5)
    assert len(server.workers()) == 1, "the last worker was taken away"
    assert server.fetch("/plain").status == 200


def test_ttou_finishes_what_runs(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--workers", "2")
    conns = [server.connect() for _ in range(8)]
    for i, c in enumerate(conns):
        c.send(get(f"/sleep?ms=600&id={i}"))
    time.sleep(0.1)
    server.signal(signal.SIGTTOU)
    for i, c in enumerate(conns):
        assert c.read_response().body == b"slept %d" % i
        c.close()
    server.wait_workers(1)


def test_usr1_opens_the_logs_again(start: Callable[..., Server], tmp_path: Path) -> None:
    access, error = tmp_path / "access.log", tmp_path / "error.log"
    server = start("apps.probe:app", "--workers", "2", "--access-logfile", str(access), "--error-logfile", str(error))
    server.fetch("/plain?id=before")
    assert wait_for(lambda: "id=before" in access.read_text())
    for path in (access, error):
        path.rename(path.with_suffix(".1"))
    server.signal(signal.SIGUSR1)
    assert wait_for(lambda: access.exists() and error.exists())
    time.sleep(0.2)
    for i in range(20):
        server.fetch(f"/plain?id=after{i}")
    assert wait_for(lambda: all(f"id=after{i}" in access.read_text() for i in range(20))), (
        "a worker writes to the old file"
    )
    assert "after" not in access.with_suffix(".1").read_text()


def test_the_pid_file_is_there_while_the_server_is(start: Callable[..., Server], tmp_path: Path) -> None:
    path = tmp_path / "server.pid"
    server = start("apps.probe:app", "--pid", str(path))
    assert path.read_text().strip() == str(server.pid)
    server.signal(signal.SIGHUP)
    time.sleep(0.5)
    assert path.read_text().strip() == str(server.pid)
    assert server.stop() == 0
    assert not path.exists()


def test_a_stale_pid_file_is_replaced_and_a_live_one_is_not(start: Callable[..., Server], tmp_path: Path) -> None:
    path = tmp_path / "server.pid"
    path.write_text("4194000\n")
    server = start("apps.probe:app", "--pid", str(path))
    assert path.read_text().strip() == str(server.pid)
    second = start("apps.probe:app", "--pid", str(path), wait=False)
    second.spawn()
    assert second.wait(15.0) != 0
    assert path.read_text().strip() == str(server.pid)


def test_workers_leave_when_the_supervisor_dies(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--workers", "2", "--graceful-timeout", "3")
    pids = server.workers()
    assert len(pids) == 2
    os.kill(server.pid, signal.SIGKILL)
    assert gone(pids, 8.0), "orphaned workers go on serving"


def test_a_worker_told_to_end_by_hand_is_replaced(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--workers", "2")
    before = server.workers()
    os.kill(before[0], signal.SIGTERM)
    assert wait_for(lambda: len(server.workers()) == 2 and before[0] not in server.workers(), 10.0), server.log()[
        -2000:
    ]
    assert server.fetch("/plain").status == 200


def test_a_stopped_worker_does_not_stop_the_others(start: Callable[..., Server]) -> None:
    """SIGSTOP on one of two: what was not with it is served by the other."""
    server = start("apps.probe:app", "--workers", "2")
    pid = server.workers()[0]
    os.kill(pid, signal.SIGSTOP)
    try:
        ok = 0
        for i in range(20):
            try:
                ok += server.fetch(f"/plain?id={i}", timeout=1.0).status == 200
            except OSError:
                continue
        assert ok >= 10
    finally:
        os.kill(pid, signal.SIGCONT)
    assert server.fetch("/plain").status == 200


def test_term_while_a_client_uploads_for_ever_ends_in_time(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--graceful-timeout", "2")
    stop = threading.Event()
    with server.connect() as c:
        c.send(get("/raw", "Content-Length: 100000000", method="POST"))

        def trickle() -> None:
            while not stop.wait(0.05):
                try:
                    c.send(b"x")
                except (Cut, OSError):
                    return

        t = threading.Thread(target=trickle)
        t.start()
        server.signal(signal.SIGTERM)
        server.wait(6.0)
        stop.set()
        t.join()


def test_a_server_started_in_the_background_ignores_no_signal(start: Callable[..., Server]) -> None:
    """nohup and shells hand down SIG_IGN for INT and HUP: TERM must still work, and HUP reload."""
    server = start("apps.probe:app", wait=False)
    command = server.command()
    server.command = lambda: [  # type: ignore[method-assign]
        command[0], "-c",
        "import os, signal, sys; [signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD)];"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])", *command[1:],
    ]  # fmt: skip
    server.start()
    with server.connect() as c:
        assert c.exchange(post("/raw", b"x")).body == b"x"
    server.signal(signal.SIGTERM)
    assert server.wait(8.0) == 0 or KIND != "citrate"
