"""HTTP/1.1 on loopback: connections stay open, and an answer may go astray on its way.

Werkzeug's own server closes every connection, and knows no way not to answer.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from socketserver import BaseServer, TCPServer, ThreadingMixIn
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LOOPBACK = "127.0.0.1"
PASSAGE = "stand_in.passage"
"""The member of a request's environment that says how its answer travels."""

_STOPPING_S = 5.0
_PIECES = 10  # of a body that dribbles


@dataclass(slots=True)
class Answer:
    """What the application says. ``status`` is as WSGI has it: ``200 OK``."""

    status: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def declare_length(self) -> None:
        """Make the length that the caller is told that of the present body."""
        self.headers = [one for one in self.headers if one[0].lower() != "content-length"]
        self.headers.append(("Content-Length", str(len(self.body))))


class Line:
    """The connection to one caller. ``over`` ends all waiting."""

    def __init__(self, connection: socket.socket, over: Event) -> None:
        self._connection = connection
        self._over = over
        self.is_open = True

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def wait(self, seconds: float) -> None:
        self._over.wait(seconds)

    def hang_up(self) -> None:
        self.is_open = False
        with suppress(OSError):  # the caller may have been first
            self._connection.shutdown(socket.SHUT_RDWR)


Passage = Callable[[Line, Answer], None]
"""How an answer travels to the caller."""


def whole(line: Line, answer: Answer) -> None:
    line.send(answer.head() + answer.body)


def lost(line: Line, _: Answer) -> None:
    line.hang_up()


def silent_for(seconds: float) -> Passage:
    """Nothing at all is said, and then the connection ends."""

    def passage(line: Line, _: Answer) -> None:
        line.wait(seconds)
        line.hang_up()

    return passage


def dribbling_for(seconds: float) -> Passage:
    """The whole body, in small pieces."""

    def passage(line: Line, answer: Answer) -> None:
        line.send(answer.head())
        size = max(1, -(-len(answer.body) // _PIECES))
        for start in range(0, len(answer.body), size):
            line.wait(seconds / _PIECES)
            line.send(answer.body[start : start + size])

    return passage


def cut_in_half(line: Line, answer: Answer) -> None:
    """Half of the body under the length of the whole, and then the connection ends."""
    line.send(answer.head() + answer.body[: len(answer.body) // 2])
    line.hang_up()


def cut_in_half_unnoticed(line: Line, answer: Answer) -> None:
    """Half of the body, declared as the whole, as a proxy in between would make it."""
    answer.body = answer.body[: len(answer.body) // 2]
    answer.declare_length()
    whole(line, answer)


class WebServer(ThreadingMixIn, TCPServer):
    """A thread per connection. Port 0 takes any free one; see ``port``."""

    allow_reuse_address = True
    daemon_threads = True  # a test that died must not keep the interpreter
    request_queue_size = 128

    def __init__(self, port: int, application: WSGIApplication) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.application = application
        self.over = Event()
        self._connections: set[socket.socket] = set()
        self._closing = Condition()
        self._thread = Thread(target=self._serve, name="stand-in", daemon=True)

    @property
    def port(self) -> int:
        port = self.server_address[1]
        assert isinstance(port, int)
        return port

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends every connection, also those that wait for their next request."""
        self.over.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
        with self._closing:
            for connection in self._connections:
                with suppress(OSError):  # closed by the other side already
                    connection.shutdown(socket.SHUT_RDWR)
            self._closing.wait_for(lambda: not self._connections, _STOPPING_S)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._closing:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._closing:
            self._connections.discard(request)
            self._closing.notify_all()

    def _serve(self) -> None:
        self.serve_forever(poll_interval=0.02)  # how long ``stop`` may take to be heard


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: BaseServer

    def handle(self) -> None:
        with suppress(ConnectionError):  # callers may go whenever they like
            super().handle()

    def respond(self) -> None:
        assert isinstance(self.server, WebServer)
        environ = self._environ()
        answer = _answer_of(self.server.application, environ)
        passage: Passage = environ.get(PASSAGE, whole)
        line = Line(self.connection, self.server.over)
        passage(line, answer)
        self.close_connection = self.close_connection or not line.is_open

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = respond  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """The request log is enough."""

    def _environ(self) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {
            f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()
        }
        return headers | {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": LOOPBACK,
            "SERVER_PORT": str(self.connection.getsockname()[1]),
            "SERVER_PROTOCOL": self.request_version,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }


def _answer_of(application: WSGIApplication, environ: dict[str, Any]) -> Answer:
    answer = Answer()

    def start(
        status: str, headers: list[tuple[str, str]], _: object = None
    ) -> Callable[[bytes], object]:
        answer.status, answer.headers = status, headers
        return _refuse_writing

    chunks = application(environ, start)
    answer.body = b"".join(chunks)
    close: Callable[[], object] | None = getattr(chunks, "close", None)
    if close:
        close()
    return answer


def _refuse_writing(_: bytes) -> None:
    raise NotImplementedError("Flask has no use for WSGI's older way to write")
