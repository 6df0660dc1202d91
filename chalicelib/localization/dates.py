"""Days as people name them: "4 days ago", and the date itself when that is long past."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from chalicelib.core.model import Text
from chalicelib.localization.numbers import number, persian

Calendar = Literal["gregorian", "jalali"]

RECENT_DAYS = 30
"""Up to here a distance says more than a date."""

_FIRST_JALALI, _LAST_JALALI = date(622, 3, 22), date(9998, 12, 31)
"""Others have no Jalali name; some systems write 0001-01-01 for unknown, 9999-12-31 for never."""

_MONTHS = (
    ("January", "ژانویه"), ("February", "فوریه"), ("March", "مارس"), ("April", "آوریل"),
    ("May", "مه"), ("June", "ژوئن"), ("July", "ژوئیه"), ("August", "اوت"),
    ("September", "سپتامبر"), ("October", "اکتبر"), ("November", "نوامبر"),
    ("December", "دسامبر"),
)  # fmt: skip


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The day of an instant where people live by ``zone``."""
    # Facts are kept in UTC, where most policies start, and a conversion takes ten times as long.
    if zone.key == "UTC" and instant.tzinfo is UTC:
        return instant.date()
    return instant.astimezone(zone).date()


@lru_cache(maxsize=1024)
def when(day: date, today: date, calendar: Calendar) -> Text:
    r"""``day`` as seen from ``today``, to be put after a verb.

    >>> when(date(2026, 3, 20), date(2026, 3, 24), "gregorian").en
    '4 days ago'
    >>> when(date(2025, 3, 21), date(2026, 3, 24), "jalali")
    Text(en='on 1 Farvardin 1404', fa='در \u2068۱\u2069 فروردین \u2068۱۴۰۴\u2069')
    """
    days = (today - day).days
    if days <= 0:
        return Text("today", "امروز")
    if days == 1:
        return Text("yesterday", "دیروز")
    if days <= RECENT_DAYS:
        count = number(days)
        return Text(f"{count.en} days ago", f"{count.fa} روز پیش")
    named = date_name(day, calendar)
    return Text(f"on {named.en}", f"در {named.fa}")


def date_name(day: date, calendar: Calendar) -> Text:
    """The whole date in words.

    >>> date_name(date(2026, 3, 21), "gregorian").en
    '21 March 2026'
    """
    if calendar == "jalali" and _FIRST_JALALI <= day <= _LAST_JALALI:
        return _jalali_name(day)
    en, fa = _MONTHS[day.month - 1]
    return _name(day.day, Text(en, fa), day.year)


def day_name(day: date, calendar: Calendar) -> Text:
    """Day and month in words, where the year goes without saying.

    >>> day_name(date(2026, 3, 20), "jalali").en, day_name(date(2026, 3, 20), "gregorian").en
    ('29 Esfand', '20 March')
    """
    named = date_name(day, calendar)
    return Text(named.en.rpartition(" ")[0], named.fa.rpartition(" ")[0])


def month_key(day: date, calendar: Calendar) -> str:
    """The year and month of a day, so that they sort.

    >>> month_key(date(2026, 3, 21), "jalali"), month_key(date(2026, 3, 21), "gregorian")
    ('1405-01', '2026-03')
    """
    if calendar == "gregorian" or not _FIRST_JALALI <= day <= _LAST_JALALI:
        return f"{day.year:04}-{day.month:02}"
    from persiantools.jdatetime import JalaliDate

    jalali = JalaliDate(day)  # type: ignore[no-untyped-call]  # the library leaves it untyped
    return f"{jalali.year:04}-{jalali.month:02}"


def _jalali_name(day: date) -> Text:
    from persiantools.jdatetime import MONTH_NAMES_EN, MONTH_NAMES_FA, JalaliDate

    jalali = JalaliDate(day)  # type: ignore[no-untyped-call]  # the library leaves it untyped
    month = Text(str(MONTH_NAMES_EN[jalali.month]), str(MONTH_NAMES_FA[jalali.month]))
    return _name(jalali.day, month, jalali.year)


def _name(day: int, month: Text, year: int) -> Text:
    return Text(f"{day} {month.en} {year}", f"{persian(str(day))} {month.fa} {persian(str(year))}")
