"""Values of properties: what HubSpot takes, what it refuses, and how it stores them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, time

from infra.sandbox._serving.instants import read, spell

TEXT_LIMIT = 65_536

# At most one dimension separator, no thousands commas.
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff]")


class InvalidValue(Exception):
    """``code`` is HubSpot's word for the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def text(value: str) -> str:
    if len(value) > TEXT_LIMIT:
        raise InvalidValue("INVALID_LENGTH", f"The value is longer than {TEXT_LIMIT} characters")
    return value


def number(value: str) -> str:
    """A number, as it was spelled.

    >>> number("82.5")
    '82.5'
    """
    if not _NUMBER.fullmatch(value):
        raise InvalidValue("INVALID_FLOAT", f"{value!r} was not a valid number.")
    return value


def instant(value: str) -> str:
    """ISO 8601 or epoch milliseconds, stored as ISO.

    >>> instant("1790000000000")
    '2026-09-21T14:13:20.000Z'
    """
    try:
        return spell(read(value))
    except (ValueError, OverflowError) as wrong:
        raise InvalidValue("INVALID_DATE", f"{value!r} was not a valid datetime.") from wrong


def day(value: str) -> str:
    """``YYYY-MM-DD``, or epoch milliseconds of a midnight in UTC; another hour is refused.

    >>> day("1789948800000")
    '2026-09-21'
    """
    try:
        moment = _midnight(value) if "-" in value[1:] else read(value)
    except (ValueError, OverflowError) as wrong:
        raise InvalidValue("INVALID_DATE", f"{value!r} was not a valid date.") from wrong
    if moment.time() != time(0):
        raise InvalidValue("INVALID_DATE", f"{value!r} is not at midnight UTC.")
    return moment.date().isoformat()


def _midnight(value: str) -> datetime:
    return datetime.combine(date.fromisoformat(value), time(0), UTC)


def choice(value: str, options: Collection[str]) -> str:
    if value not in options:
        allowed = ", ".join(options)
        raise InvalidValue(
            "INVALID_OPTION", f"{value} was not one of the allowed options: {allowed}"
        )
    return value


def choices(value: str, options: Collection[str], before: str) -> str:
    """Values joined by ``;``. A leading ``;`` appends to those that were there before.

    >>> choices(";b", ["a", "b"], "a")
    'a;b'
    """
    kept = before.split(";") if value.startswith(";") and before else []
    wanted = [one for one in (*kept, *value.split(";")) if one]
    return ";".join(dict.fromkeys(choice(one, options) for one in wanted))


def email(value: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        raise InvalidValue("INVALID_EMAIL", f"Email address {value} is invalid")
    return value.lower()


def refuse_padding(value: str) -> None:
    """Values other than text must not be padded, not even invisibly."""
    if value != value.strip() or _INVISIBLE.search(value):
        raise InvalidValue("INVALID_WHITESPACE", f"{value!r} has leading, trailing or hidden space")


PLAIN: dict[str, Callable[[str], str]] = {
    "string": text,
    "phone_number": text,
    "number": number,
    "datetime": instant,
    "date": day,
}
"""How a value of each type without options is checked and stored."""
