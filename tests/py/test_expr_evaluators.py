"""The two evaluators of the strict dialect beside each other: over Python's objects, and over plain values.

Thousands of random expressions must give the same value, or fail with the same kind of error at the same place with
the same text and hint.  SEED and COUNT come from CITRATE_DIFF_SEED and CITRATE_DIFF_COUNT.

The native one runs as tests/c/expr_tool.c, compiled here: without PCRE2, so matches() is left to the case files.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from citrate.flow import ExpressionError, evaluate

ROOT = Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("CITRATE_DIFF_SEED", "20150501"))
COUNT = int(os.environ.get("CITRATE_DIFF_COUNT", "8000"))

DATA: dict[str, Any] = {
    "a": 1, "b": 2.5, "c": -(2**63), "e": "", "f": False, "h": "høyde 😀", "l": [1, "20", "x", 2.5, None, True],
    "m": [[1, "20"], []], "n": None, "o": [], "s": "hello", "t": True, "u": " 42 ", "z": 0, "big": 2**63 - 1, "neg": -7,
    "fl": 1e300, "w": "ÆØÅ straße", "d": {"k": 1, "x": [1, 2, "x"], "n": None, "m": {"z": "deep"}},
}  # fmt: skip
LITERALS = [
    "0", "1", "2", "3", "-1", "-7", "10", "63", "9223372036854775807", "-9223372036854775808", "0.5", "2.5", "-0.0", "1e308",
    "1e-308", "3.0", "100", "'a'", "'hello'", "''", "'k'", "'x'", "'4.5'", "' 7 '", "'1e5'", r"r'\d'", "'ø'", "true", "false",
    "null", "[]", "[1, 2]", "['a', 1.0, null]", "16", "15", "1e15", "9007199254740993", "0.1", "1000000",
]  # fmt: skip
BINARY = ["+", "-", "*", "/", "%", "^", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
ONE = ["sin", "cos", "tan", "abs", "trunc", "round", "sign", "str", "num", "floor", "ceil", "sqrt", "min", "max", "len",
       "lower", "upper", "trim", "exists"]  # fmt: skip
TWO = ["round", "min", "max", "contains", "startswith", "endswith", "default"]
KINDS = {
    "type": "TypeError",
    "zero": "ZeroDivisionError",
    "overflow": "OverflowError",
    "limit": "OverflowError",
    "value": "ValueError",
    "compile": "NoneType",
}


def leaf(r: random.Random) -> str:
    return r.choice(LITERALS) if r.random() < 0.5 else r.choice([*DATA, "missing"])


def expression(r: random.Random, depth: int) -> str:
    """A text that mostly compiles: comparisons that chain do not."""
    if depth == 0 or r.random() < 0.25:
        return leaf(r)
    some = [expression(r, depth - 1) for _ in range(3)]
    return r.choice(
        [
            f"{some[0]} {r.choice(BINARY)} {some[1]}",
            f"{some[0]} {r.choice(BINARY)} {some[1]}",
            f"({some[0]}) {r.choice(BINARY)} ({some[1]})",
            f"({some[0]}) {r.choice(BINARY)} ({some[1]})",
            f"{r.choice(ONE)}({some[0]})",
            f"{r.choice(ONE)}({some[0]})",
            f"{r.choice(TWO)}({some[0]}, {some[1]})",
            f"if({some[0]}, {some[1]}, {some[2]})",
            f"replace({some[0]}, {some[1]}, {some[2]})",
            f"{leaf(r)}[{some[0]}]",
            f"({some[0]}).{r.choice('kxnmzq')}",
            f"-({some[0]})",
            f"(not ({some[0]}))",
            f"[{some[0]}, {some[1]}]",
        ]
    )


def shown(value: Any) -> str:
    """A value as expr_tool.c shows it."""
    if isinstance(value, str):
        return "t" + value.encode("utf-8", "surrogatepass").hex()
    if isinstance(value, list):
        return f"[{','.join(map(shown, value))}]"
    return f"{{{len(value)}}}" if isinstance(value, dict) else repr(value)


def outcome(text: str) -> list[str]:
    """What the evaluator over Python's objects makes of a text, as the tool's line says it."""
    try:
        return ["ok", shown(evaluate(text, DATA))]
    except ExpressionError as e:
        return [type(e.__cause__).__name__, str(e.line), str(e.column), e.what, e.hint]


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of expr_tool, compiled."""
    cc = shutil.which(os.environ.get("CC", "cc"))
    if cc is None:
        pytest.skip("no C compiler")
    path = str(tmp_path_factory.mktemp("expr") / "expr_tool")
    sources = [ROOT / "tests/c/expr_tool.c", *sorted((ROOT / "src/expr").glob("*.c"))]
    sources += [ROOT / "src/base" / name for name in ("arena.c", "buf.c", "err.c", "mem.c", "slice.c")]
    flags = ["-std=c11", "-O1", "-D_GNU_SOURCE", f"-I{ROOT / 'src'}"]
    subprocess.run([cc, *flags, *map(str, sources), "-lm", "-o", path], check=True)
    return path


def native(tool: str, texts: list[str]) -> list[list[str]]:
    lines = "".join(json.dumps({"e": text, "data": DATA}) + "\n" for text in texts)
    done = subprocess.run([tool], input=lines, capture_output=True, text=True, check=True)
    return [[KINDS.get(line.split("\t")[0], "ok"), *line.split("\t")[1:]] for line in done.stdout.splitlines()]


def test_both_evaluators_say_the_same(tool: str) -> None:
    r = random.Random(SEED)
    texts = [expression(r, r.randint(1, 4)) for _ in range(COUNT)]
    answers = native(tool, texts)
    assert len(answers) == COUNT
    for text, answer in zip(texts, answers, strict=True):
        assert (text, answer) == (text, outcome(text))
    assert 0.15 < sum(answer[0] == "ok" for answer in answers) / COUNT < 0.85
