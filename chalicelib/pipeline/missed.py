"""Of changes that a CRM could not tell singly, there were so many: since when to look for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib import logs
from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Json
from chalicelib.pipeline.services import Services

MISSED = "missed"
"""Name of the checkpoint: ``since`` is when the earliest of them were made."""

MARGIN = timedelta(minutes=5)
"""Before the time that is told of them."""

UNDATED = timedelta(days=3)
"""How far to look back where no time is told; no bus keeps an event for longer."""


def look_back(
    connection: str, times: Sequence[datetime | None], services: Services, now: datetime
) -> None:
    """Have the next reconcile look for what changed since the earliest of ``times``."""
    since = min(at - MARGIN if at else now - UNDATED for at in times)
    is_kept = False
    while not is_kept:
        held = services.settings.checkpoint(connection, MISSED)
        before = missed_since(held)
        if before and before <= since:
            return
        is_kept = services.settings.move_checkpoint(connection, MISSED, held, {"since": iso(since)})
    logs.warning("changes were missed", connection=connection, since=iso(since))


def settle(connection: str, held: Mapping[str, Json], services: Services) -> None:
    """What ``held`` told of is being looked for; what was missed meanwhile is not."""
    services.settings.move_checkpoint(connection, MISSED, held, {"since": None})


def missed_since(held: Mapping[str, Json] | None) -> datetime | None:
    since = held["since"] if held else None
    return parse_instant(str(since)) if since else None
