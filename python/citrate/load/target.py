"""The server under load, when it runs on this machine: whose socket it is, and what its processes use.

http://127.0.0.1:8000 ──> listening sockets (/proc/net) ──> processes (/proc/PID/fd) ──> server.jsonl
"""

from __future__ import annotations

import os
import sys

from citrate.load import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LISTEN = "0A"
_ACCEPTS = 0x10000  # __SO_ACCEPTCON of /proc/net/unix
_PORTS = {"http": 80, "https": 443}


class Place:
    """Where a target listens: TCP addresses as /proc/net has them, or the name of a UNIX socket."""

    __slots__ = ("addresses", "path", "port")

    def __init__(self, addresses: set[str], port: int, path: str = ""):
        self.addresses = addresses
        self.port = port
        self.path = path


def place_of(url: str) -> Place | None:
    """Where ``url`` leads on this machine; None when to another one, or nowhere."""
    if url.startswith("unix:"):
        return Place(set(), 0, url.removeprefix("unix:").removeprefix("//"))
    scheme, has_scheme, rest = url.partition("://")
    if not has_scheme:
        scheme, rest = "http", url
    host, port = _host_and_port(rest.partition("/")[0].partition("?")[0])
    if port == 0:
        port = _PORTS.get(scheme, 0)
    addresses = _addresses(host) if host and port else set()
    return Place(addresses, port) if addresses else None


def _host_and_port(authority: str) -> tuple[str, int]:
    authority = authority.rpartition("@")[2]
    host, _, port = authority.rpartition(":")
    if not host or authority.endswith("]"):
        host, port = authority, ""
    return host.strip("[]"), int(port) if port.isdecimal() else 0


def _addresses(host: str) -> set[str]:
    """The host's addresses that are this machine's, and those that listen for all of them."""
    import socket

    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return set()
    own = set()
    for family, kind, _, _, address in found:
        try:  # only an address of this machine can be bound
            with socket.socket(family, kind) as probe:
                probe.bind(address)
        except OSError:
            continue
        packed = socket.inet_pton(family, str(address[0]).partition("%")[0])
        own |= {_hex(packed), _hex(bytes(len(packed))), _hex(bytes(16))}
        if len(packed) == 4:
            own.add(_hex(bytes(10) + b"\xff\xff" + packed))
    return own


def _hex(packed: bytes) -> str:
    """As in /proc/net/tcp: words of four bytes in the order of this machine."""
    words = [packed[at : at + 4] for at in range(0, len(packed), 4)]
    return "".join((w[::-1] if sys.byteorder == "little" else w).hex() for w in words).upper()


class Sockets:
    """The target's listening sockets: inode -> connections that wait to be accepted."""

    def __init__(self, place: Place | None):
        self._place = place
        self._tables: dict[str, set[int]] = {}  # where the sockets stand, to look at nothing else each second

    def find(self) -> dict[int, int]:
        """Looks everywhere; ``queues`` is then about these sockets."""
        if self._place is None:
            return {}
        if self._place.path:
            self._tables = {"unix": set(_unix_inodes(self._place.path))}
            return self.queues()
        found = {table: dict(_listening(table, self._place)) for table in ("tcp", "tcp6")}
        self._tables = {table: set(rows) for table, rows in found.items() if rows}
        return {inode: queue for rows in found.values() for inode, queue in rows.items()}

    def queues(self) -> dict[int, int]:
        """Of those that were found."""
        found: dict[int, int] = {}
        for table, inodes in self._tables.items():
            if table == "unix":
                found |= {inode: _unix_queue(inode) for inode in inodes}
            elif self._place is not None:
                left = len(inodes)
                for inode, queue in _listening(table, self._place):
                    found[inode] = queue
                    left -= 1
                    if left == 0:
                        break
        return found


def _listening(table: str, place: Place) -> Iterator[tuple[int, int]]:
    """Inode and queue of the sockets in /proc/net/tcp or tcp6 that listen at the place.

    Those that listen come first.  The kernel looks through its whole table of connections for each
    line it does not find, 10 ms on a busy machine, so no more is read at once than one line.
    """
    try:
        with open(f"/proc/net/{table}", "rb", buffering=150) as file:
            next(file, None)
            for line in file:
                _, local, _, state, queues, _, _, _, _, inode = line.decode().split(None, 10)[:10]
                if state != _LISTEN:
                    return
                address, _, port = local.partition(":")
                if int(port, 16) == place.port and address in place.addresses:
                    yield int(inode), int(queues.partition(":")[2], 16)
    except OSError:
        return


def _unix_inodes(path: str) -> list[int]:
    found = []
    try:
        with open("/proc/net/unix") as file:
            next(file, None)
            for line in file:
                fields = line.rstrip("\n").split(None, 7)
                if len(fields) == 8 and int(fields[3], 16) & _ACCEPTS and fields[7] == path:
                    found.append(int(fields[6]))
    except OSError:
        pass
    return found


def _unix_queue(inode: int) -> int:
    """Asked of the kernel by sock_diag(7): /proc/net/unix does not tell."""
    import socket
    import struct

    by_family, show_queue, answer, attribute = 20, 0x10, 16, 4
    any_cookie = 0xFFFFFFFF
    request = struct.pack("=BBHIII2I", socket.AF_UNIX, 0, 0, 0xFFFFFFFF, inode, show_queue, any_cookie, any_cookie)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as link:
            link.settimeout(0.2)
            link.send(struct.pack("=IHHII", answer + len(request), by_family, 1, 1, 0) + request)
            data = link.recv(4096)
    except (OSError, AttributeError):
        return 0
    at = answer + 16
    while at + 12 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if kind == attribute:
            return int(struct.unpack_from("=I", data, at + 4)[0])
        at += max(4, (length + 3) & ~3)
    return 0


def owners(inodes: Iterable[int]) -> set[int]:
    """The processes that hold one of the sockets, as far as this user may see them."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    found = {pid for pid in processes.everybody() if wanted and _holds(pid, wanted)}
    # systemd holds what it activates; in a container number 1 may be the server.
    return found - {1} or found


def _holds(pid: int, wanted: set[str]) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        for name in os.listdir(folder):
            try:
                if os.readlink(f"{folder}/{name}") in wanted:
                    return True
            except OSError:  # closed since
                continue
    except OSError:
        pass
    return False


class Target:
    """The target's processes: those of ``pids`` and below, else those that own the sockets at ``url`` and below."""

    def __init__(self, url: str, pids: Iterable[int] = (), search: float = processes.SEARCH_SECONDS):
        self._pids = set(pids)
        self._roots = self._pids
        self._sockets = Sockets(place_of(url) if url else None)
        if self._pids:
            self._sockets.find()
        self.group = processes.Group(self._find, search)

    def _find(self) -> set[int]:
        if not self._pids and (not self._roots or any(processes.stat(pid) is None for pid in self._roots)):
            self._roots = owners(self._sockets.find())
        found = processes.with_descendants(self._roots) if self._roots else set()
        own = processes.with_descendants([os.getpid()]) if os.getpid() in found else set()
        return found - own

    def why_unseen(self) -> str:
        """What to tell when the server is here and its processes can't be found; "" when all is well."""
        if self._pids or self.group.pids or not self._sockets.find():
            return ""
        return "the server's processes are not this user's, so its CPU and memory are not measured (--watch-pid helps)"

    def sample(self, second: int, started: float) -> dict[str, object] | None:
        """One line of server.jsonl, None when nothing is there; ``started``: of the run, on the monotonic clock."""
        row = self.group.sample()
        if not row["processes"]:
            return None
        at = round(self.group.looked_at - started, 4)
        return {"second": second, "at": at, **row, "queue": sum(self._sockets.queues().values())}
