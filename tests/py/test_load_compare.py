"""`citrate load compare`: the statistics, the verdict, and two servers against each other."""

from __future__ import annotations

import json
import math
import random
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from citrate.load import compare, options, stats
from citrate.load.rounds import Point
from load_tool import load, load_process, site, write_site
from server import children_of, wait_for

SERVER = f"{sys.executable} -m citrate site_under_load --bind 127.0.0.1:{{port}}"
SHORT = ["--time", "200ms", "--warm", "100ms", "--users", "2"]


# ---- ratios and intervals ----


def test_a_ratio_that_is_always_the_same_is_its_own_interval() -> None:
    found = stats.ratio([10, 20, 30, 40, 50, 60], [20, 40, 60, 80, 100, 120])
    assert (found.middle, found.low, found.high) == pytest.approx((2, 2, 2))
    assert found.is_significant


def test_the_same_rounds_give_the_same_interval_and_another_seed_nearly_the_same() -> None:
    source = random.Random(3)
    a, b = ([source.lognormvariate(0, 0.1) for _ in range(10)] for _ in range(2))
    one, again, other = (stats.ratio(a, b, seed) for seed in (7, 7, 8))
    assert (one.low, one.high) == (again.low, again.high)
    assert (one.low, one.high) == pytest.approx((other.low, other.high), rel=0.02)
    assert one.low < one.middle < one.high


def test_twice_and_half_are_equally_far_from_the_same() -> None:
    a, b = [1.0, 1.1, 0.9, 1.05, 1.2], [2.0, 2.3, 1.7, 2.2, 2.1]
    one, other = stats.ratio(a, b), stats.ratio(b, a)
    assert one.middle * other.middle == pytest.approx(1)
    assert one.low * other.high == pytest.approx(1, rel=0.01)


def test_what_disturbs_both_of_a_round_cancels_out() -> None:
    slow = [1.0, 3.0, 0.5, 2.0, 1.5, 4.0]
    found = stats.ratio(slow, [1.05 * value for value in slow])
    assert (found.low, found.high) == pytest.approx((1.05, 1.05))


@pytest.mark.parametrize("rounds", [6, 10, 20])
def test_two_that_are_equal_are_told_apart_about_as_seldom_as_promised(rounds: int) -> None:
    source = random.Random(1)
    trials, wrong = 200, 0
    for seed in range(trials):
        a, b = ([source.lognormvariate(0, 0.05) for _ in range(rounds)] for _ in range(2))
        wrong += stats.ratio(a, b, seed, resamples=800).is_significant
    # 5 % are promised; a plain percentile interval has 14 % of 6 rounds.
    assert wrong / trials < 0.09


def test_a_difference_well_above_the_noise_is_found() -> None:
    source = random.Random(2)
    for _ in range(20):
        a = [source.lognormvariate(0, 0.01) for _ in range(10)]
        b = [1.05 * source.lognormvariate(0, 0.01) for _ in range(10)]
        found = stats.ratio(a, b, resamples=2000)
        assert found.is_significant
        assert found.low > 1.02
        assert found.high < 1.08


def test_few_rounds_prove_nothing() -> None:
    found = stats.ratio([1, 1, 1, 1, 1], [2, 2, 2, 2, 2])
    assert not found.is_significant
    assert stats.verdict(found) == "not significant (+100.0 to +100.0 %)"


def test_the_levels_are_wider_for_fewer_rounds_and_those_of_the_normal_for_many() -> None:
    levels = [stats.level(count) for count in (2, 3, 5, 10, 31, 32, 100, 100_000)]
    assert levels == sorted(levels)
    assert levels[-1] == pytest.approx(0.025, rel=0.001)
    assert stats.level(10) == pytest.approx(0.00855, rel=0.01)


def test_ratios_need_pairs() -> None:
    for a, b in (([], []), ([1.0], [1.0, 2.0])):
        with pytest.raises(ValueError, match="each round"):
            stats.ratio(a, b)


@pytest.mark.parametrize(
    "low, high, words",
    [
        (1.041, 1.05, "faster by 4.1\N{EN DASH}5.0 %"),
        (2.5, 31.0, "faster by 150\N{EN DASH}3,000 %"),
        (0.9, 0.95, "slower by 5.0\N{EN DASH}10.0 %"),
        (0.996, 1.0092, "not significant (-0.4 to +0.9 %)"),
        (0.9999, 1.0001, "not significant (0.0 to 0.0 %)"),
    ],
)
def test_a_verdict_is_in_words(low: float, high: float, words: str) -> None:
    assert stats.verdict(stats.Ratio((low + high) / 2, low, high, 10)) == words


# ---- the verdict of a comparison ----


def point(rate: float, p50: float = 1.0, p99: float = 2.0, cpu: float = 0.01, errors: int = 0) -> Point:
    latency = {"mean": p50, "p50": p50, "p90": p99, "p95": p99, "p99": p99, "p999": p99, "max": p99}
    rest: dict[str, Any] = {"requests": 1000, "errors": errors, "seconds": 1.0, "rate": rate, "state": "finished"}
    return Point({**rest, "latency_ms": latency, "generator": {"share": 0.1}}, cpu)


def comparison(tmp_path: Path, a: list[float], again: list[float], b: list[float], *words: str) -> compare.Comparison:
    """As after so many rounds with these rates."""
    argv = ["--report", str(tmp_path / "out"), *words, "http://a/", "http://b/"]
    found = compare.Comparison(options.split(argv, compare.OWN))
    for x, y, z in zip(a, again, b, strict=True):
        found.points.append({compare.A: point(x), compare.AGAIN: point(y), compare.B: point(z, p50=2.0)})
    return found


A_FEW = [1000.0, 1010.0, 990.0, 1005.0, 995.0, 1002.0]
OTHERS = [1003.0, 1001.0, 1004.0, 991.0, 1008.0, 999.0]


def test_more_requests_a_second_are_faster(tmp_path: Path) -> None:
    verdict = comparison(tmp_path, A_FEW, OTHERS, [1.1 * v for v in A_FEW]).verdict()
    assert verdict == "B is faster by 10.0\N{EN DASH}10.0 % (requests a second, 6 rounds, 95 % interval)"


def test_about_the_same_is_not_significant(tmp_path: Path) -> None:
    assert comparison(tmp_path, A_FEW, A_FEW, OTHERS).verdict().startswith("not significant (-")


def test_a_control_that_differs_from_itself_is_a_machine_too_noisy(tmp_path: Path) -> None:
    found = comparison(tmp_path, A_FEW, [1.2 * v for v in A_FEW], [1.3 * v for v in A_FEW])
    assert found.verdict().startswith("the machine is too noisy: A differs from itself, faster by 20.0")
    assert found._measures()["rate"]["verdict"] == "too noisy"
    assert found._measures()["p50"]["verdict"] == "longer by 100\N{EN DASH}100 %"


def test_of_an_open_plan_the_verdict_is_about_latency(tmp_path: Path) -> None:
    verdict = comparison(tmp_path, A_FEW, A_FEW, A_FEW, "--rate", "100").verdict()
    assert verdict == "B is longer by 100\N{EN DASH}100 % (p50 (ms), 6 rounds, 95 % interval)"


def test_too_few_rounds_are_said_to_be_too_few(tmp_path: Path) -> None:
    verdict = comparison(tmp_path, A_FEW[:3], A_FEW[:3], [2 * v for v in A_FEW[:3]]).verdict()
    assert "not significant" in verdict
    assert verdict.endswith("at least 6 rounds are needed")


def test_cpu_time_that_is_not_known_is_left_out(tmp_path: Path) -> None:
    found = comparison(tmp_path, A_FEW, A_FEW, OTHERS)
    assert set(found._measures()) == {"rate", "p50", "p99", "cpu_us"}
    found.points[2][compare.B].cpu_us = None
    assert set(found._measures()) == {"rate", "p50", "p99"}


@pytest.mark.parametrize(
    "found, words",
    [
        (point(1000, errors=11), "11 of 1,000 requests were answered wrongly or not at all"),
        (point(1000, errors=10), ""),
        (point(1000), ""),
    ],
)
def test_wrong_answers_are_no_speed(found: Point, words: str) -> None:
    assert found.wrong == words


# ---- words ----


@pytest.mark.parametrize(
    "argv, message",
    [
        ([], "compare: needs two plans or addresses, or -- and two commands"),
        (["http://a/"], "compare: needs two plans or addresses, or -- and two commands"),
        (["--", "one {port}"], "compare: two commands stand behind --, each in quotes"),
        (["--", "one {port}", "two"], "compare: 'two' must say {port} where the server's port belongs"),
        (["--plan", "a", "--url", "b", "--", "a {port}", "b {port}"], "--plan and --url exclude each other"),
        (["--rounds", "0", "http://a/", "http://b/"], "--rounds: '0' is not a whole number from 1 on"),
        (["--warm", "long", "http://a/", "http://b/"], "--warm: 'long' is not a time"),
        (["--", "'one {port}", "two {port}"], "is no command line: No closing quotation"),
    ],
)
def test_what_is_wrong_with_the_words_is_told(tmp_path: Path, argv: list[str], message: str) -> None:
    told = load("compare", *argv, cwd=tmp_path)
    assert told.returncode == 2
    assert message in told.stderr
    assert "Traceback" not in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_plan_of_users_and_one_of_a_rate_cannot_be_compared(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("url = 'http://127.0.0.1:9/'\nusers = 1\n")
    (tmp_path / "b.toml").write_text("url = 'http://127.0.0.1:9/'\nrate = 1\n")
    told = load("compare", "a.toml", "b.toml", cwd=tmp_path)
    assert told.returncode == 2
    assert "one plan is of users and one of a rate" in told.stderr


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "compare" / "runs").mkdir(parents=True)
    told = load("compare", "http://127.0.0.1:9/", "http://127.0.0.1:9/", cwd=tmp_path)
    assert told.returncode == 2
    assert "compare has other things in it, and no compare.json" in told.stderr
    assert (tmp_path / "compare" / "runs").exists()


# ---- real servers ----


def result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "compare.json").read_text())
    return found


@pytest.mark.slow
def test_a_server_that_does_far_more_work_is_slower(tmp_path: Path) -> None:
    write_site(tmp_path)
    commands = [SERVER, f"env SLOW=1 {SERVER}"]
    told = load("compare", "--rounds", "6", *SHORT, "--", *commands, cwd=tmp_path, timeout=110)
    assert told.returncode == 0, told.stderr
    found = result(tmp_path / "compare")
    assert (found["state"], found["rounds"], found["a"], found["b"]) == ("finished", 6, *commands)
    assert found["measures"]["rate"]["high"] < 0.8
    assert found["measures"]["cpu_us"]["low"] > 2
    assert found["measures"]["p50"]["low"] > 1.2
    assert found["verdict"] in told.stdout
    # On a machine that is busy the control may say so, and then nothing is claimed.
    assert found["verdict"].startswith(("B is slower by ", "the machine is too noisy: "))
    assert len(found["runs"]) == 18
    assert {run["side"] for run in found["runs"]} == {"A", "A again", "B"}
    assert len(list((tmp_path / "compare" / "runs").glob("*/summary.json"))) == 18
    order = [[run["side"] for run in found["runs"] if run["round"] == n] for n in range(1, 7)]
    assert len({tuple(names) for names in order}) > 1, "the order changes"


@pytest.mark.slow
def test_a_server_against_itself_is_about_the_same(tmp_path: Path) -> None:
    with site(tmp_path) as (url, _):
        told = load("compare", "--rounds", "6", *SHORT, url + "/", url + "/", cwd=tmp_path)
        assert told.returncode == 0, told.stderr
    measures = result(tmp_path / "compare")["measures"]
    for name in ("rate", "cpu_us"):
        assert 0.3 < measures[name]["low"] <= measures[name]["ratio"] <= measures[name]["high"] < 3
    assert math.log(measures["rate"]["ratio"]) == pytest.approx(0, abs=1)


@pytest.mark.slow
def test_plans_are_compared_and_a_plan_can_be_walked_at_started_servers(tmp_path: Path) -> None:
    with site(tmp_path) as (url, _):
        for name, path in (("a", "/"), ("b", "/slow")):
            (tmp_path / f"{name}.toml").write_text(f"url = '{url}{path}'\nusers = 2\ntime = '200ms'\nwarm = '5s'\n")
        told = load("compare", "--rounds", "1", "--warm", "100ms", "a.toml", "b.toml", cwd=tmp_path)
        assert told.returncode == 0, told.stderr
    assert result(tmp_path / "compare")["measures"]["rate"]["ratio"] < 0.8
    argv = ["--rounds", "1", "--warm", "100ms", "--plan", "b.toml", "--report", "two", "--", SERVER, SERVER]
    told = load("compare", *argv, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "at least 6 rounds are needed" in told.stdout
    run = json.loads((tmp_path / "two" / "runs" / "01-a" / "plan.json").read_text())
    assert run["url"].endswith("/slow")
    assert run["url"] != url + "/slow"


def test_answers_that_are_wrong_end_the_comparison(tmp_path: Path) -> None:
    write_site(tmp_path)
    told = load("compare", "--rounds", "2", *SHORT, "--", SERVER, f"env BROKEN=1 {SERVER}", cwd=tmp_path)
    assert told.returncode == 1
    assert told.stderr.splitlines()[-1].startswith("citrate load: no comparison: B: ")
    assert "answered wrongly" in told.stderr
    assert result(tmp_path / "compare")["state"] == "failed"
    assert told.stdout == ""


def test_a_server_that_does_not_come_up_is_told_with_its_last_words(tmp_path: Path) -> None:
    write_site(tmp_path)
    bad = f"{sys.executable} -c 'import sys; sys.exit(\"no licence for {{port}}\")'"
    told = load("compare", "--rounds", "1", *SHORT, "--", bad, SERVER, cwd=tmp_path)
    assert told.returncode == 1
    assert "ended with status 1" in told.stderr
    assert "no licence for " in told.stderr
    told = load("compare", "--rounds", "1", *SHORT, "--", "no-such-server {port}", SERVER, cwd=tmp_path)
    assert told.returncode == 2
    assert "no-such-server: No such file or directory" in told.stderr


def test_a_comparison_that_is_stopped_leaves_no_server_behind(tmp_path: Path) -> None:
    write_site(tmp_path)
    process = load_process("compare", "--rounds", "9", *SHORT, "--", SERVER, SERVER, cwd=tmp_path)
    servers: list[int] = []
    try:
        assert wait_for(lambda: list((tmp_path / "compare" / "runs").glob("*/summary.json")), 30)
        assert wait_for(lambda: servers.extend(children_of(process.pid)) or servers, 10)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.wait()
    assert result(tmp_path / "compare")["state"] == "stopped"
    assert wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in servers), 5)
