"""Python's own validator of PEP 3333 finds nothing to complain about."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rawhttp import get, post, post_chunked
from server import Server


@pytest.fixture(scope="module", params=["app", "app_twice"])
def server(start_for_module: Callable[..., Server], request: pytest.FixtureRequest) -> Server:
    return start_for_module(f"apps.validated:{request.param}")


REQUESTS = {
    "get": (get("/x?a=b"), 200, b""),
    "head": (get("/x", method="HEAD"), 200, b""),
    "query_empty": (get("/x?"), 200, b""),
    "post": (post("/x", b"hello"), 200, b"hello"),
    "post_typed": (post("/x", b"a=b", "Content-Type: application/x-www-form-urlencoded"), 200, b"a=b"),
    "post_empty": (post("/x", b""), 200, b""),
    "chunked": (post_chunked("/iter", [b"one\ntw", b"o\n"]), 200, b"one\n|two\n"),
    "lines": (post("/lines", b"1\n2\n3\n4"), 200, b"1\n|2\n|3\n|4|"),
    "iter": (post("/iter", b"a\nb\nc"), 200, b"a\n|b\n|c"),
    "errors": (get("/errors"), 200, b"errors"),
    "no_content": (get("/none"), 204, b""),
    "write": (get("/write"), 200, b"written returned"),
    "generator": (get("/generator"), 200, b"01234"),
    "exc_info": (get("/exc_info"), 500, b"sorry"),
    "file": (get("/file"), 200, b"from file"),
    "many_fields": (get("/x", *(f"X-{i}: {i}" for i in range(50)), "Cookie: a", "Cookie: b"), 200, b""),
    "high_bytes": (get("/%C3%A9?q=%E9", "X: \xe9\xff"), 200, b""),
    "double_slash": (get("//x//y"), 200, b""),
    "absolute": (get("http://other.example/x?y"), 200, b""),
    "no_host": (get("/x", minor=0, host=None), 200, b""),
    "kept_1_0": (get("/x", "Connection: keep-alive", minor=0), 200, b""),
    "expect": (post("/x", b"hello", "Expect: 100-continue"), 200, b"hello"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_the_validator_is_content(server: Server, name: str) -> None:
    data, status, body = REQUESTS[name]
    with server.connect() as c:
        resp = c.exchange(data)
        assert (resp.status, resp.body) == (status, body), server.log()[-3000:]
    log = server.log()
    assert "AssertionError" not in log, log[-3000:]
    assert "WSGIWarning" not in log, log[-3000:]


def test_the_validator_is_content_with_many_on_one_connection(server: Server) -> None:
    with server.connect() as c:
        for name, (data, status, _) in REQUESTS.items():
            if name != "no_host":
                assert c.exchange(data).status == status, name
    assert "AssertionError" not in server.log()
