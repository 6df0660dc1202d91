"""What somebody may send who is not HubSpot, or HubSpot in error."""

import json
import time

from chalicelib.pipeline.receive import BODY_LIMIT
from infra.sandbox.hubspot.signature import signed_headers
from tests.e2e.forgeries.parcel import Parcel, deep

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
"""Ago, so that the record is no older than what is told of it."""

TAKEN = 202


def event(contact="501", portal=62515):
    return {
        "eventId": 1,
        "subscriptionId": 1,
        "portalId": portal,
        "appId": 54321,
        "occurredAt": int(time.time() * 1000) - HOUR_MS,
        "subscriptionType": "object.propertyChange",
        "attemptNumber": 0,
        "objectId": int(contact) if contact.isdigit() else contact,  # of another CRM
        "objectTypeId": "0-1",
        "propertyName": "jobtitle",
        "propertyValue": "مدیرعامل",
        "changeSource": "CRM_UI",
        "sourceId": "userId:77",
    }


GOOD = json.dumps([event()], ensure_ascii=False).encode()


def good(stand_in, url, person="501"):
    """A change of somebody, told rightly to this address."""
    told = event(person, stand_in.portal.settings.portal_id)
    return signed(stand_in, url, json.dumps([told], ensure_ascii=False).encode())


def foreign(stand_in, url):
    """HubSpot tells of another portal."""
    return signed(stand_in, url, json.dumps([event(portal=1)]).encode())


def signed(stand_in, url, body, *, secret="", age_ms=0, headers=None, signed_as=None):
    moment = int(time.time() * 1000) - age_ms
    own = signed_headers(secret or stand_in.webhook_secret, signed_as or url, body, moment)
    return Parcel(url, body, {**own, **(headers or {})})


REFUSALS = {
    "forged": (401, {"body": GOOD, "secret": "somebody-elses-secret"}),
    "signed for another address": (401, {"body": GOOD, "signed_as": "https://example.com/hooks"}),
    "stale": (401, {"body": GOOD, "age_ms": 6 * MINUTE_MS}),
    "from the future": (401, {"body": GOOD, "age_ms": -6 * MINUTE_MS}),
    "timestamp is no number": (
        401, {"body": GOOD, "headers": {"X-HubSpot-Request-Timestamp": "yesterday"}},
    ),
    "unsigned": (401, {"body": GOOD, "headers": {"X-HubSpot-Signature-v3": ""}}),
    "oversized": (413, {"body": b"[" + b" " * BODY_LIMIT + b"]"}),
    "wrong type": (415, {"body": GOOD, "headers": {"Content-Type": "text/plain"}}),
    "too deep": (400, {"body": deep(40)}),
    "very deep": (400, {"body": deep(100_000)}),
    "not an array": (400, {"body": b'{"eventId": 1}'}),
    "empty": (400, {"body": b"[]"}),
    "101 events": (400, {"body": json.dumps([event()] * 101).encode()}),
    "not JSON": (400, {"body": b"[{"}),
    "not a number": (400, {"body": b'[{"a": NaN}]'}),
    # The gateway hands over text, so bytes that are none arrive altered and fail the signature.
    "bad UTF-8": (401, {"body": b'[{"a": "\xff\xfe"}]'}),
}  # fmt: skip


def refused(stand_in, url):
    """Parcels by name, with the status that each has to get."""
    return {
        name: (status, signed(stand_in, url, **given)) for name, (status, given) in REFUSALS.items()
    }
