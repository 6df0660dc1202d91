"""HubSpot's records as facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.core.facts import Fact, parse_instant
from chalicelib.core.model import Json, Kind, Money, Ref
from chalicelib.core.policy import Attribute
from connectors._exchange import Rates
from connectors._values import instant, money, number
from connectors.hubspot.activities import activities
from connectors.hubspot.records import (
    CRM,
    MODIFIED,
    ROLL_UP,
    Pipeline,
    Properties,
    Record,
    held_by,
    place,
)
from connectors.hubspot.values import TYPED

Stages = Mapping[tuple[str, str], str]
"""Status by pipeline id and stage id; ids are words in the default pipeline, else numbers."""

Data = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Reference:
    """What the records of one reading refer to.

    ``currency`` is the connection's. ``products`` are by id, ``deals`` by the id of the line
    item that belongs to them.
    """

    currency: str
    stages: Mapping[Kind, Stages] = field(default_factory=dict)
    rates: Rates = field(default_factory=Rates)
    products: Mapping[str, Record] = field(default_factory=dict)
    deals: Mapping[str, Record] = field(default_factory=dict)

    def status(self, kind: Kind, record: Record) -> str:
        return self.stages.get(kind, {}).get(place(kind, record), "open")


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes facts of the records of one connection, as read at ``now``.

    A record's data holds the policy's attributes by canonical name, and what is told of its
    kind whatever the policy says. What is empty, or is not of the attribute's type, is left out.
    """

    attributes: Sequence[Attribute]
    reference: Reference
    now: datetime

    def facts(
        self, subject: Ref, contact: Record, related: Mapping[Kind, Sequence[Record]]
    ) -> tuple[Fact, ...]:
        """Everything known of a contact; ``related`` are all its records of the kinds read."""
        return (
            self._state(subject, "contact", contact),
            *activities(subject, contact, self.attributes),
            self._links(subject, related),
            *(
                self._state(subject, kind, record)
                for kind, records in related.items()
                for record in records
            ),
        )

    def _links(self, subject: Ref, related: Mapping[Kind, Sequence[Record]]) -> Fact:
        data: Data = {
            kind: [record["id"] for record in records] for kind, records in related.items()
        }
        return Fact(subject, "links", "links", self.now, data)

    def _state(self, subject: Ref, kind: Kind, record: Record) -> Fact:
        modified = instant(record["properties"].get(MODIFIED[kind]))
        own = _OWN[kind](record, self.reference) if kind in _OWN else {}
        return Fact(
            subject=subject,
            type=kind,
            id=record["id"],
            occurred_at=self.now,
            data=self._values(kind, record["properties"]) | own,
            modified_at=parse_instant(modified) if modified else None,
        )

    def _values(self, kind: Kind, properties: Properties) -> Data:
        return _known(
            {
                attribute.name: TYPED[attribute.type](text)
                for attribute in held_by(kind, self.attributes)
                if attribute.type != "activity" and (text := properties.get(attribute.fields[CRM]))
            }
        )


def stage_statuses(pipelines: Iterable[Pipeline]) -> Stages:
    """Of deals: won is closed with probability 1, lost is closed with probability 0.

    >>> closed = {"isClosed": "true", "probability": "1.0"}
    >>> stage_statuses([{"id": "default", "stages": [{"id": "closedwon", "metadata": closed}]}])
    {('default', 'closedwon'): 'won'}
    """
    return _statuses(pipelines, _deal_status)


def ticket_statuses(pipelines: Iterable[Pipeline]) -> Stages:
    """Of tickets: open or closed.

    >>> closed = {"ticketState": "CLOSED"}
    >>> ticket_statuses([{"id": "0", "stages": [{"id": "4", "metadata": closed}]}])
    {('0', '4'): 'closed'}
    """
    return _statuses(pipelines, _ticket_status)


def amount_of(kind: Kind, record: Record, reference: Reference) -> Money | None:
    """Of a deal or a line item, in its own currency."""
    return money(record["properties"].get("amount"), _currency(kind, record, reference))


def _statuses(pipelines: Iterable[Pipeline], status: Callable[[Mapping[str, str]], str]) -> Stages:
    return {
        (pipeline["id"], stage["id"]): status(stage["metadata"])
        for pipeline in pipelines
        for stage in pipeline["stages"]
    }


def _deal_status(metadata: Mapping[str, str]) -> str:
    if metadata.get("isClosed") != "true":
        return "open"
    match number(metadata.get("probability", "")):
        case 1:
            return "won"
        case 0:
            return "lost"
        case _:
            return "open"


def _ticket_status(metadata: Mapping[str, str]) -> str:
    """By either of the two ways in which HubSpot has been seen to say it."""
    closed = metadata.get("ticketState") == "CLOSED" or metadata.get("isClosed") == "true"
    return "closed" if closed else "open"


def _deal(record: Record, reference: Reference) -> Data:
    properties = record["properties"]
    pipeline, stage = place("deal", record)
    status = reference.status("deal", record)
    closes = instant(properties.get("closedate"))
    amount = amount_of("deal", record, reference)
    at_home = money(properties.get("amount_in_home_currency"), reference.currency)
    return {
        "status": status,
        "amount": _json(amount),
        **_value(amount, at_home, reference),
        "stage": stage,
        "pipeline": pipeline,
        # An open deal's closedate is a hope, not the time of anything.
        "closed_at": None if status == "open" else closes,
        **({"expected_at": closes} if status == "open" and closes else {}),
    }


def _account(record: Record, reference: Reference) -> Data:
    found = _known(
        {
            name: _ROLL_UP_TYPES[name](text, reference.currency)
            for name, field in ROLL_UP.items()
            if (text := record["properties"].get(field))
        }
    )
    return {"roll_up": found} if found else {}


def _ticket(record: Record, reference: Reference) -> Data:
    properties = record["properties"]
    pipeline, stage = place("ticket", record)
    status = reference.status("ticket", record)
    return _known(
        {
            "status": status,
            "stage": stage,
            "pipeline": pipeline,
            "priority": _word(properties.get("hs_ticket_priority")),
            "category": properties.get("hs_ticket_category") or None,
            "opened_at": instant(properties.get("createdate")),
            "closed_at": instant(properties.get("closed_date")) if status == "closed" else None,
        }
    )


def _line_item(record: Record, reference: Reference) -> Data:
    properties = record["properties"]
    amount = amount_of("line_item", record, reference)
    product_id = properties.get("hs_product_id") or None
    return _known(
        {
            "deal_id": deal["id"] if (deal := reference.deals.get(record["id"])) else None,
            "product_id": product_id,
            "name": properties.get("name") or None,
            "sku": properties.get("hs_sku") or None,
            "quantity": number(properties.get("quantity") or ""),
            "price": _json(
                money(properties.get("price"), _currency("line_item", record, reference))
            ),
            "amount": _json(amount),
            **_value(amount, None, reference),
            "billing_frequency": properties.get("recurringbillingfrequency") or None,
            "recurring_period": properties.get("hs_recurring_billing_period") or None,
            "product": _product(reference.products.get(product_id or "")),
        }
    )


def _product(record: Record | None) -> Json:
    if record is None:
        return None
    properties = record["properties"]
    return _known(
        {
            "name": properties.get("name") or None,
            "sku": properties.get("hs_sku") or None,
            "type": _word(properties.get("hs_product_type")),
        }
    )


def _survey(record: Record, _: Reference) -> Data:
    properties = record["properties"]
    sentiment = properties.get("hs_sentiment") or properties.get("hs_response_group")
    return _known(
        {
            "kind": _word(properties.get("hs_survey_type")),
            "value": number(properties.get("hs_value") or ""),
            "sentiment": _word(sentiment),
            "answered_at": instant(properties.get("hs_submission_timestamp")),
            "channel": _word(properties.get("hs_survey_channel")),
        }
    )


_OWN: Mapping[Kind, Callable[[Record, Reference], Data]] = {
    "deal": _deal,
    "account": _account,
    "ticket": _ticket,
    "line_item": _line_item,
    "survey": _survey,
}
"""What a fact of each kind tells whatever the policy says."""

_ROLL_UP_TYPES: Mapping[str, Callable[[str, str], Json]] = {
    "contacts": lambda text, _: number(text),
    "deals": lambda text, _: number(text),
    "open_deals": lambda text, _: number(text),
    "revenue": lambda text, currency: _json(money(text, currency)),
    "last_won_at": lambda text, _: instant(text),
    "last_won_amount": lambda text, currency: _json(money(text, currency)),
}


def _value(amount: Money | None, at_home: Money | None, reference: Reference) -> Data:
    """A foreign amount in the connection's currency, by rate or else by HubSpot's own sum."""
    if amount is None or amount.currency == reference.currency:
        return {}
    worth = reference.rates.convert(amount, reference.currency) or at_home
    return {"value": worth.to_json()} if worth else {}


def _currency(kind: Kind, record: Record, reference: Reference) -> str:
    """A line item without a currency is in its deal's, a deal without one in the connection's."""
    if kind == "deal":
        return record["properties"].get("deal_currency_code") or reference.currency
    deal = reference.deals.get(record["id"])
    inherited = _currency("deal", deal, reference) if deal else reference.currency
    return record["properties"].get("hs_line_item_currency_code") or inherited


def _known(data: Mapping[str, Json]) -> Data:
    return {name: value for name, value in data.items() if value is not None}


def _json(amount: Money | None) -> Json:
    return amount.to_json() if amount else None


def _word(text: str | None) -> str | None:
    """An option's value in lower case, as all words of ours are."""
    return text.lower() if text else None
