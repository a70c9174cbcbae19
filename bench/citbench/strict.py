"""A small strict client: it takes nothing on trust, so that a wrong answer is never a fast one.

Raises Bad with the reason when an answer breaks HTTP/1.1 framing, and ConnectionError or
TimeoutError when the connection ends or stalls; `Closed` tells an end before the first
byte of an answer from one in its middle.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ([^\r\n]*)\Z")
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\0]*?)[ \t]*\Z")
_HEAD_LIMIT = 65536


class Bad(Exception):
    """The answer is not a correct one; the text says why."""


class Closed(ConnectionError):
    """The peer closed before the first byte of an answer."""


@dataclass(frozen=True)
class Answer:
    status: int
    reason: str
    headers: dict[str, str]
    body: bytes
    closes: bool


class Client:
    """One connection.  Times in seconds."""

    def __init__(self, port: int, timeout: float = 10.0, source: str | None = None) -> None:
        self._in = bytearray()
        self.answers = 0
        self.sock = socket.create_connection(("127.0.0.1", port), timeout, (source, 0) if source else None)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def ask(self, path: str, body: bytes | None = None, close: bool = False) -> Answer:
        self.send(request(path, body, close))
        return self.receive()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def receive(self) -> Answer:
        """The next answer, byte for byte as framed."""
        head = self._head()
        lines = head.split(b"\r\n")
        match = _STATUS.match(lines[0])
        if match is None:
            raise Bad(f"status line {bytes(lines[0][:60])!r}")
        headers = _headers(lines[1:])
        minor = lines[0][7:8]
        options = headers.get("connection", "").lower().replace(" ", "").split(",")
        closes = "close" in options or (minor == b"0" and "keep-alive" not in options)
        status = int(match[1])
        if status < 200 or status in (204, 304):
            body = b""
        elif headers.get("transfer-encoding", "").lower() == "chunked":
            if "content-length" in headers:
                raise Bad("both Content-Length and Transfer-Encoding")
            body = self._chunked()
        elif "content-length" in headers:
            body = self._exactly(_length(headers["content-length"]))
        else:
            if not closes:
                raise Bad("neither a length nor Connection: close")
            body = self._rest()
        self.answers += 1
        return Answer(status, match[2].decode("latin-1"), headers, body, closes)

    def has_input(self) -> bool:
        """Has a part of an answer arrived that was not taken?"""
        return bool(self._in)

    def nothing_follows(self, seconds: float = 0.05) -> bool:
        """True if the server sends nothing more for a while."""
        if self._in:
            return False
        self.sock.settimeout(seconds)
        try:
            return self.sock.recv(1) == b""
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(10.0)

    def _more(self) -> bool:
        data = self.sock.recv(262144)
        self._in += data
        return bool(data)

    def _head(self) -> bytes:
        while (end := self._in.find(b"\r\n\r\n")) == -1:
            if len(self._in) > _HEAD_LIMIT:
                raise Bad("endless head")
            fresh = not self._in
            if not self._more():
                raise Closed("closed") if fresh else ConnectionError("closed inside a head")
        return self._take(end, 4)

    def _take(self, size: int, extra: int = 0) -> bytes:
        data = bytes(self._in[:size])
        del self._in[: size + extra]
        return data

    def _exactly(self, size: int) -> bytes:
        while len(self._in) < size:
            if not self._more():
                raise ConnectionError(f"closed after {len(self._in)} of {size} bytes")
        return self._take(size)

    def _rest(self) -> bytes:
        while self._more():
            pass
        return self._take(len(self._in))

    def _line(self) -> bytes:
        while (end := self._in.find(b"\r\n")) == -1:
            if len(self._in) > _HEAD_LIMIT:
                raise Bad("endless chunk line")
            if not self._more():
                raise ConnectionError("closed inside a chunk line")
        return self._take(end, 2)

    def _chunked(self) -> bytes:
        parts = []
        while True:
            text = self._line().split(b";")[0]
            if not re.fullmatch(rb"[0-9A-Fa-f]+", text):
                raise Bad(f"chunk size {text[:20]!r}")
            size = int(text, 16)
            if size == 0:
                break
            parts.append(self._exactly(size))
            if self._exactly(2) != b"\r\n":
                raise Bad("chunk without its end")
        while self._line():
            pass
        return b"".join(parts)


def _length(text: str) -> int:
    if not re.fullmatch(r"\d+", text, re.ASCII):
        raise Bad(f"Content-Length {text!r}")
    return int(text)


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        match = _HEADER.match(line)
        if match is None:
            raise Bad(f"header line {bytes(line[:60])!r}")
        name = match[1].decode("ascii").lower()
        if name in headers and name in ("content-length", "transfer-encoding", "connection"):
            raise Bad(f"{name} twice")
        headers[name] = match[2].decode("latin-1")
    return headers


def request(path: str, body: bytes | None = None, close: bool = False) -> bytes:
    """A GET, or a POST if there is a body."""
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if close:
        lines.append("Connection: close")
    if body is not None:
        lines += ["Content-Type: application/octet-stream", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")
