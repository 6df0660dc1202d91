"""Tasks and notes on a record: one call makes one, so whoever calls makes sure to call once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.core.connector import Errand
from chalicelib.core.errors import CrmStumbled, RateLimited, RecordGone
from chalicelib.core.model import Kind
from connectors import _values
from connectors._http import Refused
from connectors.salesforce.api import SalesforceApi
from connectors.salesforce.batch_write import LOCKED_FOR_S, is_passing, refusal
from connectors.salesforce.objects import OBJECTS
from connectors.salesforce.records import ID, OWNER, PERSONS
from connectors.salesforce.soql import among, select

LONGEST_SUBJECT = 255
LONGEST_DESCRIPTION = 32_000
LONGEST_TITLE = 80
LONGEST_BODY = 32_000

_USER = "005"
"""How the ids of users begin; a queue cannot have a task."""


def create_task(api: SalesforceApi, kind: Kind, identity: str, errand: Errand, zone: str) -> None:
    """Whose record it is gets the task as well. Status and priority are as a new task has them."""
    due = errand.due_at.astimezone(_values.zone(zone))
    owner = _owner(api, kind, identity)
    task = {
        "Subject": _line(errand.title, LONGEST_SUBJECT),
        "Description": errand.body[:LONGEST_DESCRIPTION],
        "ActivityDate": due.date().isoformat(),
        "WhoId" if kind in PERSONS else "WhatId": identity,
    }
    _create(api, "Task", task | ({OWNER: owner} if owner.startswith(_USER) else {}))


def create_note(api: SalesforceApi, kind: Kind, identity: str, errand: Errand) -> None:
    _owner(api, kind, identity)
    note = {
        "ParentId": identity,
        "Title": _line(errand.title, LONGEST_TITLE),
        "Body": errand.body[:LONGEST_BODY],
    }
    _create(api, "Note", note)


def _owner(api: SalesforceApi, kind: Kind, identity: str) -> str:
    """Raises RecordGone."""
    (rows,) = api.queries([select([ID, OWNER], OBJECTS[kind], among(ID, [identity]))])
    for row in rows:
        return str(row.get(OWNER) or "")
    raise RecordGone("the record is deleted or merged")


def _create(api: SalesforceApi, name: str, values: Mapping[str, Any]) -> None:
    try:
        answer = api.create(name, values)
    except Refused as refused:
        if is_passing(refused.body):  # such as a lock of the person, whom a task changes as well
            raise RateLimited(str(refused), retry_after=LOCKED_FOR_S) from refused
        raise refusal(refused.body or [{"message": str(refused)}]) from refused
    if not isinstance(answer, dict) or not answer.get("success"):
        raise CrmStumbled("it is not told whether the record was made", in_doubt=True)


def _line(text: str, most: int) -> str:
    return " ".join(text.split())[:most]
