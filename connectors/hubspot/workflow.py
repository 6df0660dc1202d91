"""The workflow action "Send a webhook", for accounts that cannot install an app.

It is another product than the app's webhooks: it sends one record, as HubSpot's object API
would answer it, to ``/hooks/{connection}/{kind of record}``, signed with v2. Its values are never
read. What is taken from it is which record to read again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.core.connector import Connection, Event, EventType, Request
from chalicelib.core.errors import DeliveryUnreadable, PayloadInvalid
from chalicelib.core.model import Kind, Ref
from connectors._json import strict_json
from connectors.hubspot.webhook import OTHER_PORTAL

CHANNELS: Mapping[str, Kind] = {
    "contacts": "contact",
    "companies": "account",
    "deals": "deal",
    "tickets": "ticket",
    "line_items": "line_item",
    "feedback_submissions": "survey",
    "leads": "lead",
}
"""By the name of an object in HubSpot's API."""

LEGACY_IDS: Mapping[Kind, str] = {"contact": "vid", "account": "companyId", "deal": "dealId"}
"""Where the first versions of the object API, which workflows may still send, had the id."""

LARGEST_ID = 9223372036854775807


def check_shape(body: bytes) -> None:
    """UTF-8, JSON, one object, at most 32 levels deep; else PayloadInvalid."""
    if not isinstance(strict_json(body), dict):
        raise PayloadInvalid("not one record")


def parse(request: Request, connection: Connection) -> tuple[Event, ...]:
    """One event without a time, since nobody tells what changed when.

    Raises DeliveryUnreadable.
    """
    record, kind = _record(request.body), CHANNELS.get(request.channel)
    if kind is None:
        raise DeliveryUnreadable("HubSpot has no such channel")
    key = f"{request.channel}/{hashlib.sha256(request.body).hexdigest()}"
    portal = record.get("portalId") or record.get("portal-id")
    if portal and _plain(portal) != connection.account_id:
        return (Event(EventType.UNKNOWN, None, None, OTHER_PORTAL, key=key),)
    ref = Ref(connection.id, kind, _identity(record, kind))
    return (Event(EventType.CHANGED, ref, None, f"workflow.{request.channel}", key=key),)


def _record(body: bytes) -> dict[str, Any]:
    try:
        record = json.loads(body)
    except (ValueError, RecursionError) as fault:
        raise DeliveryUnreadable("not JSON in UTF-8") from fault
    if not isinstance(record, dict):
        raise DeliveryUnreadable("not one record")
    return record


def _identity(record: Mapping[str, Any], kind: Kind) -> str:
    found = next((one for one in map(_plain, _candidates(record, kind)) if one), "")
    if not found:
        raise DeliveryUnreadable(f"no id of a {kind} in the record")
    return found


def _candidates(record: Mapping[str, Any], kind: Kind) -> Iterator[Any]:
    """What may be the id, the surest first: an admin may have chosen what to send."""
    for name in ("hs_object_id", "objectId", "id", LEGACY_IDS.get(kind, "")):
        yield record.get(name)
    properties = record.get("properties")
    if isinstance(properties, dict):
        value = properties.get("hs_object_id")
        yield value.get("value") if isinstance(value, dict) else value


def _plain(value: Any) -> str:
    """An id as HubSpot's API has it, from a number or from digits; else the empty string."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    is_id = text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))
    return str(int(text)) if is_id and int(text) <= LARGEST_ID else ""
