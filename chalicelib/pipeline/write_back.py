"""From the write-back queue to the CRM: read the cards as they are now, write what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib import logs
from chalicelib.core.connector import Connector, CrmClient, Update
from chalicelib.core.errors import (
    CredentialsInvalid,
    CrmUnavailable,
    DeliveryUnreadable,
    EmtiazError,
    OutOfService,
    Parked,
    RecordBusy,
    RecordGone,
    Retryable,
    WrittenInPart,
)
from chalicelib.core.model import Json, Ref
from chalicelib.core.outputs import OUTPUTS, Fields, Output
from chalicelib.core.policy import Policy
from chalicelib.core.ports import LiveSettings
from chalicelib.core.stored import Mark, StoredCard
from chalicelib.pipeline.lacking import note
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
from chalicelib.pipeline.pause import Guard
from chalicelib.pipeline.places import placed, placed_fields, unplaced_fields
from chalicelib.pipeline.scorer import compiled
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.stuck import batches, park_to_rewrite, put_off, suspect, taken
from chalicelib.scoring import changed_fields
from chalicelib.scoring.publication import published

LEFT_TO_SWEEP_AFTER = 8
"""A ring that a busy CRM turned away so often is let go: sweep rings for what is unwritten."""

LEFT_TO_SWEEP_BEYOND = 30
"""Seconds of a pause that a ring does not wait for."""


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
        return _postponed(envelopes, error)
    except Parked as error:
        if isinstance(error, CredentialsInvalid) and services.is_rotated(connection):
            return [Failure(envelope) for envelope in envelopes]
        _park_connection(connection, error, services)
    except Exception:  # noqa: BLE001 - the outermost boundary: one connection's fault stays its own
        logs.exception("failed", connection=connection)
        return [Failure(envelope) for envelope in envelopes]
    return []


def _postponed(envelopes: Sequence[Envelope], error: Retryable) -> list[Failure]:
    """To be tried again, unless sweep can do that better: it rings for all that is unwritten."""
    is_out = isinstance(error, OutOfService | CrmUnavailable)
    wait = error.retry_after or 0
    if is_out and wait > LEFT_TO_SWEEP_BEYOND:
        return []
    patient = (one for one in envelopes if one.receives <= LEFT_TO_SWEEP_AFTER)
    return [Failure(envelope, wait, grows=not is_out) for envelope in patient]


def _write_connection(
    connection: str, envelopes: Sequence[Envelope], services: Services, deadline: datetime
) -> None:
    refs = dict.fromkeys(ref for envelope in envelopes for ref in _refs(envelope, services))
    # Who received a message before may have written its cards and died before marking them.
    repeated = any(envelope.receives > 1 for envelope in envelopes)
    crm = _guarded(services.settings.live(connection), services)
    for cards in batches(_pending(refs, services), crm.client.write_batch, services):
        if services.clock.now() >= deadline:
            raise Retryable("out of time; the rest comes with the next batch", retry_after=0)
        known, seen = _looked_up(cards, crm, services, repeated=repeated)
        _write_batch(known, seen, crm, services)


@dataclass(frozen=True, slots=True)
class _Crm:
    """A client, the guard that every call of it passes, what it was declared to take, and what the
    policy in force asks for.
    """

    connection: str
    client: CrmClient
    guard: Guard
    connector: Connector
    policy: Policy


def _guarded(live: LiveSettings, services: Services) -> _Crm:
    guard = Guard(live, services.settings, services.clock)
    connector = services.connector(live.connection.id)
    client, policy = services.client(live), compiled(live.policy)
    return _Crm(live.connection.id, client, guard, connector, policy)


def _refs(envelope: Envelope, services: Services) -> tuple[Ref, ...]:
    try:
        return refs_of(envelope.body)
    except DeliveryUnreadable as error:
        park(envelope.body, str(error), services, services.clock.now())
        return ()


def _pending(refs: Iterable[Ref], services: Services) -> Iterator[StoredCard]:
    """The cards as they are now, read while they are written.

    One whose record may still change by an earlier write, or that was put off, is left alone; sweep
    rings for it.
    """
    for chunk in chunks(refs, REFS_PER_MESSAGE):
        now = services.clock.now()
        for card in services.store.cards(chunk):
            if card.pending and not (card.left_alone_until and card.left_alone_until > now):
                yield card


def _looked_up(
    cards: Sequence[StoredCard], crm: _Crm, services: Services, *, repeated: bool
) -> tuple[list[StoredCard], frozenset[Ref]]:
    """The cards with what their records show, read back where that is not certain; and whose were.

    So a value that an earlier write has set is not set again, and has one entry in the
    record's history. A record that is gone is read by process, which learns where it went.
    """
    doubtful = [card for card in cards if repeated or card.doubt_until]
    if not doubtful:
        return [*cards], frozenset()
    with crm.guard:
        outputs = placed(_outputs_of(doubtful), crm.connector)
        shown = crm.client.shown([card.ref for card in doubtful], outputs)
    _read_again((card.ref for card in doubtful if card.ref not in shown), services)
    certain = {
        card.ref: replace(card, published=shown[card.ref], doubt_until=None)
        for card in doubtful
        if card.ref in shown
    }
    gone = {card.ref for card in doubtful} - certain.keys()
    known = [certain.get(card.ref, card) for card in cards if card.ref not in gone]
    return known, frozenset(certain)


def _outputs_of(cards: Sequence[StoredCard]) -> tuple[Output, ...]:
    names = {name for card in cards for name in (*card.outgoing, *card.published)}
    return tuple(output for output in OUTPUTS if output.name in names)


def _write_batch(
    cards: Sequence[StoredCard], seen: frozenset[Ref], crm: _Crm, services: Services
) -> None:
    sent = {card.ref: fields for card in cards if (fields := _to_write(card, crm.connector))}
    answer = _answered([card for card in cards if card.ref in sent], sent, crm, services)
    busy = {ref: why for ref, why in answer.items() if isinstance(why, RecordBusy)}
    lost = _lost(answer, crm.policy)
    refused = {ref: why for ref, why in answer.items() if ref not in (*busy, *lost)}
    for ref, reason in refused.items():  # before the mark: dying in between must leave a trace
        _pass_on(ref, reason, services, seen=ref in seen)
    note(crm.connection, lost.values(), services)
    dealt_with = [card for card in cards if card.ref not in busy]
    _mark(dealt_with, _shown(dealt_with, sent, lost, crm.connector), refused, services)
    put_off([card for card in cards if card.ref in busy], busy, services)
    told = {"records": len(sent), "refused": len(refused), "busy": len(busy), "cards": len(cards)}
    logs.info("written", **told)


def _lost(answer: Mapping[Ref, EmtiazError], policy: Policy) -> Mapping[Ref, Mapping[str, str]]:
    """The fields by output that records lack, of each that was written in part.

    Not those of outputs that the policy publishes no more: they were to be emptied, once, and
    nobody provides for them.
    """
    return {
        ref: {
            name: why.left_out[name] for name in why.left_out if name in published(policy, ref.kind)
        }
        for ref, why in answer.items()
        if isinstance(why, WrittenInPart)
    }


def _shown(
    cards: Sequence[StoredCard],
    sent: Mapping[Ref, Fields],
    lost: Mapping[Ref, Iterable[str]],
    connector: Connector,
) -> Mapping[Ref, Fields]:
    """What was lost is not shown. What the CRM has no place for counts as shown all the same:
    or every card would ask to be written for it.
    """
    shown: dict[Ref, Fields] = {}
    for card in cards:
        of_it = lost.get(card.ref, ())
        told = {name: value for name, value in sent.get(card.ref, {}).items() if name not in of_it}
        shown[card.ref] = {**told, **unplaced_fields(card.outgoing, connector)}
    return shown


def _mark(
    cards: Sequence[StoredCard],
    shown: Mapping[Ref, Fields],
    refused: Mapping[Ref, EmtiazError],
    services: Services,
) -> None:
    marks = [
        _refused(card, services) if card.ref in refused else _written(card, shown) for card in cards
    ]
    # First: a mark ends the setback by which it is known that somebody was told.
    taken([card for card in cards if card.ref not in refused], services)
    services.store.mark_written(marks)


def _answered(
    cards: Sequence[StoredCard], sent: Mapping[Ref, Fields], crm: _Crm, services: Services
) -> Mapping[Ref, EmtiazError]:
    if not cards:
        return {}
    try:
        with crm.guard:
            return crm.client.write([Update(ref, fields) for ref, fields in sent.items()])
    except CrmUnavailable as error:
        suspect(_left_alone(cards, error, services) if error.in_doubt else cards, error, services)
        if error.in_doubt:
            raise Retryable(f"left alone for now: {error}", retry_after=0) from error
        raise


def _left_alone(
    cards: Sequence[StoredCard], error: CrmUnavailable, services: Services
) -> list[StoredCard]:
    """A write whose answer was lost may still be made: nothing may be written before that.

    Returns the cards as they are by that, unless somebody else has saved them.
    """
    until = services.clock.now() + timedelta(seconds=error.retry_after or 0)
    services.store.doubt([card.ref for card in cards], until)
    return [replace(card, version=card.version + 1) for card in cards]


def _to_write(card: StoredCard, connector: Connector) -> Fields:
    """The difference to what the CRM shows; everything to a record that we never wrote to."""
    wanted = placed_fields(card.outgoing, connector)
    return changed_fields(wanted, card.published) if card.published else wanted


def _written(card: StoredCard, sent: Mapping[Ref, Fields]) -> Mark:
    """What was sent is shown now; the rest of ``outgoing`` was no reason to send anything."""
    shown = {**card.published, **sent.get(card.ref, {})}
    return Mark(card.ref, card.version, shown, None, next_change_at=card.due_once_written)


def _refused(card: StoredCard, services: Services) -> Mark:
    """Dealt with, or sweep would ring for it for ever; a replay or the next change tries again."""
    doubt = services.clock.now()
    return Mark(card.ref, card.version, card.published, doubt, card.due_once_written)


def _pass_on(ref: Ref, error: EmtiazError, services: Services, *, seen: bool) -> None:
    """One that is called gone and was just seen is for a person: reading it would never end."""
    if isinstance(error, RecordGone) and not seen:
        _read_again([ref], services)
    else:
        park_to_rewrite(ref, str(error), services)


def _read_again(refs: Iterable[Ref], services: Services) -> None:
    """Records that are not where they were: deleted, or merged into another."""
    for ref in refs:
        services.intake.send(refs_messages(ref.connection, [ref], Reason.READ))


def _park_connection(connection: str, error: Parked, services: Services) -> None:
    """One item that tells a person; the cards stay unwritten, and sweep rings for them."""
    message: dict[str, Json] = {"connection": connection, "refs": [], "reason": Reason.SWEEP.value}
    park(message, f"nothing can be written: {error}", services, services.clock.now())
