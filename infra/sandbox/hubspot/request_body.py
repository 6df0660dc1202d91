"""Reading request bodies as strictly as HubSpot does."""

from __future__ import annotations

from collections.abc import Sequence

from flask import request
from werkzeug.exceptions import BadRequest

from infra.sandbox.hubspot.errors import ApiError, Wire, invalid


def json_object() -> Wire:
    """The body as an object. Raises ``ApiError``: 415 for another type, 400 for other JSON."""
    if request.mimetype != "application/json":
        raise ApiError(415, "VALIDATION_ERROR", f"Unsupported media type {request.mimetype!r}")
    try:
        body = request.get_json()
    except BadRequest as broken:
        raise invalid("Invalid input JSON: the body cannot be parsed") from broken
    if not isinstance(body, dict):
        raise invalid("Invalid input JSON: an object is required")
    return body


def inputs(body: Wire, limit: int) -> list[Wire]:
    """The ``inputs`` of a batch; none, too many, or anything but objects is refused."""
    found = objects(body, "inputs")
    if not found:
        raise invalid("'inputs' may not be empty")
    if len(found) > limit:
        raise invalid(f"The maximum number of inputs supported in this batch request is {limit}")
    return found


def objects(body: Wire, member: str) -> list[Wire]:
    """A list of objects; absent is empty."""
    found = body.get(member, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise invalid(f"Invalid input JSON: {member!r} must be a list of objects")
    return found


def ids(batch: Sequence[Wire]) -> list[str]:
    found = [one.get("id") for one in batch]
    if not all(isinstance(one, str) and one for one in found):
        raise invalid("Invalid input JSON: each input needs an 'id' as text")
    return [str(one) for one in found]


def properties(holder: Wire) -> dict[str, str]:
    """Values to write, each text or null; a number or a boolean is refused."""
    found = holder.get("properties")
    if not isinstance(found, dict):
        raise invalid("Invalid input JSON: 'properties' must be an object")
    for name, value in found.items():
        if value is not None and not isinstance(value, str):
            raise invalid(f"Invalid input JSON: the value of {name!r} must be text, not {value!r}")
    return {name: value or "" for name, value in found.items()}


def names(body: Wire, member: str) -> tuple[str, ...]:
    """A list of property names; absent is empty."""
    found = body.get(member, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise invalid(f"Invalid input JSON: {member!r} must be a list of names")
    return tuple(found)
