"""One run: the generator, beside it the samples of the server and the report that grows.

options, plan ──> citrate-load ──> DIR/{plan.json, seconds.jsonl, histograms.jsonl, summary.json, steps.csv}
                    │ each second ──> DIR/server.jsonl
                    └ at times ─────> DIR/index.html
"""

from __future__ import annotations

import os
import sys
import time

from citrate.errors import ConfigError
from citrate.load import native, options, plan, target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from citrate.load.options import Given
    from citrate.load.plan import Plan

REPORT_SECONDS = 10.0
REPORT_SHARE = 0.02  # of one CPU, at most, goes to reports while the run is measured
DEFAULT_FOLDER = "report"


class Job:
    """What the generator is to do: its options, and a plan or an address."""

    __slots__ = ("argv", "name", "plan", "report", "url")

    def __init__(self, given: Given, what: str | Plan, folder: str = "."):
        """``what``: an address, the name of a plan file, or a plan; ``folder``: where names in such a plan begin."""
        self.plan: bytes | None = None
        self.name = ""
        self.report = "none" if "--dry-run" in given else given.last("--report", DEFAULT_FOLDER)
        self.argv = [*given.native(without=["--report"]), "--report", self.report]
        if isinstance(what, dict):
            self._take(what, "plan", folder)
        elif is_plan(what):
            self._take(plan.read(what), what, os.path.dirname(what) or ".")
        else:
            self.url = what
            self.argv.append(what)

    def _take(self, what: Plan, name: str, folder: str) -> None:
        self.plan, self.name = plan.json_of(what), name
        self.url = plan.target_of(what)
        if "--folder" not in self.argv:
            self.argv += ["--folder", folder]

    def start(self, output: int | None = None) -> native.Generator:
        return native.Generator(self.argv, self.plan, output, self.name)


def is_plan(what: str) -> bool:
    """A file of a plan rather than an address."""
    return what.endswith((".toml", ".json")) and "://" not in what


class Watch:
    """What is done beside a run, each second."""

    def __init__(self, job: Job, pids: list[int], reports: bool):
        self._folder = None if job.report == "none" else job.report
        self._before = self._mark()
        self._target = target.Target(job.url, pids)
        self._kept: list[str] = []
        self._seconds = 0
        self._begun = self._unwritable = False
        self._pages = Pages(self._folder) if reports and self._folder else None

    def hint(self) -> str:
        """To be told before the start; "" for nothing."""
        if self._folder is None:
            return ""
        self._target.group.sample()
        return self._target.why_unseen()

    def has_begun(self) -> bool:
        """The generator has taken the folder: files in it are of this run."""
        return self._folder is not None and self._mark() != self._before

    def _mark(self) -> tuple[int, int] | None:
        if self._folder is None:
            return None
        try:
            found = os.stat(os.path.join(self._folder, "seconds.jsonl"))
        except OSError:
            return None
        return found.st_ino, found.st_ctime_ns

    def tick(self, started: float) -> None:
        if self._folder is None:
            return
        self._sample(self._folder, started)
        if self._pages and self._begun:
            self._pages.tick()

    def _sample(self, folder: str, started: float) -> None:
        import json

        path = os.path.join(folder, "server.jsonl")
        row = None if self._unwritable else self._target.sample(self._seconds, started)
        self._seconds += 1
        if row is not None:
            self._kept.append(json.dumps(row) + "\n")
        try:
            if not self._begun and self.has_begun():
                self._begun = True
                open(path, "w").close()  # one of an earlier run is not this one's
            if self._begun and self._kept:
                with open(path, "a") as file:
                    file.write("".join(self._kept))
                self._kept.clear()
        except OSError as exc:
            self._unwritable = True
            self._kept.clear()
            tell(f"{path}: {exc.strerror}")

    def end(self, started: float) -> str | None:
        """The last sample and the last report, whose path is returned; None without one."""
        if self._folder is None or not self.has_begun():
            return None
        self._sample(self._folder, started)
        return self._pages.finish() if self._pages else None


class Pages:
    """index.html, written by processes of their own, so that the memory it takes is given back and no sample waits."""

    def __init__(self, folder: str):
        self._folder = folder
        self._child = 0
        self._due = time.monotonic() + REPORT_SECONDS

    def tick(self) -> None:
        """Begin one if it is time."""
        if self._child:
            self._reap(os.WNOHANG)
        elif time.monotonic() >= self._due:
            self._child = self._begin(is_last=False)

    def finish(self) -> str | None:
        """The whole one; its path, None if it could not be written."""
        if self._child:
            self._reap(0)
        self._child = self._begin(is_last=True)
        return os.path.join(self._folder, "index.html") if self._reap(0) else None

    def _begin(self, is_last: bool) -> int:
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            if not is_last:
                os.nice(19)
            write_report(self._folder)
            status = 0
        except Exception as exc:  # whatever it is, the run's other files are there
            if is_last:
                tell(f"the report could not be written: {type(exc).__name__}: {exc}")
        finally:
            os._exit(status)

    def _reap(self, flags: int) -> bool:
        try:
            pid, status, used = os.wait4(self._child, flags)
        except ChildProcessError:
            pid, status, used = self._child, 1, None
        if pid:
            self._child = 0
            cost = used.ru_utime + used.ru_stime if used else 0.0
            self._due = time.monotonic() + max(REPORT_SECONDS, cost / REPORT_SHARE)
        return bool(pid) and status == 0


def write_report(folder: str) -> None:
    """The page of a folder, made or made anew."""
    from pathlib import Path

    from citrate.load import report

    report.write(Path(folder))


def tell(text: str) -> None:
    print(f"citrate load: {text}", file=sys.stderr, flush=True)


# ---- for code: citrate.load.run, compare, sweep ----


def summary_of(folder: str) -> dict[str, Any] | None:
    """summary.json of a run; None when there is none."""
    import json

    try:
        with open(os.path.join(folder, "summary.json"), "rb") as file:
            found: dict[str, Any] = json.load(file)
            return found
    except (OSError, ValueError):
        return None


def measure(given: Given, what: str | Plan, folder: str, watch: bool = True, relative_to: str = ".") -> dict[str, Any]:
    """One run into ``folder``, quietly; its summary.

    ConfigError when the generator refuses options or plan; RuntimeError when it leaves nothing.
    """
    import tempfile

    job = Job(given.plus(("--report", folder), ("--live", "off")), what, relative_to)
    watcher = Watch(job, [], reports=False)
    with tempfile.TemporaryFile() as output:
        generator = job.start(output.fileno())
        status = generator.wait(watcher.tick if watch else lambda started: None)
        output.seek(0)
        said = output.read().decode(errors="replace").strip()
    if watch:
        watcher.end(generator.started)
    if status == 2:
        raise ConfigError(said.removeprefix("citrate-load: "))
    found = summary_of(folder) if watcher.has_begun() else None
    if found is None:
        raise RuntimeError(said or f"the load generator ended with status {status} and left nothing")
    return found


def run(what: str | Plan | os.PathLike[str], keywords: dict[str, object]) -> dict[str, Any]:
    """citrate.load.run(): see there."""
    import tempfile

    given = options.from_keywords(keywords)
    if not isinstance(what, dict):
        what = os.fspath(what)
    folder = given.last("--report", "none")
    if folder != "none":
        found = measure(given, what, folder)
        write_report(folder)
        return found
    with tempfile.TemporaryDirectory(prefix="citrate-load-") as scratch:
        return measure(given, what, os.path.join(scratch, "run"), watch=False)
