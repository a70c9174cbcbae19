"""A strict HTTP/1 client over a raw socket, for tests.

It sends exactly the bytes it is given, in the pieces it is given, and reads answers as RFC 9112
writes them: CRLF only, one way of framing, nothing extra.  Whatever a server does that the
grammar does not allow raises `ProtocolError`; a connection that ends in the middle of an answer
raises `Cut`.  Every final answer is checked for what must hold for all of them (`Response.check`).
"""

from __future__ import annotations

import contextlib
import email.utils
import re
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)\Z")
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*\Z")
IMF_DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r" \d{4} \d\d:\d\d:\d\d GMT\Z"
)
HEAD_MAX = 1 << 20
NEED_DATE = True  # conftest clears it when the tests are tried on another server


class ProtocolError(AssertionError):
    """The server sent something that HTTP/1 does not allow."""


class Cut(ConnectionError):
    """The connection ended (end of input or reset) before the answer was complete."""

    def __init__(self, what: str, got: bytes = b"", reset: bool = False) -> None:
        super().__init__(f"{what}; had read {got[-200:]!r}" + ("; connection reset" if reset else ""))
        self.got = got
        self.reset = reset


@dataclass
class Response:
    """One answer; `interim` holds the 1xx answers that came before it."""

    minor: int
    status: int
    reason: bytes
    headers: list[tuple[str, str]]
    head: bytes
    body: bytes = b""
    framing: str = "none"  # none, length, chunked, close
    chunks: list[bytes] = field(default_factory=list)
    trailers: list[tuple[str, str]] = field(default_factory=list)
    interim: list[Response] = field(default_factory=list)

    def get_all(self, name: str) -> list[str]:
        """All values of a field, in order."""
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name: str, default: str | None = None) -> str | None:
        """The one value of a field; more than one is an error."""
        values = self.get_all(name)
        if len(values) > 1:
            raise ProtocolError(f"{name} was sent {len(values)} times: {values}")
        return values[0] if values else default

    @property
    def connection(self) -> set[str]:
        """The tokens of Connection, in lower case."""
        return {t.strip().lower() for v in self.get_all("connection") for t in v.split(",") if t.strip()}

    @property
    def closes(self) -> bool:
        """The server said that it closes the connection after this answer."""
        return "close" in self.connection

    def check(self, method: str, request_minor: int) -> None:
        """What holds for every final answer of an origin server (RFC 9110 6.6.1, 8.6; RFC 9112 6)."""
        date = self.get("date")
        if date is None or not IMF_DATE.match(date):
            if NEED_DATE:
                raise ProtocolError(f"no good Date: {date!r}")
        elif abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) > 5:
            raise ProtocolError(f"Date is not now: {date!r}")
        length, coding = self.get("content-length"), self.get("transfer-encoding")
        if length is not None and not re.fullmatch("[0-9]+", length):
            raise ProtocolError(f"Content-Length {length!r}")
        if coding is not None and coding != "chunked":
            raise ProtocolError(f"Transfer-Encoding {coding!r}")
        if length is not None and coding is not None:
            raise ProtocolError("Content-Length beside Transfer-Encoding")
        if coding is not None and request_minor == 0:
            raise ProtocolError("Transfer-Encoding in an answer to HTTP/1.0")
        if self.status == 204 and (length is not None or coding is not None):
            raise ProtocolError("framing fields in a 204")
        if self.status == 304 and coding is not None:
            raise ProtocolError("Transfer-Encoding in a 304")
        if {"close", "keep-alive"} <= self.connection:
            raise ProtocolError("Connection says both close and keep-alive")
        if self.framing == "close" and not self.closes and self.minor == 1:
            raise ProtocolError("a body that ends with the connection, without Connection: close")


class Conn:
    """One connection.  `timeout` (seconds) bounds each wait; socket.timeout is raised past it."""

    def __init__(self, address: object, timeout: float = 10.0, rcvbuf: int | None = None) -> None:
        family = socket.AF_UNIX
        if isinstance(address, tuple):
            family = socket.AF_INET6 if ":" in str(address[0]) else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        if rcvbuf is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.sock.settimeout(timeout)
        self.buf = b""
        self.eof = False
        self.was_reset = False
        try:
            self.sock.connect(address)  # type: ignore[arg-type]
            if isinstance(address, tuple):
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self) -> Conn:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes our end."""
        self.sock.close()

    def abort(self) -> None:
        """Closes our end with a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def send(self, data: bytes) -> None:
        """Sends all of it; raises Cut when the peer has gone."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as e:
            raise Cut("the peer does not take any more", reset=True) from e

    def send_pieces(self, pieces: Iterable[bytes], pause: float = 0.0) -> None:
        """Sends piece by piece with a pause (seconds) in between."""
        for i, piece in enumerate(pieces):
            if i and pause:
                time.sleep(pause)
            self.send(piece)

    def half_close(self) -> None:
        """Says that no more bytes will come; answers can still be read."""
        self.sock.shutdown(socket.SHUT_WR)

    def _more(self) -> bool:
        """Reads once; False at the end of input."""
        if self.eof:
            return False
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            self.was_reset = self.eof = True
            return False
        if not data:
            self.eof = True
            return False
        self.buf += data
        return True

    def _line(self, what: str) -> bytes:
        """A line without its CRLF; a bare CR or LF is an error."""
        while True:
            end = self.buf.find(b"\r\n")
            line = self.buf if end == -1 else self.buf[:end]
            if b"\n" in line or b"\r" in line[:-1]:
                raise ProtocolError(f"a bare CR or LF in {what}: {line!r}")
            if end != -1:
                self.buf = self.buf[end + 2 :]
                return line
            if len(line) > HEAD_MAX:
                raise ProtocolError(f"endless {what}")
            if not self._more():
                raise Cut(f"ended in {what}", self.buf, self.was_reset)

    def _exactly(self, n: int, what: str) -> bytes:
        while len(self.buf) < n:
            if not self._more():
                raise Cut(f"ended in {what}, {n - len(self.buf)} of {n} bytes short", self.buf, self.was_reset)
        data, self.buf = self.buf[:n], self.buf[n:]
        return data

    def _fields(self, what: str) -> list[tuple[str, str]]:
        fields = []
        while True:
            line = self._line(what)
            if not line:
                return fields
            name, colon, value = line.partition(b":")
            if not colon or not TOKEN.match(name):
                raise ProtocolError(f"{what}: {line!r} is no field")
            if not VALUE.match(value):
                raise ProtocolError(f"{what}: {line!r} has a control character")
            fields.append((name.decode("ascii"), value.strip(b" \t").decode("latin-1")))

    def _chunked(self, resp: Response) -> None:
        parts = []
        while True:
            line = self._line("a chunk's size")
            if not re.fullmatch(rb"[0-9a-fA-F]+", line):
                raise ProtocolError(f"chunk size {line!r}")
            size = int(line, 16)
            if size == 0:
                break
            parts.append(self._exactly(size, "a chunk"))
            if self._exactly(2, "the end of a chunk") != b"\r\n":
                raise ProtocolError("a chunk does not end in CRLF")
        resp.trailers = self._fields("the trailers")
        resp.chunks = parts
        resp.body = b"".join(parts)

    def read_head(self) -> Response:
        """A status line and its fields, whatever the status."""
        first = self._line("the status line")
        m = STATUS_LINE.match(first)
        if not m:
            raise ProtocolError(f"status line {first!r}")
        fields = self._fields("the head")
        head = b"\r\n".join([first, *(f"{n}: {v}".encode("latin-1") for n, v in fields)])
        return Response(int(m[1]), int(m[2]), m[3], fields, head)

    def read_response(self, method: str = "GET", request_minor: int = 1, check: bool = True) -> Response:
        """The next final answer with its whole body; 1xx answers are kept in `interim`."""
        resp = self.read_final_head(method, request_minor, check)
        self.read_body(resp, method)
        return resp

    def read_final_head(self, method: str = "GET", request_minor: int = 1, check: bool = True) -> Response:
        """The next final answer's head alone; `framing` says how its body will come."""
        interim: list[Response] = []
        while True:
            resp = self.read_head()
            if resp.status >= 200:
                break
            if resp.get("content-length") is not None or resp.get("transfer-encoding") is not None:
                raise ProtocolError(f"framing fields in a {resp.status}")
            if request_minor == 0:
                raise ProtocolError("a 1xx answer to HTTP/1.0")
            if resp.status == 101:
                raise ProtocolError("101: the protocol was switched")
            interim.append(resp)
        resp.interim = interim
        if method == "HEAD" or resp.status in (204, 304):
            resp.framing = "none"
        elif resp.get("transfer-encoding") is not None:
            resp.framing = "chunked"
        elif resp.get("content-length") is not None:
            resp.framing = "length"
        else:
            resp.framing = "close"
        if check:
            resp.check(method, request_minor)
        return resp

    def read_body(self, resp: Response, method: str = "GET") -> None:
        """The body that belongs to a head read before."""
        if resp.framing == "chunked":
            self._chunked(resp)
        elif resp.framing == "length":
            resp.body = self._exactly(int(resp.get("content-length") or 0), "the body")
        elif resp.framing == "close":
            while self._more():
                pass
            if self.was_reset:
                raise Cut("reset in a body that ends with the connection", self.buf, True)
            resp.body, self.buf = self.buf, b""

    def expect_end(self, timeout: float = 5.0) -> None:
        """The server closes now: nothing more comes, and it is no reset."""
        self.sock.settimeout(timeout)
        try:
            while not self.buf and self._more():
                pass
        except TimeoutError as e:
            raise ProtocolError("the connection was not closed") from e
        if self.buf:
            raise ProtocolError(f"bytes after the answer: {self.buf[:300]!r}")
        if self.was_reset:
            raise ProtocolError("the connection was reset, not closed")

    def drain(self, timeout: float = 5.0) -> bytes:
        """All that still comes until the end of input or the timeout (seconds)."""
        self.sock.settimeout(timeout)
        with contextlib.suppress(TimeoutError, socket.timeout):
            while self._more():
                pass
        data, self.buf = self.buf, b""
        return data

    def is_open(self, wait: float = 0.1) -> bool:
        """True when nothing came and the end of input has not come within `wait` seconds."""
        old = self.sock.gettimeout()
        self.sock.settimeout(wait)
        try:
            return not self.buf and not self._more() and not self.eof
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(old)

    def exchange(self, data: bytes, method: str | None = None) -> Response:
        """Sends a request and reads its answer; the method and version are taken from the bytes."""
        self.send(data)
        line = data.lstrip(b"\r\n").split(b"\r\n", 1)[0]
        minor = 0 if line.endswith(b"HTTP/1.0") else 1
        return self.read_response(method or line.split(b" ", 1)[0].decode("latin-1"), minor)


def get(path: str = "/", *fields: str, method: str = "GET", minor: int = 1, host: str | None = "t") -> bytes:
    """The bytes of a request without a body."""
    lines = [f"{method} {path} HTTP/1.{minor}"]
    if host is not None:
        lines.append(f"Host: {host}")
    return "\r\n".join([*lines, *fields, "", ""]).encode("latin-1")


def post(path: str, body: bytes, *fields: str, method: str = "POST", minor: int = 1) -> bytes:
    """The bytes of a request with a Content-Length body."""
    return get(path, f"Content-Length: {len(body)}", *fields, method=method, minor=minor) + body


def post_chunked(path: str, chunks: Iterable[bytes], *fields: str, trailer: bytes = b"") -> bytes:
    """The bytes of a request with a chunked body; empty chunks are left out."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks if c)
    return get(path, "Transfer-Encoding: chunked", *fields, method="POST") + body + b"0\r\n" + trailer + b"\r\n"


def fetch(address: object, path: str = "/", *fields: str, method: str = "GET", timeout: float = 10.0) -> Response:
    """One request on a connection of its own."""
    with Conn(address, timeout) as c:
        return c.exchange(get(path, "Connection: close", *fields, method=method))
