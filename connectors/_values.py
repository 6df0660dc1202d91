"""What CRMs write as texts, understood: numbers, sums, days and instants."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from chalicelib.core.facts import iso
from chalicelib.core.model import Money

# More digits than any sum of money has; beyond them "1e999999" would fill the memory.
MOST_DIGITS = 18

_EPOCH = datetime.fromtimestamp(0, UTC)
_FIRST_EPOCH_MS = 10**11  # spring of 1973; no counter comes near
_LARGEST_WHOLE = 2**53


def zone(name: str) -> ZoneInfo:
    """UTC for one that nobody knows, such as an account's that is not known yet."""
    try:
        return ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        return ZoneInfo("UTC")


def number(text: str) -> int | float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    if not math.isfinite(found):
        return None
    return int(found) if found.is_integer() and abs(found) < _LARGEST_WHOLE else found


def decimal(text: str | None) -> Decimal | None:
    """Exactly as it stands, unless it is longer than anything that is counted."""
    try:
        found = Decimal(text or "")
    except InvalidOperation:
        return None
    return found if found.is_finite() and found.adjusted() < MOST_DIGITS else None


def money(text: str | None, currency: str) -> Money | None:
    amount = decimal(text)
    return None if amount is None else Money.from_decimal(amount, currency)


def boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def day_or_instant(text: str) -> str | None:
    """A plain date stays one; an instant is written as everywhere."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return instant(text)


def instant(text: str | None) -> str | None:
    """From ISO 8601 or epoch milliseconds, since CRMs have used both.

    None as well for the years 0001 and 9999, by which other systems say "never".

    >>> instant("2026-11-01T11:30:00+03:30"), instant("1793520000000"), instant("42")
    ('2026-11-01T08:00:00.000Z', '2026-11-01T08:00:00.000Z', None)
    """
    try:
        moment = _moment(text or "")
        told = iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
    return told if "1900" <= told < "2200" else None


def _moment(text: str) -> datetime:
    if not re.fullmatch(r"[0-9]+", text):
        return datetime.fromisoformat(text)
    if int(text) < _FIRST_EPOCH_MS:
        raise ValueError("a number, not a time")
    return _EPOCH + timedelta(milliseconds=int(text))


def number_or_text(text: str) -> int | float | str | None:
    """What people typed into a text property, «۲۵۰٬۰۰۰», is left to scoring if it has a digit."""
    found = number(text)
    if found is None and any(sign.isdigit() for sign in text):
        return text
    return found
