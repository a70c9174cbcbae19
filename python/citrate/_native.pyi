"""The server: a supervisor, its workers and their event loops."""

from collections.abc import Callable, Iterator
from typing import Any, final

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
