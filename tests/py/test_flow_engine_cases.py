"""Serafin's Engine against measured walks: pages, data, effects in order, saves, exceptions, in both lineages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import flow_stub
import pytest
from citrate.contrib.serafin import Engine

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "vectors" / "flow" / "engine_cases.jsonl").read_text().splitlines()
]
WALKS = [pytest.param(case, id=f"{case['id']}-{case['name'].split()[0]}") for case in CASES if "meta" not in case]


@pytest.mark.parametrize("lineage", ["A", "B"])
@pytest.mark.parametrize("case", WALKS)
def test_a_walk_has_the_effects_that_were_measured(case: dict[str, Any], lineage: str) -> None:
    steps = flow_stub.run_case(case, lineage, Engine)
    assert flow_stub.compare(flow_stub.expected_steps(case, lineage), steps, messages=True) is None


@pytest.mark.parametrize("case", WALKS)
def test_with_refreshes_a_walk_is_that_of_lineage_b(case: dict[str, Any]) -> None:
    steps = flow_stub.run_case(case, "B+refresh", Engine)
    difference = flow_stub.compare(flow_stub.expected_steps(case, "B"), steps, messages=True)
    if case["name"] == "context_order_expression_sees_earlier_keys":
        assert difference is not None
        assert steps[0]["user_data"] == {"session": 1, "node": 0, "b": "$a * 2"}  # a was not saved when b asked for it
    else:
        assert difference is None


def test_the_cases_are_all_there() -> None:
    assert len(WALKS) == 83
