"""How somebody stands now, as far as announcements go by it, and what is remembered of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib.core.announcements import AnnouncementRule, Seen
from chalicelib.core.card import ScoreCard
from chalicelib.core.model import Json
from chalicelib.core.policy import Policy
from chalicelib.localization.periods import midnight
from chalicelib.localization.reading import day_of
from chalicelib.loyalty.entries import Entry
from chalicelib.loyalty.notices import Notice

FIRST_LOOKS_BACK = timedelta(hours=1)
"""Of somebody seen for the first time, what happened longer ago belongs to the past."""


@dataclass(frozen=True, slots=True)
class Loyalty:
    """``tier`` is None without tiers, ``balance`` what can be spent.

    ``notices`` are all that were ever due, ``entries`` lines of the ledger by their number; those
    that the last look saw may be left out. Points come near their end at ``warns_at``.
    """

    tier: str | None = None
    grace_until: datetime | None = None
    balance: int = 0
    notices: Sequence[Notice] = ()
    entries: Sequence[tuple[int, Entry]] = ()
    last_entry: int = 0
    warns_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """All that announcements go by. ``made`` are the versions that ``card`` was made by.

    ``stage`` is that of the most advanced open deal, and ``since`` when it was entered.
    ``attributes`` are the person's.
    """

    card: ScoreCard
    made: str
    stage: str | None = None
    since: datetime | None = None
    attributes: Mapping[str, Json] | None = None
    loyalty: Loyalty = Loyalty()

    @property
    def now(self) -> datetime:
        return self.card.at

    @property
    def scores(self) -> Mapping[str, int]:
        """By their names in a policy; one that there is not is missing."""
        card = self.card
        found = {
            "score": card.score,
            "lead_score": card.lead.score,
            "customer_score": card.customer.score if card.customer else None,
            "priority": card.priority.score if card.priority else None,
        }
        return {name: value for name, value in found.items() if value is not None}

    def text(self, attribute: str) -> str:
        """Of an attribute, empty where it has no value."""
        value = (self.attributes or {}).get(attribute)
        return "" if value is None else str(value)


def first_sight(sight: Sight, policy: Policy) -> Seen:
    """What stands for the last look at somebody who was never looked at."""
    rules = _meanings(policy.announcements)
    at = sight.now - FIRST_LOOKS_BACK
    return Seen(at, sight.made, rules=rules, known=False, ledger_by_time=True)


def under_new_edition(before: Seen, old: Sight, policy: Policy) -> Seen:
    """How they stood at ``before``, by what is in force now.

    ``old`` is what that says of the facts of before. Tiers and lines of the ledger go by the time
    that they tell themselves.
    """
    noted = seen(before, old, policy)
    return replace(
        noted,
        at=before.at,
        entry=before.entry,
        tier=None,
        in_grace=None,
        rules=before.rules,
        known=before.known,
        ledger_by_time=True,
    )


def seen(before: Seen, sight: Sight, policy: Policy) -> Seen:
    """What is remembered of a sight until the next one."""
    loyalty, rules = sight.loyalty, policy.announcements
    return Seen(
        at=sight.now,
        made=sight.made,
        entry=max(before.entry, loyalty.last_entry),
        scores=sight.scores,
        tier=loyalty.tier,
        in_grace=loyalty.grace_until is not None if loyalty.tier else None,
        stage=sight.stage,
        stage_since=sight.since,
        dates={one.attribute: sight.text(one.attribute) for one in rules if one.attribute},
        peaks=dict(_peaks(before, sight, rules)),
        rules=_meanings(rules),
    )


def _meanings(rules: Sequence[AnnouncementRule]) -> tuple[str, ...]:
    return tuple(rule.meaning for rule in rules)


def fallen(before: Seen, sight: Sight, rule: AnnouncementRule) -> bool:
    """Whether satisfaction is so far below its peak."""
    peak, now = before.peaks.get(rule.id), sight.card.satisfaction
    return peak is not None and now is not None and peak - now.mean >= rule.points


def _peaks(
    before: Seen, sight: Sight, rules: Sequence[AnnouncementRule]
) -> Iterator[tuple[str, float]]:
    now = sight.card.satisfaction
    for rule in rules:
        if rule.event == "satisfaction_drop" and now:
            peak = before.peaks.get(rule.id, now.mean)
            yield rule.id, now.mean if fallen(before, sight, rule) else max(peak, now.mean)


def stay_told_at(rule: AnnouncementRule, sight: Sight) -> datetime | None:
    """When a stay in a stage is so long that it is told."""
    if rule.event != "days_in_stage" or sight.stage != rule.stage or sight.since is None:
        return None
    try:
        return sight.since + timedelta(days=rule.days)
    except OverflowError:  # of a deal that is dated as far ahead as dates go
        return None


def last_day(rule: AnnouncementRule, sight: Sight, zone: ZoneInfo) -> date | None:
    """Of the trial; None where the attribute holds no day."""
    return day_of(sight.text(rule.attribute), zone) if rule.event == "trial_ending" else None


def ending_told_at(
    rule: AnnouncementRule, sight: Sight, zone: ZoneInfo
) -> tuple[datetime, datetime] | None:
    """From when until when it is told that a trial ends."""
    day = last_day(rule, sight, zone)
    try:
        return (
            (midnight(day - timedelta(days=rule.days), zone), midnight(day + _DAY, zone))
            if day
            else None
        )
    except OverflowError:
        return None


_DAY = timedelta(days=1)


def upcoming(sight: Sight, policy: Policy) -> datetime | None:
    """The next instant at which time alone makes an announcement due.

    Those of tiers are among what changes the card itself.
    """
    stays = (stay_told_at(rule, sight) for rule in policy.announcements)
    endings = (ending_told_at(rule, sight, policy.time_zone) for rule in policy.announcements)
    warns = any(rule.event == "points_expiring" for rule in policy.announcements)
    found = [
        *stays,
        *(one[0] for one in endings if one),
        sight.loyalty.warns_at if warns else None,
    ]
    return min((at for at in found if at and at > sight.now), default=None)
