"""Where a server listens: TCP, IPv6, UNIX and abstract sockets, inherited ones, and several at once."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cit_cli import serving, wait_until_answers
from rawhttp import Conn, get, post
from server import Server, free_port


def has_ipv6() -> bool:
    """::1 can be bound."""
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def ready(address: object) -> Callable[[], bool]:
    """An address answers."""

    def ask() -> bool:
        try:
            with Conn(address, 2.0) as c:
                return c.exchange(get("/ready", "Connection: close")).status == 200
        except OSError:
            return False

    return ask


def environ_at(address: object) -> dict[str, str]:
    """The environ of a request to an address."""
    with Conn(address) as c:
        return json.loads(c.exchange(get("/x")).body)["environ"]


def test_a_unix_socket(start: Callable[..., Server], tmp_path: Path) -> None:
    path = str(tmp_path / "s.sock")
    server = start("apps.probe:app", binds=[f"unix:{path}"], ready=ready(path))
    environ = environ_at(path)
    assert environ["SERVER_NAME"]
    assert "SERVER_PORT" in environ
    assert "REMOTE_ADDR" in environ
    with Conn(path) as c:
        assert c.exchange(post("/raw", b"x" * 100_000)).body == b"x" * 100_000
        assert c.exchange(get("/big?n=500000")).status == 200
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    assert server.stop() == 0
    assert not os.path.exists(path), "the socket's file was left behind"


def test_a_stale_unix_socket_is_replaced(start: Callable[..., Server], tmp_path: Path) -> None:
    path = str(tmp_path / "s.sock")
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.close()
    start("apps.probe:app", binds=[f"unix:{path}"], ready=ready(path))
    assert environ_at(path)["PATH_INFO"] == "/x"


def test_a_file_in_the_place_of_a_unix_socket_stays(start: Callable[..., Server], tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    server = start("apps.probe:app", binds=[f"unix:{path}"], wait=False)
    server.spawn()
    assert server.wait(15.0) != 0
    assert path.read_text() == "data"


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="abstract sockets are Linux's")
def test_an_abstract_socket(start: Callable[..., Server]) -> None:
    name = f"citrate-test-{os.getpid()}"
    start("apps.probe:app", binds=[f"unix:@{name}"], ready=ready("\0" + name))
    assert environ_at("\0" + name)["PATH_INFO"] == "/x"


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_ipv6(start: Callable[..., Server]) -> None:
    port = free_port()
    start("apps.probe:app", binds=[f"[::1]:{port}"], ready=ready(("::1", port)))
    environ = environ_at(("::1", port))
    assert environ["REMOTE_ADDR"] == "::1"
    assert environ["SERVER_PORT"] == str(port)


def test_several_binds_at_once(start: Callable[..., Server], tmp_path: Path) -> None:
    path, one, two = str(tmp_path / "s.sock"), free_port(), free_port()
    binds = [f"127.0.0.1:{one}", f"127.0.0.1:{two}", f"unix:{path}"]
    start("apps.probe:app", "--workers", "2", binds=binds, ready=ready(path))
    for address in [("127.0.0.1", one), ("127.0.0.1", two), path]:
        assert environ_at(address)["PATH_INFO"] == "/x"
    assert environ_at(("127.0.0.1", two))["SERVER_PORT"] == str(two)


def test_another_loopback_address(start: Callable[..., Server]) -> None:
    port = free_port()
    start("apps.probe:app", binds=[f"127.0.0.5:{port}"], ready=ready(("127.0.0.5", port)))
    with pytest.raises(ConnectionRefusedError):
        Conn(("127.0.0.1", port))


def test_an_inherited_descriptor(start: Callable[..., Server]) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as s:
        address = s.getsockname()
        start("apps.probe:app", binds=[f"fd://{s.fileno()}"], pass_fds=(s.fileno(),), ready=ready(address))
        assert environ_at(address)["SERVER_PORT"] == str(address[1])


def test_systemd_activation(start: Callable[..., Server], tmp_path: Path) -> None:
    """LISTEN_FDS and LISTEN_PID as sd_listen_fds(3) has them; descriptors from 3."""
    one = socket.create_server(("127.0.0.1", free_port()))
    two = socket.socket(socket.AF_UNIX)
    path = str(tmp_path / "activated.sock")
    two.bind(path)
    two.listen()
    address = one.getsockname()
    launcher = tmp_path / "launch.py"
    launcher.write_text(
        "import os, sys\n"
        f"a, b = os.dup2({one.fileno()}, 100), os.dup2({two.fileno()}, 101)\n"
        "os.dup2(100, 3); os.dup2(101, 4); os.closerange(5, 200)\n"
        "os.environ.update(LISTEN_FDS='2', LISTEN_PID=str(os.getpid()))\n"
        "os.execv(sys.executable, [sys.executable, '-m', *sys.argv[1:]])\n"
    )
    server = start("apps.probe:app", binds=["systemd"], pass_fds=(one.fileno(), two.fileno()), wait=False)
    command = server.command()
    server.command = lambda: [command[0], str(launcher), *command[2:]]  # type: ignore[method-assign]
    server.start(ready(address))
    one.close()
    two.close()
    assert environ_at(address)["PATH_INFO"] == "/x"
    assert environ_at(path)["PATH_INFO"] == "/x"
    assert server.stop() == 0
    assert os.path.exists(path), "an activated socket belongs to systemd"


def test_a_port_in_use_is_said_and_ends_the_start(start: Callable[..., Server], probe: Server) -> None:
    server = start("apps.probe:app", binds=[f"127.0.0.1:{probe.port}"], wait=False)
    server.spawn()
    assert server.wait(15.0) != 0
    assert str(probe.port) in server.log()
    assert probe.fetch("/plain").status == 200


@pytest.mark.parametrize(
    "bind", ["127.0.0.1:notaport", "256.0.0.1:80", "unix:", "fd://x", "192.0.2.1:18499", "127.0.0.1:99999", "fd://99"]
)
def test_a_bind_that_cannot_be_is_said(start: Callable[..., Server], bind: str) -> None:
    server = start("apps.probe:app", binds=[bind], wait=False)
    server.spawn()
    assert server.wait(15.0) != 0
    assert bind.split("://")[-1].split(":")[0] in server.log()


def test_a_restart_takes_the_port_at_once(start: Callable[..., Server]) -> None:
    """SO_REUSEADDR: connections in TIME_WAIT do not hold the address."""
    first = start("apps.probe:app")
    for _ in range(10):
        with first.connect() as c:
            c.send(get("/plain", "Connection: close"))
            c.read_response()
            c.expect_end()
    assert first.stop() == 0
    second = start("apps.probe:app", binds=[f"127.0.0.1:{first.port}"], ready=ready(first.address))
    assert environ_at(first.address)["PATH_INFO"] == "/x"
    assert second.stop() == 0


def test_reuse_port_lets_two_servers_share(start: Callable[..., Server]) -> None:
    first = start("apps.probe:app", "--reuse-port")
    second = start("apps.probe:app", "--reuse-port", binds=[f"127.0.0.1:{first.port}"], ready=ready(first.address))
    seen = set()
    for _ in range(60):
        with Conn(first.address) as c:
            seen.add(json.loads(c.exchange(get("/whoami")).body)["pid"])
    assert seen <= set(first.workers()) | set(second.workers())
    assert first.stop() == 0
    for _ in range(5):
        assert environ_at(first.address)["PATH_INFO"] == "/x"


# ---- addresses that somebody has ----


@contextlib.contextmanager
def taken() -> Iterator[tuple[socket.socket, str]]:
    """A listening socket and its address."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock, f"127.0.0.1:{sock.getsockname()[1]}"


APP = ("apps.probe:app", "--chdir", str(Path(__file__).parent))
BUSY = r"can't listen on {}: the address is already in use\n.*trying again in 1 second\n"


def test_an_address_that_becomes_free_is_taken(tmp_path: Path) -> None:
    with taken() as (sock, address), serving(*APP, "-b", address, log=tmp_path / "log") as running:
        running.wait_for_output(BUSY.format(address))
        sock.close()
        running.wait_for_output(f"Listening at: http://{address} ")
        wait_until_answers(f"http://{address}/", running)
        running.process.terminate()
        assert running.process.wait(10) == 0


def test_an_address_that_stays_busy_ends_the_start(tmp_path: Path) -> None:
    with taken() as (_, address), serving(*APP, "-b", address, log=tmp_path / "log") as running:
        assert running.process.wait(20) == 1
        assert len(re.findall(BUSY.format(address), running.output())) == 5
        assert re.search(r"ERROR\] can't listen on \S+ the address is already in use\n$", running.output())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_waiting_for_an_address_ends_by_a_signal(tmp_path: Path, number: int) -> None:
    pid = tmp_path / "pid"
    options = ("-b", f"unix:{tmp_path / 's.sock'}", "--pid", str(pid))
    with taken() as (_, address), serving(*APP, *options, "-b", address, log=tmp_path / "log") as running:
        running.wait_for_output(BUSY.format(address))
        running.process.send_signal(number)
        assert running.process.wait(10) != 0
        assert running.output().count("trying again") <= 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"], "something was left behind"
