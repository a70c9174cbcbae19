"""What a request means and an answer must be (RFC 9110), as an application sees it (PEP 3333)."""

from __future__ import annotations

import json

import pytest
from rawhttp import Conn, Response, get, post
from server import Server


def ask(server: Server, data: bytes) -> Response:
    """One exchange on a connection of its own."""
    with server.connect() as c:
        return c.exchange(data)


def environ_of(server: Server, data: bytes) -> dict[str, str]:
    """The environ that the application saw."""
    return json.loads(ask(server, data).body)["environ"]


# ---- HEAD ----

HEADS = ["/plain?id=1", "/big?n=100000", "/stream?n=3", "/status?s=200+OK&n=5", "/status?s=404+Not+Found&n=5",
         "/status?s=200+OK&n=5&cl=5", "/status?s=302+Found", "/status?s=500+Oops&n=3"]  # fmt: skip


@pytest.mark.parametrize("path", HEADS)
def test_head_is_get_without_a_body(probe: Server, path: str) -> None:
    with probe.connect() as c:
        full = c.exchange(get(path))
        head = c.exchange(get(path, method="HEAD"))
        assert head.status == full.status
        assert head.get("content-type") == full.get("content-type")
        assert head.get("server") == full.get("server")
        # RFC 9110 9.3.2: what is only known once the content is made may be left out, but not differ.
        assert head.get("content-length") in (full.get("content-length"), None if "cl=" not in path else "")
        assert c.exchange(get("/plain?id=next")).body == b"hello next", "a body followed the answer to HEAD"


def test_head_of_1_0_is_answered_and_closed(probe: Server) -> None:
    with probe.connect() as c:
        head = c.exchange(get("/stream?n=3", method="HEAD", minor=0))
        assert head.status == 200
        c.expect_end()


# ---- statuses without a body ----


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
@pytest.mark.parametrize(
    "query", ["", "&n=5", "&cl=0", "&cl=5&n=5"], ids=["bare", "with_body", "length_0", "length_and_body"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_no_body_with_204_and_304(probe: Server, status: str, query: str, method: str) -> None:
    """Neither body nor Transfer-Encoding; with 204 no Content-Length either (RFC 9110 8.6)."""
    with probe.connect() as c:
        resp = c.exchange(get(f"/status?s={status.replace(' ', '+')}{query}", method=method))
        assert resp.status == int(status[:3])
        if status.startswith("204"):
            assert resp.get("content-length") is None
        assert resp.get("transfer-encoding") is None
        assert c.exchange(get("/plain?id=next")).body == b"hello next"


def test_205_has_no_content(probe: Server) -> None:
    """RFC 9110 15.3.6: a length of 0, or an empty chunked body."""
    with probe.connect() as c:
        resp = c.exchange(get("/status?s=205+Reset+Content"))
        assert (resp.status, resp.body) == (205, b"")
        assert c.exchange(get("/plain?id=next")).body == b"hello next"


@pytest.mark.parametrize("status", [200, 201, 202, 203, 206, 207, 300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405,
                                    406, 409, 410, 411, 412, 413, 415, 416, 418, 422, 428, 429, 451, 500, 501, 502, 503, 504,
                                    599, 600, 799, 999])  # fmt: skip
def test_every_status_goes_out_as_the_application_said(probe: Server, status: int) -> None:
    with probe.connect() as c:
        resp = c.exchange(get(f"/status?s={status}+My+Reason&n=2"))
        assert (resp.status, resp.reason, resp.body) == (status, b"My Reason", b"xx")
        assert c.exchange(get("/plain?id=next")).body == b"hello next"


# ---- framing of answers ----


def test_a_known_length_is_said(probe: Server) -> None:
    resp = ask(probe, get("/big?n=70000"))
    assert (resp.framing, resp.get("content-length"), len(resp.body)) == ("length", "70000", 70000)


def test_an_unknown_length_is_chunked_to_1_1(probe: Server) -> None:
    with probe.connect() as c:
        resp = c.exchange(get("/stream?n=4&size=3"))
        assert (resp.framing, resp.body) == ("chunked", b"aaabbbcccddd")
        assert c.exchange(get("/plain?id=2")).body == b"hello 2"


def test_an_unknown_length_to_1_0_ends_with_the_connection(probe: Server) -> None:
    for field in ([], ["Connection: keep-alive"]):
        with probe.connect() as c:
            resp = c.exchange(get("/stream?n=4&size=3", *field, minor=0))
            assert (resp.framing, resp.body) == ("close", b"aaabbbcccddd")
            assert "keep-alive" not in resp.connection
            assert c.eof


def test_empty_pieces_do_not_end_a_chunked_answer(probe: Server) -> None:
    resp = ask(probe, get("/stream?n=3&size=0"))
    assert resp.body == b""
    assert resp.framing in ("chunked", "length")


def test_one_iterable_of_one_piece_without_length(probe: Server) -> None:
    with probe.connect() as c:
        resp = c.exchange(get("/status?s=200+OK&n=5"))
        assert resp.body == b"xxxxx"
        assert resp.framing in ("length", "chunked")
        resp = c.exchange(get("/status?s=200+OK&n=5", "Connection: keep-alive", minor=0))
        assert resp.body == b"xxxxx"


# ---- Date, Server ----


@pytest.mark.parametrize(
    "path", ["/plain", "/stream", "/status?s=404+N", "/status?s=204+N", "/status?s=304+N", "/status?s=500+E"]
)
def test_one_date_with_every_answer(probe: Server, path: str) -> None:
    """`Response.check` reads it; twice would raise."""
    assert len(ask(probe, get(path)).get_all("date")) == 1


def test_the_applications_own_date_and_server_stay(probe: Server) -> None:
    resp = ask(probe, get("/header?Server=mine/1"))
    assert resp.get_all("server") == ["mine/1"]
    with probe.connect() as c:
        c.send(get("/header?Date=Sun,+06+Nov+1994+08:49:37+GMT"))
        resp = c.read_response(check=False)
        assert resp.get_all("date") == ["Sun, 06 Nov 1994 08:49:37 GMT"]


def test_headers_keep_order_case_and_repetition(probe: Server) -> None:
    resp = ask(probe, get("/header?X-b=1&X-A=2&Set-Cookie=a%3D1&set-cookie=b%3D2&x-B=3"))
    mine = [h for h in resp.headers if h[0].lower() in ("x-a", "x-b", "set-cookie")]
    assert mine == [("X-b", "1"), ("X-A", "2"), ("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("x-B", "3")]


def test_the_answer_says_http_1_1(probe: Server) -> None:
    """RFC 9110 2.5: the highest version the server conforms to, whatever the client said."""
    for minor in (0, 1, 2, 9):
        with probe.connect() as c:
            c.send(get("/plain", minor=minor))
            assert c.read_response(request_minor=min(minor, 1)).minor == 1


# ---- targets ----

PATHS = [
    ("/", "/", ""), ("/a", "/a", ""), ("/a/", "/a/", ""), ("//", "//", ""), ("//a//b", "//a//b", ""),
    ("///keeping_slashes", "///keeping_slashes", ""), ("//host/path", "//host/path", ""), ("/a/../b", "/a/../b", ""),
    ("/./a", "/./a", ""), ("/..", "/..", ""), ("/a;b=c", "/a;b=c", ""), ("/a;b/c;d", "/a;b/c;d", ""), ("/a?", "/a", ""),
    ("/a??", "/a", "?"), ("/a?b=c&d=e", "/a", "b=c&d=e"), ("/a?b=%20+%2B%zz", "/a", "b=%20+%2B%zz"), ("/a?%E9=%00", "/a", "%E9=%00"),
    ("/a?b?c?d", "/a", "b?c?d"), ("/a?/b/../c", "/a", "/b/../c"), ("/a?http://x/", "/a", "http://x/"), ("/%2F", "//", ""),
    ("/%2f%2F", "///", ""), ("/%3F", "/?", ""), ("/%3f?x", "/?", "x"), ("/%23", "/#", ""), ("/%25", "/%", ""), ("/%2525", "/%25", ""),
    ("/%2e%2E/", "/../", ""), ("/a%20b", "/a b", ""), ("/a+b", "/a+b", ""), ("/%C3%A9", "/\xc3\xa9", ""), ("/%c3%a9", "/\xc3\xa9", ""),
    ("/%FF%fe", "/\xff\xfe", ""), ("/%E2%82%AC", "/\xe2\x82\xac", ""), ("/%41%42", "/AB", ""), ("/a:b@c", "/a:b@c", ""),
    ("/a=b&c", "/a=b&c", ""), ("/~user", "/~user", ""), ("/a,b", "/a,b", ""), ("/(a)'*!$", "/(a)'*!$", ""), ("/a%09b", "/a\tb", ""),
    ("/a%0d%0ab", "/a\r\nb", ""), ("/index.html", "/index.html", ""), ("/?", "/", ""), ("/?a", "/", "a"), ("/a%3Bb", "/a;b", ""),
]  # fmt: skip


@pytest.mark.parametrize(("target", "path", "query"), PATHS, ids=[p[0] for p in PATHS])
def test_a_target_becomes_path_info_and_query_string(probe: Server, target: str, path: str, query: str) -> None:
    """Path percent-decoded to latin-1 text, nothing normalised; the query as it came."""
    environ = environ_of(probe, get(target))
    assert environ["PATH_INFO"] == path
    assert environ.get("QUERY_STRING", "") == query
    assert environ["SCRIPT_NAME"] == ""


@pytest.mark.parametrize("byte", range(256), ids=lambda b: f"{b:02x}")
def test_every_percent_encoded_byte_is_decoded(probe: Server, byte: int) -> None:
    """%00 may be refused; anything else is the latin-1 character of that number."""
    with probe.connect() as c:
        resp = c.exchange(get(f"/x%{byte:02X}y?q=%{byte:02x}", "Connection: close"))
        if byte == 0 and resp.status == 400:
            return
        assert resp.status == 200
        environ = json.loads(resp.body)["environ"]
        assert environ["PATH_INFO"] == "/x" + chr(byte) + "y"
        assert environ["QUERY_STRING"] == f"q=%{byte:02x}"


def test_the_raw_target_is_at_hand_where_it_is_named(probe: Server) -> None:
    """RAW_URI and REQUEST_URI are no part of PEP 3333, but what they say must be true."""
    environ = environ_of(probe, get("/a%2Fb?c=%64"))
    for key in ("RAW_URI", "REQUEST_URI"):
        assert environ.get(key, "/a%2Fb?c=%64") == "/a%2Fb?c=%64"


# ---- fields to environ ----


def test_cookies_are_joined_with_a_semicolon(probe: Server) -> None:
    environ = environ_of(probe, get("/", "Cookie: a=1", "X: y", "cookie: b=2; c=3", "COOKIE: d=4"))
    assert environ["HTTP_COOKIE"] == "a=1; b=2; c=3; d=4"


def test_repeated_fields_are_joined_with_a_comma(probe: Server) -> None:
    environ = environ_of(probe, get("/", "X-A: 1", "X-B: x", "x-a: 2", "X-A: 3, 4", "Accept: a", "Accept: b"))
    assert [v.replace(" ", "") for v in (environ["HTTP_X_A"], environ["HTTP_ACCEPT"])] == ["1,2,3,4", "a,b"]
    assert environ["HTTP_X_B"] == "x"


def test_content_type_and_length_have_no_http_prefix(probe: Server) -> None:
    environ = environ_of(probe, post("/", b"hello", "Content-Type: text/plain; charset=x"))
    assert environ["CONTENT_TYPE"] == "text/plain; charset=x"
    assert environ["CONTENT_LENGTH"] == "5"
    assert not {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"} & environ.keys()


def test_no_content_fields_no_content_keys(probe: Server) -> None:
    environ = environ_of(probe, get("/"))
    assert environ.get("CONTENT_TYPE", "") == ""
    assert environ.get("CONTENT_LENGTH", "") == ""


def test_content_length_zero_is_kept(probe: Server) -> None:
    assert environ_of(probe, post("/", b""))["CONTENT_LENGTH"] == "0"


def test_a_content_type_sent_twice_does_not_fall_between(probe: Server) -> None:
    with probe.connect() as c:
        resp = c.exchange(post("/", b"x", "Content-Type: text/plain", "Content-Type: text/html"))
        if resp.status == 200:
            value = json.loads(resp.body)["environ"]["CONTENT_TYPE"].replace(" ", "")
            assert value in ("text/plain", "text/html", "text/plain,text/html")
        else:
            assert resp.status == 400


def test_names_are_upper_case_and_dashes_become_underscores(probe: Server) -> None:
    environ = environ_of(probe, get("/", "x-some-Name-9: v", "ETag.x: w"))
    assert environ["HTTP_X_SOME_NAME_9"] == "v"


def test_the_connections_ends_are_named(probe: Server) -> None:
    with probe.connect() as c:
        mine = c.sock.getsockname()
        environ = json.loads(c.exchange(get("/")).body)["environ"]
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ.get("REMOTE_PORT", str(mine[1])) == str(mine[1])
    assert environ["SERVER_PORT"] == str(probe.port)
    assert environ["SERVER_NAME"]
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"


def test_nothing_of_one_request_is_left_in_the_next(probe: Server) -> None:
    with probe.connect() as c:
        c.exchange(post("/a?q", b"hello", "X-Secret: s", "Content-Type: text/x", "Cookie: a=b", "Authorization: x"))
        environ = json.loads(c.exchange(get("/b")).body)["environ"]
        assert not any(v in ("s", "text/x", "a=b", "x", "q") for v in environ.values())
        assert "HTTP_X_SECRET" not in environ


# ---- OPTIONS, TRACE, Upgrade ----


def test_options_asterisk_reaches_the_application_or_is_answered(probe: Server) -> None:
    with probe.connect() as c:
        resp = c.exchange(get("*", method="OPTIONS"))
        assert resp.status in (200, 204)
        if resp.body.startswith(b"{"):
            assert json.loads(resp.body)["environ"]["PATH_INFO"] in ("*", "", "/*")
        assert c.exchange(get("/plain?id=2")).body == b"hello 2"


@pytest.mark.parametrize("data", [get("/", "Authorization: Bearer secret", method="TRACE"), post("/", b"hello", method="TRACE")],
                         ids=["plain", "with_a_body"])  # fmt: skip
def test_trace_is_the_applications_or_not_allowed(probe: Server, data: bytes) -> None:
    resp = ask(probe, data)
    assert resp.status in (200, 400, 405, 501)
    if resp.status == 405:
        assert resp.get("allow") is not None


def test_a_405_of_the_server_names_what_is_allowed(probe: Server) -> None:
    """RFC 9110 15.5.6."""
    with probe.connect() as c:
        resp = c.exchange(b"CONNECT t:1 HTTP/1.1\r\nHost: t:1\r\n\r\n")
        assert resp.status != 405 or resp.get("allow")


UPGRADES = [
    [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ],
    ["Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"],
    ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"],
    ["Connection: Upgrade", "Upgrade: totally-made-up/1.0"],
    ["Connection: keep-alive, upgrade", "Upgrade: TLS/1.0, HTTP/1.1"],
    ["Connection: Upgrade"],
]


@pytest.mark.parametrize("fields", UPGRADES, ids=["websocket", "no_connection", "h2c", "made_up", "tls", "no_upgrade"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_upgrade_is_not_followed(probe: Server, fields: list[str], method: str) -> None:
    with probe.connect() as c:
        resp = c.exchange(get("/plain?id=1", *fields, method=method))
        assert (resp.status, resp.body) == (200, b"hello 1")
        assert not resp.closes
        assert c.exchange(get("/plain?id=2")).body == b"hello 2"


def test_an_upgrade_in_1_0_is_not_followed(probe: Server) -> None:
    assert ask(probe, get("/plain", "Connection: Upgrade", "Upgrade: websocket", minor=0)).status == 200


# ---- half-closed clients ----


@pytest.mark.parametrize("path", ["/plain?id=1", "/sleep?ms=80&id=1", "/stream?n=3&ms=20", "/big?n=3000000"])
def test_a_half_closed_client_gets_its_answer(probe: Server, path: str) -> None:
    with probe.connect() as c:
        c.send(get(path))
        c.half_close()
        assert c.read_response().status == 200
        c.expect_end()


def test_a_half_closed_client_gets_all_its_answers(probe: Server) -> None:
    with probe.connect() as c:
        c.send(get("/plain?id=1") + post("/raw", b"two") + get("/sleep?ms=50&id=3") + get("/stream?n=2"))
        c.half_close()
        assert [c.read_response().body for _ in range(4)] == [b"hello 1", b"two", b"slept 3", b"aaaaabbbbb"]
        c.expect_end()


def test_a_half_closed_upload_is_answered(probe: Server) -> None:
    body = bytes(range(256)) * 4000
    with probe.connect() as c:
        c.send(post("/raw", body))
        c.half_close()
        assert c.read_response().body == body
        c.expect_end()


def test_the_client_may_reset_after_its_answer(probe: Server) -> None:
    for _ in range(20):
        with probe.connect() as c:
            assert c.exchange(get("/plain")).status == 200
            c.abort()
    assert Conn(probe.address).exchange(get("/plain")).status == 200
