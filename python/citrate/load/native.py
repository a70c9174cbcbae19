"""The generator's executable: found, started, signalled, waited for."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

from citrate.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn

STATUS_LOST = 1
PASSED_ON = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
WATCHED = {*PASSED_ON, signal.SIGCHLD}
_FROM_KERNEL = 0x80  # si_code: typed at the terminal, so the whole process group has it already


def find() -> str:
    """The path of the executable: $CITRATE_LOAD, or beside the package's modules.  ConfigError."""
    named = os.environ.get("CITRATE_LOAD")
    path = named or os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "citrate-load")
    if os.access(path, os.X_OK):
        return path
    whence = "CITRATE_LOAD names it" if named else "it is part of an installed Citrate"
    raise ConfigError(f"the load generator is not at {path} ({whence})")


def main() -> NoReturn:
    """The command ``citrate-load``: the executable itself takes this process's place."""
    try:
        path = find()
    except ConfigError as exc:
        sys.exit(f"citrate-load: {exc}")
    os.execv(path, [path, *sys.argv[1:]])


class Generator:
    """A started generator.

    ``status`` is its exit status once it has ended, as a shell would tell it (128 + number for a
    signal), ``killed_by`` the signal that ended it.
    """

    def __init__(self, argv: list[str], plan: bytes | None = None, output: int | None = None, name: str = ""):
        """Start it with ``argv``.

        ``plan``: the JSON of a plan, handed over as an open file, with ``name`` for messages.
        ``output``: a descriptor for its output and errors, else those of this process.
        """
        path = find()
        words = [path, *argv]
        fd = -1
        if plan is not None:
            fd = _kept(plan)
            words += ["--plan-name", name, f"/dev/fd/{fd}"]
        actions = [] if output is None else [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
        try:
            self.pid = os.posix_spawn(path, words, os.environ, file_actions=actions, setsigmask=_mask())
        finally:
            if fd >= 0:
                os.close(fd)
        self.started = time.monotonic()
        self.status: int | None = None
        self.killed_by = 0

    def poll(self) -> int | None:
        """The exit status, None while it goes on."""
        if self.status is None:
            try:
                pid, waited = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # somebody else's handler has waited for it
                self.status = STATUS_LOST
                return self.status
            if pid:
                code = os.waitstatus_to_exitcode(waited)
                self.killed_by = max(0, -code)
                self.status = 128 - code if code < 0 else code
        return self.status

    def signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, tick: Callable[[float], None], every: float = 1.0) -> int:
        """Its exit status; ``tick`` is called with the time of its start, then, and again after ``every`` seconds.

        For calls from code: KeyboardInterrupt ends the generator and goes on.
        """
        due = 0.0
        try:
            while self.poll() is None:
                due = self._tick(tick, due, every)
                time.sleep(min(0.02, every))
        except BaseException:
            self._end()
            raise
        assert self.status is not None
        return self.status

    def supervise(self, tick: Callable[[float], None], every: float = 1.0) -> int:
        """As wait(), for a command which holds its signals back: they are passed on, but those the generator has."""
        due = 0.0
        try:
            while self.poll() is None:
                due = self._tick(tick, due, every)
                number, is_typed = _next_signal(max(0.0, self.started + due - time.monotonic()))
                if number in PASSED_ON and not is_typed:
                    self.signal(number)
        finally:
            self._end()
        assert self.status is not None
        return self.status

    def _tick(self, tick: Callable[[float], None], due: float, every: float) -> float:
        now = time.monotonic() - self.started
        if now < due:
            return due
        tick(self.started)
        return (now // every + 1) * every

    def _end(self) -> None:
        """No generator is left behind."""
        if self.poll() is None:
            self.signal(signal.SIGTERM)
            end = time.monotonic() + 2.0
            while self.poll() is None:
                if time.monotonic() > end:
                    self.signal(signal.SIGKILL)
                time.sleep(0.01)


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """The signals supervise() waits for are held back, from before the start on, so that none is lost."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # where it is ignored there is nothing to wait for
    try:
        yield
    finally:
        while late := signal.sigpending() & WATCHED:  # typed while the last report was written: the run is over
            signal.sigwait(late)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _mask() -> set[int]:
    """The signals that are held back here, without those the generator must get."""
    return {int(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK, []) - WATCHED}


def _next_signal(seconds: float) -> tuple[int, bool]:
    """A signal of this process, and whether the terminal sent it; (0, False) when none came."""
    if sys.platform == "linux":
        info = signal.sigtimedwait(WATCHED, seconds)
        return (0, False) if info is None else (info.si_signo, info.si_code == _FROM_KERNEL)
    end = time.monotonic() + seconds
    while not (pending := signal.sigpending() & WATCHED):
        if time.monotonic() > end:
            return 0, False
        time.sleep(0.02)
    number = signal.sigwait(pending)
    return int(number), number == signal.SIGINT and os.isatty(0)


def _kept(data: bytes) -> int:
    """An inheritable descriptor from which ``data`` is read; no file is left anywhere."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("plan", 0)
    else:
        import tempfile

        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    os.set_inheritable(fd, True)
    with os.fdopen(os.dup(fd), "wb") as file:
        file.write(data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
