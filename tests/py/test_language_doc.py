"""docs/language.md: every example in its tables gives what stands beside it."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from citrate.flow import ExpressionError, compile, evaluate

DOC = Path(__file__).parents[2] / "docs" / "language.md"
STRICT_DATA = re.compile(r"^With the data `(\{.*\})`:$", re.M)
COMPAT_DATA = re.compile(r"```json\n(\{.*?\})\n```", re.S)
NOT_IN_THE_LANGUAGE = "not in the language"


def cells(line: str) -> list[str]:
    """The cells of a table's row, without their backquotes; a bar inside one is written with a backslash."""
    row = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    return [cell[1:-1] if cell.startswith("`") and cell.endswith("`") else cell for cell in row]


def tables(text: str, head: str = "| expression | result |") -> list[list[str]]:
    """The rows of all tables that begin with these columns."""
    rows: list[list[str]] = []
    is_ours = False
    for line in text.splitlines():
        if not line.startswith("|"):
            is_ours = False
        elif line.startswith(head):
            is_ours = True
        elif is_ours and not line.startswith("|---"):
            rows.append(cells(line))
    return rows


def halves() -> tuple[str, str]:
    strict, compat = DOC.read_text().split("\n# Compat\n")
    return strict, compat


def examples() -> list[Any]:
    strict, compat = halves()
    strict_data = STRICT_DATA.search(strict)
    compat_data = COMPAT_DATA.search(compat)
    assert strict_data is not None
    assert compat_data is not None
    return [
        pytest.param(dialect, json.loads(data), row[0], row[1], id=f"{dialect}: {row[0]}")
        for dialect, data, text in (("strict", strict_data[1], strict), ("B", compat_data[1], compat))
        for row in tables(text)
    ]


def outcome(text: str, data: dict[str, Any], dialect: str) -> str:
    """repr() of the result, the name of Python's exception, or that it does not compile."""
    try:
        return repr(evaluate(text, data, dialect))
    except ExpressionError as e:
        return NOT_IN_THE_LANGUAGE if e.__cause__ is None else type(e.__cause__).__name__


@pytest.mark.parametrize(("dialect", "data", "text", "wanted"), examples())
def test_an_example_gives_what_stands_beside_it(dialect: str, data: dict[str, Any], text: str, wanted: str) -> None:
    got = outcome(text, data, dialect)
    if wanted[0] in "'\"":
        assert ast.literal_eval(got) == ast.literal_eval(wanted)
    else:
        assert got == wanted


def test_there_are_examples_of_both_dialects() -> None:
    dialects = [example.values[0] for example in examples()]
    assert dialects.count("strict") >= 25
    assert dialects.count("B") >= 100


@pytest.mark.parametrize(("text", "what", "hint"), tables(halves()[0], "| text | what | hint |"))
def test_an_error_of_the_compiler_is_told_as_it_is(text: str, what: str, hint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile(text)
    assert caught.value.what == what
    assert caught.value.hint == hint.replace(r"\\", "\\")


def test_the_table_of_functions_has_them_all() -> None:
    strict, _ = halves()
    section = strict.split("## Functions")[1].split("## Patterns")[0]
    told = set(
        re.findall(r"`(\w+)\(", "\n".join(line.split("|")[1] for line in section.splitlines() if line[:1] == "|"))
    )
    header = (DOC.parents[1] / "src" / "expr" / "program.h").read_text()
    known = set(re.findall(r'X\((\w+), \d+, \d+, "C?S"\)', header))
    assert told == known
    assert f"[{len(known)}](#functions)" in strict
