"""What a subject bought, net of what went back, and what others bought thanks to it.

A refund is a fact of type ``refund``, or a purchase of a negative amount, whose ``purchase`` is the
id of what was bought (``deal:5`` for the won deal 5). The net amount of a purchase is its amount
less its refunds, never below zero; what is fully refunded counts for nothing. So refunds may come
before their purchase, in any order, whole or in parts.

A sale counts once: a purchase that names its ``deal`` is left out while that won deal counts, and
what goes back of it goes back of the deal.

A purchase with ``credit`` is somebody else's: the subject only brought it in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter

from chalicelib.core.facts import Fact, FactSet, earliest, money, parse_instant
from chalicelib.core.model import Json, Money, Purchase
from chalicelib.core.structs import struct


@struct
class Credited:
    """Another's purchase that the subject brought in as ``credit`` says, a referral or the like.

    ``share`` is how much of it is put down to the subject, None where that was not told.
    """

    credit: str
    share: float | None
    purchase: Purchase


@struct
class Turnover:
    """``purchases`` and ``credited`` are net and positive, oldest first, also those dated ahead.

    ``in_doubt`` names the facts that count for nothing until a person has looked at them, each
    as ``reason:id``. ``changes_at`` is when the next refund that is dated ahead begins to count.
    """

    purchases: tuple[Purchase, ...]
    credited: tuple[Credited, ...]
    in_doubt: tuple[str, ...]
    changes_at: datetime | None


@struct
class Sale:
    """``paid`` is what stood on the bill, ``worth`` that in the connection's currency."""

    id: str
    at: datetime
    paid: Money
    worth: Money
    data: Mapping[str, Json]


def turnover(facts: FactSet, as_of: datetime | None = None) -> Turnover:
    """With the refunds of up to ``as_of``, or with all; raises ValueError without an amount."""
    sales, refunds = bills(facts)
    if not sales and not refunds:
        return _NOTHING
    return netted(sales, refunds, as_of)


def bills(facts: FactSet) -> tuple[list[Sale], list[Sale]]:
    """All that was sold, to the subject or through it, and all that went back, in no order."""
    sales: list[Sale] = []
    refunds: list[Sale] = []
    for fact in facts.orders():
        told = _told(fact)
        (refunds if _goes_back(fact, told) else sales).append(told)
    won = [sale for fact in facts.states("deal") if (sale := _won(fact))]
    if won and (same := _same_as(won, sales)):
        sales = [one for one in sales if one.id not in same]
        refunds = [_of_the_deal(one, same) for one in refunds]
    return [*sales, *won], refunds


_NOTHING = Turnover((), (), (), None)
_OLDEST_FIRST = attrgetter("at", "id")
_UNTOLD: Mapping[str, Json] = {}


def netted(sales: Sequence[Sale], refunds: Sequence[Sale], as_of: datetime | None) -> Turnover:
    """With the refunds of up to ``as_of``, or with all."""
    counted = [one for one in refunds if as_of is None or one.at <= as_of]
    ahead = [one.at for one in refunds if as_of is not None and one.at > as_of]
    back = _by_purchase(counted)
    purchases: list[Purchase] = []
    credited: list[Credited] = []
    for sale in sorted(sales, key=_OLDEST_FIRST):
        left = left_of(sale, back[sale.id]) if back and sale.id in back else sale.worth
        if left.amount > 0:
            bought = Purchase(sale.id, sale.at, left)
            if "credit" in sale.data:
                credited.append(_credited(sale, bought))
            else:
                purchases.append(bought)
    return Turnover(
        purchases=tuple(purchases),
        credited=tuple(credited),
        in_doubt=tuple(sorted(_in_doubt(sales, counted))),
        changes_at=earliest(ahead) if ahead else None,
    )


def _told(fact: Fact) -> Sale:
    paid, value = money(fact.data.get("amount")), money(fact.data.get("value"))
    worth = value or paid
    if worth is None:
        raise ValueError(f"{fact.key}: a {fact.type} needs an amount")
    return Sale(fact.id, fact.occurred_at, paid or worth, worth, fact.data)


def _won(fact: Fact) -> Sale | None:
    """The purchase that a won deal with a date and a sum is."""
    data = fact.data
    closed = data.get("closed_at")
    if not closed or data.get("status") != "won":
        return None
    worth = paid = money(data.get("amount"))
    if "value" in data:
        worth = money(data["value"]) or paid
    if worth is None:
        return None
    return Sale(f"deal:{fact.id}", parse_instant(str(closed)), paid or worth, worth, _UNTOLD)


def _same_as(won: Sequence[Sale], orders: Iterable[Sale]) -> Mapping[str, str]:
    """Ids of orders that a deal with a sum counts for already, with the deal's."""
    deals = {one.id for one in won if one.worth.amount > 0}
    told = {one.id: f"deal:{one.data['deal']}" for one in orders if "deal" in one.data}
    return {order: deal for order, deal in told.items() if deal in deals}


def _of_the_deal(refund: Sale, same: Mapping[str, str]) -> Sale:
    deal = same.get(str(refund.data.get("purchase", "")))
    return replace(refund, data={**refund.data, "purchase": deal}) if deal else refund


def _goes_back(fact: Fact, row: Sale) -> bool:
    return fact.type == "refund" or (row.paid.amount < 0 and "purchase" in row.data)


def _by_purchase(refunds: Iterable[Sale]) -> Mapping[str, list[Sale]]:
    found: defaultdict[str, list[Sale]] = defaultdict(list)
    for refund in refunds:
        found[str(refund.data.get("purchase", ""))].append(refund)
    return found


def left_of(sale: Sale, refunds: Iterable[Sale]) -> Money:
    """Refunds in the currency of the bill take their share of its worth, whatever the rate.

    Their sum is converted at once, so that it does not matter in how many parts it came.
    """
    on_bill = by_worth = 0
    for refund in refunds:
        if refund.paid.currency == sale.paid.currency:
            on_bill += abs(refund.paid.amount)
        elif refund.worth.currency == sale.worth.currency:
            by_worth += abs(refund.worth.amount)
    kept = sale.worth.amount
    if on_bill and sale.paid.amount > 0:
        left = max(sale.paid.amount - on_bill, 0)
        kept = (2 * kept * left + sale.paid.amount) // (2 * sale.paid.amount)  # half up
    return Money(max(kept - by_worth, 0), sale.worth.currency)


def _credited(sale: Sale, bought: Purchase) -> Credited:
    share = sale.data.get("share")
    told = float(share) if isinstance(share, (int, float)) else None
    return Credited(str(sale.data["credit"]), told, bought)


def _in_doubt(sales: Sequence[Sale], refunds: Sequence[Sale]) -> list[str]:
    negative = [f"negative_amount:{sale.id}" for sale in sales if sale.worth.amount < 0]
    return [*negative, *_refunds_in_doubt(sales, refunds)] if refunds else negative


def _refunds_in_doubt(sales: Sequence[Sale], refunds: Sequence[Sale]) -> Iterator[str]:
    bills = {sale.id: {sale.paid.currency, sale.worth.currency} for sale in sales}
    for refund in refunds:
        currencies = bills.get(str(refund.data.get("purchase", "")))
        if currencies is None:
            yield f"refund_without_purchase:{refund.id}"
        elif not currencies & {refund.paid.currency, refund.worth.currency}:
            yield f"refund_in_another_currency:{refund.id}"
