"""Values on their way in: what Zoho takes for a field of a type, and in which words it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from infra.sandbox.zoho.errors import ApiError, invalid, wrong_id
from infra.sandbox.zoho.fields import Field
from infra.sandbox.zoho.instants import read, read_date
from infra.sandbox.zoho.records import Value

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NUMBERS = ("integer", "double", "currency", "percent")
_TEXTS = ("text", "textarea", "email", "phone", "website")


class Surroundings(Protocol):
    """What a value may lead to."""

    def is_user(self, user_id: str) -> bool: ...
    def is_record(self, module: str, record_id: str) -> bool: ...
    def is_currency(self, code: str) -> bool: ...


def taken(field: Field, value: Value, around: Surroundings) -> Value:
    """The value to store. Raises ``ApiError``."""
    if value is None:
        return None
    return _CHECKS[field.type](field, value, around)


def _text(field: Field, value: Value, _: Surroundings) -> Value:
    if not isinstance(value, str):
        raise _mistyped(field, "text" if field.type != "email" else "email")
    if len(value) > field.longest:
        raise _too_long(field)
    if field.type == "email" and value and not _EMAIL.fullmatch(value):
        raise _mistyped(field, "email")
    return value or None


def _number(field: Field, value: Value, _: Surroundings) -> Value:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole and (field.type == "integer" or not isinstance(value, float)):
        raise _mistyped(field, field.type if field.type == "integer" else "double")
    if len(re.sub(r"[-.]|\.0$", "", str(value))) > field.longest:
        raise _too_long(field)
    return value


def _boolean(field: Field, value: Value, _: Surroundings) -> Value:
    if not isinstance(value, bool):
        raise _mistyped(field, "boolean")
    return value


def _bigint(field: Field, value: Value, _: Surroundings) -> Value:
    if not str(value).isdecimal():
        raise _mistyped(field, "bigint")
    return str(value)


def _instant(field: Field, value: Value, _: Surroundings) -> Value:
    try:
        return read(value)
    except (TypeError, ValueError) as wrong:
        raise _mistyped(field, "datetime") from wrong


def _day(field: Field, value: Value, _: Surroundings) -> Value:
    try:
        return read_date(value).isoformat()
    except (TypeError, ValueError) as wrong:
        raise _mistyped(field, "date") from wrong


def _choice(field: Field, value: Value, around: Surroundings) -> Value:
    if not isinstance(value, str):
        raise _mistyped(field, "picklist")
    if field.name == "Currency":
        if not around.is_currency(value):
            raise invalid("invalid data", api_name=field.name)
        return value
    if value in ("", "-None-"):
        return None
    if field.value_of(value) is None:
        names = [one.actual for one in field.values]
        raise invalid("the given value is not a value of the list", api_name=field.name,
                      supported_values=names)  # fmt: skip
    return value


def _choices(field: Field, value: Value, around: Surroundings) -> Value:
    if not isinstance(value, list):
        raise _mistyped(field, "jsonarray")
    return [_choice(field, one, around) for one in value] or None


def _user(field: Field, value: Value, around: Surroundings) -> Value:
    found = _reference(field, value)
    if not around.is_user(found):
        raise wrong_id(api_name=field.name)
    return found


def _record(field: Field, value: Value, around: Surroundings) -> Value:
    found = _reference(field, value)
    if not around.is_record(field.lookup, found):
        raise wrong_id(api_name=field.name)
    return found


def _reference(field: Field, value: Value) -> str:
    found = value.get("id") if isinstance(value, dict) else value
    try:
        return id_of(found)
    except ApiError as wrong:
        raise _mistyped(field, "jsonobject") from wrong


def id_of(value: Value) -> str:
    """Zoho's own client sends ids as numbers. Raises ``ApiError``."""
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    raise wrong_id(expected_data_type="bigint")


def _unwritable(field: Field, _value: Value, _around: Surroundings) -> Value:
    raise invalid("the field cannot be written", api_name=field.name)


_CHECKS: dict[str, Callable[[Field, Value, Surroundings], Value]] = {
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(_NUMBERS, _number),
    "bigint": _bigint,
    "boolean": _boolean,
    "datetime": _instant,
    "date": _day,
    "picklist": _choice,
    "multiselectpicklist": _choices,
    "ownerlookup": _user,
    "lookup": _record,
    "profileimage": _unwritable,
}


def _mistyped(field: Field, expected: str) -> ApiError:
    return invalid("invalid data", api_name=field.name, expected_data_type=expected)


def _too_long(field: Field) -> ApiError:
    return invalid("invalid data", api_name=field.name, maximum_length=field.longest)
