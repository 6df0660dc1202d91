"""Salesforce's records as facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.core.facts import Fact, iso, parse_instant
from chalicelib.core.model import Json, Kind, Money, Ref
from chalicelib.core.policy import Attribute
from connectors._exchange import Rates
from connectors._json_values import instant, midnight, money, number
from connectors.salesforce.ids import full, spelled
from connectors.salesforce.lookup import Person
from connectors.salesforce.objects import OBJECTS, ORDER, ORDER_ITEM
from connectors.salesforce.orders import Orders, linked
from connectors.salesforce.records import (
    CRM,
    CURRENCY,
    ID,
    MODIFIED,
    Record,
    at,
    doing,
    doings,
    field_of,
    parent,
    told_by,
)
from connectors.salesforce.relations import People, doings_of
from connectors.salesforce.values import TYPED, worded

Data = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Reference:
    """What the records of one reading refer to. ``currency`` is the connection's, ``zone`` too.

    ``deals`` are those that line items belong to, by id.
    """

    currency: str
    zone: str
    rates: Rates = field(default_factory=Rates)
    deals: Mapping[str, Record] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes facts of the records of one connection, as read at ``now``.

    A record's data holds the policy's attributes by canonical name, and what is told of its
    kind whatever the policy says. What is empty, or is not of the attribute's type, is left out.
    """

    attributes: Sequence[Attribute]
    reference: Reference
    kinds: Sequence[Kind]
    now: datetime

    def facts(self, person: Person, people: People, subject: Ref) -> tuple[Fact, ...]:
        """Everything known of a contact or a lead."""
        record = people.found.people[person]
        belongings = self._belongings(person, people)
        orders = self._orders(person, people).facts(subject)
        return (
            self._state(subject, subject.kind, record),
            *self._last_times(subject, record),
            *self._done(person, people, subject),
            self._links(subject, belongings, orders),
            *orders,
            *(
                self._state(subject, kind, one)
                for kind, records in belongings.items()
                for one in records
            ),
        )

    def _belongings(self, person: Person, people: People) -> Mapping[Kind, Sequence[Record]]:
        """A lead has none: what it knows of a company stands in it itself."""
        if person[0] == "lead":
            return {}
        account = parent(people.found.people[person], "Account")
        found: dict[Kind, Sequence[Record]] = {
            kind: people.of(person, OBJECTS[kind]) for kind in self.kinds
        }
        return found | ({"account": [account] if account else []} if "account" in found else {})

    def _orders(self, person: Person, people: People) -> Orders:
        return Orders(
            orders=people.of(person, ORDER),
            lines=people.of(person, ORDER_ITEM),
            currency=lambda record: currency_of(record, self.reference.currency),
            worth=lambda amount: _value(amount, self.reference),
            zone=self.reference.zone,
        )

    def _links(
        self,
        subject: Ref,
        belongings: Mapping[Kind, Sequence[Record]],
        orders: Iterable[Fact],
    ) -> Fact:
        data: Data = {
            kind: [*sorted(full(one[ID]) for one in found)] for kind, found in belongings.items()
        }
        return Fact(subject, "links", "links", self.now, data | linked(orders))

    def _state(self, subject: Ref, kind: Kind, record: Record) -> Fact:
        modified = instant(record.get(MODIFIED))
        own = _OWN[kind](record, self.reference) if kind in _OWN else {}
        return Fact(
            subject=subject,
            type=kind,
            id=full(record[ID]),
            occurred_at=self.now,
            data=self._values(kind, record) | own,
            modified_at=parse_instant(modified) if modified else None,
        )

    def _values(self, kind: Kind, record: Record) -> Data:
        """A lead itself holds what it knows of the account that it has not got."""
        told = [one for one in told_by(kind, self.attributes) if one.type != "activity"]
        own = [one for one in told if one.of != "account" or kind == "account"]
        if kind != "lead":
            return _typed(own, kind, record)
        account = _typed([one for one in told if one.of == "account"], kind, record)
        return _typed(own, kind, record) | ({"account": account} if account else {})

    def _last_times(self, subject: Ref, record: Record) -> Iterator[Fact]:
        """A field that holds the last time of something: its value is one activity then."""
        for attribute in told_by(subject.kind, self.attributes):
            if attribute.type == "activity":
                name = field_of(attribute, subject.kind)
                if at := self._past(record.get(name)):
                    yield _activity(subject, f"{name}@{at}", at, attribute)

    def _done(self, person: Person, people: People, subject: Ref) -> Iterator[Fact]:
        """Each record is one activity, at the time that its field holds."""
        asked = doings(subject.kind, self.attributes)
        for attribute in (one for told in asked.values() for one in told):
            source, name = doing(attribute)
            for record in doings_of(people, person, source):
                if at := self._past(record.get(name)):
                    identity = f"{attribute.fields[CRM]}:{full(record[ID])}"
                    yield _activity(subject, identity, at, attribute)

    def _past(self, value: object) -> str | None:
        """What is yet to come has not been done."""
        at = midnight(value, self.reference.zone)
        return at if at and at <= iso(self.now) else None


def currency_of(record: Record, default: str) -> str:
    return worded(record.get(CURRENCY)) or default


def _typed(told: Iterable[Attribute], kind: Kind, record: Record) -> Data:
    return _known({one.name: _value_of(one, at(record, field_of(one, kind))) for one in told})


def _value_of(attribute: Attribute, told: object) -> Json:
    found = TYPED[attribute.type](told)
    return spelled(found) if attribute.names_record and isinstance(found, str) else found


def _activity(subject: Ref, identity: str, at: str, attribute: Attribute) -> Fact:
    data: Data = {"kind": attribute.activity}
    return Fact(subject, "activity", identity, parse_instant(at), data)


def _deal(record: Record, reference: Reference) -> Data:
    """What its stage means stands in the record: no label of a stage says so."""
    status = "won" if record.get("IsWon") else "lost" if record.get("IsClosed") else "open"
    closes = midnight(record.get("CloseDate"), reference.zone)
    amount = money(record.get("Amount"), currency_of(record, reference.currency))
    return {
        "status": status,
        "amount": _json(amount),
        **_value(amount, reference),
        "stage": worded(record.get("StageName")) or "",
        "closed_at": None if status == "open" else _closed_at(record, closes),
        **({"expected_at": closes} if status == "open" and closes else {}),
    }


def _closed_at(record: Record, closes: str | None) -> str | None:
    """A rep may win a deal and leave the day on which it was expected, which is yet to come."""
    modified = instant(record.get("LastModifiedDate"))
    return min(closes, modified) if closes and modified else closes or modified


def _ticket(record: Record, _: Reference) -> Data:
    is_closed = bool(record.get("IsClosed"))
    return _known(
        {
            "status": "closed" if is_closed else "open",
            "stage": worded(record.get("Status")),
            "priority": _word(record.get("Priority")),
            "category": worded(record.get("Type")),
            "opened_at": instant(record.get("CreatedDate")),
            "closed_at": instant(record.get("ClosedDate")) if is_closed else None,
        }
    )


def _line_item(record: Record, reference: Reference) -> Data:
    """One without a currency is in its deal's."""
    deal_id = full(record.get("OpportunityId"))
    inherited = currency_of(reference.deals.get(deal_id, {}), reference.currency)
    currency = currency_of(record, inherited)
    amount = money(record.get("TotalPrice"), currency)
    product = parent(record, "Product2")
    return _known(
        {
            "deal_id": deal_id,
            "product_id": full(record.get("Product2Id")) or None,
            "name": worded(record.get("Name")),
            "sku": worded(record.get("ProductCode")),
            "quantity": number(record.get("Quantity")),
            "price": _json(money(record.get("UnitPrice"), currency)),
            "amount": _json(amount),
            **_value(amount, reference),
            "product": _product(product) if product else None,
        }
    )


def _product(product: Record) -> Data:
    return _known(
        {
            "name": worded(product.get("Name")),
            "sku": worded(product.get("ProductCode")),
            "type": _word(product.get("Family")),
        }
    )


_OWN: Mapping[Kind, Callable[[Record, Reference], Data]] = {
    "deal": _deal,
    "ticket": _ticket,
    "line_item": _line_item,
}
"""What a fact of each kind tells whatever the policy says."""


def _value(amount: Money | None, reference: Reference) -> Data:
    """A foreign amount in the connection's currency, by the organisation's rate."""
    if amount is None or amount.currency == reference.currency:
        return {}
    worth = reference.rates.convert(amount, reference.currency)
    return {"value": worth.to_json()} if worth else {}


def _known(data: Mapping[str, Json]) -> Data:
    return {name: value for name, value in data.items() if value is not None}


def _json(amount: Money | None) -> Json:
    return amount.to_json() if amount else None


def _word(value: object) -> str | None:
    text = worded(value)
    return text.lower() if text else None
