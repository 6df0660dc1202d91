"""The line to receivers of webhooks: one POST to where a stranger's URL leads, and not further.

The name is resolved here, every address that it has is judged, and the socket is opened to a
judged one. So a name server that answers otherwise a moment later changes nothing. No proxy of
the environment is used, no redirect is followed, and of the answer a little is read.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Timer
from urllib.parse import urlsplit

from chalicelib.adapters.addresses import allowed, fault
from chalicelib.core.outgoing import Answer, Unreachable

CONNECT_S = 3.0
READ_S = 10.0
TOTAL_S = 15.0
"""Connection, sending and answer together, however slowly each letter comes."""

READ_BYTES = 1024

MOST_ADDRESSES = 3
"""Of one host that are tried, so that a host of many dead ones keeps nobody waiting for long."""

Resolve = Callable[[str, int], list[tuple[int, str]]]
"""All addresses of a host and port, as pairs of address family and text."""


def resolve(host: str, port: int) -> list[tuple[int, str]]:
    """Raises ``OSError``."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, str(address[0])) for family, _, _, _, address in found]


@dataclass(frozen=True, slots=True)
class WebhookLine:
    """``loopback`` lets a rehearsal call its own machine, without TLS as well.

    ``resolver`` and ``trust`` are for tests.
    """

    loopback: bool = False
    resolver: Resolve = resolve
    trust: ssl.SSLContext | None = None

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Raises ``Unreachable``, which says whether another try may be worth it."""
        if wrong := fault(url, loopback=self.loopback):
            raise Unreachable(wrong, hopeless=True)
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with _in_time(self._socket(host, port), host) as held:
            connection = self._connection(parts.scheme, host, port, held)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body, {**headers, "Connection": "close"})
            response = connection.getresponse()
            patience = _seconds(response.getheader("Retry-After") or "")
            return Answer(response.status, _beginning(response), patience)

    def _connection(
        self, scheme: str, host: str, port: int, held: list[socket.socket]
    ) -> HTTPConnection:
        """Over the open socket, which is the last that is ``held``."""
        if scheme == "http":
            connection = HTTPConnection(host, port)
        else:
            trust = self.trust or ssl.create_default_context()
            connection = HTTPSConnection(host, port, context=trust)
            # Held before it shakes hands, so that it can be hung up while it does.
            line = trust.wrap_socket(held[-1], server_hostname=host, do_handshake_on_connect=False)
            held.append(line)
            line.do_handshake()
        connection.sock = held[-1]
        return connection

    def _socket(self, host: str, port: int) -> socket.socket:
        """To an address that has been judged, never to a name."""
        failure: OSError | None = None
        for family, address in self._judged(host, port)[:MOST_ADDRESSES]:
            line = socket.socket(family, socket.SOCK_STREAM)
            line.settimeout(CONNECT_S)
            try:
                line.connect((address, port))
            except OSError as error:
                line.close()
                failure = error
                continue
            line.settimeout(READ_S)
            return line
        raise Unreachable(f"{host} does not answer: {failure}") from failure

    def _judged(self, host: str, port: int) -> list[tuple[int, str]]:
        try:
            found = self.resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"{host} cannot be resolved: {error}") from error
        if not allowed([address for _, address in found], loopback=self.loopback):
            raise Unreachable(f"{host} leads to no address of the internet", hopeless=True)
        return found


@contextmanager
def _in_time(line: socket.socket, host: str) -> Iterator[list[socket.socket]]:
    """Hangs up when the time is over: a time-out of the socket counts between two bytes.

    What wraps the socket is added to what is held.
    """
    held = [line]
    clock = Timer(TOTAL_S, _hang_up, [held])
    clock.daemon = True
    clock.start()
    try:
        yield held
    except (OSError, HTTPException, ValueError) as error:
        raise Unreachable(f"{host} broke off: {type(error).__name__}: {error}") from error
    finally:
        clock.cancel()
        for one in held:
            one.close()


def _beginning(response: HTTPResponse) -> bytes:
    """Of its body. Whoever has told a status has answered, even if they break off after it."""
    try:
        return response.read(READ_BYTES)
    except (OSError, HTTPException):
        return b""


def _hang_up(held: list[socket.socket]) -> None:
    try:
        held[-1].shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already


def _seconds(told: str) -> float | None:
    """Of ``Retry-After``; None for a date, or what is none of both."""
    return float(told) if told.isdecimal() and len(told) < len("1000000") else None
