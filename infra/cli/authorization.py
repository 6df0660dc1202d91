"""An admin agrees on the CRM's page, and the CRM sends its answer back to this machine.

The authorization code grant (RFC 6749, section 4.1) with a loopback redirect (RFC 8252, section
7.3). The answer is taken once, only with the state that was sent along, and for ten minutes.
"""

from __future__ import annotations

import hmac
import secrets
import webbrowser
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from time import monotonic
from typing import cast
from urllib.parse import parse_qs, urlsplit

from infra.cli.console import ERR, note
from infra.cli.exits import Declined, Finding

REDIRECT_URL = "http://localhost:8976/callback"
"""CRMs compare it with what the app declares, so it cannot be any free port."""

LOOPBACK = "127.0.0.1"
PATIENCE_S = 600.0
STALLED_S = 5.0
"""A browser that connects ahead and sends nothing keeps nobody waiting for longer."""


def ask_for_answer(page: Callable[[str], str], redirect_url: str) -> Mapping[str, str]:
    """Send a person to ``page(state)``, and wait for the code and what else comes with it.

    Raises Declined, Finding.
    """
    state = secrets.token_urlsafe(32)
    with _listen(redirect_url, state) as desk:
        send_person_to(page(state))
        return desk.answer()


def send_person_to(url: str) -> None:
    note(f"agree on this page:\n{url}")
    if ERR.is_terminal:
        webbrowser.open(url)


def is_loopback(redirect_url: str) -> bool:
    """Whether an answer that is sent there arrives at this machine."""
    parts = urlsplit(redirect_url)
    return parts.scheme == "http" and parts.hostname in ("localhost", LOOPBACK)


def _listen(redirect_url: str, state: str) -> _Desk:
    parts = urlsplit(redirect_url)
    port = parts.port or 80
    try:
        return _Desk(port, parts.path or "/", state)
    except OSError as error:
        raise Finding(f"nothing can listen on port {port}: {error.strerror}") from error


class _Desk(HTTPServer):
    """Takes the answer to one question."""

    def __init__(self, port: int, path: str, state: str) -> None:
        super().__init__((LOOPBACK, port), _Window)
        self._path = path
        self._state = state
        self._answer: Mapping[str, str] = {}

    def answer(self) -> Mapping[str, str]:
        deadline = monotonic() + PATIENCE_S
        while not self._answer:
            self.timeout = deadline - monotonic()
            if self.timeout <= 0:
                raise Declined(f"nobody agreed within {PATIENCE_S / 60:g} minutes")
            self.handle_request()
        if "code" not in self._answer:
            raise Declined(f"not agreed: {self._answer.get('error', 'no reason given')}")
        return self._answer

    def take(self, target: str) -> tuple[HTTPStatus, str]:
        """What the person is told."""
        parts = urlsplit(target)
        if parts.path != self._path:
            return HTTPStatus.NOT_FOUND, "There is nothing here."
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        told = query.get("state", "").encode()
        if self._answer or not hmac.compare_digest(told, self._state.encode()):
            return HTTPStatus.BAD_REQUEST, "This is no answer to what was asked."
        if "code" not in query and "error" not in query:
            return HTTPStatus.BAD_REQUEST, "This answer says neither yes nor no."
        self._answer = query
        return HTTPStatus.OK, "Emtiaz has its answer. You can close this page."


class _Window(BaseHTTPRequestHandler):
    timeout = STALLED_S

    def do_GET(self) -> None:
        status, text = cast(_Desk, self.server).take(self.path)
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Addresses hold the code, and are shown to nobody."""
