"""tools/spec-cases: what is right passes, each kind of wrong is found, counted and shown."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors" / "flow"
TOOL = ROOT / "tools" / "spec_cases.py"


def run(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOL), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def closing(result: subprocess.CompletedProcess[str]) -> str:
    return result.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "passed"),
    [("expr_cases", 820), ("expr_fuzz", 4000), ("engine_cases", 166), ("strict_cases", None)],
)
def test_the_native_classes_pass_every_case_file(name: str, passed: int | None) -> None:
    path = VECTORS / f"{name}.jsonl"
    if passed is None:
        passed = len([line for line in path.read_text().splitlines() if line]) - 1
    result = run(path)
    assert result.stdout == f"{passed} passed, 0 failed\n"
    assert result.returncode == 0, result.stderr


# ---- doctored files ----


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (VECTORS / f"{name}.jsonl").read_text().splitlines() if line]


def pick(name: str, /, **fields: Any) -> dict[str, Any]:
    """A copy of the first case of a file with such fields."""
    for case in lines(name)[1:]:
        if all(case.get(key) == value for key, value in fields.items()):
            return copy.deepcopy(case)
    raise AssertionError(f"{name} has no case {fields}")


def write(path: Path, *cases: Any) -> Path:
    path.write_text("".join((case if isinstance(case, str) else json.dumps(case)) + "\n" for case in cases))
    return path


def expression(**changes: Any) -> dict[str, Any]:
    """ "1 + 1 == 2" of expr_cases, changed."""
    return pick("expr_cases", expr="9 + 3") | changes


def walk(change: Callable[[dict[str, Any]], Any], name: str = "start_to_first_page") -> dict[str, Any]:
    """A case of engine_cases with something changed in its last step."""
    case = pick("engine_cases", name=name)
    change(case["A"][-1])
    return case


WRONG: list[tuple[str, str, Callable[[], dict[str, Any]], str]] = [
    ("a value", "expr_cases", lambda: expression(A={"t": "float", "r": "13.0"}), "expected float 13.0, got float 12.0"),
    ("a type", "expr_cases", lambda: expression(A={"t": "int", "r": "12"}), "expected int 12, got float 12.0"),
    ("an exception", "expr_cases", lambda: expression(A={"exc": "TypeError"}), "expected TypeError, got float 12.0"),
    ("a stack", "expr_cases", lambda: expression(stack=["9", "3", "-"]), "stack: expected ['9', '3', '-']"),
    (
        "a raw list",
        "expr_cases",
        lambda: pick("expr_cases", expr="[1]") | {"A": {"t": "list", "r": '["1"]'}},
        "expected list",
    ),
    (
        "a sequence",
        "expr_cases",
        lambda: pick("expr_cases", id="S2") | {"A": [{"t": "float", "r": r} for r in ("5.0", "6.0", "30.0")]},
        "\"'+'\": expected",
    ),
    ("a fuzzed value", "expr_fuzz", lambda: {"e": "1 + 1", "A": ["float", "3.0"], "sA": ["1", "1", "+"]}, "expected"),
    ("a fuzzed stack", "expr_fuzz", lambda: {"e": "1 + 1", "A": ["float", "2.0"], "sA": ["1", "+"]}, "stack:"),
    (
        "a returned page",
        "engine_cases",
        lambda: walk(lambda step: step["returned"].update(page=2)),
        "step 2 (run): returned: expected",
    ),
    (
        "user data",
        "engine_cases",
        lambda: walk(lambda step: step["user_data"].update(node=True)),
        "user_data: expected",
    ),
    ("a missing effect", "engine_cases", lambda: walk(lambda step: step["trace"].pop()), "trace: expected"),
    ("effects in another order", "engine_cases", lambda: walk(lambda step: step["trace"].reverse()), "trace: expected"),
    ("a number of saves", "engine_cases", lambda: walk(lambda step: step.update(saves=2)), "saves: expected 2, got 1"),
    (
        "what the engine is after it",
        "engine_cases",
        lambda: walk(lambda step: step["engine_after"].update(node_id=1)),
        "engine_after: expected",
    ),
    (
        "the beginning of a loop without an end",
        "engine_cases",
        lambda: walk(lambda step: step["trace"][0].append("more"), "infinite_loop_recursion_error"),
        "trace: expected to begin with",
    ),
    ("a strict value", "strict_cases", lambda: {"e": "1 + 1", "r": 2.0}, "expected 2.0, got int 2"),
    ("a strict error", "strict_cases", lambda: {"e": "1 / 0", "error": "type"}, "expected an error of the kind type"),
    ("its place", "strict_cases", lambda: {"e": "1 / 0", "error": "zero", "at": [1, 1]}, "at: expected [1, 1], got"),
    ("no strict error", "strict_cases", lambda: {"e": "1", "error": "syntax"}, "expected an error of the kind syntax"),
    ("a line of no known format", "expr_cases", lambda: {"what": 1}, "no case of a known format: ['what']"),
]


@pytest.mark.parametrize(("name", "make", "shown"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_doctored_case_fails_and_is_shown(
    name: str, make: Callable[[], dict[str, Any]], shown: str, tmp_path: Path
) -> None:
    meta, good = lines(name)[0], lines(name)[1]
    result = run(write(tmp_path / "doctored.jsonl", meta, good, make()), "--dialect", *_one_dialect(name))
    assert closing(result) == "1 passed, 1 failed", result.stdout + result.stderr
    assert result.returncode == 1
    assert f"{tmp_path}/doctored.jsonl:3: " in result.stdout
    assert shown in result.stdout


def _one_dialect(name: str) -> tuple[str]:
    return ("strict",) if name == "strict_cases" else ("A",)


def test_b_has_its_own_steps_only_where_they_differ(tmp_path: Path) -> None:
    case = walk(lambda step: None)
    wrong = copy.deepcopy(case)
    wrong["B"] = copy.deepcopy(case["A"])
    wrong["B"][-1]["saves"] = 7
    result = run(write(tmp_path / "b.jsonl", case, wrong))
    assert closing(result) == "3 passed, 1 failed"
    assert ":2: B: " in result.stdout


def test_only_the_dialects_asked_for_are_run_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "mixed.jsonl", expression(), walk(lambda step: None), {"e": "1 + 1", "r": 2})
    assert closing(run(path)) == "5 passed, 0 failed"
    assert closing(run(path, "--dialect", "both")) == "4 passed, 0 failed"
    assert closing(run(path, "--dialect", "B")) == "2 passed, 0 failed"
    assert closing(run(path, "--dialect", "strict")) == "1 passed, 0 failed"


def test_files_are_counted_together_and_unknown_fields_ignored(tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", expression(py27={"t": "float", "r": "0"}, note="new"))
    two = write(tmp_path / "two.jsonl", "", expression(), "")
    assert closing(run(one, two)) == "4 passed, 0 failed"


def test_the_reference_classes_are_run_when_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "one.jsonl", expression(), walk(lambda step: None))
    result = run(path, "--engine", "reference")
    assert (closing(result), result.returncode) == ("4 passed, 0 failed", 0)


def test_what_is_no_json_and_a_file_without_cases_fail(tmp_path: Path) -> None:
    broken = write(tmp_path / "broken.jsonl", "{")
    empty = write(tmp_path / "empty.jsonl", lines("expr_cases")[0])
    for path, shown in ((broken, "no JSON object"), (empty, "there is no case in it")):
        result = run(path)
        assert (closing(result), result.returncode) == ("0 passed, 1 failed", 1)
        assert shown in result.stdout


def test_a_file_that_is_not_there_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    result = run(tmp_path / "gone.jsonl")
    assert result.returncode == 2
    assert "there is no file" in result.stderr


def test_what_is_shown_of_failures_is_bounded(tmp_path: Path) -> None:
    wrong = expression(A={"t": "str", "r": json.dumps("x" * 5000)})
    result = run(write(tmp_path / "many.jsonl", *[wrong] * 80), "--dialect", "A")
    shown = result.stdout.splitlines()
    assert shown[-1] == "0 passed, 80 failed"
    assert "30 more failures are not shown" in shown[-2]
    assert len(shown) == 52
    assert max(map(len, shown)) <= 800


def test_texts_of_exceptions_are_compared_when_asked_for(tmp_path: Path) -> None:
    case = pick("expr_cases", expr="1/0") | {"A": {"exc": "ZeroDivisionError", "msg": "never"}}
    path = write(tmp_path / "message.jsonl", case)
    assert closing(run(path, "--dialect", "A")) == "1 passed, 0 failed"
    assert closing(run(path, "--dialect", "A", "--messages")) == "0 passed, 1 failed"


def test_help_says_how_cases_are_counted() -> None:
    result = run("--help")
    assert result.returncode == 0
    assert "counts once for each dialect" in result.stdout
