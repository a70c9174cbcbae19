"""The native Engine against the plain Python one: random graphs, users and visits in a stub world.

Compared after every operation are what it returned or raised, the user's data, every effect and
every save with the whole data as it was then, and the engine's own attributes.  SEED and COUNT come from
CITRATE_DIFF_SEED and CITRATE_DIFF_COUNT.
"""

from __future__ import annotations

import copy
import os
import random
import sys
from collections.abc import Iterator
from typing import Any

import flow_random
import flow_stub
import pytest
from citrate.contrib.serafin import Engine, reference

SEED = int(os.environ.get("CITRATE_DIFF_SEED", "20150501"))
COUNT = int(os.environ.get("CITRATE_DIFF_COUNT", "120"))
EFFECTS_MAX = 60  # then the world stops whoever walks in it
TRIGGERS_MAX = 200  # then a walk without effects is called endless
STEPS_MAX = 1_000  # of the native engine
FRAMES = 10_000  # of Python: the plain engine recurses


class Endless(Exception):
    """The plain engine went round in circles; how far it would get is its own affair."""


class Cheap(reference.Parser):
    """The plain parser with one grammar for all its instances of a dialect."""

    grammars: dict[bool, tuple[reference.Parser, Any]] = {}

    def _grammar(self) -> Any:
        if self._is_b not in self.grammars:
            self.grammars[self._is_b] = self, super()._grammar()
        return self.grammars[self._is_b][1]

    def parse(self, text: str) -> Any:
        self.grammars[self._is_b][0].stack = self.stack  # where the grammar pushes
        return super().parse(text)


class Plain(reference.Engine):
    """The plain engine with an end."""

    parser_class = Cheap
    triggered = 0

    def trigger_node(self, node: Any, clear_array_variable: bool = True) -> Any:
        self.triggered += 1
        if self.triggered > TRIGGERS_MAX:
            raise Endless(f"more than {TRIGGERS_MAX} nodes")
        return super().trigger_node(node, clear_array_variable)


@pytest.fixture(autouse=True)
def _room_for_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(FRAMES)
    yield
    sys.setrecursionlimit(before)


class Visit:
    """A random world and what is done in it; each engine gets its own copy."""

    def __init__(self, seed: int, lineage: str) -> None:
        graphs = flow_random.Graphs(random.Random(seed))
        self.seed = seed
        self.lineage = lineage
        self.sessions = graphs.sessions()
        self.data = graphs.user_data()
        self.options = {
            "anonymous": graphs.often(0.2),
            "accesses": graphs.rng.choice([(), (1.0,), (0.25, 1.0)]),
            "arrays": graphs.rng.choice([(), (), ("arr",), ("arr", "c")]),
            "variables": {"declared": "5", "x": "9"},
            "chapters": graphs.rng.choice([{}, {2: 1, 3: 1, 4: 2}]),
            "max_entries": graphs.rng.choice([{}, {"arr": 2}]),
        }
        self.operations = graphs.operations()

    def enter(self, engine_class: Any) -> flow_stub.Run:
        world = flow_stub.World(copy.deepcopy(self.sessions), copy.deepcopy(self.data), self.lineage, **self.options)
        return flow_stub.Run(engine_class, world)

    def differences(self) -> str | None:
        """The first difference between the engines."""
        plain, native = self.enter(Plain), self.enter(Engine)
        for number, operation in enumerate(self.operations, 1):
            expected, got = self._step(plain, operation), self._step(native, operation)
            is_endless = isinstance(expected["returned"], dict) and expected["returned"].get("exc") == "Endless"
            if is_endless:
                expected["saves"] = flow_stub.UNBOUNDED
            difference = flow_stub.compare_step(expected, got) or (None if is_endless else self._deeper(plain, native))
            if difference is not None:
                return f"seed {self.seed}, {self.lineage}, operation {number} {operation}: {difference}"
            if is_endless:
                return None
        return None

    @staticmethod
    def _step(run: flow_stub.Run, operation: dict[str, Any]) -> dict[str, Any]:
        run.world.trace_max = len(run.world.trace) + EFFECTS_MAX
        if run.engine is not None:
            run.engine.triggered = 0  # the plain one's
            run.engine.step_limit = STEPS_MAX  # the native one's
        return run.step(copy.deepcopy(operation))

    @staticmethod
    def _deeper(plain: flow_stub.Run, native: flow_stub.Run) -> str | None:
        """What a case file does not write down: whole data at each save, key order, attributes."""
        if not flow_stub.same(plain.world.saved, native.world.saved):
            return f"saved: expected {plain.world.saved!r}, got {native.world.saved!r}"
        if plain.world.cleared != native.world.cleared:
            return f"cleared pages: expected {plain.world.cleared!r}, got {native.world.cleared!r}"
        keys = [list(run.world.user.data) for run in (plain, native)]
        if keys[0] != keys[1]:
            return f"order of keys: expected {keys[0]}, got {keys[1]}"
        if plain.engine is None:
            return None
        for name in ("nodes", "edges", "is_interactive"):
            expected, got = getattr(plain.engine, name), getattr(native.engine, name)
            if not flow_stub.same(expected, got):
                return f"{name}: expected {expected!r}, got {got!r}"
        return None


@pytest.mark.parametrize("lineage", ["A", "B", "B+refresh"])
def test_random_visits_have_the_same_pages_data_and_effects(lineage: str) -> None:
    differences = [Visit(SEED + n, lineage).differences() for n in range(COUNT)]
    assert [d for d in differences if d] == []


@pytest.mark.parametrize("lineage", ["A", "B"])
def test_questions_about_a_graph_have_the_same_answers(lineage: str) -> None:
    asked = 0
    for seed in range(SEED, SEED + 40):
        visit = Visit(seed, lineage)
        engines = []
        for engine_class in (Plain, Engine):
            run = visit.enter(engine_class)
            run.step({"op": "new", "context": {"session": 1, "node": 0}})
            engines.append(run.engine)
        if engines[0] is None:
            assert engines[1] is None
            continue
        for node in (0, 1, 2, 2.0, "1", None, 77):
            asked += 1
            answers = [_answers(engine, node) for engine in engines]
            assert flow_stub.same(*answers), f"seed {seed}, node {node!r}"
    assert asked > 200


def _answers(engine: Any, node: Any) -> Any:
    try:
        edges = engine.get_node_edges(node)
        return [
            edges,
            engine.get_normal_edges(edges),
            engine.get_special_edges(edges),
            engine.is_dead_end(node),
            engine.is_stacked(),
        ]
    except Exception as error:
        return type(error).__name__


def test_the_random_visits_are_worth_comparing() -> None:
    """Pages, errors and walks without an end are among them, and every kind of effect."""
    effects: set[str] = set()
    returned: dict[str, int] = {}
    for seed in range(SEED, SEED + 150):
        visit = Visit(seed, "B")
        run = visit.enter(Plain)
        for operation in visit.operations:
            step = Visit._step(run, operation)
            kind = "None" if step["returned"] is None else step["returned"].get("exc", "page")
            returned[kind] = returned.get(kind, 0) + 1
            effects |= {entry[0] for entry in step["trace"]}
    assert returned["page"] > 150
    assert {"AttributeError", "DoesNotExist", "IndexError", "Endless", "Enough"} <= set(returned)
    assert {
        "get_session", "get_page", "get_email", "get_sms", "get_user", "save", "event", "page.update_html", "email.send",
        "sms.send", "register", "enroll", "leave", "create_task", "therapist_notification",
    } <= effects  # fmt: skip
