"""Shops and apps tell what happened: each item is checked for itself, and the good are queued.

Unlike a CRM's webhook this carries its own truth, and nothing is fetched for it. So it is read
to the end before it is answered, and who sent a fault hears of it at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.core.connector import Request, Secret
from chalicelib.core.errors import (
    NothingAccepted,
    PayloadInvalid,
    SignatureInvalid,
    UnknownConnection,
)
from chalicelib.core.model import CONNECTION_ID, Json
from chalicelib.events import body, signature
from chalicelib.events.validation import Fault, Item, checked
from chalicelib.pipeline.messages import events_messages
from chalicelib.pipeline.receive import check_media_type, check_signature, check_size
from chalicelib.pipeline.services import Edge

MEDIA_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Receipt:
    """``refused`` are items that are not kept, by their place in the request."""

    delivery: str
    accepted: int
    refused: tuple[tuple[int, Fault], ...]

    def to_json(self) -> dict[str, Json]:
        rows: list[Json] = list(refusals(self.refused))
        return {"delivery": self.delivery, "accepted": self.accepted, "refused": rows}


def receive_events(
    delivery: str, connection: str, request: Request, edge: Edge, now: datetime
) -> Receipt:
    """Queue what is sound of a request, or raise ``Rejected``, with nothing stored.

    Raises ``Retryable`` if the queue would not take it: the sender tries again, and what had been
    taken by then is known by its ids.
    """
    _check(connection, request, edge)
    good, refused = sorted_out(body.items(request.body), connection, now)
    if not good:
        raise NothingAccepted("no event was accepted", refusals(refused))
    edge.intake.send(events_messages(delivery, connection, good, now))
    return Receipt(delivery, len(good), refused)


def sorted_out(
    rows: Sequence[Json], connection: str, now: datetime
) -> tuple[list[Item], tuple[tuple[int, Fault], ...]]:
    """The sound items made plain, and the faults of the others by their place."""
    found = [checked(row, connection, now) for row in rows]
    faults = [(place, one) for place, one in enumerate(found) if isinstance(one, Fault)]
    return [one for one in found if not isinstance(one, Fault)], tuple(faults)


def refusals(refused: Sequence[tuple[int, Fault]]) -> list[dict[str, Json]]:
    return [
        {"index": place, "pointer": fault.pointer, "reason": fault.reason}
        for place, fault in refused
    ]


def _check(connection: str, request: Request, edge: Edge) -> None:
    check_size(request)
    if not CONNECTION_ID.match(connection):
        raise UnknownConnection("no such connection")
    check_media_type(request, [MEDIA_TYPE])
    if not body.is_text(request.body):
        raise PayloadInvalid("the body is not JSON in UTF-8")

    def verify(secret: Secret) -> None:
        if not secret.events_secrets:
            raise SignatureInvalid("no secret for events: its admin runs emtiaz events rotate")
        signature.verify(request.body, request.headers, secret.events_secrets)

    check_signature(connection, edge, verify)
