"""What Python alone can do: compat expressions compiled to closures, tuned.

    run = compile_closures("($a == True) & ($x >= 3)")
    run({"a": True, "x": 5})        # True

The rival of the same language and the same meaning: conversion of every value, falsy operands of
comparisons, the right operand first.  What makes it as fast as closures get: constants are converted
and folded beforehand; each closure is made for its operator and for the kind of its operands
(constant, variable, known bool, anything), so that a comparison of a variable with a constant is one
call; conversion of numbers stands inside the closure; a text that cannot be a number is seen by its
first letter, without an exception.

Only what programmes use is compiled: `Unsupported` is raised for the rest (list literals, array
variables, the clock, texts that are operators, text that would be ignored).
"""

from __future__ import annotations

import functools
import math
import re
import string
from collections.abc import Callable
from typing import Any

Run = Callable[[Any], Any]
# What an operand is: "const" with its value, "var" with its name, "flag" with a closure that gives
# a bool, "any" with a closure.
Operand = tuple[str, Any]

_OPERAND = re.compile(
    r"""[ \t\n\r]* (?:
        (?P<number> [+-]? [0-9]+ (?: \.[0-9]* )? (?: [eE][+-]?[0-9]+ )? )
      | \$ (?P<var> [A-Za-z0-9_]+ )
      | (?P<word> (?: None|True|False ) (?![A-Za-z0-9_$]) )
      | (?P<text> "[^"'\\\n\r]*" | '[^"'\\\n\r]*' )
      | (?P<call> -? [A-Za-z][A-Za-z0-9_$]* ) [ \t\n\r]* \(
      | (?P<open> \( )
    )""",
    re.X,
)
_OPERATOR = re.compile(r"[ \t\n\r]*(==|!=|<=|>=|[-+*/%^<>&|)]|in(?![A-Za-z0-9_$])|$)")
_LEVELS = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "^": 4}
_COMPARISON = 3
_POWER = 4
_BOOLEANS = ("==", "!=", "<", "<=", ">", ">=", "&", "|")
_WORDS = {"None": None, "True": True, "False": False}
_RESERVED = ("current_day", "current_time", "current_date", "registered", "enrolled", "group")
_BOOLS = {"True": True, "False": False}
# Texts that begin with these are no numbers ("inf" and "nan" are).
_NO_NUMBER = frozenset(string.ascii_letters) - frozenset("iInN")
# Texts the language executes instead of comparing.
_EXECUTED = re.compile(r"[-+*/%^<>&|!]|[=!<>]=|in|unary -|var idx|E|PI|\$.*|sin|cos|tan|abs|trunc|round|sign|str")


class Unsupported(Exception):
    """The text has what this compiler leaves out; it may be right in the language."""


def convert(value: Any) -> Any:
    """A value as the language takes it: a float where it is one, True and False of their texts."""
    if value is None:
        return None
    if type(value) is str and value[:1] in _NO_NUMBER:
        return _BOOLS.get(value, value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _sign(value: Any) -> int:
    return 0 if abs(value) <= 2.220446049250313e-16 else 1 if value > 0 else -1


def _text(value: Any) -> str:
    text = str(value)
    return text[:-2] if type(value) is float and text.endswith(".0") else text


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "abs": abs,
    "trunc": int,
    "round": round,
    "sign": _sign,
    "str": _text,
}

# How an operand gets into the local name {at} of a closure; {of} is the cell it is made from.
_FETCH = {
    "const": "{at} = {of}",
    "flag": "{at} = {of}(data)",
    "any": "{at} = {of}(data)",
    "var": """try:
            {at} = data[{of}]
        except KeyError:
            {at} = None
        kind = type({at})
        if kind is int or kind is bool:
            {at} += 0.0
        elif kind is str and {at}[:1] in no_number:
            if {at} in bools:
                {at} = bools[{at}]
        elif kind is not float:
            {at} = convert({at})""",
}
_MAKER = """
def make(left, right):
    def run(data):
        {right}
        {left}
        return {body}
    return run
"""
_UNARY = """
def make(call, operand):
    def run(data):
        {fetch}
        return call(a)
    return run
"""


def _define(source: str) -> Callable[..., Run]:
    names: dict[str, Any] = {"convert": convert, "bools": _BOOLS, "no_number": _NO_NUMBER}
    exec(source, names)  # noqa: S102 - made of the tables above
    made: Callable[..., Run] = names["make"]
    return made


@functools.cache
def _binary(op: str, left: str, right: str) -> Callable[[Any, Any], Run]:
    """Makes closures of this operator over operands of these kinds."""
    fetch = [
        # A constant needs no name of its own in the closure.
        "pass" if kind == "const" else _FETCH[kind].format(at=at, of=of)
        for kind, at, of in ((right, "b", "right"), (left, "a", "left"))
    ]
    a = "left" if left == "const" else "a"
    b = "right" if right == "const" else "b"
    if op in _BOOLEANS:
        a, b = (f"({x} or False)" if kind in ("var", "any") else x for x, kind in ((a, left), (b, right)))
    body = f"{a} {'**' if op == '^' else op} {b}"
    return _define(_MAKER.format(right=fetch[0], left=fetch[1], body=body))


@functools.cache
def _applied(kind: str) -> Callable[[Callable[[Any], Any], Any], Run]:
    return _define(_UNARY.format(fetch=_FETCH[kind].format(at="a", of="operand")))


def _join(op: str, left: Operand, right: Operand) -> Operand:
    if op in _BOOLEANS:
        left, right = ((k, v or False) if k == "const" else (k, v) for k, v in (left, right))
    run = _binary(op, left[0], right[0])(left[1], right[1])
    if left[0] == right[0] == "const":
        return _folded(run)
    return ("flag" if op in _BOOLEANS[:6] or left[0] == right[0] == "flag" else "any", run)


def _folded(run: Run) -> Operand:
    """The value of an operation on constants, unless it is an error, which comes when it is run."""
    try:
        return "const", run(None)
    except (ArithmeticError, TypeError, ValueError):
        return "any", run


def _call(call: Callable[[Any], Any], operand: Operand) -> Operand:
    run = _applied(operand[0])(call, operand[1])
    return _folded(run) if operand[0] == "const" else ("any", run)


def _negative(value: Any) -> Any:
    return -value


class _Reader:
    """One pass over the text, by the levels of the operators."""

    def __init__(self, text: str) -> None:
        self.text = text.expandtabs()
        self.at = 0

    def whole(self) -> Operand:
        operand = self.expression(1)
        if self.at < len(self.text) and self.text[self.at :].strip(" \t\n\r"):
            raise Unsupported(f"what follows {self.at} is ignored")
        return operand

    def expression(self, least: int) -> Operand:
        left = self.operand()
        while found := _OPERATOR.match(self.text, self.at):
            op = found[1]
            level = _LEVELS.get(op, _COMPARISON)
            if op in ("", ")") or level < least:
                return left
            if op == "in":
                raise Unsupported("in")
            self.at = found.end()
            left = _join(op, left, self.expression(level if level == _POWER else level + 1))
        return left

    def operand(self) -> Operand:
        found = _OPERAND.match(self.text, self.at)
        if found is None:
            raise Unsupported(f"at {self.at}")
        self.at = found.end()
        kind = found.lastgroup
        what = found[kind or 0]
        if kind == "number":
            return self.number(what)
        if kind == "var":
            return self.variable(what)
        if kind == "word":
            return "const", _WORDS[what]
        if kind == "text":
            return self.string(what[1:-1])
        inner = self.expression(1)
        self.close()
        return inner if kind == "open" else self.call(what, inner)

    def number(self, text: str) -> Operand:
        if self.text[self.at : self.at + 1].isalpha():
            raise Unsupported("letters behind a number")
        return "const", convert(text)

    def variable(self, name: str) -> Operand:
        if name in _RESERVED or self.text[self.at : self.at + 1] == "[":
            raise Unsupported(f"${name}")
        return "var", name

    def string(self, text: str) -> Operand:
        if _EXECUTED.fullmatch(text) or text in _WORDS:
            raise Unsupported(f"the text {text!r}")
        return "const", convert(text)

    def close(self) -> None:
        found = _OPERATOR.match(self.text, self.at)
        if found is None or found[1] != ")":
            raise Unsupported(f"no parenthesis at {self.at}")
        self.at = found.end()

    def call(self, name: str, inner: Operand) -> Operand:
        called = FUNCTIONS.get(name.lstrip("-"))
        if called is None or name.lower().startswith(("e", "pi")):
            raise Unsupported(f"{name}()")
        result = _call(called, inner)
        return _call(_negative, result) if name[0] == "-" else result


def compile_closures(text: str) -> Run:
    """The function of a mapping that evaluates the text.  Unsupported for what is left out."""
    kind, thing = _Reader(text).whole()
    if kind in ("any", "flag"):
        return thing  # type: ignore[no-any-return]
    return _define(_UNARY.format(fetch=_FETCH[kind].format(at="a", of="operand")).replace("call(a)", "a"))(None, thing)
