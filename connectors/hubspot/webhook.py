"""HubSpot's webhooks: signature v3, and events in ``object.*`` and classic form.

The signature is HMAC-SHA256 over method, URL, body and timestamp, keyed with the app's
client secret. v1 and v2 are not accepted: nothing in them protects from a replay.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from chalicelib.core.connector import Connection, Event, EventType, Request, Secret
from chalicelib.core.errors import DeliveryUnreadable, PayloadInvalid, SignatureInvalid
from chalicelib.core.model import Kind, Ref
from connectors.hubspot.owned import PREFIX

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

SIGNATURE_HEADER = "x-hubspot-signature-v3"
TIMESTAMP_HEADER = "x-hubspot-request-timestamp"
WINDOW = timedelta(minutes=5)
MOST_EVENTS = 100
DEEPEST = 32

# HubSpot undoes these escapes of the URL before signing, and no others; lower-case hex is not
# among them.
_UNESCAPED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'",
    "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ESCAPE = re.compile("|".join(_UNESCAPED))

EVENT_TYPES: Mapping[str, EventType] = {
    "creation": EventType.CREATED,
    "restore": EventType.CREATED,
    "propertyChange": EventType.CHANGED,
    "merge": EventType.CHANGED,
    "associationChange": EventType.ASSOCIATED,
    "deletion": EventType.DELETED,
    # Arrives beside contact.deletion, in any order.
    "privacyDeletion": EventType.DELETED,
}
"""By the last word of a subscription type."""

CLASSIC_KINDS: Mapping[str, Kind] = {
    "contact": "contact",
    "company": "account",
    "deal": "deal",
    "ticket": "ticket",
}
"""By the first word of a classic subscription type, or a half of an association type."""

TYPE_ID_KINDS: Mapping[str, Kind] = {
    "0-1": "contact",
    "0-2": "account",
    "0-3": "deal",
    "0-5": "ticket",
    "0-136": "lead",
}
"""By the ``objectTypeId`` of an ``object.*`` event."""

OTHER_PORTAL = "event of another portal"
"""Name of an event that is counted and dropped: correctly signed, but not of this account."""


def sign(method: str, url: str, body: bytes, timestamp: str, secret: str) -> str:
    """The Base64 of ``X-HubSpot-Signature-v3``; ``timestamp`` is epoch milliseconds.

    >>> uri = "https://www.example.com/webhook_uri"
    >>> body = b"{'example_field':'example_value'}"
    >>> sign("POST", uri, body, "1693657560000", "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy")
    'K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y='
    """
    message = f"{method}{_signed_url(url)}".encode() + body + timestamp.encode()
    return base64.b64encode(hmac.digest(secret.encode(), message, hashlib.sha256)).decode()


def verify(request: Request, secret: Secret, now: datetime) -> None:
    """Against ``secret.url``: headers and path that a proxy rewrote are no evidence.

    Raises SignatureInvalid, also when the secret lists nothing to check against.
    """
    signature = request.headers.get(SIGNATURE_HEADER, "")
    timestamp = request.headers.get(TIMESTAMP_HEADER, "")
    _check_time(timestamp, now)
    matches = [
        hmac.compare_digest(
            sign(request.method, secret.url, request.body, timestamp, key).encode(),
            signature.encode(errors="replace"),
        )
        for key in secret.webhook_secrets
    ]
    if not any(matches):
        raise SignatureInvalid(f"{SIGNATURE_HEADER} does not match any live secret")


def check_shape(body: bytes) -> None:
    """UTF-8, JSON, an array of 1-100 objects, at most 32 levels deep; else PayloadInvalid."""
    try:
        events = json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as fault:
        raise PayloadInvalid("not JSON in UTF-8") from fault
    if not isinstance(events, list) or not 1 <= len(events) <= MOST_EVENTS:
        raise PayloadInvalid(f"not an array of 1-{MOST_EVENTS} events")
    if not all(isinstance(event, dict) for event in events):
        raise PayloadInvalid("an event is not an object")
    if _deeper_than(DEEPEST, events):
        raise PayloadInvalid(f"more than {DEEPEST} levels deep")


def parse(request: Request, connection: Connection) -> tuple[Event, ...]:
    """What rang, in the order of the delivery; raises DeliveryUnreadable.

    Events without a ref are there to be counted: of a type we do not know, or of another
    portal. One line may ring several records: both ends of an association, all of a merge.
    """
    return tuple(event for line in _lines(request.body) for event in _events(line, connection))


def _signed_url(url: str) -> str:
    return _ESCAPE.sub(lambda escape: _UNESCAPED[escape[0]], url)


def _check_time(timestamp: str, now: datetime) -> None:
    # 15 digits reach the year 33658; int() alone would take signs, spaces and Persian digits.
    if not re.fullmatch(r"[0-9]{1,15}", timestamp):
        raise SignatureInvalid(f"{TIMESTAMP_HEADER} is missing or not in milliseconds")
    sent = timedelta(milliseconds=int(timestamp))
    if abs(now - datetime.fromtimestamp(0, UTC) - sent) > WINDOW:
        raise SignatureInvalid(f"{TIMESTAMP_HEADER} is more than {WINDOW} away")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _deeper_than(limit: int, value: Any) -> bool:
    level = [value]
    for _ in range(limit):
        level = [inner for outer in level for inner in _members(outer)]
    return any(isinstance(value, dict | list) for value in level)


def _members(value: Any) -> list[Any]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []


def _lines(body: bytes) -> list[dict[str, Any]]:
    from jsonschema import ValidationError

    try:
        lines: list[dict[str, Any]] = json.loads(body)
        _validator().validate(lines)
    except ValidationError as fault:
        raise DeliveryUnreadable(f"{fault.json_path}: {fault.validator} fails") from fault
    except (ValueError, RecursionError) as fault:
        raise DeliveryUnreadable("not JSON in UTF-8") from fault
    return lines


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
        yield Event(EventType.UNKNOWN, None, occurred_at, OTHER_PORTAL)
        return
    family, _, what = name.partition(".")
    rung = _rung(family, what, line)
    for kind, identity in rung:
        ref = Ref(connection.id, kind, str(int(identity)))
        yield Event(EVENT_TYPES[what], ref, occurred_at, name, ours=_is_ours(line))
    if not rung:
        yield Event(EventType.UNKNOWN, None, occurred_at, name)


def _rung(family: str, what: str, line: Mapping[str, Any]) -> list[tuple[Kind, int]]:
    if what == "associationChange":
        return _ends(line)
    kind = CLASSIC_KINDS.get(family) or TYPE_ID_KINDS.get(line.get("objectTypeId", ""))
    if kind is None or what not in EVENT_TYPES:
        return []
    named = [line.get(name) for name in ("objectId", "primaryObjectId", "newObjectId")]
    ids = {one for one in [*named, *line.get("mergedObjectIds", ())] if one is not None}
    return [(kind, identity) for identity in sorted(ids)]


def _ends(line: Mapping[str, Any]) -> list[tuple[Kind, int]]:
    """The contacts at the ends of an association, or both ends if neither is a contact.

    A deal that lost its contact no longer leads to it, so the contact must ring itself; and
    then the deal need not.
    """
    source, _, target = str(line.get("associationType", "")).lower().partition("_to_")
    ends = [
        (CLASSIC_KINDS[family], line[member])
        for family, member in ((source, "fromObjectId"), (target, "toObjectId"))
        if family in CLASSIC_KINDS and member in line
    ]
    return [end for end in ends if end[0] == "contact"] or ends


def _is_ours(line: Mapping[str, Any]) -> bool:
    # By the property's name alone. That the change came from our app (changeSource INTEGRATION,
    # sourceId equal to appId) proves less: a company may run other code under the same app,
    # whose changes do matter, and a workflow that copies our value is not us.
    return str(line.get("propertyName", "")).startswith(PREFIX)
