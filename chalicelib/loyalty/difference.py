"""What the facts should have earned, less what was granted: the entries that are missing.

So nothing is ever edited, and it does not matter how often or in which order facts come in: what
is granted in the end is what the course says. New points come before points that are taken back,
so that a bonus that merely moved to another purchase costs nobody anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from chalicelib.core.loyalty import EarningRule, Mission, Program, Refunds
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.course import Course, Earned
from chalicelib.loyalty.entries import Entry, Lot
from chalicelib.loyalty.happenings import PURCHASE, Happening
from chalicelib.loyalty.program import Programs
from chalicelib.loyalty.refunds import reverse


def difference(
    book: Book, course: Course, now: datetime, keys: Iterable[str] | None = None
) -> list[Entry]:
    """The entries to append, applied to the book already, with what time brought about.

    ``keys`` are those that may differ, where that is known; else all are looked at.
    """
    asked = sorted({*course.earned, *book.granted} if keys is None else set(keys))
    made = [
        *_grants(book, course, asked, now),
        *book.settle(now),
    ]
    back = [(_changed_at(course, key, now), key) for key in asked if _excess(book, course, key) > 0]
    for at, key in sorted(back):
        made += reverse(book, key, _excess(book, course, key), _rules(course, key), at, now)
    return [*made, *book.settle(now)]


def kept(book: Book, happened: Sequence[Happening], programs: Programs) -> list[Earned]:
    """What activities earned that are too old to be known any more. It stays granted."""
    known = {one.source for one in happened}
    return [
        _remembered(book, key, points, programs)
        for key, points in book.granted.items()
        if points > 0 and not _is_known(key, known) and f":{PURCHASE}:" not in key
    ]


def _grants(book: Book, course: Course, keys: Sequence[str], now: datetime) -> list[Entry]:
    missing = [
        (course.earned[key].at, key, points)
        for key in keys
        if (points := -_excess(book, course, key)) > 0
    ]
    return [_grant(book, course.earned[key], points, now) for _, key, points in sorted(missing)]


def _excess(book: Book, course: Course, key: str) -> int:
    earned = course.earned.get(key)
    return book.granted.get(key, 0) - (earned.points if earned else 0)


def _grant(book: Book, earned: Earned, points: int, now: datetime) -> Entry:
    """The same lot if it was opened already."""
    held = book.by_key.get(earned.key)
    lot = Lot(
        id=held[0] if held else earned.key,
        key=earned.key,
        rule=earned.rule,
        earned_at=earned.at,
        available_at=earned.available_at,
        expires_at=earned.expires_at,
        inactive_days=earned.inactive_days,
    )
    entry = Entry(
        id=book.entry_id("earn", earned.key),
        kind="earn",
        points=points,
        occurred_at=earned.at,
        recorded_at=now,
        of=earned.key,
        touched=((lot.id, points),),
        opens=() if held else (lot,),
    )
    book.apply(entry)
    return entry


def _changed_at(course: Course, key: str, now: datetime) -> datetime:
    earned = course.earned.get(key)
    return earned.changed_at if earned else now


def _rules(course: Course, key: str) -> Refunds:
    earned = course.earned.get(key)
    return (earned.program if earned else course.programs.first).refunds


def _is_known(key: str, sources: Iterable[str]) -> bool:
    """Of ``rule:source``, or of a mission ``id:window:source`` and perhaps which award."""
    parts = key.split(":")
    tails = (":".join(parts[start:end]) for start in (1, 2) for end in (len(parts), -1))
    return any(tail in sources for tail in tails)


def _remembered(book: Book, key: str, points: int, programs: Programs) -> Earned:
    lot = book.holdings[book.by_key[key][0]].lot
    program = programs.at(lot.earned_at)
    return Earned(
        key=key,
        rule=lot.rule,
        source=key.partition(":")[2],
        at=lot.earned_at,
        points=points,
        available_at=lot.available_at,
        expires_at=lot.expires_at,
        inactive_days=lot.inactive_days,
        program=program,
        qualifies=_qualifies(program, lot.rule),
        changed_at=lot.earned_at,
    )


def _qualifies(program: Program, rule: str) -> bool:
    rules: list[EarningRule | Mission] = [*program.earning, *program.missions]
    return all(one.qualifies for one in rules if one.id == rule)
