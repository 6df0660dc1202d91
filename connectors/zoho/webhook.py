"""Zoho's notifications and the webhooks of its workflows: which records to read again.

Neither is signed, so nothing that they say of a record is believed: a deletion is a reason to look,
and no time that they tell is that of a change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.core.connector import Connection, Event, EventType, Request
from chalicelib.core.errors import DeliveryUnreadable, PayloadInvalid
from chalicelib.core.model import Kind, Ref
from connectors.zoho import workflow
from connectors.zoho.owned import BOOKKEEPING, owned_fields
from connectors.zoho.payload import content

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

EVENT_TYPES: Mapping[str, EventType] = {
    "insert": EventType.CREATED,
    "create": EventType.CREATED,
    "update": EventType.CHANGED,
    "edit": EventType.CHANGED,
    "delete": EventType.DELETED,
}
"""By ``operation``, which has been seen in other words than those of a subscription."""

KINDS: Mapping[str, Kind] = {
    "Contacts": "contact",
    "Leads": "lead",
    "Accounts": "account",
    "Deals": "deal",
    "Cases": "ticket",
}
"""By the API name of a module."""


def check_shape(request: Request) -> None:
    """An object, or a form that names a record; else PayloadInvalid."""
    told = content(request)
    if not isinstance(told.get("ids"), list) and "id" not in told:
        raise PayloadInvalid("it names no record")


def parse(request: Request, connection: Connection) -> tuple[Event, ...]:
    """One event for each record, in the order of the delivery; raises DeliveryUnreadable."""
    try:
        told = content(request)
    except PayloadInvalid as fault:
        raise DeliveryUnreadable(str(fault)) from fault
    _check(told)
    if "ids" not in told:
        digest = hashlib.sha256(request.body).hexdigest()
        return (workflow.event(told, KINDS, connection, digest),)
    return tuple(_events(told, connection))


def _check(told: Mapping[str, Any]) -> None:
    from jsonschema import ValidationError

    try:
        _validator().validate(dict(told))
    except ValidationError as fault:
        raise DeliveryUnreadable(f"{fault.json_path}: {fault.validator} fails") from fault
    # To JSON Schema 1e3 is an integer as well; to Zoho it is no id.
    if any(isinstance(one, float) for one in (told.get("id"), *told.get("ids", ()))):
        raise DeliveryUnreadable("an id is no whole number")


@cache
def _validator() -> Validator:
    from jsonschema import Draft202012Validator

    schema = Path(__file__).with_name("payload.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(schema))


def _events(told: Mapping[str, Any], connection: Connection) -> Iterator[Event]:
    operation, module = told["operation"], told["module"]
    kind = KINDS.get(module)
    affected = _affected(told)
    for identity in dict.fromkeys(map(str, told["ids"])):
        known = kind is not None and operation in EVENT_TYPES
        yield Event(
            type=EVENT_TYPES[operation] if known else EventType.UNKNOWN,
            ref=Ref(connection.id, kind, identity) if kind and known else None,
            occurred_at=None,
            name=f"{module}.{operation}",
            ours=kind is not None and _is_ours(affected.get(identity), kind, connection),
            key=f"{told.get('channel_id', '')}/{module}/{operation}/{identity}"
            f"/{told.get('server_time', '')}",
        )


def _affected(told: Mapping[str, Any]) -> Mapping[str, list[str]]:
    """The fields that changed, by record; a record may be left out."""
    rows = told.get("affected_fields") or ()
    return {identity: names for row in rows for identity, names in row.items()}


def _is_ours(affected: list[str] | None, kind: Kind, connection: Connection) -> bool:
    changed = frozenset(affected or ()) - BOOKKEEPING
    told = bool(affected)
    return told and changed <= owned_fields(connection, kind)
