"""Graphs as their authors see them: made, refused, checked, drawn."""

import copy
import gc
import json
import os
import pickle
import random
import shutil
import subprocess
import sys
import weakref
import xml.etree.ElementTree as ElementTree
import zlib
from collections import OrderedDict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import pytest
from citrate import _native
from citrate.flow import Finding, Graph, GraphError
from citrate.flow import graph as graph_module
from citrate.flow.engine import Engine, Host

VECTORS = Path(__file__).parent.parent / "vectors" / "flow" / "engine_cases.jsonl"
SVG = "{http://www.w3.org/2000/svg}"


def start_and(*nodes, edges=()):
    return {"nodes": [{"id": 0, "type": "start", "title": "Start"}, *nodes], "edges": list(edges)}


def page(number, **more):
    return {"id": number, "type": "page", "title": f"P{number}", "ref_id": str(number), **more}


def edge(source, target, expression="", kind="normal", **more):
    return {"type": kind, "source": source, "target": target, "expression": expression, **more}


def stored_graphs():
    """Every session of the measured cases: (case, session id, graph)."""
    for line in VECTORS.read_text().splitlines():
        case = json.loads(line)
        for number, graph in case.get("sessions", {}).items():
            yield case["name"], number, graph


def codes(graph, **options):
    return [finding.code for finding in graph.check(**options)]


# ---- making ----


def test_a_mapping_becomes_a_graph_that_keeps_it():
    data = start_and(page(1), edges=[edge(0, 1)])
    graph = Graph(data)
    assert len(graph) == 2
    assert graph.nodes == tuple(data["nodes"]) and graph.edges == tuple(data["edges"])
    assert graph.nodes[1] is data["nodes"][1] and graph.edges[0] is data["edges"][0]
    assert graph.dialect == "strict" and Graph(data, "B").dialect == "B"
    assert Graph(data, dialect="compat").dialect == "B" and Graph(data, "A").dialect == "A"
    assert repr(graph) == "<Graph: 2 nodes, 1 edges, dialect strict>"


@pytest.mark.parametrize("kind", [str, str.encode, bytearray, lambda text: text.encode("utf-16")])
def test_json_becomes_a_graph(kind):
    text = json.dumps(start_and(page(1, title="blåbær"), edges=[edge(0, 1)]), ensure_ascii=False)
    graph = Graph(kind(text) if kind is not bytearray else bytearray(text.encode()))
    assert graph.nodes[1]["title"] == "blåbær"
    assert graph.check() == []


def test_any_mappings_make_a_graph():
    class Row(dict):
        def __getitem__(self, key):
            return "page" if key == "type" else super().__getitem__(key)

    node = Row(id=1, type="nonsense", ref_id=1)
    data = OrderedDict(nodes=(MappingProxyType({"id": 0, "type": "start"}), node), edges=[OrderedDict(edge(0, 1))])
    assert Graph(MappingProxyType(data)).check() == []


def test_a_graph_without_edges_is_one():
    assert codes(Graph({"nodes": [{"id": 0, "type": "start"}]})) == []
    assert codes(Graph({"nodes": [], "edges": None})) == ["no-start"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (None, "a graph is a mapping"),
        (7, "a graph is a mapping"),
        ([{"id": 0}], "a graph is a mapping"),
        ({}, 'the graph has no "nodes"'),
        ({"edges": []}, 'the graph has no "nodes"'),
        ({"nodes": None, "edges": []}, 'the graph has no "nodes"'),
        ({"nodes": {"0": {}}, "edges": []}, '"nodes" of the graph is not a list'),
        ({"nodes": "abc"}, '"nodes" of the graph is not a list'),
        ({"nodes": [], "edges": {}}, '"edges" of the graph is not a list'),
        (start_and(5), "nodes[1] is not a mapping"),
        (start_and([1, 2]), "nodes[1] is not a mapping"),
        (start_and("text"), "nodes[1] is not a mapping"),
        (start_and({"type": "page"}), "nodes[1]: id is missing"),
        (start_and({"id": None, "type": "page"}), "nodes[1]: id is missing"),
        (start_and({"id": [1], "type": "page"}), "nodes[1]: id is neither a number nor a text"),
        (start_and({"id": float("nan")}), "nodes[1]: id is neither a number nor a text"),
        (start_and({"id": 1, "type": "expression", "expression": 5}), "nodes[1]: expression is not a text"),
        (start_and({"id": 1, "type": "expression", "variable_name": ["a"]}), "nodes[1]: variable_name is not a text"),
        (start_and(edges=[3]), "edges[0] is not a mapping"),
        (start_and(edges=[edge(0, 0), {"target": 0}]), "edges[1]: source is missing"),
        (start_and(edges=[{"source": 0}]), "edges[0]: target is missing"),
        (start_and(edges=[edge(0, {})]), "edges[0]: target is neither a number nor a text"),
        (start_and(edges=[edge(0, 0, expression=["$a"])]), "edges[0]: expression is not a text"),
    ],
)
def test_what_is_no_graph_is_refused_with_place_and_reason(data, why):
    with pytest.raises(GraphError) as caught:
        Graph(data)
    assert isinstance(caught.value, ValueError)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"nodes": [],\n "edges": [}', "not JSON: Expecting value (line 2, column 12)"),
        ("", "not JSON: Expecting value (line 1, column 1)"),
        (b'{"nodes": ["\xff"]}', "not JSON:"),
        ("[" * 100_000, "nested too deeply"),
        ('{"nodes": [{"id": ' + "9" * 5000 + "}]}", "not JSON:"),
        ("[]", "a graph is a mapping"),
    ],
)
def test_bad_json_is_refused_with_its_place(text, why):
    if "999" in str(text) and not hasattr(sys, "set_int_max_str_digits"):
        pytest.skip("this Python reads integers of any length")
    with pytest.raises(GraphError) as caught:
        Graph(text)
    assert why in str(caught.value)


def test_other_wrong_arguments_are_the_callers_errors():
    for arguments in [(), ({}, "B", 1)]:
        with pytest.raises(TypeError):
            Graph(*arguments)
    with pytest.raises(ValueError):
        Graph(start_and(), "C")


def test_what_a_mapping_raises_is_raised():
    class Broken(dict):
        def __getitem__(self, key):
            raise RuntimeError(f"no {key} today")

    with pytest.raises(RuntimeError, match="no nodes today"):
        Graph(Broken())
    with pytest.raises(RuntimeError, match="no id today"):
        Graph(start_and(Broken()))


# ---- ids ----


@pytest.mark.parametrize("other", [1, 1.0, True, Decimal(1), Fraction(1)])
def test_ids_that_python_calls_equal_are_one(other):
    assert codes(Graph(start_and(page(1), edges=[edge(0.0, other)]))) == []
    assert codes(Graph(start_and(page(other), edges=[edge(False, 1)]))) == []


@pytest.mark.parametrize("other", ["1", 1.5, -1, 2**70 + 1])
def test_ids_that_differ_are_two(other):
    assert sorted(codes(Graph(start_and(page(1), edges=[edge(0, other)])))) == ["missing-target", "unreachable"]


def test_ids_may_be_texts_and_numbers_of_any_size():
    ids = ["intro", "blåbær", "\ud800", "", 2**62, -(2**62), 2**63, 10**40, 0.5, 1e300, -1]
    nodes = [page(number, ref_id=1) for number in ids]
    graph = Graph(start_and(*nodes, edges=[edge(a, b) for a, b in zip([0, *ids], ids, strict=False)]))
    assert graph.check() == []
    assert [node["id"] for node in graph.nodes[1:]] == ids
    dot = graph.to_dot()
    assert "page intro" in dot and "page blåbær" in dot and f"page {10**40}" in dot and "page 0.5" in dot
    assert "page \ufffd" in dot


def test_missing_ids_are_named_as_they_were_written():
    (finding,) = Graph(start_and(edges=[edge(0, "nowhere")])).check()
    assert "to node nowhere" in finding.what


# ---- checking ----


def test_findings_are_named_tuples_about_ids():
    graph = Graph(start_and(page("a", ref_id=""), edges=[edge(0, "a", "(", id=7), edge(0, "b", id="e")]), "B")
    first, second, third = graph.check()
    assert isinstance(first, Finding) and first.severity == "error"
    assert (first.code, first.node, first.edge, first.place) == ("missing-target", None, "e", 1)
    assert (second.code, second.node, second.edge, second.place) == ("no-ref", "a", None, 1)
    assert (third.code, third.edge, third.place, third.line) == ("bad-expression", 7, 0, 1)
    assert first.line is None and first.column is None
    assert str(second) == f"error: {second.what} {second.hint}"


def test_the_dialect_is_that_of_the_expressions():
    data = start_and(page(1), page(2), edges=[edge(0, 1, "$a == 1 & $b"), edge(0, 2)])
    assert codes(Graph(data)) == ["bad-expression"]
    assert codes(Graph(data, "B")) == ["logic-beside-comparison"]


def test_stored_graphs_compile_check_and_draw():
    seen = 0
    for name, number, data in stored_graphs():
        if data.get("nodes") is None:
            with pytest.raises(GraphError):
                Graph(data, "B")
            continue
        for dialect in ("A", "B", "strict"):
            graph = Graph(json.dumps(data), dialect)
            assert len(graph) == len(data["nodes"]), name
            for finding in graph.check(declared=set(), session=number):
                assert finding.what and finding.severity in ("error", "warning", "hint")
            assert graph.to_dot().startswith("digraph flow {\n")
        seen += 1
    assert seen > 100


def findings_of(name):
    return {
        finding.code: finding.severity
        for case, number, data in stored_graphs()
        if case.startswith(name) and data.get("nodes") is not None
        for finding in Graph(data, "B").check(session=number)
    }


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("infinite_loop_recursion_error", {"loop-without-page": "error"}),
        ("infinite_loop_start_to_itself", {"loop-without-page": "error"}),
        ("bounded_loop_by_expression", {"loop-without-page": "warning"}),
        ("edge_order_is_list_order", {"edge-never-taken": "warning", "always-true": "hint"}),
        ("edge_target_missing", {"missing-target": "error"}),
        ("duplicate_node_id_last_wins", {"duplicate-id": "error"}),
        ("edge_unknown_or_empty_type_ignored", {"edge-type": "warning", "unreachable": "warning"}),
        ("edge_whitespace_expression_fails", {"bad-expression": "error"}),
        ("special_session_no_outgoing", {"special-session": "warning"}),
        ("edge_source_float_equals_int", {}),
        ("start_to_first_page", {}),
        ("interactive_request_journey", {}),
    ],
)
def test_what_goes_wrong_in_measured_cases_is_found(case, expected):
    assert findings_of(case) == expected


def test_undeclared_variables_are_found_where_names_are_declared():
    data = start_and(
        {"id": 1, "type": "expression", "variable_name": "sum", "expression": "$age + 1"},
        page(2),
        edges=[edge(0, 1), edge(1, 2, "$sum > $limit & $current_day == 1"), edge(1, 2)],
    )
    graph = Graph(data, "B")
    assert "undeclared-variable" not in codes(graph)

    def undeclared(declared):
        found = graph.check(declared)
        return [(f.node, f.place, f.column) for f in found if f.code == "undeclared-variable"]

    assert undeclared({"age"}) == undeclared(["age"]) == undeclared({"age": 1}) == [(None, 1, 8)]
    assert undeclared({"age", "limit"}) == []
    assert len(undeclared(())) == 2


def test_what_declared_raises_is_raised():
    class Broken:
        def __contains__(self, name):
            raise LookupError(name)

    graph = Graph(start_and(page(1), edges=[edge(0, 1, "$x"), edge(0, 1, "$y")]), "B")
    with pytest.raises(LookupError, match="x"):
        graph.check(Broken())
    with pytest.raises(LookupError, match="x"):
        graph.to_dot(declared=Broken())
    with pytest.raises(TypeError):
        graph.check(7)


def test_a_session_that_enters_itself_is_found_by_its_own_id():
    graph = Graph(start_and({"id": 1, "type": "session", "ref_id": 12}, edges=[edge(0, 1)]))
    assert codes(graph, session=12) == codes(graph, session="12") == ["enters-itself"]
    assert codes(graph, session=1) == codes(graph) == []


@pytest.mark.parametrize(
    ("ref", "missing"),
    [
        ({"ref_id": 3}, False),
        ({"ref_id": "3"}, False),
        ({"ref_id": "", "ref_url": "/admin/system/page/3/"}, False),
        ({"ref_id": 0, "ref_url": "/admin/system/page/add"}, True),
        ({"ref_id": None}, True),
        ({}, True),
    ],
)
def test_a_page_refers_to_something_by_id_or_url(ref, missing):
    graph = Graph(start_and({"id": 1, "type": "page", **ref}, edges=[edge(0, 1)]), "B")
    assert codes(graph) == (["no-ref"] if missing else [])


@pytest.mark.parametrize(
    ("delay", "dialect", "missing"),
    [
        ({"number": 1, "unit": "days"}, "A", False),
        ({"number": 1.5, "unit": "seconds"}, "strict", False),
        ({"variable": "dd", "unit": "hours"}, "B", False),
        ({"variable": "dd", "unit": "hours"}, "A", True),
        ({"number": "1", "unit": "days"}, "B", True),
        ({"number": 1, "unit": "weeks"}, "B", False),
        ({"number": 1, "unit": "months"}, "B", True),
        ({"number": 1}, "B", True),
        ({"unit": "days"}, "B", True),
        ({}, "B", True),
        (None, "B", True),
        (5, "B", True),
    ],
)
def test_a_delay_has_a_number_and_a_unit(delay, dialect, missing):
    data = start_and({"id": 1, "type": "delay", "delay": delay}, page(2), edges=[edge(0, 1), edge(1, 2)])
    findings = Graph(data, dialect).check()
    assert [finding.code for finding in findings] == (["delay-time"] if missing else [])
    assert all(finding.node == 1 and finding.severity == "error" for finding in findings)


def test_unknown_types_are_named():
    data = start_and({"id": 1, "type": "wîdget"}, {"id": 2, "type": 5}, edges=[edge(0, 1), edge(0, 2, kind="special")])
    first, second = Graph(data, "B").check()
    assert "(wîdget)" in first.what and first.severity == "error"
    assert "unknown" in second.code and second.node == 2
    first, second = Graph(data).check()
    assert "(wîdget)" in first.what and first.severity == "hint"


def test_errors_come_first():
    data = start_and(page(1, ref_id=None), {"id": 2, "type": "delay"}, page(3), edges=[edge(0, 1, "$x"), edge(1, 9)])
    severities = [finding.severity for finding in Graph(data, "B").check()]
    assert severities == sorted(severities, key=["error", "warning", "hint"].index)
    assert severities.count("error") == 3


# ---- drawing ----


def parsed(dot):
    """Graphviz's own reading of a drawing: names of nodes and (tail, head) of edges."""
    done = subprocess.run(["dot", "-Tjson0"], input=dot.encode(), capture_output=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr.decode()
    graph = json.loads(done.stdout)
    objects = graph.get("objects", [])
    return objects, [(objects[e["tail"]]["name"], objects[e["head"]]["name"]) for e in graph.get("edges", [])]


HOSTILE = [
    '"]; evil [label="',
    "back\\slash\\",
    "\\N \\G \\E \\T \\H \\l\\r\\n",
    "<b>bold</b> <script>alert(1)</script>",
    "</svg><script>alert(1)</script>",
    '<a xlink:title="x">',
    "line\nbreak\r\n\ttab",
    "&amp; &lt;b&gt; &#60; &quot;",
    "control \x00\x01\x1b\x7f\x85 characters",
    "no character \ufffe\uffff\ud800\udfff",
    "שלום 日本語 🌱 blåbær",
    "{record|like}",
    "// # /* comment */",
    "javascript:alert(1)",
    "x" * 5000,
    " ",
    "\\",
    '"',
    "\\\\\\\"",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_drawn_as_texts(text):
    data = start_and(
        page(1, title=text),
        {"id": text, "type": text, "title": text},
        {"id": 2, "type": "expression", "title": text, "variable_name": text, "expression": text},
        edges=[edge(0, 1, text, id=text), edge(1, text, text, "special"), edge(1, 2, kind=text), edge(text + "!", 1)],
    )
    graph = Graph(data, "B")
    objects, edges = parsed(graph.to_dot())
    names = [node["name"] for node in objects]
    assert names[:4] == ["n0", "n1", "n2", "n3"] and len(names) == 5 and names[4].startswith("missing ")
    assert edges == [("n0", "n1"), ("n1", "n2"), ("n1", "n3"), (names[4], "n1")]
    svg = graph.to_svg()
    assert_embeddable(svg)
    shown = text[:20].replace("\n", " ").replace("\r", " ").replace("\t", " ").strip()
    if shown.isprintable() and len(shown) > 2:
        words = "".join(" ".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{SVG}text"))
        assert shown.split()[0] in words.replace("\xa0", " ")


def assert_embeddable(svg):
    """Well-formed, only shapes and texts in it, no attribute that runs or loads anything."""
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    allowed = {f"{SVG}{name}" for name in ("svg", "g", "title", "text", "path", "polygon", "polyline", "ellipse")}
    for element in root.iter():
        assert element.tag in allowed
        for name in element.attrib:
            assert not name.startswith("on") and "href" not in name and name != "style", name
    assert svg.startswith("<svg") and "<!DOCTYPE" not in svg and "<?" not in svg


def test_findings_are_marked_and_explained():
    graph = Graph(start_and(page(1, ref_id=""), edges=[edge(0, 1), edge(0, 9)]), "B")
    (no_ref,) = (finding for finding in graph.check() if finding.code == "no-ref")
    objects, _ = parsed(graph.to_dot())
    marked = {node["name"]: node.get("tooltip", "") for node in objects}
    assert no_ref.what in marked["n1"].replace("\\'", "'") and marked["n0"] == ""
    titles = [title.text for title in ElementTree.fromstring(graph.to_svg()).iter(f"{SVG}title")]
    assert any(no_ref.what in title and no_ref.hint in title for title in titles)
    plain = graph.to_dot(checked=False)
    assert "tooltip" not in plain and "missing 9" in plain


def test_special_edges_are_dashed_and_conditions_are_cut():
    condition = "$a == 1 | " * 20 + "True"
    data = start_and(page(1), edges=[edge(0, 1, condition, "special"), edge(0, 1)])
    dot = Graph(data, "B").to_dot(checked=False)
    assert f'[label="{condition[:60]}...", style=dashed]' in dot


def test_random_graphs_are_read_by_graphviz():
    rng = random.Random(11)
    texts = [*HOSTILE[:13], "", "$a == 1", "Title"]
    for _ in range(20):
        ids = list(range(rng.randrange(1, 12)))
        kinds = ["start", "page", "wait", "session", "expression", "email", "delay", "tool", "end", "?"]
        nodes = [
            {"id": i, "type": rng.choice(kinds), "title": rng.choice(texts), "ref_id": rng.choice(texts)} for i in ids
        ]
        edges = [
            edge(rng.choice(ids), rng.choice([*ids, 99]), rng.choice(texts), rng.choice(["normal", "special", "?"]))
            for _ in range(rng.randrange(20))
        ]
        _, drawn = parsed(Graph({"nodes": nodes, "edges": edges}, "B").to_dot())
        assert sorted(head == "missing 99" for _, head in drawn) == sorted(e["target"] == 99 for e in edges)


def fake_dot(folder, monkeypatch, script):
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin{os.pathsep}/usr/bin")


def test_without_graphviz_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("dot") is None
    with pytest.raises(RuntimeError, match=r"Debian package: graphviz"):
        Graph(start_and()).to_svg()


def test_a_graphviz_that_takes_too_long_is_stopped(tmp_path, monkeypatch):
    fake_dot(tmp_path, monkeypatch, "exec sleep 60")
    with pytest.raises(TimeoutError, match=r"within 0\.2 s"):
        Graph(start_and()).to_svg(timeout=0.2)


def test_a_graphviz_that_fails_is_quoted(tmp_path, monkeypatch):
    fake_dot(tmp_path, monkeypatch, "cat >/dev/null; echo 'no memory today' >&2; exit 3")
    with pytest.raises(RuntimeError, match="no memory today"):
        Graph(start_and()).to_svg()


# ---- large and hostile ----


def row(count, closed):
    nodes = [{"id": i, "type": "email" if i else "start", "ref_id": 1} for i in range(count)]
    return {"nodes": nodes, "edges": [edge(i, (i + 1) % count or 1) for i in range(count if closed else count - 1)]}


def test_large_graphs_are_checked_and_drawn():
    assert codes(Graph(row(100_000, False))) == ["dead-end"]
    (loop,) = Graph(row(100_000, True)).check()
    assert (loop.code, loop.severity, loop.node) == ("loop-without-page", "error", 1)
    assert Graph(row(20_000, True)).to_dot().count("\n") > 40_000


def test_a_node_of_many_edges_takes_no_more_than_its_edges():
    count = 100_000
    graph = Graph(start_and(page(1), edges=[edge(0, 1, "$x == 1", "special") for _ in range(count)]), "B")
    assert codes(graph) == []
    graph = Graph(start_and(page(1), edges=[edge(0, 1, "(") for _ in range(count)]), "B")
    found = graph.check()
    assert len(found) == 1002 and found[1000].what == f"There are {count - 1000} more of this kind."


def test_too_many_nodes_are_refused():
    node = {"id": 0, "type": "page"}
    with pytest.raises(GraphError, match=r"nodes\[1000000\].*1000000 nodes and 4000000 edges are allowed"):
        Graph({"nodes": [node] * 1_000_001})


def test_expressions_without_end_are_findings():
    deep = "(" * 30_000 + "1" + ")" * 30_000
    for text in (deep, "$a + " * 20_000 + "1", "'" + "x" * 70_000 + "'"):
        graph = Graph(start_and(page(1), edges=[edge(0, 1, text), edge(0, 1)]), "B")
        assert codes(graph) == ["bad-expression"]


# ---- objects ----


def test_a_graph_does_not_change():
    graph = Graph(start_and(page(1), edges=[edge(0, 1)]))
    for name in ("nodes", "edges", "dialect", "memory", "anything"):
        with pytest.raises(AttributeError):
            setattr(graph, name, None)
    graph.nodes[1]["type"] = "nonsense"
    del graph.edges[0]["target"]
    assert graph.check() == []
    with pytest.raises(TypeError):
        _native.Graph.check = None


def test_graphs_are_collected_with_what_refers_to_them():
    class Watched(dict):
        pass

    node = Watched(id=0, type="start")
    graph = Graph({"nodes": [node], "edges": []})
    node["graph"] = graph
    gone = weakref.ref(node)
    del node, graph
    gc.collect()
    assert gone() is None


def test_a_mapping_may_do_anything_while_a_graph_is_made():
    data = start_and(page(1), edges=[edge(0, 1)])

    class Meddler(dict):
        def __getitem__(self, key):
            data["nodes"].clear()
            gc.collect()
            return super().__getitem__(key)

    data["nodes"].insert(1, Meddler(id=7, type="page", ref_id=1, title="x"))
    graph = Graph(data)
    assert [node["id"] for node in graph.nodes] == [0, 7, 1]
    assert codes(graph) == ["unreachable"]


def test_making_and_checking_leaks_nothing():
    text = json.dumps(start_and(page("å"), edges=[edge(0, "å", "$x == 1 or"), edge(0, 9, "(")]))

    def growth(count):
        """Blocks of memory that so many rounds leave behind."""
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(count):
            graph = Graph(text, "B")
            assert len(graph.check({"y"}, session=3)) > 3 and graph.to_dot() and graph.nodes
            try:
                Graph({"nodes": [{"id": 0, "title": "x"}, {}]})
            except GraphError:
                pass
        del graph
        gc.collect()
        return sys.getallocatedblocks() - before

    growth(50)
    assert min(growth(600) for _ in range(3)) < 300  # a block a round would be 600


def test_a_graph_of_json_makes_its_mappings_when_they_are_asked_for():
    data = start_and(*map(page, range(1, 100)), edges=[edge(i, i + 1, id="æ") for i in range(99)])
    kept, graph = Graph(data), Graph(json.dumps(data))
    assert gc.is_tracked(graph) and not [o for o in gc.get_referents(graph) if isinstance(o, tuple)]
    small = graph.memory
    assert graph.check() == kept.check() and graph.to_dot() == kept.to_dot()
    assert graph.memory == small
    assert graph.nodes == kept.nodes and graph.edges == kept.edges
    assert graph.nodes is graph.nodes and graph.edges[3] is graph.edges[3]
    assert graph.memory > small
    with pytest.raises(RuntimeError, match="packed"):
        _native.Graph({"nodes": []}, "B", graph_module._pack('{"nodes": [{}]}')).nodes  # noqa: B018
    with pytest.raises(zlib.error):
        _native.Graph({"nodes": []}, "B", b"rubbish").check()


def test_a_graph_of_json_is_walked():
    class Visitor(Host):
        data = {}

        def load_session(self, ref):
            return graph

        def show(self, node):
            return node

        def save(self, changed):
            pass

    graph = Graph(json.dumps(start_and(page(1), page(2), edges=[edge(0, 1), edge(1, 2, "a == null")])))
    engine = Engine(Visitor(), session=1)
    assert engine.run() is graph.nodes[1]
    assert engine.run(next=True) is graph.nodes[2]


def test_memory_is_a_few_hundred_bytes_a_node():
    conditions = [f"$variable_{i} >= {i}" for i in range(40)]
    data = start_and(
        *map(page, range(1, 100)), edges=[edge(i, i + 1, conditions[i] if i < 40 else "") for i in range(99)]
    )
    graph = Graph(data, "B")
    assert 5_000 < graph.memory < 25_000
    graph.check()
    assert graph.memory < 25_000


def test_graphs_are_no_dicts_and_cannot_be_pickled_by_accident():
    graph = Graph(start_and())
    with pytest.raises(TypeError):
        graph["nodes"]
    with pytest.raises(TypeError):
        pickle.dumps(graph)
    with pytest.raises(TypeError):
        copy.copy(graph)
