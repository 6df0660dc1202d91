"""Tasks and notes on a record: one call makes one, so whoever calls makes sure to call once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.core.connector import Errand
from chalicelib.core.errors import CrmStumbled, RecordGone
from chalicelib.core.model import Kind
from connectors import _values
from connectors._http import Refused
from connectors.zoho.answers import code, details, failed, message, outcomes
from connectors.zoho.api import ZohoApi
from connectors.zoho.batch_write import refusal
from connectors.zoho.records import MODULES, OWNER, lookup

LONGEST_SUBJECT = 255
LONGEST_DESCRIPTION = 32_000
LONGEST_TITLE = 120
LONGEST_CONTENT = 65_535

_LINKS = frozenset({"Who_Id", "What_Id", "Parent_Id"})


def create_task(api: ZohoApi, kind: Kind, identity: str, errand: Errand, zone: str) -> None:
    """Whose record it is gets the task as well."""
    due = errand.due_at.astimezone(_values.zone(zone))
    task: dict[str, Any] = {
        "Subject": _line(errand.title, LONGEST_SUBJECT),
        "Description": errand.body[:LONGEST_DESCRIPTION],
        "Due_Date": due.date().isoformat(),
        "Status": "Not Started",
        "Priority": "Normal",
        **_link(kind, identity),
    }
    owner = _owner(api, kind, identity)
    _create(api, "Tasks", task | ({OWNER: {"id": owner}} if owner else {}))


def create_note(api: ZohoApi, kind: Kind, identity: str, errand: Errand) -> None:
    note = {
        "Note_Title": _line(errand.title, LONGEST_TITLE),
        "Note_Content": errand.body[:LONGEST_CONTENT],
        "Parent_Id": {"module": {"api_name": MODULES[kind]}, "id": identity},
    }
    _create(api, "Notes", note)


def _owner(api: ZohoApi, kind: Kind, identity: str) -> str:
    for record in api.records(MODULES[kind], [identity], [OWNER]):
        return lookup(record, OWNER)
    raise RecordGone("the record is deleted or merged")


def _link(kind: Kind, identity: str) -> Mapping[str, Any]:
    """A task is with a contact, and about a record of any other module."""
    if kind == "contact":
        return {"Who_Id": {"id": identity}}
    return {"What_Id": {"id": identity}, "$se_module": MODULES[kind]}


def _create(api: ZohoApi, module: str, record: Mapping[str, Any]) -> None:
    try:
        answer = api.create(module, record)
    except Refused as refused:
        told = outcomes(refused.body)
        if not told:
            raise
        answer = refused.body
    for outcome in outcomes(answer):
        if failed(outcome):
            raise _refused(outcome)
        return
    raise CrmStumbled("it is not told whether the record was made", in_doubt=True)


def _refused(outcome: Mapping[str, Any]) -> Exception:
    is_link = code(outcome) == "INVALID_DATA" and details(outcome).get("api_name") in _LINKS
    return RecordGone(message(outcome)) if is_link else refusal(outcome)


def _line(text: str, most: int) -> str:
    return " ".join(text.split())[:most]
