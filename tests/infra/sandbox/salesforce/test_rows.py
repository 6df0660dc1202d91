"""Single rows, what an org says of itself, and how much of it one may ask."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests

from infra.sandbox._serving.fault_plan import FaultPlan
from infra.sandbox._serving.faults import Fault
from infra.sandbox.salesforce import StandIn
from infra.sandbox.salesforce.acting import start
from infra.sandbox.salesforce.settings import Settings
from tests.infra.sandbox.salesforce.conftest import Api, deleted, made, person


def test_a_row_has_the_fields_that_were_asked_for(stand_in: StandIn, api: Api) -> None:
    one = person(stand_in, Email="ines@example.com")

    row = api.call("GET", f"/sobjects/Contact/{one[:15]}", params={"fields": "Email"}).json()

    assert (row["Id"], row["Email"], len(row)) == (one, "ines@example.com", 3)


def test_what_is_not_there_is_404_and_what_is_deleted_says_so(stand_in: StandIn, api: Api) -> None:
    one = person(stand_in)
    deleted(stand_in, "Contact", one)

    gone = api.call("GET", f"/sobjects/Contact/{one}")
    never = api.call("GET", "/sobjects/Contact/003Ws0000000zzzIAA")

    assert (gone.status_code, gone.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")
    assert (never.status_code, never.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    assert api.call("GET", "/sobjects/Nope/describe").status_code == 404


def test_a_task_is_made_for_somebody(stand_in: StandIn, api: Api) -> None:
    one = person(stand_in)
    task = {"Subject": "Call", "WhoId": one, "ActivityDate": "2026-12-24", "OwnerId": None}
    del task["OwnerId"]

    made_ = api.call("POST", "/sobjects/Task", json=task)
    dangling = api.call("POST", "/sobjects/Task", json=task | {"WhoId": "003Ws0000000zzzIAA"})

    assert made_.status_code == 201
    assert stand_in.org.value("Task", made_.json()["id"], "WhoId") == one
    assert dangling.json()[0]["errorCode"] == "INVALID_CROSS_REFERENCE_KEY"


def test_set_up_is_not_written(stand_in: StandIn, api: Api) -> None:
    user = next(iter(stand_in.org.living("User"))).id

    answer = api.call("PATCH", f"/sobjects/User/{user}", json={"FirstName": "X"})

    assert answer.json()[0]["errorCode"] == "INSUFFICIENT_ACCESS_OR_READONLY"


def test_an_org_names_its_currency_and_time_zone(api: Api) -> None:
    about = api.call("GET", "/connect/organization").json()
    (row,) = api.rows("SELECT Id, TimeZoneSidKey FROM Organization")

    assert about["features"] == {"defaultCurrencyIsoCode": "USD", "multiCurrency": False}
    assert (about["orgId"], about["userSettings"]["timeZone"]["name"]) == (
        row["Id"],
        row["TimeZoneSidKey"],
    )


def test_currencies_are_there_with_their_feature() -> None:
    with start() as stand_in, requests.Session() as session:
        api = Api(stand_in.url, session)
        api.log_in()
        rows = api.rows("SELECT IsoCode, ConversionRate, IsCorporate FROM CurrencyType")
        person(stand_in, CurrencyIsoCode="EUR")
        (one,) = api.rows("SELECT CurrencyIsoCode FROM Contact")

    assert [(one["IsoCode"], one["ConversionRate"]) for one in rows] == [("USD", 1), ("EUR", 0.8)]
    assert one["CurrencyIsoCode"] == "EUR"


@pytest.mark.parametrize(
    ("version", "status"), [("30.0", 410), ("60.0", 200), ("68.0", 200), ("69.0", 404)]
)
def test_old_versions_are_gone_and_new_ones_not_there_yet(
    api: Api, version: str, status: int
) -> None:
    answer = api.session.get(f"{api.url}/services/data/v{version}/limits", timeout=5)

    assert answer.status_code == status


def test_the_day_has_so_many_requests(stand_in: StandIn, api: Api) -> None:
    stand_in.quota.set(2)
    used = [api.call("GET", "/limits").headers["Sforce-Limit-Info"] for _ in range(2)]

    refused = api.call("GET", "/limits")

    assert used == ["api-usage=1/2", "api-usage=2/2"]
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert "Retry-After" not in refused.headers
    stand_in.clock.advance(timedelta(hours=24))
    api.log_in()
    assert api.call("GET", "/limits").status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "says"),
    [
        ("429", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("5xx", 503, "<h1>Down for Maintenance</h1>"),
        ("expired", 401, "INVALID_SESSION_ID"),
    ],
)
def test_faults_come_in_salesforces_words(
    stand_in: StandIn, api: Api, kind: str, status: int, says: str
) -> None:
    stand_in.faults.follow(FaultPlan(share=1, kinds=(kind,), routes=("/limits",), seed=3))

    answer = api.call("GET", "/limits")

    assert answer.status_code in {status, 502, 504}
    assert says in answer.text


def test_a_write_may_be_done_and_its_answer_lost(stand_in: StandIn, api: Api) -> None:
    one = person(stand_in)
    stand_in.faults.plan(Fault(count=1, status=502, route="composite/sobjects", applied=True))

    answer = api.update({"id": one, "Title": "CEO"})

    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert stand_in.org.value("Contact", one, "Title") == "CEO"


def test_an_outage_is_a_page_for_people(stand_in: StandIn, api: Api) -> None:
    stand_in.faults.outage()
    assert api.call("GET", "/limits").text.startswith("<!doctype html>")
    assert api.log_in().status_code == 503
    stand_in.faults.lift()
    assert api.call("GET", "/limits").status_code == 200


def test_the_log_names_kinds_and_not_ids(stand_in: StandIn, api: Api) -> None:
    api.call("GET", f"/sobjects/Contact/{person(stand_in)}")

    assert stand_in.requests.counts()["GET /services/data/v{version}/sobjects/Contact/{record_id}"]


def test_deletions_and_changes_of_a_span(stand_in: StandIn, api: Api) -> None:
    stays, goes = person(stand_in), person(stand_in)
    deleted(stand_in, "Contact", goes)
    now = stand_in.org.now()
    span = {
        "start": (now - timedelta(minutes=5)).isoformat(),
        "end": (now + timedelta(minutes=5)).isoformat(),
    }

    gone = api.call("GET", "/sobjects/Contact/deleted", params=span).json()
    there = api.call("GET", "/sobjects/Contact/updated", params=span).json()

    assert [one["id"] for one in gone["deletedRecords"]] == [goes]
    assert there["ids"] == [stays]


def test_a_bulk_query_takes_its_time_and_comes_in_parts(stand_in: StandIn, api: Api) -> None:
    acme = made(stand_in, "Account", Name='Acme "&" Sons')
    for n in range(3):
        person(stand_in, f"Name {n}", AccountId=acme if n else None)
    query = "SELECT LastName, Account.Name, HasOptedOutOfEmail FROM Contact"

    job = api.call("POST", "/jobs/query", json={"operation": "query", "query": query}).json()
    early = api.call("GET", f"/jobs/query/{job['id']}/results")
    states = [api.call("GET", f"/jobs/query/{job['id']}").json()["state"] for _ in range(3)]
    first = api.call("GET", f"/jobs/query/{job['id']}/results", params={"maxRecords": 2})
    locator = first.headers["Sforce-Locator"]
    rest = api.call("GET", f"/jobs/query/{job['id']}/results", params={"locator": locator})

    assert early.status_code == 400
    assert [job["state"], *states] == ["UploadComplete", "InProgress", "InProgress", "JobComplete"]
    assert first.text.splitlines() == [
        '"LastName","Account.Name","HasOptedOutOfEmail"',
        '"Name 0","","false"',
        '"Name 1","Acme ""&"" Sons","false"',
    ]
    assert rest.text.splitlines()[1:] == ['"Name 2","Acme ""&"" Sons","false"']
    assert (rest.headers["Sforce-Locator"], rest.headers["Sforce-NumberOfRecords"]) == ("null", "1")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT COUNT() FROM Contact",
        "SELECT Id FROM Contact OFFSET 5",
        "SELECT Id, (SELECT Id FROM Cases) FROM Contact",
    ],
)
def test_a_bulk_query_neither_counts_nor_nests(api: Api, query: str) -> None:
    answer = api.call("POST", "/jobs/query", json={"operation": "query", "query": query})

    assert answer.status_code == 400


def test_a_person_account_is_written_through_its_account() -> None:
    with StandIn.start(settings=Settings(person_accounts=True)) as stand_in:
        account = made(stand_in, "Account", LastName="Lee", PersonEmail="lee@example.com")
        with requests.Session() as session:
            api = Api(stand_in.url, session)
            api.log_in()
            (row,) = api.rows(
                "SELECT PersonContactId, IsPersonAccount, PersonContact.Email, Name FROM Account"
            )
            contact = row["PersonContactId"]
            refused, taken = (
                api.update({"id": one, kind: "CEO", "type": name}).json()[0]
                for one, kind, name in (
                    (contact, "Title", "Contact"),
                    (account, "PersonTitle", "Account"),
                )
            )
            title = stand_in.org.value("Contact", contact, "Title")

    assert (row["IsPersonAccount"], row["Name"]) == (True, "Lee")
    assert row["PersonContact"]["Email"] == "lee@example.com"
    assert refused["errors"][0]["statusCode"] == "INVALID_PERSON_ACCOUNT_OPERATION"
    assert (taken["success"], title) == (True, "CEO")
