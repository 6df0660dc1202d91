"""Orders, which are purchases once they are activated, and reduction orders, which take some back.

They are there only in an organisation that has Orders switched on. An order belongs to the contact
whom it is billed to, and to the person whose account it is of. One of a company that is billed to
nobody belongs to nobody, as a deal without a role does.

The same sale may be an opportunity as well: then the order names it, and the core leaves the order
out as long as that opportunity counts for the same person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.core.facts import LINKED_ORDERS, Fact, parse_instant
from chalicelib.core.facts import ORDER as HELD
from chalicelib.core.model import Json, Money, Ref
from connectors._json_values import instant, midnight, money, number
from connectors.salesforce.ids import full
from connectors.salesforce.objects import ORDER
from connectors.salesforce.records import (
    ACCOUNT,
    ID,
    MODIFIED,
    OWN,
    PERSON_CONTACT,
    Record,
    at,
    parent,
)
from connectors.salesforce.schema import Schema
from connectors.salesforce.soql import Query, among, of_persons, select
from connectors.salesforce.values import worded

BILLED, CODE, SUM = "BillToContactId", "StatusCode", "TotalAmount"
BY_ACCOUNT = f"Account.{PERSON_CONTACT}"
"""To the contact that a person account is."""

_ACTIVATED = "Activated"
"""The category of a status, whatever its label is."""

Data = dict[str, Json]


def queries(schema: Schema, contacts: Sequence[str]) -> Iterator[tuple[Query, str]]:
    """What to ask for the activated orders of these, and the way from a row to its contact."""
    if not (schema.has(ORDER, CODE) and schema.has(ORDER, SUM)):
        return
    fields = schema.there(ORDER, OWN[ORDER])
    for way in ways(schema):
        whose = of_persons(contacts) if way == BY_ACCOUNT else among(way, contacts)
        where = f"{CODE} = '{_ACTIVATED}' AND {whose}"
        yield select([*fields, way], ORDER, where), way


def ways(schema: Schema) -> list[str]:
    """Those that lead from an order to a contact, as far as we see them."""
    by_account = schema.has("Account", PERSON_CONTACT) and schema.has(ORDER, ACCOUNT)
    return schema.there(ORDER, [BILLED]) + ([BY_ACCOUNT] if by_account else [])


def people_of(rows: Iterable[Record]) -> Iterator[str]:
    """The contacts that orders lead to by an account."""
    return filter(None, (full(at(row, BY_ACCOUNT)) for row in rows))


@dataclass(frozen=True, slots=True)
class Orders:
    """Of one person, with the lines of all of them. ``worth`` tells a sum in our currency.

    ``currency`` is that of a record, ``zone`` that in which days are counted.
    """

    orders: Sequence[Record]
    lines: Sequence[Record]
    currency: Callable[[Record], str]
    worth: Callable[[Money | None], Data]
    zone: str

    def facts(self, subject: Ref) -> tuple[Fact, ...]:
        return tuple(fact for one in self.orders if (fact := self._fact(subject, one)))

    def _fact(self, subject: Ref, record: Record) -> Fact | None:
        """None without a sum or a day, which are hidden from us then."""
        currency = self.currency(record)
        amount, bought = money(record.get(SUM), currency), self._bought(record)
        if amount is None or bought is None:
            return None
        is_reduction = bool(record.get("IsReductionOrder")) or amount.amount < 0
        own = self._reduced(record) if is_reduction else self._sold(record)
        modified = instant(record.get(MODIFIED))
        return Fact(
            subject=subject,
            type="refund" if is_reduction else "purchase",
            id=identity(record),
            occurred_at=parse_instant(bought),
            data={"amount": amount.to_json(), **self.worth(amount), **own},
            modified_at=parse_instant(modified) if modified else None,
        )

    def _bought(self, record: Record) -> str | None:
        """When it began, or was activated if that was earlier: what was brought in from elsewhere
        began long before.
        """
        begun = midnight(record.get("EffectiveDate"), self.zone)
        activated = instant(record.get("ActivatedDate"))
        known = [one for one in (begun, activated) if one]
        return min(known) if known else None

    def _reduced(self, record: Record) -> Data:
        """Without an original it reduces several orders, and is left in doubt."""
        original = full(record.get("OriginalOrderId"))
        return {"purchase": HELD + original} if original else {}

    def _sold(self, record: Record) -> Data:
        deal, lines = full(record.get("OpportunityId")), [*self._lines(full(record[ID]))]
        kinds = sorted({str(one["category"]) for one in lines if "category" in one})
        found: Data = {"deal": deal} if deal else {}
        if lines:
            found["lines"] = [*lines]
        if kinds:
            found["category"] = kinds[0] if len(kinds) == 1 else [*kinds]
        return found

    def _lines(self, order: str) -> Iterator[Data]:
        for row in sorted(self.lines, key=lambda one: full(one[ID])):
            if full(row.get("OrderId")) == order:
                yield self._line(row)

    def _line(self, row: Record) -> Data:
        product, currency = parent(row, "Product2"), self.currency(row)
        kind = worded(product.get("Family"))
        amount = money(row.get("TotalPrice"), currency)
        told: Mapping[str, Json] = {
            "product_id": full(row.get("Product2Id")) or None,
            "name": worded(product.get("Name")),
            "sku": worded(product.get("ProductCode")),
            "quantity": number(row.get("Quantity")),
            "amount": amount.to_json() if amount else None,
            "category": kind.lower() if kind else None,
        }
        return {name: value for name, value in told.items() if value is not None}


def identity(record: Record) -> str:
    """Of its fact."""
    return HELD + full(record[ID])


def linked(facts: Iterable[Fact]) -> Data:
    """What the associations say of orders; nothing where there are none."""
    found = sorted(one.id for one in facts)
    return {LINKED_ORDERS: [*found]} if found else {}
