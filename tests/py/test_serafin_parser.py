"""The drop-in Parser: snapshots, Variables read late, tokens that pile up, lineages."""

from __future__ import annotations

import collections
import pickle
import subprocess
import sys
import types
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from citrate.contrib.serafin.expressions import ParseException, Parser, str_trim_float
from citrate.contrib.serafin.settings import configure, lineage, setting
from citrate.flow import RawList

NOON = datetime(2015, 5, 1, 12, 34, 56, 123456, timezone(timedelta(hours=2)))


class Host:
    """As much of an application as a Parser needs."""

    def __init__(self, **rows: Any) -> None:
        self.rows = rows
        self.asked: list[Any] = []
        self.refreshed: list[Any] = []

    def variables(self, names: Any = None) -> dict[str, Any]:
        self.asked.append(names)
        return {
            name: row() if callable(row) else row for name, row in self.rows.items() if names is None or name in names
        }

    def is_array(self, name: str) -> bool:
        return name == "arr"

    def reserved_variables(self) -> list[dict[str, Any]]:
        names = ("registered", "enrolled", "group", "current_day", "current_time", "current_date")
        return [{"name": n, "domains": ["user"]} for n in names] + [{"name": "email", "domains": []}]

    def now(self) -> datetime:
        return NOON

    def is_anonymous(self, user: Any) -> bool:
        return bool(user.is_anonymous)

    def load_session(self, session_id: Any) -> Any:
        if session_id == "gone":
            raise LookupError("no such session")
        return types.SimpleNamespace(program="P")

    def accesses(self, program: Any, user: Any) -> list[Any]:
        return user.accesses

    def refresh_user(self, user: Any) -> None:
        self.refreshed.append(user)
        user.data = {"a": "refreshed"}


def user_of(data: Any, **more: Any) -> Any:
    return types.SimpleNamespace(**{"data": data, "is_anonymous": False, "accesses": [], **more})


def parser_class(host: Host, which: str = "B") -> type[Parser]:
    return type("Parser", (Parser,), {"host": host, "lineage": which})


def test_a_parser_needs_a_user() -> None:
    for call in (Parser, lambda: Parser(None), lambda: Parser(user_obj=None)):
        with pytest.raises(AttributeError):
            call()


def test_a_parser_keeps_the_data_of_when_it_was_made() -> None:
    user = user_of(collections.OrderedDict(a=1))
    parser = parser_class(Host())(user)
    user.data["a"] = 2
    assert parser.parse("$a") == 1.0
    assert parser.user is user and parser.userdata == {"a": 1}


@pytest.mark.parametrize("kind", [dict, collections.OrderedDict, collections.ChainMap, collections.UserDict])
def test_a_snapshot_is_taken_of_any_mapping(kind: Any) -> None:
    names = {f"v{i}": i for i in range(100)}
    data = kind(dict(names))
    parser = parser_class(Host())(user_of(data))
    data["v7"] = "changed"
    del data["v8"]
    assert parser.parse("$v7 + $v8") == 15.0
    assert type(parser.userdata) is dict and parser.userdata == names


def test_data_that_is_no_mapping_is_an_error_of_the_constructor() -> None:
    for bad in (None, 5):
        with pytest.raises((AttributeError, TypeError)):
            parser_class(Host())(user_of(bad))


def test_variables_are_read_together_once_and_only_when_they_are_needed() -> None:
    host = Host(d1="5", d2="x", other="o")
    parser = parser_class(host)(user_of({"a": 1}))
    assert parser.parse("($a == 1) & $registered") is True
    assert host.asked == []
    assert parser.parse("(($d2 + 'y') == 'xy') & ($undeclared != $d1)") is True
    assert len(host.asked) == 1 and sorted(host.asked[0]) == ["d1", "d2", "undeclared"]
    parser.parse("$d1 + $d1")
    parser.parse("$undeclared")
    assert len(host.asked) == 1
    assert parser.parse("$other") == "o"
    assert host.asked[1:] == [["other"]]


def test_a_random_variable_is_drawn_once_for_a_parser() -> None:
    drawn = iter(range(100))
    host = Host(r=lambda: next(drawn))
    make = parser_class(host)
    first, second = make(user_of({})), make(user_of({}))
    assert [first.parse("$r"), first.parse("$r + 0"), second.parse("$r"), first.parse("$r")] == [0.0, 0.0, 1.0, 0.0]
    assert first.userdata["r"] == 0
    assert first.parse("$r") == 0.0


def test_userdata_is_all_variables_under_the_users_data() -> None:
    host = Host(a="declared", d="5")
    parser = parser_class(host)(user_of({"a": 1}))
    assert parser.userdata == {"a": 1, "d": "5"}
    assert parser.userdata is parser.userdata
    parser.userdata["later"] = "7"
    assert parser.parse("$later + $d") == 12.0
    assert host.asked == [None]
    parser.userdata = {"x": 3}
    assert parser.parse("$x") == 3.0 and parser.parse("$d") is None


def test_reserved_names_are_the_applications() -> None:
    host = Host()
    data = {"current_day": 99, "email": "u@example.org", "session": 7, "registered": "x"}
    parser = parser_class(host)(user_of(data, accesses=[1.0]))
    assert parser.parse("$current_day") == 5
    assert parser.parse("$current_time") == "12:34:56"
    assert parser.parse("$current_date") == "2015-05-01"
    assert parser.parse("$registered") is True and parser.parse("$enrolled") is True
    assert parser.parse("$group") == ""
    assert parser.parse("$email") == "u@example.org"
    other = parser_class(host)(user_of({}, is_anonymous=True))
    assert other.parse("$registered") is False and other.parse("$enrolled") is False
    with pytest.raises(LookupError):
        parser_class(host)(user_of({"session": "gone"})).parse("$enrolled")


def test_array_variables_belong_to_lineage_b() -> None:
    data = {"arr": [1, "2"], "list": [1, 2]}
    b, a = parser_class(Host())(user_of(data)), parser_class(Host(), "A")(user_of(data))
    assert b.parse("$arr") == 2.0 and b.parse("$arr[0]") == 1.0 and b.parse("$list") == [1, 2]
    assert a.parse("$arr") == [1, "2"] and a.parse("$arr[0]") == [1, "2"]
    with pytest.raises(ParseException):
        a.parse("!(1)")


def test_b_refresh_reads_the_user_again() -> None:
    host = Host()
    user = user_of({"a": "old"})
    assert parser_class(host, "B+refresh")(user).parse("$a") == "refreshed"
    assert host.refreshed == [user]
    assert parser_class(host)(user_of({"a": "old"})).parse("$a") == "old"


def test_tokens_pile_up() -> None:
    parser = parser_class(Host())(user_of({}))
    assert [parser.parse(text) for text in ("5", "6", "'+'")] == [5.0, 6.0, 11.0]
    assert parser.stack == ["5", "6", "+"]
    with pytest.raises(ParseException):
        parser.parse("(1 2")
    assert parser.stack == ["5", "6", "+", "1"] and parser.end == -1
    with pytest.raises(TypeError, match="not iterable"):
        parser.parse("in(1)")
    assert parser.stack == ["5", "6", "+", "1", "1", "in"]
    parser.stack.clear()
    with pytest.raises(IndexError):
        parser.parse("'+'")


def test_evaluating_a_stack_takes_its_tokens() -> None:
    parser = parser_class(Host())(user_of({"a": 4}))
    stack: list[Any] = ["kept", "1", "$a", "+"]
    assert parser.evaluate_stack(stack) == 5.0
    assert stack == ["kept"]
    assert parser.evaluate_stack([["1", "2"]]).__class__ is RawList
    assert parser.evaluate_stack(["2", ["1", "2"], "in"]) is True
    with pytest.raises(IndexError):
        parser.evaluate_stack([])
    for bad in ([5], [None], [[5]]):
        with pytest.raises(TypeError):
            parser.evaluate_stack(bad)


def test_a_stack_grown_long_is_still_evaluated() -> None:
    parser = parser_class(Host())(user_of({}))
    for _ in range(40_000):
        parser.stack.append("1")
    assert parser.parse("'+'") == 2.0


@pytest.mark.parametrize("bad", [None, 5, ["1"], {"a": 1}])
def test_a_text_that_is_none_is_an_attribute_error(bad: Any) -> None:
    with pytest.raises(AttributeError, match="expandtabs"):
        parser_class(Host())(user_of({})).parse(bad)


def test_a_parse_exception_tells_the_place() -> None:
    parser = parser_class(Host())(user_of({}))
    with pytest.raises(ParseException) as caught:
        parser.parse("\n\t(1 + ")
    error = caught.value
    assert str(error)
    assert error.line == "        (1 + " and error.lineno == 2
    assert error.col == error.column == error.loc
    assert f"(line:2, col:{error.col})" in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.loc) == (str(error), error.loc)
    assert not isinstance(error, (ValueError, KeyError, ZeroDivisionError))


def test_python_exceptions_of_a_parser_are_pythons_own() -> None:
    parser = parser_class(Host())(user_of({"d": {}}))
    for text, error in (
        ("1/0", ZeroDivisionError),
        ("'%(a)s' % $d", KeyError),
        ("'a' < 1", TypeError),
        ("10^400", OverflowError),
    ):
        with pytest.raises(error) as caught:
            parser.parse(text)
        assert type(caught.value) is error


def test_a_parser_lists_what_there_is() -> None:
    assert (Parser.UNARY, Parser.INDEXED_VARIABLE, Parser.NOT) == ("unary -", "var idx", "!")
    assert set(Parser.operators) == set(Parser.bool_operators) | set(Parser.math_operators)
    assert set(Parser.functions) == {"sin", "cos", "tan", "abs", "trunc", "round", "sign", "str"}
    assert set(Parser.constants) == {"PI", "E"}
    parser = parser_class(Host())(user_of({}))
    for name, function in Parser.functions.items():
        assert parser.parse(f"{name}(1.5)") == function(1.5)
    for name, constant in Parser.constants.items():
        assert parser.parse(name) == constant
    assert str_trim_float(5.0) == "5" and str_trim_float(None) == "None"
    assert parser.bnf is not None


# ---- settings ----


def test_the_lineage_is_configured_and_b_otherwise() -> None:
    assert lineage() == "B"
    configure(lineage="A", steps=5)
    try:
        assert lineage() == "A" and setting("steps") == 5
        assert type("P", (Parser,), {"host": Host()})(user_of({"arr": [1]})).parse("$arr") == [1]
        with pytest.raises(ValueError, match="lineage is one of"):
            configure(lineage="C")
        assert lineage() == "A"
    finally:
        configure(lineage=None, steps=None)
    assert lineage() == "B" and setting("steps", 9) == 9


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_django_settings_say_the_lineage_when_they_are_there() -> None:
    pytest.importorskip("django")
    out = run("""
from citrate.contrib.serafin.settings import lineage
print(lineage())
from django.conf import settings
print(lineage())
settings.configure(CITRATE_SERAFIN={"lineage": "B+refresh"})
print(lineage())
settings.CITRATE_SERAFIN = {"lineage": "Z"}
try:
    lineage()
except ValueError as error:
    print(error)
""")
    assert out.split("\n") == ["B", "B", "B+refresh", "lineage is one of A, B, B+refresh, not 'Z'"]


def test_importing_the_parser_imports_no_django_and_no_pyparsing() -> None:
    out = run("""
import sys
import citrate.contrib.serafin.expressions
print([name for name in sys.modules if name.split(".")[0] in ("django", "pyparsing", "system")])
""")
    assert out == "[]"
