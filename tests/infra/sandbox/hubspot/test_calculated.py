from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from infra.sandbox.hubspot.errors import ApiError
from infra.sandbox.hubspot.portal import Portal, Settings
from infra.sandbox.hubspot.records import (
    COMPANIES,
    CONTACTS,
    DEALS,
    HUBSPOT,
    LINE_ITEMS,
    TICKETS,
    Actor,
    Record,
)

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
REP = Actor.user(77)


class Calendar:
    now = START


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def portal(calendar: Calendar) -> Portal:
    return Portal(Settings(exchange_rates={"EUR": "1.25"}), lambda: calendar.now)


@pytest.fixture(params=[CONTACTS, COMPANIES], ids=["contact", "company"])
def customer(request: pytest.FixtureRequest, portal: Portal) -> Record:
    """With two won deals (the later one in euros), a lost and an open one."""
    record = portal.load(request.param, {})
    for properties in (
        {"dealstage": "closedwon", "amount": "10.5", "closedate": "2026-01-03"},
        {"dealstage": "7700103", "pipeline": "7700100", "amount": "2", "closedate": "2026-03-01",
         "deal_currency_code": "EUR"},
        {"dealstage": "closedlost", "amount": "99", "closedate": "2026-04-01"},
        {"dealstage": "contractsent", "amount": "7"},
    ):  # fmt: skip
        deal = portal.load(DEALS, properties)
        portal.load_link((record.kind, record.id), (DEALS, deal.id))
    return record


def values(portal: Portal, record: Record, *names: str) -> list[str]:
    assert all(portal.schema.definition(record.kind, name).calculated for name in names)
    return [portal.value(record, name) for name in names]


def test_won_deals_are_rolled_up_in_the_home_currency(portal: Portal, customer: Record) -> None:
    names = (
        "num_associated_deals",
        "total_revenue",
        "recent_deal_amount",
        "recent_deal_close_date",
    )

    found = values(portal, customer, *names)

    assert found == ["4", "13.00", "2.50", "2026-03-01T00:00:00.000Z"]


def test_nothing_is_empty_rather_than_zero(portal: Portal) -> None:
    names = ("num_associated_deals", "total_revenue", "recent_deal_amount")
    lonely = portal.load(COMPANIES, {})

    assert values(portal, lonely, "num_associated_contacts", *names) == ["", "", "", ""]


def test_a_contact_knows_its_company_its_stages_and_how_long_it_took(
    portal: Portal, calendar: Calendar
) -> None:
    contact = portal.load(CONTACTS, {"lifecyclestage": "lead"})
    company = portal.load(COMPANIES, {})
    deal = portal.load(DEALS, {"dealstage": "closedwon", "closedate": "2026-01-08"})
    portal.load_link((CONTACTS, contact.id), (DEALS, deal.id))
    portal.load_link((CONTACTS, contact.id), (COMPANIES, company.id), primary=True)
    calendar.now += DAY
    portal.update(CONTACTS, contact.id, {"lifecyclestage": "customer"}, REP)

    assert values(
        portal, contact, "associatedcompanyid", "days_to_close",
        "hs_lifecyclestage_lead_date", "hs_lifecyclestage_customer_date",
        "hs_lifecyclestage_evangelist_date",
    ) == [
        company.id, "7", "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z", "",
    ]  # fmt: skip


def test_a_company_counts_its_contacts_and_open_deals(portal: Portal) -> None:
    company = portal.load(COMPANIES, {})
    for _ in range(3):
        contact = portal.load(CONTACTS, {})
        portal.load_link((CONTACTS, contact.id), (COMPANIES, company.id))
    for stage in ("contractsent", "closedlost", "qualifiedtobuy"):
        deal = portal.load(DEALS, {"dealstage": stage})
        portal.load_link((DEALS, deal.id), (COMPANIES, company.id))

    assert values(portal, company, "num_associated_contacts", "hs_num_open_deals") == ["3", "2"]


def test_a_deal_is_worth_what_the_present_rate_says(portal: Portal) -> None:
    deal = portal.load(DEALS, {"amount": "10", "deal_currency_code": "EUR"})

    assert values(portal, deal, "amount_in_home_currency") == ["12.50"]
    portal.currencies.set_rate("EUR", Decimal("1.5"), START)
    assert values(portal, deal, "amount_in_home_currency") == ["15.0"]
    with pytest.raises(ApiError, match="not an additional currency"):
        portal.currencies.set_rate("GBP", Decimal(1), START)


@pytest.mark.parametrize(
    ("stage", "facts"),
    [("closedwon", ["true", "true", "1.0"]), ("closedlost", ["true", "false", "0.0"]),
     ("contractsent", ["false", "false", "0.9"]), ("", ["", "", ""])],
)  # fmt: skip
def test_a_deal_knows_its_stage(portal: Portal, stage: str, facts: list[str]) -> None:
    deal = portal.load(DEALS, {"dealstage": stage})
    names = ("hs_is_closed", "hs_is_closed_won", "hs_deal_stage_probability")

    assert values(portal, deal, *names) == facts


def test_a_ticket_was_closed_when_it_reached_a_closed_stage(
    portal: Portal, calendar: Calendar
) -> None:
    ticket = portal.load(TICKETS, {"hs_pipeline_stage": "1"})
    calendar.now += DAY
    assert values(portal, ticket, "closed_date") == [""]
    portal.update(TICKETS, ticket.id, {"hs_pipeline_stage": "4"}, REP)

    assert values(portal, ticket, "closed_date") == ["2026-01-02T00:00:00.000Z"]


def test_a_line_item_amounts_to_its_quantity_at_its_price(portal: Portal) -> None:
    line = portal.create(LINE_ITEMS, {"quantity": "3", "price": "2.50"}, HUBSPOT)
    unpriced = portal.create(LINE_ITEMS, {"quantity": "3"}, HUBSPOT)

    assert values(portal, line, "amount") == ["7.50"]
    assert values(portal, unpriced, "amount") == [""]
