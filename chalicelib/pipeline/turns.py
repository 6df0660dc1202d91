"""When each connection had its turn to be trained, and what went wrong.

Turns go round: whose last one is longest ago comes first, also if that one never came to an end, so
that no connection takes the time of all others every time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from chalicelib.core.facts import iso, parse_instant
from chalicelib.pipeline.services import Services

CHECKPOINT = "training"

REST = timedelta(days=1)
"""Before a run is begun again after one that was given up."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Turn:
    """The last that a connection had. ``fault`` stays until its training goes well again."""

    began: datetime | None = None
    fault: str = ""
    rests_until: datetime | None = None

    @classmethod
    def of(cls, connection: str, services: Services) -> Turn:
        state = cast(Any, services.settings.checkpoint(connection, CHECKPOINT)) or {}
        began, rests = state.get("began"), state.get("rests_until")
        return cls(
            parse_instant(began) if began else None,
            state.get("fault", ""),
            parse_instant(rests) if rests else None,
        )

    def keep(self, connection: str, services: Services) -> None:
        state = {
            "began": iso(self.began) if self.began else None,
            "fault": self.fault,
            "rests_until": iso(self.rests_until) if self.rests_until else None,
        }
        services.settings.set_checkpoint(connection, CHECKPOINT, state)

    def is_resting(self, now: datetime) -> bool:
        return self.rests_until is not None and now < self.rests_until


def in_turn(connections: Iterable[str], services: Services) -> list[str]:
    """Who waited longest is first."""
    return sorted(connections, key=lambda one: Turn.of(one, services).began or _LONG_AGO)


def begin(connection: str, services: Services) -> None:
    turn = replace(Turn.of(connection, services), began=services.clock.now())
    turn.keep(connection, services)


def note_fault(connection: str, fault: Exception, services: Services, *, rests: bool) -> None:
    until = services.clock.now() + REST if rests else None
    told = f"{type(fault).__name__}: {fault}"
    turn = replace(Turn.of(connection, services), fault=told, rests_until=until)
    turn.keep(connection, services)


def went_well(connection: str, services: Services) -> None:
    turn = Turn.of(connection, services)
    if turn.fault or turn.rests_until:
        replace(turn, fault="", rests_until=None).keep(connection, services)
