"""Tasks and notes on a record: one call makes one, so whoever calls makes sure to call once.

Making one moves the record's ``notes_last_updated`` and ``num_notes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from chalicelib.core.connector import Errand
from chalicelib.core.errors import RecordGone
from chalicelib.core.facts import iso
from chalicelib.core.model import Kind
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.owners import OWNER

LONGEST_BODY = 65_536
LONGEST_TITLE = 255

TASKS, NOTES = "0-27", "0-46"

_ASSOCIATION: Mapping[tuple[str, Kind], int] = {
    (TASKS, "contact"): 204,
    (TASKS, "account"): 192,
    (NOTES, "contact"): 202,
    (NOTES, "account"): 190,
}


def create_task(
    api: HubSpotApi, object_type: str, kind: Kind, identity: str, errand: Errand
) -> None:
    properties = {
        "hs_timestamp": iso(errand.due_at),
        "hs_task_subject": " ".join(errand.title.split())[:LONGEST_TITLE],
        "hs_task_body": _html(errand.body),
        "hs_task_status": "NOT_STARTED",
        "hs_task_priority": "MEDIUM",
        "hs_task_type": "TODO",
    }
    owner = _owner(api, object_type, identity)
    api.create(TASKS, properties | owner, _links(TASKS, kind, identity))


def create_note(
    api: HubSpotApi, object_type: str, kind: Kind, identity: str, errand: Errand
) -> None:
    properties = {
        "hs_timestamp": iso(errand.due_at),
        "hs_note_body": _html(errand.body),
    }
    owner = _owner(api, object_type, identity)
    api.create(NOTES, properties | owner, _links(NOTES, kind, identity))


def _owner(api: HubSpotApi, object_type: str, identity: str) -> dict[str, str]:
    """Whose record it is also gets what belongs to it. Raises RecordGone."""
    for record in api.records(object_type, [identity], [OWNER]):
        if record["id"] == identity:
            owner = record["properties"].get(OWNER)
            return {OWNER: owner} if owner else {}
    raise RecordGone("the record is deleted or merged")


def _links(errand_type: str, kind: Kind, identity: str) -> list[dict[str, Any]]:
    spec = {
        "associationCategory": "HUBSPOT_DEFINED",
        "associationTypeId": _ASSOCIATION[errand_type, kind],
    }
    return [{"to": {"id": identity}, "types": [spec]}]


def _html(text: str) -> str:
    """Plain text, so that a name with markup in it stays a name."""
    return escape(text).replace("\n", "<br>")[:LONGEST_BODY]
