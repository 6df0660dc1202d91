"""What only the stand-in has: people, admins and trouble over HTTP, and the page of a record."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from infra.sandbox.salesforce.acting import ActingStandIn, start
from infra.sandbox.salesforce.lineage import convert
from infra.sandbox.salesforce.records import PERSON
from infra.sandbox.stand_in import Deal, Person
from tests.infra.sandbox.salesforce.conftest import Api, person
from tests.infra.sandbox.salesforce.test_collections import codes


@pytest.fixture
def stand_in() -> Iterator[ActingStandIn]:
    with start() as running:
        yield running


def test_people_work_over_http(stand_in: ActingStandIn, api: Api) -> None:
    one, other = (
        api.control("POST", "records/Contact", {"LastName": name})["id"] for name in ("A", "B")
    )
    api.control("POST", f"records/Contact/{one}/merge", {"others": [other]})
    api.control("DELETE", f"records/Contact/{one}")
    api.control("POST", f"records/Contact/{one}/undelete")
    lead = api.control("POST", "records/Lead", {"LastName": "C", "Company": "D"})["id"]
    made = api.control("POST", f"leads/{lead}/convert", {"opportunity": "E"})
    api.control("POST", f"records/Contact/{other}/purge")

    assert stand_in.people.everybody() == [one, made["contact"]]


def test_admins_demand_hide_and_deploy(stand_in: ActingStandIn, api: Api) -> None:
    one = person(stand_in)
    row = {"id": one, "Title": "CEO"}

    rule = {"object": "Contact", "error_if": "Title = 'CEO'", "message": "No"}
    api.control("POST", "validation-rules", rule)
    assert codes(api.update(row).json()) == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"]
    api.control("DELETE", "rules")
    api.control("POST", "duplicate-rules", {"object": "Contact", "field": "Title"})
    api.control("PUT", f"approvals/{one}", {"pending": True})
    assert codes(api.update(row).json()) == ["ENTITY_IS_LOCKED"]
    api.control("PUT", f"approvals/{one}", {"pending": False})
    api.control("PUT", "access/Contact/Title", {"access": "none"})
    assert codes(api.update(row).json()) == ["INVALID_FIELD"]
    api.control("POST", "fields/Contact", {"name": "Plan__c", "access": "none"})
    assert codes(api.update({"id": one, "Plan__c": "x"}).json()) == ["INVALID_FIELD"]
    api.control("PUT", "access/Contact/Plan__c", {"access": "edit"})
    assert codes(api.update({"id": one, "Plan__c": "x"}).json()) == [""]


def test_a_rule_that_cannot_be_asked_is_refused(api: Api) -> None:
    rule = {"object": "Contact", "error_if": "Nope = 1", "message": "No"}
    answer = requests.post(f"{api.url}/_control/validation-rules", json=rule, timeout=5)

    assert answer.status_code == 400


def test_trouble_is_planned_over_http(stand_in: ActingStandIn, api: Api) -> None:
    one = person(stand_in)
    row = {"id": one, "Title": "CEO"}

    api.control("POST", f"locks/{one}", {"times": 1})
    api.control("POST", f"stumbles/{one}", {"code": "CANNOT_EXECUTE_FLOW_TRIGGER"})
    found = [codes(api.update(row).json())[0] for _ in range(3)]
    assert found == ["UNABLE_TO_LOCK_ROW", "CANNOT_EXECUTE_FLOW_TRIGGER", ""]
    api.control("DELETE", "session")
    assert api.update(row).status_code == 401
    api.log_in()
    api.control("PUT", "daily-requests", {"limit": 0})
    assert api.update(row).status_code == 403
    api.control("PUT", "daily-requests", {"limit": 10})
    api.control("POST", "faults", {"count": 1, "status": 503})
    assert api.update(row).status_code == 503
    assert api.control("POST", "flush?timeout=5") == {"idle": True}
    assert api.control("GET", "deliveries")["messages"] == []
    assert api.control("GET", "dump")["Contact"][0]["Title"] == "CEO"
    routes = api.control("GET", "requests?entries=no")["counts"]
    assert routes["PATCH /services/data/v{version}/composite/sobjects"] == 6


def test_the_page_of_a_record_shows_what_we_wrote(stand_in: ActingStandIn, api: Api) -> None:
    crm = stand_in.people
    company = crm.load_company("Blue Harbour", 50)
    ann = crm.load_person(Person("ann@example.com", "Buyer", ("<b>Ann</b>", "Lee")), company)
    crm.load_deal(ann, Deal("1234.5", "USD", "won", crm.now(), "Order"))
    state = f"{crm.record_url(ann)}/state"
    before = requests.get(state, timeout=5).json()
    api.update(
        {
            "id": ann,
            "Emtiaz_Score__c": 82,
            "Emtiaz_Why__c": "Bought 7 times +41 · Clicked an email +6",
            "Emtiaz_Tags__c": "class:A;vip",
        }
    )
    crm.set_title(ann, "CEO")

    page = requests.get(crm.record_url(ann), timeout=5).text
    listing = requests.get(f"{stand_in.url}/", timeout=5).text

    for text in ("&lt;b&gt;Ann", "Blue Harbour", "1,234.50 USD", "Closed Won", ">82<", "Class A"):
        assert text in page
    for text in ("Clicked an email +6", "vip", "CEO", "<b>Emtiaz</b>", "<b>A rep</b>"):
        assert text in page
    assert crm.record_url(ann).removeprefix(stand_in.url) in listing
    assert requests.get(state, timeout=5).json() != before
    assert "Close Date" in page
    assert ">CloseDate<" not in page


def test_leads_have_pages_until_they_are_converted(stand_in: ActingStandIn, api: Api) -> None:
    with stand_in.org.transaction(PERSON) as work:
        lead = {"LastName": "Bergmann", "Company": "Olmec Freight", "LeadSource": "Web"}
        ines = work.create("Lead", lead).id
    api.update({"type": "Lead", "id": ines, "Emtiaz_Score__c": 64})
    address = stand_in.people.record_url(ines)

    page = requests.get(address, timeout=5).text
    for text in ("Bergmann", "Olmec Freight", "<dt>Lead Source</dt>", ">64<"):
        assert text in page
    where = address.removeprefix(stand_in.url)
    assert where in requests.get(f"{stand_in.url}/", timeout=5).text
    assert requests.get(f"{address}/state", timeout=5).json()["version"]

    with stand_in.org.transaction(PERSON) as work:
        convert(work, ines)
    assert where not in requests.get(f"{stand_in.url}/", timeout=5).text
