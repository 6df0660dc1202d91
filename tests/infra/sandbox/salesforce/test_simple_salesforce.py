"""A client of others drives the stand-in: it has its own idea of how Salesforce answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
import simple_salesforce
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce

from infra.sandbox.salesforce import StandIn
from tests.infra.sandbox.salesforce.conftest import deleted, person


class Loopback(HTTPAdapter):
    """The client knows no other scheme than https, and hosts of Salesforce to log in at."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request, *more, **options):
        request.url = self.url + request.path_url
        return super().send(request, *more, **options)


@pytest.fixture
def session(stand_in: StandIn) -> Iterator[requests.Session]:
    with requests.Session() as found:
        found.mount("https://", Loopback(stand_in.url))
        yield found


@pytest.fixture
def salesforce(stand_in: StandIn, session: requests.Session) -> Salesforce:
    client = stand_in.org.settings.client
    token, instance = simple_salesforce.SalesforceLogin(
        session=session,
        domain="northwind.my",
        consumer_key=client.key,
        consumer_secret=client.secret,
    )
    return Salesforce(instance=instance, session_id=token, version="66.0", session=session)


def test_a_wrong_secret_opens_nothing(stand_in: StandIn, session: requests.Session) -> None:
    with pytest.raises(simple_salesforce.SalesforceAuthenticationFailed, match="credentials"):
        simple_salesforce.SalesforceLogin(
            session=session,
            domain="northwind.my",
            consumer_key=stand_in.org.settings.client.key,
            consumer_secret="wrong",
        )


def test_queries_page_by_page(stand_in: StandIn, salesforce: Salesforce) -> None:
    names = [f"Name {n:04}" for n in range(2100)]
    for name in names:
        person(stand_in, name)

    found = salesforce.query("SELECT LastName FROM Contact ORDER BY LastName")
    assert (found["totalSize"], found["done"], len(found["records"])) == (2100, False, 2000)
    rest = salesforce.query_more(found["nextRecordsUrl"], identifier_is_url=True)
    assert [one["LastName"] for one in rest["records"]] == names[2000:]


def test_describes(salesforce: Salesforce) -> None:
    described = salesforce.Contact.describe()

    fields = {one["name"]: one for one in described["fields"]}
    assert fields["AccountId"]["referenceTo"] == ["Account"]
    assert fields["MasterRecordId"]["updateable"] is False
    assert "CurrencyIsoCode" not in fields
    assert {"Contact", "Lead"} <= {one["name"] for one in salesforce.describe()["sobjects"]}


def test_creates_reads_changes_and_deletes_a_row(salesforce: Salesforce) -> None:
    made = salesforce.Contact.create({"LastName": "Bergmann", "Email": "ines@example.com"})
    assert made == {"id": made["id"], "success": True, "errors": []}

    assert salesforce.Contact.update(made["id"], {"Title": "Buyer"}) == 204
    found = salesforce.Contact.get(made["id"])
    assert (found["Title"], found["Name"]) == ("Buyer", "Bergmann")

    assert salesforce.Contact.delete(made["id"]) == 204
    with pytest.raises(simple_salesforce.SalesforceResourceNotFound):
        salesforce.Contact.get(made["id"])
    gone = salesforce.query_all("SELECT Id FROM Contact WHERE IsDeleted = true", True)
    assert [one["Id"] for one in gone["records"]] == [made["id"]]


def test_what_is_wrong_with_a_query_is_told(salesforce: Salesforce) -> None:
    with pytest.raises(simple_salesforce.SalesforceMalformedRequest) as refused:
        salesforce.query("SELECT Id, Nope FROM Contact")

    assert refused.value.content[0]["errorCode"] == "INVALID_FIELD"


def test_a_bulk_query_comes_as_csv(stand_in: StandIn, salesforce: Salesforce) -> None:
    ids = [person(stand_in, f"Name {n}") for n in range(5)]

    query = "SELECT Id, LastName FROM Contact"
    parts = list(salesforce.bulk2.Contact.query(query, max_records=2, wait=0.05))

    lines = [line for part in parts for line in part.splitlines()]
    assert [line for line in lines if not line.startswith('"Id"')] == [
        f'"{one}","Name {n}"' for n, one in enumerate(ids)
    ]
    assert len(parts) == 3


def test_limits(salesforce: Salesforce) -> None:
    found = salesforce.limits()["DailyApiRequests"]

    assert found["Max"] - found["Remaining"] == 1
    assert salesforce.api_usage["api-usage"].used == 1


def test_collections_by_its_general_method(stand_in: StandIn, salesforce: Salesforce) -> None:
    one, other = person(stand_in), person(stand_in)
    deleted(stand_in, "Contact", other)
    records = [{"attributes": {"type": "Contact"}, "id": i, "Title": "CEO"} for i in (other, one)]

    answer = salesforce.restful(
        "composite/sobjects", method="PATCH", json={"allOrNone": False, "records": records}
    )

    assert [entry["success"] for entry in answer] == [False, True]
    assert answer[0]["errors"][0]["statusCode"] == "ENTITY_IS_DELETED"


def test_a_session_comes_to_its_end(stand_in: StandIn, salesforce: Salesforce) -> None:
    stand_in.clock.advance(timedelta(hours=3))

    with pytest.raises(simple_salesforce.SalesforceExpiredSession):
        salesforce.limits()
