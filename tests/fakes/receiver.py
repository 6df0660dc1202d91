"""A receiver of webhooks on this machine, which answers as it is told."""

import ssl
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Delivery:
    path: str
    headers: dict
    body: bytes


@dataclass
class Receiver:
    """``answers`` are statuses, or functions of a handler, taken in order; then all is well."""

    url: str = ""
    answers: list = field(default_factory=list)
    deliveries: list = field(default_factory=list)

    @property
    def ids(self):
        return [one.headers["webhook-id"] for one in self.deliveries]


def redirect_to(place):
    def answer(handler):
        handler.send_response(307)
        handler.send_header("Location", place)
        handler.end_headers()

    return answer


def dribble(handler):
    """A letter of the answer from time to time, so that no time-out between two ends it."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        handler.wfile.write(b".")
        time.sleep(0.05)


def dribble_status(handler):
    handler.wfile.write(b"HTTP/1.")
    for _ in range(1000):
        handler.wfile.write(b".")
        time.sleep(0.05)


def chatter(handler):
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"x" * 5_000_000)


def nonsense(handler):
    handler.wfile.write(b"what is HTTP?\r\n\r\n")


def patience(seconds):
    def answer(handler):
        handler.send_response(429)
        handler.send_header("Retry-After", seconds)
        handler.end_headers()

    return answer


@contextmanager
def receiver(certificate=None):
    """With a ``certificate`` (its file holds the key too) it speaks TLS."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.deliveries.append(Delivery(self.path, headers, body))
            answer = found.answers.pop(0) if found.answers else 204
            try:
                if callable(answer):
                    answer(self)
                else:
                    self.send_response(answer)
                    self.end_headers()
            except OSError:
                self.close_connection = True  # nobody listens any more

        def log_message(self, *_):
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if certificate else "http"
    found.url = f"{scheme}://127.0.0.1:{server.server_port}/hooks"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A line that breaks is what is tested."""


def certificate(folder, name="127.0.0.1"):
    """A file with a certificate of that name, signed by itself, and its key."""
    path = folder / "receiver.pem"
    kind = "IP" if name[0].isdigit() else "DNS"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name}"
    command += f" -addext subjectAltName={kind}:{name} -keyout {path} -out {folder}/cert.pem"
    subprocess.run(command.split(), check=True, capture_output=True)
    cert = (folder / "cert.pem").read_text()
    path.write_text(path.read_text() + cert)
    return path, folder / "cert.pem"
