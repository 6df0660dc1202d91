"""From an order that a shop tells to the signed webhook that says what it earned."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from statistics import median
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

from standardwebhooks import Webhook

from infra.bench.figures import Figure
from infra.cli.policy_page import SHIPPED, read_page
from infra.sandbox.rehearsal import Rehearsal

ORDERS = 30
REST_SECONDS = 0.3
LONGEST_WAIT_SECONDS = 60.0
QUIET_LOOKS = 3

_WORDS = {"en": "Purchase", "fa": "خرید"}
_LOYALTY = {
    "earning": [
        {"id": "purchase", "event": "purchase", "per_amount": {"step": 1}, "text": _WORDS},
    ]
}
_ANNOUNCEMENTS = [{"id": "earned", "event": "points_earned", "to": ["webhook"]}]


def event_to_webhook(stage: Rehearsal, person: str) -> list[Figure]:
    """Orders of one ``person``, one after the other, through what is deployed."""
    beside = stage.beside(stage.crm, stage.stand_in, f"{stage.crm}-shop")
    with _receiver() as (address, arrived):
        shop = _opened(beside, address)
        _introduce(beside, stage, person)  # whoever is seen for the first time is not told about
        delays = [_delay(shop, person, number, arrived) for number in range(1, ORDERS + 1)]
    told = (
        f"{ORDERS} orders of one customer, one by one; longest {max(delays):.2f} s; "
        "AWS adds up to 1 s of gathering, which the local cloud does not do"
    )
    name = "an order told by a shop to the webhook that announces its points, idle, median"
    return [Figure(name, median(delays), "s", None, told)]


def _opened(stage: Rehearsal, address: str) -> dict[str, Any]:
    """A second connection to the same account, whose policy gives points and announces them."""
    page = {**read_page(SHIPPED), "loyalty": _LOYALTY, "announcements": _ANNOUNCEMENTS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "shop.yaml")
        path.write_text(json.dumps(page), "utf-8")  # JSON is YAML
        stage.connect("--policy", str(path))
    stage.emtiaz("announce", "webhook", "set", "--url", address, "--loopback", *stage.at)
    told: dict[str, Any] = json.loads(stage.emtiaz("events", "secret", *stage.at, "--json"))
    return told


def _introduce(stage: Rehearsal, before: Rehearsal, person: str) -> None:
    """The CRM rings for somebody, so that the second connection knows them."""
    stage.subscribe()
    stage.stand_in.people.set_title(person, "Buyer")
    if not stage.stand_in.flush(LONGEST_WAIT_SECONDS):
        raise TimeoutError("the CRM's webhooks do not arrive")
    _quiet(stage)
    before.subscribe()


def _delay(shop: dict[str, Any], person: str, number: int, arrived: Queue[float]) -> float:
    start = time.monotonic()
    _send(shop, person, number)
    try:
        delay = arrived.get(timeout=LONGEST_WAIT_SECONDS) - start
    except Empty as error:
        raise TimeoutError(f"nobody was told of order {number}") from error
    time.sleep(REST_SECONDS)
    return delay


def _send(shop: dict[str, Any], person: str, number: int) -> None:
    now = datetime.now(UTC)
    order = {
        "who": {"id": person},
        "type": "order.placed",
        "id": f"bench-{number}",
        "occurred_at": now.isoformat(),
        "data": {"amount": {"amount": 1_000, "currency": "USD"}},
    }
    body = json.dumps(order)
    identity = f"msg_bench_{number}"
    headers = {
        "Content-Type": "application/json",
        "Webhook-Id": identity,
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": Webhook(shop["secrets"][0]).sign(identity, now, body),
    }
    with urlopen(Request(shop["address"], body.encode(), headers), timeout=30):  # noqa: S310
        pass  # it was taken, or this would have raised


def _quiet(stage: Rehearsal) -> None:
    services, quiet = stage.services, 0
    while quiet < QUIET_LOOKS:
        waiting = services.intake.backlog() + services.write_back.backlog()
        quiet = 0 if waiting + services.announce.backlog() else quiet + 1
        time.sleep(0.1)


@contextmanager
def _receiver() -> Iterator[tuple[str, Queue[float]]]:
    """Its address on this machine, and when each webhook arrived."""
    arrived: Queue[float] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.put(time.monotonic())
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is worth a line."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hooks", arrived
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
