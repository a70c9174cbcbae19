"""``citrate load compare``: which of two is faster, and whether that is sure.

    round 1   A   B   A again      in random order, each a fresh process (when commands are given),
    round 2   B   A again   A      warmed up, then measured
    ...
    B to A: the comparison    A again to A: the control, which says how much noise there is

How intervals are made stands in stats.py, how to read them in docs/measuring.md.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from statistics import median

from citrate.errors import ConfigError
from citrate.load import folders, options, rounds, runs, stats
from citrate.load.served import Dead, Served, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from citrate.load.options import Given
    from citrate.load.rounds import Point, What
    from citrate.load.stats import Ratio

OWN = {"--plan": True, "--url": True, "--rounds": True}
USAGE = """\
usage: citrate load compare [options] A B          two plans or addresses of servers that run
       citrate load compare [options] -- 'A' 'B'   two commands that start a server on {port}

      --rounds N      so many of each [10]; fewer than 6 prove nothing
      --time T        length of one run [3s]
      --warm T        load before it that is not counted [1s]
      --url URL       what is asked of servers that are started [http://127.0.0.1:{port}/]
      --plan FILE     the same as a plan; its target is put aside
      --report DIR    where compare.json and all runs go [compare]
Other options are those of citrate load, for both sides alike.
"""
FILE = "compare.json"
A, AGAIN, B = "A", "A again", "B"
# name, heading, decimals, words for more and for less of it
MEASURES = (
    ("rate", "requests a second", 0, "faster", "slower"),
    ("p50", "p50 (ms)", 3, "longer", "shorter"),
    ("p99", "p99 (ms)", 3, "longer", "shorter"),
    ("cpu_us", "CPU a request (µs)", 2, "dearer", "cheaper"),
)
NOISY = "too noisy"
WARM = "1s"
_LIMIT_SHARE = 0.8


class Side:
    """A or B: what is asked, of a server that runs or of one to be started."""

    def __init__(self, name: str, what: What, command: str | None):
        self.name = name
        self.what = what
        self.command = words(command) if command is not None else None
        self.title = command if command is not None else what.name

    def measure(self, given: Given, warm: float, folder: str, stem: str) -> Point:
        run = os.path.join(folder, "runs", stem)
        if self.command is None:
            return rounds.measure(self.what, given, warm, run)
        with Served(self.command, {}, self.what.path, os.path.join(folder, "logs", stem)) as served:
            return rounds.measure(self.what, given, warm, run, served)


def main(argv: list[str]) -> int:
    given = options.split(argv, OWN)
    if "--help" in given:
        print(USAGE, end="", flush=True)
        return 0
    comparison = Comparison(given)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return comparison.run()


class Comparison:
    def __init__(self, given: Given):
        self.rounds = options.count(given.last("--rounds", "10"), "--rounds")
        self.folder = given.last("--report", "compare")
        self.seed = options.count(given.last("--seed", "1"), "--seed", 0)
        self.a, self.b = _sides(given)
        self.warm = options.seconds(given.last("--warm", self.a.what.warm), "--warm")
        if self.a.what.plan is None and "--requests" not in given and "--time" not in given:
            given.pairs.append(("--time", "3s"))
        self.given = given.plus(without=[*OWN, "--report", "--warm", "--live"])
        self.is_open = "--rate" in given or self.a.what.is_open
        self.points: list[dict[str, Point]] = []

    def run(self) -> int:
        folders.claim(self.folder, FILE)
        self._write("running")
        runs.tell(f"{self.rounds} rounds: A, A again, and B, in random order; files go to {self.folder}")
        try:
            problem = self._all_rounds()
        except KeyboardInterrupt:
            self._write("stopped")
            self._show("stopped before the end")
            return 130
        except (Dead, RuntimeError) as exc:
            problem = str(exc)
        if problem:
            self._write("failed", problem)
            runs.tell(f"no comparison: {problem}")
            return 1
        verdict = self.verdict()
        self._write("finished", verdict)
        self._show(verdict)
        return 0

    def _all_rounds(self) -> str:
        """Why there is nothing to compare; "" when all went well."""
        order = [(A, self.a), (AGAIN, self.a), (B, self.b)]
        source = random.Random(self.seed)
        for number in range(1, self.rounds + 1):
            source.shuffle(order)
            points = {}
            for name, side in order:
                stem = f"{number:02}-{name.replace(' ', '-').lower()}"
                point = points[name] = side.measure(self.given, self.warm, self.folder, stem)
                _progress(f"round {number}/{self.rounds}  {name:<7}", point)
                if point.wrong:
                    return f"{side.name}: {point.wrong}"
            self.points.append(points)
            self._write("running")
        return ""

    def values(self, name: str, measure: str) -> list[float]:
        """Of all rounds; empty when one of them is not known or 0, so that no ratio can be made."""
        found = [points[name].row()[measure] for points in self.points]
        return found if all(found) else []

    def ratio(self, name: str, measure: str) -> Ratio | None:
        """B, or A again, in terms of A."""
        one, other = self.values(A, measure), self.values(name, measure)
        return stats.ratio(one, other, self.seed) if one and other else None

    def headline(self) -> int:
        """What the verdict is about: the rate, or of an open plan, whose rate is given, the median latency."""
        return 1 if self.is_open else 0

    def verdict(self) -> str:
        measure, heading, _, more, less = MEASURES[self.headline()]
        found, control = self.ratio(B, measure), self.ratio(AGAIN, measure)
        if found is None or control is None:
            return f"no verdict: {heading} is not known"
        rest = f"({heading}, {len(self.points)} rounds, 95 % interval)"
        if control.is_significant:
            return f"the machine is too noisy: A differs from itself, {stats.verdict(control, more, less)} {rest}"
        if found.is_significant:
            return f"B is {stats.verdict(found, more, less)} {rest}"
        few = f"; at least {stats.LEAST_ROUNDS} rounds are needed" if len(self.points) < stats.LEAST_ROUNDS else ""
        return f"{stats.verdict(found)} {rest}{few}"

    def _measures(self) -> dict[str, Any]:
        found = {}
        for measure, _, _, more, less in MEASURES:
            ratio, control = self.ratio(B, measure), self.ratio(AGAIN, measure)
            if ratio is None or control is None:
                continue
            found[measure] = {
                "a": median(self.values(A, measure)),
                "b": median(self.values(B, measure)),
                **ratio.as_json(),
                "verdict": NOISY if control.is_significant else stats.verdict(ratio, more, less),
                "control": {**control.as_json(), "verdict": stats.verdict(control, more, less)},
            }
        return found

    def _write(self, state: str, verdict: str | None = None) -> None:
        from citrate import __version__

        value = {
            "citrate": __version__,
            "state": state,
            "a": self.a.title,
            "b": self.b.title,
            "what": self.a.what.name,
            "seed": self.seed,
            "rounds": len(self.points),
            "verdict": verdict,
            "measures": self._measures(),
            "runs": [
                {"round": number, "side": name, **point.row()}
                for number, points in enumerate(self.points, 1)
                for name, point in points.items()
            ],
        }
        folders.write_json(os.path.join(self.folder, FILE), value)

    def _show(self, verdict: str) -> None:
        found = self._measures()
        if found:
            print(f"A: {self.a.title}\nB: {self.b.title}\n")
            rows = [["", "A", "B", "B to A", "A again to A"]]
            for measure, heading, decimals, _, _ in MEASURES:
                if measure in found:
                    row = found[measure]
                    numbers = [f"{row[side]:,.{decimals}f}" for side in ("a", "b")]
                    rows.append([heading, *numbers, row["verdict"], row["control"]["verdict"]])
            print(folders.table(rows))
        for note in self._notes():
            print(note)
        print(verdict, flush=True)

    def _notes(self) -> list[str]:
        notes = []
        share = max((p.row()["share"] for points in self.points for p in points.values()), default=0.0)
        if share > _LIMIT_SHARE:
            notes.append(f"note: the generator used up to {100 * share:.0f} % of its CPU: it may be what was measured")
        errors = sum(p.summary["errors"] for points in self.points for p in points.values())
        if errors:
            notes.append(f"note: {errors:,} requests in all went wrong")
        return notes


def _sides(given: Given) -> tuple[Side, Side]:
    """Two operands, or two commands behind --."""
    if given.rest is not None:
        if len(given.rest) != 2 or given.operands:
            raise ConfigError("compare: two commands stand behind --, each in quotes, and no plan before (--plan)")
        if "--plan" in given and "--url" in given:
            raise ConfigError("compare: --plan and --url exclude each other")
        what = rounds.What(given.last("--plan", given.last("--url", rounds.URL)), WARM)
        for command in given.rest:
            if "{port}" not in command:
                raise ConfigError(f"compare: {command!r} must say {{port}} where the server's port belongs")
        return Side(A, what, given.rest[0]), Side(B, what, given.rest[1])
    if len(given.operands) != 2 or "--plan" in given or "--url" in given:
        print(USAGE, end="", file=sys.stderr)
        raise ConfigError("compare: needs two plans or addresses, or -- and two commands")
    one, other = (rounds.What(text, WARM) for text in given.operands)
    if one.is_open != other.is_open:
        raise ConfigError("compare: one plan is of users and one of a rate; they can't be compared")
    return Side(A, one, None), Side(B, other, None)


def _progress(head: str, point: Point) -> None:
    row = point.row()
    if not row["p50"]:
        runs.tell(f"{head}  nothing measured")
        return
    cpu = f"  {point.cpu_us:.1f} µs CPU" if point.cpu_us else ""
    runs.tell(f"{head}  {row['rate']:10,.0f} /s  p50 {row['p50']:.3f} ms  p99 {row['p99']:.3f} ms{cpu}")
