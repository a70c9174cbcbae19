"""Applications that misbehave: what they do stays theirs."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from apps.probe import Environ, StartResponse, note

APPS: dict[str, Callable[[Environ, StartResponse], Any]] = {}
TEXT = [("Content-Type", "text/plain")]


def case(f: Callable[[Environ, StartResponse], Any]) -> Callable[[Environ, StartResponse], Any]:
    """Puts an application on its path."""
    APPS[f.__name__] = f
    return f


@case
def hello(environ, start):
    start("200 OK", [*TEXT, ("Content-Length", "5")])
    return [b"hello"]


@case
def pid(environ, start):
    body = str(os.getpid()).encode()
    start("200 OK", [*TEXT, ("Content-Length", str(len(body)))])
    return [body]


@case
def sys_exit(environ, start):
    sys.exit(3)


@case
def sys_exit_in_body(environ, start):
    start("200 OK", TEXT)
    yield b"begun"
    sys.exit(3)


@case
def keyboard_interrupt(environ, start):
    raise KeyboardInterrupt


@case
def generator_exit(environ, start):
    raise GeneratorExit


@case
def stop_iteration(environ, start):
    raise StopIteration


@case
def system_exit_in_close(environ, start):
    class Body:
        def __iter__(self):
            return iter([b"ok"])

        def close(self):
            raise SystemExit(1)

    start("200 OK", [*TEXT, ("Content-Length", "2")])
    return Body()


@case
def memory_error(environ, start):
    raise MemoryError


@case
def real_memory_error(environ, start):
    bytearray(1 << 62)


@case
def recursion(environ, start):
    return recursion(environ, start)


@case
def recursion_in_iter(environ, start):
    class Body:
        def __iter__(self):
            return self

        def __next__(self):
            return next(self)

    start("200 OK", TEXT)
    return Body()


@case
def exception_group(environ, start):
    error: BaseException = RuntimeError("0")
    for i in range(500):
        new = RuntimeError(str(i))
        new.__cause__ = error
        error = new
    raise error


@case
def unicode_error(environ, start):
    raise ValueError("\udc80 \u20ac \n[forged] line")


@case
def os_exit(environ, start):
    os._exit(7)


@case
def os_exit_in_body(environ, start):
    start("200 OK", TEXT)
    yield b"begun"
    time.sleep(0.05)
    os._exit(7)


@case
def kill_self(environ, start):
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(10)
    return []


@case
def segfault(environ, start):
    ctypes.string_at(1)
    return []


@case
def abort(environ, start):
    os.abort()


@case
def forks_child_leaves(environ, start):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return hello(environ, start)


@case
def forks_child_returns(environ, start):
    """The child comes back into the server: its answer must not reach the client as a second one."""
    child = os.fork()
    body = b"child " if child == 0 else b"parent"
    if child == 0:
        note(kind="child", child=os.getpid())
        time.sleep(0.2)
    start("200 OK", [*TEXT, ("Content-Length", "6")])
    return [body]


@case
def forks_child_raises(environ, start):
    if os.fork() == 0:
        note(kind="child", child=os.getpid())
        sys.exit(0)
    time.sleep(0.1)
    return hello(environ, start)


@case
def never_returns(environ, start):
    note(kind="stuck")
    while True:
        time.sleep(0.05)


@case
def never_returns_busy(environ, start):
    note(kind="stuck")
    while True:
        pass


@case
def never_returns_in_body(environ, start):
    start("200 OK", TEXT)
    yield b"begun"
    while True:
        time.sleep(0.05)


@case
def never_returns_and_catches(environ, start):
    """Swallows whatever is raised into it."""
    note(kind="stuck")
    end = time.monotonic() + 3
    while time.monotonic() < end:
        try:
            time.sleep(0.05)
        except BaseException:  # noqa: S112
            continue
    return hello(environ, start)


@case
def stuck_in_c(environ, start):
    """One long wait outside of the interpreter: no exception can reach it."""
    note(kind="stuck")
    time.sleep(3)
    return hello(environ, start)


@case
def ignores_signals(environ, start):
    """Only the main thread may set handlers; elsewhere by libc, as C extensions do."""
    done = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD, signal.SIGUSR1):
        try:
            signal.signal(number, signal.SIG_IGN)
            done.append("python")
        except ValueError:
            ctypes.CDLL(None).signal(int(number), ctypes.c_void_p(1))
            done.append("libc")
    body = ",".join(done).encode()
    start("200 OK", [*TEXT, ("Content-Length", str(len(body)))])
    return [body]


@case
def blocks_signals(environ, start):
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
    return hello(environ, start)


@case
def prints_much(environ, start):
    for i in range(20_000):
        print(f"line {i} " + "x" * 50, file=sys.stderr)
    environ["wsgi.errors"].write("much\n" * 20_000)
    return hello(environ, start)


@case
def prints_binary(environ, start):
    os.write(2, bytes(range(256)))
    environ["wsgi.errors"].write("\x00\x1b[31m \udc80 \u20ac\n")
    return hello(environ, start)


@case
def closes_std(environ, start):
    sys.stderr.close()
    sys.stdout.close()
    sys.stderr = sys.stdout = None
    return hello(environ, start)


@case
def closes_descriptors(environ, start):
    """Everything but the standard ones: the worker may die of it, the server not."""
    os.closerange(3, 256)
    return hello(environ, start)


@case
def changes_directory(environ, start):
    os.chdir("/")
    os.umask(0o777)
    return hello(environ, start)


@case
def many_threads(environ, start):
    for _ in range(50):
        threading.Thread(target=time.sleep, args=(0.3,), daemon=True).start()
    return hello(environ, start)


@case
def thread_that_raises(environ, start):
    t = threading.Thread(target=lambda: 1 / 0)
    t.start()
    t.join()
    return hello(environ, start)


@case
def collects(environ, start):
    gc.collect()
    gc.disable()
    return hello(environ, start)


@case
def cycle_in_body(environ, start):
    class Body(list):
        pass

    body = Body([b"hello"])
    body.me = body
    start("200 OK", [*TEXT, ("Content-Length", "5")])
    return body


@case
def environ_is_torn(environ, start):
    environ.clear()
    environ["x"] = environ
    return hello(environ, start)


@case
def sets_switch_interval(environ, start):
    sys.setswitchinterval(10)
    sys.settrace(None)
    return hello(environ, start)


@case
def deletes_modules(environ, start):
    for name in ("threading", "logging", "io", "traceback"):
        sys.modules.pop(name, None)
    return hello(environ, start)


@case
def trace_function(environ, start):
    sys.setprofile(lambda *a: None)
    threading.setprofile(lambda *a: None)
    return hello(environ, start)


@case
def raises_in_del(environ, start):
    class Odd:
        def __del__(self):
            raise RuntimeError("in __del__")

    Odd()
    return hello(environ, start)


@case
def iter_returns_nothing(environ, start):
    class Body:
        def __iter__(self):
            return None

    start("200 OK", TEXT)
    return Body()


@case
def len_raises(environ, start):
    class Body(list):
        def __len__(self):
            raise RuntimeError("len")

    start("200 OK", TEXT)
    return Body([b"hello"])


@case
def len_lies(environ, start):
    class Body:
        def __init__(self, n):
            self.n = n

        def __len__(self):
            return self.n

        def __iter__(self):
            return iter([b"hel", b"lo"])

    start("200 OK", TEXT)
    return Body(int(environ["QUERY_STRING"] or 1))


@case
def close_is_no_function(environ, start):
    class Body(list):
        close = 5

    start("200 OK", [*TEXT, ("Content-Length", "5")])
    return Body([b"hello"])


@case
def list_changes_while_sent(environ, start):
    body = [b"a"]

    class Growing:
        def __iter__(self):
            for i, item in enumerate(body):
                if i < 10:
                    body.append(b"b")
                yield item

    start("200 OK", TEXT)
    return Growing()


def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Calls the application on this path; `started` is what the last test wants to know of it."""
    name = environ["PATH_INFO"].strip("/")
    return APPS.get(name, hello)(environ, start_response)
