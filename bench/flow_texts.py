"""The expressions that are compared, each in every rival's language, and the data they meet.

`#` in a text is where a fresh text differs from the last one: compiling is measured on texts that
were never seen before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """One expression.  `compat` is the original language; the others are what its rivals write."""

    name: str
    title: str
    fill: str
    """What stands for # where the text is evaluated."""
    expected: Any
    compat: str
    strict: str
    python: str
    cel: str

    def text(self, language: str, fill: str | None = None) -> str:
        template: str = getattr(self, language)
        return template.replace("#", self.fill if fill is None else fill)


CASES = {
    case.name: case
    for case in (
        Case(
            "flag",
            "`$a == True`",
            "",
            True,
            compat="$a# == True",
            strict="$a# == true",
            python="a# == True",
            cel="a# == true",
        ),
        Case(
            "number",
            "`$x >= 3`",
            "3",
            True,
            compat="$x >= #",
            strict="$x >= #",
            python="x >= #",
            cel="x >= #",
        ),
        Case(
            "three",
            "three comparisons with `&`",
            "3",
            True,
            compat="($a == True) & ($x >= #) & ($s == 'hello')",
            strict="$a == true and $x >= # and $s == 'hello'",
            python="a == True and x >= # and s == 'hello'",
            cel="a == true && x >= # && s == 'hello'",
        ),
        Case(
            "join",
            "a log line of 9 operands",
            "",
            "L;Adv,Qu:Smo,Text;;",
            compat="$log + $tp + ',' + $q3 + ':' + $r + ',' + $txt + ';#'",
            strict="$log + $tp + ',' + $q3 + ':' + $r + ',' + $txt + ';#'",
            python="log + tp + ',' + q3 + ':' + r + ',' + txt + ';#'",
            cel="log + tp + ',' + q3 + ':' + r + ',' + txt + ';#'",
        ),
        Case(
            "bmi",
            "`round($w / ($h ^ 2)) + 2 * 3 - 1`",
            "3",
            30.0,
            compat="round($w / ($h ^ 2)) + 2 * # - 1",
            strict="round($w / ($h ^ 2)) + 2 * # - 1",
            python="round(w / (h ** 2)) + 2 * # - 1",
            cel="round(w / pow(h, 2.0)) + 2.0 * #.0 - 1.0",
        ),
    )
}


def data() -> dict[str, Any]:
    """A user's data as it comes out of JSON: what the expressions name among sixty others."""
    used = {"a": True, "x": 5, "s": "hello", "w": 81, "h": 1.8}
    texts = {"log": "L;", "tp": "Adv", "q3": "Qu", "r": "Smo", "txt": "Text;"}
    others: dict[str, Any] = {f"answer_{i}": (i, f"text {i}", i % 2 == 0)[i % 3] for i in range(60)}
    return {**others, **used, **texts}


# What must end with an error at once, in the original language and in Python's.
BAD = {
    "power": ("trunc(9)^trunc(9)^trunc(7)", "9 ** 9 ** 7"),
    "format": ("'%999999999d' % 5", "'%999999999d' % 5"),
    "parentheses": ("(" * 5000 + "1" + ")" * 5000, "(" * 5000 + "1" + ")" * 5000),
}
BAD_TITLES = {
    "power": "`trunc(9)^trunc(9)^trunc(7)`",
    "format": "`'%999999999d' % 5`",
    "parentheses": "5,000 nested parentheses",
}
