"""Records that were there before anybody looked."""

from __future__ import annotations

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import read
from infra.sandbox.hubspot import request_body
from infra.sandbox.hubspot.control.reading import end
from infra.sandbox.hubspot.portal import Portal
from infra.sandbox.hubspot.records import KINDS, ObjectType


def load_all(portal: Portal, data: Wire) -> Wire:
    """Load records and associations in bulk, silently; returns the new ids by kind.

    ``{"contacts": [{"id"?, "properties", "created_at"?}], "companies": …, "deals": …,
    "associations": [{"from": ["contacts", "501"], "to": ["deals", "9001"], "primary"?}]}``
    """
    ids = {
        kind.name: [_load(portal, kind, row) for row in data.get(kind.name, [])] for kind in KINDS
    }
    for link in data.get("associations", []):
        ends = end(link.get("from")), end(link.get("to"))
        portal.load_link(*ends, primary=bool(link.get("primary")))
    return ids


def _load(portal: Portal, kind: ObjectType, row: Wire) -> str:
    created = row.get("created_at")
    return portal.load(
        kind,
        request_body.properties(row),
        created_at=read(created) if created else None,
        record_id=row.get("id"),
    ).id
