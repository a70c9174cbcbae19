"""Fixtures of the tests over real sockets: servers that are started once and always killed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import rawhttp
from server import KIND, Server

rawhttp.NEED_DATE = KIND == "citrate"


def _starter(factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(app: str, *options: str, **kw: object) -> Server:
        wait = kw.pop("wait", True)
        ready = kw.pop("ready", None)
        server = Server(app, factory.mktemp("server"), *options, **kw)  # type: ignore[arg-type]
        started.append(server)
        if wait:
            server.start(ready)  # type: ignore[arg-type]
        return server

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts servers that live for one test: start(app, *options, **Server's arguments)."""
    yield from _starter(tmp_path_factory)


@pytest.fixture(scope="module")
def start_for_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts servers that live for all tests of a module."""
    yield from _starter(tmp_path_factory)


@pytest.fixture(scope="session")
def start_for_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts servers that live for the whole run."""
    yield from _starter(tmp_path_factory)


@pytest.fixture(scope="session")
def probe(start_for_session: Callable[..., Server]) -> Server:
    """The probing application with default settings, shared by many modules."""
    return start_for_session("apps.probe:app")
