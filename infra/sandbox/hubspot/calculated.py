"""Properties that HubSpot computes itself; here at the moment of reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Protocol

from infra.sandbox._serving.instants import read, spell
from infra.sandbox.hubspot.currencies import Currencies
from infra.sandbox.hubspot.pipelines import Stage, pipeline
from infra.sandbox.hubspot.records import (
    COMPANIES,
    CONTACTS,
    DEALS,
    KINDS,
    LINE_ITEMS,
    TICKETS,
    ObjectType,
    Record,
)
from infra.sandbox.hubspot.standard_properties import LIFECYCLE_STAGES


class Surroundings(Protocol):
    """What a computed property looks at beside its record."""

    currencies: Currencies

    def linked(self, record: Record, kind: ObjectType) -> Sequence[Record]: ...
    def primary_company(self, record: Record) -> str: ...


Formula = Callable[[Record, Surroundings], str]


def stage_of(record: Record) -> Stage | None:
    """Of a deal or a ticket."""
    names = record.kind.stage_properties
    found = pipeline(record.kind, record.value(names[0])) if names else None
    return found.stage(record.value(names[1])) if names and found else None


def home_amount(deal: Record, around: Surroundings) -> str:
    code = deal.value("deal_currency_code")
    return around.currencies.in_home(deal.value("amount"), code)


def won(deals: Sequence[Record]) -> list[Record]:
    """By date of closing."""
    closed = [deal for deal in deals if (stage := stage_of(deal)) and stage.won]
    return sorted(closed, key=lambda deal: deal.value("closedate"))


def _stage_fact(tell: Callable[[Stage], str]) -> Formula:
    def formula(record: Record, _: Surroundings) -> str:
        stage = stage_of(record)
        return tell(stage) if stage else ""

    return formula


def _number_of(kind: ObjectType, counts: Callable[[Record], bool] = lambda _: True) -> Formula:
    """Empty rather than zero, as in HubSpot."""

    def formula(record: Record, around: Surroundings) -> str:
        return str(sum(map(counts, around.linked(record, kind))) or "")

    return formula


def _is_open(deal: Record) -> bool:
    stage = stage_of(deal)
    return stage is not None and not stage.closed


def _latest_won(tell: Formula) -> Formula:
    def formula(record: Record, around: Surroundings) -> str:
        found = won(around.linked(record, DEALS))
        return tell(found[-1], around) if found else ""

    return formula


def _close_date(deal: Record, _: Surroundings) -> str:
    return deal.value("closedate")


def _total_revenue(record: Record, around: Surroundings) -> str:
    deals = won(around.linked(record, DEALS))
    amounts = [Decimal(one) for deal in deals if (one := home_amount(deal, around))]
    return str(sum(amounts, Decimal(0))) if amounts else ""


def _first_created(record: Record, around: Surroundings) -> str:
    deals = around.linked(record, DEALS)
    return min((spell(deal.created_at) for deal in deals), default="")


def _days_to_close(contact: Record, around: Surroundings) -> str:
    dates = [
        date for deal in won(around.linked(contact, DEALS)) if (date := _close_date(deal, around))
    ]
    return str((read(dates[0]) - contact.created_at) // timedelta(days=1)) if dates else ""


def _entered(name: str, value: str) -> Formula:
    """When a property last became a value."""

    def formula(record: Record, _: Surroundings) -> str:
        times = [one.at for one in record.history.get(name, ()) if one.value == value]
        return spell(times[-1]) if times else ""

    return formula


def _closed_at(ticket: Record, _: Surroundings) -> str:
    stage = stage_of(ticket)
    return spell(ticket.history["hs_pipeline_stage"][-1].at) if stage and stage.closed else ""


def _line_amount(line_item: Record, _: Surroundings) -> str:
    quantity, price = line_item.value("quantity"), line_item.value("price")
    return f"{Decimal(quantity) * Decimal(price):f}" if quantity and price else ""


_ROLL_UPS: Mapping[str, Formula] = {
    "num_associated_deals": _number_of(DEALS),
    "first_deal_created_date": _first_created,
    "recent_deal_amount": _latest_won(home_amount),
    "recent_deal_close_date": _latest_won(_close_date),
    "total_revenue": _total_revenue,
}
_OF_KIND: Mapping[ObjectType, Mapping[str, Formula]] = {
    CONTACTS: {
        **_ROLL_UPS,
        "associatedcompanyid": lambda contact, around: around.primary_company(contact),
        "days_to_close": _days_to_close,
        **{
            f"hs_lifecyclestage_{stage}_date": _entered("lifecyclestage", stage)
            for stage in LIFECYCLE_STAGES
        },
    },
    COMPANIES: {
        **_ROLL_UPS,
        "num_associated_contacts": _number_of(CONTACTS),
        "hs_num_open_deals": _number_of(DEALS, _is_open),
    },
    DEALS: {
        "amount_in_home_currency": home_amount,
        "hs_is_closed": _stage_fact(lambda stage: str(stage.closed).lower()),
        "hs_is_closed_won": _stage_fact(lambda stage: str(stage.won).lower()),
        "hs_deal_stage_probability": _stage_fact(lambda stage: stage.probability),
    },
    TICKETS: {"closed_date": _closed_at},
    LINE_ITEMS: {"amount": _line_amount},
}


def _of_every_record(kind: ObjectType) -> Mapping[str, Formula]:
    return {
        "hs_object_id": lambda record, _: record.id,
        "createdate": lambda record, _: spell(record.created_at),
        kind.modified: lambda record, _: spell(record.updated_at),
    }


FORMULAS: Mapping[ObjectType, Mapping[str, Formula]] = {
    kind: {**_of_every_record(kind), **_OF_KIND.get(kind, {})} for kind in KINDS
}
