"""Numbers, sums of money and days as people type them, in Persian, Arabic or Latin digits.

What cannot be read without guessing is missing, which is not zero: «۱,۵» may be one and a half
or fifteen. Money in toman, rial or hemat comes out in rial, as everywhere in the product.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from chalicelib.core.model import Money
from chalicelib.localization.letters import key_form

_SCALES = {"هزار": 10**3, "میلیون": 10**6, "میلیارد": 10**9, "همت": 10**12}
_HEMAT = "همت"
"""A thousand billion toman: a scale and a currency in one word."""

_CURRENCIES = {
    "تومان": "IRT", "تومن": "IRT", "irt": "IRT", "tmn": "IRT", "toman": "IRT",
    "ریال": "IRR", "irr": "IRR", "rial": "IRR",
    "دلار": "USD", "usd": "USD", "$": "USD", "یورو": "EUR", "eur": "EUR", "€": "EUR",
}  # fmt: skip

# Persian keyboards give U+066B and U+066C, but also a comma of either script.
_MARKS = str.maketrans({"٫": ".", "٬": ",", "،": ",", "−": "-", "–": "-", "٪": "%"})

# Longer than any sum that is counted; beyond it, a text could fill the memory.
_LONGEST = 60

_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?"
_SCALE = "|".join(_SCALES)
_PART = rf"{_DIGITS}(?: ?(?:{_SCALE}))?"
_EACH = re.compile(rf"({_DIGITS})(?: ?({_SCALE}))?")
_UNIT = "|".join(map(re.escape, (*_CURRENCIES, "%", "درصد")))
_WRITTEN = re.compile(
    r"(?P<first>[-+] ?)?(?P<before>[$€%] ?)?"
    rf"(?P<parts>{_PART}(?: و {_PART})*)"
    rf"(?P<middle> ?[-+])?(?: ?(?P<after>{_UNIT}))?(?P<last> ?[-+])?"
)


def number_of(value: object) -> int | float | None:
    """A number as it is, or what a text says; None for anything else.

    Of money, the sum in whole units of its currency, which for toman is rial. A percentage is
    the number that stands before the sign.

    >>> number_of("۱۲٬۵۰۰٫۵"), number_of("250,000−"), number_of("٪۲۰"), number_of(7)
    (12500.5, -250000, 20, 7)
    >>> number_of("۲۵۰,۰۰۰ ریال"), number_of("۱,۵"), number_of("نمی‌دانم"), number_of(True)
    (250000, None, None, None)
    """
    if type(value) is int:  # not bool
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, str):
        return None
    found = _read(value)
    if found is None:
        return None
    amount, currency = found
    worth = amount * 10 if currency == "IRT" else amount
    return int(worth) if worth == worth.to_integral_value() else float(worth)


def money_of(text: str, currency: str | None = None) -> Money | None:
    """A sum with its currency; ``currency`` is that of a text that names none.

    >>> money_of("۱۰ میلیون تومان"), money_of("۲۵۰,۰۰۰ ریال")
    (Money(amount=100000000, currency='IRR'), Money(amount=250000, currency='IRR'))
    >>> money_of("۱ میلیون و ۲۰۰ هزار", "IRT"), money_of("۱۲۰۰"), money_of("۲۰٪", "IRR")
    (Money(amount=12000000, currency='IRR'), None, None)
    """
    found = _read(text)
    if found is None:
        return None
    amount, named = found
    code = named or currency
    return None if code in (None, "%") else Money.from_decimal(amount, str(code))


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[Decimal, str | None] | None:
    """The number, and the currency or ``%`` that stands beside it."""
    if len(text) > _LONGEST:
        return None
    found = _WRITTEN.fullmatch(key_form(text.translate(_MARKS)))
    if found is None:
        return None
    unit = _unit(found)
    signs = [found[name] for name in ("first", "middle", "last") if found[name]]
    if unit == "" or len(signs) > 1:
        return None
    amount = _total(found["parts"])
    if amount is None:
        return None
    return (-amount if signs and "-" in signs[0] else amount), unit


def _unit(found: re.Match[str]) -> str | None:
    """A currency, ``%`` or nothing; empty where two of them contradict each other."""
    names = {str(found[name]).strip() for name in ("before", "after") if found[name]}
    units = {_CURRENCIES.get(name, "%") for name in names}
    if _HEMAT in found["parts"]:
        units.add("IRT")
    return "" if len(units) > 1 else next(iter(units), None)


def _total(parts: str) -> Decimal | None:
    """«۲ میلیون و ۵۰۰ هزار»: each scale is smaller than the one before."""
    total, last = Decimal(0), None
    for digits, word in _EACH.findall(parts):
        scale = _SCALES.get(word, 1)
        if last is not None and scale >= last:
            return None
        total, last = total + Decimal(digits.replace(",", "")) * scale, scale
    return total


_DAY = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_LAST_JALALI_YEAR = 1700
"""Nobody's customer was born in the Gregorian years up to here, nor will be in the Jalali ones."""


def day_of(value: object, zone: ZoneInfo) -> date | None:
    """The local day of an instant or of a day in either calendar; None for anything else.

    >>> tehran = ZoneInfo("Asia/Tehran")
    >>> day_of("2026-03-20T22:00:00.000Z", tehran), day_of("۱۴۰۵/۱/۱", tehran)
    (datetime.date(2026, 3, 21), datetime.date(2026, 3, 21))
    >>> day_of("2026-02-30", tehran), day_of("soon", tehran)
    (None, None)
    """
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    try:
        written = _DAY.fullmatch(key_form(value))
        return _calendar_day(*map(int, written.groups())) if written else _local(value, zone)
    except (ValueError, OverflowError):  # the latter at the ends of the years 1 and 9999
        return None


_DAY_AND_TIME = re.compile(
    r"(?P<day>[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2})"
    r"(?:(?: ?[-,،] ?| |t)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?)?"
)


def instant_of(value: object, zone: ZoneInfo) -> datetime | None:
    """An instant, or a day in either calendar with or without a time; None for anything else.

    What names no zone is meant in ``zone``, and a day without a time is its beginning.

    >>> tehran = ZoneInfo("Asia/Tehran")
    >>> instant_of("۱۴۰۵/۰۱/۰۱ ۱۴:۳۰", tehran).isoformat()
    '2026-03-21T14:30:00+03:30'
    >>> instant_of("2026-03-21T11:00:00Z", tehran).isoformat()
    '2026-03-21T11:00:00+00:00'
    >>> instant_of("2026-03-21", tehran).isoformat(), instant_of("2026-03-21 25:00", tehran)
    ('2026-03-21T00:00:00+03:30', None)
    """
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    try:
        written = _DAY_AND_TIME.fullmatch(key_form(value))
        if written is None:
            return _with_zone(datetime.fromisoformat(value.strip()), zone)
        day = _calendar_day(*map(int, re.split("[-/.]", written["day"])))
        hour, minute, second = (int(written[part] or 0) for part in ("hour", "minute", "second"))
        return datetime.combine(day, time(hour, minute, second), zone)
    except (ValueError, OverflowError):
        return None


def _with_zone(at: datetime, zone: ZoneInfo) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _local(text: str, zone: ZoneInfo) -> date:
    instant = datetime.fromisoformat(text)
    return instant.astimezone(zone).date() if instant.tzinfo else instant.date()


def _calendar_day(year: int, month: int, day: int) -> date:
    if year > _LAST_JALALI_YEAR:
        return date(year, month, day)
    from persiantools.jdatetime import JalaliDate

    found: date = JalaliDate(year, month, day).to_gregorian()  # type: ignore[no-untyped-call]
    return found
