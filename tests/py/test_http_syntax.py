"""The grammar of a request's head (RFC 9112 2, 3, 5; RFC 9110 5, 7.2), good and bad."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from rawhttp import get
from refusals import Bystander, Case, cases, check_refused, params
from server import Server

H = b"Host: t\r\n"
END = b"\r\n"


@pytest.fixture(scope="module")
def bystander(probe: Server) -> Iterator[Bystander]:
    b = Bystander(probe)
    yield b
    b.close()


def line(text: bytes) -> bytes:
    """A request with this request line and a good Host."""
    return text + b"\r\n" + H + END


def fields(text: bytes) -> bytes:
    """A request with these bytes after the Host field; they end their own lines."""
    return b"GET / HTTP/1.1\r\n" + H + text + END


def host(value: bytes) -> bytes:
    """A request with this Host."""
    return b"GET / HTTP/1.1\r\nHost:" + value + b"\r\n\r\n"


METHODS = cases(
    ("method_missing", line(b" / HTTP/1.1")),
    ("method_with_a_space", line(b"GE T / HTTP/1.1")),
    ("method_before_a_tab", line(b"GET\t/ HTTP/1.1")),
    ("method_in_quotes", line(b'"GET" / HTTP/1.1')),
    ("method_alone", line(b"GET")),
    ("method_and_target_alone", line(b"GET /")),
    ("method_and_version_alone", line(b"GET HTTP/1.1")),
    ("method_glued_to_text", line(b"Extra lineGET / HTTP/1.1")),
    *(
        (f"method_with_byte_{b:02x}", line(b"G" + bytes([b]) + b"T / HTTP/1.1"))
        for b in [*range(0x00, 0x0A), 0x0B, 0x0C, *range(0x0E, 0x20), *b'"(),/:;<=>?@[\\]{}', 0x7F, 0x80, 0xC3, 0xFF]
    ),
)

SPACES = cases(
    ("two_spaces_before_the_target", line(b"GET  / HTTP/1.1")),
    ("three_spaces_before_the_target", line(b"GET   / HTTP/1.1")),
    ("two_spaces_before_the_version", line(b"GET /  HTTP/1.1")),
    ("a_space_before_the_method", line(b" GET / HTTP/1.1")),
    ("a_tab_before_the_method", line(b"\tGET / HTTP/1.1")),
    ("a_space_after_the_version", line(b"GET / HTTP/1.1 ")),
    ("a_tab_after_the_version", line(b"GET / HTTP/1.1\t")),
    ("a_fourth_word", line(b"GET / HTTP/1.1 extra")),
    ("a_space_in_the_target", line(b"GET /pa th HTTP/1.1")),
    ("a_tab_before_the_version", line(b"GET /\tHTTP/1.1")),
    ("a_vertical_tab_between", line(b"GET\x0b/ HTTP/1.1")),
    ("a_form_feed_between", line(b"GET /\x0cHTTP/1.1")),
    ("a_nbsp_between", line(b"GET\xa0/ HTTP/1.1")),
    ("spaces_alone", b"   \r\n\r\n"),
    ("a_space_on_the_first_line", b" \r\nGET / HTTP/1.1\r\n" + H + END),
)

VERSIONS = cases(
    *(
        (f"version_{name}", line(b"GET / " + v))
        for name, v in {
            "without_minor": b"HTTP/1", "ending_in_a_dot": b"HTTP/1.", "without_major": b"HTTP/.1", "without_dot": b"HTTP/11",
            "with_three_parts": b"HTTP/1.1.1", "major_01": b"HTTP/01.1", "minor_01": b"HTTP/1.01", "minor_10": b"HTTP/1.10",
            "of_letters": b"HTTP/a.b", "minor_letter": b"HTTP/1.a", "negative": b"HTTP/-1.1", "plus": b"HTTP/+1.1",
            "with_a_space": b"HTTP/ 1.1", "space_before_slash": b"HTTP /1.1", "lower_case": b"http/1.1",
            "mixed_case": b"Http/1.1", "https": b"HTTPS/1.1", "htp": b"HTP/1.1", "ftp": b"FTP/1.1", "ice": b"ICE/1.0",
            "rtsp": b"RTSP/1.0", "ihttp": b"IHTTP/1.0", "xhttp": b"xHTTP/1.1", "trailing_x": b"HTTP/1.1x",
            "comma": b"HTTP/1,1", "nul": b"HTTP/1.1\x00", "nul_first": b"\x00HTTP/1.1", "superscript": b"HTTP/\xb9.1",
            "underscore": b"HTTP/1_1", "hex": b"HTTP/0x1.1", "empty": b"HTTP/", "slashless": b"HTTP1.1",
            "two_slashes": b"HTTP//1.1", "zeros": b"HTTP/01.01", "huge_major": b"HTTP/" + b"1" * 60 + b".1",
            "huge_minor": b"HTTP/1." + b"1" * 60, "word": b"HTTP", "h": b"H", "backslash": b"HTTP\\1.1",
        }.items()
    ),
    *((f"version_{v}", line(b"GET / HTTP/" + v.encode()), {400, 505}) for v in ("0.0", "0.9", "2.0", "2.1", "3.0", "5.6", "9.9")),
    ("http_2_preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
    ("http_0_9", b"GET /\r\n", {400, 505}, False),
    ("http_0_9_with_fields", b"GET /\r\n" + H + END, {400, 505}),
    ("no_version_but_a_space", line(b"GET / ")),
)  # fmt: skip

TARGETS = cases(
    *((f"target_with_byte_{b:02x}", line(b"GET /a" + bytes([b]) + b"b HTTP/1.1")) for b in
      [*range(0x00, 0x0A), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, 0x80, 0xA0, 0xC3, 0xE9, 0xFF]),
    *((f"query_with_byte_{b:02x}", line(b"GET /?a" + bytes([b]) + b"b HTTP/1.1")) for b in
      [0x00, 0x01, 0x09, 0x0B, 0x1F, 0x7F, 0x80, 0xFF]),
    ("target_utf8", line("GET /café HTTP/1.1".encode())),
    ("target_fragment", line(b"GET /path#frag HTTP/1.1")),
    ("target_fragment_after_query", line(b"GET /path?a#frag HTTP/1.1")),
    ("target_relative", line(b"GET foo HTTP/1.1")),
    ("target_relative_path", line(b"GET foo/bar HTTP/1.1")),
    ("target_dot", line(b"GET ./x HTTP/1.1")),
    ("target_dots", line(b"GET ../x HTTP/1.1")),
    ("target_query_alone", line(b"GET ?a=b HTTP/1.1")),
    ("target_backslash_first", line(b"GET \\x HTTP/1.1")),
    ("target_host_and_path", line(b"GET t/x HTTP/1.1")),
    ("target_authority_for_get", line(b"GET t:80 HTTP/1.1")),
    ("target_authority_for_post", line(b"POST t:80 HTTP/1.1")),
    ("target_asterisk_for_get", line(b"GET * HTTP/1.1")),
    ("target_asterisk_for_post", line(b"POST * HTTP/1.1")),
    ("target_asterisk_for_delete", line(b"DELETE * HTTP/1.1")),
    ("target_asterisk_and_more", line(b"OPTIONS */x HTTP/1.1")),
    ("target_asterisk_and_query", line(b"OPTIONS *?x HTTP/1.1")),
    ("target_two_asterisks", line(b"OPTIONS ** HTTP/1.1")),
    ("target_absolute_without_host", line(b"GET http:///x HTTP/1.1")),
    ("target_absolute_empty", line(b"GET http:// HTTP/1.1")),
    ("target_absolute_one_slash", line(b"GET http:/x HTTP/1.1")),
    ("target_absolute_no_slash", line(b"GET http:x HTTP/1.1")),
    ("target_absolute_bad_port", line(b"GET http://t:8a/ HTTP/1.1")),
    ("target_absolute_open_bracket", line(b"GET http://[::1/x HTTP/1.1")),
    ("target_absolute_bad_scheme", line(b"GET h!tp://t/ HTTP/1.1")),
    ("target_absolute_no_scheme", line(b"GET ://t/ HTTP/1.1")),
    ("target_absolute_space", line(b"GET http://t /x HTTP/1.1")),
    ("target_absolute_fragment", line(b"GET http://t/#x HTTP/1.1")),
    ("target_absolute_high_byte", line(b"GET http://t\xe9/ HTTP/1.1")),
    ("connect_authority", line(b"CONNECT t:443 HTTP/1.1"), {405, 501}),
    ("connect_1_0", line(b"CONNECT home_0.example:443 HTTP/1.0"), {405, 501}),
    ("connect_path", line(b"CONNECT /x HTTP/1.1"), {400}),
    ("connect_without_port", line(b"CONNECT t HTTP/1.1"), {400}),
    ("connect_with_a_length", b"CONNECT t:25 HTTP/1.1\r\n" + H + b"Content-Length: 3\r\n\r\nBOO", {400, 405, 501}),
)  # fmt: skip

LINE_ENDS = cases(
    ("bare_lf_after_the_request_line", b"GET / HTTP/1.1\n" + H + END),
    ("bare_lf_after_a_field", b"GET / HTTP/1.1\r\nHost: t\nX: y\r\n\r\n"),
    ("bare_lf_at_the_last_field", b"GET / HTTP/1.1\r\nHost: t\n\r\n"),
    ("bare_lf_as_the_empty_line", b"GET / HTTP/1.1\r\nHost: t\r\n\n"),
    ("bare_lf_everywhere", b"GET / HTTP/1.1\nHost: t\n\n"),
    ("bare_cr_after_the_request_line", b"GET / HTTP/1.1\rHost: t\r\n\r\n"),
    ("bare_cr_after_a_field", b"GET / HTTP/1.1\r\nHost: t\rX: y\r\n\r\n"),
    ("bare_cr_everywhere", b"GET / HTTP/1.1\rHost: t\r\r"),
    ("bare_cr_in_a_value", fields(b"X: val\rue\r\n")),
    ("bare_cr_after_a_colon", fields(b"X:\rTransfer-Encoding: chunked\r\n")),
    ("bare_lf_after_a_colon", fields(b"X:\nTransfer-Encoding: chunked\r\n")),
    ("bare_lf_in_a_value", fields(b"X: x\nTransfer-Encoding: chunked\r\n")),
    ("bare_cr_in_a_name", fields(b"X\rY: z\r\n")),
    ("two_crs_before_lf", fields(b"X: y\r\r\n")),
    ("lf_cr", b"GET / HTTP/1.1\n\rHost: t\n\r\n\r"),
    ("cr_and_text_at_the_end", b"GET / HTTP/1.1\r\nHost: t\r\n\rX: y\r\n\r\n"),
    ("cr_and_a_request_at_the_end", b"GET / HTTP/1.1\r\nHost: t\r\n\rZGET /evil HTTP/1.1\r\nHost: t\r\n\r\n"),
    ("two_crs_after_the_version", b"GET / HTTP/1.1\r\r\nHost: t\r\n\r\n"),
    ("lf_first", b"\nGET / HTTP/1.1\r\n" + H + END),
    ("cr_first", b"\rGET / HTTP/1.1\r\n" + H + END),
)

FIRST_BYTES = cases(
    ("nul_first", b"\x00GET / HTTP/1.1\r\n" + H + END),
    ("bom_first", b"\xef\xbb\xbfGET / HTTP/1.1\r\n" + H + END),
    ("tls_hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64))),
    ("ssh_banner", b"SSH-2.0-OpenSSH_9.2\r\n"),
    ("proxy_protocol", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\n" + H + END),
    ("socks", b"\x05\x01\x00"),
    ("response_not_request", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("garbage", bytes((i * 73 + 41) % 251 + 1 for i in range(256))),
    ("json_line", b'{"jsonrpc": "2.0"}\r\n'),
)

NAMES = cases(
    ("name_empty", fields(b": v\r\n")),
    ("name_empty_without_value", fields(b":\r\n")),
    ("space_before_colon", fields(b"X : v\r\n")),
    ("tab_before_colon", fields(b"X\t: v\r\n")),
    ("space_in_name", fields(b"Bad Name: v\r\n")),
    ("no_colon", fields(b"NoColonHere\r\n")),
    ("no_colon_but_a_space", fields(b"No Colon\r\n")),
    ("space_before_colon_of_host", b"GET / HTTP/1.1\r\nHost : t\r\n\r\n"),
    ("name_utf8", fields("X-Tëst: v\r\n".encode())),
    *(
        (f"name_with_byte_{b:02x}", fields(b"X" + bytes([b]) + b"Y: v\r\n"))
        for b in [*range(0x00, 0x0A), 0x0B, 0x0C, *range(0x0E, 0x21), *b'"(),/;<=>?@[\\]{}', 0x7F, 0x80, 0xC3, 0xFF]
    ),
)

FOLDS = cases(
    ("fold_with_a_space", fields(b"X: a\r\n b\r\n")),
    ("fold_with_a_tab", fields(b"X: a\r\n\tb\r\n")),
    ("fold_empty", fields(b"X: a\r\n \r\n")),
    ("fold_of_an_empty_value", fields(b"X:\r\n a\r\n")),
    ("fold_before_the_first_field", b"GET / HTTP/1.1\r\n " + H + END),
    ("fold_of_the_request_line", b"GET / HTTP/1.1\r\n  continued\r\n" + H + END),
    ("space_line_before_the_fields", b"GET / HTTP/1.1\r\n \r\n" + H + END),
    ("fold_of_host", b"GET / HTTP/1.1\r\nHost:\r\n t\r\n\r\n"),
    ("fold_hiding_a_length", b"POST /hello HTTP/1.1\r\nHost: t\r\nFoo: bar\r\n Content-Length: 38\r\n\r\n"),
    ("fold_of_a_name", fields(b"name\r\n : value\r\n")),
    ("fold_of_connection", fields(b"Connection: keep-alive,\r\n close\r\n")),
)

VALUES = cases(
    *(
        (f"value_with_byte_{b:02x}", fields(b"X: a" + bytes([b]) + b"b\r\n"))
        for b in [*range(0x00, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F]
    ),
    ("nul_at_the_start_of_a_value", fields(b"X: \0a\r\n")),
    ("nul_at_the_end_of_a_value", fields(b"X: a\0\r\n")),
    ("nul_in_a_cookie", fields(b"Cookie: a=\0b\r\n")),
    ("controls_in_a_cookie", fields(b"Cookie: a=\1\2\3\r\n")),
    ("nul_in_host", host(b" t\0u")),
)

HOSTS = cases(
    ("host_missing", b"GET / HTTP/1.1\r\n\r\n"),
    ("host_missing_beside_others", b"GET / HTTP/1.1\r\nX: y\r\n\r\n"),
    ("host_missing_with_an_absolute_target", b"GET http://t/ HTTP/1.1\r\n\r\n"),
    ("host_twice", b"GET / HTTP/1.1\r\nHost: t\r\nHost: u\r\n\r\n"),
    ("host_twice_the_same", b"GET / HTTP/1.1\r\nHost: t\r\nHost: t\r\n\r\n"),
    ("host_twice_apart", b"GET / HTTP/1.1\r\nHost: t\r\nX: y\r\nhOST: t\r\n\r\n"),
    ("host_twice_one_empty", b"GET / HTTP/1.1\r\nHost: t\r\nHost:\r\n\r\n"),
    ("host_twice_in_1_0", b"GET / HTTP/1.0\r\nHost: t\r\nHost: u\r\n\r\n"),
    ("host_empty", host(b"")),
    ("host_of_spaces", host(b"   ")),
    ("host_list", host(b" t, u")),
    ("host_with_a_space", host(b" bad host")),
    ("host_with_a_tab", host(b" bad\thost")),
    ("host_with_userinfo", host(b" user@t")),
    ("host_with_password", host(b" user:pw@t")),
    ("host_with_a_path", host(b" t/path")),
    ("host_with_a_query", host(b" t?q")),
    ("host_with_a_fragment", host(b" t#f")),
    ("host_with_a_scheme", host(b" http://t")),
    ("host_with_letters_for_a_port", host(b" t:abc")),
    ("host_with_a_negative_port", host(b" t:-1")),
    ("host_with_a_plus_port", host(b" t:+80")),
    ("host_with_two_ports", host(b" t:80:80")),
    ("host_with_a_space_before_the_port", host(b" t :80")),
    ("host_port_alone", host(b" :80")),
    ("host_ipv6_without_brackets", host(b" ::1")),
    ("host_ipv6_unclosed", host(b" [::1")),
    ("host_ipv6_unopened", host(b" ::1]")),
    ("host_ipv6_of_nonsense", host(b" [g::1]")),
    ("host_ipv6_and_text", host(b" [::1]x")),
    ("host_brackets_empty", host(b" []")),
    ("host_backslash", host(b" t\\u")),
    ("host_quotes", host(b' "t"')),
    ("host_angle", host(b" <t>")),
    ("host_caret", host(b" t^u")),
    ("host_braces", host(b" {t}")),
    ("host_pipe", host(b" t|u")),
    ("host_backtick", host(b" t`u")),
    ("host_high_byte", host(b" t\xe9")),
    ("host_utf8", host(" tést".encode())),
    ("host_delete", host(b" t\x7f")),
    ("host_bad_in_1_0", b"GET / HTTP/1.0\r\nHost: a b\r\n\r\n"),
)

ALL = [*METHODS, *SPACES, *VERSIONS, *TARGETS, *LINE_ENDS, *FIRST_BYTES, *NAMES, *FOLDS, *VALUES, *HOSTS]


@pytest.mark.parametrize(**params(ALL))
def test_a_malformed_head_is_refused(probe: Server, bystander: Bystander, case: Case) -> None:
    check_refused(probe, bystander, case)


def test_a_refusal_of_a_head_request_has_no_body(probe: Server, bystander: Bystander) -> None:
    check_refused(probe, bystander, Case("head", b"HEAD / HTTP/1.1\r\n" + H + b"X : y\r\n\r\n", method="HEAD"))


@pytest.mark.parametrize("case", [c for c in ALL if c.id in (
    "two_spaces_before_the_target", "version_lower_case", "bare_lf_after_a_field", "space_before_colon",
    "fold_with_a_tab", "value_with_byte_00", "host_twice", "host_with_userinfo", "target_with_byte_80",
)], ids=lambda c: c.id)  # fmt: skip
def test_a_refusal_does_not_depend_on_how_the_bytes_arrive(probe: Server, bystander: Bystander, case: Case) -> None:
    """Byte by byte; the server may refuse, and close, before the last byte was sent."""
    with probe.connect(5.0) as c:
        try:
            for i in range(len(case.data)):
                c.sock.send(case.data[i : i + 1])
        except (BrokenPipeError, ConnectionResetError):
            pytest.fail("the server closed before its answer could be read")
        resp = c.read_response()
        assert resp.status in case.statuses
        assert resp.closes
        c.expect_end()
    assert bystander.is_served()


GOOD = [
    ("lower_case_method", b"get / HTTP/1.1\r\n" + H + END, {"REQUEST_METHOD": "get"}),
    ("unknown_method", b"FOOBAR / HTTP/1.1\r\n" + H + END, {"REQUEST_METHOD": "FOOBAR"}),
    ("method_m_search", b"M-SEARCH / HTTP/1.1\r\n" + H + END, {"REQUEST_METHOD": "M-SEARCH"}),
    ("method_of_every_mark", b"!#$%&'*+-.^_`|~09 / HTTP/1.1\r\n" + H + END, {"REQUEST_METHOD": "!#$%&'*+-.^_`|~09"}),
    ("method_with_a_dash_first", b"-BLARGH /foo HTTP/1.1\r\n" + H + END, {"REQUEST_METHOD": "-BLARGH"}),
    *((f"method_{m}", f"{m} / HTTP/1.1\r\nHost: t\r\n\r\n".encode(), {"REQUEST_METHOD": m}) for m in
      ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "MKCOL", "REPORT", "PURGE", "QUERY", "LINK")),
    ("one_empty_line_first", b"\r\nGET /a HTTP/1.1\r\n" + H + END, {"PATH_INFO": "/a"}),
    ("two_empty_lines_first", b"\r\n\r\nGET /a HTTP/1.1\r\n" + H + END, {"PATH_INFO": "/a"}),
    ("asterisk", b"OPTIONS * HTTP/1.1\r\n" + H + END, {"REQUEST_METHOD": "OPTIONS"}),
    ("absolute", b"GET http://other.example/x?y HTTP/1.1\r\n" + H + END,
     {"PATH_INFO": "/x", "QUERY_STRING": "y", "HTTP_HOST": "other.example"}),
    ("absolute_with_port", b"GET http://other.example:8080/x HTTP/1.1\r\n" + H + END, {"HTTP_HOST": "other.example:8080"}),
    ("absolute_without_path", b"GET http://other.example HTTP/1.1\r\n" + H + END,
     {"PATH_INFO": "/", "HTTP_HOST": "other.example"}),
    ("absolute_query_without_path", b"GET http://other.example:1234?hail=all HTTP/1.1\r\n" + H + END,
     {"PATH_INFO": "/", "QUERY_STRING": "hail=all", "HTTP_HOST": "other.example:1234"}),
    ("absolute_ipv6", b"GET http://[::1]:80/x HTTP/1.1\r\n" + H + END, {"HTTP_HOST": "[::1]:80"}),
    ("absolute_upper_case_scheme", b"GET HTTP://other.example/x HTTP/1.1\r\n" + H + END, {"HTTP_HOST": "other.example"}),
    ("absolute_https", b"GET https://other.example/x HTTP/1.1\r\n" + H + END, {"HTTP_HOST": "other.example"}),
    ("absolute_of_the_same_host", b"GET http://t/x HTTP/1.1\r\n" + H + END, {"HTTP_HOST": "t", "PATH_INFO": "/x"}),
    ("minor_version_2", b"GET / HTTP/1.2\r\n" + H + END, {}),
    ("minor_version_9", b"GET / HTTP/1.9\r\n" + H + END, {}),
    ("field_without_space", fields(b"X:y\r\n"), {"HTTP_X": "y"}),
    ("field_with_many_spaces", fields(b"X: \t  y \t \r\n"), {"HTTP_X": "y"}),
    ("field_empty", fields(b"X:\r\n"), {"HTTP_X": ""}),
    ("field_of_spaces", fields(b"X:   \r\n"), {"HTTP_X": ""}),
    ("field_with_inner_tab", fields(b"X: a\tb\r\n"), {"HTTP_X": "a\tb"}),
    ("field_with_inner_spaces", fields(b"X: a  b\r\n"), {"HTTP_X": "a  b"}),
    ("field_with_colons", fields(b"X: a:b:c\r\n"), {"HTTP_X": "a:b:c"}),
    ("field_with_high_bytes", fields(b"X: a\x80\xe9\xffb\r\n"), {"HTTP_X": "a\x80\xe9\xffb"}),
    ("field_utf8_is_latin_1", fields("X: é\r\n".encode()), {"HTTP_X": "Ã©"}),
    ("field_name_of_every_mark", fields(b"!#$%&'*+-.^`|~9: v\r\n"), {}),
    ("field_names_any_case", fields(b"x-lOwEr: v\r\n"), {"HTTP_X_LOWER": "v"}),
    ("field_name_of_digits", fields(b"123: v\r\n"), {"HTTP_123": "v"}),
    ("host_any_case", b"GET / HTTP/1.1\r\nhoSt:\ttest.example\r\nempty:\r\n\r\n", {"HTTP_HOST": "test.example"}),
    *((f"host_{n}", host(b" " + v), {"HTTP_HOST": v.decode()}) for n, v in {
        "port": b"t:8000", "ipv4": b"127.0.0.1", "ipv4_port": b"127.0.0.1:80", "ipv6": b"[::1]", "ipv6_port": b"[2001:db8::1]:80",
        "underscore": b"a_b.example", "dash": b"a-b.example", "dot_at_the_end": b"a.example.", "digits": b"123",
        "upper_case": b"EXAMPLE.Org"}.items()),
    ("host_with_spaces_around", host(b"  t \t"), {"HTTP_HOST": "t"}),
    ("host_last", b"GET / HTTP/1.1\r\nX: y\r\nHost: t\r\n\r\n", {"HTTP_HOST": "t"}),
    ("no_host_in_1_0", b"GET / HTTP/1.0\r\n\r\n", {"SERVER_PROTOCOL": "HTTP/1.0"}),
    ("pipe_in_a_query", line(b"GET /?q=| HTTP/1.1"), {"QUERY_STRING": "q=|"}),
    ("brackets_in_a_query", line(b"GET /?a[]=1 HTTP/1.1"), {"QUERY_STRING": "a[]=1"}),
    ("two_question_marks", line(b"GET /x?a=b?c HTTP/1.1"), {"PATH_INFO": "/x", "QUERY_STRING": "a=b?c"}),
    ("all_legal_path_marks", line(b"GET /-._~!$&'()*+,;=:@ HTTP/1.1"), {"PATH_INFO": "/-._~!$&'()*+,;=:@"}),
    ("all_legal_query_marks", line(b"GET /?-._~!$&'()*+,;=:@/? HTTP/1.1"), {"QUERY_STRING": "-._~!$&'()*+,;=:@/?"}),
    ("a_url_of_8000_bytes", line(b"GET /" + b"a" * 7980 + b" HTTP/1.1"), {"PATH_INFO": "/" + "a" * 7980}),
    ("a_hundred_fields", fields(b"".join(b"X-%d: y\r\n" % i for i in range(99))), {"HTTP_X_98": "y"}),
    ("a_field_of_8000_bytes", fields(b"X: " + b"v" * 8000 + b"\r\n"), {"HTTP_X": "v" * 8000}),
]  # fmt: skip


@pytest.mark.parametrize(("data", "want"), [g[1:] for g in GOOD], ids=[g[0] for g in GOOD])
def test_a_good_head_is_served(probe: Server, data: bytes, want: dict[str, str]) -> None:
    with probe.connect() as c:
        resp = c.exchange(data)
        assert resp.status == 200, resp.body
        environ = json.loads(resp.body)["environ"]
        assert {k: environ.get(k) for k in want} == want
        if b"HTTP/1.0" not in data:
            assert c.exchange(get("/plain?id=2")).body == b"hello 2", "the connection did not go on"


EITHER = [
    ("three_empty_lines_first", b"\r\n\r\n\r\nGET / HTTP/1.1\r\n" + H + END),
    ("bad_percent", line(b"GET /%zz HTTP/1.1")),
    ("lone_percent", line(b"GET /% HTTP/1.1")),
    ("half_percent", line(b"GET /%4 HTTP/1.1")),
    ("quote_in_path", line(b'GET /a"b HTTP/1.1')),
    ("angle_in_path", line(b"GET /<b> HTTP/1.1")),
    ("backslash_in_path", line(b"GET /a\\b HTTP/1.1")),
    ("caret_in_path", line(b"GET /a^b HTTP/1.1")),
    ("backtick_in_path", line(b"GET /a`b HTTP/1.1")),
    ("braces_in_path", line(b"GET /{a} HTTP/1.1")),
    ("pipe_in_path", line(b"GET /a|b HTTP/1.1")),
    ("absolute_with_userinfo", line(b"GET http://u:p@t/ HTTP/1.1")),
    ("absolute_of_another_scheme", line(b"GET ftp://t/x HTTP/1.1")),
    ("absolute_port_too_big", line(b"GET http://t:99999/ HTTP/1.1")),
    ("host_port_too_big", host(b" t:99999")),
    ("host_port_empty", host(b" t:")),
    ("host_percent", host(b" a%41")),
    ("host_sub_delims", host(b" a!b")),
    ("host_asterisk", host(b" *")),
    ("method_of_300_letters", line(b"A" * 300 + b" / HTTP/1.1")),
]


@pytest.mark.parametrize("data", [e[1] for e in EITHER], ids=[e[0] for e in EITHER])
def test_what_may_be_served_or_refused_is_one_of_both(probe: Server, bystander: Bystander, data: bytes) -> None:
    """Served with the connection kept, or refused and closed: nothing in between."""
    with probe.connect() as c:
        resp = c.exchange(data)
        assert resp.status in (200, 400, 501)
        if resp.status == 200 and not resp.closes:
            assert c.exchange(get("/plain?id=2")).body == b"hello 2"
        else:
            assert resp.closes
            c.expect_end()
    assert bystander.is_served()


PARTS = [b"G", b"GET ", b"GET /hello", b"GET /hello ", b"GET /hello HTTP", b"GET /hello HTTP/1.1", b"GET /hello HTTP/1.1\r",
         b"GET /hello HTTP/1.1\r\n", b"GET /hello HTTP/1.1\r\nHos", b"GET /hello HTTP/1.1\r\nHost:",
         b"GET /hello HTTP/1.1\r\nHost: t", b"GET /hello HTTP/1.1\r\nHost: t\r", b"GET /hello HTTP/1.1\r\nHost: t\r\n",
         b"GET /hello HTTP/1.1\r\nHost: t\r\n\r"]  # fmt: skip


@pytest.mark.parametrize("part", PARTS, ids=[str(len(p)) for p in PARTS])
def test_an_incomplete_head_is_waited_for(probe: Server, part: bytes) -> None:
    whole = b"GET /hello HTTP/1.1\r\nHost: t\r\n\r\n"
    with probe.connect() as c:
        c.send(part)
        assert c.is_open(0.05)
        resp = c.exchange(whole[len(part) :], "GET")
        assert resp.status == 200
        assert json.loads(resp.body)["environ"]["PATH_INFO"] == "/hello"


@pytest.mark.parametrize("part", [p for p in PARTS if len(p) > 3], ids=lambda p: str(len(p)))
def test_a_head_cut_short_by_the_client_harms_nobody(probe: Server, bystander: Bystander, part: bytes) -> None:
    """The client half-closes in mid-head: a 400 or just the end, never a call of the application."""
    before = len(probe.recorded(kind="request", path="/hello"))
    with probe.connect() as c:
        c.send(part)
        c.half_close()
        rest = c.drain()
        assert rest == b"" or rest.startswith(b"HTTP/1.1 400 ")
        assert c.eof
    assert len(probe.recorded(kind="request", path="/hello")) == before
    assert bystander.is_served()


def test_a_connection_without_a_byte_harms_nobody(probe: Server, bystander: Bystander) -> None:
    with probe.connect() as c:
        c.half_close()
        assert c.drain() == b""
        assert c.eof
    probe.connect().close()
    probe.connect().abort()
    assert bystander.is_served()
