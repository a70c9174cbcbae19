"""Who evaluates the expressions, and how each is asked: Citrate in its forms, and the rivals.

A row says two things in Python, as its user would write them: how a text becomes a program
(`compiles`), and how a program gives a value (`evaluates`).  What the two name comes from `names`,
which imports what it needs: this module itself needs nothing, so that whoever only wants the list
of rows can import it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Names = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """`names(data, text)` gives what the two statements name, `data` included, in the row's own types.

    A row without `compiles` is given its text with each evaluation.
    """

    name: str
    settings: str
    language: str
    """compat, strict, python or cel."""
    names: Callable[[Names, str], Names]
    evaluates: str
    compiles: str = ""
    distribution: str = ""
    extra: bool = False
    """Only when it is asked for by name."""

    @property
    def is_citrate(self) -> bool:
        return self.name.startswith("citrate")

    def asked(self, data: Names, text: str) -> Names:
        """What both statements name, the program of this text included.

        ImportError if the row's library is not there; what compiling raises.
        """
        names = {**self.names(data, text), "text": text}
        if self.compiles:
            names["program"] = eval(self.compiles, dict(names))  # one of the statements below
        return names


# ---- Citrate ----


def _citrate(data: Names, text: str) -> Names:
    from citrate.flow import compile, evaluate

    return {"compile": compile, "evaluate": evaluate, "data": data}


def _parser(data: Names, text: str) -> Names:
    from citrate.contrib.serafin import Parser
    from flow_host import parser_in_memory

    return {**parser_in_memory(Parser, data), "data": data}


def _reference(data: Names, text: str) -> Names:
    from citrate.contrib.serafin.reference import Parser
    from flow_host import parser_in_memory

    names = parser_in_memory(Parser, data)
    parser = names["Parser"](user_obj=names["user"])
    # A parser used again keeps all tokens it has ever pushed, and copies them with each parse.
    return {**names, "parser": parser, "forget": parser.stack.clear, "data": data}


# ---- rivals ----


def _closures(data: Names, text: str) -> Names:
    from flow_closures import compile_closures

    return {"compile_closures": compile_closures, "data": data}


def _python(data: Names, text: str) -> Names:
    return {"compile": compile, "eval": eval, "env": {"__builtins__": {}, "round": round}, "data": data}


def _naive(data: Names, text: str) -> Names:
    names = _python(data, text)
    return {**names, "translated": lambda text: compile(text.replace("$", ""), "<flow>", "eval")}


def _simpleeval(data: Names, text: str) -> Names:
    from simpleeval import SimpleEval

    evaluator = SimpleEval(names=data, functions={"round": round})
    return {"evaluator": evaluator, "data": data}


def cel_round(value: Any) -> Any:
    """CEL has neither round() nor powers."""
    return type(value)(round(value))


def cel_power(value: Any, exponent: Any) -> Any:
    return type(value)(float(value) ** float(exponent))


def _cel(data: Names, text: str) -> Names:
    import celpy
    import celpy.evaluation

    def converted(name: str) -> Any:
        # What is divided by a number with a fraction has to be one.
        return celpy.json_to_cel(float(data[name]) if name == "w" else data[name])

    # The code it makes names functions by their module, and looks for that in its own.
    vars(celpy.evaluation)[__name__] = sys.modules[__name__]
    env = celpy.Environment(runner_class=celpy.CompiledRunner)
    # It copies all it is given with each evaluation: so it gets no other names than are used.
    used = {name: converted(name) for name in re.findall(r"[a-z]\w*", text) if name in data}
    return {"env": env, "functions": {"round": cel_round, "pow": cel_power}, "data": used}


ROWS = {
    row.name: row
    for row in (
        Row(
            "citrate",
            "Program.evaluate(data), dialect B",
            "compat",
            _citrate,
            evaluates="program.evaluate(data)",
            compiles="compile(text, 'B')",
        ),
        Row(
            "citrate evaluate()",
            "citrate.flow.evaluate(text, data, dialect B), which looks its program up in the cache",
            "compat",
            _citrate,
            evaluates="evaluate(text, data, 'B')",
        ),
        Row(
            "citrate strict",
            "Program.evaluate(data), the strict dialect",
            "strict",
            _citrate,
            evaluates="program.evaluate(data)",
            compiles="compile(text)",
        ),
        Row(
            "citrate Parser",
            "citrate.contrib.serafin.Parser, made anew for each evaluation, as the applications do",
            "compat",
            _parser,
            evaluates="Parser(user_obj=user).parse(text)",
        ),
        Row(
            "closures",
            "bench/flow_closures.py: the same language and meaning in Python, tuned",
            "compat",
            _closures,
            evaluates="program(data)",
            compiles="compile_closures(text)",
        ),
        Row(
            "eval()",
            "Python's own expression, a compiled code object over the dict; converts nothing",
            "python",
            _python,
            evaluates="eval(program, env, data)",
            compiles="compile(text, '<flow>', 'eval')",
        ),
        Row(
            "simpleeval",
            "SimpleEval with a tree parsed before; converts nothing",
            "python",
            _simpleeval,
            evaluates="evaluator.eval(text, previously_parsed=program)",
            compiles="evaluator.parse(text)",
            distribution="simpleeval",
        ),
        Row(
            "cel-python",
            "CEL, CompiledRunner; the data is in CEL's types before the clock starts",
            "cel",
            _cel,
            evaluates="program.evaluate(data)",
            compiles="env.program(env.compile(text), functions=functions)",
            distribution="cel-python",
        ),
        Row(
            "pyparsing reused",
            "citrate.contrib.serafin.reference.Parser, one parser used again, its stack emptied",
            "compat",
            _reference,
            evaluates="forget() or parser.parse(text)",
            distribution="pyparsing",
        ),
        Row(
            "pyparsing new",
            "the same, a new parser for each evaluation, as the original does",
            "compat",
            _reference,
            evaluates="Parser(user_obj=user).parse(text)",
            distribution="pyparsing",
        ),
        Row(
            "naive eval()",
            "eval() of the text without its '$': shows why that does not do",
            "compat",
            _naive,
            evaluates="eval(program, env, data)",
            compiles="translated(text)",
            extra=True,
        ),
    )
}

# Who walks graphs, and how: names of flow_host.ENGINES.
ENGINES = {
    "citrate Engine": "citrate.flow.Engine, made anew for each step, over a Graph that is kept",
    "citrate Engine kept": "the same with one Engine for all steps",
    "citrate serafin": "citrate.contrib.serafin.Engine, made anew for each step, as the applications do",
    "pyparsing engine": "citrate.contrib.serafin.reference.Engine, made anew for each step",
}
# Who keeps graphs.
GRAPHS = {
    "citrate Graph": "citrate.flow.Graph of the JSON text, before an engine walks it",
    "citrate Graph walked": "the same with the mappings of nodes and edges, which are made for the first engine",
    "dicts": "json.loads() of the JSON text",
}
