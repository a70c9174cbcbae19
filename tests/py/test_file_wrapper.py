"""wsgi.file_wrapper (PEP 3333, "Optional Platform-Specific File Handling")."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from rawhttp import Cut, get
from server import Server, wait_for

SIZE = 3_000_000
DATA = bytes(i * 7 % 251 for i in range(1000)) * (SIZE // 1000)


@pytest.fixture(scope="module")
def server(start_for_module: Callable[..., Server]) -> Server:
    return start_for_module("apps.files:app")


def closes(server: Server) -> int:
    """Files closed so far."""
    return len(server.recorded(kind="close", name="file"))


def closed_once(server: Server, before: int) -> None:
    """One more file was closed, once."""
    wait_for(lambda: closes(server) > before)
    time.sleep(0.02)
    assert closes(server) == before + 1, server.log()[-2000:]


WHOLE = {
    "regular": DATA, "raw": DATA, "offset": DATA[1_000_000:], "offset_read": DATA[1_000_010:], "near_end": DATA[-5:], "at_end": b"",
    "past_end": b"", "bytesio": b"in memory", "bytesio_offset": b"memory", "pipe": b"through a pipe", "no_fileno": DATA, "no_seek": DATA,
    "fileno_minus": b"still here", "fileno_text": b"still here", "fileno_none": b"still here", "fileno_closed": b"still here",
    "directory_fd": b"still here", "empty": b"", "spooled": b"spooled",
}  # fmt: skip


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("minor", [1, 0], ids=["1.1", "1.0"])
def test_a_file_is_sent_from_its_position_to_its_end(server: Server, kind: str, minor: int) -> None:
    before = closes(server)
    with server.connect() as c:
        resp = c.exchange(get(f"/{kind}", minor=minor))
        assert resp.status == 200, server.log()[-2000:]
        assert resp.body == WHOLE[kind]
        if minor:
            assert c.exchange(get("/hello")).body == b"hello"
    closed_once(server, before)


@pytest.mark.parametrize("kind", ["regular", "offset", "bytesio", "pipe", "no_fileno", "offset_read"])
@pytest.mark.parametrize("block", [1000, 8192, 100_000])
def test_the_block_size_changes_nothing(server: Server, kind: str, block: int) -> None:
    with server.connect() as c:
        assert c.exchange(get(f"/{kind}?block={block}")).body == WHOLE[kind]


@pytest.mark.parametrize("kind", ["regular", "offset", "no_fileno", "raw"])
@pytest.mark.parametrize("n", [0, 1, 1000, 65_536, 1_999_999])
def test_a_shorter_content_length_is_kept_to(server: Server, kind: str, n: int) -> None:
    """As for a range: seek, and say the length."""
    before = closes(server)
    with server.connect() as c:
        resp = c.exchange(get(f"/{kind}?length={n}"))
        assert resp.get("content-length") == str(n)
        assert resp.body == WHOLE[kind][:n]
        if resp.closes:
            c.expect_end()
        elif c.is_open(0.02):
            assert c.exchange(get("/hello")).body == b"hello"
    closed_once(server, before)


@pytest.mark.parametrize("kind", ["regular", "bytesio", "near_end", "at_end", "pipe"])
def test_a_longer_content_length_is_a_cut(server: Server, kind: str) -> None:
    before = closes(server)
    with server.connect() as c, pytest.raises(Cut):
        c.exchange(get(f"/{kind}?length={SIZE + 1}"))
        pytest.fail("the client takes it for whole")
    closed_once(server, before)


@pytest.mark.parametrize("kind", ["regular", "bytesio", "offset", "pipe", "empty", "raises"])
@pytest.mark.parametrize("query", ["", "?length=5"])
def test_head_sends_nothing_of_it_and_closes_it(server: Server, kind: str, query: str) -> None:
    before = closes(server)
    with server.connect() as c:
        assert c.exchange(get(f"/{kind}{query}", method="HEAD")).status in (200, 500)
        assert c.exchange(get("/hello")).body == b"hello"
    closed_once(server, before)


@pytest.mark.parametrize("status", ["204+No+Content", "304+Not+Modified"])
def test_no_file_goes_out_where_no_body_may(server: Server, status: str) -> None:
    before = closes(server)
    with server.connect() as c:
        assert c.exchange(get(f"/regular?status={status}")).status == int(status[:3])
        assert c.exchange(get("/hello")).body == b"hello"
    closed_once(server, before)


@pytest.mark.parametrize("use", ["iterated", "middleware"])
@pytest.mark.parametrize("kind", ["regular", "bytesio", "pipe", "offset"])
def test_the_wrapper_is_an_iterable_too(server: Server, kind: str, use: str) -> None:
    with server.connect() as c:
        assert c.exchange(get(f"/{kind}?use={use}&block=8192")).body == WHOLE[kind]


def test_a_file_after_write(server: Server) -> None:
    with server.connect() as c:
        assert c.exchange(get("/regular?use=written_first")).body == b"head of it " + DATA


def test_a_file_without_close(server: Server) -> None:
    with server.connect() as c:
        assert c.exchange(get("/no_close")).body == b"read only"


@pytest.mark.parametrize("path", ["regular?use=not_started", "bytesio?use=not_started"])
def test_a_file_without_start_response_is_a_500_and_closed(server: Server, path: str) -> None:
    before = closes(server)
    assert server.fetch(f"/{path}").status == 500
    closed_once(server, before)


def test_a_file_that_fails_cuts_the_answer(server: Server) -> None:
    before = closes(server)
    mark = server.log_mark()
    with server.connect() as c:
        c.send(get("/raises?block=100"))
        try:
            assert c.read_response().status == 500
        except Cut as e:
            assert e.got is not None
    closed_once(server, before)
    server.wait_log("bad disk", mark)


@pytest.mark.parametrize("kind", ["regular", "no_fileno", "offset"])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_file_is_closed_when_the_client_leaves(server: Server, kind: str, how: str) -> None:
    before = closes(server)
    with server.connect(rcvbuf=4096) as c:
        c.send(get(f"/{kind}"))
        c.read_final_head()
        if how == "reset":
            c.abort()
    closed_once(server, before)
    assert server.fetch("/hello").body == b"hello"


def test_a_slow_reader_gets_the_whole_file(server: Server) -> None:
    with server.connect(rcvbuf=8192) as c:
        c.send(get("/regular"))
        head = c.read_final_head()
        for _ in range(20):
            time.sleep(0.01)
            c._more()
        c.read_body(head)
        assert head.body == DATA


def test_files_in_a_pipelined_row(server: Server) -> None:
    kinds = ["regular", "bytesio", "near_end", "offset", "pipe", "empty", "raw", "at_end"]
    with server.connect() as c:
        c.send(b"".join(get(f"/{k}") for k in kinds))
        for k in kinds:
            assert c.read_response().body == WHOLE[k], k


def test_no_descriptor_is_leaked(server: Server) -> None:
    import os

    def fds() -> int:
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in server.workers())

    kinds = ["regular", "raw", "offset", "pipe", "no_fileno"]
    for k in kinds:
        server.fetch(f"/{k}")
    before = fds()
    for _ in range(5):
        for k in kinds:
            server.fetch(f"/{k}")
            with server.connect(rcvbuf=4096) as c:
                c.send(get(f"/{k}"))
                c.read_final_head()
                c.abort()
    assert wait_for(lambda: fds() <= before + 1), (before, fds())
