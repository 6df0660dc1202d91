"""One customer of a programme through time: what is learned, what is asked for, what comes of it.

A ``Member`` holds a course and a book and keeps them together. Whoever stores entries makes one
from what is stored, lets it ``learn`` what is new or do what is asked for, and appends what is
``made``.

>>> from datetime import UTC, timedelta
>>> from zoneinfo import ZoneInfo
>>> from chalicelib.core.facts import Fact
>>> from chalicelib.core.loyalty import EarningRule, Program
>>> from chalicelib.core.model import Ref, Text
>>> rule = EarningRule("review", "review.posted", 5, Text("", ""), max_per_day=1)
>>> programs = Programs.of(Program(ZoneInfo("Asia/Tehran"), "jalali", "IRR", earning=(rule,)))
>>> day = datetime(2026, 3, 21, tzinfo=UTC)
>>> who = Ref("hubspot-main", "contact", "1")
>>> data = {"kind": "review.posted"}
>>> posted = [Fact(who, "activity", str(n), day + timedelta(hours=12 * n), data)
...           for n in range(3)]
>>> member = Member(programs)
>>> [entry.id for entry in member.learn(posted, day + timedelta(days=2))]
['earn:review:review.posted:0:1', 'earn:review:review.posted:2:1']
>>> member.learn(posted, day + timedelta(days=3)), member.book.available
([], 10)
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chalicelib.core.facts import Fact, FactSet
from chalicelib.core.loyalty import Program
from chalicelib.core.model import Ref
from chalicelib.core.standing import Membership, Standing
from chalicelib.loyalty.adjustments import Adjustment, adjust
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.course import Course
from chalicelib.loyalty.difference import difference, kept
from chalicelib.loyalty.entries import Entry
from chalicelib.loyalty.happenings import happenings
from chalicelib.loyalty.merge import Merged, joins, merge
from chalicelib.loyalty.program import Programs
from chalicelib.loyalty.redemption import Spending, cancel, redeem
from chalicelib.loyalty.rewards import Given, redeem_reward
from chalicelib.loyalty.standing import rated, standing

MEMBERS = frozenset({"contact", "lead"})
"""Kinds of records that points are given to: people, and not also the company they buy for."""


class Member:
    """``made`` are all entries since the member was made, in the order in which they belong."""

    def __init__(
        self, programs: Programs, facts: FactSet | None = None, book: Book | None = None
    ) -> None:
        self.programs = programs
        self.facts = facts or FactSet()
        self.book = book or Book()
        self.made: list[Entry] = []
        self.course = self._course()

    def learn(self, facts: Iterable[Fact], now: datetime) -> list[Entry]:
        """Facts that have come in, whenever they happened."""
        known = self.facts.merge(facts)
        if known.beyond(self.facts):
            self.facts = known
            self.course = self._course()
        return self.catch_up(now)

    def catch_up(self, now: datetime) -> list[Entry]:
        """All that facts, time and policies brought about by ``now``."""
        self.course.advance(now)
        return self._keep(difference(self.book, self.course, now))

    def go(self, until: datetime) -> list[Entry]:
        """As ``catch_up``, but as if somebody had looked at every instant in between."""
        made: list[Entry] = []
        while (at := self.course.next_at()) is not None and at <= until:
            changes = self.course.advance(at)
            made += difference(self.book, self.course, at, {change.key for change in changes})
        self.course.advance(until)
        return self._keep([*made, *self.book.settle(until)])

    def govern(self, programs: Programs, now: datetime) -> list[Entry]:
        """By another history of policies, usually one that is longer by one."""
        self.programs = programs
        self.course = self._course()
        return self.catch_up(now)

    def redeem(self, spending: Spending, now: datetime) -> list[Entry]:
        self.catch_up(now)
        return self._keep(redeem(self.book, spending, now))

    def redeem_reward(
        self,
        reward: str,
        asked: Spending,
        now: datetime,
        given: Given | None = None,
        score: int | None = None,
    ) -> list[Entry]:
        """``score`` is that of the customer, by which tiers may go."""
        self.catch_up(now)
        tier, given = self.tier_by(score, now), given or Given()
        program = self.program(now)
        return self._keep(redeem_reward(self.book, program, reward, asked, tier, given, now))

    def cancel(self, redemption: str, now: datetime, actor: str, reason: str) -> list[Entry]:
        self.catch_up(now)
        days = self.program(now).expired_grace_days
        return self._keep(
            cancel(self.book, redemption, now, expired_grace_days=days, actor=actor, reason=reason)
        )

    def adjust(self, adjustment: Adjustment, now: datetime) -> list[Entry]:
        self.catch_up(now)
        return self._keep(adjust(self.book, adjustment, self.program(now), now))

    def absorb(self, other: Member, merged: Merged, now: datetime) -> list[Entry]:
        """Take over facts and ledger of a record that is merged into this one."""
        merge_entries = self._keep(merge(self.book, other.made, merged, now))
        self.facts = self.facts.merge(other.facts)
        self.course = self._course()
        return [*merge_entries, *self.catch_up(now)]

    def standing(self, now: datetime) -> Standing:
        """After ``catch_up`` or ``go`` to ``now``."""
        return standing(self.book, self.course, self.program(now), now)

    def membership(self, now: datetime) -> Membership:
        """The same for whoever scores: tiers by score are left to them."""
        told, program = self.standing(now), self.program(now)
        if program.tiers is None or program.tiers.metric != "score":
            return Membership(told)
        return Membership(told, lambda score: rated(told, program, score))

    def tier_by(self, score: int | None, now: datetime) -> str | None:
        """After ``catch_up`` to ``now``."""
        program = self.program(now)
        if score is None or program.tiers is None or program.tiers.metric != "score":
            return self.tier
        told = rated(self.standing(now), program, score).tier
        return told.name if told else None

    def program(self, now: datetime) -> Program:
        return self.programs.at(now)

    @property
    def tier(self) -> str | None:
        return self.course.tiers.level.name if self.course.tiers else None

    def _course(self) -> Course:
        happened = happenings(self.facts, self.programs.first.currency)
        remembered = kept(self.book, happened, self.programs)
        return Course(happened, self.programs, remembered, joins(self.book))

    def _keep(self, entries: list[Entry]) -> list[Entry]:
        self.made += entries
        return entries


def membership_of(
    subject: Ref, facts: FactSet, programs: Programs | None, now: datetime
) -> Membership | None:
    """By facts alone, of somebody who has spent nothing. None for who is in no programme."""
    if programs is None or subject.kind not in MEMBERS:
        return None
    member = Member(programs, facts)
    member.catch_up(now)
    return member.membership(now)
