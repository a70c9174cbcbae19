"""citrate.flow's expressions: programs, data, names, errors."""

from __future__ import annotations

import collections
import copy
import gc
import operator
import pickle
import threading
import types
import weakref
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from citrate.flow import ExpressionError, Program, RawList, compile, evaluate

NOON = datetime(2015, 5, 1, 12, 34, 56, 123456, timezone(timedelta(hours=2)))


def cause_of(text: str, data: Any = None, dialect: str = "B") -> BaseException | None:
    """What Python raised beneath the ExpressionError of an evaluation."""
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, {} if data is None else data, dialect)
    return caught.value.__cause__


# ---- programs ----


def test_compiling_is_strict_unless_said_otherwise() -> None:
    assert compile("1 + 2 == 3").dialect == "strict"
    assert compile("1", dialect="compat").dialect == "B"
    assert [compile("1", d).dialect for d in ("A", "B")] == ["A", "B"]
    assert evaluate("1 + 2 == 3", {}) is True
    assert evaluate("1 + 2 == 3", {}, "B") == 1.0


@pytest.mark.parametrize("bad", ["C", "", "b", "STRICT"])
def test_a_dialect_that_does_not_exist_is_a_value_error(bad: str) -> None:
    with pytest.raises(ValueError, match="there is no dialect"):
        compile("1", bad)


@pytest.mark.parametrize("bad", [None, 5, b"1", ["1"]])
def test_what_is_no_text_is_a_type_error(bad: Any) -> None:
    with pytest.raises(TypeError, match="an expression is a str"):
        compile(bad)
    with pytest.raises(TypeError, match="a dialect is a str"):
        compile("1", 5)  # type: ignore[arg-type]


def test_a_program_tells_what_it_is() -> None:
    program = compile("$a + [1, $b] * $a and the rest", "B")
    assert program.text == "$a + [1, $b] * $a and the rest"
    assert program.names == ("a",)
    assert [t if isinstance(t, str) else list(t) for t in program.tokens] == ["$a", ["1", "$b"], "$a", "*", "+"]
    assert program.text[: program.end].rstrip() == "$a + [1, $b] * $a"
    assert program.length == 30
    assert repr(program) == "<Program '$a + [1, $b] * $a and the rest' in dialect B>"
    codes = [note.code for note in program.diagnostics]
    assert "ignored-tail" in codes and "variable-in-list" in codes
    note = program.diagnostics[codes.index("ignored-tail")]
    assert (note.line, note.column) == (1, 19) and note.what and note.hint
    assert len(program.disassemble().strip().split("\n")) == 5


def test_tabs_count_as_they_are_expanded_in_the_compat_dialects() -> None:
    program = compile("1\t+ 2", "B")
    assert (program.text, program.end, program.length) == ("1\t+ 2", 11, 11)
    assert compile("1\t+ 2").length == 5


def test_programs_do_not_change() -> None:
    program = compile("1")
    for name in ("text", "names", "end", "anything"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(program, name, "x")
    with pytest.raises(TypeError):
        Program()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        type("Sub", (Program,), {})
    assert copy.copy(program) is program and copy.deepcopy(program) is program


def test_the_same_text_is_compiled_once_for_each_dialect() -> None:
    text = "$a + 1234567"
    assert compile(text, "B") is compile("".join(["$a", " + 1234567"]), "B")
    assert compile(text, "B") is not compile(text, "A")
    assert compile(text, "compat") is compile(text, "B")


def test_texts_that_only_look_alike_are_told_apart() -> None:
    class Text(str):
        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return hash("1")

    assert evaluate("1", {}) == 1
    assert evaluate(Text("2"), {}) == 2
    assert type(compile(Text("3")).text) is str


def test_the_cache_forgets_what_was_not_used_for_long() -> None:
    first = compile("$forgotten == 1", "B")
    for i in range(20_000):
        compile(f"$forgotten == {i} + 0", "B")
    assert compile("$forgotten == 1", "B") is not first
    last = compile("$forgotten == 19999 + 0", "B")
    assert compile("$forgotten == 19999 + 0", "B") is last


def test_texts_too_long_to_keep_are_compiled_again() -> None:
    long = "1" + " + 1" * 8000
    assert compile(long, "B") is not compile(long, "B")
    assert evaluate(long, {}, "B") == 8001.0


def test_errors_of_compiling_are_new_exceptions_each_time() -> None:
    caught = []
    for _ in range(2):
        with pytest.raises(ExpressionError) as info:
            compile("1 +")
        caught.append(info.value)
    assert caught[0] is not caught[1]
    assert str(caught[0]) == str(caught[1])


# ---- data ----

MAPPINGS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "dict": dict,
    "OrderedDict": collections.OrderedDict,
    "ChainMap": lambda d: collections.ChainMap({}, d),
    "UserDict": collections.UserDict,
    "defaultdict": lambda d: collections.defaultdict(list, d),
    "mappingproxy": types.MappingProxyType,
    "callable": lambda d: d.__getitem__,
}


@pytest.mark.parametrize("kind", MAPPINGS)
@pytest.mark.parametrize("dialect", ["A", "B", "strict"])
def test_data_may_be_any_mapping_or_callable(kind: str, dialect: str) -> None:
    data = MAPPINGS[kind]({"a": 2, "b": "x"})
    assert evaluate("$a == 2", data, dialect) is True
    assert evaluate("$b", data, dialect) == "x"
    assert evaluate("$missing", data, dialect) is None


def test_reading_fills_no_defaultdict() -> None:
    data: dict[str, Any] = collections.defaultdict(lambda: 5)
    assert evaluate("$a", data, "B") is None
    assert evaluate("a", data) is None
    assert evaluate("a.b", {"a": data}) is None
    assert not data


def test_a_dict_with_methods_of_its_own_is_asked_by_them() -> None:
    class Loud(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            return key.upper()

        def __contains__(self, key: object) -> bool:
            return key != "gone"

    assert evaluate("$name + '?'", Loud(), "B") == "NAME?"
    assert evaluate("$gone", Loud(gone=1), "B") is None


@pytest.mark.parametrize("bad", [None, 5, "text", ["a"], ("a",), b"x"])
def test_data_that_is_no_mapping_is_a_type_error(bad: Any) -> None:
    with pytest.raises(TypeError, match="data is a mapping or a callable"):
        compile("1").evaluate(bad)


def test_a_name_is_fetched_once_and_only_when_it_is_reached() -> None:
    asked: list[str] = []

    def data(name: str) -> Any:
        asked.append(name)
        return len(asked)

    assert evaluate("$b + $a + $b", data, "B") == 1 + 2 + 1  # the right operand first
    assert asked == ["b", "a"]
    asked.clear()
    assert evaluate("a > 5 and b > 0", data) is False
    assert asked == ["a"]


def test_what_a_callable_raises_is_told_unless_it_is_a_lookup_error() -> None:
    def data(name: str) -> Any:
        raise {"lookup": KeyError(name), "index": IndexError(), "other": PermissionError("no")}[name]

    assert evaluate("$lookup", data, "B") is None
    assert evaluate("$index", data, "B") is None
    assert isinstance(cause_of("$other", data), PermissionError)


def test_what_is_no_exception_of_an_expression_is_not_wrapped() -> None:
    def data(name: str) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate("$a", data, "B")


def test_mappings_that_fail_fail_the_evaluation() -> None:
    class Broken(collections.UserDict[str, Any]):
        def __contains__(self, key: object) -> bool:
            return key != "absent"

        def __getitem__(self, key: str) -> Any:
            raise OSError("gone")

    assert evaluate("$absent", Broken(), "B") is None
    assert isinstance(cause_of("$a", Broken()), OSError)
    assert isinstance(cause_of("a.b", {"a": Broken()}, "strict"), OSError)


def test_data_may_change_while_it_is_read() -> None:
    data: dict[str, Any] = {}

    class Changes:
        def __float__(self) -> float:
            data.clear()
            return 2.0

    data.update(a=Changes(), b=object())
    assert evaluate("$a + $a", data, "B") == 4.0
    data.update(a=Changes(), b="x" * 3)
    assert evaluate("str($a) + $b", data, "B") == "2xxx"


# ---- values of the compat dialects ----


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (True, 1.0),
        (5, 5.0),
        ("5", 5.0),
        (" 7 ", 7.0),
        ("1_000", 1000.0),
        ("٣", 3.0),
        (" ٣.٥ ", 3.5),
        ("True", True),
        ("true", "true"),
        ("2015-05-01", "2015-05-01"),
        ("0x10", "0x10"),
        ("1e5", 100000.0),
        ("-Infinity", float("-inf")),
        ("nano", "nano"),
        ("", ""),
        ("é", "é"),
        ("\ud800", "\ud800"),
        (None, None),
        (b"12", 12.0),
        (b"x", b"x"),
        ([1], [1]),
        (Decimal("2.5"), 2.5),
        (Fraction(1, 4), 0.25),
        (2**60, float(2**60)),
    ],
)
def test_variables_are_converted_as_float_reads_them(given: Any, expected: Any) -> None:
    value = evaluate("$x", {"x": given}, "B")
    assert (type(value), value) == (type(expected), expected)


def test_subclasses_are_converted_as_float_reads_them() -> None:
    class Text(str):
        pass

    class Number(float):
        pass

    class Odd:
        def __float__(self) -> float:
            raise ValueError("not now")

    odd, safe = Odd(), Text("safe")
    assert evaluate("$x", {"x": Text("5")}, "B") == 5.0
    assert evaluate("$x", {"x": safe}, "B") is safe
    assert evaluate("$x + 'x'", {"x": safe}, "B") == "safex"
    assert type(evaluate("$x", {"x": Number(2)}, "B")) is float
    assert evaluate("$x", {"x": odd}, "B") is odd


def test_errors_of_float_other_than_two_pass() -> None:
    class Bad:
        def __float__(self) -> float:
            raise OSError("disk")

    assert isinstance(cause_of("$x", {"x": 10**400}), OverflowError)
    assert isinstance(cause_of("$x", {"x": Bad()}), OSError)


def test_comparing_objects_uses_their_own_methods() -> None:
    class Odd:
        def __bool__(self) -> bool:
            return True

        def __eq__(self, other: object) -> Any:
            return ["equal to", other]

        __hash__ = None  # type: ignore[assignment]

    assert evaluate("$x == 5", {"x": Odd()}, "B") == ["equal to", 5.0]


def test_truth_that_fails_fails() -> None:
    class Bad:
        def __bool__(self) -> bool:
            raise OSError("no truth")

    for text in ("$x == 1", "1 == $x", "!($x)", "$x in [1]"):
        assert isinstance(cause_of(text, {"x": Bad()}), OSError)


def test_large_integers_compare_exactly() -> None:
    # ints above 2^53 come from trunc(); floats between them are not equal to them
    assert evaluate("(trunc($x) + trunc(1)) == $x", {"x": 2.0**53}, "B") is False
    assert evaluate("trunc($x) == $x", {"x": 2.0**60}, "B") is True
    assert evaluate("trunc($x) + trunc($x)", {"x": 2.0**62}, "B") == 2**63
    assert evaluate("trunc($x) - trunc($x) - trunc($x)", {"x": 2.0**63}, "B") == -(2**63)
    assert evaluate("trunc($x) * trunc($x)", {"x": 2.0**40}, "B") == 2**80


def test_results_are_of_the_types_python_gives() -> None:
    for text, expected in {
        "True + True": 2,
        "round(2.5)": 2,
        "round(0 - 2.5)": -2,
        "round(3.5)": 4,
        "trunc(2.9)": 2,
        "sign(0 - 4)": -1,
        "abs(True - True - True)": 1,
        "trunc(7) / trunc(2)": 3.5,
        "trunc(7) % trunc(4)": 3,
        "0 - 7 % 3": -1.0,
        "(0 - 7) % 3": 2.0,
        "1e308 * 10": float("inf"),
        "7 % (0 - 3)": -2.0,
        "0 % (0 - 3)": -0.0,
    }.items():
        value = evaluate(text, {}, "B")
        assert (repr(value), type(value)) == (repr(expected), type(expected)), text


def test_python_says_why_an_evaluation_fails() -> None:
    for text, error, message in (
        ("1 / 0", ZeroDivisionError, "division by zero"),
        ("5 % 0", ZeroDivisionError, "modulo"),
        ("0 ^ (0 - 1)", ZeroDivisionError, "negative power"),
        ("10 ^ 400", OverflowError, ""),
        ("'a' < 1", TypeError, "'<' not supported between instances of 'str' and 'float'"),
        ("'a' - 1", TypeError, "unsupported operand"),
        ("trunc('a')", ValueError, "invalid literal for int"),
        ("'%d' % 'a'", TypeError, "real number is required"),
        ("'%(a)s' % $d", KeyError, "a"),
        ("'%s %s' % 1", TypeError, "not enough arguments"),
        ("'%z' % 1", ValueError, "unsupported format character"),
        ("'%% %' % 1", ValueError, "incomplete format"),
        ("'%(a' % $d", ValueError, "incomplete format key"),
        ("'+'", IndexError, "pop from empty list"),
    ):
        cause = cause_of(text, {"d": {"k": 1}})
        assert type(cause) is error, text
        assert message in str(cause), text


@pytest.mark.parametrize(
    "text",
    [
        "'%5.1f|%-8s|%+d' % $t",
        "'%(k)s %(k)r' % $d",
        "'%%' % $e",
        "'%s' % $l",
        "'%*d' % $w",
        "'%.*f' % $w",
        "'%c' % 65",
        "'%(a(b)c)s' % $d",
    ],
)
def test_formats_are_those_of_python(text: str) -> None:
    data = {"t": (1.25, "é", 3), "d": {"k": [1, "a"], "a(b)c": 2}, "e": (), "l": [1, {"a": None}], "w": (5, 2)}
    left, _, name = text.rpartition(" % ")
    right = data[name[1:]] if name[0] == "$" else float(name)
    try:
        expected: Any = left.strip("'") % right
    except TypeError as error:
        cause = cause_of(text, data)
        assert (type(cause), str(cause)) == (type(error), str(error))
    else:
        assert evaluate(text, data, "B") == expected


# ---- raw lists ----


def test_a_raw_list_is_no_list() -> None:
    raw = evaluate("[1, 'a', $b]", {}, "B")
    assert isinstance(raw, RawList) and not isinstance(raw, list)
    assert (str(raw), repr(raw), list(raw), len(raw)) == ("['1', 'a', '$b']",) * 2 + (["1", "a", "$b"], 3)
    assert raw[1] == "a" and raw[-1] == "$b" and raw[:2] == ["1", "a"]
    assert raw == raw and raw != ["1", "a", "$b"] and raw != evaluate("[1, 'a', $b] ", {}, "B")
    assert raw and not evaluate("[]", {}, "B")
    assert operator.mod("abc", raw) == "abc" and "a" in raw
    with pytest.raises(TypeError):
        operator.lt([1], raw)
    with pytest.raises(TypeError):
        raw + 1
    with pytest.raises(IndexError):
        raw[3]
    with pytest.raises(KeyError):
        raw["a"]  # type: ignore[call-overload]


def test_only_zero_can_be_added_to_a_raw_list() -> None:
    raw = RawList(["1"])
    assert 0 + raw is raw and False + raw is raw
    for left in (1, 0.0, "a", [1], None, raw):
        with pytest.raises(RecursionError):
            left + raw
    assert isinstance(cause_of("1 + [1]"), RecursionError)


def test_raw_lists_are_made_of_texts_and_can_be_kept() -> None:
    raw = RawList(iter(["1", "b"]))
    assert list(pickle.loads(pickle.dumps(raw))) == list(copy.deepcopy(raw)) == ["1", "b"]
    for bad in ([1], [None], 5):
        with pytest.raises(TypeError):
            RawList(bad)  # type: ignore[arg-type]


# ---- the clock ----


def test_the_clock_is_told_or_local() -> None:
    for dialect in ("A", "B", "strict"):
        program = compile("$current_date + ' ' + $current_time", dialect)
        assert program.evaluate({}, NOON) == "2015-05-01 12:34:56"
        assert program.evaluate({}, now=NOON) == "2015-05-01 12:34:56"
        before = datetime.now().replace(microsecond=0)
        assert before <= datetime.fromisoformat(program.evaluate({})) <= datetime.now()
        day = compile("$current_day", dialect).evaluate({}, NOON)
        assert (day, type(day)) == (5, int)


def test_the_clock_hides_data_in_compat_and_fills_gaps_in_strict() -> None:
    data = {"current_day": 99, "current_time": "x"}
    assert evaluate("$current_day", data, "B", NOON) == 5
    assert evaluate("current_day", data, "strict", NOON) == 99
    assert evaluate("current_date", data, "strict", NOON) == "2015-05-01"


def test_what_is_no_clock_fails_when_it_is_asked() -> None:
    assert compile("1").evaluate({}, "now") == 1  # type: ignore[arg-type]
    with pytest.raises(ExpressionError) as caught:
        compile("current_day").evaluate({}, "now")  # type: ignore[arg-type]
    assert isinstance(caught.value.__cause__, AttributeError)


# ---- errors ----


def test_an_error_has_its_place_and_a_caret() -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate("a == 1 and\n  b + 'x' == 2", {"a": 1, "b": 2})
    error = caught.value
    assert isinstance(error, ValueError)
    assert error.text == "a == 1 and\n  b + 'x' == 2"
    assert (error.line, error.column, error.offset) == (2, 5, 15)
    assert error.what == "+ takes two numbers, two texts or two lists, not a number and a text"
    assert error.hint
    lines = str(error).split("\n")
    assert lines[0] == f"{error.what} (line 2, column 5)"
    assert lines[1:3] == ["      b + 'x' == 2", "        ^"]
    assert lines[3] == error.hint
    assert isinstance(error.__cause__, TypeError) and str(error.__cause__) == error.what


def test_an_error_of_compiling_has_no_cause() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile("1 + + 'é' )")
    error = caught.value
    assert error.__cause__ is None and error.__context__ is None
    assert error.what and error.line == 1 and str(error).split("\n")[1].strip() == "1 + + 'é' )"


def test_errors_of_python_name_their_class() -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate("'é' + 'a' + 1", {}, "B")
    error = caught.value
    assert error.what == 'TypeError: can only concatenate str (not "float") to str'
    assert (error.column, error.hint) == (11, "")
    assert "__cause__" in repr(vars(BaseException)) and error.__suppress_context__


def test_places_in_long_lines_are_cut_out() -> None:
    text = "1 + " * 500 + "'é' * 'x'" + " + 1" * 500
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, {}, "B")
    lines = str(caught.value).split("\n")
    assert caught.value.column == text.index("*") + 1
    assert len(lines[1]) < 130
    assert lines[1][lines[2].index("^")] == "*"


def test_places_count_expanded_tabs_in_compat() -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate("\t'a' - 1", {}, "B")
    assert caught.value.column == 13
    assert str(caught.value).split("\n")[1:3] == ["            'a' - 1", "                ^"]


def test_errors_can_be_pickled() -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate("1 / 0", {}, "B")
    error = pickle.loads(pickle.dumps(caught.value))
    assert (str(error), error.line, error.text) == (str(caught.value), 1, "1 / 0")
    assert ExpressionError("x").line == 0


def test_texts_with_lone_surrogates_compile_and_fail_alike() -> None:
    assert evaluate("'\ud800' + 'a'", {}, "B") == "\ud800a"
    assert evaluate("$x", {"x": "\ud800"}, "B") == "\ud800"
    with pytest.raises(ExpressionError) as caught:
        evaluate("'\ud800' - 1", {}, "B")
    assert str(caught.value).encode("utf-8", "surrogatepass")
    with pytest.raises(ExpressionError):
        compile("\ud800")


def test_a_condition_is_true_or_false() -> None:
    assert compile("[0]", "B").test({}) is True
    assert compile("$missing", "B").test({}) is False
    assert compile("missing").test({}) is False
    assert compile("a == 1").test({"a": 1}) is True
    with pytest.raises(ExpressionError, match="a condition must be true or false"):
        compile("1").test({})
    with pytest.raises(ExpressionError, match="ZeroDivisionError"):
        compile("1 / 0", "B").test({})


# ---- hosts ----


def test_a_host_answers_reserved_and_missing_names() -> None:
    program = compile("$registered & ($a == 5) & ($b == 'given')", "B")
    asked: list[str] = []

    def missing(name: str) -> Any:
        asked.append(name)
        return "5"

    value = program.evaluate_with(
        {"b": "given", "registered": "hidden"},
        reserved_names={"registered"},
        reserved=lambda name: name == "registered",
        missing=missing,
    )
    assert value is True
    assert asked == ["a"]
    assert program.evaluate_with({"registered": "True", "a": 5, "b": "given"}) is True


def test_reserved_values_are_not_converted() -> None:
    for given in (5, "5", "", True, None, [1]):
        value = compile("$r", "B").evaluate_with({}, reserved_names={"r"}, reserved=lambda _, given=given: given)
        assert (type(value), value) == (type(given), given)


def test_a_host_with_reserved_names_has_its_own_clock() -> None:
    assert compile("$current_day", "B").evaluate_with({"current_day": "7"}, reserved_names=set()) == 7.0


def test_array_variables_stand_for_their_last_or_the_asked_element() -> None:
    data = {"arr": [10, "20", "x"], "list": [1, 2], "empty": []}
    asked: list[str] = []

    def is_array(name: str) -> bool:
        asked.append(name)
        return name in ("arr", "empty")

    def value(text: str) -> Any:
        return compile(text, "B").evaluate_with(data, is_array=is_array)

    assert value("$arr") == "x" and value("$arr[1]") == 20.0 and value("$arr[0 - 2]") == 20.0
    assert value("$list") == [1, 2] and value("$list[0]") == [1, 2]
    with pytest.raises(IndexError):
        value("$empty")
    with pytest.raises(IndexError, match="list index out of range"):
        value("$arr[3]")
    with pytest.raises(ValueError):
        value("$arr['one']")
    asked.clear()
    value("5 + $absent[2] == 1")
    assert asked == ["absent"]


def test_what_a_host_raises_passes_as_it_is() -> None:
    program = compile("1 + $a", "B")
    error = PermissionError("no")

    def fail(name: str) -> Any:
        raise error

    with pytest.raises(PermissionError) as caught:
        program.evaluate_with({}, missing=fail)
    assert caught.value is error
    with pytest.raises(ZeroDivisionError):
        compile("1 / 0", "B").evaluate_with({})


@pytest.mark.parametrize(
    "wrong",
    [{"reserved_names": ["a"]}, {"reserved": 5}, {"missing": "x"}, {"is_array": 1}, {"other": 1}],
)
def test_what_a_host_gives_is_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        compile("1").evaluate_with({}, **wrong)


def test_arguments_are_checked() -> None:
    program = compile("1")
    for call in (
        lambda: program.evaluate(),  # type: ignore[call-arg]
        lambda: program.evaluate({}, None, None),  # type: ignore[call-arg]
        lambda: program.evaluate({}, data={}),  # type: ignore[misc]
        lambda: program.evaluate({}, nope=1),  # type: ignore[call-arg]
        lambda: program.evaluate_with({}, None),  # type: ignore[misc]
        lambda: evaluate("1"),  # type: ignore[call-arg]
        lambda: compile(),  # type: ignore[call-arg]
    ):
        with pytest.raises(TypeError):
            call()  # type: ignore[no-untyped-call]
    assert evaluate(text="$a", data={"a": 1}, dialect="B") == 1.0


# ---- life ----


def test_programs_are_used_by_many_threads_at_once() -> None:
    program = compile("str($a) + ':' + $b + str($a ^ 2)", "B")
    wrong: list[Any] = []

    def work(n: int) -> None:
        for i in range(3000):
            value = program.evaluate({"a": n, "b": "x" * (i % 5)})
            if value != f"{n}:{'x' * (i % 5)}{n * n}":
                wrong.append(value)
            compile(f"$a == {i % 50} + {n}", "B")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_values_that_fail_half_way_are_let_go() -> None:
    class Marker:
        pass

    marker = Marker()
    gone = weakref.ref(marker)
    data = {"m": [marker], "n": 1}
    for text in ("($m + $n) == 1", "str($missing) + ($m / $n)", "[1] + $m == (1/0)"):
        with pytest.raises(ExpressionError):
            evaluate(text, data, "B")
    for text in ("len(m) + (n / 0)", "[m, m, 1 + 'x']", "max(m)", "min(1, 2, m)", "m == m and 1 + 'x'"):
        with pytest.raises(ExpressionError):
            evaluate(text, data)
    del marker, data
    gc.collect()
    assert gone() is None
