"""What CRMs write as values of JSON, understood as attributes are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.core.model import Json, Money
from chalicelib.core.policy import AttributeType
from connectors import _values


def instant(value: Any) -> str | None:
    """In UTC, whatever offset it is written with."""
    return _values.instant(value) if isinstance(value, str) else None


def midnight(value: Any, zone: str) -> str | None:
    """A day as the instant at which it begins in ``zone``; an instant as it is.

    >>> midnight("2026-11-01", "Asia/Tehran")
    '2026-10-31T20:30:00.000Z'
    """
    if not isinstance(value, str):
        return None
    try:
        begins = datetime.combine(date.fromisoformat(value), time.min, ZoneInfo(zone))
        return instant(begins.astimezone(UTC).isoformat())
    except (ValueError, OverflowError, LookupError, OSError):
        return instant(value)


def number(value: Any) -> int | float | None:
    return _values.number(str(value)) if _is_number(value) else None


def money(value: Any, currency: str) -> Money | None:
    return _values.money(str(value), currency) if _is_number(value) else None


def typed(worded: Callable[[Any], str | None]) -> Mapping[AttributeType, Callable[[Any], Json]]:
    """How a field's value is read, by the attribute's type; None for what is not of it.

    ``worded`` makes a text of any value, which every CRM's form of lookups and lists needs another
    for.
    """
    return {
        "text": worded,
        "choice": worded,
        "number": _number,
        "boolean": _boolean,
        "date": _day_or_instant,
    }


def _number(value: Any) -> Json:
    if _is_number(value):
        return number(value)
    return _values.number_or_text(value) if isinstance(value, str) else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else _values.boolean(str(value))


def _day_or_instant(value: Any) -> str | None:
    return _values.day_or_instant(value) if isinstance(value, str) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
