"""Applications that misbehave: a 500 or a new worker, a word in the log, and others served."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest
from rawhttp import Cut, get
from server import KIND, Server, is_alive, wait_for


@pytest.fixture(scope="module")
def server(start_for_module: Callable[..., Server]) -> Server:
    return start_for_module("apps.bad:app", "--threads", "4", "--timeout", "1")


@pytest.fixture(scope="module")
def odd(start_for_module: Callable[..., Server]) -> Server:
    """Another one, for applications that change their own process."""
    return start_for_module("apps.bad:app", "--threads", "4")


def is_well(server: Server) -> None:
    """A new connection is served, perhaps after a worker was replaced."""
    last: list[BaseException] = []

    def ask() -> bool:
        try:
            return server.fetch("/hello", timeout=5.0).body == b"hello"
        except OSError as e:
            last.append(e)
            return False

    assert wait_for(ask, 10.0), f"{last[-1:]} {server.log()[-3000:]}"


# ---- exceptions ----


@pytest.mark.parametrize("path", ["sys_exit", "keyboard_interrupt", "generator_exit", "stop_iteration", "memory_error",
                                  "real_memory_error", "recursion", "recursion_in_iter", "exception_group", "unicode_error",
                                  "iter_returns_nothing"])  # fmt: skip
def test_whatever_is_raised_is_a_500_and_the_worker_stays(server: Server, path: str) -> None:
    before, mark = server.workers(), server.log_mark()
    resp = server.fetch(f"/{path}")
    assert resp.status == 500
    is_well(server)
    if KIND == "citrate":
        server.wait_log(path, mark)
        assert server.workers() == before, "an exception cost the worker"


def test_a_message_with_line_ends_forges_no_line(server: Server) -> None:
    mark = server.log_mark()
    assert server.fetch("/unicode_error").status == 500
    text = server.wait_log("unicode_error", mark)
    assert "Traceback" in text


@pytest.mark.parametrize("path", ["sys_exit_in_body"])
def test_sys_exit_in_the_body_cuts_the_answer(server: Server, path: str) -> None:
    before = server.workers()
    with server.connect() as c:
        c.send(get(f"/{path}"))
        try:
            assert c.read_response().status == 500
        except Cut:
            pass
    is_well(server)
    if KIND == "citrate":
        assert server.workers() == before


def test_sys_exit_in_close_does_not_spoil_the_answer(server: Server) -> None:
    before = server.workers()
    assert server.fetch("/system_exit_in_close").body == b"ok"
    is_well(server)
    if KIND == "citrate":
        assert server.workers() == before


# ---- what ends a process ----


@pytest.mark.parametrize(("path", "word"), [("os_exit", "7"), ("os_exit_in_body", "7"), ("kill_self", "KILL|9"), ("segfault", "SEGV|11"),
                                            ("abort", "ABRT|6")])  # fmt: skip
def test_a_worker_that_dies_is_replaced_and_the_log_names_the_request(server: Server, path: str, word: str) -> None:
    before, mark = server.workers(), server.log_mark()
    with server.connect() as c:
        c.send(get(f"/{path}"))
        with pytest.raises((Cut, AssertionError)):
            assert c.read_response().status >= 500
            raise AssertionError
    is_well(server)
    assert wait_for(lambda: server.workers() and server.workers() != before)
    text = server.wait_log(str(before[0]), mark)
    assert wait_for(lambda: f"/{path}" in server.log_since(mark), 3.0) or KIND != "citrate", (
        "the log does not name the request: " + text
    )
    if KIND == "citrate":
        server.wait_log(word, mark)


# ---- fork ----


def test_a_child_that_leaves_is_no_matter(server: Server) -> None:
    assert server.fetch("/forks_child_leaves").body == b"hello"
    is_well(server)


@pytest.mark.parametrize("path", ["forks_child_returns", "forks_child_raises"])
def test_a_child_that_comes_back_serves_nobody(server: Server, path: str) -> None:
    """One answer, the parent's; the child ends; the worker goes on."""
    before, children = server.workers(), len(server.recorded(kind="child"))
    with server.connect(5.0) as c:
        c.send(get(f"/{path}", "Connection: close"))
        resp = c.read_response()
        assert resp.body in (b"parent", b"hello"), resp.body
        c.expect_end(3.0)
    assert wait_for(lambda: len(server.recorded(kind="child")) > children)
    child = server.recorded(kind="child")[-1]["child"]
    assert wait_for(lambda: not is_alive(child), 3.0), "the forked child lives on as a second server"
    is_well(server)
    assert server.workers() == before, "the fork cost the worker"


# ---- what never returns ----


def test_a_request_over_its_time_is_stopped_and_its_stack_logged(server: Server) -> None:
    """--timeout 1: the client gets an answer, the worker stays, others are served meanwhile."""
    before, mark = server.workers(), server.log_mark()
    with server.connect(15.0) as c:
        began = time.monotonic()
        c.send(get("/never_returns"))
        for _ in range(5):
            assert server.fetch("/hello", timeout=2.0).body == b"hello", "a stuck request holds the others"
            time.sleep(0.1)
        resp = c.read_response()
        assert resp.status in (500, 503, 504)
        assert 0.8 < time.monotonic() - began < 5.0
    server.wait_log("never_returns", mark)
    server.wait_log(r"File [^\n]*bad\.py", mark)
    is_well(server)
    assert server.workers() == before


def test_a_busy_request_over_its_time_is_stopped(server: Server) -> None:
    with server.connect(15.0) as c:
        c.send(get("/never_returns_busy"))
        time.sleep(0.2)
        assert server.fetch("/hello", timeout=3.0).body == b"hello"
        assert c.read_response().status in (500, 503, 504)
    is_well(server)


def test_a_body_that_never_ends_is_cut_in_time(server: Server) -> None:
    with server.connect(15.0) as c:
        c.send(get("/never_returns_in_body"))
        assert c.read_final_head().status == 200
        rest = c.drain(8.0)
        assert b"begun" in rest
        assert c.eof, "still open long after the timeout"
        assert not rest.endswith(b"0\r\n\r\n"), "the client takes it for whole"
    is_well(server)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["stuck_in_c", "never_returns_and_catches"])
def test_what_cannot_be_stopped_holds_nobody_else(server: Server, path: str) -> None:
    mark = server.log_mark()
    with server.connect(15.0) as c:
        c.send(get(f"/{path}"))
        end = time.monotonic() + 2
        while time.monotonic() < end:
            assert server.fetch("/hello", timeout=2.0).body == b"hello"
            time.sleep(0.1)
        server.wait_log(path, mark)
        try:
            assert c.read_response().status in (200, 500, 503, 504)
        except Cut:
            pass
    is_well(server)


def test_every_thread_stuck_is_not_the_end(start: Callable[..., Server]) -> None:
    """Four threads, eight stuck requests: after the timeout the server serves again."""
    server = start("apps.bad:app", "--threads", "4", "--timeout", "1")
    stuck = [server.connect(15.0) for _ in range(8)]
    try:
        for c in stuck:
            c.send(get("/never_returns"))
        time.sleep(0.3)
        is_well(server)
        for c in stuck:
            try:
                assert c.read_response().status in (500, 503, 504)
            except Cut:
                pass
        is_well(server)
    finally:
        for c in stuck:
            c.close()


# ---- the rest of the zoo ----


@pytest.mark.parametrize("path", ["prints_much", "prints_binary", "changes_directory", "many_threads", "thread_that_raises", "collects",
                                  "cycle_in_body", "environ_is_torn", "sets_switch_interval", "deletes_modules", "trace_function",
                                  "raises_in_del"])  # fmt: skip
def test_odd_but_harmless_applications_are_served(odd: Server, path: str) -> None:
    before = odd.workers()
    for _ in range(3):
        assert odd.fetch(f"/{path}").body == b"hello"
    is_well(odd)
    assert odd.workers() == before


@pytest.mark.parametrize(
    "path", ["len_raises", "close_is_no_function", "len_lies?0", "len_lies?1", "len_lies?2", "len_lies?99"]
)
def test_odd_bodies_are_sent_whole_or_refused(server: Server, path: str) -> None:
    with server.connect() as c:
        c.send(get(f"/{path}"))
        try:
            resp = c.read_response()
        except Cut:
            pass
        else:
            assert resp.status == 500 or resp.body == b"hello"
    is_well(server)


def test_a_body_that_grows_while_it_is_sent(server: Server) -> None:
    assert server.fetch("/list_changes_while_sent").body == b"a" + b"b" * 10


def test_standard_streams_may_be_closed(start: Callable[..., Server]) -> None:
    server = start("apps.bad:app")
    assert server.fetch("/closes_std").body == b"hello"
    for _ in range(3):
        assert server.fetch("/hello").body == b"hello"
    assert server.fetch("/sys_exit").status == 500
    is_well(server)


def test_descriptors_closed_by_an_application_cost_a_worker_at_most(start: Callable[..., Server]) -> None:
    server = start("apps.bad:app")
    with server.connect(5.0) as c:
        c.send(get("/closes_descriptors"))
        try:
            c.read_response()
        except (Cut, TimeoutError):
            pass
    is_well(server)


@pytest.mark.parametrize("path", ["ignores_signals", "blocks_signals"])
def test_term_works_whatever_the_application_does_to_signals(start: Callable[..., Server], path: str) -> None:
    server = start("apps.bad:app", "--graceful-timeout", "3")
    for _ in range(6):
        assert server.fetch(f"/{path}").status == 200
    workers = server.workers()
    server.signal(signal.SIGTERM)
    assert server.wait(8.0) == 0
    assert wait_for(lambda: not any(is_alive(p) for p in workers), 3.0)


def test_hup_works_whatever_the_application_does_to_signals(start: Callable[..., Server]) -> None:
    server = start("apps.bad:app", "--graceful-timeout", "3")
    server.fetch("/ignores_signals")
    before = server.workers()
    server.signal(signal.SIGHUP)
    assert wait_for(lambda: server.workers() and not set(server.workers()) & set(before), 10.0), server.log()[-2000:]
    is_well(server)


# ---- applications that cannot be loaded ----


@pytest.mark.parametrize(("app", "word"), [
    ("apps.nothing_here:app", "nothing_here"), ("apps.probe:nothing_here", "nothing_here"), ("apps.broken_import:app", "on purpose"),
    ("apps.probe:TEXT_IS_NO_APP", "TEXT_IS_NO_APP"), ("apps.exits_at_import:app", "exits_at_import"),
])  # fmt: skip
def test_an_application_that_cannot_be_loaded_ends_the_start(start: Callable[..., Server], app: str, word: str) -> None:
    server = start(app, wait=False)
    server.spawn()
    status = server.wait(15.0)
    assert status != 0
    assert word in server.log()
    assert os.WEXITSTATUS(status << 8) in range(1, 128)
