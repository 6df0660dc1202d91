"""Values as they come in, checked as strictly as Salesforce does, and as they go out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.fields import Field, Value
from infra.sandbox.salesforce.ids import is_id, normal

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LARGEST = 10**16
_INT_BITS = 31
_TEXTS = frozenset({"string", "textarea", "phone", "url", "email"})


def taken(field: Field, given: object) -> Value:
    """What is stored. Raises ``ApiError``."""
    if given is None or given == "":
        return _emptied(field)
    return _READERS.get(field.type, _text)(field, given)


def _emptied(field: Field) -> Value:
    if field.type == "boolean":
        raise ApiError("INVALID_TYPE_ON_FIELD_IN_RECORD", _type_message(field, None))
    if field.required:
        message = f"Required fields are missing: [{field.name}]"
        raise ApiError("REQUIRED_FIELD_MISSING", message, fields=(field.name,))
    return None


def _text(field: Field, given: object) -> Value:
    if not isinstance(given, str):
        raise _wrong_type(field, given)
    text = given.strip() if field.type != "textarea" else given
    if field.length and len(text) > field.length:
        message = f"{field.name}: data value too large: {text} (max length={field.length})"
        raise ApiError("STRING_TOO_LONG", message, fields=(field.name,))
    return text


def _email(field: Field, given: object) -> Value:
    text = _text(field, given)
    if not isinstance(text, str) or not _EMAIL.fullmatch(text):
        message = f"{field.name}: invalid email address: {text}"
        raise ApiError("INVALID_EMAIL_ADDRESS", message, fields=(field.name,))
    return text


def _choice(field: Field, given: object) -> Value:
    text = _text(field, given)
    if field.restricted and text not in dict(field.values):
        raise _bad_choice(field, text)
    return text


def _choices(field: Field, given: object) -> Value:
    """Each once, in the order of the field's values; those that it has not follow."""
    text = _text(field, given)
    assert isinstance(text, str)
    chosen = dict.fromkeys(part.strip() for part in text.split(";") if part.strip())
    known = [value for value, _ in field.values]
    if field.restricted and (strange := [one for one in chosen if one not in known]):
        raise _bad_choice(field, strange[0])
    ordered = [one for one in known if one in chosen]
    return ";".join([*ordered, *(one for one in chosen if one not in known)])


def _bad_choice(field: Field, value: Value) -> ApiError:
    message = f"{field.name}: bad value for restricted picklist field: {value}"
    return ApiError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, fields=(field.name,))


def _number(field: Field, given: object) -> Value:
    """JSON's numbers, and texts of such."""
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise _wrong_type(field, given)
    try:
        number = float(given)
    except ValueError as wrong:
        raise _wrong_type(field, given) from wrong
    if not abs(number) < _LARGEST:  # nor is what is no number at all
        message = f"{field.name}: value outside of valid range on numeric field: {given}"
        raise ApiError("NUMBER_OUTSIDE_VALID_RANGE", message, fields=(field.name,))
    return number


def _whole(field: Field, given: object) -> Value:
    number = _number(field, given)
    if not isinstance(number, float) or number != int(number) or int(number) >> _INT_BITS > 0:
        raise _wrong_type(field, given)
    return int(number)


def _flag(field: Field, given: object) -> Value:
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given.lower() in {"true", "false"}:
        return given.lower() == "true"
    raise _wrong_type(field, given)


def _reference(field: Field, given: object) -> Value:
    if not is_id(given):
        message = f"{field.name}: id value of incorrect type: {given}"
        raise ApiError("MALFORMED_ID", message, fields=(field.name,))
    return normal(given)


def _day(field: Field, given: object) -> Value:
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    if not isinstance(given, str):
        raise _wrong_type(field, given)
    try:
        return date.fromisoformat(given[:10])
    except ValueError as wrong:
        raise _wrong_type(field, given) from wrong


def _instant(field: Field, given: object) -> Value:
    if isinstance(given, datetime):
        return to_second(given)
    if not isinstance(given, str):
        raise _wrong_type(field, given)
    try:
        return read_instant(given)
    except ValueError as wrong:
        raise _wrong_type(field, given) from wrong


_READERS: Mapping[str, Callable[[Field, object], Value]] = {
    "email": _email,
    "picklist": _choice,
    "multipicklist": _choices,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "int": _whole,
    "boolean": _flag,
    "reference": _reference,
    "date": _day,
    "datetime": _instant,
}


def _wrong_type(field: Field, given: object) -> ApiError:
    return ApiError("INVALID_TYPE_ON_FIELD_IN_RECORD", _type_message(field, given))


def _type_message(field: Field, given: object) -> str:
    return f"{field.name}: value not of required type: {given}"


def to_second(instant: datetime) -> datetime:
    """As Salesforce keeps them."""
    return instant.astimezone(UTC).replace(microsecond=0)


def read_instant(text: str) -> datetime:
    """ISO 8601; no zone means UTC. Raises ValueError."""
    instant = datetime.fromisoformat(text)
    return to_second(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


def spell(instant: datetime, zone: str = "+0000") -> str:
    """As REST answers it; messages and events have the zone ``Z``.

    >>> spell(datetime(2026, 9, 30, 8, 14, 52, tzinfo=UTC))
    '2026-09-30T08:14:52.000+0000'
    """
    return f"{instant:%Y-%m-%dT%H:%M:%S}.000{zone}"


def wire(value: Value, zone: str = "+0000") -> bool | int | float | str | None:
    """As JSON has it."""
    if isinstance(value, datetime):
        return spell(value, zone)
    return value.isoformat() if isinstance(value, date) else value


def written(value: Value, zone: str = "+0000") -> str:
    """As CSV and XML have it; empty where there is none."""
    match wire(value, zone):
        case None:
            return ""
        case bool(flag):
            return "true" if flag else "false"
        case other:
            return str(other)
