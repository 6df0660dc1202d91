"""From the intake queue to saved cards: parse, sift, fetch, merge, score, save, ring."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib import logs
from chalicelib.core.connector import Event
from chalicelib.core.errors import Parked, Retryable
from chalicelib.core.facts import Fact
from chalicelib.core.model import Ref
from chalicelib.core.ports import LiveSettings
from chalicelib.pipeline.messages import (
    Envelope,
    Failure,
    Reason,
    delivered_request,
    is_delivery,
    refs_messages,
    refs_of,
)
from chalicelib.pipeline.park import park
from chalicelib.pipeline.scorer import compiled, scorer
from chalicelib.pipeline.services import Services

SUSPECT_AFTER = 2
"""A message that was received more often is taken apart, one message per record."""

HOPELESS_AFTER = 6
"""A message that still fails, in a way that nobody foresaw, is parked after this many tries."""


@dataclass(slots=True)
class Work:
    """Messages of one connection and one reason, and the records that they name."""

    connection: str
    reason: Reason
    asked: dict[Ref, list[Envelope]] = field(default_factory=lambda: defaultdict(list))

    @property
    def envelopes(self) -> list[Envelope]:
        return list({e.id: e for each in self.asked.values() for e in each}.values())


def process(
    envelopes: Sequence[Envelope], services: Services, now: datetime
) -> tuple[Failure, ...]:
    """Handle a batch of the intake queue; returns the messages to bring back.

    Messages that come for the first time share their reads. One that comes back is handled
    alone, so that whatever it does wrong harms no other.
    """
    failures: list[Failure] = []
    for lot in _lots(envelopes):
        failures += _contain(lot, services, now)
    return tuple(failures)


def _lots(envelopes: Sequence[Envelope]) -> list[list[Envelope]]:
    first_time = [envelope for envelope in envelopes if envelope.receives <= 1]
    again = [[envelope] for envelope in envelopes if envelope.receives > 1]
    return [first_time, *again] if first_time else again


def _contain(lot: Sequence[Envelope], services: Services, now: datetime) -> list[Failure]:
    try:
        return [
            failure
            for work in _gather(lot, services, now)
            for failure in _attempt(work, services, now)
        ]
    except Exception as error:  # noqa: BLE001 - the outermost boundary: one lot's fault stays its own
        logs.exception("failed", messages=[envelope.id for envelope in lot])
        hopeless = [one for one in lot if one.receives > HOPELESS_AFTER]
        for envelope in hopeless:
            park(envelope.body, f"{type(error).__name__}: {error}", services, now)
        return [Failure(envelope) for envelope in lot if envelope not in hopeless]


def _gather(lot: Iterable[Envelope], services: Services, now: datetime) -> list[Work]:
    """Sort a lot by connection and reason; what cannot be read is parked."""
    work: dict[tuple[str, Reason], Work] = {}
    for envelope in lot:
        try:
            reason, refs = _read(envelope, services)
        except Parked as error:
            park(envelope.body, str(error), services, now)
            continue
        if envelope.receives > SUSPECT_AFTER and len(refs) > 1:
            _take_apart(envelope, refs, reason, services)
            continue
        key = (envelope.connection, reason)
        for ref in refs:
            work.setdefault(key, Work(*key)).asked[ref].append(envelope)
    return list(work.values())


def _read(envelope: Envelope, services: Services) -> tuple[Reason, tuple[Ref, ...]]:
    if not is_delivery(envelope.body):
        return Reason(str(envelope.body.get("reason", Reason.READ))), refs_of(envelope.body)
    connection = services.settings.live(envelope.connection).connection
    connector = services.load_connector(connection.crm)
    events = connector.parse(delivered_request(envelope.body), connection)
    return Reason.READ, _sift(events, envelope)


def _sift(events: Sequence[Event], envelope: Envelope) -> tuple[Ref, ...]:
    """The records that rang, once each, without echoes of our own writes."""
    rang = {event.ref for event in events if event.ref is not None and not event.ours}
    logs.info(
        "delivery",
        connection=envelope.connection,
        delivery=envelope.body.get("delivery"),
        events=len(events),
        ours=sum(event.ours for event in events),
        unknown=sum(event.ref is None for event in events),
        records=len(rang),
    )
    return tuple(sorted(rang))


def _take_apart(
    envelope: Envelope, refs: Iterable[Ref], reason: Reason, services: Services
) -> None:
    """So that, of all the records of a message that keeps failing, only the guilty one does."""
    singles = [
        message for ref in refs for message in refs_messages(envelope.connection, [ref], reason)
    ]
    services.intake.send(singles)


def _attempt(work: Work, services: Services, now: datetime) -> list[Failure]:
    try:
        return _score_all(work, services, now)
    except Retryable as error:
        logs.warning("postponed", connection=work.connection, reason=str(error))
        return [Failure(envelope, error.retry_after) for envelope in work.envelopes]
    except Parked as error:
        for envelope in work.envelopes:
            park(envelope.body, str(error), services, now)
        return []


def _score_all(work: Work, services: Services, now: datetime) -> list[Failure]:
    live = services.settings.live(work.connection)
    owners, facts = _fetch(work, live, services, now)
    score = scorer(live, services.store, now, work.reason).score
    unwritten, failures = [], []
    for subject, known in facts.items():
        try:
            if score(subject, known):
                unwritten.append(subject)
        except Retryable as error:
            failures += [Failure(one, error.retry_after) for one in owners[subject]]
    services.write_back.send(refs_messages(work.connection, unwritten))
    return failures


def _fetch(
    work: Work, live: LiveSettings, services: Services, now: datetime
) -> tuple[Mapping[Ref, list[Envelope]], Mapping[Ref, tuple[Fact, ...]]]:
    """Which messages each subject came from, and what the CRM now says of it.

    Nothing is asked of the CRM where stored facts will do.
    """
    if not work.reason.reads_crm:
        return work.asked, dict.fromkeys(work.asked, ())
    client = services.client(live, compiled(live.policy).attributes)
    owners: dict[Ref, list[Envelope]] = defaultdict(list)
    for ref, subjects in client.subjects(list(work.asked)).items():
        for subject in subjects:
            owners[subject] += work.asked[ref]
    return owners, client.fetch(list(owners), now)
