"""Salesforce's values as ours, and outputs as Salesforce's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.core.model import Json, Money
from chalicelib.core.outputs import Fields, FieldValue, OutputType
from chalicelib.core.policy import AttributeType
from connectors import _values
from connectors.salesforce.owned import field_name


def worded(value: Any) -> str | None:
    """As a text; None for what is empty, or is no single value.

    >>> worded("Webinar"), worded(True), worded(" "), worded(240)
    ('Webinar', 'true', None, '240')
    """
    if value is None or isinstance(value, dict | list):
        return None
    found = str(value).lower() if isinstance(value, bool) else str(value)
    return found if found.strip() else None


def instant(value: Any) -> str | None:
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


def field_values(fields: Fields) -> dict[str, Json]:
    """By field of ours; None clears it, and tags are the choices of a field that takes several.

    >>> field_values({"score": 82, "tags": ("class:A", "segment:loyal"), "class": None})
    {'Emtiaz_Score__c': 82, 'Emtiaz_Tags__c': 'class:A;segment:loyal', 'Emtiaz_Class__c': None}
    """
    return {field_name(name): _sent(value) for name, value in fields.items()}


def _sent(value: FieldValue) -> Json:
    return ";".join(value) if isinstance(value, tuple) else value


def field_value(value: Any, of_type: OutputType) -> FieldValue:
    """What ``field_values`` made it of; tags come sorted, as Salesforce keeps no order.

    What somebody else wrote and is not of the type stays as it is, for it must differ from
    whatever we would write.

    >>> field_value("segment:loyal;class:A", OutputType.TAGS), field_value(82.0, OutputType.SCORE)
    (('class:A', 'segment:loyal'), 82)
    """
    if value is None or value == "":
        return None
    match of_type:
        case OutputType.TAGS:
            return tuple(sorted(filter(None, str(value).split(";"))))
        case OutputType.SCORE | OutputType.NUMBER:
            found = _values.number(str(value))
            return str(value) if found is None else found
        case OutputType.INSTANT:
            return instant(value) or str(value)
        case _:
            return str(value)
