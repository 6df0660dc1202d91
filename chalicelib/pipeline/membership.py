"""The ledger between two saves: what facts, time and merges bring about, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from chalicelib.core.facts import FactSet
from chalicelib.core.standing import Membership
from chalicelib.core.stored import Collection, LedgerRow
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.entries import Entry
from chalicelib.loyalty.member import MEMBERS, Member
from chalicelib.loyalty.merge import Merged, counted, merge
from chalicelib.loyalty.program import Programs


@dataclass(frozen=True, slots=True)
class Ledger:
    """``rows`` are to be appended; ``member`` and ``membership`` are None without a programme."""

    rows: tuple[LedgerRow, ...] = ()
    membership: Membership | None = None
    member: Member | None = None


NO_LEDGER = Ledger()

Act = Callable[[Member], Iterable[Entry]]
"""What somebody asks for; returns the entries that it brings about."""


def nothing(_member: Member) -> Iterable[Entry]:
    return ()


def ledger(
    collection: Collection,
    facts: FactSet,
    absorbed: Sequence[Collection],
    programs: Programs | None,
    now: datetime,
    act: Act = nothing,
) -> Ledger:
    """What is missing in the stored ledger once ``facts`` are known and others are ``absorbed``.

    With what ``act`` makes of it, once all is caught up. Without ``programs`` nothing is earned and
    nothing expires, but what others bring along is kept.
    """
    brings = any(one.ledger for one in absorbed)
    if collection.ref.kind not in MEMBERS or (programs is None and not brings):
        return NO_LEDGER
    book = book_of(collection)
    made = [entry for one in absorbed for entry in _absorbed(book, one, programs, now)]
    if programs is None:
        return Ledger(_rows(collection, made))
    member = Member(programs, facts, book)
    made += member.catch_up(now)
    made += act(member)
    return Ledger(_rows(collection, made), member.membership(now), member)


def book_of(collection: Collection) -> Book:
    return Book.of(entries_of(collection))


def entries_of(collection: Collection) -> list[Entry]:
    """All that counts: what a merge has brought does once it is there to the last entry."""
    return counted(
        [Entry.from_json(cast("dict[str, Any]", row.entry)) for row in collection.ledger]
    )


def _rows(collection: Collection, made: Iterable[Entry]) -> tuple[LedgerRow, ...]:
    """Without what a merge that was broken off has stored already."""
    stored = {row.id for row in collection.ledger}
    last = collection.ledger[-1].number if collection.ledger else 0
    new = (entry for entry in made if entry.id not in stored)
    return tuple(
        LedgerRow(number, entry.id, entry.to_json()) for number, entry in enumerate(new, last + 1)
    )


def _absorbed(
    book: Book, loser: Collection, programs: Programs | None, now: datetime
) -> list[Entry]:
    if programs is None:
        return merge(book, entries_of(loser), Merged(loser.ref.id), now)
    member = Member(programs, loser.facts, book_of(loser))
    member.course.advance(now)
    tiers = member.course.tiers
    if not loser.ledger and not (tiers and tiers.index):
        return []
    valid_until = tiers.valid_until if tiers else None
    merged = Merged(loser.ref.id, member.tier or "", valid_until)
    return merge(book, entries_of(loser), merged, now)
