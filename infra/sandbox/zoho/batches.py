"""Bodies of many items, each of which succeeds or fails by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from infra.sandbox._serving import request_body
from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.errors import ApiError, invalid, missing, refused

Act = Callable[[Wire], Wire]
Answer = tuple[Wire, int]
_ALL_FAILED = 400


def json_body() -> Wire:
    """Whatever type it says it is of: Zoho's own client says nothing."""
    return request_body.json_object(refused, any_type=True)


def rows(root: str, most: int) -> tuple[Wire, list[Wire]]:
    """The body, and its list of items. Raises ``ApiError``."""
    body = json_body()
    if root not in body:
        raise missing(root, json_path=f"$.{root}")
    found = request_body.objects(body, root, refused)
    if not found or len(found) > most:
        raise invalid("invalid data", api_name=root, maximum_length=most, json_path=f"$.{root}")
    return body, found


def each(root: str, items: Sequence[Wire], act: Act, success: int, mixed: int) -> Answer:
    """In the order of the items."""
    entries = [_attempt(root, number, one, act) for number, one in enumerate(items)]
    failed = sum(one["status"] == "error" for one in entries)
    status = mixed if failed else success
    return {root: entries}, _ALL_FAILED if failed == len(entries) else status


def success(message: str, details: Wire) -> Wire:
    return {"code": "SUCCESS", "details": details, "message": message, "status": "success"}


def _attempt(root: str, number: int, item: Wire, act: Act) -> Wire:
    try:
        return act(item)
    except ApiError as refusal:
        name = refusal.details.get("api_name")
        path = {"json_path": f"$.{root}[{number}].{name}"} if name else {}
        return refusal.entry() | {"details": {**refusal.details, **path}}
