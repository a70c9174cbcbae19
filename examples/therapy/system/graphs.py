"""Graphs for authors' eyes: drawn by Graphviz, with what the check of citrate.flow finds."""

from dataclasses import dataclass, field

from citrate.flow import Graph, GraphError
from django.conf import settings

from system.models import Variable


@dataclass
class Drawing:
    """A graph as an SVG element, or why there is none; and its findings."""

    svg: str = ""
    why_not: str = ""
    findings: list = field(default_factory=list)


def graph_of(session):
    """A session's graph, in the language its engine speaks.  Raises GraphError."""
    return Graph(session.data, dialect="A" if settings.THERAPY_LINEAGE == "A" else "B")


def size(session):
    """Numbers of nodes and edges, in words."""
    try:
        graph = graph_of(session)
    except GraphError:
        return "no graph"
    return f"{len(graph.nodes)}, {len(graph.edges)}"


def draw(session):
    """The drawing of a session."""
    context = {"declared": _declared(), "session": str(session.pk)}
    try:
        graph = graph_of(session)
        drawing = Drawing(findings=graph.check(**context))
        drawing.svg = graph.to_svg(**context)
    except GraphError as error:
        return Drawing(why_not=f"This is no graph: {error}")
    except (RuntimeError, TimeoutError) as error:  # Graphviz is missing, or took too long
        drawing.why_not = str(error)
    return drawing


def summary(session, declared=None):
    """The findings of a session in a few words."""
    try:
        found = graph_of(session).check(declared=_declared() if declared is None else declared, session=str(session.pk))
    except GraphError:
        return "no graph"
    counts = [(kind, sum(finding.severity == kind for finding in found)) for kind in ("error", "warning", "hint")]
    return ", ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in counts if count) or "none"


def _declared():
    """Names of all declared variables."""
    return set(Variable.objects.values_list("name", flat=True))
