"""docs/flow-checks.md names every finding there is, and its examples have them."""

import json
import re
from pathlib import Path

import pytest
from citrate.flow import Graph

ROOT = Path(__file__).parent.parent.parent
DOC = (ROOT / "docs" / "flow-checks.md").read_text()
CHAPTER = re.compile(r"^### `([\w-]+)`: (error|warning|hint)$(.*?)(?=^##|\Z)", re.M | re.S)
ROW = re.compile(r"^\| `([\w-]+)` \| (\w+) \| `(.+?)` \|", re.M)
EXAMPLE = re.compile(r"```json\n(.*?)```", re.S)


def listed(header, macro):
    """The codes in a list of a C header, in its order."""
    text = (ROOT / "src" / header).read_text()
    body = re.search(rf"#define {macro}\(X\)(.*?)\n\n", text, re.S).group(1)
    return re.findall(r'X\(\w+, "([\w-]+)"', body)


def test_there_is_a_chapter_for_each_code():
    codes = [code for code, _, _ in CHAPTER.findall(DOC)]
    assert sorted(codes) == sorted(listed("flow/check.h", "CIT_FLOW_CODES"))
    assert len(codes) > 25


def test_there_is_a_row_for_each_remark_of_the_compiler():
    assert [code for code, _, _ in ROW.findall(DOC)] == listed("expr/notes.h", "CIT_EXPR_NOTES")


@pytest.mark.parametrize(
    ("code", "severity", "text"), CHAPTER.findall(DOC), ids=[c for c, _, _ in CHAPTER.findall(DOC)]
)
def test_the_example_of_a_chapter_has_the_finding(code, severity, text):
    (example,) = EXAMPLE.findall(text)
    findings = Graph(example, "B").check(declared={"age"}, session=12)
    assert (code, severity) in {(finding.code, finding.severity) for finding in findings}
    assert {finding.code for finding in findings if finding.severity == "error"} <= {code}
    assert re.search(r"^\*\*Do:\*\* ", text, re.M)


@pytest.mark.parametrize(("code", "dialect", "expression"), ROW.findall(DOC), ids=[c for c, _, _ in ROW.findall(DOC)])
def test_the_expression_of_a_row_has_the_remark(code, dialect, expression):
    edges = [{"type": "special", "source": 0, "target": 0, "expression": expression}]
    findings = Graph({"nodes": [{"id": 0, "type": "start"}], "edges": edges}, dialect).check()
    (found,) = (finding for finding in findings if finding.code == code)
    assert found.severity == ("hint" if code == "python-spelling" else "warning")
    assert found.line == 1 and found.column >= 1


def test_the_strict_exceptions_are_as_told():
    def severities(nodes, dialect):
        edges = [{"type": "normal", "source": 0, "target": 1}]
        data = {"nodes": [{"id": 0, "type": "start"}, {"id": 1, **nodes}], "edges": edges}
        return {finding.code: finding.severity for finding in Graph(json.dumps(data), dialect).check()}

    assert severities({"type": "widget"}, "B") == {"unknown-type": "error"}
    assert severities({"type": "widget"}, "strict") == {"unknown-type": "hint"}
    assert severities({"type": "page"}, "B") == {"no-ref": "error"}
    assert severities({"type": "page"}, "strict") == {"no-ref": "hint"}
    assert severities({"type": "session"}, "strict") == {"no-ref": "error"}
    assert severities({"type": "enroll"}, "B") == {"dead-end": "hint"}
    assert severities({"type": "enroll"}, "strict") == {}
