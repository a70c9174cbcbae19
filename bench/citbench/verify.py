"""Is the answer right?  Asked before anything is timed, byte for byte."""

from __future__ import annotations

from .cell import Cell
from .live import Live
from .strict import Answer, Bad, Client, request


class Wrong(Exception):
    """The server answers wrongly; the text says how."""


def check(cell: Cell, live: Live) -> None:
    """Ask as the work asks and compare; raises Wrong."""
    try:
        _CHECKS[cell.work.mode](cell, live)
    except (Bad, OSError) as e:
        raise Wrong(str(e) or type(e).__name__) from e


def same(answer: Answer, body: bytes) -> None:
    """The status, the body and the type are those the application gave; raises Wrong."""
    if answer.status != 200:
        raise Wrong(f"status {answer.status}")
    if answer.body != body:
        raise Wrong(f"body of {len(answer.body)} bytes differs from {len(body)} expected")
    if "content-type" not in answer.headers:
        raise Wrong("Content-Type lost")


def _expected(cell: Cell) -> bytes:
    return cell.context.expected[cell.work.app, cell.work.path]


def _get(cell: Cell, live: Live) -> None:
    _twice(cell, live, None, _expected(cell))


def _post(cell: Cell, live: Live) -> None:
    body = bytes(i * 7 & 0xFF for i in range(cell.work.number))
    _twice(cell, live, body, body)


def _twice(cell: Cell, live: Live, body: bytes | None, expected: bytes) -> None:
    """Two requests on one connection, if the server keeps it."""
    with Client(live.port) as client:
        first = client.ask(cell.path, body)
        same(first, expected)
        if not first.closes:
            same(client.ask(cell.path, body), expected)
            if not client.nothing_follows():
                raise Wrong("bytes after the answer")


def _close(cell: Cell, live: Live) -> None:
    with Client(live.port) as client:
        answer = client.ask(cell.path, close=True)
        same(answer, _expected(cell))
        if client.sock.recv(1) != b"":
            raise Wrong("not closed")


def _pipeline(cell: Cell, live: Live) -> None:
    batch = [request(cell.path)] * cell.work.number
    with Client(live.port, 5.0) as client:
        _batch(client, batch, [_expected(cell)] * len(batch))
    if cell.server.kind != "reference" and cell.round == 0:
        _pipeline_in_order(cell)


def _pipeline_in_order(cell: Cell) -> None:
    numbers = range(cell.work.number)
    with cell.live(app="plain:numbered") as live, Client(live.port, 5.0) as client:
        batch = [request(f"/?{i}") for i in numbers]
        _batch(client, batch, [str(i).encode() for i in numbers])


def _batch(client: Client, batch: list[bytes], bodies: list[bytes]) -> None:
    client.send(b"".join(batch))
    for i, body in enumerate(bodies):
        try:
            same(client.receive(), body)
        except (OSError, Bad) as e:
            raise Wrong(f"answer {i + 1} of {len(bodies)} pipelined: {e}") from e
    if not client.nothing_follows():
        raise Wrong("more answers than requests")


_CHECKS = {"get": _get, "post": _post, "close": _close, "pipeline": _pipeline}
