"""wsgiref.validate around everything: it raises for what PEP 3333 forbids, which becomes a 500."""

from __future__ import annotations

import io
from collections.abc import Iterable
from wsgiref.validate import validator

from apps.probe import Environ, StartResponse, note


def inner(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    """Uses each part of the interface that the validator watches."""
    stream, errors = environ["wsgi.input"], environ["wsgi.errors"]
    path = environ["PATH_INFO"]
    if path == "/lines":
        body = b"|".join([stream.readline(), stream.readline(), *stream.readlines(), stream.read(0) + stream.read(10)])
    elif path == "/iter":
        body = b"|".join(stream)
    elif path == "/errors":
        errors.write("validated\n")
        errors.writelines(["one\n", "two\n"])
        errors.flush()
        body = b"errors"
    elif path == "/none":
        start("204 No Content", [])
        return []
    elif path == "/write":
        write = start("200 OK", [("Content-Type", "text/plain")])
        write(b"written ")
        return [b"returned"]
    elif path == "/generator":
        return generated(start)
    elif path == "/exc_info":
        import sys

        start("200 OK", [("Content-Type", "text/plain")])
        try:
            raise ValueError("caught")
        except ValueError:
            start("500 Sorry", [("Content-Type", "text/plain")], sys.exc_info())
        return [b"sorry"]
    elif path == "/file":
        start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "9")])
        wrapper = environ.get("wsgi.file_wrapper")
        return wrapper(io.BytesIO(b"from file"), 4) if wrapper else [b"from file"]
    else:
        body = stream.read(int(environ.get("CONTENT_LENGTH") or -1))
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    note(kind="validated", path=path)
    return [body]


def generated(start: StartResponse) -> Iterable[bytes]:
    """start_response inside the generator, as frameworks do."""
    start("200 OK", [("Content-Type", "text/plain")])
    for i in range(5):
        yield b"%d" % i


app = validator(inner)
app_twice = validator(validator(inner))
