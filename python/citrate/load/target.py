"""The server under load, when it runs on this machine: whose socket it is, and what its processes use.

http://127.0.0.1:8000 ──> listening sockets (/proc/net) ──> processes (/proc/PID/fd) ──> server.jsonl
"""

from __future__ import annotations

import os
import sys

from citrate.load import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

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


def sockets(place: Place) -> dict[int, int]:
    """The inodes of the listening sockets, with the number of connections that wait to be accepted."""
    if place.path:
        return {inode: _unix_queue(inode) for inode in _unix_inodes(place.path)}
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table) as file:
                next(file, None)
                for line in file:
                    _, local, _, state, queues, _, _, _, _, inode = line.split(None, 10)[:10]
                    if state != _LISTEN:  # they come first, before perhaps many thousand connections
                        break
                    address, _, port = local.partition(":")
                    if int(port, 16) == place.port and address in place.addresses:
                        found[int(inode)] = int(queues.partition(":")[2], 16)
        except OSError:
            continue
    return found


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
        self._place = place_of(url) if url else None
        self.group = processes.Group(self._find, search)

    def _find(self) -> set[int]:
        roots = self._pids or (owners(sockets(self._place)) if self._place else set())
        found = processes.with_descendants(roots) if roots else set()
        own = processes.with_descendants([os.getpid()]) if os.getpid() in found else set()
        return found - own

    def queue(self) -> int:
        """Connections that wait to be accepted."""
        return sum(sockets(self._place).values()) if self._place else 0

    def why_unseen(self) -> str:
        """What to tell when the server is here and its processes can't be found; "" when all is well."""
        if self._pids or self._place is None or self.group.pids or not sockets(self._place):
            return ""
        return "the server's processes are not this user's, so its CPU and memory are not measured (--watch-pid helps)"

    def sample(self, second: int, at: float) -> dict[str, object] | None:
        """One line of server.jsonl; ``at``: seconds since the start of the run.  None when nothing is there."""
        row = self.group.sample()
        if not row["processes"]:
            return None
        return {"second": second, "at": round(at, 4), **row, "queue": self.queue()}
