"""Messages that ring for announcements: one for each way that one is to take, by reference.

They are sent *before* the announcement is saved: a bell that finds nothing in the outbox goes away
by itself, but an announcement without a bell would stay unheard. So nothing has to be noted on the
card, and no sweep has to look for what a death between saving and ringing has left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.core.announcements import WAYS, Announcement, Way
from chalicelib.core.errors import DeliveryUnreadable
from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Json, Ref
from chalicelib.pipeline.messages import refs_of
from chalicelib.pipeline.services import Services

SAVED_WITHIN = timedelta(minutes=10)
"""Of its bell: longer than the function may run that saves an announcement."""

TRIED_FOR = timedelta(days=1)

SETTLES_IN_S = 1
"""Until a bell is heard for the first time, so that it seldom comes before the save."""


@dataclass(frozen=True, slots=True)
class Bell:
    """``again`` was asked for by a person: what was in doubt is to be tried once more."""

    subject: Ref
    id: str
    way: Way
    rung_at: datetime
    again: bool = False

    @property
    def tried_until(self) -> datetime:
        return self.rung_at + TRIED_FOR


def bells(announcements: Iterable[Announcement], now: datetime) -> list[dict[str, Json]]:
    return [
        {
            "connection": one.subject.connection,
            "refs": [str(one.subject)],
            "announcement": one.id,
            "way": way,
            "rung_at": iso(now),
        }
        for one in announcements
        for way in one.to
    ]


def ring_bells(announcements: Sequence[Announcement], services: Services) -> None:
    """Raises ``Retryable``; then nothing may be saved."""
    messages = bells(announcements, services.clock.now())
    services.announce.send(messages, delay_seconds=SETTLES_IN_S)


def is_bell(body: Mapping[str, Json]) -> bool:
    return "announcement" in body


def bell_of(body: Mapping[str, Json]) -> Bell:
    """Raises ``DeliveryUnreadable``."""
    (subject, *others), way = refs_of(body) or (None,), body.get("way")
    if subject is None or others or way not in WAYS:
        raise DeliveryUnreadable("a bell is of one subject and one way")
    try:
        rung_at = parse_instant(str(body["rung_at"]))
    except (KeyError, ValueError) as error:
        raise DeliveryUnreadable(f"the queued bell is damaged: {error}") from error
    again = bool(body.get("again"))
    return Bell(subject, str(body.get("announcement")), way, rung_at, again)


def unrung(body: Mapping[str, Json]) -> dict[str, Json]:
    """As it is parked: the same whenever that happens."""
    return {name: value for name, value in body.items() if name not in ("rung_at", "again")}


def rung_again(body: Mapping[str, Json], now: datetime) -> dict[str, Json]:
    """As a person has it tried again."""
    return {**body, "rung_at": iso(now), "again": True}
