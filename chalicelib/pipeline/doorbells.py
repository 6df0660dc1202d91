"""From messages of the intake queue to records that rang: parse and sift."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib import logs
from chalicelib.core.connector import Event, EventType
from chalicelib.core.errors import Parked
from chalicelib.core.model import Ref
from chalicelib.pipeline.messages import (
    Envelope,
    Reason,
    changes_of,
    delivered_request,
    is_delivery,
    refs_messages,
)
from chalicelib.pipeline.park import park
from chalicelib.pipeline.services import Services

SUSPECT_AFTER = 2
"""A message that was received more often is taken apart, one message per record."""


@dataclass(frozen=True, slots=True)
class Ring:
    """A record that rang, and the message that it rang in.

    ``changed_at`` is when its CRM says that the record itself changed; None where no such
    time is told, as for an association.
    """

    ref: Ref
    changed_at: datetime | None
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Work:
    """Rings of one connection that are answered in the same way."""

    connection: str
    reason: Reason
    rings: list[Ring] = field(default_factory=list)

    @property
    def refs(self) -> list[Ref]:
        return list(dict.fromkeys(ring.ref for ring in self.rings))

    @property
    def envelopes(self) -> list[Envelope]:
        return list({ring.envelope.id: ring.envelope for ring in self.rings}.values())


def gather(lot: Iterable[Envelope], services: Services, now: datetime) -> list[Work]:
    """Sort messages by connection and reason; what cannot be read is parked."""
    work: dict[tuple[str, Reason], Work] = {}
    for envelope in lot:
        try:
            reason, rings = _read(envelope, services)
        except Parked as error:
            park(envelope.body, str(error), services, now)
            continue
        if envelope.receives > SUSPECT_AFTER and len(rings) > 1:
            _take_apart(envelope, rings, reason, services)
            continue
        key = (envelope.connection, reason)
        if rings:
            work.setdefault(key, Work(*key)).rings.extend(rings)
    return list(work.values())


def _read(envelope: Envelope, services: Services) -> tuple[Reason, list[Ring]]:
    if not is_delivery(envelope.body):
        changes = changes_of(envelope.body)
        reason = Reason(str(envelope.body.get("reason", Reason.READ)))
        return reason, [Ring(ref, changed_at, envelope) for ref, changed_at in changes]
    connection = services.settings.live(envelope.connection).connection
    connector = services.load_connector(connection.crm)
    events = connector.parse(delivered_request(envelope.body), connection)
    return Reason.READ, list(_sift(events, envelope))


def _sift(events: Sequence[Event], envelope: Envelope) -> Iterator[Ring]:
    """The records that rang, once each, without echoes of our own writes."""
    rang: dict[Ref, datetime | None] = {}
    for event in events:
        if event.ref is not None and not event.ours:
            rang[event.ref] = _later(rang.get(event.ref), _changed_at(event))
    logs.info(
        "delivery",
        connection=envelope.connection,
        delivery=envelope.body.get("delivery"),
        events=len(events),
        ours=sum(event.ours for event in events),
        unknown=sum(event.ref is None for event in events),
        records=len(rang),
    )
    return (Ring(ref, changed_at, envelope) for ref, changed_at in sorted(rang.items()))


def _changed_at(event: Event) -> datetime | None:
    return event.occurred_at if event.type is EventType.CHANGED else None


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)


def _take_apart(
    envelope: Envelope, rings: Sequence[Ring], reason: Reason, services: Services
) -> None:
    """So that, of all the records of a message that keeps failing, only the guilty one does."""
    singles = [
        message
        for ring in rings
        for message in refs_messages(envelope.connection, [ring.ref], reason)
    ]
    services.intake.send(singles)
