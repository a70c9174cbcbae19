"""Serafin's Parser over native programs: what was 1.5 ms an expression takes some microseconds.

    p = Parser(user)
    p.parse("$age + 1 > 18")        # 1.0; p.stack is ["$age", "1", "18", ">", "+"]

Programs are compiled once for the process; Variables are read when an expression names one that
is neither reserved nor in the user's data, and only those it names.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from citrate import _native
from citrate._native import ExpressionError, Program, RawList
from citrate.contrib.serafin.names import reserved_names, reserved_value
from citrate.contrib.serafin.settings import lineage as configured_lineage

if TYPE_CHECKING:
    from citrate.contrib.serafin.host import Host

__all__ = ["ParseException", "Parser", "RawList", "str_trim_float"]


class ParseException(Exception):
    """A text that does not begin with an expression.

    Attributes, as pyparsing's has them: `loc`, characters before the place; `lineno`, `col` (also
    `column`), from 1; `line`, the line of the text; `pstr`, the text with its tabs expanded; `msg`,
    what is wrong; `hint`, what to do about it, may be empty.
    """

    def __init__(self, pstr: str, loc: int = 0, msg: str = "", hint: str = "") -> None:
        super().__init__(pstr, loc, msg, hint)
        self.pstr, self.loc, self.msg, self.hint = pstr, loc, msg, hint
        before = pstr[:loc]
        start = before.rfind("\n") + 1
        self.lineno = before.count("\n") + 1
        self.col = self.column = loc - start + 1
        self.line = pstr[start:].split("\n", 1)[0]

    def __str__(self) -> str:
        text = f"{self.msg}  (at char {self.loc}), (line:{self.lineno}, col:{self.col})"
        return f"{text}; {self.hint}" if self.hint else text


def str_trim_float(value: Any) -> str:
    """str(value), a float without a trailing ".0"."""
    text = str(value)
    return text[:-2] if isinstance(value, float) and text.endswith(".0") else text


def _sign(value: Any) -> int:
    return (value > 0) - (value < 0) if abs(value) > 2.220446049250313e-16 else 0


class Parser:
    """Expressions of one user.

    `parse` evaluates a text; `stack` is the postfix form of all texts so far; `user` the user;
    `userdata` the values variables have: declared Variables under the user's data, as both were
    when the Parser was made; `end` how far into the text (tabs expanded) the last expression
    reached, -1 when there was none.
    """

    # Where Variables, sessions and the clock come from (None: Django's models), and the lineage
    # (None: what the application is configured for).
    host: ClassVar[Host | None] = None
    lineage: ClassVar[str | None] = None

    UNARY = "unary -"
    INDEXED_VARIABLE = "var idx"
    NOT = "!"

    # What there is, for those who list it; evaluation does not look here.
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
        "*": operator.mul,
        "/": operator.truediv,
        "%": operator.mod,
        "^": operator.pow,
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
        lineage = self.lineage or configured_lineage()
        if lineage == "B+refresh":
            self._host.refresh_user(user_obj)
        self._dialect = "A" if lineage == "A" else "B"
        self._data: dict[str, Any] = _native.snapshot(user_obj.data)
        self._userdata: dict[str, Any] | None = None
        self._variables: dict[str, Any] = {}  # declared ones, as far as they were asked for
        self._asked: set[str] = set()
        self._arrays: dict[str, bool] = {}
        self._reserved_names: frozenset[str] | None = None
        self._names: tuple[str, ...] = ()
        self.stack: list[Any] = []
        self.end = -1

    # ---- what others read ----

    @property
    def bnf(self) -> Parser:
        """What recognises expressions: here the Parser itself, as the compiler has no grammar objects."""
        return self

    @property
    def userdata(self) -> dict[str, Any]:
        """The values of all variables; reading it reads all declared Variables, once."""
        if self._userdata is None:
            self._userdata = {**self._host.variables(), **self._variables, **self._data}
        return self._userdata

    @userdata.setter
    def userdata(self, values: dict[str, Any]) -> None:
        self._userdata = values

    @property
    def reserved_variables(self) -> list[dict[str, Any]]:
        """What the application says about names of its own: {"name": ..., "domains": [...]}."""
        return self._host.reserved_variables()

    # ---- evaluating ----

    def parse(self, text: str) -> Any:
        """The value of an expression; what follows it in the text is ignored.

        Raises ParseException when the text does not begin with one, else what evaluating raises:
        Python's own exceptions, OverflowError for what is too large.
        """
        if not isinstance(text, str):
            raise AttributeError(f"{type(text).__name__!r} object has no attribute 'expandtabs'")
        self.end = -1
        try:
            program = _native.compile(text, self._dialect)
        except ExpressionError as error:
            self.stack += _native.tokenize(text, self._dialect)
            raise ParseException(text.expandtabs(), error.offset, error.what, error.hint) from None
        self.end = program.end
        is_alone = program.is_closed or not self.stack
        self.stack += program.tokens
        return self._evaluate(program if is_alone else self._compile_stack(self.stack))

    def evaluate_stack(self, stack: list[Any]) -> Any:
        """Takes one value, with all the tokens it is made of, off the end of a postfix stack."""
        program = self._compile_stack(stack)
        del stack[len(stack) - len(program.tokens) :]
        return self._evaluate(program)

    def _compile_stack(self, stack: list[Any]) -> Program:
        try:
            return _native.compile_stack(stack, self._dialect)
        except ExpressionError as error:
            raise ParseException("", 0, error.what, error.hint) from None

    def _evaluate(self, program: Program) -> Any:
        names = program.names
        if not names:
            return program.evaluate_with({})
        self._names = names
        is_array = None if self._dialect == "A" else self._is_array
        return program.evaluate_with(
            self._data if self._userdata is None else self._userdata,
            reserved_names=self._reserved_set(),
            reserved=self._reserved,
            missing=self._missing if self._userdata is None else None,
            is_array=is_array,
        )

    # ---- names ----

    @property
    def _host(self) -> Host:
        if self.host is None:
            from citrate.contrib.serafin.host import default_host

            return default_host()
        return self.host

    def _reserved_set(self) -> frozenset[str]:
        if self._reserved_names is None:
            self._reserved_names = reserved_names(self.reserved_variables)
        return self._reserved_names

    def _missing(self, name: str) -> Any:
        """The value of a declared Variable.  Those of the whole expression are read together."""
        if name not in self._asked:
            known = self._data.keys() | self._reserved_set() | self._asked
            wanted = [other for other in self._names if other not in known] or [name]
            self._variables.update(self._host.variables(wanted))
            self._asked.update(wanted)
        return self._variables.get(name)

    def _is_array(self, name: str) -> bool:
        if name not in self._arrays:
            self._arrays[name] = self._host.is_array(name)
        return self._arrays[name]

    def _reserved(self, name: str) -> Any:
        return reserved_value(self._host, self.user, name, self._with_session)

    def _with_session(self) -> dict[str, Any]:
        return self._data if "session" in self._data else self.userdata
