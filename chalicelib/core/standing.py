"""How somebody stands in a loyalty programme at one instant: points, tier, missions, what comes.

``upcoming`` names every instant at which something of it changes by itself: points become
available or expire, a warning of that is due, the tier is reviewed or its grace ends, the window of
that review opens, the metric falls because its year ends or a contribution leaves it, a mission's
window opens or closes, something dated ahead comes true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from chalicelib.core.facts import iso
from chalicelib.core.model import Json, Money, Text

WARNING = "points_expiring"
"""What is upcoming where points will die so soon that it is time to say so."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """The points that die first, and when."""

    points: int
    at: datetime
    text: Text


@dataclass(frozen=True, slots=True)
class Goal:
    """So much more of the metric is wanted, ``by`` an instant where there is one."""

    level: str
    missing: Fraction
    text: Text
    by: datetime | None = None


@dataclass(frozen=True, slots=True)
class TierStanding:
    """``value`` is the metric over ``(begins, ends]``; ``largest`` are what it is made of most.

    ``next`` is what the next level wants, ``keep`` what the next review or the end of the grace
    wants more than there is. ``progress`` is the way to the next level, 0-100. ``place`` counts the
    levels below, and ``top`` is that of the highest one.
    """

    name: str
    text: Text
    place: int
    top: int
    state: str
    valid_until: datetime | None
    grace_until: datetime | None
    value: Fraction
    begins: datetime
    ends: datetime
    largest: tuple[tuple[str, int], ...]
    next: Goal | None
    keep: Goal | None
    progress: int


@dataclass(frozen=True, slots=True)
class MissionStanding:
    id: str
    value: int
    target: int
    ends: datetime | None
    streak: int
    text: Text


@dataclass(frozen=True, slots=True)
class Upcoming:
    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Standing:
    """``points`` can be spent, ``pending`` not yet; ``value`` is what the points are worth.

    ``earned`` is what was granted and not taken back since, by the time of what it was granted for,
    oldest first.
    """

    at: datetime
    points: int
    pending: int
    debt: int
    value: Money
    expiring: Expiring | None
    tier: TierStanding | None
    missions: tuple[MissionStanding, ...]
    upcoming: tuple[Upcoming, ...]
    earned: tuple[tuple[datetime, int], ...] = ()

    @property
    def next_change_at(self) -> datetime | None:
        return self.upcoming[0].at if self.upcoming else None

    @property
    def changes_at(self) -> datetime | None:
        """The same without warnings, which change nothing that a card says."""
        return next((one.at for one in self.upcoming if one.what != WARNING), None)

    def to_json(self) -> dict[str, Json]:
        """As the member ``loyalty`` of a card."""
        tier = self.tier
        return {
            "points": self.points,
            "pending": self.pending,
            "debt": self.debt,
            "value": self.value.to_json(),
            "expiring": _expiring_json(self.expiring),
            "tier": tier.name if tier else None,
            "valid_until": _iso(tier.valid_until) if tier else None,
            "progress": _progress_json(tier) if tier else None,
            "missions": [_mission_json(one) for one in self.missions],
            "next_change_at": _iso(self.next_change_at),
        }


@dataclass(frozen=True, slots=True)
class Membership:
    """How somebody stands; ``rated`` says it for a customer score, where tiers go by that."""

    standing: Standing
    rated: Callable[[int], Standing] | None = None

    def by(self, score: int) -> Standing:
        return self.rated(score) if self.rated else self.standing


def _iso(at: datetime | None) -> str | None:
    return iso(at) if at else None


def _text_json(text: Text) -> dict[str, Json]:
    return {"en": text.en, "fa": text.fa}


def _expiring_json(one: Expiring | None) -> Json:
    return {"points": one.points, "at": iso(one.at), "text": _text_json(one.text)} if one else None


def _progress_json(tier: TierStanding) -> dict[str, Json]:
    return {
        "state": tier.state,
        "grace_until": _iso(tier.grace_until),
        "metric": _plain(tier.value),
        "share": tier.progress,
        "next": _goal_json(tier.next),
        "keep": _goal_json(tier.keep),
        "largest": [[key, value] for key, value in tier.largest],
    }


def _goal_json(goal: Goal | None) -> Json:
    if goal is None:
        return None
    row: dict[str, Json] = {
        "level": goal.level,
        "missing": _plain(goal.missing),
        "text": _text_json(goal.text),
    }
    return row | ({"by": iso(goal.by)} if goal.by else {})


def _mission_json(one: MissionStanding) -> dict[str, Json]:
    return {
        "id": one.id,
        "value": one.value,
        "target": one.target,
        "ends": _iso(one.ends),
        "streak": one.streak,
        "text": _text_json(one.text),
    }


def _plain(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else round(float(value), 6)
