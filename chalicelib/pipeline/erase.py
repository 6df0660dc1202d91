"""A person asked to be forgotten: nothing of them stays, and nothing brings them back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial

from chalicelib import logs
from chalicelib.core.connector import Connection
from chalicelib.core.errors import Parked
from chalicelib.core.model import Ref
from chalicelib.core.ports import ParkedItem, SubjectStore
from chalicelib.pipeline.bells import ring_bells
from chalicelib.pipeline.doorbells import sift
from chalicelib.pipeline.messages import (
    Reason,
    Told,
    delivered_request,
    is_delivery,
    told_messages,
    told_of,
)
from chalicelib.pipeline.park import park
from chalicelib.pipeline.scorer import LONGEST_CHAIN, compiled, scorer
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.take_events import is_of_events, told_in
from chalicelib.scoring.identities import of_ref


def erase(subject: Ref, services: Services, now: datetime) -> None:
    """Remove facts, card and history, and what waits parked; a salted tombstone stays.

    What the CRM shows of the person is the CRM's to remove: it asked for this, or is asked by
    whoever did. Backups of the tables age out by themselves. Raises ``Conflict``.
    """
    live = services.settings.live(subject.connection)
    # Before the erasure, which takes away what tells the other ids of the same person.
    for item in services.settings.parked(subject.connection):
        _forget_parked(item, subject, live.connection, services, now)
    ring = partial(ring_bells, services=services)
    scorer(live, services.store, now, Reason.ERASE, ring=ring).erase(subject)
    logs.info("erased", connection=subject.connection)


def _forget_parked(
    item: ParkedItem, subject: Ref, connection: Connection, services: Services, now: datetime
) -> None:
    """Keep what a parked message tells of others, by reference alone.

    A delivery that cannot be read cannot be searched either; it goes when its time is up.
    """
    if is_of_events(item.message):
        _forget_events(item, subject, services)
        return
    try:
        named, rung = _read(item, connection, services)
    except Parked:
        return
    ends = _ends({subject, *named}, services.store)
    person = {ref for ref, end in ends.items() if end == ends[subject]}
    if person.isdisjoint(named):
        return
    for reason, told in rung.items():
        others = [one for one in told if one.ref not in person]
        for message in told_messages(connection.id, others, reason):
            park(message, item.reason, services, now)
    services.settings.unpark(item)


def _forget_events(item: ParkedItem, subject: Ref, services: Services) -> None:
    """Events of the person go; each is parked alone, or in a message that nobody could take."""
    region = compiled(services.settings.live(item.connection).policy).owing.region
    try:
        told = told_in(item.message, region, services.record_id(item.connection))
    except Parked:
        return
    named = [one.ref for one in told if one.ref]
    ends = _ends({subject, *named}, services.store)
    aliases = [ref for ref, end in ends.items() if end == ends[subject]]
    cards = services.store.cards(sorted({*aliases, subject, ends[subject]}))
    known_by = {identity for card in cards for identity in card.identities}
    known_by |= {of_ref(ref) for ref in aliases}
    others = [one.message() for one in told if one.identity not in known_by]
    if len(others) < len(told):
        for message in others:
            park(message, item.reason, services, item.parked_at)
        services.settings.unpark(item)


def _read(
    item: ParkedItem, connection: Connection, services: Services
) -> tuple[Collection[Ref], Mapping[Reason, list[Told]]]:
    """Whom it names, and what it tells of them. Raises ``DeliveryUnreadable``."""
    if not is_delivery(item.message):
        told = told_of(item.message)
        reason = Reason(str(item.message.get("reason", Reason.READ)))
        return [one.ref for one in told], {reason: told}
    connector = services.load_connector(connection.crm)
    events = connector.parse(delivered_request(item.message), connection)
    named = [event.ref for event in events if event.ref is not None]
    return named, sift(events, is_signed=connector.signs)


def _ends(refs: Collection[Ref], store: SubjectStore) -> Mapping[Ref, Ref]:
    """Who each of them is by now, after all merges."""
    ends = {ref: ref for ref in refs}
    for _ in range(LONGEST_CHAIN):
        cards = store.cards(sorted(set(ends.values())))
        into = {card.ref: card.stub.into for card in cards if card.stub and card.stub.into}
        if not into:
            break
        ends = {ref: into.get(end, end) for ref, end in ends.items()}
    return ends
