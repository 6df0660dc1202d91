"""The body of a request to ``/events``: one item, a list of them, or ``{"events": [...]}``."""

from __future__ import annotations

import json
from math import isinf
from typing import Any, NoReturn

from chalicelib.core.errors import PayloadInvalid
from chalicelib.core.model import Json

MOST_ITEMS = 100
DEEPEST = 32
MOST_DIGITS = 40


def items(body: bytes) -> list[Json]:
    """1 to 100 of anything that JSON can say. Raises ``PayloadInvalid``."""
    told = strict_json(body)
    found = told["events"] if isinstance(told, dict) and set(told) == {"events"} else told
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list):
        raise PayloadInvalid('send one event, a list of them, or {"events": [...]}')
    if not 1 <= len(found) <= MOST_ITEMS:
        raise PayloadInvalid(f"{len(found)} events; send 1 to {MOST_ITEMS} at a time")
    return found


def is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def strict_json(body: bytes) -> Any:
    """Raises ``PayloadInvalid``."""
    try:
        value = json.loads(
            body, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_short
        )
    except OverflowError as fault:
        raise PayloadInvalid(str(fault)) from fault
    except (ValueError, RecursionError) as fault:
        raise PayloadInvalid("the body is not JSON in UTF-8") from fault
    if _is_deeper_than(DEEPEST, value):
        raise PayloadInvalid(f"the body is more than {DEEPEST} levels deep")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    """What is too large for a float would be kept as what is not JSON."""
    number = float(text)
    if isinf(number):
        raise OverflowError("the body has a number that is too large")
    return number


def _short(text: str) -> int:
    """What is very long Python may refuse to write again, once it has been reckoned with."""
    if len(text) > MOST_DIGITS:
        raise OverflowError("the body has a number that is too large")
    return int(text)


def _is_deeper_than(limit: int, value: Json) -> bool:
    level = [value]
    for _ in range(limit):
        level = [inner for outer in level for inner in _members(outer)]
    return any(isinstance(inner, dict | list) for inner in level)


def _members(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
