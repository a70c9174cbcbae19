"""The strict dialect over Python's objects: what the case files, being JSON, cannot say."""

from __future__ import annotations

import collections
import types
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from citrate.flow import ExpressionError, compile, evaluate

NOON = datetime(2015, 5, 1, 12, 34, 56, 123456, timezone(timedelta(hours=2)))


def cause_of(text: str, data: Any = None, dialect: str = "B") -> BaseException | None:
    """What Python raised beneath the ExpressionError of an evaluation."""
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, {} if data is None else data, dialect)
    return caught.value.__cause__


def test_strict_takes_subclasses_for_their_base() -> None:
    class Number(int):
        pass

    class Text(str):
        pass

    class Ratio(float):
        pass

    assert evaluate("a + 1", {"a": Number(4)}) == 5
    assert evaluate("a / 2", {"a": Ratio(5)}) == 2.5
    assert evaluate("a + 'x'", {"a": Text("y")}) == "yx"
    assert evaluate("upper(a)", {"a": Text("y")}) == "Y"
    assert evaluate("a[1] == b", {"a": (1, 2), "b": 2}) is True
    assert evaluate("a == [1, [2]]", {"a": (1, (2.0,))}) is True
    assert evaluate("a == b", {"a": {"x": [1]}, "b": collections.ChainMap({"x": (1,)})}) is True
    assert evaluate("a == b", {"a": {"x": 1, "y": 2}, "b": {"x": 1, "z": 2}}) is False


def test_strict_reads_mappings_and_never_attributes() -> None:
    class Entry:
        field = "attribute"

    assert evaluate("a.field", {"a": {"field": 1}}) == 1
    assert evaluate("a.field.deeper", {"a": types.MappingProxyType({"field": None})}) is None
    assert evaluate("'field' in a", {"a": collections.UserDict(field=1)}) is True
    assert isinstance(cause_of("a.field", {"a": Entry()}, "strict"), TypeError)
    assert isinstance(cause_of("a['field']", {"a": Entry()}, "strict"), TypeError)


def test_strict_passes_objects_on() -> None:
    day = datetime(2015, 5, 1)
    later = datetime(2015, 5, 2)
    data = {"a": day, "b": later, "d": Decimal("2.50")}
    assert evaluate("a", data) is day
    assert evaluate("a < b and a != b and a == a", data) is True
    assert evaluate("str(d)", data) == "2.50"
    assert evaluate("num(d) + 1", data) == 3.5
    assert evaluate("a == 1", data) is False
    for text in ("a + b", "d + 1", "d < 1", "num(a)", "len(a)"):
        assert isinstance(cause_of(text, data, "strict"), TypeError), text


def test_strict_compares_integers_above_64_bits_and_refuses_the_rest() -> None:
    data = {"big": 2**70, "same": 2**70, "low": -(2**70), "inf": float("inf"), "nan": float("nan")}
    assert evaluate("big == same and big > 5 and low < -5.5 and big != low and big < inf", data) is True
    assert evaluate("big", data) == 2**70
    assert evaluate("big in [1, same]", data) is True
    assert evaluate("big == nan or big < nan or big > nan", data) is False
    assert evaluate("[1][big]", data) is None
    assert evaluate("max(1, big, 2.5)", data) == 2**70
    for text in ("big + 1", "1 * big", "-big", "abs(big)", "str(big)", "num(big)", "round(big, 2)", "big / 2"):
        cause = cause_of(text, data, "strict")
        assert isinstance(cause, OverflowError) and "does not fit 64 bits" in str(cause), text


def test_strict_treats_what_is_not_finite_as_an_error_of_arithmetic() -> None:
    data = {"inf": float("inf"), "nan": float("nan")}
    for text in (
        "inf + 1",
        "inf - inf",
        "nan * 1",
        "-inf",
        "abs(inf)",
        "sin(inf)",
        "2.0 ^ 5000",
        "trunc(inf)",
        "round(nan)",
    ):
        assert isinstance(cause_of(text, data, "strict"), OverflowError), text
    assert evaluate("nan == nan", data) is False
    assert evaluate("inf == inf and inf > 9223372036854775807 and -9223372036854775808 < inf", data) is True


def test_strict_reports_the_item_that_is_wrong() -> None:
    with pytest.raises(ExpressionError, match="item 2 of the list of max"):
        evaluate("max(a)", {"a": [1, "x"]})
    with pytest.raises(ExpressionError, match=r"operand 3 of min\(\) must be a number"):
        evaluate("min(1, 2.5, 'x')", {})
    assert evaluate("min(a)", {"a": ("b", "a", "c")}) == "a"
    assert evaluate("max(a)", {"a": []}) is None


def test_strict_patterns_are_compiled_once_and_bounded() -> None:
    program = compile(r"matches(text, r'^\w+-\d+$')")
    assert program.test({"text": "ab-12"}) is True
    assert program.test({"text": "ab-"}) is False
    assert program.test({"text": "ø-1"}) is True
    with pytest.raises(ExpressionError, match="the pattern is not valid"):
        evaluate("matches(text, '(')", {"text": "x"})
    with pytest.raises(ExpressionError, match=r"operand 1 of matches\(\) must be a text"):
        evaluate("matches(text, 'x')", {"text": 5})
    with pytest.raises(ExpressionError, match="too many steps"):  # without a bound: the age of the universe
        evaluate("matches(text, '(a+)+$')", {"text": "a" * 60 + "!"})


def test_strict_compares_nested_lists_to_a_depth() -> None:
    def nested(depth: int) -> Any:
        value: Any = 1
        for _ in range(depth):
            value = [value]
        return value

    assert evaluate("a == b", {"a": nested(100), "b": nested(100)}) is True
    cause = cause_of("a == b", {"a": nested(101), "b": nested(101)}, "strict")
    assert isinstance(cause, OverflowError) and "nested more than 100 deep" in str(cause)
    loop: list[Any] = []
    loop.append(loop)
    assert isinstance(cause_of("a == b", {"a": loop, "b": [loop]}, "strict"), OverflowError)
