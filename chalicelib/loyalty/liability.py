"""What outstanding points may still cost, and which share of points is never used.

``liability = sum of remaining points · value of a point · (1 - breakage)``.

Breakage is the share of the points of lots older than their expiry that expired unused. Points
that do not expire are never known to be unused, so there it is estimated by Kaplan and Meier's
method on the ages of lots: of the points that reach an age unused, which share is used at that
age? What is left at the end of all that was observed is the breakage; points that are still there
are censored.

Of 100 points, 60 are used on day 10; of another 100 it is known only that they are 5 days old:

>>> survival([Use(10, used=60), Use(400, left=40), Use(5, left=100)])
Fraction(2, 5)

Source: Kaplan & Meier 1958; the accounting practice of loyalty programmes (IFRS 15, breakage).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from chalicelib.core.loyalty import Program
from chalicelib.core.model import Money
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.entries import Entry
from chalicelib.loyalty.spans import DAY

Ledger = tuple[Book, Sequence[Entry]]
"""A settled book and the entries that it was folded from."""


class Use(NamedTuple):
    """At an age in days so many points were used, or were seen to be there still."""

    age_days: int
    used: int = 0
    left: int = 0


def liability(books: Iterable[Book], program: Program, breakage: Fraction) -> Money:
    """Over settled books, pending points included; floored to the smallest unit."""
    remaining = sum(book.remaining for book in books)
    value = remaining * program.point_value * (1 - breakage)
    return Money(value.numerator // value.denominator, program.currency)


def breakage(ledgers: Sequence[Ledger], now: datetime) -> Fraction:
    """Of many customers; 0 where nothing is known yet."""
    holdings = [one for book, _ in ledgers for one in book.holdings.values()]
    dead = [one for one in holdings if one.lot.expires_at and one.lot.expires_at <= now]
    kept = sum(one.points - one.reversed for one in dead)
    if kept:
        return Fraction(sum(one.expired for one in dead), kept)
    return survival(use for ledger in ledgers for use in _uses(ledger, now))


def survival(uses: Iterable[Use]) -> Fraction:
    """The share of points that is never used, by Kaplan and Meier."""
    used: defaultdict[int, int] = defaultdict(int)
    gone: defaultdict[int, int] = defaultdict(int)
    for one in uses:
        used[one.age_days] += one.used
        gone[one.age_days] += one.used + one.left
    at_risk, share = sum(gone.values()), Fraction(1)
    if not any(used.values()):
        return Fraction(0)
    for age in sorted(gone):
        share *= 1 - Fraction(used[age], at_risk) if at_risk else 1
        at_risk -= gone[age]
    return share


def _uses(ledger: Ledger, now: datetime) -> Iterator[Use]:
    book, entries = ledger
    for entry in entries:
        if entry.kind == "redeem":
            for lot, points in entry.touched:
                earned_at = book.holdings[lot].lot.earned_at
                yield Use((entry.occurred_at - earned_at) // DAY, used=-points)
    for one in book.holdings.values():
        if one.remaining:
            yield Use((now - one.lot.earned_at) // DAY, left=one.remaining)
