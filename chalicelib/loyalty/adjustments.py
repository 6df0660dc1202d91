"""What a person gives or takes by hand, with their name and a reason.

>>> from datetime import UTC
>>> from zoneinfo import ZoneInfo
>>> book, now = Book(), datetime(2026, 3, 21, tzinfo=UTC)
>>> program = Program(ZoneInfo("Asia/Tehran"), "jalali", "IRR")
>>> _ = adjust(book, Adjustment("case-9", 50, "sara@example.com", "late delivery"), program, now)
>>> _ = adjust(book, Adjustment("case-10", -20, "sara@example.com", "typed twice"), program, now)
>>> book.available
30

Source: Salesforce Loyalty Management (manual adjustments), Talon.One.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.core.errors import Rejected
from chalicelib.core.loyalty import Program
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.entries import Entry, Lot
from chalicelib.loyalty.expiry import dies_at
from chalicelib.loyalty.redemption import Insufficient, KeyTaken


@dataclass(frozen=True, slots=True)
class Adjustment:
    """``id`` is the caller's idempotency key. Points that are given lift no tier."""

    id: str
    points: int
    actor: str
    reason: str


def adjust(book: Book, adjustment: Adjustment, program: Program, now: datetime) -> list[Entry]:
    """Raises Insufficient where more would be taken than is there, or KeyTaken."""
    if not adjustment.points or not adjustment.actor or not adjustment.reason:
        raise Rejected("an adjustment needs points, an actor and a reason")
    entry_id = f"adjust:{adjustment.id}"
    if adjustment.id in book.adjusted:
        if _signed(book.adjusted[adjustment.id]) != adjustment.points:
            raise KeyTaken(f"{adjustment.id} stands for another adjustment already")
        return []
    made = book.settle(now)
    if -adjustment.points > book.available:
        raise Insufficient(-adjustment.points, book.available)
    lot = _lot(entry_id, program, now)
    is_gift = adjustment.points > 0
    taken = tuple((held, -part) for held, part in book.allocate(max(-adjustment.points, 0)))
    entry = Entry(
        id=entry_id,
        kind="adjust",
        points=abs(adjustment.points),
        occurred_at=now,
        recorded_at=now,
        of=adjustment.id,
        touched=((lot.id, adjustment.points),) if is_gift else taken,
        opens=(lot,) if is_gift else (),
        actor=adjustment.actor,
        reason=adjustment.reason,
    )
    book.apply(entry)
    return [*made, entry, *book.settle(now)]


def _signed(entry: Entry) -> int:
    return entry.points if entry.opens else -entry.points


def _lot(entry_id: str, program: Program, now: datetime) -> Lot:
    expiry = program.expiry
    days = expiry.days if expiry.kind == "inactivity" else None
    return Lot(
        entry_id, entry_id, "adjust", now, now, dies_at(expiry, now, program.time_zone), days
    )
