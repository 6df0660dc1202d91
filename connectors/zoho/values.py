"""Zoho's values as ours, and outputs as Zoho's."""

from __future__ import annotations

from typing import Any

from chalicelib.core.facts import parse_instant
from chalicelib.core.model import Json
from chalicelib.core.outputs import FieldValue, OutputType
from connectors import _values
from connectors._json_values import instant, typed


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


TYPED = typed(worded)


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
