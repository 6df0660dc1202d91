"""A person asked to be forgotten: nothing of them stays, and nothing brings them back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chalicelib import logs
from chalicelib.core.connector import Connection
from chalicelib.core.errors import Parked
from chalicelib.core.model import Ref
from chalicelib.core.ports import ParkedItem
from chalicelib.pipeline.messages import (
    Reason,
    delivered_request,
    is_delivery,
    refs_messages,
    refs_of,
)
from chalicelib.pipeline.park import park
from chalicelib.pipeline.scorer import scorer
from chalicelib.pipeline.services import Services


def erase(subject: Ref, services: Services, now: datetime) -> None:
    """Remove facts, card and history, and what waits parked; a salted tombstone stays.

    What the CRM shows of the person is the CRM's to remove: it asked for this, or is asked by
    whoever did. Backups of the tables age out by themselves. Raises ``Conflict``.
    """
    live = services.settings.live(subject.connection)
    scorer(live, services.store, now, Reason.ERASE).erase(subject)
    for item in services.settings.parked(subject.connection):
        _forget_parked(item, subject, live.connection, services, now)
    logs.info("erased", connection=subject.connection)


def _forget_parked(
    item: ParkedItem, subject: Ref, connection: Connection, services: Services, now: datetime
) -> None:
    """Keep the others that a parked message names, by reference alone.

    A delivery that cannot be read cannot be searched either; it goes when its time is up.
    """
    try:
        refs = _named(item, connection, services)
    except Parked:
        return
    if subject not in refs:
        return
    others = [ref for ref in dict.fromkeys(refs) if ref != subject]
    reason = Reason(str(item.message.get("reason", Reason.READ)))
    for message in refs_messages(connection.id, others, reason):
        park(message, item.reason, services, now)
    services.settings.unpark(item)


def _named(item: ParkedItem, connection: Connection, services: Services) -> Sequence[Ref]:
    """Raises ``DeliveryUnreadable``."""
    if not is_delivery(item.message):
        return refs_of(item.message)
    connector = services.load_connector(connection.crm)
    events = connector.parse(delivered_request(item.message), connection)
    return [event.ref for event in events if event.ref is not None]
