"""The text of C files for the checks beside it: comments told from code, functions found.

No parser: it knows comments, literals, preprocessor lines and braces, which is enough for
C laid out by clang-format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)|\bCIT_[A-Z_]+\b(?:\s*\([^()]*\))?")
NAME = re.compile(r"(\w+)\s*\(([^{}]*)\)\s*$", re.S)


def blank(text: str) -> str:
    """Spaces in place of all but the line ends."""
    return re.sub(r"[^\n]", " ", text)


def code_only(text: str, keep_strings: bool = False) -> str:
    """The text with comments (and what literals hold) turned to spaces; lines and columns stay."""

    def replace(m: re.Match[str]) -> str:
        token = m.group()
        if token[0] == "/":
            return blank(token)
        return token if keep_strings else token[0] + blank(token[1:-1]) + token[-1]

    return TOKEN.sub(replace, text)


def comments_by_line(text: str) -> dict[int, str]:
    """Line number -> what comments say on that line (from 1)."""
    found: dict[int, str] = {}
    for m in TOKEN.finditer(text):
        if m.group()[0] != "/":
            continue
        first = text.count("\n", 0, m.start()) + 1
        for i, part in enumerate(m.group().split("\n")):
            found[first + i] = found.get(first + i, "") + part
    return found


@dataclass
class Function:
    """A definition: its name, parameters, and lines from the first of the signature to the brace."""

    name: str
    params: int
    first: int
    last: int

    @property
    def lines(self) -> int:
        return self.last - self.first + 1


def without_preprocessor(code: str) -> str:
    """Directives and their continuation lines turned to spaces, of alternatives the first kept."""
    out: list[str] = []
    going_on, dropped = False, 0
    for line in code.split("\n"):
        is_directive = going_on or line.lstrip().startswith("#")
        word = line.lstrip().lstrip("#").split(None, 1)[:1] if is_directive and not going_on else []
        if word:
            if dropped and word[0] in ("if", "ifdef", "ifndef"):
                dropped += 1
            elif dropped and word[0] == "endif":
                dropped -= 1
            elif not dropped and word[0] in ("else", "elif"):
                dropped = 1
        going_on = is_directive and line.endswith("\\")
        out.append(blank(line) if is_directive or dropped else line)
    return "\n".join(out)


def count_params(params: str) -> int:
    """How many parameters a list has, without its outer parentheses."""
    depth, count = 0, 1
    for ch in params:
        depth += (ch in "([") - (ch in ")]")
        count += ch == "," and depth == 0
    return 0 if params.strip() in ("", "void") else count


def functions(text: str) -> list[Function]:
    """The functions a C file defines, in order."""
    code = without_preprocessor(code_only(text))
    found: list[Function] = []
    depth, start, opened, head = 0, 0, 0, None
    for m in re.finditer(r"[{};]", code):
        at, ch = m.start(), m.group()
        if ch == "{":
            if depth == 0:
                head, opened = NAME.search(ATTRIBUTE.sub("", code[start:at]).rstrip()), at
            depth += 1
        elif ch == "}":
            depth -= 1
            if depth == 0:
                if head is not None:
                    signature = code[start:opened]
                    begin = start + len(signature) - len(signature.lstrip())
                    first, last = code.count("\n", 0, begin) + 1, code.count("\n", 0, at) + 1
                    found.append(Function(head.group(1), count_params(head.group(2)), first, last))
                head, start = None, at + 1
        elif depth == 0:
            start = at + 1
    return found


def c_files(root: Path, *folders: str) -> list[Path]:
    """The .c and .h files below the folders of root, sorted."""
    return sorted(p for folder in folders for p in (root / folder).rglob("*.[ch]"))


def report(problems: list[str], closing: str) -> int:
    """Print what is wrong, or the closing line; the exit status."""
    for problem in problems:
        print(problem)
    if problems:
        print(f"{len(problems)} wrong")
        return 1
    print(closing)
    return 0
