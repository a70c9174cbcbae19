"""Environs of random requests, one after another, against a model that knows nothing of how they are made."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from rawhttp import Conn
from server import KIND, Server

pytestmark = pytest.mark.skipif(KIND != "citrate", reason="looks for what one request leaves in Citrate's next one")

NAMES = ["Accept", "Authorization", "Content-Type", "Cookie", "If-Match", "Proxy", "TE", "User-Agent", "X-A", "x-a",
         "X-Forwarded-For", "X_B", "A.b", "1", "X-" + "L" * 80, *(f"X-N{i}" for i in range(300))]  # fmt: skip
VALUES = ["", "a", "b c", "\xe9\xff", "v" * 300, "x\ty", '"q"']
METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "FOO", "get"]
PATHS = [("/environ", "/environ"), ("/environ/a%2Fb", "/environ/a/b"), ("/environ/%C3%A9", "/environ/\xc3\xa9")]
QUERIES = [None, "", "a=b", "%20", "x?y"]


class Request:
    """One request as bytes, and the parts of its environ that vary."""

    def __init__(self, r: random.Random) -> None:
        method, (path, info), query = r.choice(METHODS), r.choice(PATHS), r.choice(QUERIES)
        minor = r.choice([0, 1, 1])
        target = path if query is None else f"{path}?{query}"
        fields = [(r.choice(NAMES), r.choice(VALUES)) for _ in range(r.choice([0, 1, 1, 1, 2, 5, 12]))]
        fields = _without_second(fields, "content-type")
        self.environ = {"REQUEST_METHOD": method, "PATH_INFO": info, "QUERY_STRING": query or "", "SCRIPT_NAME": "",
                        "RAW_URI": target, "REQUEST_URI": target, "SERVER_PROTOCOL": f"HTTP/1.{minor}"}  # fmt: skip
        if minor == 1 or r.random() < 0.4:
            fields.insert(r.randrange(len(fields) + 1), ("Host", r.choice(["a", "b:80", "[::1]:8000"])))
        if minor == 0:
            fields.append(("Connection", "keep-alive"))
        for name, value in fields:
            self._say(name, value.strip(" \t"))
        lines = [f"{method} {target} HTTP/1.{minor}", *(f"{n}: {v}" for n, v in fields), "", ""]
        self.data = "\r\n".join(lines).encode("latin-1")

    def _say(self, name: str, value: str) -> None:
        if "_" in name:
            return
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        if key in self.environ:
            value = self.environ[key] + ("; " if key == "HTTP_COOKIE" else ",") + value
        self.environ[key] = value


def _without_second(fields: list[tuple[str, str]], name: str) -> list[tuple[str, str]]:
    seen = [i for i, (n, _) in enumerate(fields) if n.lower() == name]
    return [f for i, f in enumerate(fields) if i not in seen[1:]]


def varying(environ: dict[str, Any]) -> dict[str, Any]:
    fixed = ("SERVER_", "REMOTE_", "wsgi.")
    return {k: v for k, v in environ.items() if not k.startswith(fixed) or k == "SERVER_PROTOCOL"}


@pytest.mark.parametrize("seed", range(4))
def test_every_environ_is_that_of_its_own_request(start: Callable[..., Server], seed: int) -> None:
    server = start("apps.glue:app", "--threads", "1")
    r = random.Random(seed)
    clients = [Conn(server.address) for _ in range(3)]
    for n in range(1000):
        if r.random() < 0.05:
            clients[0].exchange(b"GET /spoil_environ HTTP/1.1\r\nHost: s\r\n\r\n")
        request = Request(r)
        resp = r.choice(clients).exchange(request.data)
        assert resp.status == 200, (n, request.data, resp.body)
        assert varying(json.loads(resp.body)) == request.environ, (n, request.data)
    for c in clients:
        c.close()
