"""A WSGI application with quick and slow paths, for the rows where they stand side by side.

/            thirteen bytes at once
/sleep       20 ms asleep                       /sleep50   50 ms asleep
/waits       twenty sleeps of 1 ms: a page that makes twenty database queries
/heavy       about 10 ms of pure Python (BENCH_HEAVY rounds, measured beforehand)
/upload      reads the whole body in pieces and answers with its length
/download    64 MB in pieces of 64 KiB
"""

import os
from time import sleep

HEAVY = int(os.environ.get("BENCH_HEAVY", "100000"))
PIECE = b"0123456789abcdef" * 4096
DOWNLOAD = 1024 * len(PIECE)


def _answer(start_response, body):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def quick(environ, start_response):
    return _answer(start_response, b"Hello, world\n")


def sleep20(environ, start_response):
    sleep(0.02)
    return _answer(start_response, b"slept 20 ms\n")


def sleep50(environ, start_response):
    sleep(0.05)
    return _answer(start_response, b"slept 50 ms\n")


def waits(environ, start_response):
    for _ in range(20):
        sleep(0.001)
    return _answer(start_response, b"waited 20 times\n")


def burn(rounds):
    """The heavy work: pure Python that never lets go of the GIL by itself."""
    total = 0
    for i in range(rounds):
        total += i & 3
    return total


def heavy(environ, start_response):
    burn(HEAVY)
    return _answer(start_response, b"worked\n")


def upload(environ, start_response):
    stream = environ["wsgi.input"]
    left = int(environ.get("CONTENT_LENGTH") or 0)
    total = 0
    while left > 0:
        piece = stream.read(min(left, 65536))
        if not piece:
            break
        total += len(piece)
        left -= len(piece)
    return _answer(start_response, b"%d\n" % total)


def download(environ, start_response):
    start_response(
        "200 OK",
        [("Content-Type", "application/octet-stream"), ("Content-Length", str(DOWNLOAD))],
    )
    return (PIECE for _ in range(DOWNLOAD // len(PIECE)))


_PATHS = {
    "/": quick,
    "/sleep": sleep20,
    "/sleep50": sleep50,
    "/waits": waits,
    "/heavy": heavy,
    "/upload": upload,
    "/download": download,
}


def app(environ, start_response):
    return _PATHS[environ["PATH_INFO"]](environ, start_response)
