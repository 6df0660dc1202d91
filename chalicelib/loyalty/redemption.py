"""Spending points, and taking that back.

A redemption is all or nothing and takes from the lots that expire first. Which lots those are is
decided when it is processed and never rewritten by what comes in later. Its id is the caller's
idempotency key: the same again returns the first outcome, another amount under it is a conflict.

A cancelled redemption goes back to the lots that it came from. What has expired meanwhile expires
at once, unless the programme gives ``expired_grace_days``: then it makes a new lot.

>>> from datetime import UTC
>>> from chalicelib.loyalty.entries import Lot
>>> now = datetime(2026, 3, 21, tzinfo=UTC)
>>> lots = [Lot("bonus", "bonus", "r", now, now, now + timedelta(days=30)),
...         Lot("old", "old", "r", now - timedelta(days=9), now, now + timedelta(days=300))]
>>> book = Book.of(Entry(f"earn:{lot.id}:1", "earn", 10, now, now, lot.id, ((lot.id, 10),),
...                      opens=(lot,)) for lot in lots)
>>> redeem(book, Spending("order-7", 12), now)[-1].touched
(('bonus', -10), ('old', -2))
>>> redeem(book, Spending("order-7", 12), now)
[]
>>> redeem(book, Spending("order-8", 9), now)
Traceback (most recent call last):
    ...
chalicelib.loyalty.redemption.Insufficient: 9 points are asked for, 8 are there
>>> _ = cancel(book, "order-7", now, expired_grace_days=0)
>>> book.available
20

Source: Salesforce Loyalty Management (redemption cancellation, reinstatement), Brevo (two-phase
transactions), Voucherify (idempotent redemptions).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.core.errors import Rejected
from chalicelib.core.model import Json
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.entries import MOVED, SYSTEM, Entry, Lot, is_of_record


class Insufficient(Rejected):
    """Nothing was changed."""

    status = 409

    def __init__(self, asked: int, available: int) -> None:
        super().__init__(f"{asked} points are asked for, {available} are there")
        self.asked, self.available = asked, available


class KeyTaken(Rejected):
    """The idempotency key stands for something else already."""

    status = 409


class NotRedeemed(Rejected):
    """There is no such redemption to cancel."""

    status = 404


@dataclass(frozen=True, slots=True)
class Spending:
    """``id`` is the caller's idempotency key."""

    id: str
    points: int
    actor: str = SYSTEM
    reason: str = ""
    detail: Mapping[str, Json] | None = None


def redeem(book: Book, spending: Spending, now: datetime) -> list[Entry]:
    """With what time brought about before. Raises Insufficient, or KeyTaken."""
    if spending.points <= 0:
        raise Rejected("write a number of points above 0")
    entry_id = f"redeem:{spending.id}"
    if spending.id in book.redeemed:
        _same(book.redeemed[spending.id].points, spending)
        return []
    made = book.settle(now)
    if book.available < spending.points:
        raise Insufficient(spending.points, book.available)
    entry = Entry(
        id=entry_id,
        kind="redeem",
        points=spending.points,
        occurred_at=now,
        recorded_at=now,
        of=spending.id,
        touched=tuple((lot, -part) for lot, part in book.allocate(spending.points)),
        actor=spending.actor,
        reason=spending.reason,
        detail=spending.detail,
    )
    book.apply(entry)
    return [*made, entry]


def _same(points: int, spending: Spending) -> None:
    if points != spending.points:
        raise KeyTaken(f"{spending.id} stands for {points} points already")


def cancel(
    book: Book,
    redemption: str,
    now: datetime,
    *,
    expired_grace_days: int,
    actor: str = SYSTEM,
    reason: str = "",
) -> list[Entry]:
    """Nothing for what is cancelled already. Raises NotRedeemed."""
    redeemed = _found(book, redemption)
    redemption = redeemed.of
    if redemption in book.cancelled:
        return []
    made = book.settle(now)
    given = {lot: -part for lot, part in redeemed.touched}
    dead = {lot: part for lot, part in given.items() if book.holdings[lot].is_closed}
    late = sum(dead.values()) if expired_grace_days else 0
    back = {lot: part for lot, part in given.items() if not late or lot not in dead}
    lot = _new_lot(redemption, now, expired_grace_days)
    entry = Entry(
        id=f"redeem_cancel:{redemption}",
        kind="redeem_cancel",
        points=redeemed.points,
        occurred_at=now,
        recorded_at=now,
        of=redemption,
        touched=(*back.items(), *(((lot.id, late),) if late else ())),
        opens=(lot,) if late else (),
        actor=actor,
        reason=reason,
    )
    book.apply(entry)
    return [*made, entry, *book.settle(now)]


def own_redemption(book: Book, redemption: str, record: str) -> str:
    """By its name in the book, if a record that was merged into this has one of that name."""
    named = (name for name in book.redeemed if name.endswith(f"{MOVED}{redemption}"))
    return next((name for name in named if is_of_record(name, record)), redemption)


def _found(book: Book, redemption: str) -> Entry:
    """One of a record that was merged into this is known by its old id as well."""
    moved = [name for name in book.redeemed if name.endswith(f"{MOVED}{redemption}")]
    for name in (redemption, *moved):
        if name in book.redeemed:
            return book.redeemed[name]
    raise NotRedeemed(f"there is no redemption {redemption}")


def _new_lot(redemption: str, now: datetime, days: int) -> Lot:
    name = f"redeem_cancel:{redemption}"
    return Lot(name, name, "redeem_cancel", now, now, now + timedelta(days=days))
