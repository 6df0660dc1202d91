"""Wake the cards that are due: their value changes by itself, or they were left unwritten."""

from __future__ import annotations

from datetime import datetime

from chalicelib import logs
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.services import Services

MOST_PER_RUN = 5_000
"""Cards woken per connection and run; the rest is due again a minute later."""


def sweep(services: Services, now: datetime) -> int:
    """Queue every due card for scoring; returns how many were woken."""
    woken = 0
    for connection in services.settings.connections():
        if _is_paused(connection.id, services, now):
            continue  # they stay due, and nothing would come of it
        due = services.store.due(connection.id, now, MOST_PER_RUN)
        services.intake.send(refs_messages(connection.id, due, Reason.SWEEP))
        woken += len(due)
    logs.info("swept", woken=woken)
    return woken


def _is_paused(connection: str, services: Services, now: datetime) -> bool:
    paused_until = services.settings.live(connection).paused_until
    return paused_until is not None and paused_until > now
