"""From messages of the intake queue to records that rang: parse and sift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib import logs
from chalicelib.core.connector import Event, EventType
from chalicelib.core.errors import Parked
from chalicelib.core.model import Ref
from chalicelib.pipeline.messages import (
    REFS_PER_MESSAGE,
    Envelope,
    Reason,
    Told,
    delivered_request,
    is_delivery,
    told_messages,
    told_of,
)
from chalicelib.pipeline.missed import look_back
from chalicelib.pipeline.park import park
from chalicelib.pipeline.services import Services

SUSPECT_AFTER = 2
"""A message that was received more often is taken apart, one message per record."""


@dataclass(frozen=True, slots=True)
class Ring:
    """A record that rang, and the message that it rang in."""

    told: Told
    envelope: Envelope

    @property
    def ref(self) -> Ref:
        return self.told.ref


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
    def told(self) -> Mapping[Ref, Told]:
        """All that the rings tell of each record."""
        return _by_ref(ring.told for ring in self.rings)

    @property
    def envelopes(self) -> list[Envelope]:
        return list({ring.envelope.id: ring.envelope for ring in self.rings}.values())


def gather(lot: Iterable[Envelope], services: Services, now: datetime) -> list[Work]:
    """Sort messages by connection and reason; what cannot be read is parked."""
    work: dict[tuple[str, Reason], Work] = {}
    for envelope in lot:
        try:
            rung = _read(envelope, services, now)
        except Parked as error:
            park(envelope.body, str(error), services, now)
            continue
        records = sum(map(len, rung.values()))
        if records > REFS_PER_MESSAGE:
            _cut(envelope, rung, services)
            continue
        if envelope.receives > SUSPECT_AFTER and records > 1:
            _take_apart(envelope, rung, services)
            continue
        for reason, told in rung.items():
            key = (envelope.connection, reason)
            rings = (Ring(one, envelope) for one in told)
            work.setdefault(key, Work(*key)).rings.extend(rings)
    return list(work.values())


def _read(envelope: Envelope, services: Services, now: datetime) -> Mapping[Reason, list[Told]]:
    if not is_delivery(envelope.body):
        told = told_of(envelope.body)
        reason = Reason(str(envelope.body.get("reason", Reason.READ)))
        return {reason: told} if told else {}
    connection = services.settings.live(envelope.connection).connection
    connector = services.load_connector(connection.crm)
    events = connector.parse(delivered_request(envelope.body), connection)
    _log(events, envelope)
    if missed := [event for event in events if event.type is EventType.MISSED]:
        look_back(connection.id, [event.occurred_at for event in missed], services, now)
    return sift(events, is_signed=connector.signs)


def sift(events: Sequence[Event], *, is_signed: bool) -> Mapping[Reason, list[Told]]:
    """The records that rang, once each, without echoes of our own writes.

    What is not signed is a reason to look and no more, whatever it tells: nobody is erased, moved
    or waited for on the word of somebody who knows a secret that every delivery shows.
    """
    rang = [event for event in events if event.ref is not None and not event.ours]
    if not is_signed:
        looks = sorted({event.ref for event in rang if event.ref})
        return {Reason.READ: [Told(ref) for ref in looks]} if looks else {}
    erased = {event.ref for event in rang if event.type is EventType.ERASED and event.ref}
    told = _by_ref(one for event in rang for one in _told(event))
    # What else was told of somebody who asked to be forgotten does not matter any more.
    read = [one for ref, one in sorted(told.items()) if ref not in erased]
    found = {Reason.READ: read, Reason.ERASE: [Told(ref) for ref in sorted(erased)]}
    return {reason: rung for reason, rung in found.items() if rung}


def _told(event: Event) -> Iterator[Told]:
    ref, at = event.ref, event.occurred_at
    if ref is None:
        return
    match event.type:
        case EventType.CHANGED:
            yield Told(ref, changed_at=at, seen_at=at)
        case EventType.CREATED | EventType.RESTORED:
            yield Told(ref, seen_at=at)
        case EventType.DELETED:
            yield Told(ref, deleted_at=at)
        case EventType.MERGED:
            yield Told(ref, changed_at=at, into=event.into)
        case EventType.ASSOCIATED:
            yield Told(ref)


def _by_ref(told: Iterable[Told]) -> dict[Ref, Told]:
    found: dict[Ref, Told] = {}
    for one in told:
        found[one.ref] = found[one.ref].and_also(one) if one.ref in found else one
    return found


def _log(events: Sequence[Event], envelope: Envelope) -> None:
    unknown = Counter(event.name for event in events if event.ref is None)
    logs.info(
        "delivery",
        connection=envelope.connection,
        delivery=envelope.body.get("delivery"),
        events=len(events),
        repeated=len(events) - len({event.key or id(event) for event in events}),
        ours=sum(event.ours for event in events),
        unknown=dict(unknown),
    )


def _cut(envelope: Envelope, rung: Mapping[Reason, Sequence[Told]], services: Services) -> None:
    """More records than one run should read: a delivery has room for tens of thousands."""
    parts = [
        message
        for reason, told in rung.items()
        for message in told_messages(envelope.connection, told, reason)
    ]
    services.intake.send(parts)


def _take_apart(
    envelope: Envelope, rung: Mapping[Reason, Sequence[Told]], services: Services
) -> None:
    """So that, of all the records of a message that keeps failing, only the guilty one does."""
    singles = [
        message
        for reason, told in rung.items()
        for one in told
        for message in told_messages(envelope.connection, [one], reason)
    ]
    services.intake.send(singles)
