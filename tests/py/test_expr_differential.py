"""The native Parser against the plain Python one: thousands of random expressions over random data.

Compared are the value (type and repr) or the class of the exception, the postfix stack, and how far
the expression reached.  SEED and COUNT come from CITRATE_DIFF_SEED and CITRATE_DIFF_COUNT.
"""

from __future__ import annotations

import os
import random
from typing import Any

import flow_random
import flow_stub
import pytest
from citrate.contrib.serafin import Parser, reference
from citrate.flow import compile as compile_text

SEED = int(os.environ.get("CITRATE_DIFF_SEED", "20150501"))
COUNT = int(os.environ.get("CITRATE_DIFF_COUNT", "1500"))
# What random texts seldom come to.
CORNERS = [
    "sign(1e-17)", "sign(0 - 2.3E-16)", "sign(2.1e-16)", "sign('nan')", "sign(1e400)", "round(0.5)", "round(1.5)", "round(-2.5)",
    "round('nan')", "trunc(1e400)", "trunc(-1.9)", "abs(True)", "0 ^ -1", "(0-8)^(1/3)", "10 ^ 400", "-7 % 3", "7 % (0-3)",
    "1e308 * 10", "trunc(9)^trunc(9)^trunc(7)", "'%999999999d' % 5", "'%s and %s' % 5", "'%(k)s' % $dict", "'abc' % [1]",
    "False + [1]", "sign(0) + [1]", "0 + [1]", "[1] + [1]", "[1] + $l", "'$' + 'x'", "['$', 'a']", "['$a', 'b']", "[1][0]",
    "str(1e16)", "str(123456789012345678)", "str(0.1 + 0.2)", "str($l)", "str($dict)", "str([1, 'a'])", "str(True)",
    "$arr[0]", "$arr[-1]", "$arr[2.9]", "$arr['1']", "$arr[$arr[0]]", "$arr[1/0", "$nest[0]", "$missing[0]", "$current_day[1/0]",
    "'in'", "1 'in'", "5 6 '+'", "1 + 2 * (3 4)", "5 + foo(1", "'unary -' 5", "3 'unary -'", "1 2 'var idx'", "'$a' 'var idx'",
    "((((((((((((1))))))))))))", "2^2^2^2", "2^-1", "--1", "- - 1", "1 - -1", "1-1", "1 -1", "1--1", "!(!(1))", "!('')", "! [1]",
    "1e5e5", "1.5.5", "+ 1", "1 in [1, '1', 1.0]", "'a' in 'abc'", "'' in 'abc'", "$l in $nest", "[1] in $l", "3 in [$a]",
    "True & True & False", "0 | '' | None", "$t & True", "$ts & True", "$current_day & True", "'12:00' < $current_time",
]  # fmt: skip
PER_DATA = 25  # expressions over one user's data
SESSIONS = {1: {"nodes": [], "edges": []}}


def outcome(call: Any) -> Any:
    """What a call came to, in a form that can be compared."""
    try:
        value = call()
    except Exception as error:
        return type(error).__name__
    name = type(value).__name__
    return ("RawList" if name == "ParseResults" else name), repr(value)


def tokens(stack: list[Any]) -> list[Any]:
    return [token if isinstance(token, str) else list(token) for token in stack]


class Pair:
    """A native and a plain Parser over the same world."""

    def __init__(self, rng: random.Random, dialect: str) -> None:
        self.data = flow_random.user_data(rng)
        self.world = flow_stub.World(
            SESSIONS,
            self.data,
            dialect,
            anonymous=rng.random() < 0.3,
            accesses=rng.choice([(), (1.0,)]),
            arrays=rng.sample(flow_random.ARRAYS, rng.randrange(4)),
            variables={"declared": rng.choice(["", "5", "abc", "True"]), "a": "99"},
        )
        self.native_class = flow_stub.bind_parser(Parser, self.world)
        self.plain = flow_stub.bind_parser(reference.Parser, self.world)(self.world.user)

    def native(self) -> Any:
        return self.native_class(self.world.user)

    def compare(self, native: Any, text: str) -> str | None:
        """Both parse a text with what is on their stacks; what differs."""
        expected = outcome(lambda: self.plain.parse(text)), tokens(self.plain.stack)
        got = outcome(lambda: native.parse(text)), tokens(native.stack)
        if expected == got:
            return None
        return f"{text!r} over {self.data!r}, arrays {self.world.arrays}: expected {expected}, got {got}"


def pairs(dialect: str, seed: int, count: int) -> Any:
    """(pair, texts) until there were `count` texts."""
    rng = random.Random(seed)
    texts = flow_random.Expressions(rng)
    for _ in range(count // PER_DATA):
        yield Pair(rng, dialect), [texts.text() for _ in range(PER_DATA)]


@pytest.mark.parametrize("dialect", ["A", "B"])
def test_random_expressions_have_the_same_values_errors_and_stacks(dialect: str) -> None:
    wrong = []
    for pair, texts in pairs(dialect, SEED, COUNT):
        for text in texts:
            pair.plain.stack.clear()
            wrong.append(pair.compare(pair.native(), text))
    assert len(wrong) == COUNT
    assert [w for w in wrong if w] == []


@pytest.mark.parametrize("dialect", ["A", "B"])
def test_corners_of_the_language_have_the_same_values_errors_and_stacks(dialect: str) -> None:
    wrong = []
    for pair, _ in pairs(dialect, SEED + 3, 10 * PER_DATA):
        for text in CORNERS:
            pair.plain.stack.clear()
            wrong.append(pair.compare(pair.native(), text))
    assert [w for w in wrong if w] == []


@pytest.mark.parametrize("dialect", ["A", "B"])
def test_parsers_that_are_used_again_pile_up_the_same_tokens(dialect: str) -> None:
    wrong = []
    for pair, texts in pairs(dialect, SEED + 1, COUNT // 3):
        native = pair.native()
        pair.plain.stack.clear()
        wrong += [pair.compare(native, text) for text in texts]
    assert [w for w in wrong if w] == []


@pytest.mark.parametrize("dialect", ["A", "B"])
def test_compiled_programs_end_where_parsing_ends(dialect: str) -> None:
    wrong = []
    for pair, texts in pairs(dialect, SEED + 2, COUNT // 3):
        for text in texts:
            parsed = outcome(lambda text=text, pair=pair: pair.plain.parse(text))
            compiled = outcome(lambda text=text: compile_text(text, dialect=dialect))
            if parsed == "ParseException":
                is_right = compiled == "ExpressionError"
            else:
                is_right = not isinstance(compiled, str) and compile_text(text, dialect=dialect).end == pair.plain.end
            if not is_right:
                wrong.append(f"{text!r}: parsing {parsed} ends at {pair.plain.end}, compiling {compiled}")
    assert wrong == []


def test_the_random_expressions_are_worth_comparing() -> None:
    """Every kind of outcome is among them, and most of them are values."""
    kinds: dict[Any, int] = {}
    for pair, texts in pairs("B", SEED, 500):
        for text in texts:
            pair.plain.stack.clear()
            result = outcome(lambda text=text, pair=pair: pair.plain.parse(text))
            kind = result if isinstance(result, str) else result[0]
            kinds[kind] = kinds.get(kind, 0) + 1
    values = sum(kinds.get(kind, 0) for kind in ("float", "bool", "str", "int", "NoneType", "list", "RawList"))
    assert values > 150
    assert {"float", "bool", "str", "list", "RawList", "ParseException", "TypeError", "IndexError"} <= set(kinds)
