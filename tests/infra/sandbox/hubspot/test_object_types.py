"""What is special about tickets, products, line items and feedback submissions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.portal import AppToken, Settings
from infra.sandbox.hubspot.records import DEALS, LINE_ITEMS
from tests.infra.sandbox.conftest import Receiver
from tests.infra.sandbox.hubspot.conftest import Api
from tests.infra.sandbox.hubspot.test_webhooks import configure, events


@pytest.fixture
def customer(api: Api) -> dict[str, str]:
    found = api.load(
        contacts=[{"firstname": "Alice"}],
        companies=[{"name": "Blue"}],
        deals=[{"dealname": "A"}, {"dealname": "B"}],
        tickets=[{"subject": "It is broken", "hs_pipeline_stage": "1"}],
        line_items=[{"name": "Record", "quantity": "2", "price": "10"}],
        feedback_submissions=[{"hs_survey_type": "NPS", "hs_value": "9"}],
        products=[{"name": "Record", "price": "10"}],
    )
    first = {kind: ids[0] for kind, ids in found.items() if ids}
    return first | {"other deal": found["deals"][1]}


def link(api: Api, start: tuple[str, str], stop: tuple[str, str]) -> None:
    api.control("POST", "load", {"associations": [{"from": start, "to": stop}]})


def type_ids(api: Api, start: str, stop: str, record_id: str) -> list[int]:
    path = f"/crm/associations/{{v}}/{start}/{stop}/batch/read"
    (result,) = api.post(path, {"inputs": [{"id": record_id}]}).json()["results"]
    return [spec["typeId"] for spec in result["to"][0]["associationTypes"]]


@pytest.mark.parametrize(
    ("name", "type_id"),
    [("tickets", "0-5"), ("products", "0-7"), ("line_items", "0-8"),
     ("feedback_submissions", "0-19")],
)  # fmt: skip
def test_every_kind_is_read_listed_searched_and_described(
    api: Api, customer: dict[str, str], name: str, type_id: str
) -> None:
    path = f"/crm/objects/{{v}}/{type_id}"
    inputs = {"inputs": [{"id": customer[name]}], "properties": ["hs_object_id"]}

    assert api.get(f"{path}/{customer[name]}").json()["id"] == customer[name]
    assert [one["id"] for one in api.get(path).json()["results"]] == [customer[name]]
    assert api.post(f"{path}/batch/read", inputs).json()["results"][0]["id"] == customer[name]
    assert api.post(f"{path}/search", {}).json()["total"] == 1
    properties = api.get(f"/crm/properties/{{v}}/{name}").json()["results"]
    assert {"hs_object_id", "createdate", "hs_lastmodifieddate"} < {
        one["name"] for one in properties
    }


@pytest.mark.parametrize(
    ("start", "stop", "there", "back"),
    [
        ("contacts", "tickets", 15, 16),
        ("companies", "tickets", 340, 339),
        ("deals", "tickets", 27, 28),
        ("deals", "line_items", 19, 20),
        ("contacts", "feedback_submissions", 97, 98),
        ("tickets", "feedback_submissions", 99, 100),
    ],
)
def test_kinds_are_associated_by_hubspots_numbers(
    api: Api, customer: dict[str, str], start: str, stop: str, there: int, back: int
) -> None:
    link(api, (start, customer[start]), (stop, customer[stop]))

    assert type_ids(api, start, stop, customer[start]) == [there]
    assert type_ids(api, stop, start, customer[stop]) == [back]


def test_a_line_item_belongs_to_one_deal(
    api: Api, stand_in: StandIn, customer: dict[str, str]
) -> None:
    line = "line_items", customer["line_items"]
    link(api, ("deals", customer["deals"]), line)
    link(api, line, ("deals", customer["deals"]))
    with pytest.raises(AssertionError, match="belongs to one deal"):
        link(api, ("deals", customer["other deal"]), line)

    (parent,) = stand_in.portal.linked(stand_in.portal.get(LINE_ITEMS, line[1]), DEALS)
    assert parent.id == customer["deals"]


def test_tickets_take_only_stages_of_their_pipeline_and_default_to_the_first(api: Api) -> None:
    def create(**properties: str) -> requests.Response:
        return api.post("/crm/objects/{v}/tickets", {"properties": properties})

    assert create(subject="A", hs_pipeline_stage="7800202").status_code == 400
    assert create(hs_pipeline="7800200", hs_pipeline_stage="7800202").status_code == 201
    assert create(hs_ticket_priority="WHENEVER").status_code == 400
    created = create(subject="A", hs_pipeline_stage="4").json()
    found = api.get(f"/crm/objects/{{v}}/tickets/{created['id']}").json()["properties"]
    assert (found["hs_pipeline"], found["hs_pipeline_stage"]) == ("0", "4")


def test_closed_ticket_stages_say_so(api: Api) -> None:
    pipelines = api.get("/crm/pipelines/{v}/tickets").json()["results"]
    closed = {
        stage["id"]
        for one in pipelines
        for stage in one["stages"]
        if stage["metadata"] == {"isClosed": "true", "ticketState": "CLOSED"}
    }

    assert closed == {"4", "7800202", "7800203"}
    assert api.get("/crm/pipelines/{v}/tickets/0").json() == pipelines[0]
    assert api.get("/crm/pipelines/{v}/products").json() == {"results": []}


def test_an_app_does_not_write_feedback(api: Api, customer: dict[str, str]) -> None:
    path, one = "/crm/objects/{v}/feedback_submissions", customer["feedback_submissions"]
    body = {"properties": {"hs_value": "1"}}

    answers = [
        api.post(path, body),
        api.patch(f"{path}/{one}", body),
        api.delete(f"{path}/{one}"),
        api.post(f"{path}/batch/update", {"inputs": [{"id": one, **body}]}),
    ]
    assert [answer.status_code for answer in answers] == [405] * 4
    assert api.get(f"{path}/{one}", properties="hs_value").json()["properties"]["hs_value"] == "9"


def test_rates_are_told_from_each_currency_to_the_home_one(api: Api) -> None:
    api.control("PUT", "exchange-rates/EUR", {"rate": "1.5"})

    (rate,) = api.get("/settings/currencies/{v}/exchange-rates/current").json()["results"]
    assert (rate["fromCurrencyCode"], rate["toCurrencyCode"]) == ("EUR", "USD")
    assert rate["conversionRate"] == 1.5
    assert api.get("/settings/currencies/{v}/company-currency").json()["id"] == "USD"
    for code, value in (("GBP", "1"), ("EUR", "zero"), ("EUR", "0")):
        with pytest.raises(AssertionError, match="VALIDATION_ERROR"):
            api.control("PUT", f"exchange-rates/{code}", {"rate": value})


@pytest.fixture
def scoped() -> Iterator[Api]:
    """Takes the scope for a token."""
    names = (
        "tickets", "e-commerce", "crm.objects.line_items.read", "settings.currencies.read",
        "crm.objects.feedback_submissions.read",
    )  # fmt: skip
    tokens = {name: AppToken(1, frozenset({name})) for name in names}
    with StandIn.start(settings=Settings(tokens=tokens)) as running, requests.Session() as session:
        yield Api(running.url, session)


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ("tickets", "/crm/objects/{v}/tickets"),
        ("tickets", "/crm/pipelines/{v}/tickets"),
        ("e-commerce", "/crm/objects/{v}/products"),
        ("e-commerce", "/crm/properties/{v}/line_items"),
        ("crm.objects.line_items.read", "/crm/objects/{v}/line_items"),
        ("crm.objects.feedback_submissions.read", "/crm/objects/{v}/feedback_submissions"),
        ("settings.currencies.read", "/settings/currencies/{v}/company-currency"),
    ],
)
def test_each_kind_needs_its_own_scope(scoped: Api, scope: str, path: str) -> None:
    scoped.session.headers["Authorization"] = f"Bearer {scope}"
    assert scoped.get(path).status_code == 200
    other = "e-commerce" if scope == "tickets" else "tickets"
    scoped.session.headers["Authorization"] = f"Bearer {other}"
    refused = scoped.get(path)
    assert refused.status_code == 403
    assert refused.json()["context"]["requiredGranularScopes"] == [scope]


def test_tickets_and_line_items_ring_like_deals(
    api: Api, receiver: Receiver, customer: dict[str, str]
) -> None:
    rows = [
        {"subscriptionType": "ticket.propertyChange", "propertyName": "hs_pipeline_stage"},
        {"subscriptionType": "line_item.propertyChange", "propertyName": "quantity"},
        {"subscriptionType": "line_item.associationChange"},
        {"subscriptionType": "deal.associationChange"},
        {"subscriptionType": "object.creation", "objectType": "product"},
    ]
    configure(api, receiver, subscriptions=rows)
    ticket, line = customer["tickets"], customer["line_items"]
    api.control("PATCH", f"records/tickets/{ticket}", {"properties": {"hs_pipeline_stage": "4"}})
    api.control("PATCH", f"records/line_items/{line}", {"properties": {"quantity": "3"}})
    ends = {"from": ["line_items", line], "to": ["deals", customer["deals"]]}
    api.control("POST", "associations", ends)
    api.control("POST", "records/products", {"properties": {"name": "Sleeve"}})

    found = [
        (one["subscriptionType"], one.get("associationType") or one["objectId"])
        for one in events(api, receiver)
    ]
    assert found[:-1] == [
        ("ticket.propertyChange", int(ticket)),
        ("line_item.propertyChange", int(line)),
        ("line_item.associationChange", "LINE_ITEM_TO_DEAL"),
        ("deal.associationChange", "DEAL_TO_LINE_ITEM"),
    ]
    assert found[-1][0] == "object.creation"


@pytest.mark.parametrize("name", ["product.associationChange", "feedback_submission.creation"])
def test_events_that_hubspot_lacks_are_refused(api: Api, name: str) -> None:
    with pytest.raises(AssertionError, match="no such event"):
        api.control("PUT", "webhooks", {"subscriptions": [{"subscriptionType": name}]})
