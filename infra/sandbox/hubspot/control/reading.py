"""Parts of the bodies that the control API takes."""

from __future__ import annotations

from infra.sandbox._serving.errors import Wire
from infra.sandbox.hubspot.errors import invalid
from infra.sandbox.hubspot.records import HUBSPOT, OBJECT_TYPES, Actor, End

USER_ID = 77
"""The rep who changes things when nobody else is named."""


def actor(body: Wire) -> Actor:
    """``"as": "hubspot"`` lets HubSpot itself write, also what is read-only for others."""
    return HUBSPOT if body.get("as") == "hubspot" else Actor.user(body.get("user_id", USER_ID))


def end(pair: object) -> End:
    match pair:
        case (str(kind), str(record_id)) if kind in OBJECT_TYPES:
            return OBJECT_TYPES[kind], record_id
        case _:
            raise invalid(f"{pair!r} is not a pair of kind and id")
