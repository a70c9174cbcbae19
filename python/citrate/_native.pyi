"""The server: a supervisor, its workers and their event loops.  Expressions and page-flow graphs."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final, final, overload

from _typeshed import structseq
from typing_extensions import Self

__version__: str

@final
class FileWrapper:
    """``wsgi.file_wrapper``: a file-like object as an iterable, sent by the kernel where possible."""

    def __new__(cls, filelike: Any, /, blksize: int = 8192) -> Self: ...
    @property
    def filelike(self) -> Any: ...
    @property
    def blksize(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...
    def __next__(self) -> bytes: ...
    def close(self) -> None: ...

class RequestTimeout(BaseException):
    """Raised in the application's code when a request is over its time (--timeout)."""

# ---- expressions ----

@final
class Diagnostic(structseq[Any], tuple[str, int, int, str, str]):
    """A remark on an expression for its author: places count from 1, columns characters; hint may be empty."""

    __match_args__: Final = ("code", "line", "column", "what", "hint")
    @property
    def code(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def what(self) -> str: ...
    @property
    def hint(self) -> str: ...

class ExpressionError(ValueError):
    """An expression is not in the language, or its evaluation failed: then __cause__ is Python's own exception.

    Places are those of the text with its tabs expanded, in the dialects that expand them."""

    what: str
    hint: str
    text: str
    line: int
    column: int
    offset: int

@final
class RawList:
    """A list literal of the compat dialects, its items not converted."""

    def __new__(cls, texts: Iterable[str], /) -> Self: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[str]: ...
    @overload
    def __getitem__(self, key: int, /) -> str: ...
    @overload
    def __getitem__(self, key: slice, /) -> list[str]: ...
    def __add__(self, value: RawList, /) -> RawList: ...
    def __radd__(self, value: Any, /) -> RawList: ...

_Data = Mapping[str, Any] | Callable[[str], Any]

@final
class Program:
    """An expression, compiled; immutable.  compile() makes them."""

    @property
    def text(self) -> str: ...
    @property
    def dialect(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def tokens(self) -> tuple[str | RawList, ...]: ...
    @property
    def end(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]: ...
    @property
    def is_closed(self) -> bool: ...
    def evaluate(self, data: _Data, now: datetime | None = None) -> Any:
        """The value over data.  ExpressionError, with Python's exception as its cause."""
    def test(self, data: _Data, now: datetime | None = None) -> bool:
        """The value as a condition."""
    def evaluate_with(
        self,
        data: _Data,
        *,
        now: datetime | None = None,
        reserved_names: AbstractSet[str] | None = None,
        reserved: Callable[[str], Any] | None = None,
        missing: Callable[[str], Any] | None = None,
        is_array: Callable[[str], bool] | None = None,
    ) -> Any:
        """The value for a host that answers names; Python's own exceptions."""
    def disassemble(self) -> str:
        """The instructions, one a line."""
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: Any, /) -> Self: ...

def compile(text: str, dialect: str = "strict") -> Program:
    """The Program of an expression; dialects are "strict", "A", "B" and "compat" (which is "B")."""

def evaluate(text: str, data: _Data, dialect: str = "strict", now: datetime | None = None) -> Any:
    """compile(text, dialect).evaluate(data, now)."""

def compile_stack(tokens: Iterable[str | RawList], dialect: str) -> Program:
    """The Program of a postfix stack of dialect A or B; its tokens are those that evaluating takes."""

def snapshot(data: Mapping[str, Any], /) -> dict[str, Any]:
    """A new dict of what a mapping holds."""

def tokenize(text: str, dialect: str) -> tuple[str | RawList, ...]:
    """The tokens a text of dialect A or B leaves on the stack, also when it is not in the language."""

# ---- the server ----

# ---- graphs ----

class GraphError(ValueError):
    """What was given is not a graph: ``str()`` says where and why."""

class Graph:
    """Nodes and edges, compiled; never changes.  What ``citrate.flow.Graph`` is made from."""

    def __new__(cls, source: Mapping[str, Any], dialect: str = "strict", packed: bytes = ...) -> Self:
        """With ``packed``, of which ``citrate.flow.graph.unpack`` makes the source again, that is kept in its place."""
    @property
    def nodes(self) -> tuple[Mapping[str, Any], ...]: ...
    @property
    def edges(self) -> tuple[Mapping[str, Any], ...]: ...
    @property
    def dialect(self) -> str: ...
    @property
    def memory(self) -> int:
        """Bytes it holds, beside the nodes and edges it was given."""
    def check(
        self, declared: Container[str] | None = None, session: object = None
    ) -> list[tuple[Any, str, Any, Any, int | None, int | None, int | None, str, str]]:
        """Findings, errors first: severity, code, node, edge, place, line, column, what, hint."""
    def to_dot(self, checked: bool = True, declared: Container[str] | None = None, session: object = None) -> str:
        """The graph in Graphviz's language; what a check finds is marked."""
    def __len__(self) -> int: ...

# ---- the engine ----

class Walker:
    """The stepping engine: subclasses say what nodes do (src/py/flow_walk.h lists their methods)."""

    FOLLOW: Final[object]
    limit_error: type[BaseException]
    user: Any
    data: Any
    nodes: Any
    edges: Any
    graph: Any
    moment: Any
    reserved_names: Any
    dialect: str
    step_limit: int
    refreshes: bool
    has_scope: bool
    @property
    def evaluations(self) -> int: ...
    @property
    def index(self) -> Any:
        """The graph of now, made of nodes and edges; `graph` of another walker may be set to it."""
    def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...
    def transition(self, source_id: Any) -> Any:
        """Along the edges of a node, to a page or None."""
    def trigger_node(self, node: Any) -> Any:
        """Does what a node is for, and goes on from it; a page or None."""
    def trigger(self, node_id: Any) -> Any:
        """The same for the node of the graph of now that has an id."""
    def pop_place(self) -> Any:
        """Back to the place on top of the stack."""
    def is_dead_end(self, node_id: Any) -> bool:
        """No normal edge leaves the node, whatever their conditions."""
    def evaluate(self, text: str, /) -> Any:
        """The value of an expression; raises what it raises."""
    def passes(self, edge: Any, /) -> bool:
        """It has no expression, or a true one."""

def counters() -> dict[str, int]:
    """What this worker has counted since it started.  RuntimeError outside of a worker."""

def settings() -> dict[str, tuple[int, int, int] | tuple[str | None, None, None]]:
    """Every setting: its default, least and most (None for texts)."""

def supervise(
    conf: dict[str, int | str | None],
    binds: list[str],
    load: Callable[[int], Callable[..., Any]],
    reload: Callable[[], dict[str, int | str | None]] | None,
) -> int:
    """Serve until stopped; the exit status for the process.

    ``load`` is called in each worker with its index.  In a worker this never returns."""
