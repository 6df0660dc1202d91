"""What a programme may give points for: purchases, activities, closed tickets, answers.

A *source* names one of them: ``purchase:order-1``, ``purchase:deal:5``, ``review.posted:77``,
``ticket:9``. It is the identity on which everything that is granted rests, so one that is told
twice is granted once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, cast

from chalicelib.core.facts import Fact, FactSet, parse_instant
from chalicelib.core.model import Json
from chalicelib.core.purchases import Sale, bills

PURCHASE, REFUND, TICKET, SURVEY = "purchase", "refund", "ticket", "survey"

_RANKS = {PURCHASE: 1, REFUND: 2}
"""At one instant activities come first and refunds last."""

Line = tuple[Mapping[str, Json], int]
"""What was bought in one line of an order, and its weight in the order."""


class Happening(NamedTuple):
    """``count`` is how often it happened at once; ``sale`` is that of purchases and refunds."""

    at: datetime
    rank: int
    source: str
    kind: str
    count: int  # type: ignore[assignment]  # hides a method of tuples that nobody calls
    attributes: Mapping[str, Json]
    sale: Sale | None
    lines: Sequence[Line]


def happenings(facts: FactSet, currency: str) -> list[Happening]:
    """In the order of time, with those dated ahead. ``currency`` is that of the programme."""
    found = [*_trade(facts, currency), *_activities(facts), *_tickets(facts), *_surveys(facts)]
    found.sort(key=lambda one: (one.at, one.rank, one.source))
    return found


def _trade(facts: FactSet, currency: str) -> Iterator[Happening]:
    items = _items(facts)
    deals = {f"deal:{fact.id}": fact for fact in facts.by_type.get("deal", ())}
    sales, refunds = bills(facts)
    for sale in sales:
        if "credit" not in sale.data:
            deal = deals.get(sale.id)
            told = replace(sale, data=deal.data) if deal else sale
            lines = _lines(told.data, items.get(sale.id, ()))
            source, data = f"{PURCHASE}:{sale.id}", _described(told, lines, currency)
            yield Happening(sale.at, _RANKS[PURCHASE], source, PURCHASE, 1, data, told, lines)
    for back in refunds:
        source = f"{REFUND}:{back.id}"
        yield Happening(back.at, _RANKS[REFUND], source, REFUND, 1, back.data, back, ())


def _described(sale: Sale, lines: Sequence[Line], currency: str) -> Mapping[str, Json]:
    """As conditions see it: the categories of all lines, and the amount in major units.

    Of an amount in another currency nobody knows how much it is.
    """
    known = sale.worth.currency == currency
    data = {**sale.data, "amount": str(sale.worth.to_decimal()) if known else None}
    sold = [line["category"] for line, _ in lines if line.get("category")]
    return {**data, "category": sold} if sold and "category" not in data else data


def _items(facts: FactSet) -> Mapping[str, Sequence[Fact]]:
    found: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in facts.states("line_item"):
        found[f"deal:{fact.data.get('deal_id')}"].append(fact)
    return found


def _lines(data: Mapping[str, Json], items: Sequence[Fact]) -> Sequence[Line]:
    """Of an order its ``lines``, of a deal its line items; empty where nobody told them."""
    told = data.get("lines")
    rows: Sequence[Mapping[str, Json]] = [item.data for item in items]
    if isinstance(told, list):
        rows = [row for row in told if isinstance(row, dict)]
    return tuple((_with_category(row), weight) for row in rows if (weight := _weight(row)))


def _with_category(row: Mapping[str, Json]) -> Mapping[str, Json]:
    product = row.get("product")
    own = {name: value for name, value in row.items() if name != "amount"}
    if "category" in row or not isinstance(product, dict) or not product.get("type"):
        return own
    return {**own, "category": product["type"]}


def _weight(row: Mapping[str, Json]) -> int:
    amount = row.get("amount")
    held = amount.get("amount") if isinstance(amount, dict) else None
    return max(held, 0) if isinstance(held, int) else 0


def _activities(facts: FactSet) -> Iterator[Happening]:
    for one in facts.activities():
        if one.count > 0:
            source = f"{one.kind}:{one.id}"
            yield Happening(
                one.occurred_at, 0, source, one.kind, one.count, one.attributes, None, ()
            )


def _tickets(facts: FactSet) -> Iterator[Happening]:
    """A support case counts when it was closed."""
    for fact in facts.states("ticket"):
        closed = fact.data.get("closed_at")
        if fact.data.get("status") == "closed" and closed:
            at = parse_instant(str(cast(str, closed)))
            yield Happening(at, 0, f"{TICKET}:{fact.id}", TICKET, 1, fact.data, None, ())


def _surveys(facts: FactSet) -> Iterator[Happening]:
    for fact in facts.states("survey"):
        answered = fact.data.get("answered_at")
        at = parse_instant(str(answered)) if answered else fact.occurred_at
        yield Happening(at, 0, f"{SURVEY}:{fact.id}", SURVEY, 1, fact.data, None, ())
