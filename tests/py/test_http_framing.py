"""Where a request's body ends (RFC 9112 6, 7; RFC 9110 8.6), good and bad."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from rawhttp import Conn, get, post_chunked
from refusals import FOLLOW_UP, Bystander, Case, cases, check_refused, params
from server import Server

TE = b"Transfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def bystander(probe: Server) -> Iterator[Bystander]:
    b = Bystander(probe)
    yield b
    b.close()


def framed(fields: bytes, body: bytes = b"", path: bytes = b"/framed", version: bytes = b"1.1") -> bytes:
    """A POST with these framing fields and body."""
    return b"POST " + path + b" HTTP/" + version + b"\r\nHost: t\r\n" + fields + b"\r\n" + body


def length(value: bytes, body: bytes = b"hello") -> bytes:
    """A POST with this Content-Length."""
    return framed(b"Content-Length:" + value + b"\r\n", body)


def coding(value: bytes, body: bytes = b"5\r\nhello\r\n0\r\n\r\n") -> bytes:
    """A POST with this Transfer-Encoding."""
    return framed(b"Transfer-Encoding:" + value + b"\r\n", body)


def chunked(body: bytes) -> bytes:
    """A POST with this as its chunked body."""
    return framed(TE, body)


LENGTHS = cases(
    *(
        (f"length_{name}", length(v))
        for name, v in {
            "word": b" abc", "plus": b" +5", "minus": b" -5", "minus_one": b" -1", "minus_zero": b" -0", "empty": b"",
            "spaces": b"   ", "space_inside": b" 1 0", "tab_inside": b" 1\t0", "hex": b" 0x5", "octal": b" 0o5",
            "float": b" 5.0", "exponent": b" 5e0", "underscore": b" 1_0", "letter_behind": b" 5x", "letter_before": b" x5",
            "quoted": b' "5"', "list": b" 5, 10", "list_no_space": b" 5,10", "semicolon": b" 5;5", "trailing_comma": b" 5,",
            "leading_comma": b" ,5", "superscript": b" \xb2", "arabic_digit": " ٥".encode(), "full_width": " ５".encode(),
            "overflow_64": b" 18446744073709551621", "overflow_63": b" 9223372036854775813", "huge": b" 99999999999999999999",
            "enormous": b" " + b"9" * 200, "negative_huge": b" -123456789123456789123456789", "percent": b" %35",
            "brackets": b" [5]", "slash": b" 5/1", "newline_escape": b" 5\\n",
        }.items()
    ),
    ("length_nul", length(b" 5\0")),
    ("length_vertical_tab", length(b" \x0b5")),
    ("length_list_of_the_same", length(b" 5, 5")),
    ("length_list_of_three", length(b" 5, 5, 5")),
    ("length_twice", framed(b"Content-Length: 5\r\nContent-Length: 10\r\n", b"helloworld")),
    ("length_twice_the_same", framed(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello")),
    ("length_twice_apart", framed(b"Content-Length: 5\r\nX: y\r\ncontent-length: 6\r\n", b"hello!")),
    ("length_twice_one_empty", framed(b"Content-Length: 5\r\nContent-Length:\r\n", b"hello")),
    ("length_twice_zero_first", framed(b"Content-Length: 0\r\nContent-Length: 5\r\n", b"hello")),
    ("length_bad_in_1_0", framed(b"Content-Length: +1\r\n", b"x", version=b"1.0")),
    ("length_twice_in_1_0", framed(b"Content-Length: 1\r\nContent-Length: 2\r\n", b"xx", version=b"1.0")),
    ("length_bad_for_get", b"GET / HTTP/1.1\r\nHost: t\r\nContent-Length: -1\r\n\r\n"),
    ("length_space_before_colon", framed(b"Content-Length : 5\r\n", b"hello")),
    ("length_good_and_spaced", framed(b"Content-Length: 5\r\nContent-Length : 6\r\n", b"hello")),
    ("length_folded", framed(b"Content-Length:\r\n 5\r\n", b"hello")),
    ("length_tab_in_name", framed(b"Content-Length: 5\r\nContent\tLength: 6\r\n", b"hello")),
)  # fmt: skip

NOT_DONE = {400, 501}  # RFC 9112 6.1: 501 for a coding that is not understood, 400 where framing is lost

CODINGS = cases(
    *((f"coding_{n}", coding(v), NOT_DONE) for n, v in {
        "gzip": b" gzip", "deflate": b" deflate", "xchunked": b" xchunked", "nonsense": b" pigeons", "identity": b" identity",
        "chunked_quoted": b' "chunked"', "chunky": b" chunke", "chunkedx": b" chunkedx", "gzip_chunked": b" gzip, chunked",
        "identity_chunked": b" identity, chunked", "nonsense_chunked": b" x, chunked", "chunked_params": b" chunked;q=1",
        "chunked_ext": b" chunked; ext=val", "single_quotes": b" 'chunked'", "brackets": b" [chunked]", "dots": b" .chunked",
        "equals": b" =chunked", "chunked_chunked_chunked": b" chunked,chunked,chunked",
    }.items()),
    *((f"coding_{n}", coding(v)) for n, v in {
        "empty": b"", "spaces": b"  ", "comma": b" ,", "chunked_gzip": b" chunked, gzip",
        "chunked_identity": b" chunked, identity", "vertical_tab": b" \x0bchunked", "form_feed": b" \x0cchunked",
        "nul": b" chunked\0", "nul_first": b" \0chunked", "chunked_space_word": b" chunked x",
        "chunked_twice_no_comma": b" chunked chunked", "vertical_tab_in_list": b" identity, \x0bchunked",
        "del": b" chunked\x7f",
    }.items()),
    *((f"coding_{n}", coding(v), NOT_DONE) for n, v in {
        "chunked_twice": b" chunked, chunked", "high_byte": b" chunked\xff", "nbsp": b" \xa0chunked"}.items()),
    ("coding_folded", coding(b"\r\n chunked")),
    ("coding_space_before_colon", framed(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n")),
    ("coding_tab_before_colon", framed(b"Transfer-Encoding\t: chunked\r\n", b"0\r\n\r\n")),
    ("coding_two_fields_chunked", framed(TE + TE, b"0\r\n\r\n"), NOT_DONE),
    ("coding_two_fields_chunked_identity", framed(TE + b"Transfer-Encoding: identity\r\n", b"0\r\n\r\n"), NOT_DONE),
    ("coding_two_fields_identity_chunked", framed(b"Transfer-Encoding: identity\r\n" + TE, b"0\r\n\r\n"), NOT_DONE),
    ("coding_two_fields_chunked_gzip", framed(TE + b"Transfer-Encoding: gzip\r\n", b"0\r\n\r\n"), NOT_DONE),
    ("coding_two_fields_gzip_chunked", framed(b"Transfer-Encoding: gzip\r\n" + TE, b"0\r\n\r\n"), NOT_DONE),
    ("coding_two_fields_one_empty", framed(TE + b"Transfer-Encoding:\r\n", b"0\r\n\r\n"), NOT_DONE),
    ("coding_two_fields_empty_first", framed(b"Transfer-Encoding:\r\n" + TE, b"0\r\n\r\n"), NOT_DONE),
    ("coding_in_1_0", framed(TE, b"5\r\nhello\r\n0\r\n\r\n", version=b"1.0")),
    ("coding_in_1_0_with_length", framed(TE + b"Content-Length: 5\r\n", b"hello", version=b"1.0")),
    ("coding_in_1_0_kept", framed(b"Connection: keep-alive\r\n" + TE, b"0\r\n\r\n", version=b"1.0")),
    ("coding_gzip_for_get", b"GET / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip\r\n\r\n", NOT_DONE),
    ("coding_unknown_for_head", b"HEAD / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: x\r\n\r\n", NOT_DONE, True, "HEAD"),
)  # fmt: skip

SIZES = cases(
    *((f"chunk_size_{n}", chunked(v + b"\r\nhello\r\n0\r\n\r\n")) for n, v in {
        "z": b"Z", "word": b"five", "0x": b"0x5", "0X": b"0X5", "plus": b"+5", "minus": b"-5", "minus_one": b"-1",
        "underscore": b"1_0", "space_before": b" 5", "tab_before": b"\t5", "space_after": b"5 ", "tab_after": b"5\t",
        "space_inside": b"0 5", "empty": b"", "spaces": b"  ", "comma": b"5,", "dot": b"5.0", "quoted": b'"5"', "h": b"5h",
        "nul": b"5\0", "nul_first": b"\x005", "vertical_tab": b"\x0b5", "high": b"\xb5", "g": b"g", "overflow_64": b"1" + b"0" * 15 + b"5",
        "overflow_exact": b"10000000000000005", "all_f": b"f" * 16, "more_f": b"F" * 17, "endless_f": b"f" * 100, "ext_without_size": b";a=b",
        "space_then_ext_without_size": b" ;a=b", "colon": b"5:", "equals": b"5=a", "word_after": b"5 rrrr",
        "two_sizes": b"5 5", "brackets": b"[5]", "percent": b"%35", "lf_inside": b"5\n5", "cr_inside": b"5\r5",
    }.items()),
    ("chunk_size_bare_lf", chunked(b"5\nhello\r\n0\r\n\r\n")),
    ("chunk_size_bare_cr", chunked(b"5\rhello\r\n0\r\n\r\n")),
    ("chunk_size_two_crs", chunked(b"5\r\r\nhello\r\n0\r\n\r\n")),
    ("chunk_size_bad_after_a_good_one", chunked(b"5\r\nhello\r\nX\r\nworld\r\n0\r\n\r\n")),
    ("chunk_last_size_bad", chunked(b"5\r\nhello\r\n-0\r\n\r\n")),
    ("chunk_last_size_with_a_word", chunked(b"5\r\nhello\r\n0 rrrr\r\n\r\n")),
    ("chunk_last_size_bare_lf", chunked(b"5\r\nhello\r\n0\n\r\n")),
)  # fmt: skip

CHUNK_ENDS = cases(
    ("chunk_data_without_crlf", chunked(b"5\r\nhello0\r\n\r\n")),
    ("chunk_data_and_lf", chunked(b"5\r\nhello\n0\r\n\r\n")),
    ("chunk_data_and_cr", chunked(b"5\r\nhello\r0\r\n\r\n")),
    ("chunk_data_too_long", chunked(b"5\r\nhello!!\r\n0\r\n\r\n")),
    ("chunk_data_one_too_long", chunked(b"5\r\nhello!\r\n0\r\n\r\n")),
    ("chunk_data_too_short", chunked(b"6\r\nhello\r\n0\r\n\r\n")),
    ("chunk_data_and_two_bytes", chunked(b"5\r\nhelloXX0\r\n\r\n")),
    ("chunk_data_and_lf_cr", chunked(b"5\r\nhello\n\r0\r\n\r\n")),
    ("chunk_data_and_two_crs", chunked(b"5\r\nhello\r\r\n0\r\n\r\n")),
    ("chunk_empty_line_first", chunked(b"\r\n5\r\nhello\r\n0\r\n\r\n")),
    ("chunk_two_line_ends", chunked(b"5\r\nhello\r\n\r\n0\r\n\r\n")),
)

EXTENSIONS = cases(
    *((f"extension_{n}", chunked(b"5" + v + b"\r\nhello\r\n0\r\n\r\n")) for n, v in {
        "bare_semicolon": b";", "two_semicolons": b";;", "bad_byte": b";bad[=x", "nul": b";\0ext", "bare_cr": b";a\rX",
        "bare_cr_in_value": b";ext=val\rue", "bare_lf": b";\n", "bare_lf_in_name": b";a\nb", "bare_lf_in_value": b";a=b\nc",
        "empty_name": b";=x", "empty_value": b";a=", "unclosed_quote": b';a="b', "text_after_quote": b';a="b"c',
        "control_in_quote": b';a="\x01"', "nul_in_quote": b';a="\0"', "cr_in_quote": b';a="\r"', "lf_in_quote": b';a="\n"',
        "high_byte_in_name": b";\xe9", "space_in_name": b";a b", "two_equals": b";a=b=c", "semicolon_last": b";a=b;",
        "comma": b";a,b", "slash": b";a/b", "at": b";@", "del": b";a\x7f", "tab_in_value": b";a=b\tc", "two_crs": b";a=b\r",
        "brace": b";{", "angle": b";<a>", "unclosed_escape": b';a="\\',
    }.items()),
    ("extension_too_long", chunked(b"5;a=" + b"x" * 100_000 + b"\r\nhello\r\n0\r\n\r\n"), {400, 413, 431}),
    ("extensions_too_many", chunked(b"".join(b"1;a=" + b"x" * 100 + b"\r\nh\r\n" for _ in range(2000)) + b"0\r\n\r\n"), {400, 413, 431}),
    ("extension_bad_on_the_last_chunk", chunked(b"5\r\nhello\r\n0;\r\n\r\n")),
    ("extension_lf_on_the_last_chunk", chunked(b"5\r\nhello\r\n0;a\n\r\n")),
)  # fmt: skip

TRAILERS = cases(
    *((f"trailer_{n}", chunked(b"5\r\nhello\r\n0\r\n" + v + b"\r\n\r\n")) for n, v in {
        "without_colon": b"garbage", "space_before_colon": b"X : y", "empty_name": b": y", "nul": b"X: a\0", "control": b"X: a\x01b",
        "bare_cr": b"X: a\rb", "bare_lf": b"X: a\nY: b", "folded": b"X: a\r\n b", "folded_first": b" X: a", "space_in_name": b"X Y: a",
        "high_byte_in_name": b"X\xe9: a", "request_line": b"GET /smuggled HTTP/1.1", "brackets": b"X[]: a", "del": b"X: \x7f",
    }.items()),
    ("trailer_bare_lf_at_the_end", chunked(b"5\r\nhello\r\n0\r\n\n")),
    ("trailer_field_bare_lf_at_the_end", chunked(b"5\r\nhello\r\n0\r\nX: y\r\n\n")),
    ("trailer_cr_at_the_end", chunked(b"5\r\nhello\r\n0\r\n\rX")),
    ("trailer_too_long", chunked(b"5\r\nhello\r\n0\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"), {400, 413, 431}),
    ("trailers_too_many", chunked(b"5\r\nhello\r\n0\r\n" + b"X: yyyyyyyyyyyyyyyy\r\n" * 10_000 + b"\r\n"), {400, 413, 431}),
)  # fmt: skip

BOTH = cases(
    ("length_and_chunked", framed(b"Content-Length: 5\r\n" + TE, b"0\r\n\r\n")),
    ("chunked_and_length", framed(TE + b"Content-Length: 5\r\n", b"0\r\n\r\n")),
    ("chunked_and_length_zero", framed(TE + b"Content-Length: 0\r\n", b"0\r\n\r\n")),
    ("chunked_and_length_too_big", framed(TE + b"Content-Length: 30\r\n", b"0\r\n\r\n")),
    ("length_and_chunked_right", framed(b"Content-Length: 23\r\n" + TE, b"D\r\nhello-bananas\r\n0\r\n\r\n")),
    ("chunked_and_bad_length", framed(TE + b"Content-Length: +5\r\n", b"0\r\n\r\n")),
    ("chunked_and_empty_length", framed(TE + b"Content-Length:\r\n", b"0\r\n\r\n")),
    ("chunked_and_minus_one", framed(TE + b"Content-Length: -1\r\n", b"0\r\n\r\n")),
    ("length_between_two_codings", framed(TE + b"Content-Length: 5\r\n" + TE, b"0\r\n\r\n")),
    ("capital_chunked_and_length", framed(b"Transfer-Encoding: Chunked\r\nContent-Length: 5\r\n", b"hello")),
    ("tab_chunked_and_length", framed(b"Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n", b"hello")),
    ("trailing_space_chunked_and_length", framed(b"Transfer-Encoding: chunked \r\nContent-Length: 5\r\n", b"hello")),
    ("two_codings_and_length", framed(TE + b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n", b"hello")),
    ("empty_coding_and_length", framed(b"Transfer-Encoding: \r\nContent-Length: 5\r\n", b"hello")),
    ("empty_coding_first_and_length", framed(b"Transfer-Encoding:\r\nContent-Length: 5\r\n", b"hello")),
    ("three_empty_codings_and_length", framed(b"Content-Length: 10\r\n" + b"Transfer-Encoding:\r\n" * 3, b"2\r\nAA\r\n0\r\n")),
    ("folded_coding_and_length", framed(b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n", b"hello")),
    ("leading_comma_and_length", framed(b"Transfer-Encoding: , chunked\r\nContent-Length: 5\r\n", b"hello")),
    ("trailing_comma_and_length", framed(b"Transfer-Encoding: chunked,\r\nContent-Length: 5\r\n", b"hello")),
    ("chunked_twice_and_length", framed(b"Transfer-Encoding: chunked, chunked\r\nContent-Length: 5\r\n", b"hello")),
    ("vertical_tab_coding_and_length", framed(b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n", b"hello")),
    ("nul_coding_and_length", framed(b"Transfer-Encoding: chunked\0\r\nContent-Length: 5\r\n", b"hello")),
    ("for_get", b"GET / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
    *((f"{n}_and_length", framed(b"Transfer-Encoding: " + v + b"\r\nContent-Length: 5\r\n", b"hello"), NOT_DONE) for n, v in {
        "xchunked": b"xchunked", "identity": b"identity", "gzip": b"gzip", "params": b"chunked;ext=val"}.items()),
)  # fmt: skip

ALL = [*LENGTHS, *CODINGS, *SIZES, *CHUNK_ENDS, *EXTENSIONS, *TRAILERS, *BOTH]


HEADS = [c for c in ALL if c in LENGTHS or c in CODINGS or c in BOTH]
BODIES = [c for c in ALL if c not in HEADS]


@pytest.mark.parametrize(**params(HEADS))
def test_bad_framing_is_refused_before_the_application(probe: Server, bystander: Bystander, case: Case) -> None:
    check_refused(probe, bystander, case)


@pytest.mark.parametrize(**params(BODIES))
def test_a_bad_chunked_body_is_refused(probe: Server, bystander: Bystander, case: Case) -> None:
    """The application never gets the body, and never the request behind it."""
    check_refused(probe, bystander, case)


@pytest.mark.parametrize("case", [c for c in BODIES if c.id in (
    "chunk_size_z", "chunk_data_without_crlf", "extension_bare_semicolon", "trailer_without_colon", "chunk_data_too_long",
    "trailer_bare_lf_at_the_end", "chunk_size_overflow_64",
)], ids=lambda c: c.id)  # fmt: skip
def test_a_bad_chunk_that_comes_later_is_refused_all_the_same(probe: Server, bystander: Bystander, case: Case) -> None:
    """The head first, then the body in pieces: the application may be waiting in read() by then."""
    head, sep, body = case.data.partition(b"\r\n\r\n")
    with probe.connect() as c:
        c.send_pieces([head + sep, body[:3], body[3:]], 0.03)
        resp = c.read_response()
        assert resp.status == 400
        assert resp.closes
        c.expect_end()
    assert not probe.recorded(kind="body", path="/framed")
    assert bystander.is_served()


GOOD = [
    ("length", length(b" 5"), b"hello"),
    ("length_zero", length(b" 0", b""), b""),
    ("length_spaces_around", length(b" \t 5 \t "), b"hello"),
    ("no_length_no_coding", framed(b""), b""),
    ("one_chunk", chunked(b"5\r\nhello\r\n0\r\n\r\n"), b"hello"),
    ("two_chunks", chunked(b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), b"hello world"),
    ("no_chunk", chunked(b"0\r\n\r\n"), b""),
    ("upper_case_size", chunked(b"A\r\nhelloworld\r\n0\r\n\r\n"), b"helloworld"),
    ("lower_case_size", chunked(b"a\r\nhelloworld\r\n0\r\n\r\n"), b"helloworld"),
    ("two_digits", chunked(b"1e\r\nall your base are belong to us\r\n0\r\n\r\n"), b"all your base are belong to us"),
    ("leading_zeros", chunked(b"0005\r\nhello\r\n000\r\n\r\n"), b"hello"),
    ("crlf_as_data", chunked(b"4\r\n\r\n\r\n\r\n0\r\n\r\n"), b"\r\n\r\n"),
    ("terminator_as_data", chunked(b"5\r\n0\r\n\r\n\r\n0\r\n\r\n"), b"0\r\n\r\n"),
    (
        "request_as_data",
        chunked(b"1d\r\nGET /smuggled HTTP/1.1\r\n\r\nabc\r\n0\r\n\r\n"),
        b"GET /smuggled HTTP/1.1\r\n\r\nabc",
    ),
    ("extension", chunked(b"5;ext=value\r\nhello\r\n0\r\n\r\n"), b"hello"),
    ("extension_without_value", chunked(b"5;ext\r\nhello\r\n0;last\r\n\r\n"), b"hello"),
    ("extensions", chunked(b"5;a;b=c;d=e\r\nhello\r\n0\r\n\r\n"), b"hello"),
    ("extension_quoted", chunked(b'5;a="b;c\\"\\\\ d"\r\nhello\r\n0\r\n\r\n'), b"hello"),
    ("extension_quoted_with_high_byte", chunked(b'5;a="\xe9\t"\r\nhello\r\n0\r\n\r\n'), b"hello"),
    ("extension_quoted_empty", chunked(b'5;a=""\r\nhello\r\n0\r\n\r\n'), b"hello"),
    ("trailer", chunked(b"5\r\nhello\r\n0\r\nX-Checksum: abc\r\n\r\n"), b"hello"),
    ("trailers", chunked(b"5\r\nhello\r\n0\r\nVary: *\r\nX:\r\nY: \xe9\r\n\r\n"), b"hello"),
    ("coding_in_capitals", framed(b"TRANSFER-ENCODING: CHUNKED\r\n", b"5\r\nhello\r\n0\r\n\r\n"), b"hello"),
    ("coding_spaces_around", framed(b"Transfer-Encoding: \tchunked \r\n", b"5\r\nhello\r\n0\r\n\r\n"), b"hello"),
    ("get_with_length", b"GET /framed HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    ("get_chunked", b"GET /framed HTTP/1.1\r\nHost: t\r\n" + TE + b"\r\n5\r\nhello\r\n0\r\n\r\n", b"hello"),
    ("delete_with_length", b"DELETE /framed HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    ("options_with_length", b"OPTIONS /framed HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    ("length_in_1_0", framed(b"Content-Length: 5\r\nConnection: keep-alive\r\n", b"hello", version=b"1.0"), b"hello"),
    ("no_length_in_1_0", framed(b"Connection: keep-alive\r\n", version=b"1.0"), b""),
    (
        "underscored_coding_is_nothing",
        framed(b"Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", b"hello"),
        b"hello",
    ),
    ("underscored_length_is_nothing", framed(b"Content_Length: 99\r\nContent-Length: 5\r\n", b"hello"), b"hello"),
    ("range_on_post", framed(b"Range: bytes=0-10\r\nContent-Length: 5\r\n", b"hello"), b"hello"),
]
TRAILER_FIELDS = [
    "Content-Length: 50",
    "Transfer-Encoding: chunked",
    "Host: evil.example",
    "Authorization: x",
    "Content-Type: text/evil",
]


@pytest.mark.parametrize(("data", "body"), [g[1:] for g in GOOD], ids=[g[0] for g in GOOD])
@pytest.mark.parametrize("how", ["at_once", "byte_by_byte"])
def test_a_good_body_is_read_and_the_connection_goes_on(probe: Server, data: bytes, body: bytes, how: str) -> None:
    with probe.connect() as c:
        c.send_pieces([data] if how == "at_once" else [data[i : i + 1] for i in range(len(data))])
        resp = c.read_response(request_minor=0 if b"HTTP/1.0" in data else 1)
        assert resp.status == 200, resp.body
        out = json.loads(resp.body)
        assert bytes.fromhex(out["body"]) == body
        environ = out["environ"]
        assert "HTTP_TRANSFER_ENCODING" not in environ or environ["HTTP_TRANSFER_ENCODING"].lower() == "chunked"
        assert "HTTP_CONTENT_LENGTH" not in environ
        assert c.exchange(get("/plain?id=next")).body == b"hello next"


@pytest.mark.parametrize("field", TRAILER_FIELDS)
def test_a_trailer_never_changes_the_request(probe: Server, field: str) -> None:
    """RFC 9110 6.5.1: such a field is ignored or the request refused; it has no effect."""
    with probe.connect() as c:
        resp = c.exchange(post_chunked("/framed", [b"hello"], trailer=field.encode() + b"\r\n") + FOLLOW_UP)
        assert resp.status in (200, 400)
        if resp.status == 200:
            out = json.loads(resp.body)
            assert bytes.fromhex(out["body"]) == b"hello"
            assert out["environ"]["HTTP_HOST"] == "t"
            assert "HTTP_AUTHORIZATION" not in out["environ"]
            assert "CONTENT_TYPE" not in out["environ"] or out["environ"]["CONTENT_TYPE"] == ""
            assert c.read_response().status == 200
        else:
            c.expect_end()


BLANKS = [b"5 ;a=b", b"5; a=b", b"5;a =b", b"5;a= b", b"5; some; parameters=stuff", b"5;a=b ", b"5\t;a"]


@pytest.mark.parametrize("size", BLANKS, ids=[b.decode() for b in BLANKS])
def test_blanks_in_an_extension_are_read_or_refused(probe: Server, size: bytes) -> None:
    """RFC 9112 7.1.1 has BWS there, llhttp and others refuse it; both are safe."""
    with probe.connect() as c:
        resp = c.exchange(chunked(size + b"\r\nhello\r\n0\r\n\r\n"))
        assert resp.status in (200, 400)
        if resp.status == 200:
            assert bytes.fromhex(json.loads(resp.body)["body"]) == b"hello"
            assert c.exchange(get("/plain?id=2")).body == b"hello 2"
        else:
            c.expect_end()


ZEROS = [b"005", b"0000000000000000005", b"05", b"00000000000000000000000000000005"]


@pytest.mark.parametrize("value", ZEROS, ids=[z.decode() for z in ZEROS])
def test_leading_zeros_of_a_length_are_decimal_or_refused(probe: Server, value: bytes) -> None:
    with probe.connect() as c:
        resp = c.exchange(length(b" " + value))
        assert resp.status in (200, 400)
        if resp.status == 200:
            assert bytes.fromhex(json.loads(resp.body)["body"]) == b"hello"
            assert c.exchange(get("/plain?id=2")).body == b"hello 2"
        else:
            c.expect_end()


@pytest.mark.parametrize("data", [
    framed(b"Content-Length: 10\r\n", b"hello"), chunked(b"5\r\nhello\r\n"), chunked(b"5\r\nhel"), chunked(b"5"), chunked(b""),
    chunked(b"5\r\nhello\r\n0\r\n"), chunked(b"5\r\nhello\r\n0\r\nX: y\r\n"), chunked(b"5\r\nhello\r\n0\r\n\r"),
], ids=["length", "no_last_chunk", "in_a_chunk", "in_a_size", "no_body", "no_end", "in_trailers", "in_the_last_crlf"])  # fmt: skip
@pytest.mark.parametrize("end", ["half_close", "close", "reset"])
def test_a_body_cut_short_is_never_taken_for_whole(probe: Server, bystander: Bystander, data: bytes, end: str) -> None:
    before = len(probe.recorded(kind="body", path="/framed"))
    with probe.connect() as c:
        c.send(data)
        assert c.is_open(0.05), "an answer before the body was complete"
        if end == "half_close":
            c.half_close()
            rest = c.drain()
            assert rest == b"" or rest.startswith(b"HTTP/1.1 400 "), rest
            assert c.eof
        elif end == "close":
            c.close()
        else:
            c.abort()
    assert bystander.is_served()
    assert len(probe.recorded(kind="body", path="/framed")) == before


def test_split_at_every_byte_a_chunked_request_is_the_same(probe: Server) -> None:
    """Two pieces, cut at every place in turn, on one kept connection."""
    data = chunked(b'5;a="b"\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n')
    with probe.connect() as c:
        for cut in range(1, len(data)):
            c.send(data[:cut])
            resp = c.exchange(data[cut:], "POST")
            assert resp.status == 200, (cut, resp.body)
            assert bytes.fromhex(json.loads(resp.body)["body"]) == b"hello world", cut


def test_split_at_every_byte_a_length_request_is_the_same(probe: Server) -> None:
    data = framed(b"Content-Length: 11\r\nContent-Type: text/plain\r\n", b"hello world")
    with probe.connect() as c:
        for cut in range(1, len(data)):
            c.send(data[:cut])
            resp = c.exchange(data[cut:], "POST")
            assert resp.status == 200, (cut, resp.body)
            assert bytes.fromhex(json.loads(resp.body)["body"]) == b"hello world", cut


def test_bytes_behind_a_length_are_the_next_request(probe: Server) -> None:
    """Content-Length: 0 and then X: the X begins the next request, whose method it is part of."""
    with probe.connect() as c:
        c.send(framed(b"Content-Length: 0\r\n", b"X") + get("/after"))
        assert c.read_response("POST").status == 200
        resp = c.read_response()
        assert json.loads(resp.body)["environ"]["REQUEST_METHOD"] == "XGET"


def test_many_small_chunks_are_read(probe: Server) -> None:
    body = bytes(range(256)) * 20
    with Conn(probe.address) as c:
        resp = c.exchange(post_chunked("/raw", [body[i : i + 1] for i in range(len(body))]))
        assert resp.body == body
