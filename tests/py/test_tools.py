"""The checks in tools/ can fail: each is shown a fault and names it, and passes what is right."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
HEADER = "/* {path} - a thing.\n */\n#ifndef {guard}\n#define {guard}\n{body}\n#endif\n"
SOURCE = '/* {path} - a thing. */\n#include "{own}"\n{body}'


def run(tool: str, *args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOLS / tool), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class Tree:
    """A small source tree that the checks accept, to put faults into."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("base", "net", "http", "serve", "py"):
            self.write_unit(folder, "thing")
            self.write(f"src/{folder}/meson.build", f"{folder}_src = files('thing.c')\n")
        self.write("python/citrate/__init__.py", '"""A package."""\n')
        self.write("python/citrate/meson.build", "py.install_sources('__init__.py')\n")
        self.write("tests/c/meson.build", "c_tests = [\n]\n")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def write_unit(self, folder: str, name: str, header: str = "", source: str = "") -> None:
        """src/folder/name.h and .c with a body each."""
        own = f"{folder}/{name}.h"
        guard = f"CIT_{folder}_{name}_H".upper()
        self.write(f"src/{own}", HEADER.format(path=own, guard=guard, body=header))
        self.write(f"src/{folder}/{name}.c", SOURCE.format(path=f"{folder}/{name}.c", own=own, body=source))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def assert_finds(tool: str, tree: Tree, where: str, what: str) -> None:
    result = run(tool, tree.root)
    assert result.returncode == 1, result.stdout
    assert f"{tree.root}/{where}" in result.stdout
    assert what in result.stdout


@pytest.mark.parametrize(
    "tool", ["check_includes", "check_funcs", "check_c", "check_lists", "check_space", "check_links"]
)
def test_what_is_right_passes(tree: Tree, tool: str) -> None:
    result = run(tool, tree.root)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    assert result.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("folder", "line", "what"),
    [
        ("net", '#include "http/thing.h"', "src/net must not know src/http"),
        ("http", '#include "serve/thing.h"', "src/http must not know src/serve"),
        ("serve", '#include "py/thing.h"', "src/serve must not know src/py"),
        ("base", '# include "net/thing.h"', "src/base must not know src/net"),
        ("serve", "#include <Python.h>", "Python.h belongs to src/py alone"),
        ("py", "#include <internal/pycore_frame.h>", "belongs to src/py alone"),
        ("py", '#include "serve/x_int.h"', "for the files of src/serve alone"),
        ("net", '#include "thing.h"', 'is not "folder/file.h"'),
        ("net", '#include "../base/thing.h"', 'is not "folder/file.h"'),
        ("net", '#include "net/nothing.h"', "does not exist"),
    ],
)
def test_an_include_against_the_direction_is_found(tree: Tree, folder: str, line: str, what: str) -> None:
    tree.write("src/serve/x_int.h", HEADER.format(path="serve/x_int.h", guard="CIT_SERVE_X_INT_H", body=""))
    tree.write_unit(folder, "thing", source=line + "\n")
    assert_finds("check_includes", tree, f"src/{folder}/thing.c:3", what)


def test_an_include_in_a_comment_is_none(tree: Tree) -> None:
    tree.write_unit("net", "thing", source='/*\n#include "http/thing.h"\n*/\n')
    assert run("check_includes", tree.root).returncode == 0


def test_a_header_that_does_not_come_first_is_found(tree: Tree) -> None:
    tree.write("src/net/thing.c", '/* net/thing.c - x. */\n#include <stdio.h>\n#include "net/thing.h"\n')
    assert_finds("check_includes", tree, "src/net/thing.c:2", "its own header")


def test_a_header_without_its_guard_is_found(tree: Tree) -> None:
    tree.write("src/net/thing.h", "/* net/thing.h - x. */\nint f(void);\n")
    assert_finds("check_includes", tree, "src/net/thing.h:1", "CIT_NET_THING_H is missing")


def lines(n: int) -> str:
    """A function of n lines, signature and braces counted."""
    return "static int\nlong_one(int a)\n{\n" + "    a++;\n" * (n - 4) + "}\n"


def test_a_function_of_80_lines_passes_and_of_81_does_not(tree: Tree) -> None:
    tree.write_unit("net", "thing", source=lines(80))
    assert run("check_funcs", tree.root).returncode == 0
    tree.write_unit("net", "thing", source=lines(81))
    assert_finds("check_funcs", tree, "src/net/thing.c:3", "long_one has 81 lines")


def test_a_sixth_parameter_is_found(tree: Tree) -> None:
    body = "int f(int a, int (*b)(int, int), int c, int d, int e)\n{\n    return 0;\n}\n"
    tree.write_unit("net", "thing", source=body)
    assert run("check_funcs", tree.root).returncode == 0
    tree.write_unit("net", "thing", source=body.replace("int e)", "int e, int f) CIT_PRINTF(1, 2)"))
    assert_finds("check_funcs", tree, "src/net/thing.c:3", "f has 6 parameters")


def test_a_file_of_1000_lines_is_found(tree: Tree) -> None:
    tree.write_unit("net", "thing", source="\n" * 1000)
    assert_finds("check_funcs", tree, "src/net/thing.c:1", "999 are allowed")


def test_initializers_and_macros_are_not_functions(tree: Tree) -> None:
    body = "static const int t[] = {\n" + "    1,\n" * 90 + "};\n#define M(x) \\\n    do { \\\n    } while (0)\n"
    tree.write_unit("net", "thing", source=body)
    result = run("check_funcs", tree.root)
    assert result.returncode == 0
    assert "0 in src" in result.stdout


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("char *p = malloc(4);", "malloc is banned: the heap has one door"),
        ("free (p);", "free is banned"),
        ("strcpy(a, b);", "strcpy is banned"),
        ("sprintf(a, b);", "sprintf is banned"),
        ("int n = atoi(a);", "atoi is banned"),
        ("exit(1);", "exit is banned"),
        ("signal(SIGHUP, on_hup);", "signal is banned"),
        ("x = PyDict_GetItemWithError(d, k);", "PyDict_GetItemWithError lends a reference"),
        ("x = PyList_GetItem(l, 0);", "PyList_GetItem lends a reference"),
        ("_PyObject_CallNoArgs(x);", "_PyObject_CallNoArgs is private to CPython"),
        ("typedef struct x x_t;", "names that end in _t belong to POSIX"),
        ("#define TRY(x) do { if (x) return -1; } while (0)", "the macro TRY hides a return"),
        ("#define FAIL(x) \\\n    goto fail", "the macro FAIL hides a goto"),
        ("int x; // no", "comments are /* */ here"),
        ("/* TODO later */", "an issue keeps notes better"),
        ("int " + "x" * 120 + ";", "125 columns"),
        ("\tint x;", "a tab"),
    ],
)
def test_what_c_must_not_say_is_found(tree: Tree, line: str, what: str) -> None:
    tree.write_unit("py", "thing", source=line + "\n")
    assert_finds("check_c", tree, "src/py/thing.c:3", what)


@pytest.mark.parametrize(
    "line",
    [
        "cit_free(p); x->free(x); x.exit(1); _exit(2); my_malloc(3);",
        "/* malloc(4) in a comment */",
        'puts("malloc(4)");',
        "(void)signal(SIGPIPE, SIG_IGN);",
        "x = Py_NewRef(PyList_GET_ITEM(l, 0));",
        "/* lint: the oldest interface there is */\nsignal(1, f);",
        "x = PyList_GetItem(l, 0); /* borrowed, l is ours */",
        "#define ROW(a) case a: return 1;\nLIST(ROW)\n#undef ROW",
    ],
)
def test_what_only_looks_like_it_passes(tree: Tree, line: str) -> None:
    tree.write_unit("py", "thing", source=line + "\n")
    result = run("check_c", tree.root)
    assert result.returncode == 0, result.stdout


def test_the_heap_may_be_touched_in_base_mem_alone(tree: Tree) -> None:
    tree.write_unit("base", "mem", source="void *f(void)\n{\n    return malloc(1);\n}\n")
    assert run("check_c", tree.root).returncode == 0
    tree.write_unit("base", "other", source="void *f(void)\n{\n    return malloc(1);\n}\n")
    assert_finds("check_c", tree, "src/base/other.c:5", "malloc is banned")


def test_a_file_without_a_purpose_is_found(tree: Tree) -> None:
    tree.write("src/net/thing.c", '#include "net/thing.h"\n')
    assert_finds("check_c", tree, "src/net/thing.c:1", "the first line is the purpose")
    tree.write("python/citrate/__init__.py", "x = 1\n")
    assert_finds("check_space", tree, "python/citrate/__init__.py:1", "does not begin with what it is for")


@pytest.mark.parametrize("name", ["src/net/other.c", "python/citrate/other.py", "tests/c/test_other.c"])
def test_a_file_that_is_not_listed_is_found(tree: Tree, name: str) -> None:
    tree.write(name, "")
    assert_finds("check_lists", tree, str(Path(name).parent / "meson.build"), "is not listed")


@pytest.mark.parametrize("name", ["src/net/thing.c", "python/citrate/__init__.py"])
def test_a_listed_file_that_does_not_exist_is_found(tree: Tree, name: str) -> None:
    (tree.root / name).unlink()
    assert_finds("check_lists", tree, str(Path(name).parent / "meson.build"), "does not exist")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x = 1 \n", "trailing blanks"),
        ("x = 1\r\n", "CR at the end"),
        ("\tx\n", "a tab"),
        ("x", "one line end at the end"),
        ("x\n\n", "one line end at the end"),
        ("<<<<<<< ours\n", "the mark of a merge"),
    ],
)
def test_wrong_white_space_is_found(tree: Tree, text: str, what: str) -> None:
    (tree.root / "notes.txt").write_bytes(text.encode())
    assert_finds("check_space", tree, "notes.txt", what)


def test_white_space_of_vectors_is_left_alone(tree: Tree) -> None:
    tree.write("tests/vectors/a.txt", "GET / HTTP/1.1\r\n\r\n")
    assert run("check_space", tree.root).returncode == 0


def test_a_link_that_leads_nowhere_is_found(tree: Tree) -> None:
    tree.write("docs/a.md", "# A\n\n[b](b.md#part) `[c](c.md)` [d](https://d.example) [e](a.md)\n")
    assert_finds("check_links", tree, "docs/a.md:3", "b.md#part is not there")


def test_a_second_exported_symbol_and_a_lacking_one_are_found(tmp_path: Path) -> None:
    source, module = tmp_path / "m.c", tmp_path / "m.so"
    source.write_text("int cit_x(void);\nint PyInit__native(void) { return cit_x(); }\nint stray(void) { return 0; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", module, source], check=True, timeout=60)
    result = run("check_exports", module)
    assert result.returncode == 1
    assert "exports stray" in result.stdout
    assert "lacks cit_x" in result.stdout


def test_the_installed_module_exports_its_init_function_alone() -> None:
    result = run("check_exports")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_limits_in_the_readme_are_the_defaults() -> None:
    from citrate import options

    text = (TOOLS.parent / "README.md").read_text()
    rows = re.findall(r"^\| `--([a-z-]+)`[^|]*\| (\d+)( s)?", text, re.M)
    assert len(rows) > 10
    for name, number, unit in rows:
        default = options.OPTIONS[name.replace("-", "_")].default()
        assert default == int(number) * (1000 if unit else 1), name
