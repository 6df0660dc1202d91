"""HubSpot's texts as values, and outputs as HubSpot's texts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from chalicelib.core.facts import iso
from chalicelib.core.model import Json, Money
from chalicelib.core.outputs import Fields, FieldValue, OutputType
from chalicelib.core.policy import AttributeType
from connectors.hubspot.owned import PREFIX

# More digits than any sum of money has; beyond them "1e999999" would fill the memory.
MOST_DIGITS = 18

_EPOCH = datetime.fromtimestamp(0, UTC)
_FIRST_EPOCH_MS = 10**11  # spring of 1973; no counter comes near
_LARGEST_WHOLE = 2**53


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
    """From ISO 8601 or epoch milliseconds, since HubSpot has used both.

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


TYPED: Mapping[AttributeType, Callable[[str], Json]] = {
    "text": str,
    "choice": str,
    "number": number_or_text,
    "boolean": boolean,
    "date": day_or_instant,
}
"""How a property's text is read, by the attribute's type; None for what is not of it."""


def property_values(fields: Fields) -> dict[str, str]:
    """Property texts by name; an empty text clears the property.

    >>> property_values({"score": 82, "tags": ("class:A", "segment:loyal"), "class": None})
    {'emtiaz_score': '82', 'emtiaz_tags': 'class:A;segment:loyal', 'emtiaz_class': ''}
    """
    return {PREFIX + name: _text(value) for name, value in fields.items()}


def _text(value: FieldValue) -> str:
    match value:
        case None:
            return ""
        case tuple():
            return ";".join(value)
        case float():
            return format(Decimal(repr(value)), "f")  # HubSpot does not read exponents
        case _:
            return str(value)


def field_value(text: str | None, of_type: OutputType) -> FieldValue:
    """What ``property_values`` made the text of; tags come sorted, as HubSpot keeps no order.

    A text that somebody else wrote and that is not of the type stays as it is, for it must
    differ from whatever we would write.

    >>> field_value("segment:loyal;class:A", OutputType.TAGS)
    ('class:A', 'segment:loyal')
    """
    if not text:
        return None
    match of_type:
        case OutputType.TAGS:
            return tuple(sorted(filter(None, text.split(";"))))
        case OutputType.SCORE | OutputType.NUMBER:
            found = number(text)
            return text if found is None else found
        case OutputType.INSTANT:
            return instant(text) or text
        case _:
            return text
