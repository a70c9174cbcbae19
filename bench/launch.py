"""Start the rivals that have no command line for it, or none that takes their best settings.

launch.py SERVER MODULE:NAME PORT WORKERS THREADS
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
from typing import Any

MAX_BODY = 1 << 30


def load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def fastpysgi(app: Any, port: int, workers: int, threads: int) -> None:
    from fastpysgi import server

    server.tcp_nodelay = 1
    server.max_content_length = MAX_BODY
    server.init(app, "127.0.0.1", port, None, workers)
    server.run()


def bjoern(app: Any, port: int, workers: int, threads: int) -> None:
    import bjoern

    sock = bjoern.bind_and_listen("127.0.0.1", port, listen_backlog=4096)
    # Accepted sockets inherit it; without it chunked answers wait for the client's delayed ACK.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(workers - 1):
        if os.fork() == 0:
            break
    bjoern.server_run(sock, app)


def pyruvate(app: Any, port: int, workers: int, threads: int) -> None:
    import pyruvate

    pyruvate.serve(
        app,
        f"127.0.0.1:{port}",
        threads,
        chunked_transfer=True,
        max_reuse_count=255,
        max_number_headers=64,
    )


def main() -> None:
    name, target, port, workers, threads = sys.argv[1:]
    starters = {"fastpysgi": fastpysgi, "bjoern": bjoern, "pyruvate": pyruvate}
    sys.path.insert(0, os.getcwd())
    starters[name](load(target), int(port), int(workers), int(threads))


if __name__ == "__main__":
    main()
