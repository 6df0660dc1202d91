"""What a Flow or Apex of the organisation calls out with: JSON of a form of our own.

``events`` tell of records, by ``object``, ``id`` and ``operation``; ``changedFields`` and
``fields`` are optional.
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
from connectors._json import strict_json
from connectors.salesforce.callout_shape import fault
from connectors.salesforce.ids import same
from connectors.salesforce.owned import is_ours
from connectors.salesforce.rung import OTHER_ORGANISATION, Change, events, unknown

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

OPERATIONS: Mapping[str, EventType] = {
    "CREATE": EventType.CREATED,
    "UPDATE": EventType.CHANGED,
    "DELETE": EventType.DELETED,
    "UNDELETE": EventType.RESTORED,
}


def check_shape(body: bytes) -> None:
    """One JSON object of this form, with all its events; else PayloadInvalid."""
    if found := fault(strict_json(body)):
        raise PayloadInvalid(found)


def parse(request: Request, connection: Connection) -> tuple[Event, ...]:
    """Raises DeliveryUnreadable."""
    told = _told(request.body)
    key = str(told.get("requestId") or hashlib.sha256(request.body).hexdigest())
    if not same(told["orgId"], connection.account_id):
        return (unknown(OTHER_ORGANISATION, key),)
    return tuple(
        event
        for place, row in enumerate(told["events"])
        for event in _events(row, f"{key}|{place}", connection)
    )


def _events(row: Mapping[str, Any], key: str, connection: Connection) -> Iterator[Event]:
    fields = row.get("fields") or {}
    kind = OPERATIONS.get(row["operation"])
    is_echo = kind is EventType.CHANGED and is_ours(row.get("changedFields") or ())
    change = Change(
        object=row["object"],
        identity=row["id"],
        name=f"flow.{row['object']}.{row['operation']}",
        key=key,
        type=kind or EventType.CHANGED,
        ours=is_echo,
        values=fields,
    )
    yield from events(change, connection)


def _told(body: bytes) -> dict[str, Any]:
    from jsonschema import ValidationError

    try:
        told: dict[str, Any] = json.loads(body)
        _validator().validate(told)
    except ValidationError as wrong:
        raise DeliveryUnreadable(f"{wrong.json_path}: {wrong.validator} fails") from wrong
    except (ValueError, RecursionError) as broken:
        raise DeliveryUnreadable("not JSON in UTF-8") from broken
    return told


@cache
def _validator() -> Validator:
    from jsonschema import Draft202012Validator

    schema = Path(__file__).with_name("payload.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(schema))
