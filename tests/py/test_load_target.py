"""The server under load, seen from this machine: its sockets, its processes, and what they use."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from citrate.load import processes, target
from load_tool import site
from server import children_of, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")


@contextlib.contextmanager
def listening(family: int, address: object, waiting: int = 0) -> Iterator[socket.socket]:
    """A listening socket of this process with connections that nobody accepts."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket(family))
        server.bind(address)
        server.listen(16)
        for _ in range(waiting):
            client = stack.enter_context(socket.socket(family))
            client.connect(server.getsockname())
        yield server


@contextlib.contextmanager
def python(code: str) -> Iterator[subprocess.Popen[str]]:
    """A process of its own; it has said something when the block begins."""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.communicate()


# ---- sockets ----


@pytest.mark.parametrize(
    "bound, asked",
    [
        ("127.0.0.1", "http://127.0.0.1:{}/path?query"),
        ("127.0.0.1", "http://localhost:{}"),
        ("127.0.0.1", "127.0.0.1:{}"),
        ("0.0.0.0", "http://127.0.0.1:{}/"),
    ],
)
def test_a_listening_socket_is_found_with_the_connections_that_wait(bound: str, asked: str) -> None:
    with listening(socket.AF_INET, (bound, 0), waiting=3) as server:
        place = target.place_of(asked.format(server.getsockname()[1]))
        assert place is not None
        assert target.Sockets(place).find() == {os.fstat(server.fileno()).st_ino: 3}


def test_a_socket_of_ipv6_is_found_and_may_serve_both() -> None:
    try:
        held = listening(socket.AF_INET6, ("::", 0), waiting=1)
        with held as server:
            port = server.getsockname()[1]
            for url in (f"http://[::1]:{port}/", f"http://127.0.0.1:{port}/"):
                place = target.place_of(url)
                assert place is not None
                assert target.Sockets(place).find() == {os.fstat(server.fileno()).st_ino: 1}
    except OSError:
        pytest.skip("no IPv6 here")


@pytest.mark.parametrize("name", ["{}/app.sock", "@citrate-load-test-{}"])
def test_a_unix_socket_is_found_by_file_and_by_abstract_name(tmp_path: Path, name: str) -> None:
    name = name.format(tmp_path if "{}/" in name else os.getpid())
    with listening(socket.AF_UNIX, name.replace("@", "\0"), waiting=2) as server:
        place = target.place_of(f"unix:{name}")
        assert place is not None
        assert target.Sockets(place).find() == {os.fstat(server.fileno()).st_ino: 2}


def test_a_socket_at_another_address_or_port_is_not_the_targets() -> None:
    with listening(socket.AF_INET, ("127.0.0.2", 0)) as server:
        port = server.getsockname()[1]
        place = target.place_of(f"http://127.0.0.1:{port}/")
        assert place is not None
        assert target.Sockets(place).find() == {}
        other = target.place_of(f"http://127.0.0.2:{port - 1}/")
        assert other is not None
        assert os.fstat(server.fileno()).st_ino not in target.Sockets(other).find()


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1/", "http://no.such.host.invalid/", "http://", "ftp://127.0.0.1/", ""]
)
def test_what_is_not_on_this_machine_has_no_place_here(url: str) -> None:
    assert target.place_of(url) is None


def test_the_ports_of_the_schemes_are_known() -> None:
    for url, port in (("http://127.0.0.1/x", 80), ("https://127.0.0.1", 443), ("http://u:p@127.0.0.1:81/", 81)):
        place = target.place_of(url)
        assert place is not None
        assert place.port == port


# ---- processes ----


def test_the_holders_of_a_socket_are_found_and_others_are_not() -> None:
    code = "import socket,sys; s=socket.create_server(('127.0.0.1',0)); print(s.getsockname()[1],flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        place = target.place_of(f"http://127.0.0.1:{process.stdout.readline().strip()}/")
        assert place is not None
        assert target.owners(target.Sockets(place).find()) == {process.pid}
        process.communicate("\n")
        assert target.owners(target.Sockets(place).find()) == set()


def test_supervisor_and_workers_of_citrate_are_one_target(tmp_path: Path) -> None:
    with site(tmp_path, "--workers", "2") as (url, running):
        wait_for(lambda: len(children_of(running.process.pid)) == 2)
        row = target.Target(url + "/").sample(4, time.monotonic() - 4)
        assert row is not None
        assert (row["second"], row["processes"], row["citrate"]) == (4, 3, True)
        assert row["at"] >= 4
        assert row["name"] == f"{Path(sys.executable).name} -m citrate site_under_load --bind {url[7:]} --workers 2"
        assert row["threads"] >= 3
        assert 0 < row["pss"] <= row["rss"]
        assert row["queue"] == 0


def test_a_server_that_is_not_citrate_is_told_apart() -> None:
    with python("import http.server,sys; s=http.server.HTTPServer(('127.0.0.1',0),http.server.BaseHTTPRequestHandler);"
                "print(s.server_port,flush=True); s.serve_forever()") as process:  # fmt: skip
        found = target.Target("", [process.pid]).sample(0, 0.0)
        assert found is not None
        assert (found["citrate"], found["processes"]) == (False, 1)


def test_cpu_time_rises_with_work_and_stays_when_a_process_ends() -> None:
    code = "import time; print(1,flush=True); t=time.process_time()\nwhile time.process_time()-t<0.2: pass\ninput()"
    with python(code) as process:
        group = processes.Group(lambda: processes.with_descendants([process.pid]), search=0.0)
        assert wait_for(lambda: group.cpu_ns() > 0.2e9)
        process.kill()
        process.wait()
        assert group.cpu_ns() > 0.2e9
        assert group.sample()["processes"] == 0


def test_processes_below_the_watched_one_count_too_also_new_ones() -> None:
    code = (
        "import subprocess,sys; print(1,flush=True)\n"
        "for line in sys.stdin: subprocess.Popen([sys.executable,'-c','input()'])"
    )
    with python(code) as process:
        group = processes.Group(lambda: processes.with_descendants([process.pid]), search=0.0)
        assert group.sample()["processes"] == 1
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        assert wait_for(lambda: group.sample()["processes"] == 2)


def test_the_measuring_process_never_counts_itself() -> None:
    with listening(socket.AF_INET, ("127.0.0.1", 0)) as server:
        watched = target.Target(f"http://127.0.0.1:{server.getsockname()[1]}/")
        assert watched.sample(0, 0.0) is None


def test_the_queue_of_a_server_that_does_not_accept_is_seen() -> None:
    code = "import socket; s=socket.create_server(('127.0.0.1',0),backlog=16); print(s.getsockname()[1],flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        watched = target.Target(f"http://127.0.0.1:{port}/")
        with contextlib.ExitStack() as stack:
            for _ in range(5):
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            row = watched.sample(0, 0.0)
            assert row is not None
            assert row["queue"] == 5
        process.communicate("\n")


def test_a_process_that_is_gone_is_an_empty_group() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert target.Target("", [process.pid]).sample(0, 0.0) is None


def test_one_sample_costs_little_beside_the_second_it_stands_for(tmp_path: Path) -> None:
    with site(tmp_path) as (url, _):
        watched = target.Target(url + "/")
        watched.sample(0, 0.0)
        before = time.process_time()
        for second in range(1, 21):
            watched.sample(second, float(second))
        assert (time.process_time() - before) / 20 < 0.05
