"""Wake the cards that are due: their value changes by itself, or they were left unwritten."""

from __future__ import annotations

from datetime import datetime

from chalicelib import logs
from chalicelib.core.errors import ConfigurationError
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.services import Services

MOST_PER_RUN = 5_000
"""Cards woken per connection and run; the rest is due again a minute later."""


def sweep(services: Services, now: datetime) -> int:
    """Queue every due card for scoring; returns how many were woken.

    A connection that is half made is told of at the end, so that it stops no other.
    """
    woken, faults = 0, []
    for connection in services.settings.connections():
        try:
            woken += _wake(connection.id, services, now)
        except ConfigurationError as fault:
            faults.append(fault)
    logs.info("swept", woken=woken)
    if faults:
        raise faults[0]
    return woken


def _wake(connection: str, services: Services, now: datetime) -> int:
    if _is_paused(connection, services, now):
        return 0  # they stay due, and nothing would come of it
    due = services.store.due(connection, now, MOST_PER_RUN)
    services.intake.send(refs_messages(connection, due, Reason.SWEEP))
    return len(due)


def _is_paused(connection: str, services: Services, now: datetime) -> bool:
    paused_until = services.settings.live(connection).paused_until
    return paused_until is not None and paused_until > now
