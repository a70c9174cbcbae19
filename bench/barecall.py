"""Call a WSGI application without a server: the cost under every server's row.

barecall.py MODULE:NAME PATH time SECONDS    JSON: calls, CPU nanoseconds
barecall.py MODULE:NAME PATH once            the body, raw, on stdout (what a server must send)
barecall.py mixed:burn - calibrate MS        the rounds of the heavy work that take MS milliseconds
"""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
import time
from typing import Any


def environ_for(path: str) -> dict[str, Any]:
    """What a server hands over for a GET of the path; built once, as nothing here is sent."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
    if status != "200 OK":
        raise SystemExit(f"the application answered {status}")


def call(app: Any, environ: dict[str, Any]) -> bytes:
    answer = app(environ, start_response)
    try:
        return b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()


def timed(app: Any, environ: dict[str, Any], seconds: float) -> dict[str, int]:
    for _ in range(100):
        call(app, environ)
    calls = 0
    end = time.monotonic() + seconds
    begin = time.process_time_ns()
    while time.monotonic() < end:
        for _ in range(100):
            for _piece in app(environ.copy(), start_response):
                pass
        calls += 100
    return {"calls": calls, "cpu_ns": time.process_time_ns() - begin}


def calibrate(burn: Any, target_ms: float) -> int:
    rounds = 100_000
    best = min(_burn_ns(burn, rounds) for _ in range(9))
    return int(rounds * target_ms * 1e6 / best)


def _burn_ns(burn: Any, rounds: int) -> int:
    begin = time.thread_time_ns()
    burn(rounds)
    return time.thread_time_ns() - begin


def main() -> None:
    target, path, action, *rest = sys.argv[1:]
    sys.path.insert(0, os.getcwd())
    module, _, name = target.partition(":")
    app = getattr(importlib.import_module(module), name)
    if action == "calibrate":
        print(calibrate(app, float(rest[0])))
    elif action == "once":
        sys.stdout.buffer.write(call(app, environ_for(path)))
    else:
        print(json.dumps(timed(app, environ_for(path), float(rest[0]))))


if __name__ == "__main__":
    main()
