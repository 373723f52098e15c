"""A real https server on loopback, for what a picture's server may do to whoever asks it."""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "pictures.example"
Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Server:
    """What the server answers by path, and what it was asked."""

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        """Write the address of a path on it."""
        return f"https://{HOST}:{self.port}{path}"


def picture(content: bytes, *, claimed: int | None = None) -> Answer:
    """Answer with a file; *claimed* is what the server says of its length."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content) if claimed is None else claimed))
        request.end_headers()
        request.wfile.write(content)

    return answer


def redirect(target: str, *, body: Answer | None = None) -> Answer:
    """Answer with an address to ask instead."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", target)
        if body is None:
            request.send_header("Content-Length", "0")
        request.end_headers()
        if body:
            body(request)

    return answer


def endless(request: BaseHTTPRequestHandler) -> None:
    """Never stop sending."""
    request.send_response(200)
    request.end_headers()
    _pour(request)


def _pour(request: BaseHTTPRequestHandler) -> None:
    while True:
        request.wfile.write(bytes(65_536))


def dripping_body(request: BaseHTTPRequestHandler) -> None:
    """Send a byte at a time, each soon enough for any time limit of a socket."""
    request.send_response(200)
    request.end_headers()
    _drip(request)


def dripping_head(request: BaseHTTPRequestHandler) -> None:
    """Send a header that does not end."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(request)


def _drip(request: BaseHTTPRequestHandler) -> None:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        request.wfile.write(b"x")
        time.sleep(0.05)


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[tuple[Server, Path]]:
    """Serve until the block ends; the path is that of the certificate to trust."""
    key, certificate = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Server()
    listener = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    listener.daemon_threads = True
    listener.block_on_close = False
    listener.socket = context.wrap_socket(
        listener.socket, server_side=True, do_handshake_on_connect=False
    )
    server.port = listener.server_port
    thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server, certificate
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Asked(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.path)
            # whoever asks may hang up at any moment
            with contextlib.suppress(OSError):
                server.answers[self.path](self)

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

        def handle(self) -> None:
            with contextlib.suppress(OSError):
                super().handle()

        def finish(self) -> None:
            with contextlib.suppress(OSError):
                super().finish()

    return Asked


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    begun = datetime.now(UTC) - timedelta(days=1)
    names = [x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begun)
        .not_valid_after(begun + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "key.pem", folder / "certificate.pem"
    paths[0].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    paths[1].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return paths
