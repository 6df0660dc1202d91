"""One look at somebody for announcements, made while their card is: see ``announcing``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from chalicelib import logs
from chalicelib.announcing import (
    Loyalty,
    Sight,
    due,
    first_sight,
    seen,
    under_new_edition,
    upcoming,
)
from chalicelib.core.announcements import Announcement, Occasion, Seen
from chalicelib.core.card import ScoreCard
from chalicelib.core.policy import Policy
from chalicelib.core.standing import WARNING
from chalicelib.core.stored import Collection, LedgerRow
from chalicelib.loyalty.entries import Entry
from chalicelib.loyalty.notices import Notice, notices
from chalicelib.loyalty.spans import FIRST
from chalicelib.pipeline.membership import Ledger
from chalicelib.scoring import Assessment

MOST_AT_ONCE = 50
"""Announcements of one save. What is more comes of a history that is told at once; of that the
latest are told.
"""

_BY_NOTICES: frozenset[Occasion] = frozenset(
    {"tier_up", "tier_down", "tier_grace", "points_expiring"}
)


@dataclass(frozen=True, slots=True)
class Look:
    """``next_at`` is when time alone makes an announcement due."""

    seen: Seen | None = None
    announcements: tuple[Announcement, ...] = ()
    next_at: datetime | None = None


NO_LOOK = Look()


@dataclass(frozen=True, slots=True)
class Scored:
    """A subject's facts as of now, scored."""

    assessment: Assessment
    card: ScoreCard

    def sight(self, made: str, loyalty: Loyalty) -> Sight:
        standing = self.assessment.standing
        return Sight(
            card=self.card,
            made=made,
            stage=standing.stage if standing else None,
            since=standing.since if standing else None,
            attributes=self.assessment.profile.attributes,
            loyalty=loyalty,
        )


@dataclass(frozen=True, slots=True)
class Looks:
    """By what is announced, and by which versions. ``is_silent`` while a history is collected."""

    policy: Policy
    made: str
    is_silent: bool = False

    def at(self, now: Scored, old: Scored | None, collection: Collection, found: Ledger) -> Look:
        """``old`` is what the present policy says of the facts of before, if it is asked for."""
        sight = now.sight(self.made, self._loyalty(now, collection, found))
        before = self._before(sight, old, collection)
        told = () if self.is_silent else _latest(due(before, sight, self.policy))
        return Look(seen(before, sight, self.policy), told, upcoming(sight, self.policy))

    def asks_for_old(self, collection: Collection) -> bool:
        """After a publication."""
        held = collection.card.seen
        return held is not None and held.made != self.made

    def _before(self, sight: Sight, old: Scored | None, collection: Collection) -> Seen:
        held = collection.card.seen
        if not collection.card.version:
            return first_sight(sight, self.policy)
        if held is None:  # no row was in force when the card was made
            return Seen(sight.now)
        if old is None:
            return held
        return under_new_edition(held, old.sight(self.made, sight.loyalty), self.policy)

    def _loyalty(self, now: Scored, collection: Collection, found: Ledger) -> Loyalty:
        standing, held = now.card.loyalty, collection.card.seen
        rows = (*collection.ledger, *found.rows)
        if standing is None:
            return Loyalty(last_entry=rows[-1].number if rows else 0)
        tier = standing.tier
        warnings = (one.at for one in standing.upcoming if one.what == WARNING)
        return Loyalty(
            tier=tier.name if tier else None,
            grace_until=tier.grace_until if tier else None,
            balance=standing.points,
            notices=self._notices(found, now.card.at),
            entries=_entries(rows, after=held.entry if held else 0),
            last_entry=rows[-1].number if rows else 0,
            warns_at=min((at for at in warnings if at > now.card.at), default=None),
        )

    def _notices(self, found: Ledger, now: datetime) -> Sequence[Notice]:
        member = found.member
        if member is None or not any(one.event in _BY_NOTICES for one in self.policy.announcements):
            return ()
        return notices(member.book, member.course, member.program(now), FIRST, now)


def _entries(rows: Sequence[LedgerRow], after: int) -> tuple[tuple[int, Entry], ...]:
    return tuple(
        (row.number, Entry.from_json(cast("dict[str, Any]", row.entry)))
        for row in rows
        if row.number > after
    )


def _latest(told: tuple[Announcement, ...]) -> tuple[Announcement, ...]:
    if len(told) <= MOST_AT_ONCE:
        return told
    logs.warning("not all is announced", subject=str(told[0].subject), found=len(told))
    return tuple(sorted(told, key=lambda one: one.at)[-MOST_AT_ONCE:])
