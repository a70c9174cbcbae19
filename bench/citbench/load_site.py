"""The target of bench/load: one nginx worker that answers at once, counts, and remembers wrong requests."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import time
from pathlib import Path

from . import proc
from .live import Ports

TOKEN = "s9Kq2mB7wX4cV1nZ8pL5rT0yU3iO6eAa" * 2
PAGE_BYTES = 15_000
# Wrong is whatever is not 2xx; a token or a cookie that did not come back is.
CONF = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
worker_rlimit_nofile {files};
events {{ worker_connections {connections}; }}
http {{
  map $status $is_wrong {{ ~^2 0; default 1; }}
  access_log {folder}/wrong.log combined if=$is_wrong;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  keepalive_requests 1000000000;
  keepalive_timeout 300;
  open_file_cache max=10;
  sendfile on;
  server {{
    listen 127.0.0.1:{port} backlog=8192;
    root {folder};
    location = / {{ default_type text/plain; return 200 "hello, world\\n"; }}
    location = /page {{
      default_type text/html; add_header Set-Cookie "csrftoken={token}; Path=/"; try_files /page.html =404;
    }}
    location = /next {{
      if ($http_x_csrftoken != "{token}") {{ return 403; }}
      if ($cookie_csrftoken != "{token}") {{ return 403; }}
      default_type text/html; add_header Set-Cookie "csrftoken={token}; Path=/"; try_files /page.html =404;
    }}
    location = /status {{ stub_status; }}
  }}
}}
"""


def page() -> str:
    """A page of 15 kB with a form at its end, as pages of frameworks have."""
    head = '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>A page</title></head><body>\n'
    field = f'<input type="hidden" name="csrfmiddlewaretoken" value="{TOKEN}">'
    form = f'<form method="post">{field}\n<button>Send</button></form>\n'
    lines, number = [], 0
    while len(head) + sum(map(len, lines)) + len(form) < PAGE_BYTES - 100:
        number += 1
        lines.append(
            f'<article class="item" id="item-{number}"><h2>Item {number}</h2><p>Some words of it.</p></article>\n'
        )
    return head + "".join(lines) + form + "</body></html>\n"


class Target:
    """A context: the nginx, its port, what it has counted."""

    def __init__(self, scratch: Path, ports: Ports, cpu: int | None = None) -> None:
        self.folder = scratch / "load-site"
        self.port = ports.take()
        self.url = f"http://127.0.0.1:{self.port}"
        self.cpu = cpu
        self._asked = 0

    def __enter__(self) -> Target:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "page.html").write_text(page())
        (self.folder / "wrong.log").unlink(missing_ok=True)
        conf = self.folder / "nginx.conf"
        limits = {"files": 20_000, "connections": 16_000}
        conf.write_text(CONF.format(folder=self.folder, port=self.port, token=TOKEN, **limits))
        self._process = subprocess.Popen(
            ["nginx", "-c", str(conf), "-p", str(self.folder)],
            stderr=subprocess.DEVNULL,
            preexec_fn=None if self.cpu is None else lambda: os.sched_setaffinity(0, {self.cpu}),
        )
        self.pid = self._process.pid
        end = time.monotonic() + 10
        while True:
            try:
                self.requests()
                return self
            except OSError:
                if time.monotonic() > end or self._process.poll() is not None:
                    self.__exit__()
                    raise RuntimeError(f"nginx does not answer: {self._said()}") from None
                time.sleep(0.02)

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _said(self) -> str:
        log = self.folder / "error.log"
        return log.read_text()[-300:] if log.exists() else ""

    def requests(self) -> int:
        """How many requests it has had, those of this method aside."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/status")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        found = re.search(r"^ \d+ \d+ (\d+)", text, re.M)
        if found is None:
            raise OSError(f"no status of nginx: {text!r}")
        self._asked += 1
        return int(found[1]) - self._asked

    def wrong(self) -> str:
        """The first wrong request, if there was one."""
        log = self.folder / "wrong.log"
        return log.read_text(errors="replace").partition("\n")[0] if log.exists() else ""

    def cpu_ns(self) -> int:
        return proc.clock_ns(self.pid)
