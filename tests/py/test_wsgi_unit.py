"""The glue between Python and the server: environ, input, results, what is kept and what is shared."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from citrate import _native
from rawhttp import Conn, get, post, post_chunked
from server import KIND, Server, wait_for

pytestmark = pytest.mark.skipif(KIND != "citrate", reason="looks into Citrate's own objects")

CONSTANT = {
    "SCRIPT_NAME": "", "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_METHOD": "GET", "wsgi.version": [1, 0],
    "wsgi.url_scheme": "http", "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
    "wsgi.input_terminated": True, "wsgi.input": "Input", "wsgi.errors": "Errors", "wsgi.file_wrapper": "type",
    "REMOTE_ADDR": "127.0.0.1", "SERVER_NAME": "127.0.0.1", "SERVER_SOFTWARE": f"citrate/{_native.__version__}",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(start_for_module: Callable[..., Server]) -> Server:
    return start_for_module("apps.glue:app", "--log-level", "debug")


def ask(server: Server, path: str, *fields: str) -> Any:
    """The JSON an application of apps/glue.py answers with."""
    resp = server.fetch(path, *fields)
    assert resp.status == 200, server.log()[-2000:]
    return json.loads(resp.body)


# ---- environ ----


def test_an_environ_has_what_pep_3333_wants(server: Server) -> None:
    env = ask(server, "/environ?a=1&b=%20")
    assert {k: env.get(k) for k in CONSTANT} == CONSTANT
    assert env["PATH_INFO"] == "/environ"
    assert env["QUERY_STRING"] == "a=1&b=%20"
    assert env["RAW_URI"] == env["REQUEST_URI"] == "/environ?a=1&b=%20"
    assert env["SERVER_PORT"] == str(server.port)
    assert 1024 <= int(env["REMOTE_PORT"]) <= 65535
    assert "CONTENT_LENGTH" not in env
    assert "CONTENT_TYPE" not in env


def test_the_process_environment_is_not_in_it(server: Server) -> None:
    assert "PATH" not in ask(server, "/environ")


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ("/%41%2f%2F%e2%82%ac", "/A//\u00e2\u0082\u00ac"),
        ("/a%zzb%4", "/a%zzb%4"),
        ("/%", "/%"),
        ("/%25%34%31", "/%41"),
        ("/" + "long/" * 100 + "%20", "/" + "long/" * 100 + " "),
        ("/a;b,c=d", "/a;b,c=d"),
    ],
)
def test_a_path_is_decoded_once(server: Server, sent: str, path: str) -> None:
    env = ask(server, sent + "?q=%41")
    assert (env["PATH_INFO"], env["QUERY_STRING"], env["RAW_URI"]) == (path, "q=%41", sent + "?q=%41")


def test_every_method_is_told(server: Server) -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "x-mine"):
        assert json.loads(server.fetch("/environ", method=method).body)["REQUEST_METHOD"] == method


def test_an_asterisk_is_no_path(server: Server) -> None:
    with server.connect() as c:
        env = json.loads(c.exchange(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").body)
    assert (env["PATH_INFO"], env["REQUEST_URI"]) == ("", "*")


def test_the_authority_of_an_absolute_target_stands_over_host(server: Server) -> None:
    with server.connect() as c:
        env = json.loads(c.exchange(b"GET http://a.example:81/p%20q?r HTTP/1.1\r\nHost: b\r\n\r\n").body)
    assert (env["HTTP_HOST"], env["PATH_INFO"], env["QUERY_STRING"]) == ("a.example:81", "/p q", "r")
    assert env["REQUEST_URI"] == "http://a.example:81/p%20q?r"


def test_a_request_without_host_has_none(server: Server) -> None:
    with server.connect() as c:
        env = json.loads(c.exchange(b"GET /environ HTTP/1.0\r\n\r\n").body)
    assert "HTTP_HOST" not in env
    assert env["SERVER_PROTOCOL"] == "HTTP/1.0"
    assert ask(server, "/environ")["HTTP_HOST"] == "t"


@pytest.mark.parametrize("field", ["Authorization: Bearer of-a", "Cookie: of-a", "Content-Type: of/a", "X-Of-A: x"])
def test_a_field_in_the_place_of_host_does_not_reach_the_next_client(server: Server, field: str) -> None:
    name = field.partition(":")[0].upper().replace("-", "_")
    with server.connect() as a:
        env = json.loads(a.exchange(f"GET /environ HTTP/1.0\r\n{field}\r\n\r\n".encode()).body)
    assert any(key.endswith(name) for key in env)
    for _ in range(3):
        env = ask(server, "/environ")
        assert not any(key.endswith(name) for key in env)
        assert env["HTTP_HOST"] == "t"


def test_requests_without_host_and_with_a_field_follow_each_other(server: Server) -> None:
    with server.connect() as c:
        for n in range(4):
            r = c.exchange(f"GET /environ HTTP/1.0\r\nConnection: keep-alive\r\nX-N{n}: v\r\n\r\n".encode())
            env = json.loads(r.body)
            assert {k for k in env if k.startswith("HTTP_")} == {"HTTP_CONNECTION", f"HTTP_X_N{n}"}
            r = c.exchange(b"GET /environ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert {k for k in json.loads(r.body) if k.startswith("HTTP_")} == {"HTTP_CONNECTION"}


def test_fields_of_one_name_are_joined(server: Server) -> None:
    env = ask(server, "/environ", "X-A: 1", "x-a: 1", "X-A: 2", "Cookie: a=b", "Cookie: c=d", "Accept: x")
    assert (env["HTTP_X_A"], env["HTTP_COOKIE"], env["HTTP_ACCEPT"]) == ("1,1,2", "a=b; c=d", "x")


def test_a_name_with_an_underscore_is_left_out_and_said(server: Server) -> None:
    mark = server.log_mark()
    env = ask(server, "/environ", "X_A: forged", "X-A: right", "Content_Length: 5", "X_: y")
    assert env["HTTP_X_A"] == "right"
    assert "CONTENT_LENGTH" not in env
    assert "HTTP_CONTENT_LENGTH" not in env
    assert "forged" not in env.values()
    server.wait_log("X_A left out", mark)


def test_values_are_latin_1(server: Server) -> None:
    with server.connect() as c:
        env = json.loads(c.exchange(b"GET /environ HTTP/1.1\r\nHost: h\r\nX-A: \xe4\xff\r\n\r\n").body)
    assert env["HTTP_X_A"] == "\u00e4\u00ff"


def test_type_and_length_of_a_body_are_told(server: Server) -> None:
    with server.connect() as c:
        env = json.loads(c.exchange(post("/environ", b"hello", "Content-Type: a/b")).body)
        assert (env["CONTENT_TYPE"], env["CONTENT_LENGTH"]) == ("a/b", "5")
        env = json.loads(c.exchange(post_chunked("/environ", [b"hello"])).body)
        assert "CONTENT_LENGTH" not in env
        assert env["HTTP_TRANSFER_ENCODING"] == "chunked"


def test_hundreds_of_different_fields_and_values_are_all_right(server: Server) -> None:
    with server.connect() as c:
        for i in range(40):
            fields = [f"X-N{i}-{j}: v{i * j}" for j in range(50)]
            env = json.loads(c.exchange(get(f"/p{i}?{i}", *fields)).body)
            assert [env[f"HTTP_X_N{i}_{j}"] for j in range(50)] == [f"v{i * j}" for j in range(50)]
            assert env["PATH_INFO"] == f"/p{i}"


def test_a_long_name_and_a_long_value_are_whole(server: Server) -> None:
    name, value = "X-" + "n" * 300, "v" * 3000
    assert ask(server, "/environ", f"{name}: {value}")["HTTP_" + name.upper().replace("-", "_")] == value


@pytest.mark.parametrize("spoiler", ["/spoil_environ", "/swap_environ", "/clear_environ"])
def test_what_one_request_does_to_its_environ_no_other_sees(server: Server, spoiler: str) -> None:
    with server.connect() as c:
        before = json.loads(c.exchange(get("/environ?x", "X-A: 1")).body)
        assert c.exchange(get(spoiler)).status == 200
        assert json.loads(c.exchange(get("/environ?x", "X-A: 1")).body) == before
        assert "HTTP_X_A" not in json.loads(c.exchange(get("/environ?x")).body)


def test_what_an_application_keeps_is_its_own_and_over(server: Server) -> None:
    with server.connect() as c:
        c.exchange(get("/keep_all"))
        for _ in range(3):
            found = json.loads(c.exchange(get("/kept")).body)
    assert not (found["environ is"] or found["input is"] or found["start is"])
    assert found["path"] == "/keep_all"
    assert found["closed"]
    for name in ("read", "readline", "next", "readinto", "write"):
        assert found[name] == "ValueError: the request is over"
    assert found["start"].startswith("ValueError: start_response() was called after")


def test_addresses_of_ipv6(start: Callable[..., Server]) -> None:
    server = start("apps.glue:app", binds=["[::1]:18399"], ready=lambda: _listens(("::1", 18399)))
    with Conn(("::1", 18399)) as c:
        env = json.loads(c.exchange(get("/environ")).body)
    assert (env["REMOTE_ADDR"], env["SERVER_NAME"], env["SERVER_PORT"]) == ("::1", "[::1]", "18399")
    assert server.workers()


def _listens(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, 0.2).close()
    except OSError:
        return False
    return True


def test_addresses_of_a_unix_socket(start: Callable[..., Server], tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    start("apps.glue:app", binds=[f"unix:{path}"], ready=lambda: Path(path).exists())
    with Conn(path) as c:
        env = json.loads(c.exchange(get("/environ", host="a.example:8080")).body)
        assert (env["REMOTE_ADDR"], env["REMOTE_PORT"]) == ("", "")
        assert (env["SERVER_NAME"], env["SERVER_PORT"]) == ("a.example", "8080")
        env = json.loads(c.exchange(get("/environ", "X-Forwarded-Proto: https", host="[::1]")).body)
        assert (env["SERVER_NAME"], env["SERVER_PORT"], env["wsgi.url_scheme"]) == ("[::1]", "443", "https")
    with Conn(path) as c:
        env = json.loads(c.exchange(b"GET /environ HTTP/1.0\r\n\r\n").body)
        assert (env["SERVER_NAME"], env["SERVER_PORT"]) == ("localhost", "80")


@pytest.mark.parametrize(
    ("allowed", "fields", "scheme"),
    [
        ("127.0.0.1", ["X-Forwarded-Proto: https"], "https"),
        ("127.0.0.1", ["X-Forwarded-Proto: HTTPS"], "https"),
        ("127.0.0.1", ["X-Forwarded-Proto: http"], "http"),
        ("127.0.0.1", ["X-Forwarded-Proto: https", "X-Forwarded-Proto: http"], "http"),
        ("127.0.0.1", ["X-Forwarded-Proto: https, http"], "http"),
        ("127.0.0.1", [], "http"),
        ("*", ["X-Forwarded-Proto: https"], "https"),
        ("10.0.0.0/8, 127.0.0.0/29", ["X-Forwarded-Proto: https"], "https"),
        ("::ffff:127.0.0.1", ["X-Forwarded-Proto: https"], "https"),
        ("10.0.0.1,::1,127.0.0.8/29", ["X-Forwarded-Proto: https"], "http"),
    ],
)
def test_the_scheme_is_believed_from_proxies_named(
    start: Callable[..., Server], allowed: str, fields: list[str], scheme: str
) -> None:
    server = start("apps.glue:app", "--forwarded-allow-ips", allowed)
    assert ask(server, "/environ", *fields)["wsgi.url_scheme"] == scheme
    assert ask(server, "/environ")["wsgi.url_scheme"] == "http"


# ---- input ----

BODY = b"one\ntwo\n\nlonger line\nlast"
STEPS = {
    "r": [BODY.decode()], "n": [BODY.decode()], "r,r": [BODY.decode(), ""], "r3,r5,r": ["one", "\ntwo\n", BODY[8:].decode()],
    "r0,r1": ["", "o"], "l,l,l,l,l,l": ["one\n", "two\n", "\n", "longer line\n", "last", ""],
    "l2,l2,l2": ["on", "e\n", "tw"], "L": [["one\n", "two\n", "\n", "longer line\n", "last"]],
    "L5,L": [["one\n", "two\n"], ["\n", "longer line\n", "last"]], "i,r4,i": ["one\n", "two\n", "\n"],
    "r,i,l,L": [BODY.decode(), "(end)", "", []], "b4,b30": [[4, "one\n"], [len(BODY) - 4, BODY[4:].decode() + "\0" * 9]],
    "r25,r": [BODY.decode()[:25], BODY.decode()[25:]], "r1000,r": [BODY.decode(), ""], "l100,r": ["one\n", BODY[4:].decode()],
}  # fmt: skip


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("chunks", [0, 1, 7, 1000], ids=["length", "bytes", "sevens", "one-chunk"])
def test_input_is_read_as_a_file(server: Server, steps: str, chunks: int) -> None:
    path = f"/read_in_steps?{steps}"
    request = (
        post_chunked(path, [BODY[i : i + chunks] for i in range(0, len(BODY), chunks)]) if chunks else post(path, BODY)
    )
    with server.connect() as c:
        assert json.loads(c.exchange(request).body) == STEPS[steps]
        assert c.exchange(get("/ready")).body == b'"ready"'


def test_no_body_is_an_empty_file(server: Server) -> None:
    assert ask(server, "/read_in_steps?r,l,L,i,b4,r5") == ["", "", [], "(end)", [0, "\0\0\0\0"], ""]


def test_a_large_body_is_read_in_any_step(server: Server) -> None:
    body = b"".join(b"%07d\n" % i for i in range(200_000))
    with server.connect() as c:
        lines = json.loads(c.exchange(post("/read_in_steps?r8,L,r", body)).body)
        assert (lines[0], len(lines[1]), lines[1][-1]) == ("0000000\n", 199_999, "0199999\n")
        assert json.loads(c.exchange(post("/read_in_steps?r", body)).body) == [body.decode()]
        assert json.loads(c.exchange(post("/read_in_steps?l,r1599992,r", body)).body) == [
            "0000000\n",
            body[8:].decode(),
            "",
        ]


def test_the_standard_library_reads_it(server: Server) -> None:
    with server.connect() as c:
        assert json.loads(c.exchange(post("/read_wrapped", BODY)).body) == BODY.decode().splitlines(True)


def test_another_thread_may_read_it(server: Server) -> None:
    with server.connect() as c:
        assert json.loads(c.exchange(post("/read_in_thread", BODY)).body) == BODY.decode()


def test_wrong_arguments_are_type_errors(server: Server) -> None:
    with server.connect() as c:
        assert json.loads(c.exchange(post("/read_wrongly", BODY)).body) == ["TypeError"] * 3 + ["BufferError"]


# ---- results ----


def test_a_file_that_decodes_is_read_not_sent(server: Server) -> None:
    assert server.fetch("/file_of_gzip").body == b"plain text " * 1000


@pytest.mark.parametrize("kind", ["raw", "buffered", "random", "memory", "upper", "upper_buffered"])
@pytest.mark.parametrize(
    ("offset", "length"), [(0, ""), (5, ""), (5, "1000"), (103_999, ""), (104_000, ""), (200_000, "")]
)
def test_a_file_is_sent_from_where_it_stands(server: Server, kind: str, offset: int, length: str) -> None:
    whole = bytes(range(97, 123)) * 4000
    body = whole[offset : offset + int(length) if length else None]
    if kind == "upper":
        body = body.upper()
    resp = server.fetch(f"/file_from_offset?{kind},{offset},{length}")
    assert resp.body == body
    if kind in ("raw", "buffered", "random") and body:
        assert resp.framing == "length", "the file was read, not sent"


def test_a_file_is_closed_once_on_the_thread_of_its_request(server: Server) -> None:
    before = len(server.recorded(kind="close", name="file"))
    assert server.fetch("/file_closed_on_its_thread").body == b"noted"
    wait_for(lambda: len(server.recorded(kind="close", name="file")) > before)
    assert [r["thread"] for r in server.recorded(kind="close", name="file")[before:]] == [True]


def test_the_wrapper_is_an_iterable_of_its_own(server: Server) -> None:
    found = ask(server, "/file_wrapper_alone")
    assert found == [4, "BytesIO", ["abcd", "ef"], True, None, "TypeError", "ValueError", "TypeError"]


def test_the_iterator_of_a_list_has_a_length(server: Server) -> None:
    resp = server.fetch("/container")
    assert (resp.framing, resp.body) == ("length", b"a" * 5000 + b"b" * 5000)
    assert wait_for(lambda: server.recorded(kind="close", name="container"))


def test_a_very_long_list_is_not_joined(server: Server) -> None:
    resp = server.fetch("/long_list")
    assert (resp.framing, len(resp.body), set(resp.body)) == ("chunked", 20_000_000, {120})


# ---- going wrong ----


def test_a_forked_child_that_returns_is_ended(server: Server) -> None:
    mark = server.log_mark()
    with server.connect() as c:
        assert json.loads(c.exchange(get("/fork_and_return")).body) == 70
        assert c.exchange(get("/fork_in_generator")).body == b"parent 70"
        assert json.loads(c.exchange(get("/fork_properly")).body) == 7
        assert json.loads(c.exchange(get("/run_a_program")).body) == "1\n"
    assert len(re.findall("forked and the child came back", server.log_since(mark))) == 2


@pytest.mark.parametrize(
    ("how", "name"), [("exit", "SystemExit: 3"), ("keyboard", "KeyboardInterrupt"), ("timeout", "RequestTimeout")]
)
def test_no_exception_leaves_the_request(server: Server, how: str, name: str) -> None:
    mark, workers = server.log_mark(), server.workers()
    assert server.fetch(f"/leave?{how}").status == 500
    server.wait_log(f"Error handling request GET /leave.*{name}", mark)
    assert server.workers() == workers


def test_a_request_over_its_time_is_interrupted_where_it_is(start: Callable[..., Server]) -> None:
    server = start("apps.glue:app", "--timeout", "1")
    mark = server.log_mark()
    resp = server.fetch("/too_slow")
    assert resp.status == 504
    assert wait_for(lambda: server.recorded(kind="finally"))
    assert [(r["type"], r["exception"]) for r in server.recorded(kind="interrupted")] == [("RequestTimeout", False)]
    assert not server.recorded(kind="swallowed")
    server.wait_log(r"GET /too_slow is over its time limit.*in too_slow", mark)
    assert ask(server, "/ready") == "ready"


# ---- errors ----


def test_wsgi_errors_writes_whole_lines(server: Server) -> None:
    mark = server.log_mark()
    assert ask(server, "/say") == [4, False]
    text = server.wait_log("unfinishedabc", mark)
    lines = [re.sub(r"^\[.*?\] \[\d+\] \[ERROR\] ", "", line) for line in text.splitlines()]
    for line in ("one 1", "two pieces", "and three", "four", "wide \u20ac \\udc80", "flushed", "unfinishedabc"):
        assert line in lines
    assert any(line.startswith("y" * 8000) for line in lines), "a line that is too long is cut, not lost"


def test_wsgi_errors_takes_text_only(server: Server) -> None:
    assert ask(server, "/say_wrongly") == "wsgi.errors takes str, not bytes"


# ---- the module ----


def test_a_worker_counts_and_no_other_process(server: Server) -> None:
    before = ask(server, "/counters")
    ask(server, "/ready")
    after = ask(server, "/counters")
    assert after["requests"] >= before["requests"] + 2
    with pytest.raises(RuntimeError, match="only in a worker"):
        _native.counters()


def test_settings_have_default_and_range() -> None:
    settings = _native.settings()
    assert settings["threads"][1:] == (1, 1024)
    assert settings["forwarded_allow_ips"] == ("127.0.0.1,::1", None, None)
    for default, least, most in settings.values():
        assert (least is None and most is None) or least <= default <= most


@pytest.mark.parametrize(
    ("conf", "error", "text"),
    [
        ({"nonsense": 1}, ValueError, "setting 'nonsense' is not known"),
        ({"threads": 0}, ValueError, "setting 'threads' is 0, allowed is 1 to 1024"),
        ({"threads": "4"}, ValueError, "setting 'threads' is a number"),
        ({"pid": 4}, ValueError, "setting 'pid' is a text"),
        ({"pid": "a\0b"}, ValueError, "null"),
        ({"threads": 1 << 80}, OverflowError, ""),
        ({4: 4}, TypeError, "names of settings"),
        ([], TypeError, "must be a dict"),
        ({"forwarded_allow_ips": "10.0.0.1, nowhere"}, ValueError, "'nowhere' is no address"),
        ({"forwarded_allow_ips": "10.0.0.0/33"}, ValueError, "10.0.0.0/33"),
        ({"forwarded_allow_ips": "::1/129"}, ValueError, "::1/129"),
        ({"forwarded_allow_ips": 4}, ValueError, "is a text"),
        ({"error_logfile": "/nonexistent/dir/log"}, OSError, "/nonexistent/dir/log"),
    ],
)
def test_a_setting_that_cannot_be_says_why(conf: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        _native.supervise(conf, ["127.0.0.1:1"], lambda index: None)


def test_arguments_of_supervise_are_checked() -> None:
    with pytest.raises(TypeError, match="callable"):
        _native.supervise({}, [], None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="callable"):
        _native.supervise({}, [], print, 5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="bind is a str"):
        _native.supervise({}, [5], print)  # type: ignore[list-item, arg-type]
