"""bench/flow: its plumbing, its honesty about wrong rows, and the closures it compares with."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cit_cli import ROOT, environment

sys.path.insert(0, str(ROOT / "bench"))

import flow_cell
import flow_host
import flow_rows
from citbench import flow_cli
from citbench.command import quote
from citbench.flow_report import FlowResults, markdown, summary
from citbench.flow_targets import verdicts
from flow_clock import Statement
from flow_closures import Unsupported, compile_closures
from flow_texts import CASES, data

ROWS = ("citrate", "citrate strict", "closures", "naive eval()")
VECTORS = ROOT / "tests/vectors/flow"


def cell(work: str, case: str, row: str, number: int = 0, **figures: Any) -> dict[str, Any]:
    return {"kind": "cell", "setup": work, "work": case, "server": row, "round": number, **figures}


# ---- the command ----


@pytest.fixture(scope="module")
def short_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[dict[str, Any]]]:
    """The tables and the records of a run without rivals that have to be installed."""
    folder = tmp_path_factory.mktemp("bench")
    command = [sys.executable, str(ROOT / "bench/flow"), "--quick", "--work=eval,bad", "--rounds=1", "--seconds=0.002"]
    command += [f"--rows={','.join(ROWS)}", f"--citrate-python={sys.executable}", "--no-setup"]
    command += [f"--build={folder}", f"--output={folder / 'flow.jsonl'}"]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr
    assert (folder / "flow.md").read_text() + "\n" == ran.stdout
    return ran.stdout, [json.loads(line) for line in (folder / "flow.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_a_short_run_prints_a_row_for_everyone_and_the_targets(short_run: tuple[str, list[dict[str, Any]]]) -> None:
    tables, _ = short_run
    for row in ROWS:
        assert re.search(rf"^\| {re.escape(row)} \| [\d.]", tables, re.M), row
    assert re.search(r"^\| eval: `\$x >= 3` \| citrate \| <= 0.3 us \| .* \| (yes|\*\*no\*\*)", tables, re.M)
    assert re.search(r"^\| bad: .* \| citrate strict \| <= 1 ms \|", tables, re.M)


@pytest.mark.slow
def test_every_cell_of_the_schedule_stands_in_the_results(short_run: tuple[str, list[dict[str, Any]]]) -> None:
    machine, *cells = short_run[1]
    assert machine["kind"] == "machine"
    assert machine["versions"]["python"]
    assert len(cells) == len(ROWS) * len(CASES) + 2 * 3
    assert {c["work"] for c in cells if c["setup"] == "bad"} == {"power", "format", "parentheses"}


@pytest.mark.slow
def test_a_row_with_a_wrong_value_is_shown_as_wrong_and_gets_no_figure(
    short_run: tuple[str, list[dict[str, Any]]],
) -> None:
    tables, cells = short_run
    wrong = [c for c in cells if c.get("failed")]
    assert [(c["server"], c["work"]) for c in wrong] == [("naive eval()", "bmi")]
    assert "us" not in wrong[0]
    assert "| naive eval() | wrong: TypeError" in tables


@pytest.mark.slow
def test_all_forms_of_citrate_end_the_bad_texts_with_an_error(short_run: tuple[str, list[dict[str, Any]]]) -> None:
    ends = [c["outcome"] for c in short_run[1] if c.get("setup") == "bad"]
    assert len(ends) == 6
    assert all(end.startswith("error: ") for end in ends), ends


@pytest.mark.parametrize(
    ("option", "known"), [("--work=walk", "eval, compile, step"), ("--rows=citrus", "citrate evaluate()")]
)
def test_names_that_are_unknown_end_the_command_with_the_known_ones(option: str, known: str) -> None:
    command = [sys.executable, str(ROOT / "bench/flow"), option, "--no-setup"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 2
    assert known in ran.stderr


def test_a_row_whose_library_is_missing_is_not_measured(tmp_path: Path) -> None:
    command = [sys.executable, "-S", str(ROOT / "bench/flow_cell.py"), "eval", "flag", "simpleeval", "0.001"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={}, timeout=30, check=False)
    assert json.loads(ran.stdout)["failed"].startswith("not installed: ")


def test_the_rivals_are_pinned() -> None:
    lines = (ROOT / "bench/requirements-flow.txt").read_text().splitlines()
    names = [line for line in lines if not line.startswith("#")]
    assert names
    assert all(re.fullmatch(r"[\w.\[\]-]+==[\w.]+", name) for name in names), names


def test_every_round_begins_with_another_row_and_those_that_run_alone_run_once() -> None:
    args = flow_cli._arguments(["--work=memory,therapy", "--rounds=2"])
    schedule = [(case, number, row) for _, case, number, row in flow_cli.Run(args)._schedule()]
    graphs = ["citrate Graph", "citrate Graph walked", "dicts"]
    assert schedule[:6] == [("1000", 0, row) for row in graphs] + [("1000", 1, row) for row in (*graphs[1:], graphs[0])]
    assert schedule[-2:] == [("ramp", 0, "citrate serafin"), ("users", 0, "citrate serafin")]


# ---- checks ----


def test_a_value_must_be_equal_not_of_the_same_type() -> None:
    flow_cell.check(30, 30.0)
    with pytest.raises(flow_cell.Wrong, match=r"gives 29, not 30\.0"):
        flow_cell.check(29, 30.0)
    with pytest.raises(flow_cell.Wrong, match="ZeroDivisionError"):
        flow_cell.check(ZeroDivisionError("x"), 30.0)


def test_fresh_texts_never_repeat() -> None:
    texts = flow_cell.fresh_texts(CASES["three"], "compat")
    assert len({*texts(50), *texts(50)}) == 100


class Careless:
    """An engine that follows every edge, whatever its condition."""

    host: Any = None

    def __init__(self, user: Any, is_interactive: bool) -> None:
        self.user = user

    def run(self, next: bool) -> Any:
        self.user.data["node"] += 1
        return self.host.load_page("1")


class Lame(Careless):
    """An engine that stays where it is."""

    def run(self, next: bool) -> Any:
        return None


@pytest.mark.parametrize(("engine", "problem"), [(Careless, "whose condition is false"), (Lame, "at 1 after a step")])
def test_an_engine_that_walks_wrongly_is_found(
    monkeypatch: pytest.MonkeyPatch, engine: type[Careless], problem: str
) -> None:
    monkeypatch.setitem(flow_host.ENGINES, "test", lambda stepping: flow_host._serafin(stepping, engine))
    assert problem in str(flow_host.Stepping("test", 10, data()).problem())


def test_the_calls_of_a_step_can_be_made_again_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(flow_host.ENGINES, "test", lambda stepping: flow_host._serafin(stepping, Careless))
    calls = flow_host.host_calls("test", 10, data())
    assert [(method.__name__, args) for method, args, _ in calls] == [("load_page", ("1",))]
    statement = Statement(*flow_host.as_statement(calls))
    assert [type(value) for value in statement.value()] == [flow_host.Page]


def test_the_list_of_engines_is_that_of_the_command() -> None:
    assert list(flow_host.ENGINES) == list(flow_rows.ENGINES)


@pytest.mark.parametrize("row", list(flow_host.ENGINES))
def test_the_engines_that_are_compared_walk_rightly(row: str) -> None:
    if row.startswith("pyparsing"):
        pytest.importorskip("pyparsing")
    assert flow_host.Stepping(row, 10, data()).problem() is None


# ---- the clock ----


def test_a_statement_is_measured_without_its_loop_and_gets_each_text_once() -> None:
    seen: list[int] = []
    statement = Statement("seen.append(text)", {"seen": seen}, lambda count: range(len(seen), len(seen) + count))
    figures = statement.measure(0.001)
    assert set(figures) == {"us", "loop_us", "calls"}
    assert len(seen) >= figures["calls"]
    assert len(set(seen)) == len(seen)


def test_what_does_a_thousand_times_more_takes_longer() -> None:
    little, much = (Statement("sum(numbers)", {"numbers": range(n)}).measure(0.01)["us"] for n in (1, 10_000))
    assert 0 < little < much


# ---- targets and tables ----


def judged(*cells: dict[str, Any]) -> dict[str, bool | None]:
    return {f"{v.work} {v.what}": v.met for v in verdicts(FlowResults(list(cells)))}


def test_targets_are_met_or_not_by_the_medians() -> None:
    rounds = [cell("eval", "flag", "citrate", n, us=us) for n, us in enumerate((0.1, 0.2, 0.9))]
    rounds += [cell("eval", "flag", "closures", n, us=us) for n, us in enumerate((1.0, 1.9, 9.9))]
    assert judged(*rounds) == {"eval/flag citrate": True, "eval/flag closures by citrate": True}
    slow = [cell("eval", "three", "citrate", us=0.81), cell("eval", "three", "pyparsing new", us=100.0)]
    assert judged(*slow) == {"eval/three citrate": False, "eval/three pyparsing new by citrate": False}


def test_a_step_must_not_depend_on_the_number_of_nodes() -> None:
    few, many = cell("step", "10", "citrate Engine", us=2.0), cell("step", "10000", "citrate Engine", us=3.1)
    assert judged(few, many)["step citrate Engine, 10,000 nodes by 10"] is False
    assert judged(few, {**many, "us": 2.9})["step citrate Engine, 10,000 nodes by 10"] is True


def test_the_therapy_application_is_judged_by_what_a_second_of_cpu_serves() -> None:
    both = [
        cell("therapy", "journey", row, per_cpu_s=n) for row, n in (("citrate serafin", 90), ("pyparsing engine", 29))
    ]
    ramp = cell("therapy", "ramp", "citrate serafin", errors=1)
    assert list(judged(*both, ramp).values()) == [True, False]


def test_a_row_that_failed_is_not_judged() -> None:
    assert judged(cell("eval", "flag", "citrate", failed="wrong: gives False, not True")) == {}


def test_the_tables_go_between_the_marks_of_the_readme() -> None:
    results = FlowResults(
        [cell("eval", "flag", "citrate", us=0.1), cell("eval", "flag", "simpleeval", failed="wrong: x")]
    )
    text = summary(results, "bench/published/flow-x.md")
    assert "| citrate | 0.1 |" in text
    assert "| simpleeval | wrong |" in text
    readme = (ROOT / "README.md").read_text()
    quoted = quote(readme, text, "flow")
    assert text in quoted
    before, after = readme.split("<!-- flow:begin")
    assert quoted.startswith(before)
    assert quoted.endswith(after.split("<!-- flow:end -->")[1])
    with pytest.raises(ValueError, match="substring"):
        quote("no marks", text, "flow")


def test_a_report_can_be_made_of_what_an_older_run_has_left(tmp_path: Path) -> None:
    kept = tmp_path / "old.jsonl"
    kept.write_text(json.dumps(cell("leak", "1", "citrate", grown_mb=0.5, evaluations=10)) + "\n")
    tables = markdown(FlowResults.load(kept))
    assert "| leak: a million evaluations | citrate | <= 1 MB | 0.5 MB (0.5 to 0.5) | yes |" in tables


# ---- the closures ----


def vectors(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (VECTORS / name).read_text().splitlines()]


def closure_result(text: str, values: dict[str, Any]) -> list[str] | None:
    """Type and value of an expression, "!" and the exception, None when the closures leave it out."""
    try:
        run = compile_closures(text)
    except (Unsupported, RecursionError):
        return None
    try:
        value = run(values)
    except Exception as e:
        return ["!", type(e).__name__]
    return [type(value).__name__, repr(value)]


def test_the_closures_give_what_the_case_files_of_the_language_say() -> None:
    meta, *cases = vectors("expr_fuzz.jsonl")
    values = {**meta["Variable_rows"], **meta["user_data"]}
    arrays = re.compile(r"\$(" + "|".join(meta["array_variables"]) + r")(?!\w)")
    compared = 0
    for case in cases:
        got = None if arrays.search(case["e"]) else closure_result(case["e"], values)
        if got is None:
            continue
        kind, value = case.get("B", case["A"])
        expected = [kind, value if kind in ("!", "float", "int", "bool", "complex") else repr(value)]
        assert got == expected, case["e"]
        compared += 1
    assert compared > 300


def test_the_closures_give_the_values_of_the_cases_that_are_timed() -> None:
    for case in CASES.values():
        assert compile_closures(case.text("compat"))(data()) == case.expected


@pytest.mark.parametrize(
    "text", ["1 2", "$x[0]", "1 in [1]", "'+'", "$current_day", "foo(1)", "(1", "", "exp(1)", "!(1)"]
)
def test_what_the_closures_leave_out_is_refused(text: str) -> None:
    with pytest.raises(Unsupported):
        compile_closures(text)
