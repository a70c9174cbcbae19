"""The HTTP/1 parser beside two others: llhttp (by way of httptools) and h11.

Whatever our parser accepts, both others must accept too, with the same method, target,
number of fields and end of the body.  The inputs are the vectors of tests/vectors/h1 and
seeded mutations of them.  Where we are more lenient than one of the others, KNOWN says so
and why; nothing else may differ.

Ours runs as tests/c/h1_tool.c: the program that CITRATE_H1_TOOL names, else one compiled here.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

h11 = pytest.importorskip("h11")
httptools = pytest.importorskip("httptools")

ROOT = Path(__file__).resolve().parents[2]
SEED = 9112
MUTATIONS = 8000


@dataclass(frozen=True)
class Message:
    """What a parser made of one input."""

    method: bytes
    target: bytes
    fields: int
    complete: bool
    stopped: bool = False  # it left the body to somebody else


class Refused(Exception):
    """A parser refused the input."""


# ---- inputs ----


def unescape(text: str) -> bytes:
    """The bytes of a vector line; the head of request.txt describes the escapes."""
    out = bytearray()
    for match in re.finditer(r"\\\((\d+)\*([^)]*)\)|\\x(..)|\\(.)|(.)", text, re.DOTALL):
        times, repeated, code, short, plain = match.groups()
        if times:
            out += int(times) * unescape(repeated)
        elif code:
            out.append(int(code, 16))
        elif short:
            out += {"r": b"\r", "n": b"\n", "t": b"\t"}.get(short, short.encode())
        else:
            out += plain.encode("latin-1")
    return bytes(out)


def read_vectors(name: str) -> list[bytes]:
    """The inputs of one vector file."""
    inputs, lines = [], []
    for line in (ROOT / "tests/vectors/h1" / f"{name}.txt").read_text().split("\n"):
        if line.startswith("> "):
            lines.append(line[2:])
        elif line.startswith("< "):
            inputs.append(unescape("".join(lines)))
            lines = []
    return inputs


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

PIECE_WORDS = r"""\r \n \r\n \x20 \t \x00 : , ; \x0b \x7f \x80 / ? # % 0 5 - _ " \\ \r\n\r\n HTTP/1.1 chunked
    Content-Length:3\r\n Host:b\r\n Transfer-Encoding:chunked\r\n Connection:close\r\n 0\r\n\r\n"""
PIECES = PIECE_WORDS.split()


def mutate(rng: random.Random, inputs: list[bytes]) -> bytes:
    """One input with one or two changes: a piece put in, put over, taken out or taken from another."""
    data = bytearray(rng.choice(inputs))
    for _ in range(rng.randint(1, 2)):
        at = rng.randint(0, len(data))
        kind = rng.randrange(5)
        if kind == 0:
            data[at:at] = unescape(rng.choice(PIECES))
        elif kind == 1:
            data[at : at + 1] = unescape(rng.choice(PIECES))
        elif kind == 2:
            del data[at : at + rng.randint(1, 4)]
        elif kind == 3:
            other = rng.choice(inputs)
            data[at:] = other[rng.randint(0, len(other)) :]
        else:
            data[at : at + 1] = bytes([rng.randrange(256)])
    return bytes(data)


# ---- ours ----


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of h1_tool, compiled when the build did not."""
    built = os.environ.get("CITRATE_H1_TOOL")
    if built:
        return built
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("there is no C compiler and no CITRATE_H1_TOOL")
    path = str(tmp_path_factory.mktemp("h1") / "h1_tool")
    sources = [str(ROOT / "tests/c/h1_tool.c")]
    sources += sorted(str(p) for folder in ("base", "http") for p in (ROOT / "src" / folder).glob("*.c"))
    flags = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-g", f"-I{ROOT}/src"]
    subprocess.run([compiler, *flags, *sources, "-o", path, "-lpthread"], check=True, timeout=120)
    return path


def ask(tool: str, kind: str, inputs: list[bytes]) -> list[dict[str, Any]]:
    """Our verdicts on all inputs, in order."""
    packed = b"".join(struct.pack(">I", len(data)) + data for data in inputs)
    done = subprocess.run([tool, kind], input=packed, capture_output=True, check=True, timeout=100)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(inputs)
    return answers


@pytest.fixture(scope="module")
def inputs(tool: str) -> list[bytes]:
    """The vectors, then mutations of those that we accept (most) and of all (the rest)."""
    vectors = read_vectors("request") + [CHUNKED + body for body in read_vectors("chunk")]
    short = [data for data in vectors if 0 < len(data) < 1000]
    good = [data for data, ours in zip(short, ask(tool, "request", short), strict=True) if ours["verdict"] == "accept"]
    rng = random.Random(SEED)
    return vectors + [mutate(rng, rng.choice([good, good, good, short])) for _ in range(MUTATIONS)]


# ---- the others ----


def by_llhttp(data: bytes) -> Message:
    """What llhttp makes of it; raises Refused."""
    seen: dict[str, Any] = {"target": b"", "fields": 0, "head": False, "complete": False}

    class Protocol:
        def on_url(self, url: bytes) -> None:
            seen["target"] += url

        def on_header(self, name: bytes, value: bytes) -> None:
            seen["fields"] += not seen["head"]  # trailers come through here as well

        def on_headers_complete(self) -> None:
            seen["head"] = True

        def on_message_complete(self) -> None:
            seen["complete"] = True

    parser = httptools.HttpRequestParser(Protocol())
    stopped = False
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:  # also in 1.0, where RFC 9110 7.8 says to ignore it
        stopped = True
    except httptools.HttpParserError as error:
        raise Refused(str(error)) from error
    return Message(parser.get_method(), seen["target"], seen["fields"], seen["complete"], stopped)


def by_h11(data: bytes) -> Message:
    """What h11 makes of it; raises Refused."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    request = None
    complete = False
    try:
        connection.receive_data(data)
        while not complete:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.EndOfMessage):
                complete = True
            elif not isinstance(event, h11.Data):
                break
    except h11.RemoteProtocolError as error:
        raise Refused(str(error)) from error
    if request is None:
        return Message(b"", b"", 0, False)
    return Message(request.method, request.target, len(request.headers), complete)


# ---- what may differ ----

LLHTTP_METHODS = (
    b"DELETE GET HEAD POST PUT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND REBIND UNBIND "
    b"ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK "
    b"QUERY"
).split()


def body_of(data: bytes) -> bytes:
    """What stands behind the head."""
    return data.partition(b"\r\n\r\n")[2]


HAS_BWS = re.compile(rb"[0-9a-fA-F][ \t]*;[^\r]*[ \t]|[0-9a-fA-F][ \t]+;")


def request_line(data: bytes) -> bytes:
    """The request line, behind empty lines in front of it."""
    return data.lstrip(b"\r\n").partition(b"\r\n")[0]


# (parser, why it is right to accept what that parser refuses, how to tell)
KNOWN: list[tuple[str, str, Callable[[bytes], bool]]] = [
    (
        "llhttp",
        "any token is a method (RFC 9110 9.1); llhttp has a list",
        lambda data: request_line(data).split(b" ")[0] not in LLHTTP_METHODS,
    ),
    (
        "llhttp",
        "a higher minor version is served as 1.1 (RFC 9110 2.5); llhttp knows 1.0 and 1.1",
        lambda data: re.search(rb" HTTP/1\.[2-9]$", request_line(data)) is not None,
    ),
    (
        "llhttp",
        "a tab may stand behind a value as a space may (RFC 9110 5.6.3); llhttp takes it for a part of the coding",
        lambda data: re.search(rb"\nTransfer-Encoding:[ \t]*chunked *\t", data, re.IGNORECASE) is not None,
    ),
    (
        "llhttp",
        "blanks around the parts of a chunk extension must be read over (RFC 9112 7.1.1, BWS)",
        lambda data: HAS_BWS.search(body_of(data)) is not None,
    ),
    (
        "h11",
        "the same",
        lambda data: HAS_BWS.search(body_of(data)) is not None,
    ),
]


def is_known(parser: str, data: bytes) -> bool:
    """Whether the list explains a refusal by that parser."""
    return any(name == parser and tells(data) for name, _, tells in KNOWN)


def difference(parser: str, read: Callable[[bytes], Message], data: bytes, ours: dict[str, Any]) -> str | None:
    """What is wrong about the other parser's view of an input that we accept; None when nothing is."""
    head, body_end = ours["head"], ours["body_end"]
    whole = body_end >= 0
    message = data[: head + body_end] if whole else data if ours["body_bad"] == "NONE" else data[:head]
    try:
        theirs = read(message)
        shorter = read(message[:-1])
    except Refused as refusal:
        return None if is_known(parser, data) else f"refused: {refusal}"
    if theirs.method != ours["method"].encode("latin-1") or theirs.target != ours["target"].encode("latin-1"):
        return f"method or target: {theirs}"
    if theirs.fields != ours["fields"]:
        return f"number of fields: {theirs}"
    is_seen = ours["body_bad"] == "NONE" and not theirs.stopped
    if is_seen and (theirs.complete != whole or shorter.complete):
        return f"end of the body: {theirs}, one byte less: {shorter}"
    return None


def test_what_we_accept_is_accepted_by_llhttp_and_h11_alike(tool: str, inputs: list[bytes]) -> None:
    answers = ask(tool, "request", inputs)
    wrong: list[str] = []
    accepted = 0
    for data, ours in zip(inputs, answers, strict=True):
        if ours["verdict"] != "accept":
            continue
        accepted += 1
        # h11 takes no empty lines in front of a request (RFC 9112 2.2 asks servers to)
        lead = len(data) - len(data.lstrip(b"\r\n"))
        inner = {**ours, "head": ours["head"] - lead}
        for parser, read, shown, view in (("llhttp", by_llhttp, data, ours), ("h11", by_h11, data[lead:], inner)):
            problem = difference(parser, read, shown, view)
            if problem:
                wrong.append(f"{parser} {problem}\n    {data[:300]!r}")
    assert not wrong, f"{len(wrong)} of {accepted}:\n" + "\n".join(wrong[:20])
    assert accepted > 1500


def test_what_both_others_refuse_we_refuse(tool: str, inputs: list[bytes]) -> None:
    """The same claim the other way round, over the head alone: no input passes us that passes neither of them."""
    lenient = []
    for data, ours in zip(inputs, ask(tool, "request", inputs), strict=True):
        if ours["verdict"] != "accept" or is_known("llhttp", data):
            continue
        refusals = 0
        for read in (by_llhttp, by_h11):
            try:
                read(data.removeprefix(b"\r\n")[: ours["head"]])
            except Refused:
                refusals += 1
        if refusals == 2:
            lenient.append(data[:300])
    assert lenient == []


def test_the_tool_says_why_it_refuses(tool: str) -> None:
    answers = ask(tool, "request", [b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\n", b"GET"])
    assert [(a["verdict"], a["reason"]) for a in answers] == [
        ("reject", "HOST_MISSING"),
        ("reject", "LINE_END"),
        ("more", "NONE"),
    ]
