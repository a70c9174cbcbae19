"""One client with one large transfer after another, paced to a fast network's 100 MB/s.

bigclient.py PORT /upload|/download SECONDS    prints "ok MB_PER_SECOND", or what went wrong
"""

from __future__ import annotations

import socket
import sys
import time

RATE = 100_000_000
UPLOAD = 64 << 20
PIECE = 65536


class Pace:
    """Sleeps so that no more than RATE bytes a second pass."""

    def __init__(self) -> None:
        self.begin = time.monotonic()
        self.bytes = 0

    def count(self, size: int) -> None:
        self.bytes += size
        ahead = self.bytes / RATE - (time.monotonic() - self.begin)
        if ahead > 0.002:
            time.sleep(ahead)


def upload(sock: socket.socket, pace: Pace, end: float) -> None:
    head = f"POST /upload HTTP/1.1\r\nHost: bench\r\nContent-Length: {UPLOAD}\r\n\r\n"
    sock.sendall(head.encode())
    piece = bytes(PIECE)
    for _ in range(UPLOAD // PIECE):
        if time.monotonic() > end:
            return
        sock.sendall(piece)
        pace.count(PIECE)
    answer = _answer(sock)
    if not answer.startswith(b"HTTP/1.1 200 ") or not answer.endswith(b"\r\n\r\n%d\n" % UPLOAD):
        raise SystemExit(f"upload answered {answer[:80]!r}")


def _answer(sock: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(b"\n") or b"\r\n\r\n" not in answer[:-2]:
        data = sock.recv(4096)
        if not data:
            break
        answer += data
    return answer


def download(sock: socket.socket, pace: Pace, end: float) -> None:
    sock.sendall(b"GET /download HTTP/1.1\r\nHost: bench\r\n\r\n")
    head = b""
    while b"\r\n\r\n" not in head:
        data = sock.recv(4096)
        if not data:
            raise SystemExit("download closed in its head")
        head += data
    fields, _, body = head.partition(b"\r\n\r\n")
    left = _length(fields) - len(body)
    buffer = bytearray(PIECE)
    while left > 0 and time.monotonic() < end:
        size = sock.recv_into(buffer, min(left, PIECE))
        if size == 0:
            raise SystemExit(f"download closed {left} bytes early")
        left -= size
        pace.count(size)


def _length(fields: bytes) -> int:
    for line in fields.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise SystemExit(f"download answered {fields[:80]!r}")


def main() -> None:
    port, path, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    way = upload if path == "/upload" else download
    pace = Pace()
    end = pace.begin + seconds
    try:
        while time.monotonic() < end:
            with socket.create_connection(("127.0.0.1", port), 10.0) as sock:
                way(sock, pace, end)
    except OSError as e:
        raise SystemExit(f"{path}: {e}") from e
    print(f"ok {pace.bytes / (time.monotonic() - pace.begin) / 1e6:.1f}")


if __name__ == "__main__":
    try:
        main()
    except SystemExit as e:
        print(e)
        sys.exit(1)
