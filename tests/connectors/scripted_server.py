"""A small HTTP server that answers as it is told, for what a double cannot show: real sockets."""

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Reply:
    status: int = 200
    headers: dict = field(default_factory=dict)
    body: object = field(default_factory=dict)


SILENCE = "keep the connection open and say nothing"
HANG_UP = "close the connection after reading the request"


@dataclass
class ScriptedServer:
    """``replies`` in order, the last one for ever; ``requests`` are what arrived."""

    replies: list
    requests: list = field(default_factory=list)
    url: str = ""

    def next_reply(self):
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def serving(*replies):
    script = ScriptedServer(list(replies))
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            script.requests.append((self.command, self.path, dict(self.headers), body))
            reply = script.next_reply()
            if reply is SILENCE:
                over.wait()
            if not isinstance(reply, Reply):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            content = (
                reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            )
            self.send_response(reply.status)
            for name, value in {"Content-Length": len(content), **reply.headers}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = answer  # noqa: N815 (so the base class finds them)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield script
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
