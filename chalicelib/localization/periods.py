"""Weeks, months, quarters and years of both calendars, as half-open stretches of days.

The periods of one kind tile the time line: the end of each is the start of the next. A Jalali
year begins at the spring equinox; its quarters are Farvardin-Khordad, Tir-Shahrivar, Mehr-Azar
and Dey-Esfand. Weeks begin on Saturday where dates are Jalali, on Monday elsewhere.

>>> span(date(2025, 3, 21), "year", "jalali")
(datetime.date(2025, 3, 21), datetime.date(2026, 3, 21))

Source: the leap years are persiantools', which are the official ones from 1206 to 1498.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from chalicelib.localization.dates import Calendar

Period = Literal["week", "month", "quarter", "year"]

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_SATURDAY, _MONDAY = 5, 0


def window(
    instant: datetime, period: Period, calendar: Calendar, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    """The period that an instant lies in, as instants in UTC, ``[start, end)``.

    >>> window(datetime(2021, 6, 1, tzinfo=UTC), "month", "jalali", ZoneInfo("Asia/Tehran"))[0]
    datetime.datetime(2021, 5, 21, 19, 30, tzinfo=datetime.timezone.utc)
    """
    start, end = span(instant.astimezone(zone).date(), period, calendar)
    return midnight(start, zone), midnight(end, zone)


@lru_cache(maxsize=4096)
def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant in UTC at which a day begins, also where the clock then skips an hour."""
    # Most policies start with UTC, and a conversion takes ten times as long.
    if zone.key == "UTC":
        return datetime.combine(day, time.min, UTC)
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def span(day: date, period: Period, calendar: Calendar) -> tuple[date, date]:
    """The period that a day lies in: its first day, and the first day of the next."""
    if period == "week":
        first = _SATURDAY if calendar == "jalali" else _MONDAY
        start = day - timedelta(days=(day.weekday() - first) % 7)
        return start, start + timedelta(days=7)
    length = _MONTHS[period]
    number = _month_number(day, calendar) // length * length
    return _first_of(number, calendar), _first_of(number + length, calendar)


def _month_number(day: date, calendar: Calendar) -> int:
    """Months since the beginning of the era."""
    if calendar == "gregorian":
        return day.year * 12 + day.month - 1
    from persiantools.jdatetime import JalaliDate

    jalali = JalaliDate(day)  # type: ignore[no-untyped-call]  # the library leaves it untyped
    return int(jalali.year) * 12 + int(jalali.month) - 1


def _first_of(month_number: int, calendar: Calendar) -> date:
    year, month = divmod(month_number, 12)
    if calendar == "gregorian":
        return date(year, month + 1, 1)
    from persiantools.jdatetime import JalaliDate

    first: date = JalaliDate(year, month + 1, 1).to_gregorian()  # type: ignore[no-untyped-call]
    return first
