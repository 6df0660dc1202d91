"""From the write-back queue to the CRM: read the cards as they are now, write what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from chalicelib import logs
from chalicelib.core.card import Fields
from chalicelib.core.connector import CrmClient, Update
from chalicelib.core.errors import EmtiazError, Parked, Retryable
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
        try:
            _write_connection(connection, mine, services, deadline)
        except Retryable as error:
            logs.warning("write postponed", connection=connection, reason=str(error))
            failures += [Failure(envelope, error.retry_after) for envelope in mine]
        except Parked as error:
            for envelope in mine:
                park(_replayable(envelope), str(error), services, services.clock.now())
    return tuple(failures)


def _write_connection(
    connection: str, envelopes: Iterable[Envelope], services: Services, deadline: datetime
) -> None:
    refs = dict.fromkeys(ref for envelope in envelopes for ref in refs_of(envelope.body))
    client = services.client(services.settings.live(connection))
    for cards in chunks(_pending(refs, services), client.write_batch):
        if services.clock.now() >= deadline:
            raise Retryable("out of time; the rest comes with the next batch", retry_after=0)
        _write_batch(cards, client, services)


def _pending(refs: Iterable[Ref], services: Services) -> Iterator[StoredCard]:
    """The cards as they are now, read while they are written."""
    for chunk in chunks(refs, REFS_PER_MESSAGE):
        yield from (card for card in services.store.cards(chunk) if card.pending)


def _write_batch(cards: Sequence[StoredCard], client: CrmClient, services: Services) -> None:
    updates = [Update(card.ref, fields) for card in cards if (fields := _to_write(card))]
    refused = client.write(updates) if updates else {}
    services.store.mark_written([_mark(card, card.ref in refused) for card in cards])
    for ref, error in refused.items():
        _park_refused(ref, error, services)
    logs.info("written", records=len(updates), refused=len(refused), cards=len(cards))


def _to_write(card: StoredCard) -> Fields:
    """The difference to what the CRM shows, or everything where that is not known."""
    known = card.published and not card.in_doubt
    return changed_fields(card.outgoing, card.published) if known else card.outgoing


def _mark(card: StoredCard, refused: bool) -> Mark:
    # A refused card counts as dealt with, or sweep would ring for it for ever. What the CRM
    # shows has not changed, so that the next publishable change tries again.
    shown = card.published if refused else card.outgoing
    return Mark(card.ref, card.version, shown, card.next_change_at)


def _park_refused(ref: Ref, error: EmtiazError, services: Services) -> None:
    message = refs_messages(ref.connection, [ref], Reason.REWRITE)[0]
    park(message, f"{ref}: {error}", services, services.clock.now())


def _replayable(envelope: Envelope) -> dict[str, Json]:
    """Write-back messages are replayed through intake, which rings for what is unwritten."""
    return {**envelope.body, "reason": Reason.REWRITE.value}
