"""Servers of raw sockets for the tests of the load generator: they answer as they are told, well or badly."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answer(body: bytes = b"ok", status: str = "200 OK", *fields: str) -> bytes:
    """A whole answer with a Content-Length."""
    head = "".join(f"{f}\r\n" for f in fields)
    return f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Talk:
    """One connection: requests are read, anything is sent."""

    def __init__(self, sock: socket.socket, server: RawServer) -> None:
        self.sock, self.server, self._rest = sock, server, b""

    def request(self) -> bytes:
        """The next request, head and body; b"" when the client has closed."""
        while b"\r\n\r\n" not in self._rest:
            if not self._more():
                return b""
        head, _, rest = self._rest.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        self._rest = rest
        while len(self._rest) < length:
            if not self._more():
                return b""
        request = head + b"\r\n\r\n" + self._rest[:length]
        self._rest = self._rest[length:]
        with self.server.lock:
            self.server.requests.append(request)
        return request

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def _more(self) -> bool:
        data = self.sock.recv(65536)
        self._rest += data
        return bool(data)


class RawServer:
    """Calls `handle(talk)` in a thread for each connection, then closes it; keeps every request."""

    def __init__(self, handle: Callable[[Talk], None], backlog: int = 512) -> None:
        self.handle = handle
        self.requests: list[bytes] = []
        self.connections = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port: int = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._open: set[socket.socket] = set()
        self._is_over = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self._open.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self.handle(Talk(sock, self))
        with self.lock:
            self._open.discard(sock)
        sock.close()

    def close(self) -> None:
        self._is_over = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    @property
    def is_over(self) -> bool:
        return self._is_over


@contextlib.contextmanager
def raw_server(handle: Callable[[Talk], None]) -> Iterator[RawServer]:
    server = RawServer(handle)
    try:
        yield server
    finally:
        server.close()


def always(data: bytes) -> Callable[[Talk], None]:
    """The same bytes for every request, over kept connections."""

    def handle(talk: Talk) -> None:
        while talk.request():
            talk.send(data)

    return handle


def once(data: bytes) -> Callable[[Talk], None]:
    """The bytes for the first request of a connection, which is closed then."""

    def handle(talk: Talk) -> None:
        if talk.request():
            talk.send(data)

    return handle


def by_path(answers: dict[str, bytes | Callable[[bytes], bytes]]) -> Callable[[Talk], None]:
    """Answers by the target of the request."""

    def handle(talk: Talk) -> None:
        while request := talk.request():
            made = answers.get(request.split(b" ")[1].decode(), answer(b"no", "404 Not Found"))
            talk.send(made(request) if callable(made) else made)

    return handle
