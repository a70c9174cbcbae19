"""The compat expression language in plain Python: a pyparsing grammar that pushes, a stack that is run.

This is the yardstick the native Parser is held against, so it reads like the description of the
language and does nothing cleverly: a grammar for each Parser, every Variable read for each Parser,
recursion.  Install it with `pip install citrate[reference]`.

    p = Parser(user)
    p.parse("$age + 1 > 18")      # -> 1.0; p.stack is ["$age", "1", "18", ">", "+"]

Whatever an expression does reaches the caller as Python's own exception.  Results that are too large
for one expression (an integer power, a repeated or a padded text) are OverflowErrors.
"""

from __future__ import annotations

import math
import operator
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pyparsing import (
    CaselessLiteral,
    Combine,
    Empty,
    Forward,
    Group,
    Keyword,
    Literal,
    ParseException,
    ParserElement,
    ParseResults,
    Regex,
    Suppress,
    Word,
    ZeroOrMore,
    alphanums,
    alphas,
    nums,
    one_of,
)
from pyparsing import Optional as Maybe

if TYPE_CHECKING:
    from citrate.contrib.serafin.host import Host

__all__ = ["ParseException", "Parser", "RawList", "str_trim_float"]

# Bounds of what `^`, `*` and `%` make: bits of an integer, characters of a text, items of a list.
INT_BITS_MAX = 64 * 1024
TEXT_CHARS_MAX = 1024 * 1024
LIST_ITEMS_MAX = 100 * 1000


class RawList:
    """A list literal that nothing has converted: the texts of its items.

    It is no list: it is equal to nothing but itself and has no order.  `0 + raw` is the raw list;
    anything else in front of the `+` goes round in circles in the original.
    """

    __slots__ = ("items",)

    def __init__(self, items: list[str]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[str]:
        return iter(self.items)

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, (int, slice)):
            raise KeyError(key)
        return self.items[key]

    def __radd__(self, other: Any) -> RawList:
        if isinstance(other, int) and other == 0:
            return self
        raise RecursionError("maximum recursion depth exceeded")

    def __repr__(self) -> str:
        return repr(self.items)


def str_trim_float(value: Any) -> str:
    """str(value), a float without a trailing ".0"."""
    text = str(value)
    return text[:-2] if isinstance(value, float) and text.endswith(".0") else text


def _convert(value: Any) -> Any:
    """The float a value reads as; True and False for their texts; else the value itself."""
    try:
        return float(value)
    except (ValueError, TypeError):
        pass
    if isinstance(value, str) and value in ("True", "False"):
        return value == "True"
    return value


def _sign(value: Any) -> int:
    return (value > 0) - (value < 0) if abs(value) > sys.float_info.epsilon else 0


# ---- operators whose results could be of any size ----


def _power(left: Any, right: Any) -> Any:
    are_ints = isinstance(left, int) and isinstance(right, int)
    if are_ints and (left.bit_length() - 1) * right > INT_BITS_MAX:
        raise OverflowError("the integer would be too large")
    return left**right


def _times(left: Any, right: Any) -> Any:
    for items, count in ((left, right), (right, left)):
        most = TEXT_CHARS_MAX if isinstance(items, str) else LIST_ITEMS_MAX
        if isinstance(items, (str, list)) and isinstance(count, int) and len(items) * count > most:
            raise OverflowError("the result would be too long")
    return left * right


def _modulo(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        widths = re.findall(r"[0-9]+", "".join(re.findall(r"%[^%a-zA-Z]*", left)))
        if any(int(width[:9]) > TEXT_CHARS_MAX for width in widths):
            raise OverflowError("the text would be too long")
    return left % right


class Parser:
    """Expressions of one user.

    `parse` evaluates a text, `stack` is the postfix form of all texts so far, `userdata` the values
    its variables have: declared Variables under the user's data as both are now.  `end` is how far
    into the text (tabs expanded) the last expression reached, -1 when there was none.
    """

    # Where Variables, sessions and the clock come from, and the dialect: "A", "B" or "B+refresh".
    host: ClassVar[Host | None] = None
    lineage: ClassVar[str] = "B"

    UNARY = "unary -"
    INDEXED_VARIABLE = "var idx"
    NOT = "!"

    bool_operators: ClassVar[dict[str, Callable[..., Any]]] = {
        "==": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
        "in": operator.contains,
        "&": operator.and_,
        "|": operator.or_,
        "!": operator.not_,
    }
    math_operators: ClassVar[dict[str, Callable[..., Any]]] = {
        "+": operator.add,
        "-": operator.sub,
        "*": _times,
        "/": operator.truediv,
        "%": _modulo,
        "^": _power,
    }
    operators: ClassVar[dict[str, Callable[..., Any]]] = {**bool_operators, **math_operators}
    functions: ClassVar[dict[str, Callable[[Any], Any]]] = {
        "sin": math.sin,
        "cos": math.cos,
        "tan": math.tan,
        "abs": abs,
        "trunc": int,
        "round": round,
        "sign": _sign,
        "str": str_trim_float,
    }
    constants: ClassVar[dict[str, float]] = {"PI": math.pi, "E": math.e}

    def __init__(self, user_obj: Any = None) -> None:
        self.user = user_obj
        if self.lineage == "B+refresh":
            self._host.refresh_user(user_obj)
        self.userdata: dict[str, Any] = {**self._host.variables(), **user_obj.data}
        self.stack: list[Any] = []
        self.end = -1
        self.bnf = self._grammar()

    @property
    def _host(self) -> Host:
        if self.host is None:
            from citrate.contrib.serafin.host import default_host

            return default_host()
        return self.host

    @property
    def reserved_variables(self) -> list[dict[str, Any]]:
        """What the application says about names of its own: {"name": ..., "domains": [...]}."""
        return self._host.reserved_variables()

    def parse(self, text: str) -> Any:
        """The value of an expression; what follows it in the text is ignored.

        Raises ParseException when the text does not begin with one, else what evaluating raises.
        """
        self.end = -1
        self.bnf.parse_string(text.expandtabs())
        return self.evaluate_stack(self.stack[:])

    # ---- the grammar ----

    def _push_first(self, tokens: ParseResults) -> None:
        self.stack.append(tokens[0])

    def _push_unary(self, tokens: ParseResults) -> None:
        if tokens[0] == "-":
            self.stack.append(self.UNARY)

    def _push_literal(self, tokens: ParseResults) -> None:
        token = tokens[0]
        self.stack.append(RawList(list(token)) if isinstance(token, ParseResults) else token)
        self._push_unary(tokens)
        if self._is_b and token == "!":
            self.stack.append(self.NOT)

    def _push_indexed(self, tokens: ParseResults) -> None:
        self.stack += [tokens[0], self.INDEXED_VARIABLE]

    def _push_not(self) -> None:
        self.stack.append(self.NOT)

    def _set_end(self, _text: str, place: int, _tokens: ParseResults) -> None:
        self.end = place

    @property
    def _is_b(self) -> bool:
        return self.lineage != "A"

    @staticmethod
    def _string(quote: str) -> ParserElement:
        """A quoted text, without its quotes: escapes and doubled quotes stay as they are written."""
        inside = Regex(rf"(?:[^{quote}\n\r\\]|{quote}{quote}|\\(?:[^x]|x[0-9a-fA-F]+))*").leave_whitespace()
        return Suppress(quote) + inside + Suppress(Literal(quote).leave_whitespace())

    def _grammar(self) -> ParserElement:
        """The grammar; matching a part of it pushes at once, and nothing takes that back."""
        left, right = Suppress("("), Suppress(")")
        expr, factor = Forward(), Forward()

        e, pi = CaselessLiteral("E"), CaselessLiteral("PI")
        digits = Word("+-" + nums, nums)
        number = Combine(digits + Maybe("." + Maybe(Word(nums))) + Maybe(e + digits))
        ident = Word(alphas, alphanums + "_$")
        variable = Combine("$" + Word(alphanums + "_"))
        truth = Keyword("True") | Keyword("False")
        string = self._string('"') | self._string("'")
        item = number | variable | truth | string
        items = Group(Suppress("[") + Maybe(item + ZeroOrMore(Suppress(",") + item)) + Suppress("]"))

        numeric = (pi | e | number | ident + left + expr + right).set_parse_action(self._push_first)
        atom = (Maybe("-") + numeric).set_parse_action(self._push_unary)
        if self._is_b:
            indexed = variable + Suppress("[") + expr + Suppress("]")
            atom |= indexed.set_parse_action(self._push_indexed)
        atom |= (variable | Keyword("None") | truth | string | items).set_parse_action(self._push_literal)
        if self._is_b:
            atom |= (Literal("!") + left + expr + right).set_parse_action(self._push_not)
        atom |= left + expr + right

        factor <<= atom + ZeroOrMore((Literal("^") + factor).set_parse_action(self._push_first))
        sign = one_of("== != <= >= < > & |") | Keyword("in")
        compare = factor + ZeroOrMore((sign + factor).set_parse_action(self._push_first))
        term = compare + ZeroOrMore((one_of("* / %") + compare).set_parse_action(self._push_first))
        expr <<= term + ZeroOrMore((one_of("+ -") + term).set_parse_action(self._push_first))
        return expr + Empty().set_parse_action(self._set_end)

    # ---- evaluating ----

    def evaluate_stack(self, stack: list[Any]) -> Any:
        """Takes one value off the end of a postfix stack."""
        token = stack.pop()
        if token == self.UNARY:
            return -self.evaluate_stack(stack)
        if self._is_b and token == self.NOT:
            return not self.evaluate_stack(stack)
        if token in self.operators:
            return self._operate(token, stack)
        if token in self.functions:
            return self.functions[token](self.evaluate_stack(stack))
        if token in self.constants:
            return self.constants[token]
        if self._is_b and token == self.INDEXED_VARIABLE:
            name = stack.pop()[1:]
            return self._variable(name, self.evaluate_stack(stack))
        if token and token[0] == "$":
            return self._variable(token[1:])
        return None if token == "None" else _convert(token)

    def _operate(self, sign: str, stack: list[Any]) -> Any:
        right = self.evaluate_stack(stack)
        left = self.evaluate_stack(stack)
        if sign in self.bool_operators:
            right, left = right or False, left or False
        if sign == "in":
            left, right = right, left
        if isinstance(left, RawList):
            left = [_convert(item) for item in left]
        return self.operators[sign](left, right)

    def _variable(self, name: str, *index: Any) -> Any:
        """The value of a variable; of an array variable the element asked for, else its last one."""
        if name in [row["name"] for row in self.reserved_variables if "user" in row["domains"]]:
            return self._reserved(name)
        value = _convert(self.userdata.get(name))
        if not self._is_b or not self._host.is_array(name):
            return value
        if index:
            return _convert(value[int(index[0])])
        return _convert(value[-1]) if isinstance(value, list) else value

    def _reserved(self, name: str) -> Any:
        now = self._host.now().replace(microsecond=0)
        if name == "current_day":
            return now.isoweekday()
        if name == "current_time":
            return now.strftime("%H:%M:%S")
        if name == "current_date":
            return now.strftime("%Y-%m-%d")
        if name == "registered":
            return not self._host.is_anonymous(self.user)
        if name == "enrolled":
            return self._is_enrolled()
        return ""

    def _is_enrolled(self) -> bool:
        if "session" not in self.userdata:
            return False
        session = self._host.load_session(self.userdata["session"])
        return bool(self._host.accesses(session.program, self.user))
