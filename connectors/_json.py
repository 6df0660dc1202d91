"""JSON from strangers: no more of it than an honest sender would send."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from chalicelib.core.errors import PayloadInvalid

DEEPEST = 32


def strict_json(body: bytes) -> Any:
    """What the body says, if it is JSON in UTF-8 and no deeper than it can be by honest means.

    Raises PayloadInvalid.
    """
    try:
        value = json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as fault:
        raise PayloadInvalid("not JSON in UTF-8") from fault
    if _deeper_than(DEEPEST, value):
        raise PayloadInvalid(f"more than {DEEPEST} levels deep")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _deeper_than(limit: int, value: Any) -> bool:
    level = [value]
    for _ in range(limit):
        level = [inner for outer in level for inner in _members(outer)]
    return any(isinstance(value, dict | list) for value in level)


def _members(value: Any) -> list[Any]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []
