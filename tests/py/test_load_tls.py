"""The generator against a server of Python's ssl, with certificates made by openssl for the test."""

from __future__ import annotations

import contextlib
import http.server
import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from citrate.load import native

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made by openssl(1)")

REQUESTS = 40


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b"x" * 30000
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    context: ssl.SSLContext
    daemon_threads = True

    def finish_request(self, request: Any, client_address: Any) -> None:
        with contextlib.suppress(OSError):  # clients that refuse the certificate
            with self.context.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """cert.pem for localhost (and no address), signed by itself, and key.pem."""
    folder = tmp_path_factory.mktemp("certificate")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    words = [*command.split(), "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def port(certificate: Path) -> Iterator[int]:
    server = Server(("127.0.0.1", 0), Handler)
    server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def load(folder: Path, url: str, *options: object) -> tuple[int, dict[str, Any], str]:
    """Exit status, summary and what was said of a short run."""
    words = [
        "--users",
        4,
        "--requests",
        REQUESTS,
        "--time",
        20,
        "--report",
        folder / "report",
        "--live",
        "off",
        *options,
    ]
    done = subprocess.run([native.find(), *map(str, words), url], capture_output=True, text=True, timeout=60)
    path = folder / "report" / "summary.json"
    return done.returncode, json.loads(path.read_text()) if path.exists() else {}, done.stderr


def test_a_trusted_server_is_loaded(tmp_path: Path, certificate: Path, port: int) -> None:
    status, summary, _ = load(tmp_path, f"https://localhost:{port}/", "--cacert", certificate / "cert.pem")
    assert status == 0
    assert (summary["requests"], summary["errors"]) == (REQUESTS, 0)
    assert summary["bytes_in"] > REQUESTS * 30000
    assert summary["connects"] == 4


def test_without_keep_alive_each_request_shakes_hands(tmp_path: Path, certificate: Path, port: int) -> None:
    url = f"https://localhost:{port}/"
    status, summary, _ = load(tmp_path, url, "--cacert", certificate / "cert.pem", "--no-keepalive")
    assert (status, summary["errors"], summary["connects"]) == (0, 0, REQUESTS)


def test_a_server_nobody_vouches_for_is_refused_unless_told_so(tmp_path: Path, port: int) -> None:
    status, summary, _ = load(tmp_path, f"https://localhost:{port}/")
    assert status == 1
    assert set(summary["errors_by_kind"]) == {"tls"}
    assert "certificate is not accepted: self" in summary["examples"][0]["text"]
    status, summary, _ = load(tmp_path, f"https://localhost:{port}/", "--insecure")
    assert (status, summary["errors"]) == (0, 0)


def test_a_certificate_for_another_host_is_refused(tmp_path: Path, certificate: Path, port: int) -> None:
    status, summary, _ = load(tmp_path, f"https://127.0.0.1:{port}/", "--cacert", certificate / "cert.pem")
    assert status == 1
    assert set(summary["errors_by_kind"]) == {"tls"}
    assert "IP address mismatch" in summary["examples"][0]["text"]


def test_a_server_that_does_not_speak_tls_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def answer() -> None:
            while not done.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(1000)
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

        listener.settimeout(0.1)
        thread = threading.Thread(target=answer)
        thread.start()
        status, summary, _ = load(tmp_path, f"https://127.0.0.1:{listener.getsockname()[1]}/", "--insecure")
        done.set()
        thread.join()
    assert status == 1
    assert set(summary["errors_by_kind"]) == {"tls"}
    assert "is it TLS that it speaks?" in summary["examples"][0]["text"]


def test_authorities_that_are_none_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    status, summary, said = load(tmp_path, "https://127.0.0.1:1/", "--cacert", tmp_path / "ca.pem")
    assert (status, summary) == (2, {})
    assert said == f"citrate-load: cacert: {tmp_path}/ca.pem: there is no certificate in it\n"
