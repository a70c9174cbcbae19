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
from citrate.flow.engine import FOLLOW, Busy, Engine, GraphCache, Host, Locks, Place, StepLimitError
from citrate.flow.graph import Finding, Graph, GraphError

__all__ = [
    "FOLLOW",
    "Busy",
    "Diagnostic",
    "Engine",
    "ExpressionError",
    "Finding",
    "Graph",
    "GraphCache",
    "GraphError",
    "Host",
    "Locks",
    "Place",
    "Program",
    "RawList",
    "StepLimitError",
    "compile",
    "evaluate",
]
