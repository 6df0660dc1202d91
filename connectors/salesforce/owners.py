"""Giving records an owner where they have none."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.core.errors import RecordGone, WriteRefused
from connectors.salesforce.api import SalesforceApi
from connectors.salesforce.batch_write import Refusals, ends_at
from connectors.salesforce.ids import full
from connectors.salesforce.person_accounts import write
from connectors.salesforce.records import ID, OWNER
from connectors.salesforce.soql import among, select

_QUEUE = "00G"
"""How the ids of queues begin. What lies in one waits for whoever takes it."""


def assign(api: SalesforceApi, name: str, owners: Mapping[str, str]) -> Refusals:
    """``owners`` are user ids by record id.

    Salesforce gives every record an owner; one that belongs to a queue is free.
    """
    (rows,) = api.queries([select([ID, OWNER], name, among(ID, list(owners)))])
    held = {full(row[ID]): str(row.get(OWNER) or "") for row in rows}
    refusals: Refusals = {
        one: WriteRefused(f"owner {held[one]} has them already")
        if one in held
        else RecordGone("the record is deleted or merged")
        for one in owners
        if one not in held or (held[one] and not held[one].startswith(_QUEUE))
    }
    free = {one: {OWNER: owner} for one, owner in owners.items() if one not in refusals}
    return refusals | write(api, name, free, sorted(free), ends_at())
