"""Bare WSGI applications for the benchmark: nothing between the server and the bytes.

One callable for one kind of work, so that no dispatch is measured.  Every answer has
a Content-Length and is the same each time, so that it can be checked byte for byte.
"""

import json
import os

HELLO = b"Hello, world\n"
JSON_10K = json.dumps(
    [{"id": i, "name": f"item {i:04d}", "price": i * 1.25, "tags": ["a", "b"]} for i in range(154)]
).encode()
OUT_100K = bytes(range(32, 127)) * 1078 + b"\n"
FILE_1M = os.environ.get("BENCH_FILE_1M", "/nonexistent")


def _headers(kind, body):
    return [("Content-Type", kind), ("Content-Length", str(len(body)))]


_HELLO_HEADERS = _headers("text/plain", HELLO)
_JSON_HEADERS = _headers("application/json", JSON_10K)
_OUT_HEADERS = _headers("text/plain", OUT_100K)
_HELLO_BODY = [HELLO]
_JSON_BODY = [JSON_10K]
_OUT_BODY = [OUT_100K]


def hello(environ, start_response):
    """Thirteen bytes."""
    start_response("200 OK", _HELLO_HEADERS)
    return _HELLO_BODY


def numbered(environ, start_response):
    """The query string: tells whether pipelined answers come in order."""
    body = environ["QUERY_STRING"].encode()
    start_response("200 OK", _headers("text/plain", body))
    return [body]


def json10k(environ, start_response):
    """Ten kilobytes of JSON, encoded beforehand."""
    start_response("200 OK", _JSON_HEADERS)
    return _JSON_BODY


def out100k(environ, start_response):
    """A hundred kilobytes."""
    start_response("200 OK", _OUT_HEADERS)
    return _OUT_BODY


def file1m(environ, start_response):
    """A file of one megabyte by wsgi.file_wrapper, or in pieces where there is none."""
    handle = open(FILE_1M, "rb")  # noqa: SIM115 - the server closes it
    size = os.fstat(handle.fileno()).st_size
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(size))])
    wrapper = environ.get("wsgi.file_wrapper")
    if wrapper is not None:
        return wrapper(handle, 65536)
    return _pieces(handle)


def _pieces(handle):
    with handle:
        while piece := handle.read(65536):
            yield piece


def echo(environ, start_response):
    """The request's body."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", _headers("application/octet-stream", body))
    return [body]
