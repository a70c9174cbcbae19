"""The extension module by itself, each test in a process of its own: loaded twice, dropped, no leaks."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LOAD = """
import gc, importlib.machinery, importlib.util, sys, weakref
from citrate import _native as found

def load():
    spec = importlib.util.spec_from_loader("citrate._native", importlib.machinery.ExtensionFileLoader("citrate._native", found.__file__))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

def drop(module):
    refs = [weakref.ref(module), weakref.ref(module.FileWrapper), weakref.ref(module.RequestTimeout)]
    del module
    return refs
"""


def run(code: str, **env: str) -> str:
    """Runs Python code in a new process; its output, or a failure with what it wrote to stderr."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD + code], capture_output=True, text=True, timeout=100, env={**os.environ, **env}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_module_loaded_twice_has_its_own_types() -> None:
    out = run("""
a, b = load(), load()
assert a is not b and a.FileWrapper is not b.FileWrapper and a.RequestTimeout is not b.RequestTimeout
assert list(a.FileWrapper(__import__("io").BytesIO(b"x"))) == list(b.FileWrapper(__import__("io").BytesIO(b"x"))) == [b"x"]
assert a.settings() == b.settings()
print("both")
""")
    assert out == "both\n"


def test_a_dropped_module_is_gone_with_its_types() -> None:
    out = run("""
refs = drop(load()) + drop(load())
gc.collect()
print([r() for r in refs])
""")
    assert out == "[None, None, None, None, None, None]\n"


def test_a_wrapper_outlives_the_name_of_its_module() -> None:
    out = run("""
import io
wrapper = load().FileWrapper(io.BytesIO(b"abc"), 2)
gc.collect()
print(list(wrapper))
""")
    assert out == "[b'ab', b'c']\n"


ROUNDS = {
    "settings()": "found.settings()",
    "a wrapper": "w = found.FileWrapper(io.BytesIO(b'abc'), 2); list(w); w.close()",
    "a wrapper in a cycle": "f = io.BytesIO(); w = found.FileWrapper(f); f.w = w",
    "a bad wrapper": "raises(lambda: found.FileWrapper(1, 0))",
    "a bad setting": "raises(lambda: found.supervise({'threads': 0, 'pid': 'x'}, [], print))",
    "a bad network": "raises(lambda: found.supervise({'forwarded_allow_ips': '1.1.1.1,x'}, [], print))",
    "a bad bind": "raises(lambda: found.supervise({'error_logfile': '/dev/null', 'pid': 'abc'}, ['127.0.0.1:1', 5], print))",
    "a bad log": "raises(lambda: found.supervise({'error_logfile': '/nonexistent/x'}, ['127.0.0.1:1'], print))",
    "loading": "drop(load()); gc.collect()",
}


@pytest.mark.parametrize("name", ROUNDS)
def test_rounds_leave_nothing_behind(name: str) -> None:
    """Memory blocks and references after equal numbers of rounds; the first rounds warm caches up."""
    out = run(f"""
import io
class F(io.BytesIO): pass
io.BytesIO = F

def raises(f):
    try:
        f()
    except (ValueError, TypeError, OSError):
        return
    raise SystemExit("nothing was raised")

def rounds(n):
    for _ in range(n):
        {ROUNDS[name]}
    f = w = None
    gc.collect()
    return sys.getallocatedblocks(), sys.getrefcount(found.FileWrapper)

rounds(300)
before = rounds(50)
after = rounds(600)
print(max(b - a for a, b in zip(before, after)))
""")
    # one lost in each round would be 600; tables of the interpreter grow by up to two hundred at a time
    assert int(out) < 300, f"{out.strip()} more after 600 rounds"


def test_the_debug_allocator_finds_nothing() -> None:
    code = "\n".join(
        [
            "import io",
            "def raises(f):",
            "    try: f()",
            "    except (ValueError, TypeError, OSError): pass",
            *(line for line in ROUNDS.values() if "f.w" not in line),
            "print('fine')",
        ]
    )
    assert run(code, PYTHONMALLOC="debug", PYTHONDEVMODE="1").endswith("fine\n")
