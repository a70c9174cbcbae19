"""The load generator's executable against servers that answer well, badly, late or never."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import citrate
import pytest
from load_servers import OK, RawServer, Talk, always, answer, by_path, once, raw_server
from server import Server, wait_for

GENERATOR = os.environ.get("CITRATE_LOAD", str(Path(citrate.__file__).parent / "citrate-load"))
ANSWERED = {"status", "size", "assert", "capture", "redirect"}


class Outcome:
    """A run that is over: its exit status, what it said, and its files."""

    def __init__(self, status: int, said: str, folder: Path) -> None:
        self.status, self.said, self.folder = status, said, folder

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "summary.json").read_text())
        return found

    @property
    def seconds(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "seconds.jsonl").read_text().splitlines()]


class Generator:
    """Starts the executable in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = 0

    def words(self, *args: str) -> list[str]:
        self.runs += 1
        self.report = self.folder / f"report{self.runs}"
        return [GENERATOR, "--live", "lines", "--report", str(self.report), *args]

    def __call__(self, *args: str, timeout: float = 60) -> Outcome:
        words = self.words(*args)
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, cwd=self.folder)
        return Outcome(done.returncode, done.stdout + done.stderr, self.report)

    def begin(self, *args: str, **popen: Any) -> subprocess.Popen[str]:
        words = self.words(*args)
        return subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=self.folder, **popen)

    def plan(self, target: str, *journeys: str, **members: Any) -> str:
        """A plan file with these journeys (texts of .hurl files)."""
        names = []
        for i, text in enumerate(journeys):
            name = f"journey{self.runs}_{i}.hurl"
            (self.folder / name).write_text(text)
            names.append(name)
        path = self.folder / f"plan{self.runs}.json"
        path.write_text(json.dumps({"target": target.rstrip("/"), "journeys": names, **members}))
        return str(path)


@pytest.fixture
def load(tmp_path: Path) -> Generator:
    assert os.access(GENERATOR, os.X_OK), f"the generator is not at {GENERATOR}"
    return Generator(tmp_path)


@pytest.fixture(scope="module")
def site(start_for_module: Callable[..., Server]) -> Server:
    return start_for_module("apps.probe:app")


def accounted(summary: dict[str, Any]) -> None:
    """What every summary must fulfil: each request is in one count, and steps add up to all."""
    errors = sum(summary["errors_by_kind"].values())
    unanswered = sum(n for kind, n in summary["errors_by_kind"].items() if kind not in ANSWERED)
    assert summary["errors"] == errors
    assert sum(summary["codes"].values()) == summary["requests"] - unanswered
    for member in ("requests", "errors", "bytes_in", "bytes_out"):
        assert sum(step[member] for step in summary["steps"].values()) == summary[member]


# ---- good servers ----


def test_citrate_is_asked_and_every_request_is_counted(load: Generator, site: Server) -> None:
    done = load("-c", "4", "-d", "1", f"http://127.0.0.1:{site.port}/echo")
    assert done.status == 0, done.said
    summary = done.summary
    accounted(summary)
    assert summary["codes"] == {"200": summary["requests"]}
    assert summary["errors"] == 0
    assert summary["connects"] == 4
    assert summary["rounds"] == summary["requests"]
    assert summary["end"] == "time" and summary["state"] == "finished"
    assert 0 < summary["latency_ms"]["p50"] <= summary["latency_ms"]["p99"] <= summary["latency_ms"]["max"]
    assert sum(s["all"]["requests"] for s in done.seconds) == summary["requests"]


@pytest.mark.parametrize("threads", ["1", "3"])
def test_a_bound_of_requests_is_exact(load: Generator, threads: str) -> None:
    with raw_server(always(OK)) as server:
        done = load("-n", "1000", "-c", "7", "-t", threads, server.url)
        assert done.status == 0, done.said
        assert done.summary["requests"] == 1000 == len(server.requests)
        assert done.summary["end"] == "requests"
        assert done.summary["unfinished"] == 0


@pytest.mark.parametrize(("asserted", "holds"), [
    ("== {{n}}", True), (">= {{n}}", True), ("!= {{n}}", False), ('== "{{n}}"', False),
])  # fmt: skip
def test_a_variable_without_quotes_is_compared_as_what_stands_before_it(
    load: Generator, asserted: str, holds: bool
) -> None:
    journey = f"""GET /
HTTP 200
[Captures]
n: jsonpath "$.id"

GET /again
HTTP 200
[Asserts]
jsonpath "$.id" {asserted}
"""
    with raw_server(always(answer(b'{"id": 5}'))) as server:
        outcome = load(load.plan(server.url, journey, users=1, requests=2))
    assert outcome.summary["errors_by_kind"] == ({} if holds else {"assert": 1})


def test_more_threads_than_users_are_no_harm(load: Generator) -> None:
    with raw_server(always(OK)) as server:
        done = load("-n", "50", "-c", "1", "-t", "4", server.url)
        assert (done.status, done.summary["requests"], done.summary["connects"]) == (0, 50, 1)


def test_a_request_has_the_fields_a_server_wants(load: Generator) -> None:
    with raw_server(always(OK)) as server:
        load("-n", "1", "-c", "1", "-H", "X-One: 1", "-H", "Accept: text/html", "-b", "a=1", server.url + "p?q=a%20b#f")
        request = server.requests[0].decode()
    lines = request.split("\r\n")
    assert lines[0] == "POST /p?q=a%20b HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert "User-Agent: citrate-load/" in request
    assert "Accept: text/html" in lines and "Accept: */*" not in lines
    assert "X-One: 1" in lines
    assert "Content-Length: 3" in lines
    assert request.endswith("\r\n\r\na=1")


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.0 200 OK\r\n\r\nto the end",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ],
)
def test_connections_that_end_with_the_answer_are_no_error(load: Generator, data: bytes) -> None:
    with raw_server(once(data)) as server:
        done = load("-n", "20", "-c", "2", server.url)
        assert done.status == 0, done.said
        assert done.summary["errors"] == 0
        assert done.summary["connects"] == 20


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n3;x=y\r\nbcd\r\n0\r\nT: 1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n",
    ],
)
def test_kept_connections_are_used_again(load: Generator, data: bytes) -> None:
    def handle(talk: Talk) -> None:
        while talk.request():
            for i in range(len(data)):  # byte by byte for the first, at once for the others
                talk.send(data[i : i + 1] if len(talk.server.requests) == 1 else data)
                if len(talk.server.requests) > 1:
                    break

    with raw_server(handle) as server:
        done = load("-n", "20", "-c", "1", server.url)
        assert done.status == 0, done.said
        assert (done.summary["errors"], done.summary["connects"]) == (0, 1)


def test_head_has_no_body_whatever_its_fields_say(load: Generator) -> None:
    with raw_server(always(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")) as server:
        done = load("-n", "20", "-c", "1", "-X", "HEAD", server.url)
        assert (done.status, done.summary["errors"], done.summary["connects"]) == (0, 0, 1)


def test_without_keepalive_each_request_has_its_connection(load: Generator) -> None:
    with raw_server(always(OK)) as server:
        done = load("-n", "20", "-c", "2", "--no-keepalive", server.url)
        assert (done.summary["errors"], done.summary["connects"]) == (0, 20)
        assert all(b"Connection: close\r\n" in r for r in server.requests)


def test_a_unix_socket_is_a_target(load: Generator, tmp_path: Path) -> None:
    server = RawServer(always(OK))
    path = tmp_path / "app.sock"
    server.listener.close()
    server.listener = socket.socket(socket.AF_UNIX)
    server.listener.bind(str(path))
    server.listener.listen()
    try:
        import threading

        threading.Thread(target=server._accept, daemon=True).start()
        done = load("-n", "20", "-c", "2", f"unix:{path}")
        assert done.status == 0, done.said
        assert done.summary["requests"] == 20
        assert b"Host: localhost\r\n" in server.requests[0]
    finally:
        server.close()


def test_a_large_body_goes_out_in_pieces(load: Generator, tmp_path: Path) -> None:
    (tmp_path / "large").write_text("0123456789" * 500_000)
    with raw_server(always(OK)) as server:
        done = load("-n", "4", "-c", "2", "-b", "@large", server.url)
        assert (done.status, done.summary["errors"]) == (0, 0), done.said
        assert all(r.endswith(b"0123456789" * 500_000) for r in server.requests)


def test_an_answer_before_the_request_is_sent_is_an_answer(load: Generator, tmp_path: Path) -> None:
    (tmp_path / "large").write_text("0123456789" * 500_000)

    def handle(talk: Talk) -> None:
        talk.sock.recv(1000)
        talk.send(answer(b"too much", "413 Content Too Large", "Connection: close"))
        time.sleep(0.3)

    with raw_server(handle) as server:
        done = load("-n", "2", "-c", "1", "-b", "@large", server.url)
        assert done.summary["codes"] == {"413": 2}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One for 127.0.0.1, signed by itself, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        ["openssl", *words.split(), "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder / "cert.pem", folder / "key.pem"


def test_tls_is_spoken_and_certificates_are_checked(load: Generator, certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def handle(talk: Talk) -> None:
        with context.wrap_socket(talk.sock, server_side=True) as talk.sock:
            always(OK)(talk)

    with raw_server(handle) as server:
        url = server.url.replace("http:", "https:")
        for option in (["--cacert", str(certificate[0])], ["-k"]):
            done = load("-n", "20", "-c", "2", *option, url)
            assert (done.status, done.summary["errors"], done.summary["connects"]) == (0, 0, 2), done.said
        done = load("-n", "2", "-c", "1", url)
        assert done.status == 1
        assert done.summary["errors_by_kind"] == {"tls": 2}
        assert "certificate" in done.summary["examples"][0]["text"]
    with raw_server(always(OK)) as server:
        done = load("-n", "1", "-c", "1", "--timeout", "2", server.url.replace("http:", "https:"))
        assert set(done.summary["errors_by_kind"]) <= {"tls", "connect_timeout"}


# ---- bad servers ----


def garbage(talk: Talk) -> None:
    if talk.request():
        talk.send(b"\x00\x01garbage\r\n\r\n")


def closes_early(talk: Talk) -> None:
    talk.request()


def half_a_head(talk: Talk) -> None:
    if talk.request():
        talk.send(b"HTTP/1.1 200 OK\r\nContent-")


def never(talk: Talk) -> None:
    while talk.request():
        pass


def endless_head(talk: Talk) -> None:
    if talk.request():
        talk.send(b"HTTP/1.1 200 OK\r\n")
        while not talk.server.is_over:
            talk.send(b"X: " + 1000 * b"x" + b"\r\n")


def endless_field(talk: Talk) -> None:
    if talk.request():
        talk.send(b"HTTP/1.1 200 OK\r\nX: " + 70000 * b"x")


def endless_interim(talk: Talk) -> None:
    if talk.request():
        while not talk.server.is_over:
            talk.send(100 * b"HTTP/1.1 103 Early Hints\r\n\r\n")


def endless_chunks(talk: Talk) -> None:
    if talk.request():
        talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not talk.server.is_over:
            talk.send(b"1000\r\n" + 4096 * b"x" + b"\r\n")


def too_short(talk: Talk) -> None:
    if talk.request():
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")


def slow_drip(talk: Talk) -> None:
    if talk.request():
        for byte in answer(1000 * b"x"):
            talk.send(bytes([byte]))
            time.sleep(0.05)


def unasked_later(talk: Talk) -> None:
    if talk.request():
        talk.send(OK)
        time.sleep(0.1)
        talk.send(OK)
        talk.request()


def bad_chunk(talk: Talk) -> None:
    if talk.request():
        talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        talk.request()


BAD: list[tuple[str, Callable[[Talk], None], str]] = [
    ("garbage", garbage, "protocol"),
    ("closes early", closes_early, "closed"),
    ("half a head", half_a_head, "closed"),
    ("never answers", never, "timeout"),
    ("endless head", endless_head, "too_long"),
    ("a field for ever", endless_field, "too_long"),
    ("endless interim answers", endless_interim, "protocol"),
    ("endless chunked body", endless_chunks, "timeout"),
    ("body too short", too_short, "closed"),
    ("body too long", always(OK + b"more"), "protocol"),
    ("two answers", always(OK + OK), "protocol"),
    ("bad chunk", bad_chunk, "protocol"),
    ("slow drip", slow_drip, "timeout"),
    ("switches protocols", always(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), "protocol"),
    ("HTTP/2", always(b"HTTP/2 200\r\n\r\n"), "protocol"),
    ("length twice", always(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"), "protocol"),
]


@pytest.mark.parametrize("handle, kind", [pytest.param(h, k, id=name) for name, h, k in BAD])
def test_a_bad_answer_is_counted_by_its_kind(load: Generator, handle: Callable[[Talk], None], kind: str) -> None:
    with raw_server(handle) as server:
        done = load("-n", "4", "-c", "2", "-d", "20", "--timeout", "0.4", server.url)
        summary = done.summary
    assert done.status == 1, done.said
    accounted(summary)
    assert summary["errors_by_kind"] == {kind: 4}
    assert summary["requests"] == summary["errors"] == 4
    assert summary["unfinished"] == 0
    assert [e["kind"] for e in summary["examples"]] == [kind]
    assert server.url in summary["examples"][0]["text"]


def test_a_server_that_refuses_is_told_with_its_address(load: Generator) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    done = load("-c", "3", "-d", "1", f"http://127.0.0.1:{port}/")
    assert done.status == 1
    assert set(done.summary["errors_by_kind"]) == {"connect"}
    assert 3 <= done.summary["requests"] < 100, "users pause after a connection that was refused"
    assert "Connection refused" in done.summary["examples"][0]["text"]


def test_a_host_without_address_ends_it_with_a_message(load: Generator) -> None:
    done = load("-d", "1", "http://no-such-host.invalid/")
    assert done.status == 1
    assert "no-such-host.invalid" in done.said


def test_a_connection_that_is_never_made_times_out(load: Generator) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(0)
        held = []
        for _ in range(3):  # the backlog is full: the kernel drops further ones
            c = socket.socket()
            c.setblocking(False)
            c.connect_ex(s.getsockname())
            held.append(c)
        time.sleep(0.1)
        url = f"http://127.0.0.1:{s.getsockname()[1]}/"
        done = load("-n", "2", "-c", "2", "-d", "20", "--connect-timeout", "0.3", url)
        for c in held:
            c.close()
    assert done.summary["errors_by_kind"] == {"connect_timeout": 2}


def test_bytes_that_nobody_asked_for_are_an_error(load: Generator) -> None:
    with raw_server(unasked_later) as server:
        plan = load.plan(server.url, "GET /\nHTTP 200\n", think="300ms", users=1, requests=2)
        done = load(plan)
        assert done.summary["errors_by_kind"] == {"protocol": 1}
        assert (len(server.requests), done.summary["requests"]) == (2, 3)
        assert "nobody had asked for" in done.summary["examples"][0]["text"]


def test_a_farewell_408_is_no_error(load: Generator) -> None:
    def handle(talk: Talk) -> None:
        if talk.request():
            talk.send(OK)
            time.sleep(0.05)
            talk.send(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    with raw_server(handle) as server:
        done = load(load.plan(server.url, "GET /\nHTTP 200\n", think="200ms", users=1, requests=3))
        assert (done.status, done.summary["errors"], done.summary["connects"]) == (0, 0, 3)


def test_a_kept_connection_closed_by_the_server_is_made_anew(load: Generator) -> None:
    """It closes after each answer and does not say so: every request meets a connection about to close."""
    with raw_server(once(OK)) as server:
        done = load("-n", "50", "-c", "2", server.url)
        assert done.status == 0, done.said
        assert done.summary["errors"] == 0
        assert done.summary["requests"] == 50 == len(server.requests)


def test_a_post_is_not_sent_twice(load: Generator) -> None:
    def handle(talk: Talk) -> None:
        if talk.request():
            talk.send(OK)
        talk.request()  # taken, and never answered

    with raw_server(handle) as server:
        done = load("-n", "20", "-c", "1", "-X", "POST", server.url)
        assert done.summary["errors_by_kind"] == {"closed": 10}
        assert len(server.requests) == 20


def test_a_body_that_is_looked_into_may_not_be_endless(load: Generator) -> None:
    with raw_server(endless_chunks) as server:
        plan = load.plan(server.url, 'GET /\nHTTP 200\n[Asserts]\nbody contains "y"\n', users=1, requests=2)
        done = load("--max-body", "100000", plan)
        assert done.summary["errors_by_kind"] == {"too_long": 2}


def test_statuses_of_errors_are_errors(load: Generator) -> None:
    with raw_server(always(answer(b"sorry", "503 Service Unavailable"))) as server:
        done = load("-n", "10", "-c", "1", server.url)
    assert done.status == 1
    assert done.summary["errors_by_kind"] == {"status": 10}
    assert done.summary["codes"] == {"503": 10}
    text = done.summary["examples"][0]["text"]
    assert "status 503, expected 2xx or 3xx" in text and "sorry" in text


def test_a_page_that_collapses_is_an_error(load: Generator) -> None:
    def handle(talk: Talk) -> None:
        while talk.request():
            n = len(talk.server.requests)
            talk.send(answer(b"x" * (1000 if n <= 20 else 900 if n <= 25 else 100)))

    with raw_server(handle) as server:
        done = load("-n", "30", "-c", "1", server.url)
    assert done.summary["errors_by_kind"] == {"size": 5}
    assert "usually" in done.summary["examples"][0]["text"]


def test_a_server_that_stops_is_survived_and_what_was_measured_stays(load: Generator) -> None:
    def handle(talk: Talk) -> None:
        while talk.request():
            if len(talk.server.requests) > 100:
                time.sleep(30)
            talk.send(OK)

    with raw_server(handle) as server:
        done = load("-c", "2", "-d", "1", "--grace", "0.3", server.url)
    assert done.status == 0
    assert done.summary["requests"] == 100
    assert done.summary["unfinished"] == 2 == len(server.requests) - 100


# ---- journeys ----


def test_captures_cookies_and_forms_go_through_a_journey(load: Generator) -> None:
    def login(request: bytes) -> bytes:
        good = b"csrf=t%2Bken&user=anna%20b" in request and b"Cookie: csrf=c1\r\n" in request
        return answer(b"", "302 Found" if good else "403 Forbidden", "Location: /home", "Set-Cookie: sid=42; Path=/")

    def home(request: bytes) -> bytes:
        return answer(b"welcome" if b"sid=42" in request else b"who are you?")

    page = answer(b'<form><input name="csrf" value="t+ken"></form>', "200 OK", "Set-Cookie: csrf=c1")
    journey = """
# @name form
GET /login
HTTP 200
[Captures]
token: regex "value=.([a-z+]*)"

# @name log in
POST /login/do
[Form]
csrf: {{token}}
user: anna b
HTTP 302

GET /home
HTTP 200
[Asserts]
body == "welcome"
"""
    with raw_server(by_path({"/login": page, "/login/do": login, "/home": home})) as server:
        done = load(load.plan(server.url, journey, users=1, requests=30, cookies="fresh"))
        assert done.status == 0, done.said
        assert done.summary["errors"] == 0
        assert set(done.summary["steps"]) == {"form", "log in", "GET /home"}
        assert {s["requests"] for s in done.summary["steps"].values()} == {10}


def test_a_step_that_fails_ends_its_round_and_names_its_line(load: Generator) -> None:
    journey = 'GET /a\nHTTP 200\n[Asserts]\nbody == "other"\n\nGET /b\nHTTP 200\n'
    with raw_server(always(OK)) as server:
        done = load(load.plan(server.url, journey, users=1, requests=5))
        assert done.status == 1
        assert done.summary["errors_by_kind"] == {"assert": 5}
        assert done.summary["rounds"] == 0
        assert all(r.startswith(b"GET /a ") for r in server.requests)
    text = done.summary["examples"][0]["text"]
    assert "journey0_0.hurl:1: user 1: " in text and "line 4" in text


def test_once_steps_run_in_a_users_first_round_and_again_when_they_failed(load: Generator) -> None:
    def login(request: bytes) -> bytes:
        return answer(b"", "200 OK" if state.pop() else "500 Oops")

    state = [True, False]  # the first fails
    journey = "# @once\nGET /login\nHTTP 200\n\n# @repeat 3\nGET /page\nHTTP 200\n"
    with raw_server(by_path({"/login": login, "/page": OK})) as server:
        done = load(load.plan(server.url, journey, users=1, requests=11))
        assert done.summary["steps"]["GET /login"]["requests"] == 2
        assert done.summary["steps"]["GET /page"]["requests"] == 9
        assert done.summary["rounds"] == 3


def test_users_with_nothing_left_to_do_end_the_run(load: Generator) -> None:
    with raw_server(always(OK)) as server:
        done = load(load.plan(server.url, "# @once\nGET /\nHTTP 200\n", users=5, time="20s", threads=2))
        assert (done.status, done.summary["requests"], done.summary["end"]) == (0, 5, "users")


def test_each_user_has_its_line_of_the_table(load: Generator, tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("name,id\nanna,1\nben,2\ncleo,3\n")
    journey = "GET /{{name}}/{{id}}\nHTTP 200\n"
    with raw_server(always(OK)) as server:
        data = {"csv": "users.csv", "when_out": "stop"}
        load(load.plan(server.url, journey, users=5, requests=40, think="1ms", data=data))
        assert {r.split(b" ")[1] for r in server.requests} == {b"/anna/1", b"/ben/2", b"/cleo/3"}
        assert server.connections == 3
    with raw_server(always(OK)) as server:
        data["when_out"] = "again"
        load(load.plan(server.url, journey, users=5, requests=200, think="1ms", data=data))
        assert {r.split(b" ")[1] for r in server.requests} == {b"/anna/1", b"/ben/2", b"/cleo/3"}
        assert server.connections == 5


def test_journeys_are_chosen_by_weight_and_a_seed_repeats_the_choice(load: Generator) -> None:
    journeys = ["# @weight 3\n\nGET /often\nHTTP 200\n", "GET /seldom\nHTTP 200\n"]
    paths = []
    for _ in range(2):
        with raw_server(always(OK)) as server:
            load(load.plan(server.url, *journeys, users=1, requests=200, seed=7))
            paths.append([r.split(b" ")[1] for r in server.requests])
    assert paths[0] == paths[1]
    assert 100 < paths[0].count(b"/often") < 190


def test_redirects_are_followed_when_asked_and_each_counts(load: Generator) -> None:
    answers: dict[str, bytes | Callable[[bytes], bytes]] = {
        "/": answer(b"", "302 Found", "Location: a/../b?x=1#top"),
        "/b?x=1": answer(b"", "303 See Other", "Location: /c", "Set-Cookie: seen=1"),
        "/c": lambda r: answer(
            b"end" if r.startswith(b"GET ") and b"Cookie: seen=1" in r and r.endswith(b"\n\r\n") else b""
        ),
    }
    with raw_server(by_path(answers)) as server:
        done = load("-n", "9", "-c", "1", "-L", "-X", "POST", "-b", "text", server.url)
        assert done.status == 0, done.said
        assert done.summary["codes"] == {"200": 3, "302": 3, "303": 3}
        assert done.summary["errors"] == 0
        assert done.summary["rounds"] == 3


def test_redirects_without_end_or_aim_are_errors(load: Generator) -> None:
    with raw_server(always(answer(b"", "302 Found", "Location: /again"))) as server:
        plan = load.plan(server.url, "GET /\n[Options]\nlocation: true\nmax-redirs: 5\nHTTP 200\n", users=1, requests=6)
        assert load(plan).summary["errors_by_kind"] == {"redirect": 1}
    with raw_server(always(answer(b"", "302 Found", "Location: gopher://x/"))) as server:
        assert load("-n", "2", "-c", "1", "-L", server.url).summary["errors_by_kind"] == {"redirect": 2}


def test_a_redirect_to_another_host_takes_no_secrets_along(load: Generator) -> None:
    with raw_server(always(OK)) as other:
        away = answer(b"", "307 Temporary Redirect", f"Location: http://localhost:{other.port}/in")
        with raw_server(always(away)) as server:
            journey = "POST /\nAuthorization: secret\nX-Fine: 1\n[Cookies]\nsid: 1\n[Options]\nlocation: true\n`text`\nHTTP 200\n"
            done = load(load.plan(server.url, journey, users=1, requests=2))
            assert done.summary["errors"] == 0, done.said
            assert b"Authorization" in server.requests[0] and b"sid=1" in server.requests[0]
        request = other.requests[0]
        assert request.startswith(b"POST /in HTTP/1.1\r\n") and request.endswith(b"\r\n\r\ntext")
        assert b"secret" not in request and b"sid" not in request and b"X-Fine: 1" in request


def test_a_variable_without_value_sends_nothing_and_spins_not(load: Generator) -> None:
    journey = 'GET /\nHTTP 200\n[Captures]\nid: header "X-Id"\n\nGET /{{id}}\nHTTP 200\n'
    with raw_server(always(OK)) as server:
        done = load(load.plan(server.url, journey, users=1, requests=3))
        assert done.summary["errors_by_kind"] == {"capture": 3}


def test_values_cannot_break_out_of_a_request(load: Generator) -> None:
    evil = answer(b"a\r\nX-Evil: 1")
    journey = "GET /\nHTTP 200\n[Captures]\nv: body\n\nGET /x\nX-Value: {{v}}\nHTTP 200\n"
    with raw_server(always(evil)) as server:
        done = load(load.plan(server.url, journey, users=1, requests=4))
        assert set(done.summary["errors_by_kind"]) == {"variable"}
        assert not any(b"X-Evil" in r for r in server.requests)


def test_a_multipart_form_is_one(load: Generator, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"file\x00bytes")
    journey = "POST /\n[MultipartFormData]\nname: {{newUuid}}\nup: file,a.txt; text/plain\nHTTP 200\n"
    with raw_server(always(OK)) as server:
        done = load(load.plan(server.url, journey, users=1, requests=2))
        assert done.summary["errors"] == 0, done.said
        first, second = server.requests
    mark = first.split(b"boundary=")[1].split(b"\r\n")[0]
    body = first.partition(b"\r\n\r\n")[2]
    assert body.endswith(b"--" + mark + b"--\r\n")
    assert b'name="up"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nfile\x00bytes\r\n' in body
    assert body.count(b"--" + mark) == 3
    assert body != second.partition(b"\r\n\r\n")[2], "newUuid is new each time"


def test_a_dry_run_tells_what_is_sent_and_what_came(load: Generator) -> None:
    journey = 'GET /a\nHTTP 200\n[Captures]\nword: body\n[Asserts]\nheader "X" == "y"\nbody == "no"\n'
    with raw_server(always(OK)) as server:
        done = load("--dry-run", load.plan(server.url, journey, "GET /b\nHTTP 200\n", think="1h"))
        assert len(server.requests) == 2
    assert done.status == 1
    for text in ("> GET /a HTTP/1.1", "< HTTP/1.1 200", "< Content-Length: 2", "word = ok", "> GET /b", "1 error\n"):
        assert text in done.said
    assert done.said.count("FAILED") == 2


# ---- time ----


def test_an_open_plan_begins_its_journeys_at_its_rate(load: Generator) -> None:
    with raw_server(always(OK)) as server:
        done = load("-R", "500", "-d", "2", "-t", "2", server.url)
        summary = done.summary
    assert done.status == 0, done.said
    assert summary["model"] == "rate"
    assert summary["requests"] + summary["unfinished"] + summary["not_begun"] == 1000
    assert summary["requests"] == len(server.requests) == 1000


def test_poisson_arrivals_come_at_the_rate_on_average(load: Generator) -> None:
    with raw_server(always(OK)) as server:
        done = load("-R", "500", "-d", "2", "--poisson", server.url)
        assert 850 < done.summary["requests"] < 1150


def test_latency_counts_from_the_intended_time_when_the_server_stalls(load: Generator) -> None:
    stall = 0.6

    def handle(talk: Talk) -> None:
        while talk.request():
            if len(talk.server.requests) == 50:
                time.sleep(stall)
            talk.send(OK)

    with raw_server(handle) as server:
        plan = load.plan(server.url, "GET /\nHTTP 200\n", rate=100, time="2s", max_users=1)
        done = load(plan)
        summary = done.summary
    assert summary["requests"] == 200
    assert summary["late"] >= 40
    late = stall * 1000 * 0.8
    assert summary["latency_ms"]["p95"] > late / 4 > summary["service_ms"]["p95"]
    assert summary["latency_ms"]["max"] >= late and summary["service_ms"]["max"] >= late
    assert max(s["waiting"] for s in done.seconds) >= 1


def test_arrivals_nobody_could_begin_are_counted(load: Generator) -> None:
    with raw_server(never) as server:
        plan = load.plan(server.url, "GET /\nHTTP 200\n", rate=100, time="1s", max_users=5, grace="200ms")
        done = load(plan)
    assert done.status == 1
    assert done.summary["unfinished"] == 5
    assert done.summary["not_begun"] == 95


def test_think_time_is_no_latency(load: Generator) -> None:
    with raw_server(always(OK)) as server:
        done = load(load.plan(server.url, "GET /\nHTTP 200\n", users=2, time="1s", think="100ms"))
        assert 10 <= len(server.requests) <= 22
        assert done.summary["latency_ms"]["p50"] < 80


def test_stages_raise_and_lower_the_users(load: Generator) -> None:
    stages = [{"users": 1, "for": "1s"}, {"users": 6, "for": "1s"}, {"users": 2, "for": "1s"}]
    with raw_server(always(OK)) as server:
        done = load(load.plan(server.url, "GET /\nHTTP 200\n", stages=stages, think="5ms", threads=2))
    assert done.status == 0, done.said
    users = [s["users"] for s in done.seconds]
    assert users[0] in (1, 6) and max(users) == 6 and users[-1] == 2


def test_the_warm_up_is_not_in_the_totals(load: Generator) -> None:
    with raw_server(always(OK)) as server:
        done = load("-c", "1", "-d", "1", "--warm", "0.5", server.url)
        warm = [s for s in done.seconds if s["warm"]]
        measured = [s for s in done.seconds if not s["warm"]]
        assert len(warm) == 1 and abs(warm[0]["end"] - 0.5) < 0.2
        assert done.summary["requests"] == sum(s["all"]["requests"] for s in measured) < len(server.requests)
        assert 0.9 < done.summary["seconds"] < 1.5


# ---- ends ----


def test_too_many_errors_end_the_run(load: Generator) -> None:
    with raw_server(always(answer(b"", "500 Oops"))) as server:
        plan = load.plan(server.url, "GET /\nHTTP 200\n", users=1, time="30s", stop={"errors": "20%", "window": "1s"})
        done = load(plan, timeout=20)
    assert done.status == 1
    assert (done.summary["end"], done.summary["state"]) == ("errors", "failed")


def test_a_threshold_that_does_not_hold_sets_the_status(load: Generator) -> None:
    with raw_server(always(OK)) as server:
        plan = load.plan(server.url, "GET /\nHTTP 200\n", users=1, requests=10, thresholds=[{"rate": 1e9}])
        assert load(plan).status == 99


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_and_everything_is_written(load: Generator, number: int) -> None:
    with raw_server(always(OK)) as server:
        process = load.begin("-c", "2", "-d", "60", server.url)
        assert wait_for(lambda: len(server.requests) > 10)
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
        done = Outcome(process.returncode, said, load.report)
        assert done.status == 0, said
        assert (done.summary["end"], done.summary["state"]) == ("stopped", "stopped")
        assert done.summary["requests"] == len(server.requests)


def test_a_signal_before_anything_was_measured_gives_130(load: Generator) -> None:
    with raw_server(never) as server:
        process = load.begin("-c", "2", "-d", "60", server.url)
        assert wait_for(lambda: len(server.requests) == 2)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert process.poll() is None, "requests on their way have their grace"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=3)
        assert process.returncode == 130, said
        assert Outcome(130, said, load.report).summary["unfinished"] == 2


def test_control_lines_change_the_users_and_stop(load: Generator) -> None:
    ours, theirs = socket.socketpair()
    with raw_server(always(OK)) as server, ours, theirs:
        fd = theirs.fileno()
        plan = load.plan(server.url, "GET /\nHTTP 200\n", users=1, time="1s", think="5ms")
        process = load.begin("--control", str(fd), plan, pass_fds=[fd])
        assert wait_for(lambda: server.connections == 1)
        ours.sendall(b"users 7\nnonsense\n")
        assert wait_for(lambda: server.connections == 7)
        time.sleep(1.5)
        assert process.poll() is None, "the plan's end is replaced, too"
        ours.sendall(b"stop\n")
        _, said = process.communicate(timeout=20)
        assert process.returncode == 0, said
        assert "'nonsense' is none of users N, stop" in said


def test_the_stream_has_start_seconds_and_end(load: Generator) -> None:
    read, write = os.pipe()
    with raw_server(always(OK)) as server:
        process = load.begin("-c", "1", "-d", "1", "--stream", str(write), server.url, pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as lines:
            kinds = [json.loads(line)["type"] for line in lines]
        process.communicate(timeout=20)
    assert kinds[0] == "start" and kinds[-1] == "end" and set(kinds[1:-1]) == {"second"}


# ---- words ----


@pytest.mark.parametrize(
    "args, message",
    [
        (["--usrs", "3", "http://x/"], "--usrs: no such option"),
        (["-c"], "a value is missing"),
        ([], "an address or a plan is missing"),
        (["http://x/", "http://y/"], "one address or plan too many"),
        (["-c", "ten", "http://x/"], "'ten'"),
        (["-H", "nothing", "http://x/"], "not of the form 'Name: value'"),
        (["--live", "loud", "http://x/"], "'loud' is none of auto, screen, lines, off"),
        (["--stream", "900", "http://x/"], "no open descriptor"),
        (["no-such-plan.json"], "no-such-plan.json"),
        (["-b", "@no-such-file", "http://x/"], "no-such-file"),
        (["ftp://x/"], "ftp://x/"),
    ],
)
def test_wrong_words_end_it_with_a_message(load: Generator, args: list[str], message: str) -> None:
    done = load(*args)
    assert done.status == 2
    assert done.said.startswith("citrate-load: ")
    assert message in done.said


def test_help_and_version_are_told(load: Generator) -> None:
    assert "usage: citrate-load" in load("--help").said
    assert load("--version").said == f"citrate-load {citrate.__version__}\n"


def test_ten_thousand_thinking_users_are_small(load: Generator) -> None:
    """They ask for nothing but room: think times are far longer than the run."""
    with raw_server(always(OK)) as server:
        journey = "# @once\n# @think 1h\nGET /\n[Options]\ndelay: 1h\nHTTP 200\n"
        done = load("-c", "1", "-d", "1", load.plan(server.url, journey))
        base = done.seconds[-1]["rss"]
        done = load("-c", "10000", "-d", "1", load.plan(server.url, journey))
    assert done.seconds[-1]["users"] == 10000
    assert (done.seconds[-1]["rss"] - base) / 10000 < 4096
