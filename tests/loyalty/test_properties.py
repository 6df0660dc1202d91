"""What must hold of every history: chapter 22 of the specification, and what is told to come."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.facts import Fact, FactSet
from chalicelib.loyalty.member import Member
from chalicelib.loyalty.program import Programs
from tests.loyalty.test_ledger_against_oracle import PROGRAMS, START
from tests.scoring.examples import activity, bought, refunded

TICK = timedelta(microseconds=1)
hours = st.integers(-40 * 24, 0)
programs = st.sampled_from(PROGRAMS).map(Programs.of)


def at(hour):
    return START + timedelta(hours=hour)


orders = st.builds(
    lambda name, hour, amount: bought(f"order{name}", at(hour), amount, currency="IRR"),
    st.integers(1, 8), hours, st.integers(0, 900),
)  # fmt: skip
uses = st.builds(
    lambda name, hour: activity("app.opened", at(hour), f"use{name}"), st.integers(1, 8), hours
)
backs = st.builds(
    lambda name, of, hour, amount: refunded(f"back{name}", f"order{of}", at(hour), amount, "IRR"),
    st.integers(1, 8), st.integers(1, 9), hours, st.integers(1, 900),
)  # fmt: skip
histories = st.lists(orders | orders | uses | backs, max_size=14, unique_by=lambda row: row["id"])


def facts_of(rows):
    return [Fact.from_json(row) for row in rows]


def told(member, now):
    """All that is said, without what is yet to come."""
    row = member.standing(now).to_json()
    return {key: part for key, part in row.items() if key != "next_change_at"}


@settings(max_examples=60, deadline=None)
@given(programs, histories, st.randoms(use_true_random=False))
def test_any_order_of_arrival_ends_the_same(programs, rows, chance):
    shuffled = list(rows)
    chance.shuffle(shuffled)
    piecemeal = Member(programs)
    for fact in facts_of(shuffled):
        piecemeal.learn([fact], START)
    at_once, in_time = Member(programs), Member(programs, FactSet.of(facts_of(rows)))
    at_once.learn(facts_of(rows), START)
    in_time.go(START)
    for one in (piecemeal, at_once):
        one.catch_up(START)
        assert told(one, START) == told(in_time, START)


@settings(max_examples=60, deadline=None)
@given(programs, histories)
def test_everything_twice_changes_nothing(programs, rows):
    member = Member(programs)
    member.learn(facts_of(rows), START)
    assert member.learn(facts_of([*rows, *rows]), START) == []


@settings(max_examples=60, deadline=None)
@given(programs, st.integers(1, 9000), st.lists(st.integers(1, 3000), min_size=1, max_size=5))
def test_a_refund_in_parts_ends_as_one_refund(programs, amount, parts):
    order, now = bought("order1", at(-5), amount, currency="IRR"), START
    pieces = [
        refunded(f"back{number}", "order1", at(-4), part, "IRR")
        for number, part in enumerate(parts)
    ]
    whole = refunded("back", "order1", at(-4), sum(parts), "IRR")
    ends = []
    for backs in (pieces, [whole]):
        member = Member(programs)
        member.learn(facts_of([order]), at(-5))
        for row in backs:
            member.learn(facts_of([row]), now)
        ends.append(told(member, now))
    assert ends[0] == ends[1]


@settings(max_examples=80, deadline=None)
@given(programs, histories)
def test_nothing_changes_before_the_next_change_that_is_told(programs, rows):
    """Facts dated ahead included: the walk begins before all of them."""
    member = Member(programs, FactSet.of(facts_of(rows)))
    now = at(-41 * 24)
    member.go(now)
    for _ in range(25):
        coming = member.standing(now).next_change_at
        if coming is None:
            break
        before = told(member, now)
        member.go(coming - TICK)
        assert same(told(member, coming - TICK)) == same(before)
        now = coming
        member.go(now)


def same(row):
    """A month may end in which nothing was done."""
    missions = [(one["id"], one["value"], one["streak"]) for one in row["missions"]]
    return row | {"missions": missions}


@settings(max_examples=60, deadline=None)
@given(programs, histories)
def test_a_tier_changes_only_with_a_cause(programs, rows):
    member = Member(programs, FactSet.of(facts_of(rows)))
    now, causes = at(-41 * 24), set()
    while (coming := member.course.next_at()) is not None and len(causes) < 200:
        causes.add(coming)
        member.go(coming)
        now = coming
    assert {change.at for change in member.course.tiers.changes} <= causes
    assert member.course.reached == now or not causes
