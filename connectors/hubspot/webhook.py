"""HubSpot's webhooks: up to a hundred events a request, in ``object.*`` and classic form."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from chalicelib.core.connector import Connection, Event, EventType, Request
from chalicelib.core.errors import DeliveryUnreadable, PayloadInvalid
from chalicelib.core.model import Kind, Ref
from connectors._json import strict_json
from connectors.hubspot.owned import PREFIX

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

MOST_EVENTS = 100

EVENT_TYPES: Mapping[str, EventType] = {
    "creation": EventType.CREATED,
    "restore": EventType.RESTORED,
    "propertyChange": EventType.CHANGED,
    "deletion": EventType.DELETED,
    # Arrives beside contact.deletion, in any order.
    "privacyDeletion": EventType.ERASED,
}
"""By the last word of a subscription type that is about one record."""

CLASSIC_KINDS: Mapping[str, Kind] = {
    "contact": "contact",
    "company": "account",
    "deal": "deal",
    "ticket": "ticket",
    "line_item": "line_item",
}
"""By the first word of a classic subscription type, or a half of an association type."""

TYPE_ID_KINDS: Mapping[str, Kind] = {
    "0-1": "contact",
    "0-2": "account",
    "0-3": "deal",
    "0-5": "ticket",
    "0-8": "line_item",
    "0-19": "survey",
    "0-136": "lead",
}
"""By the ``objectTypeId`` of an ``object.*`` event."""

OTHER_PORTAL = "event of another portal"
"""Name of an event that is counted and dropped: correctly signed, but not of this account."""

# Together they tell one event from another; attemptNumber, which tells attempts, is not among
# them, and eventId alone is said not to be unique.
_IDENTIFYING = (
    "portalId", "subscriptionId", "subscriptionType", "eventType", "objectTypeId", "objectId",
    "associationType", "fromObjectTypeId", "fromObjectId", "toObjectTypeId", "toObjectId",
    "associationRemoved", "isPrimaryAssociation", "eventId", "occurredAt", "propertyName",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rung:
    """A record that a line rings for; ``into`` is the record that it was merged into."""

    type: EventType
    kind: Kind
    id: int
    into: int | None = None


def check_shape(body: bytes) -> None:
    """UTF-8, JSON, an array of 1-100 objects, at most 32 levels deep; else PayloadInvalid."""
    events = strict_json(body)
    if not isinstance(events, list) or not 1 <= len(events) <= MOST_EVENTS:
        raise PayloadInvalid(f"not an array of 1-{MOST_EVENTS} events")
    if not all(isinstance(event, dict) for event in events):
        raise PayloadInvalid("an event is not an object")


def parse(request: Request, connection: Connection) -> tuple[Event, ...]:
    """What rang, in the order of the delivery; raises DeliveryUnreadable.

    Events without a ref are there to be counted: of a type we do not know, or of another
    portal. One line may ring several records: both ends of an association, all of a merge.
    """
    return tuple(event for line in _lines(request.body) for event in _events(line, connection))


def _lines(body: bytes) -> list[dict[str, Any]]:
    from jsonschema import ValidationError

    try:
        lines: list[dict[str, Any]] = json.loads(body, object_pairs_hook=_present)
        _validator().validate(lines)
    except ValidationError as fault:
        raise DeliveryUnreadable(f"{fault.json_path}: {fault.validator} fails") from fault
    except (ValueError, RecursionError) as fault:
        raise DeliveryUnreadable("not JSON in UTF-8") from fault
    return lines


def _present(members: list[tuple[str, Any]]) -> dict[str, Any]:
    # Whether HubSpot leaves out what an event does not have, or writes null, is not told.
    return {name: value for name, value in members if value is not None}


@cache
def _validator() -> Validator:
    from jsonschema import Draft202012Validator

    schema = Path(__file__).with_name("payload.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(schema))


def _events(line: Mapping[str, Any], connection: Connection) -> Iterator[Event]:
    # Real deliveries say subscriptionType; HubSpot's own field table says eventType.
    name = line.get("subscriptionType") or line["eventType"]
    occurred_at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=line["occurredAt"])
    if str(int(line["portalId"])) != connection.account_id:
        yield Event(EventType.UNKNOWN, None, occurred_at, OTHER_PORTAL, key=_key(line))
        return
    rung = _rung(name, line)
    for one in rung:
        yield Event(
            type=one.type,
            ref=_ref(connection, one.kind, one.id),
            occurred_at=occurred_at,
            name=name,
            ours=_is_ours(line),
            into=None if one.into is None else _ref(connection, one.kind, one.into),
            key=_key(line, one),
        )
    if not rung:
        yield Event(EventType.UNKNOWN, None, occurred_at, name, key=_key(line))


def _ref(connection: Connection, kind: Kind, identity: int) -> Ref:
    return Ref(connection.id, kind, str(int(identity)))


def _rung(name: str, line: Mapping[str, Any]) -> list[_Rung]:
    family, _, what = name.partition(".")
    if family != "object" and family not in CLASSIC_KINDS:
        return []
    if what == "associationChange":
        return _ends(line)
    kind = CLASSIC_KINDS.get(family) or TYPE_ID_KINDS.get(line.get("objectTypeId", ""))
    if kind is None:
        return []
    if what == "merge":
        return _merged(kind, line)
    if what in EVENT_TYPES and "objectId" in line:
        return [_Rung(EVENT_TYPES[what], kind, line["objectId"])]
    return []


def _merged(kind: Kind, line: Mapping[str, Any]) -> list[_Rung]:
    """The losers, each with its survivor, and then the survivor, which a merge changes.

    Where a merge makes a record with a new id, the primary one is a loser as well.
    """
    primary = line.get("primaryObjectId", line.get("objectId"))
    survivor = line.get("newObjectId", primary)
    if primary is None or survivor is None:
        return []
    losers = {*line.get("mergedObjectIds", ()), primary} - {survivor}
    return [
        *(_Rung(EventType.MERGED, kind, loser, into=survivor) for loser in sorted(losers)),
        _Rung(EventType.CHANGED, kind, survivor),
    ]


def _ends(line: Mapping[str, Any]) -> list[_Rung]:
    """The contacts at the ends of an association, or both ends if neither is a contact.

    A deal that lost its contact no longer leads to it, so the contact must ring itself; and
    then the deal need not.
    """
    ends = [
        _Rung(EventType.ASSOCIATED, kind, line[member])
        for kind, member in zip(_end_kinds(line), ("fromObjectId", "toObjectId"), strict=True)
        if kind and member in line
    ]
    return [end for end in ends if end.kind == "contact"] or ends


def _end_kinds(line: Mapping[str, Any]) -> tuple[Kind | None, Kind | None]:
    """Classic events name both kinds in one word, ``object.*`` events by their type ids."""
    source, _, target = str(line.get("associationType", "")).lower().partition("_to_")
    return (
        TYPE_ID_KINDS.get(line.get("fromObjectTypeId", "")) or CLASSIC_KINDS.get(source),
        TYPE_ID_KINDS.get(line.get("toObjectTypeId", "")) or CLASSIC_KINDS.get(target),
    )


def _key(line: Mapping[str, Any], rung: _Rung | None = None) -> str:
    told = {name: line[name] for name in _IDENTIFYING if name in line}
    return urlencode(told | ({"rung": f"{rung.kind}:{rung.id}"} if rung else {}), safe=":")


def _is_ours(line: Mapping[str, Any]) -> bool:
    # By the property's name alone. That the change came from our app (changeSource INTEGRATION,
    # sourceId equal to appId) proves less: a company may run other code under the same app,
    # whose changes do matter, and a workflow that copies our value is not us.
    return str(line.get("propertyName", "")).startswith(PREFIX)
