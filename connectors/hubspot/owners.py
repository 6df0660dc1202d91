"""Giving contacts an owner where they have none."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.core.errors import RecordGone, WriteRefused
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.batch_write import Refusals, write

OWNER = "hubspot_owner_id"


def assign(api: HubSpotApi, object_type: str, owners: Mapping[str, str]) -> Refusals:
    """``owners`` are owner ids by record id.

    HubSpot has no write that is made only where a property is empty, so whoever takes somebody
    between this look and this write loses them to us.
    """
    held = {
        record["id"]: record["properties"].get(OWNER)
        for record in api.records(object_type, list(owners), [OWNER])
    }
    refusals: Refusals = {
        one: WriteRefused(f"owner {held[one]} has them already")
        if one in held
        else RecordGone("the record is deleted or merged")
        for one in owners
        if held.get(one) or one not in held
    }
    free = {one: {OWNER: owner} for one, owner in owners.items() if one not in refusals}
    return refusals | write(api, object_type, free)
