"""Reading request bodies strictly. ``refuse`` words what is wrong in the CRM's own way."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import BadRequest

from infra.sandbox._serving.errors import ApiError, Refusal, Wire


def json_object(refuse: Refusal = ApiError, *, any_type: bool = False) -> Wire:
    """The body as an object. Raises ``ApiError``: 415 for another type, 400 for other JSON."""
    if request.mimetype != "application/json" and not any_type:
        raise refuse(415, f"Unsupported media type {request.mimetype!r}")
    try:
        body = request.get_json(force=any_type)
    except BadRequest as broken:
        raise refuse(400, "Invalid input JSON: the body cannot be parsed") from broken
    if not isinstance(body, dict):
        raise refuse(400, "Invalid input JSON: an object is required")
    return body


def objects(body: Wire, member: str, refuse: Refusal = ApiError) -> list[Wire]:
    """A list of objects; absent is empty."""
    found = body.get(member, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise refuse(400, f"Invalid input JSON: {member!r} must be a list of objects")
    return found


def names(body: Wire, member: str, refuse: Refusal = ApiError) -> tuple[str, ...]:
    """A list of names; absent is empty."""
    found = body.get(member, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise refuse(400, f"Invalid input JSON: {member!r} must be a list of names")
    return tuple(found)
