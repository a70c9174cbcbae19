"""The error log: what a person who runs a server reads when something is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rawhttp import get
from server import KIND, Server, wait_for

LINE = re.compile(
    r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] \[\d+\] \[(DEBUG|VERBOSE|INFO|WARNING|ERROR|CRITICAL)\] \S.*"
)


def test_a_start_and_a_stop_are_said(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--workers", "2")
    text = server.log()
    assert str(server.port) in text, "the log does not say where the server listens"
    server.stop()
    lines = server.log().splitlines()
    assert lines
    assert all(LINE.fullmatch(line) for line in lines), [line for line in lines if not LINE.fullmatch(line)]
    assert len(lines) < 30, "too much talk"


def test_wsgi_errors_and_prints_arrive(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app")
    assert server.fetch("/errors?text=from-the-app").body == b"written"
    server.wait_log("from-the-app")
    server.wait_log("two three")
    server.wait_log("by print from-the-app")


def test_wsgi_errors_of_many_threads_do_not_mix(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--threads", "8")
    conns = [server.connect() for _ in range(8)]
    for round_ in range(20):
        for i, c in enumerate(conns):
            c.send(get(f"/errors?text=line-{round_}-{i}-" + "y" * 200))
        for c in conns:
            c.read_response()
    for c in conns:
        c.close()
    wait_for(lambda: len(re.findall(r"line-\d+-\d-y{200}$", server.log(), re.M)) >= 160)
    assert len(re.findall(r"line-\d+-\d-y{200}$", server.log(), re.M)) >= 160


def test_the_error_file(start: Callable[..., Server], tmp_path: Path) -> None:
    path = tmp_path / "error.log"
    server = start("apps.bad:app", "--error-logfile", str(path))
    server.fetch("/sys_exit")
    assert wait_for(lambda: "Traceback" in path.read_text())
    assert "SystemExit" in path.read_text()


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_the_level_bounds_what_is_said(start: Callable[..., Server], level: str) -> None:
    order = ["DEBUG", "VERBOSE", "INFO", "WARNING", "ERROR", "CRITICAL"]
    server = start("apps.bad:app", "--log-level", level)
    server.fetch("/memory_error")
    with server.connect() as c:
        c.exchange(b"BAD\r\n\r\n")
    server.stop()
    said = set(re.findall(r"\] \[\d+\] \[([A-Z]+)\]", server.log()))
    assert said <= set(order[order.index(level.upper()) :])
    if level == "debug":
        assert "INFO" in said
    if level in ("debug", "info", "warning", "error"):
        assert "ERROR" in said


def test_bytes_of_a_client_do_not_reach_the_log_raw(probe: Server) -> None:
    mark = probe.log_mark()
    with probe.connect() as c:
        c.exchange(b"GET /\x1b[31mred\x07 HTTP/1.1\r\nHost: t\r\n\r\n")
    with probe.connect() as c:
        c.exchange(
            b"GET /forged HTTP/1.1\r\nHost: t\r\nX: a\n[2026-01-01 00:00:00 +0000] [1] [CRITICAL] forged\r\n\r\n"
        )
    if KIND == "citrate":
        probe.wait_log("refused", mark)
    text = probe.log_since(mark)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert not re.search(r"^\[2026-01-01", text, re.M)


def test_a_refusal_names_its_client_or_request_and_its_reason(probe: Server) -> None:
    if KIND != "citrate":
        pytest.skip("its own words")
    mark = probe.log_mark()
    with probe.connect() as c:
        c.exchange(b"GET /twice HTTP/1.1\r\nHost: t\r\nHost: u\r\n\r\n")
    text = probe.wait_log("refused", mark)
    assert re.search(r"refused[^\n]*more than one Host", text), text


def test_a_flood_of_refusals_does_not_fill_the_disk_unbounded(probe: Server) -> None:
    """A line each at most, and short ones."""
    mark = probe.log_mark()
    for _ in range(100):
        with probe.connect() as c:
            c.exchange(b"GET /" + b"a" * 5000 + b"\x01 HTTP/1.1\r\nHost: t\r\n\r\n")
    assert len(probe.log_since(mark)) < 100 * 1000


def test_logging_of_the_application_is_its_own(start: Callable[..., Server], tmp_path: Path) -> None:
    (tmp_path / "logs.py").write_text(
        "import logging\nlogging.basicConfig(format='APP %(name)s %(message)s')\n"
        "def app(environ, start):\n    logging.getLogger('mine').warning('hello log')\n"
        "    start('200 OK', [('Content-Length', '0')])\n    return []\n"
    )
    server = start("logs:app", env={"PYTHONPATH": str(tmp_path)})
    server.fetch()
    text = server.wait_log("APP mine hello log")
    assert text.count("APP mine hello log") == len(server.recorded()) or text.count("hello log") >= 1
