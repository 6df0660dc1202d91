"""HubSpot's texts as values, and outputs as HubSpot's texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from chalicelib.core.model import Json
from chalicelib.core.outputs import Fields, FieldValue, OutputType
from chalicelib.core.policy import AttributeType
from connectors._values import boolean, day_or_instant, instant, number, number_or_text
from connectors.hubspot.owned import PREFIX

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
