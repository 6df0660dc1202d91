"""Reading request bodies as strictly as HubSpot does."""

from __future__ import annotations

from collections.abc import Sequence

from infra.sandbox._serving import request_body
from infra.sandbox._serving.errors import Wire
from infra.sandbox.hubspot.errors import ApiError, invalid


def json_object() -> Wire:
    """The body as an object. Raises ``ApiError``: 415 for another type, 400 for other JSON."""
    return request_body.json_object(_refused)


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
    return request_body.objects(body, member, _refused)


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
    return request_body.names(body, member, _refused)


def _refused(status: int, message: str) -> ApiError:
    return ApiError(status, "VALIDATION_ERROR", message)
