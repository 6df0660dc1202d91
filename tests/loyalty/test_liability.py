from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from chalicelib.core.model import Money
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.entries import Entry, Lot
from chalicelib.loyalty.liability import Use, breakage, liability, survival
from chalicelib.loyalty.redemption import Spending, redeem
from tests.loyalty.scenario import policy_of

START = datetime(2025, 4, 1, tzinfo=UTC)
PROGRAM = policy_of({"point_value": 1000}).loyalty


def ledger(points, used, lives=None):
    """A lot of which some is used on the tenth day."""
    lot = Lot("a", "a", "r", START, START, START + timedelta(days=lives) if lives else None)
    earned = Entry("earn:a:1", "earn", points, START, START, "a", (("a", points),), opens=(lot,))
    book, entries = Book.of([earned]), [earned]
    if used:
        entries += redeem(book, Spending("r", used), START + timedelta(days=10))
    return book, entries


def settled(ledgers, now):
    return [(book, [*entries, *book.settle(now)]) for book, entries in ledgers]


def test_what_remains_is_owed_at_its_value_less_what_is_never_used():
    # 100 - 40 + 200 = 260 points of 1,000 rial; a quarter of them is never used: 195,000.
    books = [ledger(100, 40)[0], ledger(200, 0)[0]]
    assert liability(books, PROGRAM, Fraction(1, 4)) == Money(195_000, "IRR")


def test_breakage_is_the_share_of_dead_lots_that_died_unused():
    # Of 100 + 300 points that are past their expiry 60 + 300 were not used: 0.9.
    now = START + timedelta(days=31)
    ledgers = settled([ledger(100, 40, 30), ledger(300, 0, 30), ledger(500, 0, 90)], now)
    assert breakage(ledgers, now) == Fraction(9, 10)


def test_without_an_expiry_breakage_is_estimated_by_kaplan_and_meier():
    # All 200 points reach day 10, when 50 of them are used: 3/4 survive, and are seen last at 400.
    now = START + timedelta(days=400)
    ledgers = settled([ledger(100, 50), ledger(100, 0)], now)
    assert breakage(ledgers, now) == Fraction(3, 4)


@pytest.mark.parametrize("uses", [[], [Use(5, left=10)]])
def test_where_nothing_was_used_yet_nothing_is_known(uses):
    assert survival(uses) == 0
