"""What a customer, and the rep who looks after them, should be told. Each notice once, by its key.

>>> from chalicelib.core.model import Text
>>> Notice("tier_up:2026-03-21T00:00:00.000Z", "tier_up", datetime.min, Text("a", "b")).kind
'tier_up'
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.core.facts import iso
from chalicelib.core.loyalty import Program
from chalicelib.core.model import Text
from chalicelib.localization import loyalty as words
from chalicelib.localization.dates import date_name
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.course import Course
from chalicelib.loyalty.spans import TICK, day_of
from chalicelib.loyalty.tiers import TierChange

_TOLD = {"up": "tier_up", "down": "tier_down", "ruled": "tier_down", "grace": "tier_grace"}


@dataclass(frozen=True, slots=True)
class Notice:
    """``key`` is unique within the customer; who has sent a key does not send it again.

    ``points`` are what dies at ``ends``.
    """

    key: str
    kind: str
    at: datetime
    text: Text
    points: int = 0
    ends: datetime | None = None


def notices(
    book: Book, course: Course, program: Program, since: datetime, now: datetime
) -> list[Notice]:
    """What is due in ``(since, now]``, of a book settled and a course advanced to ``now``.

    Of points that die within ``notify_days``, what is left of them now; nothing of what is used.
    """
    found = [*_of_tiers(course, program, since, now), *_of_points(book, program, since, now)]
    return sorted(found, key=lambda one: (one.at, one.key))


def _of_tiers(course: Course, program: Program, since: datetime, now: datetime) -> Iterator[Notice]:
    changes = course.tiers.changes if course.tiers else []
    for change in changes:
        if since < change.at <= now and change.kind in _TOLD:
            kind = _TOLD[change.kind]
            yield Notice(f"{kind}:{iso(change.at)}", kind, change.at, _text(change, program))


def _text(change: TierChange, program: Program) -> Text:
    levels = program.tiers.levels if program.tiers else ()
    names = {level.name: level.text for level in levels}
    level = names.get(change.after, Text(change.after, change.after))
    if change.kind == "grace" and change.valid_until:
        return words.tier_grace(level, _last_day(change.valid_until, program))
    return words.TIER_CHANGES[change.kind](level)


def _of_points(book: Book, program: Program, since: datetime, now: datetime) -> Iterator[Notice]:
    notify = timedelta(days=program.notify_days)
    for one in book.holdings.values():
        dies = book.dies_at(one)
        if one.remaining and dies and since < dies - notify <= now < dies:
            text = words.expiring(one.remaining, _last_day(dies, program))
            key = f"points_expiring:{one.lot.id}"
            yield Notice(key, "points_expiring", dies - notify, text, one.remaining, dies)


def _last_day(ends: datetime, program: Program) -> Text:
    return date_name(day_of(ends - TICK, program.time_zone), program.calendar)
