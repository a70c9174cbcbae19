"""Page-flow graphs as their authors see them: made of JSON or mappings, checked, drawn.

A graph is ``{"nodes": [...], "edges": [...]}``.  Nodes have an ``id`` (a number or a text; a graph is
entered at the node 0) and a ``type``; edges have ``source``, ``target``, ``type`` ("normal" or "special")
and perhaps an ``expression``, the condition under which they are taken.  docs/flow-checks.md says what
``check`` finds, and what to do about it.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from citrate import _native
from citrate._native import GraphError

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from typing_extensions import Self

__all__ = ["Finding", "Graph", "GraphError"]

TOOLTIP = re.compile(r'<a xlink:title="([^"]*)">')


class Finding(NamedTuple):
    """Something an author should know about a graph.  ``str()`` is a line for people."""

    severity: Literal["error", "warning", "hint"]
    code: str
    """What kind of finding it is; docs/flow-checks.md has a chapter for each."""
    node: Any
    """Id of the node it is about, or None."""
    edge: Any
    """Id of the edge it is about, or None; edges without an id have ``place``."""
    place: int | None
    """Place in the list of edges (when ``node`` is None) or nodes, from 0; None: the whole graph."""
    line: int | None
    """Place in the expression, from 1; None when it is not about one."""
    column: int | None
    what: str
    hint: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.what} {self.hint}".rstrip()


class Graph(_native.Graph):
    """A graph, compiled; it never changes.

    ``source`` is a mapping, or JSON as text or bytes.  ``dialect`` is the language of its expressions:
    "strict", or "A" or "B" for stored programmes.  Raises GraphError, a ValueError, for what is not a
    whole graph; ``len()`` is the number of nodes.

    ``nodes`` and ``edges`` are tuples of the mappings themselves: changing them does not change the graph.
    Of a graph made of JSON they are made when first asked for, or when an Engine first walks it; until
    then it keeps the JSON, compressed, so that a thousand graphs take little memory.
    """

    __slots__ = ()

    def __new__(cls, source: str | bytes | bytearray | Mapping[str, Any], dialect: str = "strict") -> Self:
        if not isinstance(source, str | bytes | bytearray):
            return super().__new__(cls, source, dialect)
        return super().__new__(cls, _decode(source), dialect, _pack(source))

    def check(self, declared: Container[str] | None = None, session: object = None) -> list[Finding]:  # type: ignore[override]
        """What is wrong with the graph, errors first; an empty list is good news.

        ``declared``: the names of all variables that are declared; others are then reported.  Those
        that expression nodes of the graph set, and those the engine gives, count as declared.
        ``session``: what a session node that enters this very graph would refer to (its ref_id).
        """
        return [Finding(*row) for row in super().check(declared, session)]

    def to_svg(
        self,
        checked: bool = True,
        declared: Container[str] | None = None,
        session: object = None,
        timeout: float = 30.0,
    ) -> str:
        """The graph drawn by Graphviz, as an SVG element that can stand in an HTML page.

        It has no scripts and no links.  ``checked``, ``declared`` and ``session`` as in ``to_dot``;
        ``timeout`` in seconds.  Raises RuntimeError when Graphviz is not installed or fails, TimeoutError when
        it takes longer.
        """
        return _svg(self.to_dot(checked, declared, session), timeout)


def _decode(text: str | bytes | bytearray) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise GraphError(f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    except ValueError as error:  # bytes in no encoding, a number of too many digits
        raise GraphError(f"not JSON: {error}") from None
    except RecursionError:
        raise GraphError("not a graph: its lists and mappings are nested too deeply") from None


def _pack(text: str | bytes | bytearray) -> bytes:
    """JSON compressed, for ``unpack``: the fastest level is also nearly the smallest."""
    return zlib.compress(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text, 1)


def unpack(packed: bytes) -> Any:
    """What the JSON means that ``_pack`` compressed.  Called by ``_native.Graph``."""
    return json.loads(zlib.decompress(packed))


def _svg(dot: str, timeout: float) -> str:
    import subprocess  # not before it is needed

    try:
        done = subprocess.run(["dot", "-Tsvg"], input=dot.encode(), capture_output=True, timeout=timeout)
    except FileNotFoundError:
        raise RuntimeError("Graphviz is not installed: its `dot` draws graphs (Debian package: graphviz)") from None
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"Graphviz did not finish within {timeout:g} s: the graph is too large to draw") from None
    if done.returncode != 0:
        raise RuntimeError(f"Graphviz failed: {done.stderr.decode(errors='replace').strip()}")
    svg = done.stdout.decode()
    svg = svg[svg.index("<svg") :].replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    # Tooltips are links without a target to Graphviz; browsers show titles.  Texts can't look like
    # these tags: Graphviz escapes them.
    return TOOLTIP.sub(r"<g><title>\1</title>", svg).replace("</a>", "</g>")
