"""Limits: each has its status, its line in the log, and a last value that is still served."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from rawhttp import Cut, get, post, post_chunked
from refusals import Bystander, cases, check_refused, params
from server import KIND, Server, wait_for


@pytest.fixture(scope="module")
def server(start_for_module: Callable[..., Server]) -> Server:
    return start_for_module(
        "apps.probe:app", "--limit-request-line", "200", "--limit-request-fields", "10", "--limit-request-field_size", "300",
        "--limit-request-body", "1000",
    )  # fmt: skip


@pytest.fixture(scope="module")
def bystander(server: Server) -> Iterator[Bystander]:
    b = Bystander(server)
    yield b
    b.close()


@pytest.fixture(scope="module")
def default_bystander(probe: Server) -> Iterator[Bystander]:
    b = Bystander(probe)
    yield b
    b.close()


def line_of(n: int) -> bytes:
    """A request whose line has n bytes without its CRLF."""
    return get("/" + "a" * (n - len("GET / HTTP/1.1")))


def fields_of(n: int) -> bytes:
    """A request of n fields, Host included."""
    return get("/", *(f"X-{i}: y" for i in range(n - 1)))


def field_of(n: int) -> bytes:
    """A request with one field line of n bytes without its CRLF."""
    return get("/", "X: " + "v" * (n - 3))


SMALL = cases(
    ("line_201", line_of(201), {414}),
    ("line_5000", line_of(5000), {414}),
    ("line_100000", line_of(100_000), {414}),
    ("line_query", get("/?" + "q" * 300), {414}),
    ("line_absolute", get("http://t/" + "q" * 300), {414}),
    ("fields_11", fields_of(11), {431}),
    ("fields_1000", fields_of(1000), {431}),
    ("field_301", field_of(301), {431}),
    ("field_100000", field_of(100_000), {431}),
    ("field_name", get("/", "X" * 400 + ": v"), {431}),
    ("field_spaces", get("/", "X:" + " " * 400 + "v"), {431}),
    ("cookie", get("/", "Cookie: " + "c" * 400), {431}),
    ("host", get("/", host="h" * 400), {400, 431}),
    ("body_1001", post("/raw", b"x" * 1001), {413}),
    ("body_large", get("/raw", "Content-Length: 9000000000", method="POST"), {413}),
    ("body_unread", post("/plain", b"x" * 1001), {413}),
    ("body_of_get", post("/plain", b"x" * 1001, method="GET"), {413}),
    ("chunked_1001", post_chunked("/raw", [b"x" * 1001]), {413}),
    ("chunked_many", post_chunked("/raw", [b"x" * 100] * 11), {413}),
    (
        "chunked_one_huge_size",
        get("/raw", "Transfer-Encoding: chunked", method="POST") + b"7fffffff\r\nx",
        {413},
        False,
    ),
)

DEFAULTS = cases(
    ("line_100000", line_of(100_000), {414}),
    ("line_just_over", line_of(8191), {414}),
    ("method_100000", b"A" * 100_000 + b" / HTTP/1.1\r\nHost: t\r\n\r\n", {400, 501}),
    ("fields_101", fields_of(101), {431}),
    ("fields_10000", fields_of(10_000), {431}),
    ("field_just_over", field_of(8191), {431}),
    ("field_value_100000", field_of(100_000), {431}),
    ("field_name_100000", get("/", "X" * 100_000 + ": v"), {431}),
    ("cookie_65536", get("/", "Cookie: big=" + "A" * 65_536), {431}),
    ("head_of_many_long_fields", get("/", *(f"X-{i}: " + "v" * 8000 for i in range(20))), {431}),
    ("body_over_everything", get("/raw", "Content-Length: 9000000000000000000", method="POST"), {413}),
    ("endless_line", b"GET /" + b"a" * 1_000_000, {414}, False),
    ("endless_head", get("/")[:-2] + b"X: " + b"a" * 1_000_000, {431}, False),
    ("endless_method", b"A" * 1_000_000, {400, 501}, False),
)


@pytest.mark.parametrize(**params(SMALL))
def test_past_a_limit_is_refused(server: Server, bystander: Bystander, case) -> None:
    check_refused(server, bystander, case)


@pytest.mark.parametrize(**params(DEFAULTS))
def test_past_a_default_limit_is_refused(probe: Server, default_bystander: Bystander, case) -> None:
    check_refused(probe, default_bystander, case)


@pytest.mark.parametrize(
    **params([c for c in DEFAULTS if c.id in ("line_100000", "fields_10000", "field_value_100000", "cookie_65536")])
)
def test_the_answer_waits_for_a_client_that_reads_late(probe: Server, default_bystander: Bystander, case) -> None:
    """Much was sent that the server did not read: no reset may destroy the answer."""
    check_refused(probe, default_bystander, case, pause=0.3)


@pytest.mark.parametrize("data", [line_of(200), fields_of(10), field_of(300), post("/raw", b"x" * 1000), post_chunked("/raw", [b"x" * 500] * 2)],
                         ids=["line", "fields", "field", "body", "chunked"])  # fmt: skip
def test_at_a_limit_is_served(server: Server, data: bytes) -> None:
    with server.connect() as c:
        assert c.exchange(data).status == 200
        assert c.exchange(get("/plain?id=2")).body == b"hello 2"


@pytest.mark.parametrize("data", [line_of(8190), fields_of(100), field_of(8190)], ids=["line", "fields", "field"])
def test_at_a_default_limit_is_served(probe: Server, data: bytes) -> None:
    with probe.connect() as c:
        assert c.exchange(data).status == 200


@pytest.mark.parametrize("data", [line_of(201), fields_of(11), field_of(301)], ids=["line", "fields", "field"])
def test_a_limit_does_not_depend_on_how_the_bytes_arrive(server: Server, bystander: Bystander, data: bytes) -> None:
    with server.connect(5.0) as c:
        try:
            for i in range(0, len(data), 7):
                c.send(data[i : i + 7])
        except Cut:
            pass
        assert c.read_response().status in (414, 431)
        c.expect_end()
    assert bystander.is_served()


@pytest.mark.parametrize(("data", "word"), [
    (line_of(300), "line"), (fields_of(20), "fields"), (field_of(400), "field"), (post("/raw", b"x" * 1001), "body"),
], ids=["line", "fields", "field", "body"])  # fmt: skip
def test_the_log_names_the_limit(server: Server, data: bytes, word: str) -> None:
    mark = server.log_mark()
    with server.connect() as c:
        assert c.exchange(data).status >= 400
    if KIND == "citrate":
        server.wait_log(f"refused[^\n]*{word}|{word}[^\n]*refused", mark)


def test_a_chunked_body_over_the_limit_stops_on_the_way(server: Server, bystander: Bystander) -> None:
    """The limit is met while chunks still come: 413, and not a byte more than needed is read."""
    with server.connect(5.0) as c:
        c.send(get("/raw", "Transfer-Encoding: chunked", method="POST"))
        try:
            for _ in range(200):
                c.send(b"64\r\n" + b"x" * 100 + b"\r\n")
                time.sleep(0.001)
        except Cut:
            pass
        resp = c.read_response("POST")
        assert resp.status == 413
        assert resp.closes
    assert bystander.is_served()


def test_connections_over_the_limit_wait_and_are_served_later(start: Callable[..., Server]) -> None:
    """--worker-connections 10: further ones stay in the backlog until one is free."""
    server = start("apps.probe:app", "--worker-connections", "10")
    held = [server.connect() for _ in range(10)]
    for i, c in enumerate(held):
        assert c.exchange(get(f"/plain?id={i}")).status == 200
    with server.connect(5.0) as late:
        late.send(get("/plain?id=late"))
        if KIND == "citrate":
            assert late.is_open(0.2)
        held.pop().close()
        assert late.read_response().body == b"hello late"
    for c in held:
        c.close()


def test_the_queue_is_bounded_and_says_503(start: Callable[..., Server]) -> None:
    """One thread, a queue of four: of twenty sleepers some are told to come back."""
    server = start("apps.probe:app", "--threads", "1", "--queue-size", "4", "--queue-timeout", "30")
    conns = [server.connect(30.0) for _ in range(20)]
    try:
        for i, c in enumerate(conns):
            c.send(get(f"/sleep?ms=100&id={i}"))
        answers = [c.read_response() for c in conns]
        assert {r.status for r in answers} <= {200, 503}
        if KIND == "citrate":
            shed = [r for r in answers if r.status == 503]
            assert shed, "the queue took everything"
            assert all(int(r.get("retry-after") or 0) > 0 for r in shed)
        assert sum(r.status == 200 for r in answers) >= 4
        assert server.fetch("/plain?id=x").body == b"hello x"
    finally:
        for c in conns:
            c.close()


def test_what_waits_too_long_is_503(start: Callable[..., Server]) -> None:
    server = start("apps.probe:app", "--threads", "1", "--queue-timeout", "1")
    conns = [server.connect(30.0) for _ in range(5)]
    try:
        for i, c in enumerate(conns):
            c.send(get(f"/sleep?ms=800&id={i}"))
        statuses = [c.read_response().status for c in conns]
        assert set(statuses) <= {200, 503}
        if KIND == "citrate":
            assert 503 in statuses, "all waited to the end"
    finally:
        for c in conns:
            c.close()


def test_many_idle_connections_are_all_served_again(probe: Server) -> None:
    conns = [probe.connect() for _ in range(300)]
    try:
        for c in conns:
            assert c.exchange(get("/plain?id=1")).status == 200
        for c in reversed(conns):
            assert c.exchange(get("/plain?id=2")).body == b"hello 2"
    finally:
        for c in conns:
            c.close()
    assert wait_for(lambda: probe.fetch("/plain").status == 200)
