"""Zoho's values as ours, and outputs as Zoho's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.core.facts import parse_instant
from chalicelib.core.model import Json, Money
from chalicelib.core.outputs import FieldValue, OutputType
from chalicelib.core.policy import AttributeType
from connectors import _values


def worded(value: Any) -> str | None:
    """A text, the name of a lookup, or the choices of a field that holds several.

    >>> worded(["Mail", "Phone"]), worded({"name": "Rangoni", "id": "9"}), worded(" ")
    ('Mail;Phone', 'Rangoni', None)
    """
    match value:
        case None | bool():
            found = None if value is None else str(value).lower()
        case dict():
            found = str(value.get("name") or "")
        case list():
            found = ";".join(str(one) for one in value)
        case _:
            found = str(value)
    return found if found and found.strip() else None


def instant(value: Any) -> str | None:
    """Zoho writes the offset of whoever asks; so does nobody else."""
    return _values.instant(value) if isinstance(value, str) else None


def midnight(value: Any, zone: str) -> str | None:
    """A day as the instant at which it begins in ``zone``; an instant as it is.

    >>> midnight("2026-11-01", "Asia/Tehran")
    '2026-10-31T20:30:00.000Z'
    """
    if not isinstance(value, str):
        return None
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return instant(value)
    try:
        begins = datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError, LookupError, OSError):
        return instant(value)
    return instant(begins.isoformat())


def number(value: Any) -> int | float | None:
    return _values.number(str(value)) if _is_number(value) else None


def money(value: Any, currency: str) -> Money | None:
    return _values.money(str(value), currency) if _is_number(value) else None


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


TYPED: Mapping[AttributeType, Callable[[Any], Json]] = {
    "text": worded,
    "choice": worded,
    "number": _number,
    "boolean": _boolean,
    "date": _day_or_instant,
}
"""How a field's value is read, by the attribute's type; None for what is not of it."""


def sent(value: FieldValue, of_type: OutputType) -> Json:
    """As a field is given it; None clears the field. Tags are no field.

    >>> sent("2026-11-01T08:00:00.000Z", OutputType.INSTANT), sent(12.5, OutputType.NUMBER)
    ('2026-11-01T08:00:00+00:00', 12.5)
    """
    if isinstance(value, tuple):
        return ";".join(value)
    if of_type is OutputType.INSTANT and isinstance(value, str):
        return parse_instant(value).isoformat(timespec="seconds")
    return value


def field_value(value: Any, of_type: OutputType) -> FieldValue:
    """What ``sent`` made it of; what somebody else wrote stays what it is, as a text.

    >>> field_value("2026-11-01T11:30:00+03:30", OutputType.INSTANT), field_value(7.0, "number")
    ('2026-11-01T08:00:00.000Z', 7)
    """
    if value is None or value == "":
        return None
    match of_type:
        case OutputType.SCORE | OutputType.NUMBER:
            found = _values.number(str(value))
            return str(value) if found is None else found
        case OutputType.INSTANT:
            return instant(value) or str(value)
        case _:
            return str(value)
