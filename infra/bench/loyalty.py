"""Loyalty: a long history folded from nothing, and one more thing added to a ledger of 1,000."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from time import process_time
from zoneinfo import ZoneInfo

from chalicelib.core.facts import Fact, FactSet
from chalicelib.core.loyalty import (
    EarningRule,
    Level,
    Mission,
    MissionWindow,
    Multiplier,
    Program,
    TierRules,
    TierWindow,
)
from chalicelib.core.model import Json, Ref, Text
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.entries import Entry
from chalicelib.loyalty.member import Member
from chalicelib.loyalty.program import Programs
from chalicelib.loyalty.redemption import Spending, redeem
from chalicelib.loyalty.snapshot import restore, snapshot
from infra.bench.figures import Figure

_WHO = Ref("bench-people", "contact", "1")
_BEGIN = datetime(2024, 4, 1, tzinfo=UTC)
_ROUNDS = 5
_SAID = Text("words", "واژه")


def loyalty(seed: int) -> list[Figure]:
    facts = history(10_000, seed)
    played = _fastest(lambda: _play(facts))
    together = _fastest(lambda: _fold(facts))
    return [
        Figure(
            name="loyalty events of one customer folded, 10,000",
            value=played,
            unit="s",
            goal=2.0,
            beside=f"each at its own instant; {together:.2f} s where all are known at once",
        ),
        _append(seed),
    ]


def history(count: int, seed: int) -> FactSet:
    """Purchases, refunds and activities of a busy customer, an hour or so apart."""
    chance = random.Random(seed)  # noqa: S311  # a repeatable history, no secret
    found: list[Fact] = []
    at = _BEGIN
    for number in range(count):
        at += timedelta(minutes=chance.randrange(10, 120))
        found.append(_happened(number, at, chance))
    return FactSet.of(found)


def _happened(number: int, at: datetime, chance: random.Random) -> Fact:
    draw = chance.random()
    amount: Json = {"amount": chance.randrange(1, 60) * 100_000, "currency": "IRR"}
    if draw < 0.4:  # noqa: PLR2004
        return Fact(_WHO, "purchase", f"o-{number}", at, {"amount": amount})
    if draw < 0.5:  # noqa: PLR2004
        of = f"o-{chance.randrange(number + 1)}"
        return Fact(_WHO, "refund", f"r-{number}", at, {"amount": amount, "purchase": of})
    kind = "app.opened" if draw < 0.9 else "review.posted"  # noqa: PLR2004
    return Fact(_WHO, "activity", f"a-{number}", at, {"kind": kind})


def programme() -> Program:
    levels = (("bronze", 0), ("silver", 500), ("gold", 1000))
    return Program(
        time_zone=ZoneInfo("Asia/Tehran"),
        calendar="jalali",
        currency="IRR",
        earning=(
            EarningRule("buy", "purchase", 10, _SAID, step=1_000_000),
            EarningRule("app", "app.opened", 1, _SAID, max_per_day=3),
            EarningRule("review", "review.posted", 5, _SAID, max_per_day=1),
        ),
        multipliers=(Multiplier("gold", Fraction(3, 2), frozenset({"buy"}), frozenset({"gold"})),),
        missions=(Mission("three", "purchase", 3, 20, MissionWindow("month", "jalali"), _SAID),),
        tiers=TierRules(
            levels=tuple(Level(name, Fraction(least), _SAID) for name, least in levels),
            metric="points",
            window=TierWindow("year", calendar="jalali"),
            validity_calendar="jalali",
        ),
        excluded=("tax", "delivery"),
    )


def _play(facts: FactSet) -> Member:
    member = Member(Programs.of(programme()), facts)
    member.go(_BEGIN + timedelta(days=9999))
    return member


def _fold(facts: FactSet) -> Member:
    member = Member(Programs.of(programme()), facts)
    member.catch_up(_BEGIN + timedelta(days=9999))
    return member


def _append(seed: int) -> Figure:
    """A redemption on a ledger of 1,000 entries, of which the last 500 follow the snapshot."""
    entries, facts, now = _ledger(1_000, seed)
    held, later = snapshot(_settled(entries[:500])), entries[500:]

    def append() -> list[Entry]:
        book = restore(held)
        for entry in later:
            book.apply(entry)
        return redeem(book, Spending("new", 1), now)

    member = Member(Programs.of(programme()), facts, Book.of(entries))
    amount: Json = {"amount": 5_000_000, "currency": "IRR"}
    bought = Fact(_WHO, "purchase", "new", now, {"amount": amount})
    whole = _fastest(lambda: _learned(member, facts, bought, now))
    return Figure(
        name="loyalty entry appended to a ledger of 1,000",
        value=_fastest(append, rounds=10 * _ROUNDS) * 1000,
        unit="ms",
        goal=5.0,
        beside=f"snapshot and 500 entries folded; {whole * 1000:.0f} ms with all facts walked anew",
    )


def _learned(member: Member, facts: FactSet, bought: Fact, now: datetime) -> None:
    member.facts = facts
    member.learn([bought], now)


def _settled(entries: Sequence[Entry]) -> Book:
    book = Book.of(entries)
    book.settle(entries[-1].recorded_at)
    return book


def _ledger(count: int, seed: int) -> tuple[Sequence[Entry], FactSet, datetime]:
    """The first so many entries of a history, what was known then, and when that was."""
    facts = history(2 * count, seed)
    entries = _play(facts).made[:count]
    now = entries[-1].recorded_at
    return entries, FactSet.of(one for one in facts if one.occurred_at <= now), now


def _fastest(work: Callable[[], object], rounds: int = _ROUNDS) -> float:
    """In seconds of processor time."""
    times = []
    for _ in range(rounds):
        started = process_time()
        work()
        times.append(process_time() - started)
    return min(times)
