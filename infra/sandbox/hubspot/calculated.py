"""Properties that HubSpot computes itself; here at the moment of reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from infra.sandbox.hubspot.instants import spell
from infra.sandbox.hubspot.pipelines import Stage, pipeline
from infra.sandbox.hubspot.records import COMPANIES, CONTACTS, DEALS, ObjectType, Record

Deals = Sequence[Record]
Formula = Callable[[Record, Deals], str]


def stage_of(deal: Record) -> Stage | None:
    found = pipeline(deal.value("pipeline"))
    return found.stage(deal.value("dealstage")) if found else None


def _stage_fact(read: Callable[[Stage], str]) -> Formula:
    def formula(deal: Record, _: Deals) -> str:
        stage = stage_of(deal)
        return read(stage) if stage else ""

    return formula


def won(deals: Deals) -> list[Record]:
    """By date of closing."""
    closed = [deal for deal in deals if (stage := stage_of(deal)) and stage.won]
    return sorted(closed, key=lambda deal: deal.value("closedate"))


def _latest_won(name: str) -> Formula:
    def formula(_: Record, deals: Deals) -> str:
        found = won(deals)
        return found[-1].value(name) if found else ""

    return formula


def _total_revenue(_: Record, deals: Deals) -> str:
    amounts = [Decimal(deal.value("amount")) for deal in won(deals) if deal.value("amount")]
    return str(sum(amounts, Decimal(0))) if amounts else ""


def _first_created(_: Record, deals: Deals) -> str:
    return min((spell(deal.created_at) for deal in deals), default="")


FORMULAS: Mapping[ObjectType, Mapping[str, Formula]] = {
    CONTACTS: {
        "num_associated_deals": lambda _, deals: str(len(deals)) if deals else "",
        "first_deal_created_date": _first_created,
        "recent_deal_amount": _latest_won("amount"),
        "recent_deal_close_date": _latest_won("closedate"),
        "total_revenue": _total_revenue,
    },
    COMPANIES: {"num_associated_deals": lambda _, deals: str(len(deals)) if deals else ""},
    DEALS: {
        "hs_is_closed": _stage_fact(lambda stage: str(stage.closed).lower()),
        "hs_is_closed_won": _stage_fact(lambda stage: str(stage.won).lower()),
        "hs_deal_stage_probability": _stage_fact(lambda stage: stage.probability),
    },
}
