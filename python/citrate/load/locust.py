"""``citrate load --locust-worker HOST:5557 plan.toml``: the generator as a worker of a Locust master.

The master (Locust 2.20 or newer, with its web page or without) says how many users there are to be
and adds up what its workers report; the native generator walks them through the plan's journeys.
A master knows users by the names of classes in its locustfile, so it gets one that says nothing but
a name::

    from locust import User, task

    class Citrate(User):
        @task
        def walk(self):
            \"\"\"Walked by citrate load --locust-worker.\"\"\"

All users the master gives to this worker, of whatever class, walk the plan's journeys by their
weights.  What the plan says of users, stages, rate, time and thresholds is put aside: that is the
master's part.  A host given to the master takes the place of the plan's target.

Messages are pairs over ZeroMQ (DEALER here, ROUTER there), each a msgpack of (type, data, worker);
docs/moving-from-locust.md tells more.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

from citrate.errors import ConfigError
from citrate.load import native, options
from citrate.load import plan as plans
from citrate.load.locust_stats import Statistics, step_methods

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from citrate.load.locust_stats import Json

DEFAULT_PORT = 5557
HEARTBEAT_S, REPORT_S, CONNECT_S = 1.0, 3.0, 5.0
CONNECT_TRIES = 60
MASTER_SILENT_S = 60.0
QUIT_S = 0.4  # a master that quits listens for half a second more
FOREVER = "1000h"
# What the master decides, and what only a run by itself has an end for.
_PUT_ASIDE = ("users", "rate", "stages", "time", "requests", "warm", "poisson", "max_users", "thresholds")
_MASTERS = (
    *("--users", "--rate", "--time", "--requests", "--warm", "--grace", "--poisson"),
    *("--stream", "--control", "--dry-run", "--method", "--data", "--follow"),
)
# A run has no end of its own: it must not outlive a worker that was killed, whose end of the pipe closes then.
_GUARD = ("/bin/sh", "-c", 'read -r _; kill "$1"', "guard")
_MISSING = "a Locust worker needs the packages pyzmq and msgpack: pip install 'citrate[locust]' ({})"


class Left(Exception):
    """The master is gone, or never came; the text says which."""


def main(argv: list[str]) -> int:
    """Work for a master until it quits; the exit status."""
    given = options.split(argv, {"--locust-worker": True})
    _check(given)
    zmq, msgpack = _libraries()
    job = Job(given)
    host, port = _address(given.last("--locust-worker", ""))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    worker = Worker(Link(zmq, msgpack, host, port), job)
    try:
        worker.work()
        worker.link.close()
    except KeyboardInterrupt:
        worker.leave()
        return 130
    except Left as gone:
        worker.leave()
        say(str(gone))
        return 1
    return 0


def say(text: str) -> None:
    print(f"citrate load: {text}", file=sys.stderr, flush=True)


def _check(given: options.Given) -> None:
    if len(given.operands) != 1 or given.rest is not None:
        raise ConfigError("--locust-worker: needs one plan file: citrate load --locust-worker HOST:5557 plan.toml")
    for name in _MASTERS:
        if name in given:
            raise ConfigError(f"{name}: goes not with --locust-worker; users and time are the master's part")


def _libraries() -> tuple[Any, Any]:
    try:
        return importlib.import_module("zmq"), importlib.import_module("msgpack")
    except ImportError as missing:
        raise ConfigError(_MISSING.format(missing)) from None


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(DEFAULT_PORT)
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigError(f"--locust-worker: {text!r} is no HOST or HOST:PORT")
    return host, int(port)


class Link:
    """The connection to the master."""

    def __init__(self, zmq: Any, msgpack: Any, host: str, port: int) -> None:
        self._zmq, self._msgpack = zmq, msgpack
        self.host, self.port = host, port
        self.name = f"{socket.gethostname()}_{uuid.uuid4().hex}"
        self._context = zmq.Context()
        self._socket: Any = None
        self.open()

    def open(self) -> None:
        """Connects, anew if it was connected."""
        self.close()
        zmq = self._zmq
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.IDENTITY, self.name.encode())
        self._socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        self._socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 30)
        self._socket.setsockopt(zmq.IPV6, ":" in self.host)
        # A worker whose master is gone must be able to end.
        self._socket.setsockopt(zmq.LINGER, 500)
        try:
            self._socket.connect(f"tcp://{self.host}:{self.port}")
        except zmq.ZMQError as error:
            raise ConfigError(f"--locust-worker: {self.host}:{self.port}: {error}") from None

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def send(self, kind: str, data: object) -> None:
        with contextlib.suppress(self._zmq.Again):  # a queue that is full: the master has not listened for long
            self._socket.send(self._msgpack.packb((kind, data, self.name)), self._zmq.NOBLOCK)

    def wait(self, other: int | None, seconds: float) -> bool:
        """Waits for a message or for the descriptor ``other``; True when that can be read."""
        poller = self._zmq.Poller()
        poller.register(self._socket, self._zmq.POLLIN)
        if other is not None:
            poller.register(other, self._zmq.POLLIN)
        return other in dict(poller.poll(max(0.0, seconds) * 1000))

    def messages(self) -> Iterator[tuple[str, Any]]:
        """All that have come, as (type, data)."""
        while True:
            try:
                packed = self._socket.recv(self._zmq.NOBLOCK)
            except self._zmq.Again:
                return
            try:
                kind, data, _ = self._msgpack.unpackb(packed, raw=False, strict_map_key=False)
            except Exception as wrong:  # whatever msgpack finds wrong, the next message may be right
                say(f"a message of the master could not be read: {wrong}")
                continue
            yield kind, data


class Job:
    """The plan as one worker walks it."""

    def __init__(self, given: options.Given) -> None:
        path = given.operands[0]
        plan = plans.read(path)
        native.find()
        self._folder = os.path.dirname(os.path.abspath(path))
        self._plan = {name: value for name, value in plan.items() if name not in _PUT_ASIDE}
        self.name = path
        self.methods = step_methods(plan, self._folder)
        self._words = ["--report", given.last("--report", "none"), "--live", "off", "--folder", self._folder]
        self._words += given.native(without=("--report", "--live", "--folder"))

    def start(self, users: int, host: str | None, grace: float, index: int) -> Run:
        """A run of so many users that goes on until it is stopped.  ``index``: the worker's number."""
        plan = {**self._plan, "users": users, "time": FOREVER, "grace": f"{grace:g}s"}
        if isinstance(plan.get("seed"), int):
            plan["seed"] += max(index, 0)
        return Run(plans.aimed(plan, host) if host else plan, self._words, self.name)


class Run:
    """A generator at work."""

    def __init__(self, plan: Json, words: list[str], name: str) -> None:
        control, self._control = os.pipe()
        self.stream, stream = os.pipe()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (finish closes it)
        try:
            for fd in (control, stream):
                os.set_inheritable(fd, True)
            words = [*words, "--control", str(control), "--stream", str(stream)]
            self._generator = native.Generator(words, plans.json_of(plan), self._output.fileno(), name)
        finally:
            os.close(control)
            os.close(stream)
        self._guard = subprocess.Popen([*_GUARD, str(self._generator.pid)], stdin=subprocess.PIPE)
        self._rest = b""
        self.began = time.time()
        self.is_over = False

    def tell(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # it ends by itself; its stream tells
            os.write(self._control, f"{line}\n".encode())

    def lines(self) -> Iterator[Json]:
        """What has come over the stream; ``is_over`` after its end.  Waits when there is nothing."""
        data = os.read(self.stream, 1 << 20)
        self.is_over = not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        yield from (json.loads(line) for line in lines)

    def finish(self) -> tuple[int, str]:
        """Waits for its end, two seconds at most, then ends it; its exit status and what it had to say."""
        until = time.monotonic() + 2.0
        while (status := self._generator.poll()) is None:
            if time.monotonic() > until:
                self.kill()
            time.sleep(0.005)
        self._guard.kill()
        self._guard.communicate()
        self._output.seek(0)
        text = self._output.read().decode(errors="replace").strip()
        self._output.close()
        os.close(self._control)
        os.close(self.stream)
        return status, text

    def kill(self) -> None:
        self._generator.signal(signal.SIGKILL)


class Worker:
    """Answers the master's messages.  Its states are Locust's: ready, spawning, running, stopping."""

    def __init__(self, link: Link, job: Job) -> None:
        self.link, self.job = link, job
        self.state = "ready"
        self.index = -1
        self.counts: dict[str, int] = {}
        self.statistics = Statistics(job.methods, time.time())
        self.run: Run | None = None
        self._is_known = self._is_done = False
        self._last_spawn = 0.0
        self._heard = time.monotonic()
        self._cpu, self._memory = 0.0, 0

    def work(self) -> None:
        """Until the master quits.  Left when it is gone."""
        self._connect()
        beat = report = 0.0
        while not self._is_done:
            now = time.monotonic()
            if now >= beat:
                beat = now + HEARTBEAT_S
                self._beat(now)
            if now >= report:
                report = now + REPORT_S
                self._report()
            self._turn(min(beat, report) - time.monotonic())

    def leave(self) -> None:
        """Tells the master, and ends what runs at once."""
        if self.run is not None:
            self._end_quickly()
        self.link.send("quit", None)
        self.link.close()

    def _connect(self) -> None:
        say(f"asking the Locust master at {self.link.host}:{self.link.port} for work")
        for _ in range(CONNECT_TRIES):
            # -1: a worker that is not Locust's own, of no version
            self.link.send("client_ready", -1)
            until = time.monotonic() + CONNECT_S
            while time.monotonic() < until and not self._is_known:
                self._turn(until - time.monotonic())
            if self._is_known:
                say(f"worker {self.index} of the master at {self.link.host}:{self.link.port}")
                return
        raise Left(f"no master answered at {self.link.host}:{self.link.port}")

    def _turn(self, seconds: float) -> None:
        """Waits so long at most, and does what there is to do."""
        can_read = self.link.wait(self.run.stream if self.run else None, seconds)
        if can_read:
            self._read()
        for kind, data in self.link.messages():
            self._handle(kind, data)

    def _handle(self, kind: str, data: Any) -> None:
        self._heard = time.monotonic()
        if kind == "ack":
            self._is_known = True
            self.index = (data or {}).get("index", -1)
        elif kind == "spawn":
            self._spawn(data)
        elif kind == "stop":
            self._stop()
        elif kind == "quit":
            self._quit()
        elif kind == "reconnect":
            self.link.open()
        elif kind not in ("heartbeat", "spawning_complete"):
            say(f"the master's message {kind!r} means nothing to this worker")

    def _spawn(self, job: Json) -> None:
        self.link.send("spawning", None)
        if job["timestamp"] <= self._last_spawn:
            return
        self._last_spawn = job["timestamp"]
        self.state = "spawning"
        self.counts = dict(job["user_classes_count"])
        users = sum(self.counts.values())
        if self.run is not None:
            self.run.tell(f"users {users}")
        elif users:
            grace = float(job.get("stop_timeout") or 1.0)
            self.statistics = Statistics(self.job.methods, time.time())
            self.run = self.job.start(users, job.get("host"), grace, self.index)
        self.state = "running"
        self.link.send("spawning_complete", {"user_classes_count": self.counts, "user_count": users})

    def _read(self) -> None:
        run = self.run
        assert run is not None
        for line in run.lines():
            if line["type"] == "start":
                run.began = time.time()
            elif line["type"] == "second":
                self.statistics.add(line, run.began)
                self._cpu = 100 * line["cpu"] / max(line["end"] - line["start"], 1e-3)
                self._memory = line["rss"]
        if run.is_over:
            self._over()

    def _over(self) -> None:
        """The generator has ended: as it was asked to, or by itself."""
        assert self.run is not None
        status, text = self.run.finish()
        self.run = None
        if text:
            print(text, file=sys.stderr, flush=True)
        if self.state != "stopping":
            self._tell_why(status, text)
        self.counts = dict.fromkeys(self.counts, 0)
        self._report()
        if self.state == "stopping":
            self.link.send("client_stopped", None)
            self.link.send("client_ready", -1)
        self.state = "ready"

    def _tell_why(self, status: int, text: str) -> None:
        # Locust shows these under "exceptions".
        reason = f"citrate-load ended by itself with status {status}"
        say(reason)
        self.link.send("exception", {"msg": reason, "traceback": text[-4000:] or reason})

    def _stop(self) -> None:
        if self.run is not None:
            self.state = "stopping"
            self.run.tell("stop")
            return
        self.counts = dict.fromkeys(self.counts, 0)
        self.link.send("client_stopped", None)
        self.link.send("client_ready", -1)
        self.state = "ready"

    def _quit(self) -> None:
        say("the master quits")
        if self.run is not None:
            self._end_quickly()
        self._report()
        self._is_done = True

    def _end_quickly(self) -> None:
        """Ends the generator, with the last of what it counted if that comes soon."""
        run = self.run
        assert run is not None
        self.state = "stopping"
        run.tell("stop\nstop")
        until = time.monotonic() + QUIT_S
        while not run.is_over and time.monotonic() < until:
            if select.select([run.stream], [], [], max(0.0, until - time.monotonic()))[0]:
                for line in run.lines():
                    if line["type"] == "second":
                        self.statistics.add(line, run.began)
        if not run.is_over:
            run.kill()
        run.finish()
        self.run = None

    def _beat(self, now: float) -> None:
        if now - self._heard > MASTER_SILENT_S:
            raise Left(f"the master has said nothing for {MASTER_SILENT_S:.0f} s")
        self.link.send(
            "heartbeat",
            {"state": self.state, "current_cpu_usage": self._cpu, "current_memory_usage": self._memory},
        )

    def _report(self) -> None:
        report = self.statistics.report(time.time())
        report["user_classes_count"] = self.counts
        report["user_count"] = sum(self.counts.values())
        self.link.send("stats", report)
