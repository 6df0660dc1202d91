"""Change Data Capture, as Event Relay or AppFlow puts it on an event bus of EventBridge.

========  =========================================  ==============================
sender    ``source`` begins with                     the record's values are in
========  =========================================  ==============================
relay     ``aws.partner/salesforce.com/{org}/``      ``detail.payload``
AppFlow   ``aws.partner/appflow``                    ``detail``
========  =========================================  ==============================

A gap says that something of a record could not be told: the record is read like any other. Where an
event names no record that can be read, all that changed since then is looked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.core.connector import Connection, Event, EventType, Request
from chalicelib.core.errors import DeliveryUnreadable
from connectors.salesforce.ids import full, same
from connectors.salesforce.objects import KINDS, POINTERS
from connectors.salesforce.owned import is_ours
from connectors.salesforce.rung import OTHER_ORGANISATION, Change, events, unknown

RELAY = "aws.partner/salesforce.com/"
APP_FLOW = "aws.partner/appflow"

TYPES: Mapping[str, EventType] = {
    "CREATE": EventType.CREATED,
    "UPDATE": EventType.CHANGED,
    "DELETE": EventType.DELETED,
    "UNDELETE": EventType.RESTORED,
    "GAP_CREATE": EventType.CREATED,
    "GAP_UPDATE": EventType.CHANGED,
    "GAP_DELETE": EventType.DELETED,
    "GAP_UNDELETE": EventType.RESTORED,
}
"""By ``changeType``. An unknown one counts as a change, as a gap of an unknown kind would."""

_MOST_MILLISECONDS = 253_402_300_799_999


def parse(request: Request, connection: Connection) -> tuple[Event, ...]:
    """Of one event of the bus. Raises DeliveryUnreadable."""
    event = _event(request.body)
    payload = _payload(event)
    header = payload.get("ChangeEventHeader")
    name = str(event.get("detail-type", ""))[:100] or "event without a type"
    if not _is_of(str(event.get("source", "")), connection):
        return (unknown(OTHER_ORGANISATION, str(event.get("id", ""))),)
    if not isinstance(header, dict):
        return (unknown(name, str(event.get("id", ""))),)
    return tuple(_events(header, payload, connection))


def _events(
    header: Mapping[str, Any], payload: Mapping[str, Any], connection: Connection
) -> Iterator[Event]:
    told, kind = str(header.get("changeType", "")), str(header.get("entityName", ""))
    name = f"cdc.{kind}.{told}"[:120]
    rows = header.get("recordIds")
    ids: Sequence[Any] = rows if isinstance(rows, list) else ()
    changed = header.get("changedFields")
    for identity in filter(None, map(full, ids)):
        change = Change(
            object=kind,
            identity=identity,
            name=name,
            key=_key(header, identity),
            type=TYPES.get(told, EventType.CHANGED),
            ours=told == "UPDATE" and is_ours(changed if isinstance(changed, list) else ()),
            values=payload,
        )
        yield from events(change, connection)
    is_nameless = not ids or not all(map(full, ids))  # an overflow, or all of a kind: "001*"
    if is_nameless and kind not in KINDS and kind not in POINTERS:
        yield unknown(name, _key(header, ""))
    elif is_nameless:
        yield Event(EventType.MISSED, None, _committed(header), name, key=_key(header, ""))


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)  # numbers stay whole: commitNumber does not fit into a float
    except (ValueError, RecursionError) as fault:
        raise DeliveryUnreadable("not JSON in UTF-8") from fault
    if not isinstance(event, dict):
        raise DeliveryUnreadable("not an event")
    return event


def _payload(event: Mapping[str, Any]) -> Mapping[str, Any]:
    detail = event.get("detail")
    payload = detail.get("payload", detail) if isinstance(detail, dict) else None
    if not isinstance(payload, dict):
        raise DeliveryUnreadable("an event without its detail")
    return payload


def _is_of(source: str, connection: Connection) -> bool:
    """A relay's source holds its organisation; AppFlow's names a flow of the cloud account."""
    if source.startswith(APP_FLOW):
        return True
    return source.startswith(RELAY) and same(
        source.removeprefix(RELAY).partition("/")[0], connection.account_id
    )


def _committed(header: Mapping[str, Any]) -> datetime | None:
    told = header.get("commitTimestamp")
    if not isinstance(told, int) or isinstance(told, bool) or not 0 <= told <= _MOST_MILLISECONDS:
        return None
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=told)


def _key(header: Mapping[str, Any], identity: str) -> str:
    """Neither the id of the bus's event, which a relay may give anew, nor a place in the stream."""
    told = ("transactionKey", "sequenceNumber", "entityName")
    return "|".join(
        [*(str(header.get(one, "")) for one in told), identity, str(header.get("commitNumber", ""))]
    )
