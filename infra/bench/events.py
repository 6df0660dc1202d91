"""What shops and apps send: how many events are taken, and how soon others hear of one."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from time import process_time
from typing import NoReturn

from standardwebhooks import Webhook

from chalicelib.core.connector import Request, Secret
from chalicelib.core.errors import UnknownConnection
from chalicelib.core.model import Json
from chalicelib.events import body, signature
from chalicelib.pipeline.receive_events import receive_events
from chalicelib.pipeline.services import Edge
from infra.bench.figures import Figure

CONNECTION = "bench-people"
PER_REQUEST = 100
REQUESTS = 20
ROUNDS = 5


def accepted() -> list[Figure]:
    """In process: from the bytes of a request to the messages for the queue, of orders."""
    secret = "whsec_" + b64encode(os.urandom(32)).decode()
    now = datetime.now(UTC)
    requests = [_request(number, secret, now) for number in range(REQUESTS)]
    edge = Edge(_no_connector, _OneSecret(secret), _Nowhere())
    whole = _seconds(lambda one: receive_events("bench", CONNECTION, one, edge, now), requests)
    floor = _seconds(lambda one: _read(one, secret), requests)
    events = PER_REQUEST * REQUESTS
    beside = (
        f"{REQUESTS} requests of {PER_REQUEST}; reading JSON and checking the signature alone "
        f"take {floor / whole:.0%} of the time"
    )
    name = "time to take an event of a shop, checked and ready for the queue"
    rate = f"{events / whole:,.0f} events a second"
    return [Figure(name, whole / events * 1e6, "µs", None, f"{rate}, {beside}")]


def _read(request: Request, secret: str) -> None:
    signature.verify(request.body, request.headers, (secret,))
    body.items(request.body)


def _seconds(work: Callable[[Request], object], requests: Sequence[Request]) -> float:
    """Processor time of all requests, median of the rounds after one that warms up."""

    def once() -> float:
        start = process_time()
        for request in requests:
            work(request)
        return process_time() - start

    once()
    return median(once() for _ in range(ROUNDS))


def _request(number: int, secret: str, now: datetime) -> Request:
    events = [_order(PER_REQUEST * number + place, now) for place in range(PER_REQUEST)]
    text = json.dumps({"events": events})
    identity = f"msg_{number}"
    headers = {
        "content-type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(identity, now, text),
    }
    return Request("POST", "", headers, text.encode())


def _order(number: int, now: datetime) -> dict[str, Json]:
    return {
        "who": {"email": f"person{number}@shop.example"},
        "type": "order.placed",
        "id": f"order-{number}",
        "occurred_at": now.isoformat(),
        "data": {"amount": {"amount": 1999, "currency": "USD"}},
    }


class _OneSecret:
    def __init__(self, secret: str) -> None:
        self._secret = Secret("", (), "", events_secrets=(secret,))

    def get(self, connection: str, *, fresh: bool = False) -> Secret:  # noqa: ARG002
        return self._secret


class _Nowhere:
    """A queue that keeps nothing."""

    def send(self, messages: Sequence[Mapping[str, Json]], *, delay_seconds: int = 0) -> None:
        """Everything is taken."""

    def postpone(self, receipt: str, seconds: int) -> None:
        """There is nothing to hide."""

    def acknowledge(self, receipts: Sequence[str]) -> None:
        """There is nothing to acknowledge."""

    def backlog(self) -> int:
        return 0


def _no_connector(name: str) -> NoReturn:
    raise UnknownConnection(name)
