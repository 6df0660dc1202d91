from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from infra.sandbox.cdnow import Loaded, load_cdnow
from infra.sandbox.hubspot.people import People
from infra.sandbox.hubspot.portal import Portal, Settings
from infra.sandbox.hubspot.records import COMPANIES, CONTACTS, DEALS

PURCHASES = Path("tests/data/cdnow/purchases.txt")
NOW = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)


def load() -> tuple[Portal, Loaded]:
    portal = Portal(Settings(), lambda: NOW)
    people = People(portal, lambda _span: None, str)
    return portal, load_cdnow(people, PURCHASES, NOW, leads=20)


@pytest.fixture(scope="module")
def loaded() -> tuple[Portal, Loaded]:
    return load()


def naive_rows() -> list[list[str]]:
    return [line.split() for line in PURCHASES.read_text().splitlines()]


def test_every_purchase_is_one_won_deal_of_its_customer(loaded: tuple[Portal, Loaded]) -> None:
    portal, found = loaded
    expected: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    for _, customer, _, _, dollars in naive_rows():
        expected[customer] += 1
        spent[customer] += Decimal(dollars)

    contacts = [portal.get(CONTACTS, one) for one in found.customers]

    assert [int(portal.value(one, "num_associated_deals")) for one in contacts] == list(
        expected.values()
    )
    assert [Decimal(portal.value(one, "total_revenue")) for one in contacts] == list(spent.values())


def test_the_last_purchase_was_yesterday_and_the_days_between_are_those_of_the_data(
    loaded: tuple[Portal, Loaded],
) -> None:
    portal, _ = loaded
    won = [one for one in portal.records(DEALS) if one.value("dealstage") == "closedwon"]
    days = [date.fromisoformat(one.value("closedate")[:10]) for one in won]
    original = [date.fromisoformat(row[2]) for row in naive_rows()]

    assert max(days) == NOW.date() - timedelta(days=1)
    assert len({day - before for day, before in zip(days, original, strict=True)}) == 1


def test_leads_have_no_purchases(loaded: tuple[Portal, Loaded]) -> None:
    portal, found = loaded

    assert len(found.leads) == 20
    assert all(not portal.value(portal.get(CONTACTS, one), "total_revenue") for one in found.leads)


def test_nobody_was_active_before_being_known_or_in_the_future(
    loaded: tuple[Portal, Loaded],
) -> None:
    portal, _ = loaded
    for contact in portal.records(CONTACTS):
        for name in contact.history:
            if name.startswith(("hs_email_last", "hs_analytics_last", "notes_last")):
                moment = datetime.fromisoformat(contact.value(name))
                assert contact.created_at <= moment <= NOW


def test_everybody_has_a_primary_company(loaded: tuple[Portal, Loaded]) -> None:
    portal, _ = loaded

    for contact in portal.records(CONTACTS):
        assert portal.find(COMPANIES, portal.value(contact, "associatedcompanyid"))


def test_the_same_seed_and_time_give_the_same_portal(loaded: tuple[Portal, Loaded]) -> None:
    again, _ = load()

    assert again.dump() == loaded[0].dump()
