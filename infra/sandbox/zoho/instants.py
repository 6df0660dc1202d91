"""Instants as Zoho spells them: the zone of the user, no fractions of a second."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_SPELLING = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d|Z)")


def spell(instant: datetime, zone: str) -> str:
    """With the offset.

    >>> spell(datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC), "Asia/Tehran")
    '2026-03-01T15:30:00+03:30'
    """
    return instant.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")


def read(text: str) -> datetime:
    """Raises ValueError, also for fractions and for a missing zone."""
    if not _SPELLING.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text).astimezone(UTC)


def read_date(text: str) -> date:
    """Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone


def to_seconds(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
