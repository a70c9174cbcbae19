"""The access log: gunicorn's format language and JSON, one line for each answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rawhttp import get, post
from server import KIND, Server, wait_for


def lines_after(path: Path, count: int) -> list[str]:
    """The log's lines, once there are so many."""
    wait_for(lambda: path.exists() and path.read_text("latin-1").count("\n") >= count)
    return path.read_text("latin-1").splitlines()


def only(path: Path, word: str) -> str:
    """The one line with a word in it."""
    wait_for(lambda: path.exists() and word in path.read_text("latin-1"))
    found = [line for line in path.read_text("latin-1").splitlines() if word in line]
    assert len(found) == 1, found
    return found[0]


@pytest.fixture(scope="module")
def common(start_for_module: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> tuple[Server, Path]:
    """A server with the default format."""
    path = tmp_path_factory.mktemp("log") / "access.log"
    return start_for_module("apps.probe:app", "--access-logfile", str(path)), path


def test_the_default_line_is_the_combined_format(common: tuple[Server, Path]) -> None:
    server, path = common
    with server.connect() as c:
        c.exchange(get("/plain?id=combined", "Referer: http://r/", "User-Agent: test/1"))
    line = only(path, "id=combined")
    assert re.fullmatch(
        r'127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
        r'"GET /plain\?id=combined HTTP/1\.1" 200 14 "http://r/" "test/1"', line,
    ), line  # fmt: skip


def test_absent_fields_are_dashes(common: tuple[Server, Path]) -> None:
    server, path = common
    server.fetch("/plain?id=absent")
    assert only(path, "id=absent").endswith('200 12 "-" "-"')


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\x80\xffb", "a\tb", "\xe9"])
def test_no_value_breaks_out_of_its_quotes(common: tuple[Server, Path], value: str) -> None:
    server, path = common
    word = f"quoted{abs(hash(value))}"
    with server.connect() as c:
        assert c.exchange(get(f"/plain?id={word}", f"User-Agent: {value}")).status == 200
    line = only(path, word)
    agent = re.search(r'"-" "(.*)"$', line)
    assert agent, line
    assert '"' not in agent[1].replace('\\"', "").replace("\\x22", "")
    assert all(" " <= ch <= "~" for ch in line), ascii(line)


@pytest.mark.parametrize(("path_", "method", "status", "size"), [
    ("/status?s=404+N&n=5&w=a", "GET", "404", "5"), ("/status?s=204+N&w=b", "GET", "204", ("0", "-")),
    ("/stream?n=3&size=4&w=c", "GET", "200", "12"), ("/big?n=100000&w=d", "GET", "200", "100000"),
    ("/big?n=100000&w=e", "HEAD", "200", ("0", "-")), ("/status?s=500+E&n=1&w=f", "POST", "500", "1"),
])  # fmt: skip
def test_status_and_bytes_are_those_of_the_answer(
    common: tuple[Server, Path], path_: str, method: str, status: str, size: object
) -> None:
    server, path = common
    with server.connect() as c:
        c.exchange(get(path_, method=method))
    line = only(path, path_.split("&")[-1] + " ")
    m = re.search(r'" (\d{3}) (\S+) "', line)
    assert m, line
    assert m[1] == status
    assert m[2] in (size if isinstance(size, tuple) else (size,))


def test_each_of_a_row_has_its_line_in_order(common: tuple[Server, Path]) -> None:
    server, path = common
    with server.connect() as c:
        c.send(b"".join(get(f"/plain?id=row{i}.") for i in range(20)))
        for _ in range(20):
            c.read_response()
    wait_for(lambda: "row19." in path.read_text())
    assert re.findall(r"id=row(\d+)\.", path.read_text()) == [str(i) for i in range(20)]


def test_a_refused_request_is_logged_too(common: tuple[Server, Path]) -> None:
    server, path = common
    before = len(path.read_text("latin-1").splitlines()) if path.exists() else 0
    with server.connect() as c:
        c.exchange(b"GET /refused-access HTTP/1.1\r\n\r\n")
    if KIND == "citrate":
        assert any(" 400 " in line for line in lines_after(path, before + 1)[before:])


ATOMS = {
    "%(h)s": r"127\.0\.0\.1", "%(l)s": "-", "%(u)s": "-", "%(m)s": "POST", "%(U)s": "/raw", "%(q)s": "a=b", "%(H)s": r"HTTP/1\.1",
    "%(s)s": "200", "%(B)s": "5", "%(b)s": "5", "%(f)s": "ref", "%(a)s": "agent", "%(T)s": "0", "%(M)s": r"\d+", "%(D)s": r"\d+",
    "%(L)s": r"0\.\d{6}", "%(p)s": r"<\d+>", "%({x-in}i)s": "inside", "%({X-IN}i)s": "inside", "%({content-type}o)s": "application/octet-stream",
    "%({none}i)s": "-", "%({none}o)s": "-", "%(r)s": r"POST /raw\?a=b HTTP/1\.1", "%(t)s": r"\[.*\]", "%%": "%", "plain text": "plain text",
}  # fmt: skip


def test_every_atom_of_the_format(start: Callable[..., Server], tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    format_ = "|".join(["begin", *ATOMS, "end"])
    server = start("apps.probe:app", "--access-logfile", str(path), "--access-logformat", format_)
    with server.connect() as c:
        c.exchange(post("/raw?a=b", b"hello", "X-In: inside", "Referer: ref", "User-Agent: agent"))
    found = only(path, "/raw").split("|")[1:-1]
    wrong = [(atom, got) for atom, got in zip(ATOMS, found, strict=True) if not re.fullmatch(ATOMS[atom], got)]
    assert not wrong


def test_the_environ_atom_is_the_requests(start: Callable[..., Server], tmp_path: Path) -> None:
    """gunicorn's %({variable}e)s looks in the WSGI environ."""
    path = tmp_path / "access.log"
    format_ = "%(U)s %({REQUEST_METHOD}e)s %({QUERY_STRING}e)s %({REMOTE_ADDR}e)s %({nothing}e)s"
    server = start("apps.probe:app", "--access-logfile", str(path), "--access-logformat", format_)
    server.fetch("/plain?id=x")
    assert only(path, "/plain") == "/plain GET id=x 127.0.0.1 -"


def test_basic_authorization_gives_the_user(start: Callable[..., Server], tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    server = start("apps.probe:app", "--access-logfile", str(path), "--access-logformat", "%(u)s %(U)s")
    server.fetch("/plain/u1", "Authorization: Basic YWxpY2U6c2VjcmV0")
    server.fetch("/plain/u2", "Authorization: Basic !!!")
    server.fetch("/plain/u3", "Authorization: Bearer x")
    lines = [line for line in lines_after(path, 4) if "/u" in line]
    assert lines == ["alice /plain/u1", "- /plain/u2", "- /plain/u3"]


def test_durations_are_those_of_the_request(start: Callable[..., Server], tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    server = start("apps.probe:app", "--access-logfile", str(path), "--access-logformat", "%(U)s %(D)s %(M)s %(L)s")
    server.fetch("/sleep?ms=200")
    _, us, ms, s = only(path, "/sleep").split()
    assert 190_000 < int(us) < 900_000
    assert 190 <= int(ms) < 900
    assert 0.19 < float(s) < 0.9


def test_an_unknown_atom_is_said_at_the_start(start: Callable[..., Server]) -> None:
    if KIND != "citrate":
        pytest.skip("gunicorn writes it as it is")
    server = start("apps.probe:app", "--access-logfile", "-", "--access-logformat", "%(nope)s", wait=False)
    server.spawn()
    assert server.wait(15.0) != 0
    assert "access" in server.log()


def test_standard_output(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--access-logfile", "-")
    server.fetch("/plain?id=stdout")
    assert wait_for(lambda: "id=stdout" in server.stdout_file.read_text())


def test_json_lines(start: Callable[..., Server], tmp_path: Path) -> None:
    if KIND != "citrate":
        pytest.skip("gunicorn has none")
    path = tmp_path / "access.log"
    server = start("apps.probe:app", "--access-logfile", str(path), "--access-log-json")
    with server.connect() as c:
        c.exchange(post("/raw?id=json", b"hello", 'User-Agent: a"b\\c\xe9'))
    record = json.loads(only(path, "id=json"))
    flat = json.dumps(record)
    assert "POST" in flat
    assert 200 in record.values()
    assert any('a"b\\c' in v for v in record.values() if isinstance(v, str))


def test_many_workers_write_whole_lines(start: Callable[..., Server], tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    server = start(
        "apps.probe:app", "--workers", "2", "--access-logfile", str(path), "--access-logformat", "begin %(U)s %(q)s end"
    )
    conns = [server.connect() for _ in range(8)]
    for round_ in range(50):
        for i, c in enumerate(conns):
            c.send(get(f"/plain?id={round_}.{i}." + "p" * 100))
        for c in conns:
            c.read_response()
    for c in conns:
        c.close()
    wait_for(lambda: path.read_text().count("p" * 100) >= 400)
    lines = [line for line in path.read_text().splitlines() if "ppp" in line]
    assert len(lines) == 400
    assert all(re.fullmatch(r"begin /plain id=\d+\.\d\.p{100} end", line) for line in lines)


def test_a_log_that_cannot_be_written_does_not_stop_the_answers(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--access-logfile", "/dev/full")
    for i in range(50):
        assert server.fetch(f"/plain?id={i}").body == b"hello %d" % i


def test_a_pipe_that_nobody_reads_does_not_stop_the_answers(start: Callable[..., Server], tmp_path: Path) -> None:
    """Lines are dropped and counted; requests go on."""
    import os

    if KIND != "citrate":
        pytest.skip("gunicorn stops here")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    server = start("apps.probe:app", "--access-logfile", str(fifo), "--access-logformat", "%(U)s " + "x" * 2000)
    with server.connect() as c:
        for i in range(1500):
            assert c.exchange(get(f"/plain?id={i}")).body == b"hello %d" % i
    os.close(reader)
    assert server.fetch("/plain").status == 200
    assert server.stop(10.0) == 0
