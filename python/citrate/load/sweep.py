"""``citrate load sweep``: one server with several numbers of workers, each under several numbers of clients.

The table is the mean time of a request, as such tables are published; percentiles and all else
stand in sweep.csv and sweep.json.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from statistics import median

from citrate.errors import ConfigError
from citrate.load import folders, options, rounds, runs
from citrate.load.served import Dead, Served

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from citrate.load.options import Given

OWN = {"--plan": True, "--url": True, "--rounds": True, "--workers": True, "--clients": True}
USAGE = """\
usage: citrate load sweep [options] -- SERVER COMMAND

The command is started for each number of workers on a free port: {workers} and {port} in it are
replaced, else --workers N and --bind 127.0.0.1:PORT are added.

      --workers LIST    1..4, or 1,2,8 [1]
      --clients LIST    users at once [1,2,5,10,20]
      --requests N      in each run [1000]; --time T: by time instead
      --rounds N        each point so often, the median is shown [1]
      --warm T          load before each point that is not counted [500ms]
      --url URL         what is asked [http://127.0.0.1:{port}/]
      --plan FILE       the same as a plan; its target and users are put aside
      --report DIR      where sweep.json, sweep.csv and all runs go [sweep]
Other options are those of citrate load.
"""
FILE = "sweep.json"
COLUMNS = (
    *("workers", "clients", "requests", "errors", "seconds", "rate"),
    *("mean", "p50", "p90", "p95", "p99", "p999", "max", "cpu_us"),
)
_USERS = ("stages", "users", "max_users", "rate", "time", "requests")


def main(argv: list[str]) -> int:
    given = options.split(argv, OWN)
    if "--help" in given:
        print(USAGE, end="", flush=True)
        return 0
    sweep = Sweep(given)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return sweep.run()


class Sweep:
    def __init__(self, given: Given):
        if not given.rest or given.operands:
            print(USAGE, end="", file=sys.stderr)
            raise ConfigError("sweep: the command that starts the server stands behind --")
        if "--plan" in given and "--url" in given:
            raise ConfigError("sweep: --plan and --url exclude each other")
        for name in ("--users", "--rate"):
            if name in given:
                raise ConfigError(f"sweep: {name} has no place here; --clients says how many users there are")
        self.command = _with_places(given.rest, has_workers="--workers" in given)
        self.workers = rounds.whole(given.last("--workers", "1"), "--workers")
        self.clients = rounds.whole(given.last("--clients", "1,2,5,10,20"), "--clients")
        self.rounds = options.count(given.last("--rounds", "1"), "--rounds")
        self.folder = given.last("--report", "sweep")
        self.what = rounds.What(given.last("--plan", given.last("--url", rounds.URL)), "500ms")
        self.warm = options.seconds(given.last("--warm", self.what.warm), "--warm")
        if self.what.plan is not None:
            self.what.plan = {name: value for name, value in self.what.plan.items() if name not in _USERS}
        if "--requests" not in given and "--time" not in given:
            given.pairs.append(("--requests", "1000"))
        self.given = given.plus(without=[*OWN, "--report", "--warm", "--live"])
        self.rows: list[dict[str, Any]] = []
        self.problems: list[str] = []

    def run(self) -> int:
        folders.claim(self.folder, FILE)
        self._write("running")
        try:
            for workers in self.workers:
                self._with_workers(workers)
        except KeyboardInterrupt:
            self._end("stopped")
            return 130
        self._end("failed" if self.problems else "finished")
        return 1 if self.problems else 0

    def _with_workers(self, workers: int) -> None:
        log = os.path.join(self.folder, "logs", f"{workers}-workers")
        try:
            with Served(self.command, {"workers": workers}, self.what.path, log) as served:
                for clients in self.clients:
                    self._point(workers, clients, served)
        except (Dead, RuntimeError) as exc:
            self.problems.append(f"{several(workers, 'worker')}: {exc}")
            runs.tell(self.problems[-1])

    def _point(self, workers: int, clients: int, served: Served) -> None:
        points = []
        given = self.given.plus(("--users", str(clients)))
        for number in range(1, self.rounds + 1):
            run = os.path.join(self.folder, "runs", f"{workers}-workers-{clients}-clients-{number}")
            point = rounds.measure(self.what, given, self.warm, run, served)
            if point.wrong:
                self.problems.append(f"{several(workers, 'worker')}, {several(clients, 'client')}: {point.wrong}")
                runs.tell(self.problems[-1])
                return
            points.append(point.row())
        row = {name: _median([p[name] for p in points]) for name in points[0]}
        self.rows.append({"workers": workers, "clients": clients, **row})
        self._write("running")
        where = f"{several(workers, 'worker'):<10}  {several(clients, 'client'):>11}"
        runs.tell(f"{where}  {row['mean']:9.3f} ms  p99 {row['p99']:9.3f} ms  {row['rate']:10,.0f} /s")

    def _write(self, state: str) -> None:
        from citrate import __version__

        value = {
            "citrate": __version__,
            "state": state,
            "command": shlex.join(self.command),
            "what": self.what.name,
            "rounds": self.rounds,
            "points": self.rows,
            "problems": self.problems,
        }
        folders.write_json(os.path.join(self.folder, FILE), value)
        lines = [",".join(COLUMNS)]
        lines += [",".join("" if row[name] is None else f"{row[name]:.10g}" for name in COLUMNS) for row in self.rows]
        folders.write_text(os.path.join(self.folder, "sweep.csv"), "\n".join(lines) + "\n")

    def _end(self, state: str) -> None:
        self._write(state)
        print("mean time of a request in ms\n")
        means = {(row["workers"], row["clients"]): f"{row['mean']:.3f}" for row in self.rows}
        rows = [["clients", *(several(w, "worker") for w in self.workers)]]
        rows += [[str(c), *(means.get((w, c), "-") for w in self.workers)] for c in self.clients]
        print(folders.table(rows))
        print(f"percentiles, rates and CPU time: {os.path.join(self.folder, 'sweep.csv')}", flush=True)


def several(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _median(values: list[Any]) -> Any:
    return None if None in values else median(values)


def _with_places(command: list[str], has_workers: bool) -> list[str]:
    """The command with places for port and workers."""
    text = " ".join(command)
    added = [] if "{workers}" in text or not has_workers else ["--workers", "{workers}"]
    added += [] if "{port}" in text else ["--bind", "127.0.0.1:{port}"]
    return command + added
