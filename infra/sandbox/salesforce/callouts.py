"""What a flow or a trigger of ours in the org calls out with: JSON, signed over time and body."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from uuid import uuid4

from infra.sandbox._serving import deliveries
from infra.sandbox._serving.deliveries import Delivery, Unkindness
from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.posting import post
from infra.sandbox.salesforce.changes import Change, Transaction
from infra.sandbox.salesforce.org import Org
from infra.sandbox.salesforce.settings import INTEGRATION_USER
from infra.sandbox.salesforce.values import spell, to_second, wire

SCHEMA = "emtiaz.salesforce.v1"
EVERYTHING = frozenset({"CREATE", "UPDATE", "DELETE", "UNDELETE"})
REMOVALS = frozenset({"DELETE", "UNDELETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CalloutSettings(Unkindness):
    """``watched`` are, by kind of record, the fields whose change calls out; none: any does.

    Salesforce repeats four times, after 15, 30, 60 and 120 minutes.
    """

    url: str = ""
    secret: str = field(default="", repr=False)
    watched: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    operations: frozenset[str] = EVERYTHING
    batch_limit: int = 1
    retries: int = 4


@dataclass(frozen=True, slots=True)
class Call:
    number: int
    body: Wire


class Callouts(deliveries.Dispatcher[Call, CalloutSettings]):
    """``told`` are all calls so far."""

    def __init__(self, org: Org) -> None:
        super().__init__(CalloutSettings())
        self._org = org
        self._numbers = count(1)
        self.told = 0

    def hear(self, done: Transaction) -> None:
        """The integration user starts none of our flows."""
        if not self.settings.url or done.by.user == INTEGRATION_USER:
            return
        calls = [
            Call(next(self._numbers), _event(self._org, done, change))
            for change in done.changes
            if self._concerns(change)
        ]
        self.told += len(calls)
        self.add(calls)

    def send(self, delivery: Delivery[Call, CalloutSettings]) -> int | None:
        settings, now = delivery.settings, self._org.now()
        body: Wire = {
            "schema": SCHEMA,
            "orgId": self._org.settings.org_id,
            "sentAt": spell(to_second(now), "Z"),
            "requestId": str(uuid4()),
            "events": [one.body for one in delivery.events],
        }
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = signed_headers(settings.secret, text, int(now.timestamp()))
        answer = post(settings.url, text, headers, settings.timeout_seconds)
        return None if answer is None else answer.status_code

    def number_of(self, event: Call) -> int:
        return event.number

    def _concerns(self, change: Change) -> bool:
        watched = self.settings.watched.get(change.object)
        if watched is None or change.operation not in self.settings.operations:
            return False
        if change.operation != "UPDATE" or not watched:
            return True
        return not watched.isdisjoint(change.changed)


def signed_headers(secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """``timestamp`` in seconds."""
    signed = f"{timestamp}.".encode() + body
    signature = hmac.new(secret.encode(), signed, sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Emtiaz-Timestamp": str(timestamp),
        "X-Emtiaz-Signature": f"v1={signature}",
    }


def _event(org: Org, done: Transaction, change: Change) -> Wire:
    """With what refers to others, since of what is deleted nothing can be read any more."""
    record = org.find(change.id)
    references = {
        one.name: record.value(one.name)
        for one in org.schema.fields(change.object)
        if one.type == "reference" and record and record.value(one.name)
    }
    is_update = change.operation == "UPDATE"
    return {
        "object": change.object,
        "id": change.id,
        "operation": change.operation,
        "lastModifiedDate": spell(to_second(done.at), "Z"),
        "lastModifiedById": done.by.user,
        "changedFields": sorted(change.changed) if is_update else [],
        "fields": references | {name: wire(v, "Z") for name, v in change.changed.items()},
    }
