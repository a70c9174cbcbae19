"""The kinds of errors the generator counts, and what each means."""

from __future__ import annotations

# As src/load/stats.h has them.
KINDS = {
    "connect": "the connection was refused or failed",
    "connect_timeout": "the connection was not made in time",
    "tls": "TLS failed",
    "closed": "the server closed the connection before the answer ended",
    "timeout": "no complete answer came in time",
    "protocol": "the answer was not HTTP/1.0 or 1.1",
    "too_long": "the answer's head or body passed a limit",
    "status": "the status was not the expected one",
    "size": "the body was far smaller than this step's others",
    "assert": "an assert did not hold",
    "capture": "a capture found nothing",
    "redirect": "too many redirects, or one that leads nowhere",
    "variable": "a variable had no value, so nothing was sent",
    "local": "this machine had no memory, ports or descriptors left",
}
