"""The clients of ``docs/how-to/send-events.md`` sign and send as the route wants it."""

import json
import os
import re
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from chalice.test import Client

import app
from chalicelib.core.connector import Secret
from chalicelib.events.validation import Fault, checked
from chalicelib.pipeline.services import Edge
from tests.fakes.clock import NOON
from tests.fakes.events import SECRET
from tests.fakes.queue import InMemoryQueue
from tests.fakes.secrets import InMemorySecrets

PAGE = Path("docs/how-to/send-events.md").read_text("utf-8")
SECONDS = 60


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


class Route(BaseHTTPRequestHandler):
    """The real route behind a server of this machine."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with Client(app.app) as client:
            answer = client.http.post(self.path, headers=dict(self.headers), body=body)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_):
        pass


@pytest.fixture
def queue(monkeypatch):
    secret = Secret("https://emtiaz.example", ("s",), "token", events_secrets=(SECRET,))
    intake = InMemoryQueue()
    edge = Edge(app.connectors.load, InMemorySecrets({"hubspot-main": secret}), intake)
    monkeypatch.setattr(app, "edge", lambda: edge)
    return intake


@pytest.fixture
def address(queue):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Route)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/events/hubspot-main"
    server.shutdown()
    server.server_close()


def run(command, address, secret=SECRET):
    return subprocess.run(
        command,
        env={**os.environ, "EVENTS_URL": address, "EVENTS_SECRET": secret, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def client(language, folder):
    (source,) = [one for one in blocks(language) if "EVENTS_SECRET" in one]
    if language == "python":
        (folder / "send.py").write_text(source, "utf-8")
        return [sys.executable, folder / "send.py"]
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    (folder / "send.mjs").write_text(source, "utf-8")
    return ["node", folder / "send.mjs"]


@pytest.mark.parametrize(
    ("language", "identity"), [("python", "order-1001"), ("javascript", "login-77")]
)
def test_a_client_is_believed_by_the_route(language, identity, tmp_path, address, queue):
    done = run(client(language, tmp_path), address)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["accepted"], answer["refused"]) == (1, [])
    (message,) = queue.messages
    assert [row["id"] for row in message["events"]] == [identity]


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_a_client_with_another_secret_fails_aloud(language, tmp_path, address, queue):
    done = run(client(language, tmp_path), address, secret="whsec_" + "A" * 40)
    assert done.returncode != 0
    assert "401" in done.stderr
    assert queue.messages == []


def test_the_example_is_an_event():
    example = json.loads(blocks("json")[0])
    assert not isinstance(checked(example, "hubspot-main", NOON), Fault)


def test_the_secret_is_nowhere_in_what_a_browser_gets():
    for page in blocks("html"):
        assert "SECRET" not in page.upper()
        assert "/visited" in page
