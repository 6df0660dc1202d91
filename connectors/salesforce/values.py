"""Salesforce's values as ours, and outputs as Salesforce's."""

from __future__ import annotations

from typing import Any

from chalicelib.core.model import Json
from chalicelib.core.outputs import TOPICS, Fields, FieldValue, OutputType
from connectors import _values
from connectors._json_values import instant, typed
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


TYPED = typed(worded)


def field_values(fields: Fields) -> dict[str, Json]:
    """By field of ours; None clears it, and tags are the choices of a field that takes several.

    Topics stand in no field.

    >>> field_values({"score": 82, "tags": ("class:A", "segment:loyal"), "class": None})
    {'Emtiaz_Score__c': 82, 'Emtiaz_Tags__c': 'class:A;segment:loyal', 'Emtiaz_Class__c': None}
    """
    return {field_name(name): _sent(value) for name, value in fields.items() if name not in TOPICS}


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
