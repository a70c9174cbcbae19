"""Random expressions, user data and graphs for differential tests: seeded, so that a failure repeats.

The expressions follow the compat grammar closely enough that most of them match, and break it often
enough that the ways of not matching are seen: half operands, lost parentheses, texts that are
operators, white space of all kinds.  They stay small: the plain Python parser recurses.
"""

from __future__ import annotations

import random
from typing import Any

NUMBERS = [
    "0",
    "1",
    "2",
    "3",
    "007",
    "2.5",
    "1.",
    "10",
    "1e3",
    "2E-1",
    "1e400",
    "2e+",
    "-4",
    "+4",
    "-",
    "5 0",
    "0.1",
    "1e-17",
]
CONSTANTS = ["PI", "pi", "E", "e", "exp", "else", "pı"]
WORDS = ["True", "False", "None", "True", "False", "None", "Trueish", "true", "inside", "None1", "_", "Trueé"]
TEXTS = [
    "", "a", "b", "abc", "5", " 7 ", "1_000", "0x10", "nan", "inf", "True", "False", "None", "E", "PI", "pi", "in", "$a",
    "$", "+", "-", "!", "==", "sin", "str", "unary -", "var idx", "%s", "%d", "%%", "%(k)s", "it''s", "a\\'b", "\\x41",
    "\\zz", "\\", "é", "٣", "😀", "2015-05-01", "12:00", "x\ty", "a\nb", '"', "'", "$arr", "$current_day",
]  # fmt: skip
NAMES = [
    "a", "b", "c", "z", "s", "t", "f", "ts", "fs", "l", "n", "e", "num", "arr", "nest", "empty", "d", "dict", "big", "nan",
    "missing", "declared", "1x", "_u", "session", "node",
]  # fmt: skip
RESERVED = ["registered", "enrolled", "group", "current_day", "current_time", "current_date"]
FUNCTIONS = [
    "sin",
    "cos",
    "tan",
    "abs",
    "trunc",
    "round",
    "sign",
    "str",
    "foo",
    "Sin",
    "nan",
    "in",
    "e",
    "True",
    "nbChar",
]
COMPARISONS = ["==", "!=", "<=", ">=", "<", ">", "&", "|", "in"]
ARITHMETIC = ["+", "-", "*", "/", "%", "^"]
JUNK = [
    "",
    ")",
    "(",
    "]",
    "[",
    ",",
    "=",
    "<>",
    "&&",
    "and",
    "or",
    "not",
    "!",
    "$",
    ";",
    "\x00",
    "\u00a0",
    "−",
    '"',
    "'",
    ".",
]
SPACES = ["", "", "", " ", " ", "  ", "\t", "\n", " \r\n"]
ARRAYS = ["arr", "nest", "empty", "a", "missing"]


class Expressions:
    """Random texts of a dialect."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def text(self) -> str:
        """One expression; in one case of six something is broken in it."""
        text = self.space() + self.expression(self.rng.choice([1, 2, 2, 3, 3, 4]))
        if self.rng.random() < 0.17:
            text = self._break(text)
        return text

    def _break(self, text: str) -> str:
        at = self.rng.randrange(len(text) + 1)
        how = self.rng.randrange(3)
        if how == 0:
            return text[:at] + text[at + 1 :]
        if how == 1:
            return text[:at] + self.rng.choice(JUNK) + text[at:]
        return text[:at]

    def space(self) -> str:
        return self.rng.choice(SPACES)

    def expression(self, depth: int) -> str:
        if depth <= 0 or self.rng.random() < 0.15:
            return self.leaf()
        makers = {
            self.binary: 10, self.logic: 5, self.call: 2, self.number_call: 2, self.parenthesized: 3, self.negated: 1,
            self.inverted: 1, self.indexed: 2, self.with_items: 1,
        }  # fmt: skip
        make = self.rng.choices(list(makers), list(makers.values()))[0]
        return make(depth - 1)

    def leaf(self) -> str:
        make = self.rng.choices(
            (self.number, self.constant, self.word, self.string, self.variable, self.items), (8, 2, 3, 6, 10, 3)
        )[0]
        return make()

    def number(self) -> str:
        return self.rng.choice(NUMBERS)

    def constant(self) -> str:
        return self.rng.choice(CONSTANTS)

    def word(self) -> str:
        return self.rng.choice(WORDS)

    def string(self) -> str:
        quote = self.rng.choice("'\"")
        return quote + self.rng.choice(TEXTS) + quote

    def variable(self) -> str:
        return "$" + self.rng.choice(NAMES if self.rng.random() < 0.85 else RESERVED)

    def items(self) -> str:
        count = self.rng.choice([0, 1, 1, 2, 3])
        makers = (self.number, self.string, self.variable, self.word)
        return "[" + ",".join(self.space() + self.rng.choice(makers)() for _ in range(count)) + "]"

    def binary(self, depth: int) -> str:
        return self.join(depth, self.rng.choice(ARITHMETIC + COMPARISONS))

    def logic(self, depth: int) -> str:
        """What authors write: parenthesized comparisons between & and |."""
        parts = [f"({self.join(depth - 1, self.rng.choice(COMPARISONS))})" for _ in range(self.rng.choice([2, 2, 3]))]
        return f" {self.rng.choice('&|')} ".join(parts)

    def join(self, depth: int, sign: str) -> str:
        left, right = self.expression(depth), self.expression(depth)
        gap = " " if sign == "in" and self.rng.random() < 0.9 else self.space()
        return f"{left}{gap}{sign}{gap or self.space()}{right}"

    def call(self, depth: int) -> str:
        return f"{self.rng.choice(FUNCTIONS)}{self.space()}({self.expression(depth)})"

    def number_call(self, depth: int) -> str:
        return f"{self.rng.choice(FUNCTIONS[:8])}({self.number()})"

    def with_items(self, depth: int) -> str:
        """A list literal on the right."""
        return f"{self.expression(depth)} {self.rng.choice([*ARITHMETIC, *COMPARISONS, 'in', '+', '+'])} {self.items()}"

    def parenthesized(self, depth: int) -> str:
        return f"({self.space()}{self.expression(depth)}{self.space()})"

    def negated(self, depth: int) -> str:
        return "-" + self.space() + self.expression(depth)

    def inverted(self, depth: int) -> str:
        return f"!{self.space()}({self.expression(depth)})"

    def indexed(self, depth: int) -> str:
        return f"{self.variable()}{self.space()}[{self.expression(depth)}]"


def value(rng: random.Random, depth: int = 2) -> Any:
    """A random value as user data has it."""
    plain = [
        0, 1, 2, -3, 7, 2.5, -0.0, 1e300, True, False, None, "", "a", "abc", "5", " 7 ", "4.50", "True", "False", "None",
        "$a", "2015-05-01", "é", "٣", "nan", "x y", [], 10**20,
    ]  # fmt: skip
    if depth == 0 or rng.random() < 0.8:
        return rng.choice(plain)
    if rng.random() < 0.8:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {"k": value(rng, depth - 1)}


def user_data(rng: random.Random) -> dict[str, Any]:
    """Data in which most of NAMES have a value, half of them one of the usual kind."""
    usual: dict[str, Any] = {
        "a": 1, "b": 2.5, "c": -3, "z": 0, "s": "hello", "t": True, "f": False, "ts": "True", "fs": "False",
        "l": ["x", "y", "3", 4], "n": None, "e": "", "num": "42", "arr": [10, "20", "x"], "nest": [[1, 2], 3], "empty": [],
        "d": "2015-05-01", "dict": {"k": 1}, "big": 10**400, "nan": "nan", "1x": 11, "_u": 1, "session": 1, "node": 0,
    }  # fmt: skip
    return {
        name: standard if rng.random() < 0.5 or name == "session" else value(rng)
        for name, standard in usual.items()
        if rng.random() < 0.93
    }


# ---- graphs ----

CONDITIONS = [
    "$x == 1", "$x < 3", "$c < 4", "$s == 'a'", "$s != 'a'", "True", "False", "$missing", "$registered", "$enrolled",
    "$enrolled == False", "1/0", "foo bar", "[0]", "[]", "  ", "'no'", "$arr[0] == 1", "!($x == 1)", "$arr", "$x & $x",
    "($x == 1) | ($s == 'a')", "$current_day == 5", "$password != None", "$answer == 'yes'",
]  # fmt: skip
VALUES = [
    "$c + 1", "$x - 1", "1", "'a'", "$s + 'b'", "$missing", "[1, 2]", "None", "1/0", "entered lapse", "hello", "$arr", "$x",
    "$current_time", "str($c)", "", "True", "$registered",
]  # fmt: skip
VARIABLES = ["x", "c", "s", "arr", "y", "password", ""]
TYPES = [
    "page", "page", "page", "page", "page", "page", "page", "page", "expression", "expression", "expression", "expression", "session", "session", "background_session",
    "wait", "email", "sms", "sms", "register", "enroll", "leave", "delay", "delay", "tool", "therapist_notification", "end", "start",
    "unheard_of",
]  # fmt: skip
SESSIONS = [1, 2, 3]


class Graphs:
    """Random sessions, users and the operations of a visit."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def often(self, share: float) -> bool:
        return self.rng.random() < share

    def sessions(self) -> dict[int, Any]:
        return {number: self.graph(number) for number in SESSIONS}

    def graph(self, session: int) -> dict[str, Any]:
        """Most edges lead on to later nodes and most sub-sessions are later ones, so most walks end."""
        count = self.rng.randrange(3, 10)
        nodes = [{"id": 0, "type": "start", "title": "Start"}]
        nodes += [self.node(n, session) for n in range(1, count)]
        if self.often(0.05):
            nodes.append(self.node(self.rng.randrange(count), session))
        edges = [self.edge(count) for _ in range(self.rng.randrange(1, 2 * count))]
        for source in range(count - 1):
            if self.often(0.7):
                edges.append({"type": "normal", "source": source, "target": self.rng.randrange(source + 1, count)})
        self.rng.shuffle(edges)
        if self.often(0.3):
            nodes, edges = self.end_at_a_page(nodes, edges)
        graph: dict[str, Any] = {"nodes": nodes, "edges": edges}
        if self.often(0.01):
            graph[self.rng.choice(["nodes", "edges"])] = None
        return graph

    def end_at_a_page(self, nodes: list[Any], edges: list[Any]) -> tuple[list[Any], list[Any]]:
        """One page from which a special edge alone leads on, mostly to the end."""
        pages = [node["id"] for node in nodes if node["type"] == "page"]
        if not pages:
            return nodes, edges
        page = self.rng.choice(pages)
        end = self.rng.choice(["end", "end", "end", "wait"])
        last: list[Any] = [{"type": "special", "source": page, "target": 20}] * self.rng.choice([1, 1, 1, 2])
        nodes = [*nodes, {"id": 20, "type": end, "title": "End"}]
        return nodes, [edge for edge in edges if edge["source"] != page] + last

    def edge(self, count: int) -> dict[str, Any]:
        source = self.rng.randrange(count)
        target = self.rng.randrange(source + 1, count + 1) if self.often(0.95) else self.rng.randrange(count)
        target = min(target, count - 1) if self.often(0.97) else target  # few lead to nowhere
        edge: dict[str, Any] = {
            "id": self.rng.randrange(1000),
            "type": self.rng.choices(["normal", "special", "", None, "other"], [60, 35, 2, 1, 2])[0],
            "source": float(source) if self.often(0.03) else source,
            "target": float(target) if self.often(0.03) else target,
        }
        if self.often(0.6):
            edge["expression"] = self.rng.choice([*CONDITIONS, "", None])
        return edge

    def node(self, number: int, session: int) -> dict[str, Any]:
        kind = self.rng.choice(TYPES)
        node: dict[str, Any] = {"id": number, "type": kind, "metrics": {"left": number, "top": 0}}
        if self.often(0.93):
            node["title"] = f"{kind} {number}"
        if kind in ("session", "background_session"):
            node |= self.ref([*SESSIONS, 9], [*(40 if n > session else 4 for n in SESSIONS), 1])
        elif kind in ("page", "email", "sms"):
            top = {"page": 7, "email": 1, "sms": 2}[kind]
            node |= self.ref([*range(1, top + 1), 99], [100 / top] * top + [2])
        elif kind == "expression":
            node |= {"expression": self.rng.choice(VALUES), "variable_name": self.rng.choice(VARIABLES)}
        elif kind == "delay":
            node["delay"] = self.delay()
        elif kind == "enroll" and self.often(0.6):
            node["start_time"] = self.rng.choice(["06:30", "6:5", "25:00", "", "x", None, "23:59"])
        elif kind == "tool":
            node["tool"] = {"url": "/f", "type": "file", "title": f"F{number}"}
        elif kind == "therapist_notification":
            node["message"] = "hi"
        return node

    def ref(self, numbers: list[int], weights: list[float]) -> dict[str, Any]:
        number = self.rng.choices(numbers, weights)[0]
        if self.often(0.1):
            return {"ref_id": self.rng.choice(["", None]), "ref_url": f"/admin/system/thing/{number}/"}
        return {"ref_id": number if self.often(0.3) else str(number)}

    def delay(self) -> dict[str, Any]:
        delay: dict[str, Any] = {
            "number": self.rng.choice([0, 1, 2, 30]),
            "unit": self.rng.choices(["seconds", "minutes", "hours", "days", "moons"], [10, 10, 10, 10, 1])[0],
        }
        if self.often(0.6):
            delay["variable"] = self.rng.choice(["x", "c", "declared", "s", ""])
        return delay

    def user_data(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "session": self.rng.choice([1, 1, 1, 2, "1"]),
            "node": self.rng.choice([0, 0, 0, 0, 1, 2, 3, 55, None]),
            "x": self.rng.choice([1, 1, 0, "1", 5, True]),
            "c": self.rng.choice([0, 0, 1, "2"]),
            "s": self.rng.choice(["a", "b", "", None]),
            "arr": self.rng.choice([[1], [1, 2], [], 5, "1"]),
            "stack": [list(self.rng.choice([(1, 1), (2, 0), (3, 1), (1, 0)])) for _ in range(self.rng.randrange(4))],
            "password": "hunter2",
            "email": "t@x.no",
            "phone": "+4799999999",
            "chapter_1": 2,
        }
        keep = {"session": 0.99, "node": 0.95, "stack": 0.4, "password": 0.6, "arr": 0.7, "s": 0.8}
        return {name: item for name, item in data.items() if self.often(keep.get(name, 0.9))}

    def operations(self) -> list[dict[str, Any]]:
        operations = []
        for _ in range(self.rng.randrange(2, 5)):
            operations.append(self.engine())
            operations += [self.step() for _ in range(self.rng.choice([1, 1, 2, 3]))]
        return operations

    def engine(self) -> dict[str, Any]:
        context: dict[str, Any] = {}
        if self.often(0.3):
            context |= {
                "session": self.rng.choices([1, 2, 3, "2", 0, 9], [6, 5, 3, 2, 1, 0.4])[0],
                "node": self.rng.choice([0, 0, 1, 2, None]),
            }
        for name, item in (
            ("answer", "yes"), ("x", "3"), ("none", None), ("", "empty"), ("flag", False), ("arr", 7), ("stack", []),
            ("expression_y", "$x + 1"), ("expression_some_var", "1 +"), ("my_expression_z", "-$x"), ("expression_", "2"),
        ):  # fmt: skip
            if self.often(0.08):
                context[name] = item
        operation: dict[str, Any] = {"op": "new", "context": context}
        operation |= {"push": self.often(0.15), "is_interactive": self.often(0.7)}
        if self.often(0.1):
            operation["user_id"] = 42
        return operation

    def step(self) -> dict[str, Any]:
        choices: list[dict[str, Any]] = [
            {"op": "run"}, {"op": "run", "next": True}, {"op": "run", "next": "0"}, {"op": "run", "pop": "1"},
            {"op": "run", "next": True, "pop": True}, {"op": "transition", "source_id": self.rng.randrange(5)},
            {"op": "run", "chapter": self.rng.choice([0, 1, "1", 2])}, {"op": "run", "back": self.rng.choice(["-3", 2, -4])},
        ]  # fmt: skip
        return self.rng.choices(choices, [5, 8, 2, 3, 1, 2, 1, 1])[0]
