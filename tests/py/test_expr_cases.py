"""Expressions as they were measured: every written and generated case, both compat dialects and strict."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors" / "flow"
sys.path.insert(0, str(ROOT / "tools"))

import spec_cases  # noqa: E402
from citrate.contrib.serafin.expressions import Parser  # noqa: E402
from citrate.flow import ExpressionError, compile  # noqa: E402

# Python's own texts change between versions; the cases were measured on this one.
MESSAGES = sys.version_info[:2] == (3, 11)


class Native:
    """What the runner asks for: no engine here."""

    parser = Parser
    engine = None


def read(name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The meta line of a case file, and its cases."""
    lines = [json.loads(line) for line in (VECTORS / name).read_text(encoding="utf-8").splitlines() if line]
    return lines[0], lines[1:]


@pytest.fixture(autouse=True)
def _one_name_for_raw_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name the type of a raw list, in full."""
    neutral = spec_cases.neutral
    monkeypatch.setattr(spec_cases, "neutral", lambda m: neutral(m).replace("citrate._native.RawList", "RawList"))


def failures(name: str, dialect: str) -> tuple[int, list[str]]:
    """How many cases of a file were run in a dialect, and what is wrong."""
    meta, cases = read(name)
    runner = spec_cases.Runner(Native, (dialect,), messages=MESSAGES)
    runner.begin(meta)
    outcomes = [(case, check()) for case in cases for _, check in runner.checks_of(case)]
    return len(outcomes), [f"{spec_cases.describe_case(case)}: {wrong}" for case, wrong in outcomes if wrong]


@pytest.mark.parametrize("dialect", ["A", "B"])
def test_written_expressions_have_their_measured_values_messages_stacks_and_ends(dialect: str) -> None:
    count, wrong = failures("expr_cases.jsonl", dialect)
    assert count >= 400
    assert wrong == []


@pytest.mark.parametrize("dialect", ["A", "B"])
def test_generated_expressions_have_their_measured_values_and_stacks(dialect: str) -> None:
    count, wrong = failures("expr_fuzz.jsonl", dialect)
    assert count >= 2000
    assert wrong == []


def test_strict_expressions_have_the_values_and_errors_of_the_language() -> None:
    count, wrong = failures("strict_cases.jsonl", "strict")
    assert count >= 600
    assert wrong == []


def lists(tokens: Any) -> list[Any]:
    """A stack with its raw lists as lists."""
    raw = [token["raw"] if isinstance(token, dict) else token for token in tokens]
    return [token if isinstance(token, str) else list(token) for token in raw]


@pytest.mark.parametrize("dialect", ["A", "B"])
def test_programs_tell_the_tokens_end_and_length_of_their_text(dialect: str) -> None:
    wrong = []
    _, cases = read("expr_cases.jsonl")
    texts = [case for case in cases if "expr" in case]
    for case in texts:
        is_other = dialect == "B" and "stack_B" in case
        try:
            program = compile(case["expr"], dialect)
        except ExpressionError:
            if case[dialect].get("exc") != "ParseException":
                wrong.append(f"{case['expr']!r} did not compile")
            continue
        end = program.end if is_other or dialect == "B" else case["end"]  # the ends are those of dialect A
        expected = lists(case["stack_B"] if is_other else case["stack"]), end, case["len"]
        told = lists(program.tokens), program.end, program.length
        if told != expected:
            wrong.append(f"{case['expr']!r}: {told}, not {expected}")
    assert len(texts) >= 390
    assert wrong == []
