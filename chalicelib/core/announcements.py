"""Announcements: what a policy wants told, and one thing that is to be told of somebody.

Who announces remembers per subject how it stood when it last looked, as ``Seen``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast, get_args

from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Json, Language, Ref, Text

Occasion = Literal[
    "tier_up", "tier_down", "tier_grace", "points_earned", "points_expiring", "reward_redeemed",
    "score_crossing", "stage_entered", "stage_left", "days_in_stage", "trial_ending",
    "satisfaction_drop",
]  # fmt: skip
OCCASIONS: tuple[Occasion, ...] = get_args(Occasion)

Way = Literal["crm_task", "crm_note", "event_bridge", "webhook", "email"]
WAYS: tuple[Way, ...] = get_args(Way)
"""How an announcement leaves the house."""

AT_MOST_ONCE: frozenset[Way] = frozenset({"crm_task", "crm_note", "email"})
"""Ways whose receiver cannot tell a repetition: they are claimed before they are used."""

ScoreName = Literal["score", "lead_score", "customer_score", "priority"]
SCORE_NAMES: tuple[ScoreName, ...] = get_args(ScoreName)


@dataclass(frozen=True, slots=True)
class Mailing:
    """Attributes that hold a customer's address, and whether they want no mail."""

    address: str
    opted_out: str


@dataclass(frozen=True, slots=True)
class AnnouncementRule:
    """A row of the section ``announcements``; which parameters it has depends on ``event``.

    ``threshold`` is of a score; ``days`` are those in a stage, or before the day that
    ``attribute`` holds; ``points`` are those of satisfaction. ``text`` is said to the rep and
    ``customer_text`` to the customer, None where the usual words will do.
    """

    id: str
    event: Occasion
    to: tuple[Way, ...]
    score: ScoreName = "score"
    threshold: float = 0
    direction: Literal["up", "down"] = "up"
    stage: str = ""
    days: int = 0
    attribute: str = ""
    points: float = 0
    text: Text | None = None
    customer_text: Text | None = None
    mailing: Mailing | None = None

    @property
    def meaning(self) -> str:
        """What it looks for, whatever it says of it and to whom.

        >>> AnnouncementRule("hot", "score_crossing", ("webhook",), threshold=70).meaning
        'hot score_crossing score 70 up'
        """
        of_score = (self.score, f"{self.threshold:g}", self.direction)
        parts = {
            "score_crossing": of_score,
            "satisfaction_drop": (f"{self.points:g}",),
            "trial_ending": (self.attribute, str(self.days)),
            "days_in_stage": (self.stage, str(self.days)),
        }
        return " ".join((self.id, self.event, *parts.get(self.event, (self.stage,)))).strip()


@dataclass(frozen=True, slots=True)
class Announcement:
    """``id`` is the same whenever the same change is found, see ``identity``.

    ``at`` is when it happened, ``data`` what: a tier, points, a stage. ``language`` is that of the
    policy, in which reps are told.
    """

    id: str
    subject: Ref
    rule: str
    kind: Occasion
    at: datetime
    data: Mapping[str, Json]
    rep: Text
    customer: Text
    to: tuple[Way, ...]
    language: Language = "en"
    mailing: Mailing | None = None

    def to_json(self) -> dict[str, Json]:
        return {
            "id": self.id,
            "subject": str(self.subject),
            "rule": self.rule,
            "kind": self.kind,
            "at": iso(self.at),
            "data": dict(self.data),
            "rep": {"en": self.rep.en, "fa": self.rep.fa},
            "customer": {"en": self.customer.en, "fa": self.customer.fa},
            "to": list(self.to),
            "language": self.language,
            "mailing": [self.mailing.address, self.mailing.opted_out] if self.mailing else None,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Announcement:
        return cls(
            id=row["id"],
            subject=Ref.parse(row["subject"]),
            rule=row["rule"],
            kind=row["kind"],
            at=parse_instant(row["at"]),
            data=row["data"],
            rep=Text(**row["rep"]),
            customer=Text(**row["customer"]),
            to=tuple(row["to"]),
            language=row["language"],
            mailing=Mailing(*row["mailing"]) if row["mailing"] else None,
        )


def identity(subject: Ref, rule: str, what: str) -> str:
    """A name for what happened to whom, and when, of which no two are alike.

    >>> identity(Ref("hubspot-main", "contact", "1"), "gold", "tier_up:2026-03-21T00:00:00.000Z")
    'ann_fd8011694a097fc5e7314842fe8de3fb'
    """
    text = f"{subject}\n{rule}\n{what}"
    return "ann_" + hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Seen:
    """How somebody stood ``at`` the last look. None, or a name that is missing, is unknown.

    ``made`` are the versions that it was looked at by. ``entry`` is the number of the last line
    of the ledger. ``dates`` are attributes as texts. ``peaks`` are the best satisfaction of each
    rule since it last announced. ``rules`` are the rows that were in force, each
    by its ``AnnouncementRule.meaning``.

    ``known`` is false of somebody who was never looked at. With ``ledger_by_time`` tier and ledger
    are unknown, and what happened ``at`` the last look or before is taken for told.
    """

    at: datetime
    made: str = ""
    entry: int = 0
    scores: Mapping[str, int] = field(default_factory=dict)
    tier: str | None = None
    in_grace: bool | None = None
    stage: str | None = None
    stage_since: datetime | None = None
    dates: Mapping[str, str] = field(default_factory=dict)
    peaks: Mapping[str, float] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    known: bool = True
    ledger_by_time: bool = False

    def to_json(self) -> dict[str, Json]:
        return {
            "at": iso(self.at),
            "made": self.made,
            "entry": self.entry,
            "scores": dict(self.scores),
            "tier": self.tier,
            "in_grace": self.in_grace,
            "stage": self.stage,
            "stage_since": iso(self.stage_since) if self.stage_since else None,
            "dates": dict(self.dates),
            "peaks": dict(self.peaks),
            "rules": list(self.rules),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Json]) -> Seen:
        held = cast(Mapping[str, Any], row)
        since = held["stage_since"]
        return cls(**{
            **held,
            "at": parse_instant(held["at"]),
            "stage_since": parse_instant(since) if since else None,
            "rules": tuple(held["rules"]),
        })  # fmt: skip
