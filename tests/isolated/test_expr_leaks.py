"""Expressions by the hundred thousand, each kind in a process of its own: memory stays level, types too."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads resident memory from /proc")

HEAD = """
import collections, gc, sys
from datetime import datetime
from citrate._native import ExpressionError, Program, RawList, Walker, compile, compile_stack, evaluate, snapshot, tokenize

NOW = datetime(2015, 5, 1, 12, 0)

class Thing:
    def __float__(self):
        raise ValueError

class Fails(collections.UserDict):
    def __getitem__(self, key):
        raise OSError(key)

DATA = {"a": 1, "b": 2.5, "s": "text", "l": [1, "2", [3]], "d": {"k": {"x": 1}}, "n": None, "t": True, "arr": [1, "5"],
        "big": 10**30, "o": Thing(), "tup": (1, 2), "half": "x" * 600_000}
DATA["od"] = collections.OrderedDict(DATA)

walker = Walker()
walker.dialect, walker.has_scope, walker.data = "B", False, DATA

def fails(text, data=DATA, dialect="B"):
    try:
        evaluate(text, data, dialect)
    except ExpressionError as error:
        return str(error), error.__cause__
    raise SystemExit("nothing was raised by " + text)

def every(texts, dialect):
    for text in texts:
        evaluate(text, DATA, dialect, NOW)
"""

COMPAT = [
    "$a == True", "($a >= 1) & ($b < 3) & ($s == 'text')", "$s + '; ' + str($b) + '%s' % $l", "1 in [1, '2', 3]",
    "'e' in $s", "[1, 2]", "round($b / 2) + trunc($b) ^ 2", "($l + $l) == [1]", "str($l)", "$current_time > '11:00'",
    "$o", "'%(k)s' % $d", "'%5.1f' % $b", "$big + 1", "sign($b) * abs($a) - sin(1)", "False + [1]", "trunc(2) ^ trunc(99)",
    "$n == None", "$missing", "foo(1)", "$d", "!($t)", "1 + 2 * (3 4)",
]  # fmt: skip
STRICT = [
    "a == 1 and b < 3 or s == ''", "l[1] + 'x'", "d.k.x + d['k'].x", "[a, b, s][2]", "if(a == 1, s, 1 / 0)", "default(n, l)",
    "max(l[0], 2.5) + min([3, 1])", "upper(trim(replace(s, 't', 'tt')))", "num('12') + num('1.5')", "str(b) + str(n)",
    "[1, [2]] == l or l == [1, '2', [3]]", "d == od.d", "'k' in d and 2 in tup", "matches(s, '^t.x')", "big == big",
    "current_date + current_time", "round(b, 1) ^ 2", "not exists(n)", "o == o", "l + [a]", "contains(s, 'x')",
]  # fmt: skip

ROUNDS = {
    "compat values": f"every({COMPAT!r}, 'B')",
    "dialect A": f"every({[t for t in COMPAT if '!(' not in t]!r}, 'A')",
    "strict values": f"every({STRICT!r}, 'strict')",
    "errors of Python": "fails('$s - 1'); fails('1 / 0'); fails(\"'a' < 1 + 2\"); fails(\"'+'\"); fails(\"['$']\"); fails('str($a) + ($s / $l)')",
    "errors of strict": "fails('a + s', DATA, 'strict'); fails('[s, l, 1 / 0]', DATA, 'strict'); fails('max([1, s])', DATA, 'strict'); fails(\"matches(s, '(')\", DATA, 'strict')",
    "errors of data": "fails('$a + $b', Fails(a=1)); fails('a.k', {'a': Fails(k=1)}, 'strict'); fails('$big', {'big': 10**400})",
    "errors of compiling": "fails('1 +', DATA, 'strict'); fails('(1', DATA); fails('(' * 500, DATA)",
    "bounds": "fails('$half + $half'); fails('trunc(9) ^ trunc(99999)'); fails(\"'%99999999d' % 5\"); fails('str($l) * trunc(1e9)')",
    "compiling anew": "p = compile('$a + ' + str(n) + \" + 'x' in ['y', $z]\", 'B'); p.tokens, p.names, p.diagnostics, p.disassemble()",
    "compiling strict anew": "p = compile('a.b + ' + str(n) + \" == 'x' or True\"); p.names, p.diagnostics, p.disassemble()",
    "stacks": "compile_stack(['1', RawList(['2', 'x']), 'in'], 'B').evaluate(DATA); tokenize('(1 2 [3]', 'B')",
    "hosts": "compile('$r + $m + $arr[1] + $arr', 'B').evaluate_with(DATA, reserved_names={'r'}, reserved=lambda n: 1, missing=lambda n: '2', is_array=lambda n: n == 'arr')",
    "conditions of an engine": "all(walker.passes({'expression': e}) for e in ('$s', \"$s + 'x'\", '[1]', '$l + $l', 'str($b)'))",
    "conditions": "compile(\"$s + 'x'\", 'B').test(DATA), compile('$l', 'B').test(DATA), compile('a == 1').test(DATA)",
    "snapshots": "snapshot(DATA), snapshot(DATA['od']), snapshot(collections.ChainMap(DATA))",
    "raw lists": "raw = RawList(['a', 'b']); list(raw), raw[:1], repr(raw), 0 + raw, 'abc' % raw, hash(raw)",
    "wrong arguments": "raises(lambda: compile(5)); raises(lambda: evaluate('1', 5)); raises(lambda: compile('1').evaluate(now=1)); raises(lambda: RawList([1]))",
}  # fmt: skip


def run(code: str, **env: str) -> str:
    """Runs Python code in a new process; its output, or a failure with what it wrote to stderr."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + code], capture_output=True, text=True, timeout=110, env={**os.environ, **env}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


COUNT = """
def raises(call):
    try:
        call()
    except TypeError:
        return
    raise SystemExit("nothing was raised")

def rounds(count):
    global n
    for _ in range(count):
        n += 1
        {work}
    p = raw = None
    gc.collect()
    return sys.getallocatedblocks(), sys.getrefcount(Program), sys.getrefcount(RawList), sys.getrefcount(ExpressionError)

n = 0
rounds({warm})
before = rounds(50)
after = rounds(1000)
print(max(b - a for a, b in zip(before, after)))
"""


@pytest.mark.parametrize("kind", ROUNDS)
def test_rounds_of_evaluations_leave_nothing_behind(kind: str) -> None:
    """Memory blocks and references to the types after equal numbers of rounds."""
    warm = 30_000 if "anew" in kind else 300  # the cache is full then
    out = run(COUNT.format(work=ROUNDS[kind], warm=warm))
    # one lost in each round would be 1,000; tables of the interpreter grow by up to two hundred at a time
    assert int(out) < 400, f"{out.strip()} more after 1,000 rounds"


@pytest.mark.slow  # resident memory: a sanitizer keeps what was freed
def test_a_million_evaluations_grow_by_nothing() -> None:
    out = (
        run("""
def resident():
    gc.collect()
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4

p = compile("($a == 1) & (($s + str($b)) == 'x') & ($big > 1)", "B")
q = compile("a == 1 and s + str(b) == 'x' or len(l) > 5")
def rounds(count):
    for _ in range(count):
        p.evaluate(DATA)
        q.evaluate(DATA)

rounds(10_000)
before = resident()
rounds(500_000)
print(resident() - before)
""")
        if os.path.exists("/proc/self/statm")
        else "0"
    )
    assert int(out) < 2048, f"{out.strip()} KiB more"


@pytest.mark.slow  # resident memory: a sanitizer keeps what was freed
@needs_proc
def test_thousands_of_kept_programs_stay_within_their_bound() -> None:
    """Texts of 8 KB, each new: the cache keeps megabytes, not what 4,096 of them would take."""
    out = run("""
def resident():
    gc.collect()
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4

def flood(start):
    for i in range(start, start + 3000):
        compile(f"$a == {i}" + " | ('x' == 'yyyyyyyyyyyyyyyyyyyy')" * 250, "B")
    return resident()

before = resident()
first = flood(0)
print(first - before, flood(10_000) - first)
""")
    kept, grown = map(int, out.split())
    assert kept < 64 * 1024 and grown < 4 * 1024, f"{kept} KiB kept, {grown} KiB more after as many again"


def test_the_module_takes_its_programs_with_it() -> None:
    out = run("""
import importlib.machinery, importlib.util, weakref
from citrate import _native as found
spec = importlib.util.spec_from_loader("citrate._native", importlib.machinery.ExtensionFileLoader("citrate._native", found.__file__))
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
assert module.Program is not Program
for text in ("$a == 1", "[1]", "1 + (", "matches(a, 'x')"):
    for dialect in ("A", "B", "strict"):
        try:
            module.evaluate(text, {"a": "x"}, dialect)
        except ValueError:
            pass
refs = [weakref.ref(o) for o in (module, module.Program, module.RawList, module.ExpressionError, module.Diagnostic)]
kept = module.compile("$a == 1", "B")
del module, spec
gc.collect()
assert kept.evaluate({"a": 1}) is True
del kept
gc.collect()
print([r() for r in refs])
""")
    assert out == "[None, None, None, None, None]\n"


def test_the_debug_allocator_finds_nothing() -> None:
    raises = COUNT.partition("def rounds")[0]
    lines = [f"for n in range(3):\n    {work}" for work in ROUNDS.values()]
    out = run("\n".join([raises, *lines, "print('fine')"]), PYTHONMALLOC="debug", PYTHONDEVMODE="1")
    assert out.endswith("fine\n")
