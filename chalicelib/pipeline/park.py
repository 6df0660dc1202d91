"""What cannot be processed is kept with its reason, and can be replayed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime

from chalicelib import logs
from chalicelib.core.facts import canonical
from chalicelib.core.model import Json
from chalicelib.core.ports import ParkedItem
from chalicelib.pipeline.bells import is_bell, rung_again
from chalicelib.pipeline.services import Services


def park(message: Mapping[str, Json], reason: str, services: Services, now: datetime) -> ParkedItem:
    """Keep a message that waits for a person; it can leave the queue.

    The same message parked again, by a sweep that meets the same card every minute, is one
    item with the latest reason. One that names no connection is kept under ``unknown``.
    """
    item = _item(message, reason, now)
    services.settings.park(item)
    logs.warning("parked", connection=item.connection, parked=item.id, reason=reason)
    return item


def unpark(message: Mapping[str, Json], services: Services, now: datetime) -> None:
    """Nobody has to look at it any more; does nothing where it was not parked."""
    services.settings.unpark(_item(message, "", now))


def _item(message: Mapping[str, Json], reason: str, now: datetime) -> ParkedItem:
    return ParkedItem(
        id=hashlib.sha256(canonical(message).encode()).hexdigest()[:20],
        connection=str(message.get("connection") or "unknown"),
        reason=reason,
        message=message,
        parked_at=now,
    )


def replay(
    connection: str, services: Services, only: Collection[str] = ()
) -> tuple[ParkedItem, ...]:
    """Queue parked messages again, all or those named; each leaves the park once it is queued."""
    waiting = services.settings.parked(connection)
    chosen = tuple(item for item in waiting if not only or item.id in only)
    for item in chosen:
        if is_bell(item.message):
            services.announce.send([rung_again(item.message, services.clock.now())])
        else:
            services.intake.send([item.message])
        services.settings.unpark(item)
    return chosen
