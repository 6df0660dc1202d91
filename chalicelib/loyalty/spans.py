"""Local days and periods of a programme's calendar, quick to ask for again and again.

>>> from datetime import UTC
>>> from zoneinfo import ZoneInfo
>>> tehran = ZoneInfo("Asia/Tehran")
>>> start, end = span_of(datetime(2025, 4, 1, tzinfo=UTC), "year", "jalali", tehran)
>>> start.astimezone(tehran).date(), end.astimezone(tehran).date()
(datetime.date(2025, 3, 21), datetime.date(2026, 3, 21))
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from chalicelib.core.loyalty import Calendar, Period
from chalicelib.localization.periods import midnight, span

DAY = timedelta(days=1)
TICK = timedelta.resolution
FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


def day_of(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def span_of(
    at: datetime, period: Period, calendar: Calendar, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    """The period that an instant lies in, ``[start, end)`` in UTC."""
    return _span(day_of(at, zone), period, calendar, zone)


@lru_cache(maxsize=8192)
def _span(
    day: date, period: Period, calendar: Calendar, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    start, end = span(day, period, calendar)
    return midnight(start, zone), midnight(end, zone)


def day_end(at: datetime, zone: ZoneInfo) -> datetime:
    """The midnight that ends the local day."""
    return midnight(day_of(at, zone) + DAY, zone)
