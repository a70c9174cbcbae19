"""spec_cases - run case files of the expression languages and the page-flow engine.

Each line of a file is one case, in JSON; the first may be a line of "meta" with what they share.
The format is told by the fields of a line, so several formats may stand in one file:

    engine    "sessions", "user_data", and under "A" (and "B") operations with what each returned,
              the user's data after it, the number of saves and the trace of effects
    text      "expr" and the value or exception under "A" (and "B"), "end", "stack"; or "seq", the
              same for texts parsed one after the other by one Parser
    fuzz      "e", and [type, value] or ["!", exception] under "A" (and "B"), "sA", "sB"
    strict    "e", "data", "now", and the result in the strict dialect under "r", or its "error"
              with "at" (line, column) and "what"

A case counts once for each dialect it is run in: a compat case as A and as B (what stands only
under A holds for B as well), a strict case once.  Unknown fields are ignored; a line that is none
of these fails.  Strict cases are always run natively: the reference engine has no strict dialect.

What passes though it is not equal: any exception where RecursionError is expected of an expression
(other evaluators have other limits), an error of the limit's kind where a walk is "(unbounded)",
texts of exceptions in compat cases unless --messages is given, the fields of an empty Page().
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "py"))

import flow_stub  # noqa: E402

PROGRESS_S = 2.0
SHOWN_CHARS = 700  # of one failure
SHOWN_FAILURES = 50  # of one file
BIG_INT = re.compile(r"<int (\d+)\*\*(\d+)>")

Outcome = Callable[[], "str | None"]  # runs something; None, or what is wrong with it


class Classes:
    """What the cases are run against."""

    def __init__(self, name: str) -> None:
        self.name = name
        if name == "reference":
            from citrate.contrib.serafin import reference as module
        else:
            from citrate.contrib import serafin as module
        self.parser: Any = module.Parser
        self.engine: Any = module.Engine


# ---- values as the files write them ----


def type_name(value: Any) -> str:
    """The type of a value; a list literal that was not converted is a "rawlist"."""
    if is_raw(value):
        return "rawlist"
    return type(value).__name__


def is_raw(value: Any) -> bool:
    return type(value).__name__ in ("RawList", "ParseResults")


def listed(value: Any) -> Any:
    """A value with raw lists as lists, as JSON would write it."""
    if isinstance(value, (list, tuple)) or is_raw(value):
        return [listed(item) for item in value]
    if isinstance(value, dict):
        return {key: listed(item) for key, item in value.items()}
    return value


def tokens_of(stack: Any) -> Any:
    """A postfix stack: texts, and lists for raw lists in whatever way they are written."""
    return [token["raw"] if isinstance(token, dict) else listed(token) for token in stack]


def is_value(expected_type: str, expected: Any, got: Any) -> bool:
    """Is `got` the value a file writes as a type name and a repr, a text, or JSON?"""
    if type_name(got) != expected_type:
        return False
    if expected_type in ("list", "dict", "rawlist", "str"):
        value = listed(got)
        return flow_stub.same(expected, value) or (isinstance(expected, str) and json_text(expected, value))
    return str(expected) == repr(got)


def json_text(text: str, value: Any) -> bool:
    try:
        return flow_stub.same(json.loads(text), value)
    except ValueError:
        return False


def decode_big(value: Any) -> Any:
    """ "<int 10**400>" is how a file writes an integer that other readers of JSON lose."""
    found = BIG_INT.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) ** int(found[2]) if found else value


def attempt(call: Callable[[], Any]) -> tuple[str, Any]:
    """("value", what it returned) or ("error", the exception)."""
    try:
        return "value", call()
    except Exception as error:
        return "error", error


def neutral(message: Any) -> str:
    """The text of an exception, whatever the type of raw lists is called."""
    return str(message).replace("ParseResults", "RawList")


def show(outcome: tuple[str, Any]) -> str:
    kind, what = outcome
    if kind == "error":
        return f"{type(what).__name__}: {what}"
    return f"{type_name(what)} {what!r}"


def check_outcome(expected: Any, got: tuple[str, Any], messages: bool) -> str | None:
    """Compares with {"t": type, "r": value} or {"exc": name, "msg": text}."""
    kind, what = got
    is_right = False
    if "exc" in expected:
        if kind == "error":
            names = [c.__name__ for c in type(what).__mro__]
            is_right = expected["exc"] == "RecursionError" or expected["exc"] in names
            is_right = is_right and not (messages and expected.get("msg") and neutral(expected["msg"]) != neutral(what))
    elif kind == "value":
        is_right = is_value(expected["t"], expected["r"], what)
    if is_right:
        return None
    wanted = " ".join(str(expected[key]) for key in ("exc", "msg", "t", "r") if expected.get(key) is not None)
    return f"expected {wanted}, got {show(got)}"


def outcome_in(case: dict[str, Any], dialect: str) -> Any:
    """What stands only under A holds for B as well."""
    return case[dialect] if dialect in case else case["A"]


def check_all(checks: Iterable[tuple[str, Any, Any]]) -> str | None:
    """The first of (name, expected, got) that differ."""
    for name, expected, got in checks:
        if not flow_stub.same(expected, got):
            return f"{name}: expected {expected!r}, got {got!r}"
    return None


# ---- one kind of case each ----


class Compat:
    """Texts of the compat dialects, evaluated by a Parser."""

    def __init__(self, classes: Classes, meta: dict[str, Any], messages: bool) -> None:
        self.classes = classes
        self.meta = meta
        self.messages = messages
        self.data = {name: decode_big(value) for name, value in (meta.get("user_data") or {}).items()}
        user = str(meta.get("user", ""))
        self.is_anonymous = not meta.get("registered", "anonymous" not in user or "not anonymous" in user)
        is_enrolled = meta.get("enrolled", "enrolled" in user and "not enrolled" not in user)
        self.accesses = [1.0] if is_enrolled else []

    def parser(self, dialect: str) -> Any:
        """A new Parser in a world of its own."""
        world = flow_stub.World(
            {self.data.get("session", 1): {"nodes": [], "edges": []}},
            dict(self.data),
            dialect,
            anonymous=self.is_anonymous,
            accesses=self.accesses,
            arrays=self.meta.get("array_variables") or (),
            variables=self.meta.get("Variable_rows"),
            meta=self.meta,
        )
        return flow_stub.bind_parser(self.classes.parser, world)(world.user)

    def check_text(self, case: dict[str, Any], dialect: str) -> str | None:
        parser = self.parser(dialect)
        got = attempt(lambda: parser.parse(case["expr"]))
        expected = outcome_in(case, dialect)
        return check_outcome(expected, got, self.messages) or check_all(self._traces(case, dialect, parser))

    def _traces(self, case: dict[str, Any], dialect: str, parser: Any) -> Iterator[tuple[str, Any, Any]]:
        for name in ("stack", "end"):
            expected = case.get(f"{name}_{dialect}", case.get(name))
            if expected is not None and hasattr(parser, name):
                got = getattr(parser, name)
                yield name, *((tokens_of(expected), tokens_of(got)) if name == "stack" else (expected, got))

    def check_sequence(self, case: dict[str, Any], dialect: str) -> str | None:
        parser = self.parser(dialect)
        for text, expected in zip(case["seq"], outcome_in(case, dialect), strict=True):
            wrong = check_outcome(expected, attempt(lambda text=text: parser.parse(text)), self.messages)
            if wrong:
                return f"{text!r}: {wrong}"
        return check_all(self._traces(case, dialect, parser))

    def check_fuzz(self, case: dict[str, Any], dialect: str) -> str | None:
        parser = self.parser(dialect)
        got = attempt(lambda: parser.parse(case["e"]))
        kind, what = outcome_in(case, dialect)
        expected = {"exc": what} if kind == "!" else {"t": kind, "r": what}
        stack = case.get(f"s{dialect}", case.get("sA"))
        wrong = check_outcome(expected, got, self.messages)
        if wrong or stack is None:
            return wrong
        return check_all(iter([("stack", tokens_of(stack), tokens_of(parser.stack))]))


# Kinds of errors of the strict dialect (docs/language.md): what the evaluation raised beneath.
KINDS: dict[str, tuple[str | None, ...]] = {
    "syntax": (None,),
    "limit": (None, "OverflowError"),
    "type": ("TypeError",),
    "zero": ("ZeroDivisionError",),
    "overflow": ("OverflowError",),
    "value": ("ValueError",),
}


def evaluate_strict(case: dict[str, Any]) -> Any:
    """The value of a strict case, by citrate.flow."""
    from citrate import flow

    now = datetime.fromisoformat(case["now"]) if case.get("now") else None
    return flow.compile(case["e"], dialect="strict").evaluate(case.get("data") or {}, now=now)


def check_strict(case: dict[str, Any]) -> str | None:
    """Compares with "r", a value, or with "error", a kind, "at", its place, and "what", its text."""
    kind, got = attempt(lambda: evaluate_strict(case))
    if "error" not in case:
        if kind == "value" and flow_stub.same(case["r"], got):
            return None
        return f"expected {case['r']!r}, got {show((kind, got))}"
    if kind != "error" or type(got).__name__ != "ExpressionError":
        return f"expected an error of the kind {case['error']}, got {show((kind, got))}"
    cause = None if got.__cause__ is None else type(got.__cause__).__name__
    if cause not in KINDS[case["error"]]:
        return f"expected an error of the kind {case['error']}, got one beneath which is {cause}: {got}"
    found = {"at": [got.line, got.column], "what": got.what}
    return check_all((name, case[name], found[name]) for name in ("at", "what") if name in case)


class Runner:
    """The cases of one file."""

    def __init__(self, classes: Classes, dialects: tuple[str, ...], messages: bool) -> None:
        self.classes = classes
        self.dialects = dialects
        self.messages = messages
        self.begin({})

    def begin(self, meta: dict[str, Any]) -> None:
        """The lines that follow share what a meta line says."""
        self.meta = meta
        self.compat = Compat(self.classes, meta, self.messages)

    def checks_of(self, case: Any) -> list[tuple[str, Outcome]]:
        """What is to be run for a case: (dialect, call) for each result."""
        if not isinstance(case, dict):
            return [("?", lambda: "this line is no case: it is no JSON object")]
        if "A" not in case and "e" in case and ("r" in case or "error" in case):
            return [("strict", lambda: check_strict(case))] if "strict" in self.dialects else []
        check: Callable[[dict[str, Any], str], str | None] | None = None
        if "sessions" in case:
            check = self._check_engine
        elif "seq" in case:
            check = self.compat.check_sequence
        elif "expr" in case:
            check = self.compat.check_text
        elif "e" in case:
            check = self.compat.check_fuzz
        stated = [d for d in ("A", "B") if d in case or "A" in case]
        if check is None or not stated:
            return [("?", lambda: f"this line is no case of a known format: {sorted(case)}")]
        return [(d, lambda d=d: check(case, d)) for d in stated if d in self.dialects]

    def _check_engine(self, case: dict[str, Any], dialect: str) -> str | None:
        expected = flow_stub.expected_steps(case, dialect)
        got = flow_stub.run_case(case, dialect, self.classes.engine, self.meta)
        return flow_stub.compare(expected, got, self.messages)


# ---- files ----


class Progress:
    """A line on standard error every two seconds, for whoever waits."""

    def __init__(self, name: str, total: int) -> None:
        self.name = name
        self.total = total
        self.last = time.monotonic()

    def tell(self, done: int) -> None:
        now = time.monotonic()
        if now - self.last >= PROGRESS_S:
            self.last = now
            print(f"{self.name}: {done} of {self.total} lines", file=sys.stderr, flush=True)


def describe_case(case: Any) -> str:
    """What a failure is called: id and name, or the text."""
    if not isinstance(case, dict):
        return ""
    parts = [str(case[key]) for key in ("id", "name", "cat") if key in case]
    parts += [repr(case[key]) for key in ("expr", "e", "seq") if key in case]
    return " ".join(parts)


def bounded(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 4] + " ..."


def run_file(path: str, runner: Runner) -> tuple[int, int]:
    """Runs all cases of a file and prints what fails; (passed, failed)."""
    passed = failed = cases = 0
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    progress = Progress(os.path.basename(path), len(lines))
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        case = read_line(line)
        if isinstance(case, dict) and is_meta(case):
            runner.begin(case)
            continue
        cases += 1
        for dialect, check in runner.checks_of(case):
            kind, what = attempt(check)
            wrong = f"the check itself failed: {what!r}" if kind == "error" else what
            passed, failed = passed + (wrong is None), failed + (wrong is not None)
            if wrong is not None and failed <= SHOWN_FAILURES:
                print(bounded(f"{path}:{number}: {dialect}: {describe_case(case)}: {wrong}"))
        progress.tell(number)
    if failed > SHOWN_FAILURES:
        print(f"{path}: {failed - SHOWN_FAILURES} more failures are not shown")
    if cases == 0:
        print(f"{path}: there is no case in it")
        failed += 1
    return passed, failed


def read_line(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        return f"{error}"


def is_meta(case: dict[str, Any]) -> bool:
    return bool(case.get("meta"))


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    description, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="spec-cases",
        description=description.partition(" - ")[2],
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="JSON lines")
    parser.add_argument("--engine", choices=("native", "reference"), default="native", help="the classes to run")
    parser.add_argument(
        "--dialect", choices=("A", "B", "both", "strict"), default=None, help="only these (default: all)"
    )
    parser.add_argument("--messages", action="store_true", help="compare the texts of exceptions, too")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = parse_arguments(arguments)
    dialects = {None: ("A", "B", "strict"), "both": ("A", "B")}.get(options.dialect, (options.dialect,))
    classes = Classes(options.engine)
    passed = failed = 0
    for path in options.files:
        if not os.path.isfile(path):
            print(f"spec-cases: there is no file {path}", file=sys.stderr)
            return 2
    for path in options.files:
        good, bad = run_file(path, Runner(classes, dialects, options.messages))
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
