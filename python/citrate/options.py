"""The one table of options: command line, environment, TOML files and keywords read it.

An option that is a setting of the server takes its default and bounds from there
(``_native.settings()``); the others state their default here.  ``python -m
citrate.options --markdown`` prints docs/options.md.

Nothing heavy is imported: the supervisor keeps this module for life, and a clean
interpreter with argparse costs 10 ms and 1.4 MB more than one without (Python 3.11,
best of 15 starts).
"""

from __future__ import annotations

from citrate import kinds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Option:
    """One option.  ``name`` is written with dashes on the command line, with ``_`` elsewhere."""

    __slots__ = ("action", "aliases", "group", "help", "kind", "meta", "name", "own_default", "setting", "short")

    def __init__(
        self,
        name: str,
        kind: kinds.Kind,
        help: str,
        *,
        short: str = "",
        setting: str = "",  # its name in src/serve/conf.h
        aliases: tuple[str, ...] = (),  # other names it answers to: gunicorn's
        meta: str = "",
        default: object = None,
        action: bool = False,  # does something instead of serving; known to the command line alone
    ) -> None:
        self.name = name
        self.short = short
        self.kind = kind
        self.help = help
        self.setting = setting
        self.aliases = aliases
        self.meta = meta or kind.meta
        self.action = action
        self.own_default = default
        self.group = ""

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "CITRATE_" + self.name.upper()

    def default(self) -> Any:
        return settings()[self.setting][0] if self.setting else self.own_default

    def bounds(self) -> tuple[int, int]:
        _, least, most = settings()[self.setting]
        return least, most

    def allowed(self) -> str:
        text = self.kind.allowed(self)
        if isinstance(self.kind, (kinds.Seconds, kinds.Size)):
            text += "; 0: no limit" if self.bounds()[0] == 0 and "; 0:" not in self.help else ""
        return text


def settings() -> dict[str, tuple[Any, Any, Any]]:
    """The server's settings: name -> (default, least, most)."""
    global _settings
    if _settings is None:
        from citrate import _native

        _settings = _native.settings()
    return _settings


_settings: dict[str, tuple[Any, Any, Any]] | None = None

COUNT, SECONDS, SIZE = kinds.Count(), kinds.Seconds(), kinds.Size()
FLAG, TEXT, PATH, LOGFILE = kinds.Flag(), kinds.Text(), kinds.Path(), kinds.LogFile()

TABLE: dict[str, tuple[Option, ...]] = {
    "Application": (
        Option(
            "app",
            TEXT,
            "What to serve: MODULE, MODULE:NAME (default name: application), MODULE:factory() or "
            "config:FILE.ini[#NAME] (PasteDeploy). On the command line it stands by itself, without a flag.",
            aliases=("wsgi_app",),
            meta="APP",
        ),
    ),
    "Sockets": (
        Option(
            "bind",
            kinds.Binds(),
            "Address to listen on; may be given several times. HOST:PORT, [IPV6]:PORT, unix:PATH, "
            "unix:@NAME (abstract), fd://N (inherited), "
            "systemd (all that socket activation hands over; the default when it does).",
            short="b",
            default=["127.0.0.1:8000"],
        ),
        Option("backlog", COUNT, "Connections the kernel may keep waiting to be accepted.", setting="backlog"),
        Option(
            "reuse_port",
            FLAG,
            "SO_REUSEPORT: every worker has its own queue of new connections, "
            "and a second server may use the same port.",
            setting="reuse_port",
        ),
        Option(
            "worker_connections",
            COUNT,
            "Connections one worker keeps open; further ones wait in the backlog.",
            setting="worker_connections",
        ),
    ),
    "Processes": (
        Option(
            "workers",
            kinds.Workers(),
            "Worker processes. auto: one for each processor this process may use, container quotas included.",
            short="w",
            setting="workers",
        ),
        Option(
            "preload",
            FLAG,
            "Load the application once, before the workers are forked: memory is shared and errors show at once, "
            "but HUP no longer loads new code.",
            setting="preload",
            aliases=("preload_app",),
        ),
        Option(
            "max_requests",
            COUNT,
            "Replace a worker after this many requests (0: never). Its successor serves before it stops.",
            setting="max_requests",
        ),
        Option(
            "max_requests_jitter",
            COUNT,
            "Add up to this many requests to max-requests, chosen at random for each worker.",
            setting="max_requests_jitter",
        ),
        Option(
            "graceful_timeout",
            SECONDS,
            "Time for running requests when a worker stops; then they are cut off.",
            setting="graceful_timeout_ms",
        ),
        Option(
            "pid",
            PATH,
            "File for the supervisor's process id.",
            short="p",
            setting="pid",
            aliases=("pidfile",),
            meta="FILE",
        ),
        Option(
            "user",
            kinds.User(),
            "Run the workers as this user (name or number), with its groups. "
            "Sockets, log and pid files are opened before.",
            short="u",
            setting="uid",
        ),
        Option(
            "group", kinds.Group(), "Run the workers in this group; default: the user's own.", short="g", setting="gid"
        ),
        Option("umask", kinds.Octal(), "Mode bits taken from new files, octal.", short="m", setting="umask"),
        Option(
            "name",
            TEXT,
            "Name of the processes in top and ps -o comm (15 characters; Linux).",
            short="n",
            aliases=("proc_name",),
            meta="NAME",
        ),
    ),
    "Environment": (
        Option("chdir", PATH, "Change to this directory before anything is opened or loaded.", meta="DIR"),
        Option("pythonpath", kinds.Paths(), "Directories to put first on sys.path.", default=[]),
        Option(
            "env",
            kinds.Pairs(),
            "Set an environment variable; may be given several times.",
            short="e",
            aliases=("raw_env",),
            default=[],
        ),
        Option(
            "tmp_dir",
            PATH,
            "Directory for request bodies that are too large for memory; default: the system's.",
            setting="tmp_dir",
            aliases=("tmp_upload_dir",),
            meta="DIR",
        ),
    ),
    "Threads": (
        Option(
            "threads",
            COUNT,
            "Threads of one worker that may be inside the application at once. They are made when they are needed.",
            setting="threads",
        ),
        Option(
            "queue_size",
            COUNT,
            "Requests that may wait for a thread in one worker; further ones are answered 503.",
            setting="queue_size",
        ),
        Option(
            "queue_timeout", SECONDS, "Longest wait for a thread; then the answer is 503.", setting="queue_timeout_ms"
        ),
        Option(
            "tick_us",
            COUNT,
            "Microseconds a request may hold up the others before another thread goes on with them.",
            setting="tick_us",
            meta="MICROSECONDS",
        ),
        Option(
            "gather_us",
            COUNT,
            "Microseconds an answer may wait so that several leave together, when requests are slow (0: never).",
            setting="gather_us",
            meta="MICROSECONDS",
        ),
    ),
    "Limits and timeouts": (
        Option(
            "timeout",
            SECONDS,
            "Time for one request in the application; then its stack is logged, the answer is 504, and "
            "citrate.RequestTimeout is raised in it. If that does not stop it, its worker is replaced.",
            short="t",
            setting="timeout_ms",
        ),
        Option(
            "keep_alive",
            SECONDS,
            "Time an idle connection is kept for a further request; 0: one request a connection.",
            setting="keep_alive_ms",
            aliases=("keepalive",),
        ),
        Option(
            "header_timeout", SECONDS, "Time for a request's head to arrive; then 408.", setting="header_timeout_ms"
        ),
        Option(
            "body_timeout",
            SECONDS,
            "Time a request's body may pause; in all it may take ten times that and a second for each 1,000 bytes. "
            "Then 408.",
            setting="body_timeout_ms",
        ),
        Option(
            "send_timeout",
            SECONDS,
            "Time a client may take nothing of an answer; then the connection is cut.",
            setting="send_timeout_ms",
        ),
        Option("limit_request_line", SIZE, "Longest request line; past it 414.", setting="limit_request_line"),
        Option(
            "limit_request_fields",
            COUNT,
            "Most header fields of a request; past it 431.",
            setting="limit_request_fields",
        ),
        Option(
            "limit_request_field_size",
            SIZE,
            "Longest header field, name and value; past it 431.",
            setting="limit_request_field_size",
        ),
        Option(
            "limit_request_head", SIZE, "Longest request head as a whole; past it 431.", setting="limit_request_head"
        ),
        Option("limit_request_body", SIZE, "Largest request body; past it 413.", setting="limit_request_body"),
        Option(
            "body_memory",
            SIZE,
            "A request body up to this size stays in memory; a larger one goes to a file in tmp-dir.",
            setting="body_memory",
        ),
        Option(
            "forwarded_allow_ips",
            kinds.Peers(),
            "Proxies (addresses, networks) whose X-Forwarded-Proto is believed, * for all: https in it becomes "
            "wsgi.url_scheme. A peer on a UNIX socket is always believed.",
            setting="forwarded_allow_ips",
        ),
        Option("server_header", FLAG, "Send a Server field with every answer.", setting="server_header"),
    ),
    "Logs": (
        Option(
            "access_logfile",
            LOGFILE,
            "Where the access log goes (-: standard output); none by default.",
            setting="access_logfile",
            aliases=("accesslog",),
        ),
        Option(
            "access_logformat",
            kinds.Format(),
            "Format of an access line, in gunicorn's language.",
            setting="access_logformat",
            aliases=("access_log_format",),
        ),
        Option(
            "access_log_json",
            FLAG,
            "Write access lines as JSON objects.",
            setting="access_json",
            aliases=("access_json",),
        ),
        Option(
            "error_logfile",
            LOGFILE,
            "Where the error log goes (-: standard error).",
            setting="error_logfile",
            aliases=("log_file", "errorlog"),
        ),
        Option("log_level", kinds.Level(), "Least level that is logged.", setting="log_level", aliases=("loglevel",)),
        Option(
            "capture_output",
            FLAG,
            "Send what the application prints to the error log's file. USR1 does not reopen it for prints.",
            default=0,
        ),
        Option(
            "log_config",
            PATH,
            "Configuration for Python's logging, read before the application is loaded: an ini file of logging.config, "
            "or a .json file with its dictionary.",
            aliases=("logconfig", "logconfig_json", "log_config_json"),
            meta="FILE",
        ),
    ),
    "Configuration": (
        Option("config", PATH, "TOML file of options: a flat table, or a table [citrate].", short="c", meta="FILE"),
        Option(
            "check_config",
            FLAG,
            "Check all options, load the application, say what is wrong, and leave.",
            default=0,
            action=True,
        ),
        Option(
            "print_config",
            FLAG,
            "Print every option with its value and where it comes from, and leave.",
            default=0,
            action=True,
        ),
        Option("version", FLAG, "Print the version and leave.", short="v", default=0, action=True),
        Option("help", FLAG, "Print this text and leave.", short="h", default=0, action=True),
    ),
    # Understood for those who come from gunicorn, and in no list.
    "": (Option("worker_class", kinds.WorkerClass(), "", short="k"),),
}

OPTIONS: dict[str, Option] = {}
NAMES: dict[str, Option] = {}
for _group, _members in TABLE.items():
    for _option in _members:
        _option.group = _group
        OPTIONS[_option.name] = _option
        for _name in (_option.name, *_option.aliases):
            NAMES[_name] = _option


def find(name: str) -> tuple[Option | None, bool]:
    """The option called ``name`` (with - or _), and True if it is negated ("no-preload")."""
    key = name.replace("-", "_")
    option = NAMES.get(key)
    if option is None and key.startswith("no_"):
        option = NAMES.get(key[3:])
        if option is not None and (option.kind.takes_value or option.action):
            option = None
        return option, True
    return option, False


def main(argv: list[str]) -> int:
    from citrate import manual

    if argv == ["--markdown"]:
        print(manual.markdown(), end="")
        return 0
    print("usage: python -m citrate.options --markdown")
    return 2


if __name__ == "__main__":
    import sys

    sys.exit(main(sys.argv[1:]))
