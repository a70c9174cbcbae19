"""Expressions and page-flow graphs, compiled once and run natively, in any application.

    from citrate.flow import compile, evaluate

    adult = compile("age >= 18 and country in ['no', 'se']")
    adult.evaluate({"age": 20, "country": "no"})            # True
    evaluate("$a + 1", {"a": "2"}, dialect="B")             # 3.0

Dialects: "strict" for everything new, "A" and "B" for stored programmes of Serafin ("compat" is "B").
docs/language.md has both languages.  Whatever goes wrong in a text or its evaluation is an
ExpressionError, with the place in the text; Python's own exception is its __cause__.
"""

from citrate._native import Diagnostic, ExpressionError, Program, RawList, compile, evaluate
from citrate.flow.graph import Finding, Graph, GraphError

__all__ = [
    "Diagnostic",
    "ExpressionError",
    "Finding",
    "Graph",
    "GraphError",
    "Program",
    "RawList",
    "compile",
    "evaluate",
]
