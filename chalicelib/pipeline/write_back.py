"""From the write-back queue to the CRM: read the cards as they are now, write what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from chalicelib import logs
from chalicelib.core.card import Fields
from chalicelib.core.connector import CrmClient, Update
from chalicelib.core.errors import (
    CredentialsInvalid,
    DeliveryUnreadable,
    EmtiazError,
    Parked,
    Retryable,
)
from chalicelib.core.model import Json, Ref
from chalicelib.core.ports import Mark, StoredCard
from chalicelib.pipeline.messages import (
    REFS_PER_MESSAGE,
    Envelope,
    Failure,
    Reason,
    chunks,
    refs_messages,
    refs_of,
)
from chalicelib.pipeline.park import park
from chalicelib.pipeline.services import Services
from chalicelib.scoring import changed_fields

LEFT_TO_SWEEP_AFTER = 8
"""A ring that a busy CRM turned away so often is let go: sweep rings for what is unwritten."""


def write_back(
    envelopes: Sequence[Envelope], services: Services, deadline: datetime
) -> tuple[Failure, ...]:
    """Write the cards that a batch of messages names; returns the messages to bring back.

    The queue is first in, first out per connection, so after a failure all later messages of
    that connection fail too. No CRM batch is begun after ``deadline``: it lies well inside the
    function's own limit, since a second writer must never start while a first one works.
    """
    failures: list[Failure] = []
    for connection in dict.fromkeys(envelope.connection for envelope in envelopes):
        mine = [envelope for envelope in envelopes if envelope.connection == connection]
        failures += _contain(connection, mine, services, deadline)
    return tuple(failures)


def _contain(
    connection: str, envelopes: Sequence[Envelope], services: Services, deadline: datetime
) -> list[Failure]:
    try:
        _write_connection(connection, envelopes, services, deadline)
    except Retryable as error:
        logs.warning("write postponed", connection=connection, reason=str(error))
        patient = (one for one in envelopes if one.receives <= LEFT_TO_SWEEP_AFTER)
        return [Failure(envelope, error.retry_after) for envelope in patient]
    except Parked as error:
        if isinstance(error, CredentialsInvalid) and services.is_rotated(connection):
            return [Failure(envelope) for envelope in envelopes]
        _park_connection(connection, error, services)
    except Exception:  # noqa: BLE001 - the outermost boundary: one connection's fault stays its own
        logs.exception("failed", connection=connection)
        return [Failure(envelope) for envelope in envelopes]
    return []


def _write_connection(
    connection: str, envelopes: Iterable[Envelope], services: Services, deadline: datetime
) -> None:
    refs = dict.fromkeys(ref for envelope in envelopes for ref in _refs(envelope, services))
    client = services.client(services.settings.live(connection))
    for cards in chunks(_pending(refs, services), client.write_batch):
        if services.clock.now() >= deadline:
            raise Retryable("out of time; the rest comes with the next batch", retry_after=0)
        _write_batch(cards, client, services)


def _refs(envelope: Envelope, services: Services) -> tuple[Ref, ...]:
    try:
        return refs_of(envelope.body)
    except DeliveryUnreadable as error:
        park(envelope.body, str(error), services, services.clock.now())
        return ()


def _pending(refs: Iterable[Ref], services: Services) -> Iterator[StoredCard]:
    """The cards as they are now, read while they are written."""
    for chunk in chunks(refs, REFS_PER_MESSAGE):
        yield from (card for card in services.store.cards(chunk) if card.pending)


def _write_batch(cards: Sequence[StoredCard], client: CrmClient, services: Services) -> None:
    sent = {card.ref: fields for card in cards if (fields := _to_write(card))}
    updates = [Update(ref, fields) for ref, fields in sent.items()]
    refused = client.write(updates) if updates else {}
    for ref, error in refused.items():  # before the mark: dying in between must leave a trace
        _park_refused(ref, error, services)
    services.store.mark_written(
        [
            _refused(card) if card.ref in refused else _written(card, sent.get(card.ref, {}))
            for card in cards
        ]
    )
    logs.info("written", records=len(updates), refused=len(refused), cards=len(cards))


def _to_write(card: StoredCard) -> Fields:
    """The difference to what the CRM shows, or everything where that is not known."""
    known = card.published and not card.in_doubt
    return changed_fields(card.outgoing, card.published) if known else card.outgoing


def _written(card: StoredCard, sent: Fields) -> Mark:
    """What was sent is shown now; the rest of ``outgoing`` was no reason to send anything."""
    shown = {**card.published, **sent}
    return Mark(card.ref, card.version, shown, in_doubt=False, next_change_at=card.next_change_at)


def _refused(card: StoredCard) -> Mark:
    """Dealt with, or sweep would ring for it for ever; a replay or the next change tries again."""
    return Mark(
        card.ref, card.version, card.published, in_doubt=True, next_change_at=card.next_change_at
    )


def _park_refused(ref: Ref, error: EmtiazError, services: Services) -> None:
    message = refs_messages(ref.connection, [ref], Reason.REWRITE)[0]
    park(message, f"{ref}: {error}", services, services.clock.now())


def _park_connection(connection: str, error: Parked, services: Services) -> None:
    """One item that tells a person; the cards stay unwritten, and sweep rings for them."""
    message: dict[str, Json] = {"connection": connection, "refs": [], "reason": Reason.SWEEP.value}
    park(message, f"nothing can be written: {error}", services, services.clock.now())
