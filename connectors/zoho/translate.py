"""Zoho's records as facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.core.facts import Fact, parse_instant
from chalicelib.core.model import Json, Kind, Money, Ref
from chalicelib.core.policy import Attribute
from connectors._exchange import Rates
from connectors._json_values import instant, midnight, money, number
from connectors.zoho.records import (
    MODIFIED,
    OWNER,
    Record,
    doings,
    field_of,
    lookup,
    told_by,
)
from connectors.zoho.reference_data import OPEN, Stages
from connectors.zoho.relations import Related
from connectors.zoho.values import TYPED, worded

CLOSED = "Closed"
"""The status of a case that is; a label may say otherwise, the value does not."""

Data = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Reference:
    """What the records of one reading refer to. ``currency`` is the connection's, ``zone`` too."""

    currency: str
    zone: str
    stages: Stages = field(default_factory=dict)
    rates: Rates = field(default_factory=Rates)


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes facts of the records of one connection, as read at ``now``.

    A record's data holds the policy's attributes by canonical name, and what is told of its
    kind whatever the policy says. What is empty, or is not of the attribute's type, is left out.
    """

    attributes: Sequence[Attribute]
    reference: Reference
    now: datetime

    def facts(self, person: Ref, record: Record, related: Related) -> tuple[Fact, ...]:
        """Everything known of a contact or a lead."""
        belongings = related.of(person.id)
        return (
            self._state(person, person.kind, record),
            *self._last_times(person, record),
            *self._done(person, related),
            self._links(person, belongings),
            *(
                self._state(person, kind, one)
                for kind, records in belongings.items()
                for one in records
            ),
        )

    def _links(self, person: Ref, belongings: Mapping[Kind, Sequence[Record]]) -> Fact:
        data: Data = {
            kind: sorted(one["id"] for one in found) for kind, found in belongings.items()
        }
        return Fact(person, "links", "links", self.now, data)

    def _state(self, person: Ref, kind: Kind, record: Record) -> Fact:
        modified = instant(record.get(MODIFIED))
        own = _OWN[kind](record, self.reference) if kind in _OWN else {}
        return Fact(
            subject=person,
            type=kind,
            id=str(record["id"]),
            occurred_at=self.now,
            data=self._values(kind, record) | own,
            modified_at=parse_instant(modified) if modified else None,
        )

    def _values(self, kind: Kind, record: Record) -> Data:
        """A lead itself holds what it knows of the account that it has not got."""
        told = [one for one in told_by(kind, self.attributes) if one.type != "activity"]
        own = _typed(
            [one for one in told if one.of != "account" or kind == "account"], kind, record
        )
        if kind != "lead":
            return own
        account = _typed([one for one in told if one.of == "account"], kind, record)
        return own | ({"account": account} if account else {})

    def _last_times(self, person: Ref, record: Record) -> Iterator[Fact]:
        """A field that holds the last time of something: its value is one activity then."""
        for attribute in told_by(person.kind, self.attributes):
            if attribute.type == "activity":
                name = field_of(attribute, person.kind)
                if at := instant(record.get(name)):
                    yield _activity(person, f"{name}@{at}", at, attribute)

    def _done(self, person: Ref, related: Related) -> Iterator[Fact]:
        """Each record of another module is one activity, at the time that its field holds."""
        asked = doings(person.kind, self.attributes)
        for module, records in related.done_with(person.id).items():
            for attribute in asked[module]:
                name = attribute.fields["zoho"].partition(".")[2]
                for record in records:
                    if at := midnight(record.get(name), self.reference.zone):
                        yield _activity(person, f"{module}:{record['id']}", at, attribute)


def amounts(deals: Iterable[Record], currency: str) -> list[str]:
    """The currencies that deals are in."""
    return [_currency(deal, currency) for deal in deals]


def _typed(told: Iterable[Attribute], kind: Kind, record: Record) -> Data:
    return _known({one.name: _told(one, field_of(one, kind), record) for one in told})


def _told(attribute: Attribute, field: str, record: Record) -> Json:
    """An owner by the id, which call lists compare; queries leave their name out."""
    if field == OWNER:
        return lookup(record, OWNER) or None
    return TYPED[attribute.type](record.get(field))


def _activity(person: Ref, identity: str, at: str, attribute: Attribute) -> Fact:
    data: Data = {"kind": attribute.activity}
    return Fact(person, "activity", identity, parse_instant(at), data)


def _deal(record: Record, reference: Reference) -> Data:
    stage = worded(record.get("Stage")) or ""
    status = reference.stages.get(stage, OPEN)
    closes = midnight(record.get("Closing_Date"), reference.zone)
    amount = money(record.get("Amount"), _currency(record, reference.currency))
    return {
        "status": status,
        "amount": amount.to_json() if amount else None,
        **_value(amount, reference),
        "stage": stage,
        "pipeline": worded(record.get("Pipeline")) or "",
        "closed_at": None if status == OPEN else _closed_at(record, closes),
        **({"expected_at": closes} if status == OPEN and closes else {}),
    }


def _closed_at(record: Record, closes: str | None) -> str | None:
    """A rep may win a deal and leave the day on which it was expected, which is yet to come."""
    modified = instant(record.get(MODIFIED))
    return min(closes, modified) if closes and modified else closes or modified


def _ticket(record: Record, _: Reference) -> Data:
    status = worded(record.get("Status"))
    return _known(
        {
            "status": "closed" if status == CLOSED else OPEN,
            "stage": status,
            "priority": _word(record.get("Priority")),
            "category": worded(record.get("Type")),
            "opened_at": instant(record.get("Created_Time")),
        }
    )


def _line_item(record: Record, reference: Reference) -> Data:
    """A product of a deal, at its list price; how many of it were sold is not told."""
    price = money(record.get("Unit_Price"), reference.currency)
    product: Data = _known(
        {
            "name": worded(record.get("Product_Name")),
            "sku": worded(record.get("Product_Code")),
            "type": _word(record.get("Product_Category")),
        }
    )
    return _known(
        {
            "deal_id": str(record["Deal"]["id"]),
            "product_id": str(record["Product_Id"]),
            "name": product.get("name"),
            "sku": product.get("sku"),
            "quantity": number(1),
            "price": price.to_json() if price else None,
            "amount": price.to_json() if price else None,
            "product": product,
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


def _currency(deal: Record, default: str) -> str:
    return worded(deal.get("Currency")) or default


def _known(data: Mapping[str, Json]) -> Data:
    return {name: value for name, value in data.items() if value is not None}


def _word(value: object) -> str | None:
    text = worded(value)
    return text.lower() if text else None
