"""Orders of the stand-in: drafts with products that are activated, where the feature is on."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from infra.sandbox.salesforce import StandIn
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.lineage import merge
from infra.sandbox.salesforce.records import PERSON
from infra.sandbox.salesforce.settings import Settings
from tests.infra.sandbox.salesforce.conftest import Api, changed, deleted, made, person


@pytest.fixture
def acme(stand_in: StandIn) -> str:
    return made(stand_in, "Account", Name="Acme")


@pytest.fixture
def ann(stand_in: StandIn, acme: str) -> str:
    return person(stand_in, AccountId=acme)


def draft(stand_in: StandIn, account: str, **fields: Any) -> str:
    return made(stand_in, "Order", AccountId=account, EffectiveDate="2026-03-10", **fields)


def sold(stand_in: StandIn, account: str, *prices: float, **fields: Any) -> str:
    order = draft(stand_in, account, **fields)
    for price in prices:
        made(stand_in, "OrderItem", OrderId=order, Quantity=2, UnitPrice=price)
    return order


def test_an_order_is_worth_what_its_products_are_and_is_activated(
    stand_in: StandIn, api: Api, acme: str, ann: str
) -> None:
    order = sold(stand_in, acme, 10.0, 2.5, BillToContactId=ann)
    changed(stand_in, "Order", order, Status="Activated")

    (row,) = api.rows(
        "SELECT StatusCode, TotalAmount, ActivatedDate, Account.Name FROM Order "
        f"WHERE StatusCode = 'Activated' AND BillToContactId IN ('{ann}')"
    )

    assert (row["StatusCode"], row["TotalAmount"]) == ("Activated", 25.0)
    assert row["ActivatedDate"]
    assert row["Account"]["Name"] == "Acme"
    rows = api.rows(f"SELECT TotalPrice FROM OrderItem WHERE OrderId = '{order}'")
    assert sorted(one["TotalPrice"] for one in rows) == [5.0, 20.0]


def test_a_draft_again_is_not_activated(stand_in: StandIn, api: Api, acme: str) -> None:
    order = sold(stand_in, acme, 10.0)
    changed(stand_in, "Order", order, Status="Activated")
    changed(stand_in, "Order", order, Status="Draft")

    (row,) = api.rows("SELECT StatusCode, ActivatedDate FROM Order")

    assert (row["StatusCode"], row["ActivatedDate"]) == ("Draft", None)


def test_what_may_not_become_of_an_order_is_refused(stand_in: StandIn, acme: str) -> None:
    with pytest.raises(ApiError, match="draft"):
        draft(stand_in, acme, Status="Activated")
    with pytest.raises(ApiError, match="product"):
        changed(stand_in, "Order", draft(stand_in, acme), Status="Activated")
    order = sold(stand_in, acme, 10.0)
    changed(stand_in, "Order", order, Status="Activated")
    with pytest.raises(ApiError, match="keeps its AccountId"):
        changed(stand_in, "Order", order, AccountId=made(stand_in, "Account", Name="Other"))
    with pytest.raises(ApiError, match="draft first"):
        deleted(stand_in, "Order", order)


def test_in_a_merge_orders_go_over(stand_in: StandIn, acme: str, ann: str) -> None:
    other = person(stand_in, "Lee", AccountId=acme)
    order = sold(stand_in, acme, 10.0, BillToContactId=ann)
    changed(stand_in, "Order", order, Status="Activated")

    with stand_in.org.transaction(PERSON) as work:
        merge(work, "Contact", other, [ann])

    assert stand_in.org.value("Order", order, "BillToContactId") == other


def test_without_the_feature_there_are_none() -> None:
    stand_in = StandIn.start(settings=Settings(orders=False))
    try:
        with requests.Session() as session:
            api = Api(stand_in.url, session)
            api.log_in()
            assert api.call("GET", "/sobjects/Order/describe").status_code == 404
            assert api.call("GET", "/sobjects/OrderItem/describe").status_code == 404
            answer = api.call("GET", "/query/?q=SELECT Id FROM Order")
            assert answer.json()[0]["errorCode"] == "INVALID_TYPE"
    finally:
        stand_in.stop()
