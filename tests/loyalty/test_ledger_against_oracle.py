"""The ledger against single tokens: whatever happens, in whatever order it comes in."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
)

from chalicelib.core.facts import Fact
from chalicelib.loyalty.adjustments import Adjustment
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.entries import Entry
from chalicelib.loyalty.member import Member
from chalicelib.loyalty.merge import Merged
from chalicelib.loyalty.program import Programs
from chalicelib.loyalty.redemption import Insufficient, KeyTaken, Spending
from chalicelib.loyalty.snapshot import restore, snapshot
from tests.loyalty.scenario import policy_of
from tests.loyalty.test_scenarios import assert_balanced
from tests.oracle.loyalty import NaiveLedger
from tests.oracle.standing import naive_loyalty
from tests.scoring.examples import activity, bought, refunded

TEXT = {"en": "Words", "fa": "واژه"}
START = datetime(2025, 3, 10, 20, 30, tzinfo=UTC)
"""Midnight in Tehran, ten days before a Jalali year begins."""

BUY = {"id": "buy", "event": "purchase", "per_amount": {"step": 100}, "text": TEXT}
APP = {"id": "app", "event": "app.opened", "points": 4, "max_per_day": 2, "text": TEXT}
TWO = {"id": "two", "event": "purchase", "count": 2, "points": 25, "text": TEXT}
ONCE = {"id": "once", "event": "app.opened", "count": 2, "points": 9, "window": {"days": 5}}
AGAIN = {
    "id": "again", "event": "purchase", "sum": 700, "points": 11,
    "window": {"days": 10}, "once_per_window": False,
}  # fmt: skip
RUN = {
    "id": "run", "event": "purchase", "count": 1, "points": 13,
    "window": {"period": "week"}, "streak": 2,
}  # fmt: skip
MONTHS = {
    "id": "months", "event": "app.opened", "count": 1, "points": 8,
    "window": {"period": "month", "calendar": "gregorian"}, "streak": 3, "qualifies": False,
}  # fmt: skip
MANY = [{**mission, "text": TEXT} for mission in (ONCE, AGAIN, RUN, MONTHS)]


def tiers(silver=30, gold=60, **changes):
    levels = [("basic", 0), ("silver", silver), ("gold", gold)]
    rows = [{"id": name, "at_least": least, "text": TEXT} for name, least in levels]
    return {"levels": rows} | changes


TWICE = [{"id": "more", "factor": 1.5, "tiers": ["silver", "gold"]}]

SECTIONS = [
    {
        "earning": [BUY, APP],
        "missions": [TWO],
        "multipliers": TWICE,
        "expiry": {"kind": "days", "days": 20},
        "tiers": tiers(grace_days=8),
    },
    {
        "earning": [BUY, APP],
        "expiry": {"kind": "days", "days": 9, "round": "exact"},
        "pending_days": 3,
        "refunds": {"scope": "own"},
        "expired_grace_days": 5,
        "multipliers": TWICE,
        "tiers": tiers(
            window={"kind": "rolling", "days": 15},
            validity={"kind": "days", "days": 12},
            grace_days=4,
            downgrade="to_earned",
            immediate_downgrade=True,
        ),
    },
    {
        "earning": [BUY],
        "missions": [TWO],
        "expiry": {"kind": "end_of_month"},
        "refunds": {"shortage": "forgive"},
        "multipliers": TWICE,
        "tiers": tiers(window={"kind": "rolling", "days": 10}, validity={"kind": "none"}),
    },
    {
        "earning": [BUY | {"per_amount": {"step": 100, "points": 7}}, APP],
        "missions": [TWO],
        "expiry": {"kind": "inactivity", "days": 7},
        "multipliers": TWICE,
        "tiers": tiers(
            validity={"kind": "end_of_period"},
            grace_days=0,
            window={"kind": "year", "calendar": "gregorian"},
            pending_lifts=True,
        ),
        "pending_days": 2,
    },
    {
        "earning": [BUY, APP],
        "expiry": {"kind": "none"},
        "tiers": tiers(window={"kind": "lifetime"}, immediate_downgrade=True),
    },
    {
        "earning": [BUY, APP | {"max_per_day": 1, "max_total": 3}],
        "missions": MANY,
        "multipliers": TWICE,
        "tiers": tiers(
            500,
            1500,
            metric="spend",
            window={"kind": "rolling", "days": 30},
            validity={"kind": "days", "days": 10},
            grace_days=6,
        ),
    },
    {
        "earning": [BUY],
        "missions": [*MANY, TWO],
        "pending_days": 1,
        "multipliers": TWICE,
        "tiers": tiers(
            2,
            4,
            metric="count",
            window={"kind": "year", "calendar": "gregorian"},
            validity={"kind": "end_of_period"},
            grace_days=10,
            downgrade="to_earned",
            immediate_downgrade=True,
        ),
    },
    {
        "earning": [BUY, APP],
        "missions": MANY[2:],
        "multipliers": TWICE,
        "tiers": tiers(
            25,
            60.5,
            metric="index",
            index=[
                {"of": "spend", "weight": 0.6, "target": 900},
                {"of": "app.opened", "weight": 0.4, "target": 3},
            ],
            window={"kind": "rolling", "days": 12},
            validity={"kind": "none"},
        ),
    },
]
PROGRAMS = [policy_of(section).loyalty for section in SECTIONS]
GRACE = [section.get("expired_grace_days", 0) for section in SECTIONS]

hours = st.integers(-20 * 24, 30)
sections = st.sampled_from(range(len(SECTIONS)))
WHO = ("one", "two")


class Ledgers(RuleBasedStateMachine):
    """Two customers, side by side in the product and in the naive model."""

    rows = Bundle("rows")
    redemptions = Bundle("redemptions")

    @initialize(first=sections)
    def begin(self, first):
        self.now, self.count, self.first = START, 0, first
        self.later = {}
        self.section = first
        self.members = {name: Member(Programs.of(PROGRAMS[first])) for name in WHO}
        self.naive = {name: NaiveLedger(self.policies()) for name in WHO}
        self.gone = False
        for name in WHO:
            self.tell(name, [])

    def policies(self):
        changes = [(at, SECTIONS[place]) for at, place in sorted(self.later.items())]
        return [(START - timedelta(days=9999), SECTIONS[self.first]), *changes]

    def name(self, kind):
        self.count += 1
        return f"{kind}{self.count}"

    def who(self, name):
        return "one" if self.gone else name

    def tell(self, name, rows):
        name = self.who(name)
        self.members[name].learn([Fact.from_json(row) for row in rows], self.now)
        self.naive[name].learn(rows, self.now)

    # what happens

    @rule(target=rows, who=st.sampled_from(WHO), hour=hours, hundreds=st.integers(0, 900))
    def earn(self, who, hour, hundreds):
        at = self.now + timedelta(hours=hour)
        row = bought(self.name("order"), at, hundreds, currency="IRR")
        self.tell(who, [row])
        return row

    @rule(target=rows, who=st.sampled_from(WHO), hour=hours)
    def use(self, who, hour):
        row = activity("app.opened", self.now + timedelta(hours=hour), self.name("use"))
        self.tell(who, [row])
        return row

    @rule(target=rows, who=st.sampled_from(WHO), hour=hours, of=st.integers(1, 12),
          hundreds=st.integers(1, 900))  # fmt: skip
    def refund(self, who, hour, of, hundreds):
        """Perhaps of what is bought later, or never."""
        row = refunded(
            self.name("back"), f"order{of}", self.now + timedelta(hours=hour), hundreds, "IRR"
        )
        self.tell(who, [row])
        return row

    @rule(row=rows, who=st.sampled_from(WHO))
    def duplicate(self, row, who):
        """Or told of the other customer as well."""
        self.tell(who, [row, row])

    @rule(days=st.integers(1, 60))
    def time_passes(self, days):
        self.now += timedelta(days=days)
        for name in WHO:
            self.tell(name, [])

    @rule(minutes=st.integers(1, 3000))
    def a_little_time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)
        for name in WHO:
            self.tell(name, [])

    @rule(target=redemptions, who=st.sampled_from(WHO), points=st.integers(1, 60))
    def redeem(self, who, points):
        who, name = self.who(who), self.name("spent")
        done = self.naive[who].redeem(name, points, self.now)
        if done:
            self.members[who].redeem(Spending(name, points), self.now)
        else:
            with pytest.raises(Insufficient):
                self.members[who].redeem(Spending(name, points), self.now)
        return (who, name, points, done, self.gone)

    @rule(spent=redemptions)
    def redeem_again(self, spent):
        who, name, points, done, when = spent
        if done and when == self.gone:
            assert self.members[who].redeem(Spending(name, points), self.now) == []
            with pytest.raises(KeyTaken):
                self.members[who].redeem(Spending(name, points + 1), self.now)
            self.naive[who].catch_up(self.now)

    @rule(spent=consumes(redemptions))
    def cancel(self, spent):
        who, name, _, done, when = spent
        if not done:
            return
        known = f"two/{name}" if self.gone and not when and who == "two" else name
        who = self.who(who)
        for _ in range(2):
            self.members[who].cancel(name, self.now, "somebody", "a reason")
            self.naive[who].cancel(known, self.now, GRACE[self.section])

    @rule(who=st.sampled_from(WHO), points=st.integers(-30, 30).filter(bool))
    def adjust(self, who, points):
        who, name = self.who(who), self.name("case")
        adjustment = Adjustment(name, points, "somebody", "a reason")
        if self.naive[who].adjust(name, points, SECTIONS[self.section], self.now):
            self.members[who].adjust(adjustment, self.now)
        else:
            with pytest.raises(Insufficient):
                self.members[who].adjust(adjustment, self.now)

    @precondition(lambda self: self.now not in self.later)
    @rule(place=sections)
    def policy_change(self, place):
        self.later[self.now], self.section = place, place
        later = {at: PROGRAMS[one] for at, one in self.later.items()}
        programs = Programs.of(PROGRAMS[self.first], later)
        for name in WHO:
            self.members[name].govern(programs, self.now)
            self.naive[name].policies = self.policies()
            self.naive[name].catch_up(self.now)

    @precondition(lambda self: not self.gone)
    @rule()
    def merge(self):
        one, two = self.members["one"], self.members["two"]
        merged = Merged("two", two.tier or "", two.course.tiers.valid_until)
        one.absorb(two, merged, self.now)
        self.naive["one"].absorb(self.naive["two"], "two", self.now)
        self.gone = True

    # what must hold

    @invariant()
    def balances(self):
        for name in self.alive():
            assert_balanced(self.members[name].book)

    @invariant()
    def points_are_the_tokens(self):
        for name in self.alive():
            book, naive = self.members[name].book, self.naive[name]
            held = {lot: one.remaining for lot, one in book.holdings.items() if one.remaining}
            assert held == naive.remaining()
            assert (book.available, book.pending, book.debt) == (
                naive.available,
                naive.pending,
                naive.debt,
            )

    @invariant()
    def the_tier_is_the_one_that_is_worked_out_anew(self):
        for name in self.alive():
            course, walk = self.members[name].course.tiers, self.naive[name].walk
            assert (course.level.name, course.state) == (walk.tier(), walk.state)
            assert (course.valid_until, course.grace_until) == (walk.until, walk.grace)

    @invariant()
    def what_is_told_of_tier_and_missions_is_told_alike(self):
        for name in self.alive():
            row = without_texts(self.members[name].standing(self.now).to_json())
            walk = self.naive[name].walk
            naive = naive_loyalty(walk, self.now, 0)
            for member in ("tier", "valid_until", "progress", "missions"):
                assert row[member] == naive[member]

    @invariant()
    def all_that_is_earned_is_granted_and_no_more(self):
        for name in self.alive():
            member = self.members[name]
            earned = {key: one.points for key, one in member.course.earned.items() if one.points}
            granted = {key: points for key, points in member.book.granted.items() if points}
            assert granted == earned
            naive = {key: one["points"] for key, one in self.naive[name].walk.earned.items()}
            assert {key: points for key, points in naive.items() if points} == earned

    @rule()
    def replay(self):
        """From its entries, as JSON, and from a snapshot in the middle, a book is the same."""
        for name in self.alive():
            member = self.members[name]
            made = [Entry.from_json(entry.to_json()) for entry in member.made]
            assert len({entry.id for entry in made}) == len(made)
            half = len(made) // 2
            resumed = restore(snapshot(Book.of(made[:half])))
            assert all(resumed.apply(entry) for entry in made[half:])
            stored = restore(json.loads(json.dumps(snapshot(member.book))))
            for book in (Book.of(made), resumed, stored):
                assert book.settle(self.now) == []
                assert_same(book, member.book)
            anew = Member(member.programs, member.facts, Book.of(made))
            assert anew.catch_up(self.now) == []

    def alive(self):
        return ("one",) if self.gone else WHO


def without_texts(value):
    if isinstance(value, dict):
        return {key: without_texts(one) for key, one in value.items() if key != "text"}
    return [*map(without_texts, value)] if isinstance(value, list) else value


def assert_same(book, other):
    def state(one):
        counts = {
            name: (held.points, held.remaining, held.used, held.reversed, held.expired)
            for name, held in one.holdings.items()
        }
        return counts, one.debt, one.available, one.pending, one.totals, one.granted

    assert state(book) == state(other)


TestLedgers = Ledgers.TestCase
TestLedgers.settings = settings(
    max_examples=100,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
