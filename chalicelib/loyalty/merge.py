"""Two records of one person become one: lots, debt and tier move to the survivor.

The entries of the loser are kept as they are, under names of their own (``7/earn:…``), so that none
of them meets one of the survivor's. What both were granted for the same thing is taken back by the
next ``difference``. A ``merge`` entry records what was moved, so that a person could undo it; there
is no way back by itself.

>>> from datetime import UTC
>>> from chalicelib.loyalty.entries import Lot
>>> now = datetime(2026, 3, 21, tzinfo=UTC)
>>> lot = Lot("r:x.a:1", "r:x.a:1", "r", now, now)
>>> theirs = [Entry("earn:r:x.a:1:1", "earn", 5, now, now, lot.key, ((lot.id, 5),), opens=(lot,))]
>>> book = Book()
>>> [entry.id for entry in merge(book, theirs, Merged("7", "gold"), now)]
['7/earn:r:x.a:1:1', 'merge:7']
>>> _ = book.settle(now); book.available
5

Source: the merges of HubSpot, Salesforce and Zoho; Salesforce Loyalty Management (member merge).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.core.facts import iso
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.course import Joined
from chalicelib.loyalty.entries import MOVED, SYSTEM, Entry, Lot, brought_by

_ABOUT_RULES = frozenset({"earn", "reverse_earn", "debt"})
"""What these are about is a key, the same for both records; the rest is about own things."""


@dataclass(frozen=True, slots=True)
class Merged:
    """``loser`` is the id of the record that is gone, ``tier`` what it brings along."""

    loser: str
    tier: str = ""
    valid_until: datetime | None = None
    actor: str = SYSTEM
    reason: str = ""


def merge(book: Book, entries: Iterable[Entry], merged: Merged, now: datetime) -> list[Entry]:
    """The entries that the survivor's ledger gets, applied already; none if it has them.

    It may have them by way of another record that was merged into it.
    """
    if any(_is_of(one, merged.loser) for one in book.merges):
        return []
    moved = [_moved(entry, merged.loser) for entry in entries]
    before, owed = book.remaining, book.debt
    for entry in moved:
        book.apply(entry)
    valid_until = iso(merged.valid_until) if merged.valid_until else None
    entry = Entry(
        id=f"merge:{merged.loser}",
        kind="merge",
        points=book.remaining - before,
        occurred_at=now,
        recorded_at=now,
        of=merged.loser,
        actor=merged.actor,
        reason=merged.reason,
        detail={
            "tier": merged.tier,
            "valid_until": valid_until,
            "entries": len(moved),
            "debt": book.debt - owed,
        },
    )
    book.apply(entry)
    return [*moved, entry]


def counted(entries: Sequence[Entry]) -> list[Entry]:
    """Without what a merge brought of which the ``merge`` entry is still to come.

    Such a part of a ledger may have the points of a record, and not what they were spent for.
    """
    whole = {"", *(entry.of for entry in entries if entry.kind == "merge")}
    return [entry for entry in entries if brought_by(entry.id) in whole]


def _is_of(entry: Entry, loser: str) -> bool:
    return entry.of == loser or entry.of.endswith(f"{MOVED}{loser}")


def joins(book: Book) -> list[Joined]:
    """The tiers that merges brought along, for the course."""
    return [_joined(entry) for entry in book.merges if entry.detail and entry.detail["tier"]]


def _joined(entry: Entry) -> Joined:
    detail = entry.detail or {}
    valid_until = detail.get("valid_until")
    until = datetime.fromisoformat(str(valid_until)) if valid_until else None
    return Joined(entry.occurred_at, str(detail["tier"]), until)


def _moved(entry: Entry, loser: str) -> Entry:
    def own(name: str) -> str:
        return f"{loser}{MOVED}{name}"

    return replace(
        entry,
        id=own(entry.id),
        of=entry.of if entry.kind in _ABOUT_RULES else own(entry.of),
        touched=tuple((own(lot), points) for lot, points in entry.touched),
        opens=tuple(_own_lot(lot, own(lot.id)) for lot in entry.opens),
    )


def _own_lot(lot: Lot, name: str) -> Lot:
    """What was not granted by a rule is not to be found again by its key."""
    return replace(lot, id=name, key=name if lot.key == lot.id and _is_by_hand(lot) else lot.key)


def _is_by_hand(lot: Lot) -> bool:
    return lot.rule in {"adjust", "redeem_cancel"}
