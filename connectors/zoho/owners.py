"""Giving records an owner where they have none."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.core.errors import RecordGone, WriteRefused
from chalicelib.core.model import Json
from connectors.zoho.api import ZohoApi
from connectors.zoho.batch_write import Refusals, write
from connectors.zoho.records import OWNER, lookup


def assign(api: ZohoApi, module: str, owners: Mapping[str, str], nobody: str) -> Refusals:
    """``owners`` are user ids by record id.

    Zoho gives every record an owner. One that belongs to ``nobody``, the user that we work as, came
    in without anybody's doing, and is free.
    """
    held = {row["id"]: lookup(row, OWNER) for row in api.records(module, owners, [OWNER])}
    refusals: Refusals = {
        one: WriteRefused(f"owner {held[one]} has them already")
        if one in held
        else RecordGone("the record is deleted or merged")
        for one in owners
        if one not in held or held[one] not in ("", nobody)
    }
    free: dict[str, dict[str, Json]] = {
        one: {OWNER: {"id": owner}} for one, owner in owners.items() if one not in refusals
    }
    return refusals | write(api, module, free)
