"""Whatever an author or visitor writes ends soon, and with little memory."""

from __future__ import annotations

import tracemalloc
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from citrate.flow import ExpressionError, compile, evaluate

NOON = datetime(2015, 5, 1, 12, 34, 56, 123456, timezone(timedelta(hours=2)))


TOO_MUCH = {
    "power": "trunc(9) ^ trunc(9) ^ trunc(7)",
    "power of two": "trunc(2) ^ trunc(65536)",
    "negative power base": "(trunc(0) - trunc(9)) ^ trunc(99999)",
    "huge exponent": "trunc(3) ^ trunc(1e300)",
    "product": "(trunc(2) ^ trunc(60000)) * (trunc(2) ^ trunc(60000))",
    "sum": "trunc(2) ^ trunc(65535) + trunc(2) ^ trunc(65535)",
    "width": "'%999999999d' % 5",
    "precision": "'%.999999999f' % 5",
    "width beyond numbers": "'%99999999999999999999999d' % 5",
    "width of text": "'%2000000s' % 'x'",
    "width from data": "'%*d' % $wide",
    "precision from data": "'%.*f' % $wide",
    "by key": "'%(k)s%(k)s' % $d",
    "concatenation": "$half + $half + $half",
    "repetition": "$half * trunc(3)",
    "repetition from the left": "trunc(1e300) * 'ab'",
    "list sum": "$list + $list",
    "list repetition": "[1, 2] * trunc(1e9)",
    "list repetition from the left": "trunc(1e18) * $list",
    "text of a list": "str($texts)",
    "format of a list": "'%s' % $texts",
    "text of a deep list": "str($deep)",
    "text of a loop": "str($loop)",
    "bytes": "$bytes * trunc(1e9)",
    "format of bytes": "$format % $wide",
}  # fmt: skip


def large_data() -> dict[str, Any]:
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    loop: list[Any] = []
    loop.append(loop)
    half = "x" * 600_000
    return {
        "half": half,
        "wide": (10**8, 5),
        "list": [1] * 60_000,
        "texts": [half, half],
        "d": {"k": half},
        "deep": deep,
        "loop": loop,
        "bytes": b"xy",
        "format": b"%*d",
    }


@pytest.mark.parametrize("what", TOO_MUCH)
def test_what_would_be_too_large_is_refused_before_it_is_made(what: str) -> None:
    data = large_data()
    program = compile(TOO_MUCH[what], "B")
    tracemalloc.start()
    try:
        with pytest.raises(ExpressionError) as caught:
            program.evaluate(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(caught.value.__cause__, OverflowError)
    assert peak < 256 * 1024


def test_what_is_just_small_enough_is_made() -> None:
    data = {"half": "x" * (512 * 1024), "list": [1] * 50_000, "d": {"k": "x" * 100}}
    assert len(evaluate("$half + $half", data, "B")) == 1024 * 1024
    assert len(evaluate("$list + $list", data, "B")) == 100_000
    assert evaluate("trunc(2) ^ trunc(65535)", {}, "B") == 2**65535
    assert len(evaluate("'%1048576d' % 5", data, "B")) == 1024 * 1024
    assert evaluate("'%(k)s%(k)10.5s' % $d", data, "B") == "x" * 100 + " " * 5 + "x" * 5
    assert evaluate("trunc(1) ^ trunc(1e300)", {}, "B") == 1
    assert evaluate("trunc(0) ^ trunc(1e300)", {}, "B") == 0
    assert evaluate("trunc(9) ^ (trunc(0) - trunc(2))", {}, "B") == 9**-2
    assert evaluate("'ab' * (trunc(0) - trunc(1e9))", {}, "B") == ""
    assert evaluate("'' * trunc(1e9)", {}, "B") == ""


@pytest.mark.parametrize(
    "text",
    [
        " + ".join(["(($half + 'y') == 1)"] * 1200),
        " + ".join(["(('%s' % $half) == 1)"] * 1200),
        " + ".join(["((trunc(9) ^ trunc(20000)) == 1)"] * 1200),
        " + ".join(["(($big * $big) == 1)"] * 900),
        " + ".join(["($x in $long)"] * 1200),
        " + ".join(["($half in $half)"] * 1200),
        " + ".join(["(str($long) == 1)"] * 1200),
    ],
)
def test_an_expression_that_repeats_costly_steps_ends(text: str) -> None:
    data = {"half": "x" * 500_000, "long": [float(i) for i in range(100_000)], "x": "absent"}
    text = text.replace("$big", "(trunc(2) ^ trunc(30000))")
    program = compile(text, "B")
    with pytest.raises(ExpressionError) as caught:
        program.evaluate(data)
    assert isinstance(caught.value.__cause__, OverflowError)
    assert str(caught.value.__cause__) == "the evaluation takes too many steps"


@pytest.mark.parametrize("dialect", ["A", "B", "strict"])
def test_nesting_and_length_have_bounds(dialect: str) -> None:
    for text in ("(" * 5000 + "1" + ")" * 5000, "1" + " + 1" * 30_000, "2" + "^2" * 5000, "x" * 100_000):
        with pytest.raises(ExpressionError):
            evaluate(text, {}, dialect)


def test_long_chains_need_no_recursion() -> None:
    assert evaluate(" + ".join(["$a"] * 8000), {"a": 1}, "B") == 8000.0
    assert evaluate(" + ".join(["a"] * 8000), {"a": 1}) == 8000
    assert evaluate("(" * 150 + "$a" + ")" * 150, {"a": 1}, "B") == 1.0
    names = {f"v{i}": i for i in range(1200)}
    assert evaluate(" + ".join(f"${name}" for name in names), names, "B") == float(sum(names.values()))
