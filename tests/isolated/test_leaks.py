"""A served application after rounds of every kind of request: memory blocks and references stay level."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "py"))

from rawhttp import get, post, post_chunked
from server import KIND, Server, running

pytestmark = pytest.mark.skipif(KIND != "citrate", reason="counts Citrate's own objects")

ROUNDS = 60
BODY = b"a line\n" * 1000

REQUESTS = {
    "hello": [get("/ready")],
    "fields": [get("/environ?q=1", *(f"X-N{i}: {i}" for i in range(30)), "X_Y: dropped", "Cookie: a=b", "Cookie: c=d")],
    "paths": [get("/%41%42" + "c" * n) for n in (1, 70, 600)],
    "kept": [get("/keep_all"), get("/kept")],
    "spoilt": [get("/spoil_environ"), get("/swap_environ"), get("/clear_environ")],
    "bodies": [post("/read_in_steps?r", BODY), post("/read_in_steps?l,L4,i,b40,r", BODY), post("/ready", BODY)],
    "chunks": [post_chunked("/read_in_steps?r100,l,r", [BODY, BODY]), post_chunked("/ready", [BODY])],
    "files": [get("/file_from_offset?buffered,5,"), get("/file_from_offset?memory,5,100"), get("/file_of_gzip")],
    "iterables": [get("/container"), get("/file_wrapper_alone")],
    "errors": [
        get("/leave?exit"),
        get("/leave?timeout"),
        get("/say"),
        get("/say_wrongly"),
        post("/read_wrongly", BODY),
    ],
    "thread": [post("/read_in_thread", BODY)],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    os.environ.setdefault("PYTHONHASHSEED", "0")
    with running("apps.glue:app", tmp_path_factory.mktemp("leaks")) as server:
        yield server


def measure(server: Server, requests: list[bytes], rounds: int) -> dict:
    """Memory blocks and references to the types after the rounds, on one connection as long as it lasts
    (each new one has a new REMOTE_PORT, which the memo keeps up to a bound)."""
    c = server.connect()
    try:
        for request in requests * rounds:
            c.send(request)
            if c.read_response().closes:
                c.close()
                c = server.connect()
        return json.loads(c.exchange(get("/memory")).body)
    finally:
        c.close()


@pytest.mark.parametrize("kind", REQUESTS)
def test_rounds_of_requests_leave_nothing_behind(server: Server, kind: str) -> None:
    requests = REQUESTS[kind]
    measure(server, requests, ROUNDS * 5)
    for _ in range(3):  # a thread that runs a kind for the first time keeps some blocks; a leak comes again
        before = measure(server, requests, ROUNDS)
        after = measure(server, requests, ROUNDS * 4)
        grown = after["blocks"] - before["blocks"]
        if grown < ROUNDS * 3:
            break
    # one block lost in each round would be 240; caches of Python move by a few dozen
    assert grown < ROUNDS * 3, f"{grown} more memory blocks after {ROUNDS * 4} rounds"
    for name, count in before["types"].items():
        if count is not None:
            assert abs(after["types"][name] - count) <= 4, f"references to {name}: {count}, then {after['types'][name]}"


def test_the_memo_does_not_grow_with_what_peers_send(server: Server) -> None:
    """Thousands of names and values, each new: the tables are full after some and stay so."""

    def flood(start: int) -> int:
        with server.connect() as c:
            for i in range(start, start + 200):
                fields = [f"X-{i}-{j}: value {i} {j}" for j in range(40)]
                assert c.exchange(get(f"/ready/{i}?{i}", *fields)).status == 200
            return json.loads(c.exchange(get("/memory")).body)["blocks"]

    flood(0)
    before = flood(1000)
    assert flood(2000) - before < 300
