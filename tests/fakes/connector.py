"""A CRM protocol small enough to read: a body is a JSON array of events, signed by a word.

Its channel ``notes`` takes one ref as a JSON string, and tells no time. An event of a bus is such an
array itself. It shows people its ids with zeros before them.
"""

import json
from datetime import datetime

from chalicelib.core.connector import Connector, Event, EventType
from chalicelib.core.errors import (
    DeliveryUnreadable,
    PayloadInvalid,
    SignatureInvalid,
    UnknownConnection,
)
from chalicelib.core.model import Ref

LONG_AGO = datetime.fromisoformat("2020-01-01T00:00:00Z")


def connector(
    crm,
    *,
    signs=True,
    rings_both_ends=False,
    takes_topics=False,
    acknowledge=lambda _request: None,
):
    """Connector ``toy`` whose client is ``crm``; without ``signs`` its word is a mere secret."""
    return Connector(
        name="toy",
        base_url="https://toy.example",
        api_version="1",
        content_types=("application/json",),
        verify=verify,
        check_shape=check_shape,
        parse=parse,
        connect=lambda _connection, _secret, _attributes, _access=None: crm,
        signs=signs,
        rings_both_ends=rings_both_ends,
        acknowledge=acknowledge,
        takes_topics=takes_topics,
        record_id=lambda identity: identity.lstrip("0"),
    )


def verify(request, secret, _now):
    if request.channel not in ("", "notes"):
        raise UnknownConnection("no such channel")
    if request.headers.get("signature") not in secret.webhook_secrets:
        raise SignatureInvalid("the signature does not match")


def check_shape(request):
    if not request.body.startswith(b'"' if request.channel else b"["):
        raise PayloadInvalid("expected a JSON array, or a string of a note")


def parse(request, connection):
    if request.channel == "notes":
        ref = Ref.parse(f"{connection.id}:{json.loads(request.body)}")
        return (Event(EventType.CHANGED, ref, None, "note"),)
    try:
        rows = json.loads(request.body)
        return tuple(event(row, connection) for row in rows)
    except (ValueError, KeyError) as error:
        raise DeliveryUnreadable(str(error)) from error


def event(row, connection):
    at = datetime.fromisoformat(row["at"]) if "at" in row else LONG_AGO
    if "ref" not in row:
        return Event(EventType(row.get("what", "unknown")), None, at, row["type"])
    ref = Ref.parse(f"{connection.id}:{row['ref']}")
    into = Ref.parse(f"{connection.id}:{row['into']}") if row.get("into") else None
    what = EventType(row.get("what", "changed"))
    return Event(what, ref, at, what.value, ours=row.get("ours", False), into=into)


def body(*refs, ours=False, at=LONG_AGO, what="changed", into=None):
    """Of a delivery that rings for these records, such as ``contact:1``."""
    rows = [
        {"ref": ref, "ours": ours, "at": at.isoformat(), "what": what, "into": into} for ref in refs
    ]
    return json.dumps(rows).encode()
