"""Where points come from that a refund takes back.

First from what remains of the purchase's own lot, pending or not. The part of it that has expired
already is not asked for again. What was spent comes from other lots in the order in which they are
used up (scope ``any``), and what is missing then is a ``debt``, or forgiven.

30 points were granted, 25 of them spent, 10 others are there; all is taken back:

>>> from datetime import UTC, timedelta
>>> from chalicelib.loyalty.entries import Lot
>>> now = datetime(2026, 3, 21, tzinfo=UTC)
>>> lots = [Lot(name, name, "purchase", now, now, now + timedelta(days=n))
...         for n, name in enumerate("ab", start=10)]
>>> book = Book.of(Entry(f"earn:{lot.id}:1", "earn", n, now, now, lot.id, ((lot.id, n),),
...                      opens=(lot,)) for lot, n in zip(lots, (30, 10)))
>>> _ = book.settle(now)
>>> _ = book.apply(Entry("redeem:1", "redeem", 25, now, now, "1", (("a", -25),)))
>>> back, owed = reverse(book, "a", 30, Refunds(), now, now)
>>> back.touched, owed.debt, book.available, book.debt
((('a', -5), ('b', -10)), 15, 0, 15)

Source: Talon.One (returned items, negative balances), Salesforce Loyalty Management.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.core.loyalty import Refunds
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.entries import Entry


def reverse(
    book: Book, key: str, points: int, rules: Refunds, occurred_at: datetime, now: datetime
) -> list[Entry]:
    """Entries that take ``points`` of what ``key`` earned; applied already."""
    taken = _own(book, key, points)
    missing = points - sum(taken.values())
    lapsed = min(missing, book.expired_of(key))
    missing -= lapsed
    if missing and rules.scope == "any":
        for lot, part in book.allocate(missing, taken):
            taken[lot] = taken.get(lot, 0) + part
            missing -= part
    entry = Entry(
        id=book.entry_id("reverse_earn", key),
        kind="reverse_earn",
        points=points,
        occurred_at=occurred_at,
        recorded_at=now,
        of=key,
        touched=tuple((lot, -part) for lot, part in taken.items()),
        lapsed=lapsed,
        forgiven=missing if rules.shortage == "forgive" else 0,
    )
    book.apply(entry)
    if not missing or rules.shortage == "forgive":
        return [entry]
    return [entry, _owe(book, entry, missing)]


def _own(book: Book, key: str, points: int) -> dict[str, int]:
    taken: dict[str, int] = {}
    for lot in book.by_key.get(key, ()):
        part = min(book.holdings[lot].remaining, points)
        if part:
            taken[lot], points = part, points - part
    return taken


def _owe(book: Book, entry: Entry, points: int) -> Entry:
    debt = Entry(
        id=f"debt:{entry.id}",
        kind="debt",
        points=points,
        occurred_at=entry.occurred_at,
        recorded_at=entry.recorded_at,
        of=entry.of,
        debt=points,
    )
    book.apply(debt)
    return debt
