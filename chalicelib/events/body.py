"""The body of a request to ``/events``: one item, a list of them, or ``{"events": [...]}``."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from chalicelib.core.errors import PayloadInvalid
from chalicelib.core.model import Json

MOST_ITEMS = 100
DEEPEST = 32


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
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as fault:
        raise PayloadInvalid("the body is not JSON in UTF-8") from fault
    if _is_deeper_than(DEEPEST, value):
        raise PayloadInvalid(f"the body is more than {DEEPEST} levels deep")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_deeper_than(limit: int, value: Json) -> bool:
    level = [value]
    for _ in range(limit):
        level = [inner for outer in level for inner in _members(outer)]
    return any(isinstance(inner, dict | list) for inner in level)


def _members(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
