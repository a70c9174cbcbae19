"""What to do instead of the options of gunicorn that Citrate does not have.

Loaded only when such a name was met.
"""

from __future__ import annotations

PROXY = "let nginx or another proxy in front do TLS (docs/deploying.md)"
SYSLOG = "let systemd's journal take standard error, or configure a SysLogHandler (--log-config)"
STATSD = "Citrate sends no metrics; read the access log (--access-log-json)"
HOOK = "Citrate calls no hooks; put the code into the application's module"
PARSER = "the parser has no lenient mode; leave this option out"
PROTOCOL = "Citrate speaks HTTP/1 to the proxy in front; leave this option out"
CONTROL = "use signals: HUP, TERM, TTIN, TTOU, USR1 (docs/deploying.md)"

ADVICE = {
    "daemon": "Citrate stays in the foreground: let systemd run it (docs/deploying.md)",
    "reload": "Citrate does not watch files; send HUP to load new code, or use manage.py runserver while writing it",
    "worker_tmp_dir": "workers need no heartbeat file; leave this option out (--tmp-dir is for request bodies)",
    "sendfile": "wsgi.file_wrapper always uses sendfile(2); leave this option out",
    "initgroups": "--user always sets the user's groups; leave this option out",
    "enable_stdio_inheritance": "standard output and error are inherited anyway; leave this option out",
    "logger_class": "configure the loggers citrate.error and citrate.access (--log-config)",
    "logconfig_dict": "write the dictionary to a .json file: --log-config FILE.json",
    "disable_redirect_access_to_syslog": SYSLOG,
    "paste": "name the application config:FILE.ini, or use egg:citrate#main in its [server:main]",
    "paster": "name the application config:FILE.ini, or use egg:citrate#main in its [server:main]",
    "paste_global": "write the values to [DEFAULT] of the ini file",
    "paste_global_conf": "write the values to [DEFAULT] of the ini file",
    "raw_paste_global_conf": "write the values to [DEFAULT] of the ini file",
    "spew": "use python -X importtime, py-spy or a profiler of your framework",
    "default_proc_name": "use --name",
    "proxy_protocol": "use a proxy that speaks HTTP and sets X-Forwarded-For",
    "proxy_allow_ips": "use --forwarded-allow-ips",
    "proxy_allow_from": "use --forwarded-allow-ips",
    "secure_scheme_headers": "X-Forwarded-Proto is the one that is read (--forwarded-allow-ips)",
    "forwarder_headers": "fields of a request never set SCRIPT_NAME or REMOTE_USER; let the application read them",
    "header_map": "names with _ are always dropped; leave this option out",
    "reuse_address": "always on; leave this option out",
    "worker_connection": "use --worker-connections",
    "enable_backlog_metric": STATSD,
    "suppress_ragged_eofs": PROXY,
    "do_handshake_on_connect": PROXY,
    "http_protocols": PROTOCOL,
}
FAMILIES = {
    "reload_": ADVICE["reload"],
    "syslog": SYSLOG,
    "log_syslog": SYSLOG,
    "statsd_": STATSD,
    "dogstatsd_": STATSD,
    "http2_": PROTOCOL,
    "asgi_": "Citrate serves WSGI applications; leave this option out",
    "root_path": "let the proxy in front strip the path, or set FORCE_SCRIPT_NAME of Django",
    "control_socket": CONTROL,
    "no_control_socket": CONTROL,
    "websocket_": "Citrate serves WSGI applications; leave this option out",
    "on_dirty_": "Citrate has no dirty workers; use a task queue (Huey, Celery)",
    "dirty_": "Citrate has no dirty workers; use a task queue (Huey, Celery)",
    "permit_": PARSER,
    "strip_header_spaces": PARSER,
    "casefold_": PARSER,
    "http_parser": PARSER,
    "uwsgi_": "Citrate speaks HTTP to the proxy in front; use proxy_pass in place of uwsgi_pass",
    "protocol": "Citrate speaks HTTP to the proxy in front; leave this option out",
    "ssl_": PROXY,
    "certfile": PROXY,
    "keyfile": PROXY,
    "ca_certs": PROXY,
    "cert_reqs": PROXY,
    "ciphers": PROXY,
}
SHORT = {"D": "daemon", "R": "enable_stdio_inheritance"}
HOOKS = frozenset(
    (
        "on_starting",
        "on_reload",
        "when_ready",
        "pre_fork",
        "post_fork",
        "post_worker_init",
        "worker_int",
        "worker_abort",
        "pre_exec",
        "pre_request",
        "post_request",
        "child_exit",
        "worker_exit",
        "nworkers_changed",
        "on_exit",
    )
)


def advice(name: str) -> str | None:
    """What to do instead of gunicorn's option ``name``, or None if it is none of its."""
    key = SHORT.get(name, name).replace("-", "_").lower()
    if key in HOOKS:
        return HOOK
    for candidate in (key, key.removeprefix("no_")):
        if candidate in ADVICE:
            return ADVICE[candidate]
        for beginning, text in FAMILIES.items():
            if candidate.startswith(beginning):
                return text
    return None
