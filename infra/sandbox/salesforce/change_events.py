"""Change Data Capture, as an event relay brings it to an event bus of Amazon EventBridge."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any
from uuid import uuid4

from infra.sandbox._serving import deliveries
from infra.sandbox._serving.deliveries import Delivery, Unkindness
from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import epoch_ms
from infra.sandbox.salesforce.changes import Change, Transaction
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.fields import Value
from infra.sandbox.salesforce.org import Org
from infra.sandbox.salesforce.settings import INTEGRATION_USER
from infra.sandbox.salesforce.standard_people import address
from infra.sandbox.salesforce.values import spell, to_second, wire

MOST_ENTITIES = 5
NO_RECORD = "000000000000000AAA"
CHANNEL = "0YLWs0000000GsvOAE"
PUT_LIMIT = 10  # entries of one call to EventBridge

Sink = Callable[[Sequence[Wire]], None]
"""Takes events as EventBridge hands them to a rule's target; raises what it cannot take."""

_UNTOLD = frozenset({"Id", "IsDeleted", "SystemModstamp", "LastActivityDate", "MasterRecordId"})
_NAME = ("Salutation", "FirstName", "LastName")
_NAMED = frozenset({"Contact", "Lead", "User"})
_ADDRESSES = {"Contact": "Mailing", "Lead": "", "Account": "Billing"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEventSettings(Unkindness):
    """``enriched`` are fields that go along with every change, by kind of record.

    ``by_app_flow``: Amazon AppFlow brings them instead of an event relay.
    """

    sink: Sink | None = None
    entities: frozenset[str] = frozenset({"Lead", "Contact", "Account", "Opportunity", "Case"})
    enriched: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    batch_limit: int = PUT_LIMIT
    by_app_flow: bool = False

    def __post_init__(self) -> None:
        if len(self.entities) > MOST_ENTITIES:
            message = f"at most {MOST_ENTITIES} entities can be selected"
            raise ApiError("LIMIT_EXCEEDED", message)


@dataclass(frozen=True, slots=True)
class Told:
    number: int
    envelope: Wire


class ChangeEvents(deliveries.Dispatcher[Told, ChangeEventSettings]):
    """``told`` are all events so far of what others than we did."""

    def __init__(self, org: Org) -> None:
        super().__init__(ChangeEventSettings())
        self._org = org
        self._numbers = count(1)
        self.told = 0

    def hear(self, done: Transaction) -> None:
        """One event for all records of a kind that changed alike."""
        if self.settings.sink is None:
            return
        selected = [one for one in done.changes if one.object in self.settings.entities]
        payloads = [
            self._payload(done, number, alike) for number, alike in enumerate(_alike(selected), 1)
        ]
        if done.by.user != INTEGRATION_USER:
            self.told += len(payloads)
        self._tell(payloads, done.at)

    def gap(self, object_name: str, ids: Sequence[str], kind: str = "GAP_UPDATE") -> None:
        """Something happened to these records, and nobody can say what."""
        header = self._header(object_name, ids, kind, self._org.now())
        self._tell([{"ChangeEventHeader": header}], self._org.now())

    def overflow(self, object_name: str) -> None:
        """So much happened at once that not even the records are named."""
        self.gap(object_name, [NO_RECORD], "GAP_OVERFLOW")

    def wildcard(self, object_name: str) -> None:
        """A field's type was changed, and so all records were."""
        prefix = self._org.schema.object(object_name).prefix
        self.gap(object_name, [f"{prefix}*"], "UPDATE")

    def send(self, delivery: Delivery[Told, ChangeEventSettings]) -> int | None:
        sink = delivery.settings.sink
        assert sink
        try:
            sink([one.envelope for one in delivery.events])
        except Exception:  # noqa: BLE001 - whatever a bus raises, it has not taken them
            return None
        return 200

    def number_of(self, event: Told) -> int:
        return event.number

    def _tell(self, payloads: Iterable[Wire], at: datetime) -> None:
        self.add([self._told(payload, at) for payload in payloads])

    def _told(self, payload: Wire, at: datetime) -> Told:
        number, settings, org_id = next(self._numbers), self.settings, self._org.settings.org_id
        source = app_flow_name(org_id) if settings.by_app_flow else source_name(org_id)
        entity = payload["ChangeEventHeader"]["entityName"]
        return Told(
            number,
            {
                "version": "0",
                "id": str(uuid4()),
                "detail-type": f"{entity}ChangeEvent",
                "source": source,
                "account": "123456789012",
                "time": spell(to_second(at), "Z").replace(".000", ""),
                "region": "us-east-1",
                "resources": [],
                "detail": payload if settings.by_app_flow else _relayed(payload, number),
            },
        )

    def _payload(self, done: Transaction, sequence: int, alike: Sequence[Change]) -> Wire:
        first = alike[0]
        header = self._header(
            first.object, [one.id for one in alike], first.operation, to_second(done.at)
        )
        header |= {
            "changeOrigin": done.by.origin,
            "transactionKey": f"{done.number % 2**32:08x}-7d52-11c4-6e08-2b6a9c40f7d1",
            "sequenceNumber": sequence,
            "commitNumber": done.number,
            "commitUser": done.by.user,
        }
        told = {} if first.operation == "DELETE" else _compound(first.object, first.changed)
        if first.operation == "UPDATE":
            header["changedFields"] = list(told)
            if not self._org.settings.guesses.events_tell_nulls:
                told = {name: value for name, value in told.items() if value is not None}
            told |= self._enrichment(first)
        return _nested(told) | {"ChangeEventHeader": header}

    def _header(self, object_name: str, ids: Sequence[str], kind: str, at: datetime) -> Wire:
        return {
            "entityName": object_name,
            "recordIds": list(ids),
            "changeType": kind,
            "changeOrigin": "",
            "transactionKey": str(uuid4()),
            "sequenceNumber": 1,
            "commitTimestamp": epoch_ms(at),
            "commitNumber": epoch_ms(at) * 1_000_000 + 1,
            "commitUser": INTEGRATION_USER,
            "changedFields": [],
        }

    def _enrichment(self, change: Change) -> dict[str, Value]:
        """Where it has a value."""
        record = self._org.find(change.id)
        names = self.settings.enriched.get(change.object, ())
        found = {name: record.value(name) for name in names} if record else {}
        return {name: value for name, value in found.items() if value is not None}


def source_name(org_id: str) -> str:
    """Of the partner event source, and of the bus that is made of it."""
    return f"aws.partner/salesforce.com/{org_id}/{CHANNEL}"


def app_flow_name(org_id: str) -> str:
    return f"aws.partner/appflow.com/salesforce.com/{org_id}"


def _relayed(payload: Wire, number: int) -> Wire:
    event = {"replayId": 1_048_212 + number}
    return {"schemaId": "kzq0pX2mT1uS9bQe7cVtYw", "event": event, "payload": payload}


def partner_bus(client: Any) -> Sink:
    """Puts events on the partner event source, through a client of EventBridge."""

    def put(events: Sequence[Wire]) -> None:
        entries = [
            {
                "Time": datetime.fromisoformat(one["time"]),
                "Source": one["source"],
                "DetailType": one["detail-type"],
                "Detail": json.dumps(one["detail"], ensure_ascii=False),
            }
            for one in events
        ]
        answer = client.put_partner_events(Entries=entries)
        if answer["FailedEntryCount"]:
            raise RuntimeError(answer["Entries"])

    return put


def _alike(changes: Sequence[Change]) -> list[list[Change]]:
    """Together what changed in the same way, in the order of the first of each."""
    groups: list[list[Change]] = []
    for change in changes:
        for group in groups:
            if _is_like(group[0], change):
                group.append(change)
                break
        else:
            groups.append([change])
    return groups


def _is_like(one: Change, other: Change) -> bool:
    if one.operation == "CREATE":
        return False
    same = one.operation == other.operation and one.object == other.object
    return same and (one.operation == "DELETE" or one.changed == other.changed)


def _compound(object_name: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """Parts of names and addresses under a dotted name, and what is never told left out."""
    dotted = {name: f"Name.{name}" for name in _NAME} if object_name in _NAMED else {}
    if object_name in _ADDRESSES:
        before = _ADDRESSES[object_name]
        parts = (one.name for one in address(before))
        dotted |= {part: f"{before}Address.{part.removeprefix(before)}" for part in parts}
    untold = _UNTOLD | ({"Name"} if object_name in _NAMED else frozenset())
    return {dotted.get(name, name): value for name, value in values.items() if name not in untold}


def _nested(values: Mapping[str, Value]) -> Wire:
    found: Wire = {}
    for name, value in values.items():
        whole, _, part = name.partition(".")
        if part:
            found.setdefault(whole, {})[part] = wire(value, "Z")
        else:
            found[whole] = wire(value, "Z")
    return found
